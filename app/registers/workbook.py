"""Rows as a spreadsheet (Office Open XML), made in memory: nothing of it ever touches a disk.

Every text is written as a text cell, so that no value becomes a formula, a link or a number.
XlsxWriter's `constant_memory` and openpyxl in every mode go through a temporary file; `in_memory`
does not, and a cap on the rows bounds what it takes.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import xlsxwriter

from app.documents.delimited import text_of
from app.domain.decider import Refusal
from app.registers.table import Row

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_MAX = 10_000
CELL_LENGTH_MAX = 32_767
COLUMN_WIDTH = 24

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class ExportTooLarge(Refusal):
    """A spreadsheet is made in memory; what does not fit is fetched as a stream of CSV."""

    code = "export-too-large"
    rules = ("A15",)


def workbook(
    rows: Iterable[Row], names: Sequence[str], *, headings: Sequence[str], title: str
) -> bytes:
    """One sheet, its headings frozen; ExportTooLarge when a row or a cell is too many."""
    made = BytesIO()
    book: Any = xlsxwriter.Workbook(made, _OPTIONS)  # Any: the package has no types
    sheet = book.add_worksheet(title[:31])
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(names) - 1, 0), COLUMN_WIDTH)
    bold = book.add_format({"bold": True})
    for column, text in enumerate(headings):
        sheet.write_string(0, column, text, bold)
    for number, row in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise ExportTooLarge(rows_max=ROWS_MAX)
        for column, name in enumerate(names):
            _write(sheet, (number, column), row.get(name))
    book.close()
    return made.getvalue()


def _write(sheet: Any, place: tuple[int, int], value: Any) -> None:
    if value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        sheet.write_number(*place, value)
        return
    text = text_of(value)
    if len(text) > CELL_LENGTH_MAX:
        raise ExportTooLarge(cell_length_max=CELL_LENGTH_MAX)
    sheet.write_string(*place, text)
