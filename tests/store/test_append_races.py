"""Many writers on a few hot streams: no event lost or doubled, no gap, no inversion."""

import asyncio
import random
from uuid import UUID

import asyncpg

from app.store.append import OutcomeCode
from tests.conftest import Database
from tests.store.chains import Chain
from tests.store.doors import Connection, append, append_one

HEAD_SQL = "SELECT version, entry FROM ledger.events WHERE stream_id = $1 ORDER BY version DESC"
WRITERS, STREAMS, ROUNDS = 6, 4, 60


async def test_writers_race_for_hot_streams(database: Database) -> None:
    streams = [Chain().stream_id for _ in range(STREAMS)]
    connections = [await asyncpg.connect(database.dsn("ledger_app")) for _ in range(WRITERS)]

    written = await asyncio.gather(
        *(_write(one, streams, random.Random(n)) for n, one in enumerate(connections))
    )

    acknowledged = sorted(position for positions, _ in written for position in positions)
    conflicts = sum(lost for _, lost in written)
    rows = await connections[0].fetch(
        "SELECT position, stream_id, version FROM ledger.events ORDER BY position"
    )
    assert conflicts > 0, "the streams were not hot"
    assert [row["position"] for row in rows] == list(range(len(rows)))
    assert acknowledged == list(range(len(rows)))
    for stream in streams:
        versions = [row["version"] for row in rows if row["stream_id"] == stream]
        assert versions == list(range(1, len(versions) + 1))
    for connection in connections:
        await connection.close()


async def test_a_writer_waits_for_the_lock_and_then_sees_what_was_committed(
    database: Database,
) -> None:
    """Its reads are statements after the lock: a snapshot from before would give 0 twice."""
    first, second = [await asyncpg.connect(database.dsn("ledger_app")) for _ in range(2)]
    holding = first.transaction()
    await holding.start()
    [one] = await append(first, Chain().simple())
    waiting = asyncio.create_task(append(second, Chain().simple()))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done

    await holding.commit()
    [two] = await waiting

    assert (one.first_position, two.first_position) == (0, 1)
    await first.close()
    await second.close()


async def _write(
    connection: Connection, streams: list[UUID], chance: random.Random
) -> tuple[list[int], int]:
    """Positions acknowledged, and how often this writer was too late."""
    positions: list[int] = []
    lost = 0
    for _ in range(ROUNDS):
        chosen = chance.sample(streams, chance.randint(1, 2))
        chains = [await _read(connection, stream) for stream in chosen]
        if len(chains) == 1:
            outcomes = [await append_one(connection, chains[0].simple())]
        else:
            commands = [chain.command(chain.event(), chain.event()) for chain in chains]
            outcomes = await append(connection, *commands, groups=[1, 1])
        for outcome in outcomes:
            if outcome.code is OutcomeCode.APPENDED:
                assert outcome.first_position is not None
                assert outcome.last_version is not None
                assert outcome.first_version is not None
                count = outcome.last_version - outcome.first_version + 1
                positions += range(outcome.first_position, outcome.first_position + count)
            else:
                lost += 1
    return positions, lost


async def _read(connection: Connection, stream: UUID) -> Chain:
    row = await connection.fetchrow(HEAD_SQL, stream)
    return Chain(stream, row["version"], row["entry"]) if row else Chain(stream)
