"""Counts of everybody that are kept and counted on: always what counting anew would say."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.projections import PROFILES, SHARING_REGISTER
from app.projections.rebuild import rebuild
from app.registers.keeping import keep_counted
from app.registers.matters import HELD, SHARED, Matter
from app.registers.ranges import RANGES, people_of, runs_of, spans_after
from app.registers.tallies import Tallied, Tally, counted, tallies
from app.service import Service
from app.store.connection import connect
from tests.conftest import Database
from tests.registers.reading import rows
from tests.rights.people import arrange, collect, post, register, share

shared = pytest.mark.asyncio(loop_scope="module")
LAST = 2**128


class _Heard:
    """A pool that counts what is asked through it."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.people: list[tuple[UUID, UUID]] = []
        """Whom the questions were about."""

    async def fetch(self, sql: str, *values: Any) -> Any:
        """Passes it on."""
        ids = [value for value in values if isinstance(value, UUID)]
        if ids:
            self.people.append((ids[0], ids[1]))
        return await self._pool.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        """Passes it on."""
        return await self._pool.fetchrow(sql, *values)


def told(tally: Tally) -> tuple[Any, Any]:
    """A tally without its numbering: kinds are numbered as they are met."""
    of_bit = {kind.bit: repr(sorted(kind.values.items())) for kind in tally.kinds}
    kinds = {of_bit[one.bit]: (one.rows, dict(one.spans)) for one in tally.kinds}
    people = {
        tuple(sorted(name for bit, name in of_bit.items() if mask & bit)): number
        for mask, number in tally.people.items()
    }
    return kinds, people


async def caught_up(caller: httpx.AsyncClient, service: Service) -> None:
    """The projections show all that was written."""
    await rows(caller, service, "/v1/processing-records")


@shared
@pytest.mark.clause("L48", "L57")
async def test_what_is_counted_by_change_is_what_counting_everybody_would_say(
    caller: httpx.AsyncClient, service: Service
) -> None:
    random, people = Random(7), list[str]()
    await arrange(service, "google_forms", "azavista")
    kept: dict[Matter, Tallied] = {HELD: Tallied(HELD), SHARED: Tallied(SHARED)}
    for _ in range(12):
        for _ in range(random.randint(1, 3)):
            match random.choice(("register", "register", "share", "collect", "erase")):
                case "share" if people:
                    to = random.choice(("google_forms", "azavista"))
                    await post(caller, f"{random.choice(people)}/disclosures", share(to))
                case "collect" if people:
                    address = f"{random.random()}@stad.example"
                    data = {"contact.name": "Åsa Öberg", "contact.email": address}
                    await collect(caller, random.choice(people), "newsletter", data)
                case "erase" if len(people) > 3:
                    gone = people.pop(random.randrange(len(people)))
                    await post(caller, f"{gone}/erasure", {"source": "secretariat"})
                case _:
                    people.append(await register(caller, verification=None))
        await caught_up(caller, service)
        for matter, tallied in kept.items():
            anew = await counted(service.pool, matter)
            on = await tallied.read(service.pool)
            assert told(on) == told(anew)
            assert on.stands_at == anew.stands_at


@shared
async def test_only_people_of_whom_something_was_recorded_are_counted_again(
    caller: httpx.AsyncClient, service: Service
) -> None:
    pool, tallied = _Heard(service.pool), Tallied(HELD)
    await tallied.read(pool)  # type: ignore[arg-type]  # asks what a pool is asked
    everybody, pool.people = list(pool.people), []
    await tallied.read(pool)  # type: ignore[arg-type]  # as above
    nobody, pool.people = list(pool.people), []
    person = UUID((await register(caller, verification=None)).rpartition("/")[2])
    await caught_up(caller, service)
    await tallied.read(pool)  # type: ignore[arg-type]  # as above

    assert {least.int for least, _ in everybody} >= {0}
    assert sum(most.int - least.int + 1 for least, most in everybody) == 2 * LAST
    assert nobody == []
    first = person.bytes[0]
    assert pool.people == [people_of(first, first)] * 2, "kinds, and people, of one range"


@shared
async def test_a_rebuild_and_a_person_who_waited_are_counted_anew(
    caller: httpx.AsyncClient, service: Service, module_database: Database
) -> None:
    pool, tallied = _Heard(service.pool), Tallied(HELD)
    before = told(await tallied.read(pool))  # type: ignore[arg-type]  # asks what a pool is asked
    person = UUID((await register(caller, verification=None)).rpartition("/")[2])
    await caught_up(caller, service)
    await tallied.read(pool)  # type: ignore[arg-type]  # as above

    owner = module_database.dsn("ledger_projector")
    await _park(owner, person)
    pool.people = []
    await tallied.read(pool)  # type: ignore[arg-type]  # as above
    parked, pool.people = list(pool.people), []
    await _park(owner, None)
    await tallied.read(pool)  # type: ignore[arg-type]  # as above
    redriven, pool.people = list(pool.people), []
    await rebuild(owner, [PROFILES, SHARING_REGISTER])
    after = told(await tallied.read(pool))  # type: ignore[arg-type]  # as above

    own = [people_of(person.bytes[0], person.bytes[0])] * 2
    assert (parked, redriven) == (own, own)
    assert sum(most.int - least.int + 1 for least, most in pool.people) == 2 * LAST
    assert after != before


@shared
async def test_what_changed_is_counted_before_anybody_asks(
    caller: httpx.AsyncClient, service: Service
) -> None:
    pool, kept = _Heard(service.pool), tallies()
    keeping = asyncio.create_task(
        keep_counted(kept, pool, pause_s=0.01)  # type: ignore[arg-type]  # asks what a pool is asked
    )
    try:
        async with asyncio.timeout(60):
            while sum(most.int - least.int + 1 for least, most in pool.people) < 4 * LAST:  # noqa: ASYNC110  # counted in another task
                await asyncio.sleep(0.01)
    finally:
        keeping.cancel()
        await asyncio.wait((keeping,))
    pool.people = []
    await kept.held.read(pool)  # type: ignore[arg-type]  # as above

    assert pool.people == [], "nothing is left to be counted"


async def _park(url: str, person: UUID | None) -> None:
    """Parks somebody at what serves, or lets everybody go."""
    connection = await connect(url)
    try:
        if person is None:
            await connection.execute("DELETE FROM ledger.parked_subjects")
            return
        await connection.execute(
            "INSERT INTO ledger.parked_subjects (projection, version, build, subject_id,"
            " stream_version, position, error_class, attempts)"
            " SELECT projection, version, build, $1, 1, position, 'Test', 1 FROM ledger.positions"
            " WHERE projection = $2 AND state = 'serving'",
            person,
            PROFILES.name,
        )
    finally:
        await connection.close()


@given(st.sets(st.integers(0, RANGES - 1)), st.integers(1, RANGES))
def test_runs_hold_each_range_once_and_no_other(numbers: set[int], size_max: int) -> None:
    found = [one for first, last in runs_of(numbers, size_max) for one in range(first, last + 1)]

    assert found == sorted(numbers)
    assert all(last - first < size_max for first, last in runs_of(numbers, size_max))


@given(st.lists(st.uuids(), max_size=60, unique=True), st.uuids(), st.integers(1, 12))
def test_a_page_is_whoever_comes_next(people: list[UUID], after: UUID, wanted: int) -> None:
    found = list[UUID]()
    for least, most in spans_after(after, wanted=wanted, found=found):
        assert (found or [after])[-1] < least <= most
        found += sorted(one for one in people if least <= one <= most)[: wanted - len(found)]

    assert found == sorted(one for one in people if one > after)[:wanted]
