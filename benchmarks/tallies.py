"""What the registers that ask of everybody cost: first counted, and after one more event.

People, what is held of them and what was shared of them are put straight into the tables of the
projections: ten data and five disclosures a person, in random order. The questions are those of
`GET /v1/transfers/impact`, `/v1/findings` and `/v1/processing-records`, asked of the functions that
answer them; the breach is one of our own systems, which reaches everybody.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.domain.breaches import Span
from app.domain.control import ControlState
from app.domain.decider import Circumstances
from app.events.breaches import BreachExposure
from app.policy.loader import load_packaged, load_packaged_law
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.engine import prepare
from app.projections.profile_tables import held, subjects
from app.projections.sharing_register import register
from app.registers.breach_radius import people, radius
from app.registers.observed import observed
from app.registers.processing_records import declared_pairs
from app.registers.table import Question
from app.registers.tallies import Tallies, tallies
from app.registers.transfers import impact
from app.store import migrate
from app.store.connection import connect, open_pool
from app.store.roles import prepare_database
from benchmarks.figures import Figure, alone
from benchmarks.servers import Ledger

PEOPLE, PEOPLE_SHORT = 100_000, 20_000
NAME = "tallied"
ASKED_MAX_MS = 1000.0

FILL_SQL = """
CREATE TEMPORARY TABLE person AS
SELECT gen_random_uuid() AS id, n FROM generate_series(1, {people}) AS n;
INSERT INTO {subjects}
       (subject_id, registered_at, source, origin, restrictions, erased_at, content_version)
SELECT id, now(), 'registration_form', 'subject', '{{}}', CASE WHEN n % 50 = 0 THEN now() END, 13
  FROM person;
INSERT INTO {held}
       (subject_id, obtained, category, purpose, kind, basis, source, origin, policy, since, state,
        retention_class, generation, version, section, key_id)
SELECT id, 2 + place, category, (ARRAY['event_logistics', 'network_exchange'])[1 + place], 'value',
       'legitimate_interest', (ARRAY['registration_form', 'azavista', 'secretariat'])[1 + n % 3],
       'subject', 'impel-1', timestamptz '2026-01-01' + n * interval '1 s', 'current',
       'participation', 'membership', 2 + place, 0, gen_random_uuid()
  FROM person, generate_series(0, 1) AS place,
       unnest(ARRAY['contact.name', 'contact.email', 'work.title', 'work.organisation',
                    'contact.phone']) AS category
 ORDER BY random();
INSERT INTO {shared}
       (subject_id, version, position, recipient, country, mechanism, purpose, categories, source,
        policy, disclosed_at)
SELECT id, 3 + turn, 5 * n + turn,
       (ARRAY['mailchimp', 'basecamp', 'azavista', 'surveymonkey', 'onedrive'])[1 + to_whom],
       (ARRAY['us', 'us', 'nl', 'us', 'us'])[1 + to_whom],
       (ARRAY['dpf', 'dpf', 'eea', 'scc_2021', 'dpf'])[1 + to_whom], 'network_exchange',
       CASE turn % 2 WHEN 0 THEN ARRAY['contact.email', 'contact.name']
            ELSE ARRAY['contact.email', 'contact.name', 'work.organisation'] END,
       'registration_form', 'impel-1', timestamptz '2026-01-01' + turn * interval '40 days'
  FROM (SELECT id, n, turn, floor(random() * 5)::int AS to_whom
          FROM person, generate_series(1, 5) AS turn ORDER BY random()) AS shared;
