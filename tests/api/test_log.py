"""The log over HTTP, verified by a second implementation that knows only the specifications."""

from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.auth import Scope
from app.service import Service
from app.store.connection import connect
from app.store.integrator import Integrator
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.conftest import Database
from tests.rights.people import register
from tests.serving import Api
from tests.store.leaves import grow
from tests.tlog import reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORIGIN = "ledger.example/log"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
Integrate = Callable[[], Awaitable[int]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def integrate(
    shared_service: Service, module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Integrate]:
    """Integrates what was appended; answers the size of the tree."""
    connection = await connect(module_database.dsn("ledger_integrator"))

    async def connected() -> "asyncpg.Connection[Any]":
        return connection

    memory = SignedHeadFile(tmp_path_factory.mktemp("keys") / "checkpoint.signed")
    one = Integrator(connected, Signer(b"\x07" * 32), memory, origin=ORIGIN)

    async def catch_up() -> int:
        while (done := await one.integrate(connection)).entries:
            pass
        return done.size

    yield catch_up
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(shared_api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key."""
    async with shared_api.anonymous() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sizes(
    shared_service: Service,
    module_database: Database,
    caller: httpx.AsyncClient,
    integrate: Integrate,
) -> list[int]:
    """A log of real entries and of many plain ones, and the sizes that were signed."""
    found = []
    await register(caller, verification=None)
    found.append(await integrate())
    admin = await asyncpg.connect(module_database.dsn("postgres"))
    for count in (200, 100, 400):
        await grow(admin, count)
        found.append(await integrate())
    await admin.close()
    await register(caller, verification=None)
    found.append(await integrate())
    return found


async def vkey_of(reader: httpx.AsyncClient) -> str:
    """What the policy of the log says."""
    answer = await reader.get("/log/policy")
    assert (answer.status_code, answer.headers["content-type"]) == (200, TEXT)
    log, quorum = (line for line in answer.text.splitlines() if not line.startswith("#"))
    assert quorum == "quorum none"
    word, vkey = log.split(" ")
    assert word == "log"
    return vkey


async def fetched(client: httpx.AsyncClient, path: str) -> bytes:
    """What there is at a path."""
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    assert answer.headers["content-type"] == BYTES
    assert "immutable" in answer.headers["cache-control"]
    return answer.content


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and type."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def all_entries(caller: httpx.AsyncClient, size: int) -> list[bytes]:
    """Every entry, out of the bundles that a tree of this size has."""
    entries = []
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        path = f"/log/tile/entries/{index:03}" + ("" if width == 256 else f".p/{width}")
        data = await fetched(caller, path)
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    return entries


@pytest.mark.clause("L9")
async def test_whoever_has_the_verifier_key_verifies_the_whole_log(
    reader: httpx.AsyncClient, caller: httpx.AsyncClient, sizes: list[int]
) -> None:
    """Checkpoint, entries and every tile, against RFC 6962 and nothing of ours."""
    vkey = await vkey_of(reader)
    answer = await reader.get("/log/checkpoint")
    origin, size, root = reference.open_checkpoint(answer.content, vkey)
    entries = await all_entries(caller, size)
    leaves = [reference.leaf(entry) for entry in entries]

    assert (answer.headers["content-type"], origin, size) == (TEXT, ORIGIN, sizes[-1])
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert len(entries) == size
    assert reference.mth(leaves) == root
    for level in range(2):
        for index in range(-(-(size >> 8 * level) // 256)):
            expected = reference.tile(level, index, leaves)
            width = len(expected) // 32
            path = f"/log/tile/{level}/{index:03}" + ("" if width == 256 else f".p/{width}")
            assert await fetched(reader, path) == expected


async def test_a_partial_tile_of_every_checkpoint_stays(
    reader: httpx.AsyncClient, caller: httpx.AsyncClient, sizes: list[int]
) -> None:
    """A tile that has become full since begins with what it was."""
    full = await fetched(reader, "/log/tile/0/000")
    for size in sizes[:2]:
        assert size < 256
        assert await fetched(reader, f"/log/tile/0/000.p/{size}") == full[: 32 * size]
        assert (await fetched(caller, f"/log/tile/entries/000.p/{size}")).startswith(
            await fetched(caller, "/log/tile/entries/000.p/1")
        )
    assert await fetched(reader, "/log/tile/1/000.p/1") == reference.mth(
        [full[at : at + 32] for at in range(0, 8192, 32)]
    )


@pytest.mark.clause("L9")
async def test_an_inclusion_proof_stands_alone(
    reader: httpx.AsyncClient,
    caller: httpx.AsyncClient,
    shared_service: Service,
    sizes: list[int],
) -> None:
    vkey, entries = await vkey_of(reader), await all_entries(caller, sizes[-1])
    events = await shared_service.pool.fetch("SELECT position, event_id FROM ledger.events")
    ids = {row["position"]: str(row["event_id"]) for row in events}
    for index in (0, 1, 200, 255, 256, 511, sizes[-1] - 1):
        by_position = await caller.get("/log/proof/inclusion", params={"position": index})
        by_id = await caller.get("/log/proof/inclusion", params={"event": ids[index]})

        assert by_position.content == by_id.content
        assert by_id.headers["content-type"] == TEXT
        assert "private" in by_id.headers["cache-control"]
        proved = reference.open_proof(by_id.content, vkey, entries[index])
        assert proved == (index, sizes[-1])
        with pytest.raises(AssertionError):
            reference.open_proof(by_id.content, vkey, entries[index] + b" ")
    for size in sizes:
        old = await caller.get("/log/proof/inclusion", params={"position": 2, "size": size})
        assert reference.open_proof(old.content, vkey, entries[2]) == (2, size)
        assert "immutable" in old.headers["cache-control"]


@pytest.mark.clause("L9")
async def test_a_consistency_proof_joins_every_two_checkpoints(
    reader: httpx.AsyncClient, caller: httpx.AsyncClient, sizes: list[int]
) -> None:
    leaves = [reference.leaf(entry) for entry in await all_entries(caller, sizes[-1])]
    for first in (0, 1, *sizes):
        for second in sizes:
            if first > second:
                continue
            answer = await reader.get(
                "/log/proof/consistency", params={"from": first, "to": second}
            )
            hashes = [b64decode(line) for line in answer.text.splitlines()]
            assert answer.headers["content-type"] == TEXT
            assert "immutable" in answer.headers["cache-control"]
            roots = (reference.mth(leaves[:first]), reference.mth(leaves[:second]))
            if first:
                assert reference.roots_by_proof(first, second, hashes, roots[0]) == roots
            else:
                assert hashes == []
    newest = await reader.get("/log/proof/consistency", params={"from": 1})
    named = await reader.get("/log/proof/consistency", params={"from": 1, "to": sizes[-1]})
    assert newest.headers["cache-control"] == "public, max-age=1"
    assert newest.text == named.text != ""


async def test_entries_come_compressed_to_whoever_takes_it(
    caller: httpx.AsyncClient, sizes: list[int]
) -> None:
    path = "/log/tile/entries/000"
    plain = await caller.get(path, headers={"accept-encoding": "identity"})
    refusing = await caller.get(path, headers={"accept-encoding": "gzip;q=0, br"})
    packed = await caller.get(path, headers={"accept-encoding": "br, gzip;q=0.5"})

    assert "content-encoding" not in {**plain.headers, **refusing.headers}
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.content == plain.content == refusing.content
    assert {one.headers["vary"] for one in (plain, packed)} == {"Accept-Encoding"}
    assert plain.headers["cache-control"].startswith("private")


MALFORMED = [
    "0/0",
    "0/00",
    "0/0000",
    "00/000",
    "01/000",
    "64/000",
    "999/000",
    "-1/000",
    "0/x000/000",
    "0/001/000",
    "0/x001",
    "0/000.p/0",
    "0/000.p/01",
    "0/000.p/256",
    "0/000.p/",
    "0/000.p",
    "0/000/",
    "0//000",
    "0",
    "a/000",
    "0/abc",
    "0/%00",
    "0/%F0%9F%8E%89",
    "0/x999/x999/x999/x999/x999/x999/x999/999",
    "0/" + "x123/" * 1000 + "123",
    "x" * 3000,
]
MISSING = [
    "0/003.p/255",
    "0/002",
    "0/004",
    "0/x001/000",
    "0/x009/x223/x372/x036/x854/x775/807",
    "1/000",
    "1/000.p/3",
    "1/001.p/1",
    "2/000.p/1",
    "7/000.p/1",
    "8/000.p/1",
    "63/000",
]


@pytest.mark.parametrize("path", MALFORMED)
async def test_a_path_that_no_tile_can_have_is_refused(
    reader: httpx.AsyncClient, caller: httpx.AsyncClient, sizes: list[int], path: str
) -> None:
    assert problem(await reader.get(f"/log/tile/{path}")) == (400, "tile-path-invalid")
    bundled = path if path[0] != "0" else path.removeprefix("0/")
    expected = (400, "tile-path-invalid")
    assert problem(await caller.get(f"/log/tile/entries/{bundled}")) == expected


@pytest.mark.parametrize("path", MISSING)
async def test_a_tile_that_is_not_there_is_missing(
    reader: httpx.AsyncClient, caller: httpx.AsyncClient, sizes: list[int], path: str
) -> None:
    """Also a width that no checkpoint needs so far."""
    assert problem(await reader.get(f"/log/tile/{path}")) == (404, "tile-missing")
    if path.startswith("0/"):
        bundled = path.removeprefix("0/")
        expected = (404, "tile-missing")
        assert problem(await caller.get(f"/log/tile/entries/{bundled}")) == expected


INCLUSION = [
    ({}, 400, "proof-query-invalid"),
    ({"event": str(uuid4()), "position": "1"}, 400, "proof-query-invalid"),
    ({"event": "x"}, 400, "proof-query-invalid"),
    ({"event": "5A6F0A0E-0F4E-4C39-9D1E-6D0F8A0B6F55"}, 400, "proof-query-invalid"),
    ({"event": ""}, 400, "proof-query-invalid"),
    ({"position": ""}, 400, "proof-query-invalid"),
    ({"position": "01"}, 400, "proof-query-invalid"),
    ({"position": "-1"}, 400, "proof-query-invalid"),
    ({"position": "+1"}, 400, "proof-query-invalid"),
    ({"position": "1.0"}, 400, "proof-query-invalid"),
    ({"position": "9" * 30}, 400, "proof-query-invalid"),
    ({"position": "\u0661"}, 400, "proof-query-invalid"),
    ({"position": "1", "size": "x"}, 400, "proof-query-invalid"),
    ({"event": str(uuid4())}, 404, "event-not-integrated"),
    ({"position": "100000"}, 404, "event-not-integrated"),
    ({"position": "9" * 18}, 404, "event-not-integrated"),
    ({"position": "1", "size": "100000"}, 404, "checkpoint-missing"),
    ({"position": "1", "size": "17"}, 404, "checkpoint-missing"),
    ({"position": "1", "size": "0"}, 404, "event-not-integrated"),
]


@pytest.mark.parametrize(("query", "status", "slug"), INCLUSION)
async def test_an_inclusion_that_cannot_be_proved_is_no_fault(
    caller: httpx.AsyncClient, sizes: list[int], query: dict[str, str], status: int, slug: str
) -> None:
    answer = await caller.get("/log/proof/inclusion", params=query)

    assert problem(answer) == (status, slug)


CONSISTENCY = [
    ({}, 400, "proof-query-invalid"),
    ({"to": "3"}, 400, "proof-query-invalid"),
    ({"from": "x"}, 400, "proof-query-invalid"),
    ({"from": "-1"}, 400, "proof-query-invalid"),
    ({"from": "03", "to": "5"}, 400, "proof-query-invalid"),
    ({"from": "5", "to": "3"}, 400, "proof-query-invalid"),
    ({"from": "1", "to": "100000"}, 404, "checkpoint-missing"),
    ({"from": "100000"}, 400, "proof-query-invalid"),
    ({"from": "9" * 40, "to": "9" * 40}, 400, "proof-query-invalid"),
]


@pytest.mark.parametrize(("query", "status", "slug"), CONSISTENCY)
async def test_a_consistency_that_cannot_be_proved_is_no_fault(
    reader: httpx.AsyncClient, sizes: list[int], query: dict[str, str], status: int, slug: str
) -> None:
    answer = await reader.get("/log/proof/consistency", params=query)

    assert problem(answer) == (status, slug)


TWICE = [
    "/log/proof/consistency?from=1&from=2",
    "/log/proof/consistency?from=1&to=2&to=3",
    "/log/proof/inclusion?position=1&position=2",
    "/log/proof/inclusion?position=1&size=201&size=202",
    "/log/timestamp?size=1&size=2",
]


@pytest.mark.parametrize("query", TWICE)
async def test_what_is_asked_twice_is_not_chosen_from(
    caller: httpx.AsyncClient, sizes: list[int], query: str
) -> None:
    """A cache or a guard before us may take the other one."""
    assert problem(await caller.get(query)) == (400, "proof-query-invalid")


ADDRESSES = ["/log/checkpoint", "/log/policy", "/log/tile/0/000", "/log/tile/entries/000"]


@pytest.mark.parametrize("path", ADDRESSES)
async def test_each_resource_has_one_address(
    caller: httpx.AsyncClient, sizes: list[int], path: str
) -> None:
    """Neither a line feed nor a slash at the end, and nobody is sent to the host that he named."""
    assert (await caller.get(path)).status_code == 200
    assert problem(await caller.get(f"{path}%0A")) == (404, "not-found")
    slash = await caller.get(f"{path}/", headers={"host": "elsewhere.example"})
    assert slash.status_code in (400, 404)
    assert "location" not in slash.headers
    for method in ("OPTIONS", "PUT", "DELETE"):
        other = await caller.request(method, path)
        assert (other.status_code, other.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", [*ADDRESSES, "/log/proof/consistency?from=1&to=2"])
async def test_a_head_is_the_answer_without_its_content(
    caller: httpx.AsyncClient, sizes: list[int], path: str
) -> None:
    """RFC 9110 §9.3.2, as caches and mirrors of the log ask; also where the answer is a problem."""
    varying = {"x-request-id", "date"}
    for asked in (path, path.replace("/0", "/9").replace("from=1", "from=01")):
        whole, head = await caller.get(asked), await caller.head(asked)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert {name: head.headers[name] for name in head.headers if name not in varying} == {
            name: whole.headers[name] for name in whole.headers if name not in varying
        }


async def test_entries_and_inclusion_are_not_for_everybody(
    shared_api: Api, reader: httpx.AsyncClient, sizes: list[int]
) -> None:
    paths = {
        "/log/tile/entries/000": Scope.LOG_READ,
        "/log/proof/inclusion?position=1": Scope.PROOFS_READ,
    }
    for path, scope in paths.items():
        assert problem(await reader.get(path)) == (401, "not-authenticated")
        async with await shared_api.client(frozenset(Scope) - {scope}) as other:
            assert problem(await other.get(path)) == (403, "insufficient-scope")


async def test_a_tile_that_was_taken_away_is_told_as_damage(
    caller: httpx.AsyncClient, module_database: Database, sizes: list[int]
) -> None:
    """Whoever owns the database did it; what is left of the log is served on."""
    paths = ["/log/tile/0/000", f"/log/proof/inclusion?position=1&size={sizes[-1]}"]
    owner: Any = await asyncpg.connect(module_database.dsn("postgres"))
    for rule in ("no_change", "no_insert"):
        await owner.execute(f"ALTER TABLE ledger.log_tile DISABLE TRIGGER {rule}")
    taken = await owner.fetchrow(
        "DELETE FROM ledger.log_tile WHERE level = 0 AND idx = 0 RETURNING *"
    )
    try:
        found = [problem(await caller.get(path)) for path in paths]
        other = await caller.get("/log/checkpoint")
    finally:
        places = ", ".join(f"${number}" for number in range(1, len(taken) + 1))
        await owner.execute(f"INSERT INTO ledger.log_tile VALUES ({places})", *taken)
        for rule in ("no_change", "no_insert"):
            await owner.execute(f"ALTER TABLE ledger.log_tile ENABLE ALWAYS TRIGGER {rule}")
        await owner.close()

    assert found == [(500, "log-damaged")] * 2
    assert other.status_code == 200


async def test_an_append_can_be_proved_once_it_is_integrated(
    caller: httpx.AsyncClient, shared_service: Service, integrate: Integrate, sizes: list[int]
) -> None:
    await register(caller, verification=None)
    newest = await shared_service.pool.fetchrow(
        "SELECT position, event_id FROM ledger.events ORDER BY position DESC LIMIT 1"
    )
    assert newest is not None
    query = {"event": str(newest["event_id"])}
    before = await caller.get("/log/proof/inclusion", params=query)
    lagging = (await caller.get("/metrics")).text
    sizes.append(await integrate())
    after = await caller.get("/log/proof/inclusion", params=query)
    figures = (await caller.get("/metrics")).text

    assert problem(before) == (404, "event-not-integrated")
    assert f"pdledger_log_size {float(sizes[-2])}" in lagging
    assert f"pdledger_log_lag_events {float(sizes[-1] - sizes[-2])}" in lagging
    assert after.status_code == 200
    assert f"pdledger_log_size {float(sizes[-1])}" in figures
    assert "pdledger_log_lag_events 0.0" in figures
    assert "pdledger_log_lag_seconds 0.0" in figures
