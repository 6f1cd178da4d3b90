"""The writing functions probe indexes; none of them ever reads a table from end to end."""

import os
from uuid import uuid4

import asyncpg
import pytest

from app.store.append import IdempotencyToken
from tests.conftest import Database
from tests.store.chains import Chain, Section, claim, new_key, release
from tests.store.conftest import Connect, open_epoch
from tests.store.doors import Connection, append, append_one

SCANS_SQL = """
SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'ledger' ORDER BY relname
"""


@pytest.fixture
async def superuser(connect: Connect) -> Connection:
    return await connect("postgres")


async def scans(superuser: Connection, *busy: Connection) -> dict[str, int]:
    """How often each table was read whole, after the busy ones have reported."""
    for connection in busy:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await connection.execute("SELECT 1")
    await superuser.execute("SELECT pg_stat_clear_snapshot()")
    return {row["relname"]: row["seq_scan"] for row in await superuser.fetch(SCANS_SQL)}


async def test_neither_append_nor_erase_scans_a_table(
    connect: Connect, superuser: Connection
) -> None:
    app, eraser = await connect("ledger_app"), await connect("ledger_eraser")
    before = await scans(superuser, app, eraser)

    same = IdempotencyToken("client.tests", os.urandom(16), b"same", os.urandom(16), b"same")
    chain, key_id, token = Chain(), uuid4(), os.urandom(16)
    section = Section(key_id, opens=True)
    first = chain.command(
        chain.event(section),
        control=0,
        keys=[new_key(key_id)],
        identifiers=[claim(token)],
        suppressions=[("newsletter", os.urandom(16))],
        idempotency=same,
    )
    [appended] = await append(app, first)
    [replayed, grouped] = await append(app, first, Chain().simple(), groups=[1, 1])
    [released] = await append(app, chain.command(identifiers=[release(token)]))
    event = chain.event(Section(key_id, blob=section.blob))
    one = await append_one(app, chain.command(event, control=0))
    again = await append_one(app, chain.command(chain.event(), idempotency=same))
    chain.version, chain.last = 2, event.entry
    erasure = chain.erasure([key_id], blobs=[section.blob] * 2, identifiers=True)
    erased = await eraser.fetchval(
        "SELECT outcome FROM ledger.ledger_erase(0, $1, 2, $2)", chain.stream_id, erasure.entry
    )

    assert [appended.code, released.code, one.code, erased] == ["appended"] * 4
    assert [replayed.code, again.code, grouped.code] == ["replayed", "replayed", "group-refused"]
    assert await scans(superuser, app, eraser) == before


async def test_plans_made_on_empty_tables_stay_good(database: Database) -> None:
    """PL/pgSQL keeps its first plan for as long as the connection lives."""
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    await open_epoch(migrator)
    app = await asyncpg.connect(database.dsn("ledger_app"))
    chains = [Chain() for _ in range(50)]

    for _ in range(4):
        outcomes = await append(app, *(chain.opening(uuid4().hex)[0] for chain in chains))
        assert {outcome.code.value for outcome in outcomes} == {"appended"}
    read = "SELECT sum(seq_scan), sum(seq_tup_read) FROM pg_stat_user_tables"
    await app.execute("SELECT pg_stat_force_next_flush()")
    await app.execute("SELECT 1")

    scanned = await app.fetchrow(f"{read} WHERE relname IN ('events', 'sealed', 'keyring')")
    assert scanned is not None
    assert tuple(scanned) == (0, 0)
    await app.close()
    await migrator.close()
