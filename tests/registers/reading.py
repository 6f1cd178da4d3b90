"""Reading registers as a caller does."""

import csv
from io import BytesIO, StringIO
from typing import Any

import httpx
import openpyxl

from app.service import Service

Value = dict[str, Any]


async def rows(caller: httpx.AsyncClient, service: Service, path: str, **query: Any) -> list[Value]:
    """Every row, page by page, of a register that knows what has been written so far."""
    query.setdefault("min_position", await service.store.head_position())
    found: list[Value] = []
    while True:
        body = await page(caller, path, **query)
        found += body["items"]
        if body["next"] is None:
            return found
        query["cursor"] = body["next"]


async def page(caller: httpx.AsyncClient, path: str, **query: Any) -> Value:
    """One page."""
    answer = await caller.get(path, params=query)
    assert answer.status_code == 200, answer.text
    body: Value = answer.json()
    return body


async def refused(caller: httpx.AsyncClient, path: str, **query: Any) -> tuple[int, str]:
    """Status and type of the problem."""
    answer = await caller.get(path, params=query)
    return answer.status_code, str(answer.json()["type"]).removeprefix("/problems/")


async def table(caller: httpx.AsyncClient, path: str, **query: Any) -> list[list[str]]:
    """The CSV, headings first."""
    answer = await caller.get(path, params={**query, "format": "csv"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(StringIO(answer.text.removeprefix("\ufeff"), newline="")))


async def sheet(caller: httpx.AsyncClient, path: str, **query: Any) -> list[list[Any]]:
    """The spreadsheet, headings first; no cell of it may be a formula."""
    answer = await caller.get(path, params={**query, "format": "xlsx"})
    assert answer.status_code == 200, answer.text
    active = openpyxl.load_workbook(BytesIO(answer.content)).active
    cells = list(active.iter_rows())
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n"}
    return [[cell.value for cell in row] for row in cells]
