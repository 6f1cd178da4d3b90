"""CSV that runs nothing, and spreadsheets in which every text is a text (ASVS 1.2.10, L49)."""

import csv
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.delimited import heading, lines
from app.registers.table import ColumnUnknown, columns
from app.registers.workbook import CELL_LENGTH_MAX, ROWS_MAX, ExportTooLarge, workbook

HOSTILE = (
    "=1+1",
    "+32470123456",
    "-2+3",
    "@SUM(A1)",
    "\t=cmd",
    '=HYPERLINK("http://attacker.example","x")',
    "https://attacker.example/",
    "\uff1d1+1",
    "\uff20SUM(A1)",
    "0012",
    "1e9",
    " leading and trailing ",
    "_x0041_",
    'Zoë Ångström, "the" O\'Brien',
    "two\nlines",
)
RUN = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
NAMES = ("number", "text", "moment", "day", "id", "words", "nothing", "truth")
ROW = {
    "number": -7,
    "moment": datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC),
    "day": date(2026, 11, 22),
    "id": UUID("6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10"),
    "words": ["contact.email", "=contact.name"],
    "truth": True,
}


@pytest.mark.clause("L49")
def test_hostile_values_come_back_from_a_spreadsheet_as_the_texts_that_they_were() -> None:
    rows = [{**ROW, "text": text} for text in HOSTILE]

    made = workbook(rows, NAMES, headings=NAMES, title="hostile")
    sheet = openpyxl.load_workbook(BytesIO(made)).active
    assert sheet is not None
    read = list(sheet.iter_rows())

    assert [cell.value for cell in read[0]] == list(NAMES)
    assert tuple(row[1].value for row in read[1:]) == HOSTILE
    assert {cell.data_type for row in read for cell in row} <= {"s", "n"}
    assert {row[0].value for row in read[1:]} == {-7}
    assert read[1][5].value == "contact.email; =contact.name"
    assert all(cell.hyperlink is None for row in read for cell in row)
    assert [read[1][place].value for place in (2, 3, 7)] == [
        "2026-11-22T10:00:00.000001Z",
        "2026-11-22",
        "true",
    ]


@pytest.mark.clause("L49")
def test_no_cell_of_a_csv_begins_like_a_formula() -> None:
    rows = [{**ROW, "text": text} for text in HOSTILE]

    text = (heading(NAMES) + lines(rows, NAMES)).decode()
    read = list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))

    assert text.startswith("\ufeffnumber,text")
    assert read[0] == list(NAMES)
    assert [row[0] for row in read[1:]] == ["-7"] * len(HOSTILE)
    assert [row[1].removeprefix("'") for row in read[1:]] == list(HOSTILE)
    assert not [row[1] for row in read[1:] if row[1].startswith(RUN)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))))
def test_every_text_survives_the_csv_but_for_the_apostrophe(texts: list[str]) -> None:
    rows = [{"text": text, "last": "x"} for text in texts]

    written = lines(rows, ("text", "last")).decode()
    read = list(csv.reader(StringIO(written, newline="")))

    assert [row[0] for row in read] == [
        f"'{text}" if text.startswith(RUN) else text for text in texts
    ]


def test_what_does_not_fit_into_a_spreadsheet_is_refused_and_not_cut() -> None:
    many = [{"text": "x"}] * (ROWS_MAX + 1)
    long = {"text": "x" * (CELL_LENGTH_MAX + 1)}

    with pytest.raises(ExportTooLarge):
        workbook([long], ("text",), headings=("text",), title="long")
    with pytest.raises(ExportTooLarge):
        workbook(many, ("text",), headings=("text",), title="many")


def test_columns_are_chosen_by_name_in_the_order_of_the_register() -> None:
    some = columns(first="One.", second="Two.", third="Three.")

    assert some.chosen([]) == ("first", "second", "third")
    assert some.chosen(["third", "first"]) == ("first", "third")
    with pytest.raises(ColumnUnknown) as refused:
        some.chosen(["=fourth"])
    assert refused.value.facts == {"columns": ("first", "second", "third")}
