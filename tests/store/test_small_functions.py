"""The named functions beside append and erase: clients, policies, idempotency keys, key epochs."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import asyncpg
import pytest

from tests.store.conftest import Connect
from tests.store.doors import Connection

PERIOD_S = 7 * 24 * 3600
ADD_SQL = "SELECT ledger.ledger_client_add($1, $2, $3, $4, $5, $6)"


async def add_client(app: Connection, client_id: str) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    await app.execute(ADD_SQL, client_id, "form", b"hash", ["subjects:write"], "form", expires)


async def test_every_process_hears_of_a_client_added_and_revoked(connect: Connect) -> None:
    app, listener = await connect("ledger_app"), await connect("ledger_app")
    heard: asyncio.Queue[str] = asyncio.Queue()
    await listener.add_listener("ledger_clients", lambda *said: heard.put_nowait(str(said[-1])))
    client_id = uuid4().hex

    await add_client(app, client_id)
    first = await app.fetchval("SELECT ledger.ledger_client_revoke($1)", client_id)
    second = await app.fetchval("SELECT ledger.ledger_client_revoke($1)", client_id)

    assert (first, second) == (True, False)
    assert [await asyncio.wait_for(heard.get(), 5) for _ in range(2)] == [client_id] * 2
    row = await app.fetchrow("SELECT * FROM ledger.clients WHERE client_id = $1", client_id)
    assert row is not None
    assert row["revoked_at"] is not None
    assert row["scopes"] == ["subjects:write"]


async def test_a_client_id_is_given_once(app: Connection) -> None:
    client_id = uuid4().hex
    await add_client(app, client_id)

    with pytest.raises(asyncpg.UniqueViolationError):
        await add_client(app, client_id)


def naming(*texts: bytes) -> bytes:
    """A structure that names each text by its hash, as a policy file does."""
    return "\n".join(f'sha256 = "{sha256(text).hexdigest()}"' for text in texts).encode()


async def test_a_published_policy_is_archived_byte_for_byte(app: Connection) -> None:
    version, text = uuid4().hex, "Integritet, å ä ö".encode()
    structure = os.urandom(50) + naming(text)
    archive = "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)"

    first = await app.fetchval(archive, version, structure, ["sv"], [text])
    again = await app.fetchval(archive, version, structure, ["sv"], [text])

    assert (first, again) == (True, False)
    policy = await app.fetchrow("SELECT * FROM ledger.policies WHERE version = $1", version)
    stored = await app.fetchrow("SELECT * FROM ledger.policy_texts WHERE version = $1", version)
    assert policy is not None
    assert stored is not None
    assert (policy["structure"], policy["structure_sha256"]) == (
        structure,
        sha256(structure).digest(),
    )
    assert (stored["text"], stored["sha256"]) == (text, sha256(text).digest())


async def test_a_published_policy_is_never_edited(app: Connection) -> None:
    version = uuid4().hex
    archive = "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)"
    structure = naming(b"text", b"other")
    await app.fetchval(archive, version, structure, ["sv"], [b"text"])

    with pytest.raises(asyncpg.UniqueViolationError):
        await app.fetchval(archive, version, structure + b"\n", ["sv"], [b"text"])
    with pytest.raises(asyncpg.UniqueViolationError):
        await app.fetchval(archive, version, structure, ["sv"], [b"other"])


async def test_a_text_may_follow_its_policy_but_not_precede_it(app: Connection) -> None:
    version = uuid4().hex
    add = "SELECT ledger.ledger_policy_text($1, $2, $3)"
    with pytest.raises(asyncpg.NoDataFoundError):
        await app.fetchval(add, version, "sv", b"text")
    structure = naming(b"text")
    await app.fetchval(
        "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)", version, structure, [], []
    )

    with pytest.raises(asyncpg.CheckViolationError):
        await app.fetchval(add, version, "sv", b"another text")
    assert await app.fetchval(add, version, "sv", b"text") is True
    assert await app.fetchval(add, version, "sv", b"text") is False


async def test_all_processes_share_the_first_idempotency_key(app: Connection) -> None:
    share = "SELECT ledger.ledger_idempotency_key($1, $2)"
    period = int(time.time()) // PERIOD_S

    first = await app.fetchval(share, period, b"first")
    second = await app.fetchval(share, period, b"second")

    assert first == second


@pytest.mark.parametrize("away", [-2, 2])
async def test_nobody_plants_a_key_for_another_time(app: Connection, away: int) -> None:
    period = int(time.time()) // PERIOD_S + away

    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.fetchval("SELECT ledger.ledger_idempotency_key($1, $2)", period, b"key")


async def test_only_what_is_older_than_seven_days_is_forgotten(connect: Connect) -> None:
    app, owner = await connect("ledger_app"), await connect("ledger_migrator")
    period = int(time.time()) // PERIOD_S
    add = (
        "INSERT INTO ledger.idempotency VALUES ('client', $1, '\\x00', 'appended', $2, 1, 1,"
        " clock_timestamp() - $3::interval)"
    )
    for age in (timedelta(days=8), timedelta(days=7, minutes=1), timedelta(days=6, hours=23)):
        await owner.execute(add, os.urandom(8), uuid4(), age)
    for one in (period - 3, period - 2, period - 1):
        await owner.execute("INSERT INTO ledger.idempotency_key VALUES ($1, '\\x00')", one)

    forgotten = await app.fetchval("SELECT ledger.ledger_idempotency_purge()")

    kept = await owner.fetch("SELECT period FROM ledger.idempotency_key WHERE period < $1", period)
    assert forgotten == 2
    assert await app.fetchval("SELECT count(*) FROM ledger.idempotency") == 1
    assert [row["period"] for row in kept] == [period - 1]


async def test_an_epoch_is_opened_once_and_by_the_migrator_only(connect: Connect) -> None:
    migrator, app = await connect("ledger_migrator"), await connect("ledger_app")
    opening = "SELECT ledger.ledger_epoch_open($1, $2)"

    assert await migrator.fetchval(opening, 9, b"wrapped") is True
    assert await migrator.fetchval(opening, 9, b"other") is False

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetchval(opening, 10, b"wrapped")
    assert await app.fetchval("SELECT wrapped FROM ledger.key_epoch WHERE epoch = 9") == b"wrapped"
