"""Cuts what streams in into lines, or into rows of a table (RFC 4180), in constant memory.

Where quotes leave it unclear where a row ends, nothing is guessed: a cut in the wrong place would
make one person's data another's. What follows is then not read at all.
"""

import contextlib
import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
DELIMITERS: Final = (",", ";", "\t", "|")
ROW_LINES_MAX: Final = 200
"""Lines of text that one row may go over, in a quoted cell."""


class Flaw(StrEnum):
    """Why a piece cannot be read: the whole of what may be told of it."""

    TOO_LONG = "too-long"
    QUOTES = "quotes"
    COLUMNS = "columns"
    NUL = "nul"
    ENCODING = "encoding"
    EMPTY = "empty"
    DELIMITER = "delimiter"


class Unreadable(Exception):
    """A row or a table that cannot be read. Holds nothing of it."""

    def __init__(
        self, flaw: Flaw, *, expected: int | None = None, found: int | None = None
    ) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw
        self.expected = expected
        self.found = found
        """Columns, where their number is the flaw."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line or a row as it came, without its end."""

    number: int
    text: bytes = field(repr=False)
    end: int
    """Bytes of the stream up to its end."""
    flaw: Flaw | None = None
    """Set on the last piece when nothing after it can be cut."""


class Cutter:
    """Cuts one stream. Blank lines are counted and passed over."""

    def __init__(self, *, first: int, size_max: int, quoted: bool, began: int = 0) -> None:
        """``quoted``: a line end within quotes ends no row; ``began`` bytes into the stream.

        Without quotes a line that is too long is passed over; with them nobody can say where the
        next row begins, and the cutting ends.
        """
        self._number = first - 1
        self._size_max = size_max
        self._quoted = quoted
        self._end = began
        self._rest = b""
        self._held: list[bytes] = []
        self._held_size = 0
        self._passing_over = False
        self.broken = False
        """Whether the cutting ended before the stream did."""

    @property
    def passed(self) -> int:
        """How many pieces were cut, blank ones included."""
        return self._number

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The pieces that the chunk completes."""
        if self._passing_over:
            passed, found, rest = chunk.partition(b"\n")
            self._end += len(passed) + len(found)
            self._passing_over, chunk = not found, rest
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if self.broken:
                return
            yield from self._line(line, ended_by=1)
        if not self.broken and self._held_size + len(self._rest) > self._size_max:
            if self._quoted:
                yield self._give_up(Flaw.QUOTES if self._held else Flaw.TOO_LONG)
            else:
                self._end += len(self._rest)
                self._passing_over, self._rest = True, b""
                yield self._too_long()

    def finish(self) -> Iterator[Piece]:
        """The last piece, when its line was not ended; or that its quotes never closed."""
        rest, self._rest = self._rest, b""
        if rest and not self.broken:
            yield from self._line(rest, ended_by=0)
        if self._held and not self.broken:
            yield self._give_up(Flaw.QUOTES)

    def _line(self, line: bytes, *, ended_by: int) -> Iterator[Piece]:
        self._end += len(line) + ended_by
        if self._quoted and (self._held or b'"' in line):
            # A doubled quote within quotes leaves their number even, as a closed one does.
            odd = line.count(b'"') % 2 == 1
            self._held.append(line)
            self._held_size += len(line) + 1
            if odd == (len(self._held) == 1):  # still open at the end of this line
                if len(self._held) >= ROW_LINES_MAX or self._held_size > self._size_max:
                    yield self._give_up(Flaw.QUOTES)
                return
            line = b"\n".join(self._held)
            self._held, self._held_size = [], 0
        if len(line) > self._size_max:
            yield self._give_up(Flaw.TOO_LONG) if self._quoted else self._too_long()
            return
        self._number += 1
        if line.strip():
            yield Piece(self._number, line, self._end)

    def _too_long(self) -> Piece:
        self._number += 1
        return Piece(self._number, b"", self._end, Flaw.TOO_LONG)

    def _give_up(self, flaw: Flaw) -> Piece:
        self.broken = True
        self._rest, self._held = b"", []
        return Piece(self._number + 1, b"", self._end, flaw)


@dataclass(frozen=True, slots=True)
class Table:
    """How the rows of one table are read."""

    delimiter: str
    columns: tuple[str, ...] = field(repr=False)
    """The cells of its first row."""

    def cells(self, row: bytes) -> list[str]:
        """The cells of a row, as many as there are columns; Unreadable otherwise."""
        cells = cells_of(_decoded(row), self.delimiter)
        if len(cells) != len(self.columns):
            raise Unreadable(Flaw.COLUMNS, expected=len(self.columns), found=len(cells))
        return cells


def opened(head: bytes, wanted: Collection[str], delimiter: str | None) -> Table:
    """The table that begins with this row; Unreadable when it cannot be read as one.

    Without a named delimiter, the one that brings forth every wanted column. When none does, the
    one that brings forth most: which are missing is for the caller to say.
    """
    text = _decoded(head.removeprefix(BYTE_ORDER_MARK))
    if not text.strip():
        raise Unreadable(Flaw.EMPTY)
    if delimiter is not None:
        return Table(delimiter, _names(text, delimiter))
    found = {_names(text, one): one for one in reversed(DELIMITERS)}
    fitting = {columns: len(set(wanted).intersection(columns)) for columns in found}
    best = [columns for columns, count in fitting.items() if count == max(fitting.values())]
    if len(best) > 1:
        raise Unreadable(Flaw.DELIMITER)
    return Table(found[best[0]], best[0])


def _names(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(name.strip() for name in cells_of(text, delimiter))
    except Unreadable:
        return ()


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of one row, strictly: a quote that is opened is closed at the end of its cell."""
    if '"' not in text and "\r" not in text[:-1]:
        return text.removesuffix("\r").split(delimiter)
    cells: list[str] | None = None
    with contextlib.suppress(csv.Error, ValueError):
        [cells] = csv.reader([text], delimiter=delimiter, strict=True)
    if cells is None:  # raised outside the handlers: their exceptions quote the row
        raise Unreadable(Flaw.QUOTES)
    return cells


def _decoded(row: bytes) -> str:
    text = None
    with contextlib.suppress(UnicodeDecodeError):
        text = row.decode("utf-8")
    if b"\x00" in row:
        raise Unreadable(Flaw.NUL)
    if text is None:
        raise Unreadable(Flaw.ENCODING)
    return text
