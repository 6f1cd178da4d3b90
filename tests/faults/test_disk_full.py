"""A disk without room: appends say so, nothing acknowledged is lost, serving goes on with room."""

import asyncio
import errno
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.cli.services import Running, running
from tests.faults.fleet import prepared
from tests.rights.people import register

SIZE_MIB = 320
PATIENCE_S = 90.0
ROUNDS_MAX = 400
SPARES_BYTES = {"the tables": 2**18, "the write-ahead log": 12 * 2**20}
"""What is left, by what then lacks room first: the log asks for 16 MiB at a time."""

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, small enough to be filled; a real one, in memory."""
    made = Path(tempfile.mkdtemp(prefix="faults-", dir="/tmp"))
    options = f"size={SIZE_MIB}m,mode=0711"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "ledger-small-disk", str(made)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        made.rmdir()
        pytest.skip("mounting a small file system takes a right that is not given here")
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(made)], check=False)
        shutil.rmtree(made, ignore_errors=True)


def fill(disk: Path, spare_bytes: int) -> Path:
    """Takes all room but a little, as somebody else's file would."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        while True:
            room = os.statvfs(disk)
            try:
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - spare_bytes)
            except OSError as fault:  # the service took some of it meanwhile
                if fault.errno != errno.ENOSPC:
                    raise
            else:
                return ballast


async def write(client: httpx.AsyncClient, person: str, evidence: str) -> httpx.Response:
    """One append of some size."""
    headers = {"idempotency-key": str(uuid4())}
    body = {
        "purpose": "network_exchange",
        "data": {"work.title": evidence},
        "source": "secretariat",
    }
    return await client.post(f"{person}/collections", json=body, headers=headers)


@pytest.mark.parametrize("spare_bytes", SPARES_BYTES.values(), ids=SPARES_BYTES.keys())
async def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    small_disk: Path, tmp_path: Path, spare_bytes: int
) -> None:
    """503 with Retry-After while there is no room; as before, by itself, when there is.

    Without room for its log PostgreSQL stops, and is started again until there is some.
    """
    home = small_disk / "var"
    variables = prepared(home)
    with running("serve", errors=tmp_path / "errors.log", **variables) as process:
        async with _caller(process, home) as client:
            person = await register(client, "network_exchange")
            ballast = fill(small_disk, spare_bytes)
            acknowledged, refused = await _until_refused(client, person)
            ballast.unlink()
            await _written_again(client, person)
            told = await _told(client, person)

    assert refused, "the disk was never full"
    assert {(one.status_code, one.json()["type"]) for one in refused} == {
        (503, "/problems/ledger-unavailable")
    }
    assert all(one.headers["retry-after"] for one in refused)
    assert acknowledged <= told


async def _until_refused(
    client: httpx.AsyncClient, person: str
) -> tuple[set[str], list[httpx.Response]]:
    """Appends until some are refused: the events of those that were not, and the refusals."""
    acknowledged: set[str] = set()
    refused: list[httpx.Response] = []
    for round_ in range(ROUNDS_MAX):
        answers = await asyncio.gather(
            *(write(client, person, f"{round_} {n} " + "x" * 150) for n in range(16))
        )
        for answer in answers:
            if answer.status_code == 201:
                acknowledged |= {one["event_id"] for one in answer.json()["events"]}
            else:
                refused.append(answer)
        if len(refused) > 16:
            break
    return acknowledged, refused


async def _written_again(client: httpx.AsyncClient, person: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (await write(client, person, "again")).status_code != 201:
        assert time.monotonic() < deadline, "appends did not come back with the room"
        await asyncio.sleep(0.2)


async def _told(client: httpx.AsyncClient, person: str) -> set[str]:
    """Every event of the person's timeline."""
    found: set[str] = set()
    query: dict[str, Any] = {"limit": 200}
    while True:
        answer = await client.get(
            f"{person}/events", params=query, headers={"purpose": "rights_requests"}
        )
        page = answer.json()
        found |= {one["event_id"] for one in page["items"]}
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def _caller(process: Running, home: Path) -> httpx.AsyncClient:
    async def stamped(request: httpx.Request) -> None:
        if request.method == "POST" and "idempotency-key" not in request.headers:
            request.headers["idempotency-key"] = str(uuid4())

    key = (home / "first-key").read_text().strip()
    return httpx.AsyncClient(
        base_url=process.welcome["url"],
        headers={"authorization": f"Bearer {key}"},
        timeout=PATIENCE_S,
        event_hooks={"request": [stamped]},
    )
