"""A mapping says the line that each row means, and is refused whole when it cannot."""

import tomllib
from typing import Any

import pytest

from app.propagation.mapping import CellUnreadable, MappingInvalid, compiled

COLUMNS = ("Name", "E-mail", "Date", "Kind")
MARKER = "qxzjannaberg"


def mapping(text: str) -> dict[str, Any]:
    """A mapping as a file has it."""
    return tomllib.loads(text)


def line(text: str, *cells: str) -> dict[str, Any]:
    """The line that the cells mean."""
    return compiled(mapping(text)).bound(COLUMNS).line(cells)


PEOPLE = """
ignore = ["*"]
source = "azavista"
[[obtained]]
purpose = "network_exchange"
data = { "contact.name" = { column = "Name" }, "contact.email" = { column = "E-mail" } }
"""


def test_columns_take_the_place_of_values_and_texts_stay() -> None:
    assert line(PEOPLE, " Åsa ", "asa@stad.example", "", "") == {
        "source": "azavista",
        "obtained": [
            {
                "purpose": "network_exchange",
                "data": {"contact.name": "Åsa", "contact.email": "asa@stad.example"},
            }
        ],
    }


def test_an_empty_cell_leaves_out_its_value_and_whatever_consists_of_such() -> None:
    more = """
    [[obtained]]
    purpose = "event_logistics"
    data = { "work.title" = { column = "Kind" } }
    [[consents]]
    purpose = { column = "Kind", values = { yes = "newsletter", no = "" } }
    evidence = "list of 2026"
    [notice]
    policy = "impel-1"
    """

    filled = line(PEOPLE + more, "Åsa", " ", "", "yes")
    bare = line(PEOPLE + more, "Åsa", "", "", "")

    assert filled["obtained"][0]["data"] == {"contact.name": "Åsa"}
    assert filled["obtained"][1]["data"] == {"work.title": "yes"}
    assert filled["consents"] == [{"purpose": "newsletter", "evidence": "list of 2026"}]
    assert len(bare["obtained"]) == 1
    assert bare["consents"] == []
    assert bare["notice"] == {"policy": "impel-1"}
    assert line(PEOPLE + more, "Åsa", "", "", "no")["consents"] == []


@pytest.mark.parametrize(
    ("members", "cell", "expected"),
    [
        ('date = "%d.%m.%Y"', "01.02.2026", "2026-02-01"),
        ('date = "%m/%d/%y"', "02/01/26", "2026-02-01"),
        (
            'date = "%d.%m.%Y %H:%M", zone = "Europe/Stockholm"',
            "01.07.2026 10:00",
            "2026-07-01T08:00:00+00:00",
        ),
        (
            'date = "%d.%m.%Y", zone = "Europe/Stockholm"',
            "01.07.2026",
            "2026-06-30T22:00:00+00:00",
        ),
        (
            'date = "%Y-%m-%dT%H:%M:%S%z"',
            "2026-07-01T10:00:00+02:00",
            "2026-07-01T08:00:00+00:00",
        ),
        ("values = { Sverige = 'SE' }", "Sverige", "SE"),
        ("values = { Sverige = 'SE' }, others = 'keep'", "NO", "NO"),
    ],
)
def test_dates_and_values_are_translated(members: str, cell: str, expected: str) -> None:
    text = f'source = "x"\nignore = ["*"]\noccurred_at = {{ column = "Date", {members} }}'

    assert line(text, "", "", cell, "")["occurred_at"] == expected


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ('date = "%d.%m.%Y"', "date-unreadable"),
        ('date = "%d.%m.%Y", zone = "Europe/Stockholm"', "date-unreadable"),
        ("values = { a = 'b' }", "value-unlisted"),
    ],
)
def test_a_cell_that_cannot_be_translated_is_told_by_its_column(members: str, code: str) -> None:
    text = f'source = "x"\nignore = ["*"]\noccurred_at = {{ column = "Date", {members} }}'

    with pytest.raises(CellUnreadable) as unreadable:
        line(text, "", "", MARKER, "")

    assert (unreadable.value.code, unreadable.value.column) == (code, 3)
    assert unreadable.value.__context__ is None
    assert MARKER not in repr(unreadable.value)