UPDATE ledger.positions SET position = 0;
"""
_TABLES = {
    "subjects": f"{subjects.fullname}_b1",
    "held": f"{held.fullname}_b1",
    "shared": f"{register.fullname}_b1",
}
# Somebody's event was appended and projected: their range has to be counted again.
LATER_SQL = """
INSERT INTO ledger.events (partition, position, stream_id, version, event_id, type, entry)
VALUES (0, $1, $2, 1, gen_random_uuid(), 'data.disclosed', '')
"""
MOVE_SQL = "UPDATE ledger.positions SET position = $1"


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """Milliseconds of each question: the first of a process, and one after somebody's event."""
    count = PEOPLE if full else PEOPLE_SHORT
    taken = asyncio.run(_measured(ledger, count, rounds))
    return [
        Figure(
            f"{name}, {count:,} people and {5 * count:,} disclosures, ms",
            tuple(values),
            at_most=ASKED_MAX_MS if "one event later" in name else None,
        )
        for name, values in taken.items()
    ]


async def _measured(ledger: Ledger, count: int, rounds: int) -> dict[str, list[float]]:
    admin = ledger.cluster.dsn("postgres", "postgres")
    await _run(admin, f"CREATE DATABASE {NAME} TEMPLATE template0")
    try:
        await prepare_database(admin, NAME)
        await migrate.upgrade(ledger.cluster.dsn("ledger_migrator", NAME))
        projector = await connect(ledger.cluster.dsn("ledger_projector", NAME))
        for projection in (PROFILES, SHARING_REGISTER):
            await prepare(projector, projection)
        await projector.close()
        await _fill(ledger.cluster.dsn("postgres", NAME), count)
        return await _asked(ledger, rounds)
    finally:
        await _run(admin, f"DROP DATABASE {NAME} WITH (FORCE)")


async def _fill(url: str, count: int) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(FILL_SQL.format(people=count, **_TABLES))
        for projection in (PROFILES, SHARING_REGISTER):
            for table in projection.tables:
                await connection.execute(f"VACUUM ANALYZE projections.{table.name}_b1")
        # What no runtime role can do, for events that only say whose range has changed.
        await connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    finally:
        await connection.close()


async def _asked(ledger: Ledger, rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {}
    owner: Any = await asyncpg.connect(ledger.cluster.dsn("postgres", NAME))
    pool = await open_pool(ledger.cluster.dsn("ledger_app", NAME))
    try:
        for turn in range(rounds):
            kept = tallies()
            for name, question in _questions(pool, kept).items():
                started = time.perf_counter()
                await question()
                taken.setdefault(f"{name}, first asked", []).append(_ms(started))
            position = turn + 1
            await owner.execute(LATER_SQL, position, UUID(int=(turn << 120) + 1))
            await owner.execute(MOVE_SQL, position)
            for name, question in _questions(pool, kept).items():
                started = time.perf_counter()
                await question()
                taken.setdefault(f"{name}, one event later", []).append(_ms(started))
            for name, question in _breach(pool).items():
                started = time.perf_counter()
                await question()
                taken.setdefault(name, []).append(_ms(started))
    finally:
        await pool.close()
        await owner.close()
    return taken


def _questions(pool: Any, kept: Tallies) -> dict[str, Callable[[], Awaitable[object]]]:
    policy, law, now = load_packaged("impel-1"), load_packaged_law(), datetime.now(UTC)
    given = Circumstances(policy=policy, law=law, control=ControlState(), now=now)
    day = date(now.year + 1, 3, 1)
    return {
        "impact of a mechanism": lambda: impact(
            pool, kept, law.mechanisms["dpf"], day, given=given, cut=None
        ),
        "what is observed": lambda: observed(pool, kept, declared_pairs(policy), None),
    }


def _breach(pool: Any) -> dict[str, Callable[[], Awaitable[object]]]:
    policy, now = load_packaged("impel-1"), datetime.now(UTC)
    span = Span(
        recipient=None,
        member=None,
        source=None,
        exposure=BreachExposure.HELD,
        categories=(),
        began_at=now - timedelta(days=1),
        ended_at=None,
    )
    page = Question(limit=50)
    return {
        "breach of everybody, counted": lambda: radius(pool, span, policy, now),
        "breach of everybody, a page of 50": lambda: people(
            pool, page, span, policy, now=now, known=None
        ),
    }


async def _run(url: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _ms(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    alone(measure)
