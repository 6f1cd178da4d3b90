"""What is cut is what was written, however it arrives; what cannot be cut for certain is not."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.propagation.tables import (
    BYTE_ORDER_MARK,
    DELIMITERS,
    ROW_LINES_MAX,
    Cutter,
    Flaw,
    Piece,
    Table,
    Unreadable,
    cells_of,
    opened,
)

MARKER = "qxzjannaberg"
SIZE_MAX = 500

CELLS = st.text(st.sampled_from('ab;,"\r\n\t| öж'), max_size=12)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def cut(
    text: bytes, sizes: list[int], *, quoted: bool = True, size_max: int = SIZE_MAX
) -> list[Piece]:
    """The pieces of a stream that comes in chunks of these sizes, over and over."""
    cutter, turn = Cutter(first=1, size_max=size_max, quoted=quoted), 0
    pieces: list[Piece] = []
    while text:
        size = sizes[turn % len(sizes)]
        pieces += cutter.feed(text[:size])
        text, turn = text[size:], turn + 1
    return [*pieces, *cutter.finish()]


@given(TABLES, st.sampled_from(DELIMITERS), st.sampled_from(["\n", "\r\n"]), CUTS)
def test_a_table_is_read_as_the_standard_library_wrote_it(
    rows: list[list[str]], delimiter: str, line_end: str, sizes: list[int]
) -> None:
    written = io.StringIO()
    writer = csv.writer(
        written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL
    )
    writer.writerows(rows)

    pieces = cut(written.getvalue().encode(), sizes, size_max=10_000)

    assert [cells_of(piece.text.decode(), delimiter) for piece in pieces] == rows
    assert [piece.number for piece in pieces] == list(range(1, len(rows) + 1))
    assert pieces[-1].end == len(written.getvalue().encode())


@given(st.binary(max_size=400), CUTS, st.booleans())
def test_the_cut_does_not_depend_on_how_the_bytes_arrive(
    text: bytes, sizes: list[int], quoted: bool
) -> None:
    at_once = cut(text, [len(text) or 1], quoted=quoted, size_max=100)
    in_parts = cut(text, sizes, quoted=quoted, size_max=100)

    assert [(one.number, one.text, one.flaw) for one in in_parts] == [
        (one.number, one.text, one.flaw) for one in at_once
    ]


@given(st.binary(max_size=300), CUTS)
def test_lines_are_cut_at_line_feeds_alone(text: bytes, sizes: list[int]) -> None:
    pieces = cut(text, sizes, quoted=False)

    expected = {n: line for n, line in enumerate(text.split(b"\n"), 1) if line.strip()}
    assert {piece.number: piece.text for piece in pieces} == expected


@given(st.binary(max_size=300), CUTS)
def test_a_line_too_long_is_passed_over_where_nothing_is_quoted(
    text: bytes, sizes: list[int]
) -> None:
    lines = [b"a" * 9, text.replace(b"a", b"\n"), b"b" * 30, b"c" * 9]
    pieces = cut(b"\n".join(lines), sizes, quoted=False, size_max=20)

    expected = [
        (number, line if len(line) <= 20 else b"")
        for number, line in enumerate(b"\n".join(lines).split(b"\n"), 1)
        if line.strip() or len(line) > 20
    ]
    assert [(one.number, one.text) for one in pieces] == expected
    assert all((one.flaw is Flaw.TOO_LONG) == (one.text == b"") for one in pieces)
    assert pieces[-1].end == len(b"\n".join(lines))


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (b'a,"b\n' * 1, Flaw.QUOTES),
        (b'a,"' + b"b\n" * (ROW_LINES_MAX + 1), Flaw.QUOTES),
        (b'a,"' + b"b" * (SIZE_MAX + 1), Flaw.TOO_LONG),
        (b'a,"b\n' + b"b" * (SIZE_MAX + 1), Flaw.QUOTES),
        (b"a" * (SIZE_MAX + 1), Flaw.TOO_LONG),
        (b"a" * (SIZE_MAX + 1) + b"\n", Flaw.TOO_LONG),
    ],
)
def test_where_no_cut_is_certain_the_cutting_ends(text: bytes, flaw: Flaw) -> None:
    first, last = cut(b"x,y\n" + text, [7])

    assert first.flaw is None
    assert (last.number, last.text, last.flaw) == (2, b"", flaw)


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        (b"a", Flaw.COLUMNS),
        (b"a;b;c", Flaw.COLUMNS),
        (b'"a" b;c', Flaw.QUOTES),
        (b'"a;b', Flaw.QUOTES),
        (b'a";"b', Flaw.QUOTES),
        (b"a\rb;c", Flaw.QUOTES),
        (b"a\x00;b", Flaw.NUL),
        (b"\xff\xfea\x00;\x00b\x00", Flaw.NUL),
        ("ö;b".encode("latin-1"), Flaw.ENCODING),
    ],
)
def test_an_unreadable_row_tells_its_flaw_and_nothing_of_itself(row: bytes, flaw: Flaw) -> None:
    table = Table(";", ("A", "B"))

    with pytest.raises(Unreadable) as unreadable:
        table.cells(MARKER.encode() + row if flaw is not Flaw.QUOTES else row)

    assert unreadable.value.flaw is flaw
    assert MARKER not in f"{unreadable.value!r} {unreadable.value.__context__!r}"


def test_a_table_hides_the_names_of_its_columns() -> None:
    assert MARKER not in repr(Table(";", (MARKER,)))


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
def test_the_delimiter_is_the_one_that_brings_forth_the_columns(
    delimiter: str, mark: bytes
) -> None:
    head = mark + delimiter.join(["Name", ' "E-mail, private; home" '.strip(), "Äge"]).encode()

    table = opened(head, {"Name", "E-mail, private; home"}, None)

    assert (table.delimiter, table.columns) == (
        delimiter,
        ("Name", "E-mail, private; home", "Äge"),
    )


@pytest.mark.parametrize(
    ("head", "wanted", "flaw"),
    [
        (b"", {"A"}, Flaw.EMPTY),
        (BYTE_ORDER_MARK + b"  ", {"A"}, Flaw.EMPTY),
        (b"A;B,C", {"Z"}, Flaw.DELIMITER),
        (b"\xff\xfeA\x00", {"A"}, Flaw.NUL),
        ("Ä;B".encode("latin-1"), {"B"}, Flaw.ENCODING),
    ],
)
def test_what_is_no_table_is_told_before_anything_is_read(
    head: bytes, wanted: set[str], flaw: Flaw
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        opened(head, wanted, None)

    assert unreadable.value.flaw is flaw


def test_a_single_column_needs_no_delimiter() -> None:
    assert opened(b"E-mail\r", {"E-mail"}, None) == Table(",", ("E-mail",))