def test_a_value_out_of_the_list_can_be_left_out() -> None:
    text = (
        'ignore = ["*"]\nregion = { column = "Kind", values = { a = "SE" }, others = "leave-out" }'
    )

    assert line(text, "", "", "", "z") == {}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ('source = "azavista"', "no-column", ()),
        ('delimiter = ";;"\nregion = { column = "Kind" }', "delimiter-malformed", ("delimiter",)),
        ('delimiter = "a"\nregion = { column = "Kind" }', "delimiter-malformed", ("delimiter",)),
        ('ignore = "Notes"\nregion = { column = "Kind" }', "ignore-malformed", ("ignore",)),
        ("region = { column = 3 }", "cell-malformed", ("region",)),
        ('region = { column = "Kind", else = "SE" }', "cell-malformed", ("region",)),
        ('region = { column = "Kind", others = "keep" }', "cell-malformed", ("region",)),
        ('region = { column = "Kind", date = "%d %B" }', "date-format", ("region",)),
        ('region = { column = "Kind", date = "%d.%m" }', "date-format", ("region",)),
        (
            'region = { column = "Kind", date = "%Y%m%d", zone = "Mars" }',
            "zone-unknown",
            ("region",),
        ),
        ('region = { column = "Kind", zone = "UTC" }', "zone-unknown", ("region",)),
        ('region = { column = "Kind", date = "%Y%m%d%H" }', "zone-missing", ("region",)),
        ('region = { column = "Kind", values = ["a"] }', "values-malformed", ("region",)),
        ('region = { column = "Kind", values = { a = 1 } }', "values-malformed", ("region",)),
        (
            'region = { column = "Kind", values = { a = "b" }, others = "x" }',
            "values-malformed",
            ("region",),
        ),
        (
            PEOPLE + PEOPLE[PEOPLE.index("[[") :],
            "target-twice",
            ("obtained", 1, "data", 0),
        ),
    ],
)
def test_a_misshapen_mapping_is_told_by_its_place(
    text: str, code: str, place: tuple[str | int, ...]
) -> None:
    with pytest.raises(MappingInvalid) as invalid:
        compiled(mapping(text))

    assert (invalid.value.flaws[0].code, invalid.value.flaws[0].place) == (code, place)


def test_every_column_is_there_once_and_none_is_passed_over_unsaid() -> None:
    text = PEOPLE.replace('ignore = ["*"]', 'ignore = ["Kind"]')

    with pytest.raises(MappingInvalid) as invalid:
        compiled(mapping(text)).bound(("Name", "Name", MARKER, "", "Kind"))

    assert [(one.code, one.place, one.column) for one in invalid.value.flaws] == [
        ("column-missing", ("obtained", 0, "data", 1), None),
        ("column-twice", (), 2),
        ("column-unmapped", (), 3),
    ]
    assert MARKER not in repr(invalid.value)


BY_THE_CLOCK = 'date = "%d.%m.%Y %H:%M", zone = "Europe/Brussels"'
WITH_OFFSET = 'date = "%d.%m.%Y %H:%M%z"'


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("29.03.2026 01:59", "2026-03-29T00:59:00+00:00"),
        ("29.03.2026 02:30", None),
        ("29.03.2026 03:00", "2026-03-29T01:00:00+00:00"),
        ("25.10.2026 01:59", "2026-10-24T23:59:00+00:00"),
        ("25.10.2026 02:30", None),
        ("25.10.2026 03:00", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_an_hour_that_is_missing_or_comes_twice_is_not_guessed(
    cell: str, expected: str | None
) -> None:
    """With its offset it is one moment."""
    text = 'source = "x"\nignore = ["*"]\noccurred_at = {{ column = "Date", {} }}'
    if expected is not None:
        assert line(text.format(BY_THE_CLOCK), "", "", cell, "")["occurred_at"] == expected
        return
    with pytest.raises(CellUnreadable) as unreadable:
        line(text.format(BY_THE_CLOCK), "", "", cell, "")
    sure = line(text.format(WITH_OFFSET), "", "", f"{cell}+0200", "")

    assert (unreadable.value.code, unreadable.value.column) == ("hour-unsure", 3)
    assert sure["occurred_at"].endswith("T00:30:00+00:00")
