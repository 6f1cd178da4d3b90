"""Results wait in order and in little room; progress is told in numbers alone."""

import asyncio
import json
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.import_answer import BLOCK_SIZE, Backlog, Progress
from app.api.import_body import check_mapping
from app.propagation.mapping import compiled
from tests.conftest import ROOT
from tests.spec import POLICY


async def drained(backlog: Backlog) -> bytes:
    """Everything that is still to be sent."""
    taken = b""
    while (results := await backlog.take()) is not None:
        taken += results
    return taken


@given(st.lists(st.binary(min_size=1, max_size=BLOCK_SIZE), max_size=8))
def test_nothing_is_lost_and_the_order_stays(results: list[bytes]) -> None:
    async def sent() -> bytes:
        backlog = Backlog()
        for result in results:
            backlog.put(result)
        backlog.end()
        return await drained(backlog)

    assert asyncio.run(sent()) == b"".join(results)


def test_who_reads_as_results_come_gets_each_at_once() -> None:
    async def told() -> list[bytes | None]:
        backlog = Backlog()
        reading = asyncio.create_task(backlog.take())
        await asyncio.sleep(0)
        backlog.put(b"one\n")
        first = await reading
        backlog.end()
        return [first, await backlog.take()]

    assert asyncio.run(told()) == [b"one\n", None]


@pytest.mark.parametrize(
    ("size", "end", "left"), [(None, 500, None), (1000, 500, 10.0), (1000, 0, None), (9, 500, 0)]
)
def test_the_time_left_follows_from_the_bytes(
    size: int | None, end: int, left: float | None
) -> None:
    progress = Progress(began=100.0, size=size, told=100.0, lines=20, end=end)

    told = progress.value(110.0)

    assert told["seconds_left"] == left
    assert (told["lines_per_second"], told["seconds"]) == (2.0, 10.0)
    assert json.dumps(told)


def test_the_documented_mapping_fits_the_policy() -> None:
    page = (ROOT / "docs" / "imports.md").read_text()
    [block] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)

    mapping = compiled(tomllib.loads(block))
    check_mapping(mapping, POLICY)

    assert mapping.columns == {"Registered", "Name", "E-mail", "Newsletter"}
