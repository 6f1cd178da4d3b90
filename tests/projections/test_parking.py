"""A person whose event cannot be folded waits, in order; nobody else does; nothing is skipped."""

from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.projections import PROFILES
from app.projections.engine import prepare
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.parking import Redriven, redrive
from app.projections.positions import status
from app.projections.projection import Projection
from app.projections.rebuild import rebuild
from app.store.connection import connect
from tests.conftest import Database
from tests.projections.catching_up import catch_up, standing
from tests.projections.history import Log, Person
from tests.projections.scratch import POISON, SHOWN, languages, parked, scratch_projection

REFUSED: dict[str, dict[str, Any]] = {
    "handler": {"poison": "fr"},
    "database": {"refused": "fr"},
    "page": {"page_poison": "fr"},
}
ERRORS = {"handler": "Unwell", "database": "NotNullViolationError", "page": "Unwell"}


@pytest.fixture(params=list(REFUSED))
def kind(request: pytest.FixtureRequest) -> str:
    """Where the fault shows: in a handler, in a row, in what is written after a page."""
    return str(request.param)


@pytest.fixture
def url(database: Database) -> str:
    """The login of the role that projects."""
    return database.dsn("ledger_projector")


async def a_history(log: Log) -> tuple[Person, Person]:
    """Two people; the first meets a poison between two good events."""
    ill, well = Person(), Person()
    for person, event in (
        (ill, SHOWN),
        (well, SHOWN),
        (ill, POISON),
        (ill, SHOWN),
        (well, SHOWN),
    ):
        await log.append(person, event)
    return ill, well


@pytest.mark.parametrize("way", ["live", "live one by one", "rebuilt"])
async def test_a_poisoned_person_is_parked_and_the_others_go_on(
    log: Log, projector: Connection, url: str, kind: str, way: str
) -> None:
    ill, _ = await a_history(log)
    projection = scratch_projection(**REFUSED[kind])
    with capture_logs() as logged:
        if way == "rebuilt":
            await rebuild(url, [projection])
        else:
            await catch_up(projector, projection, 256 if way == "live" else 1)

    assert await standing(projector, projection) == 4
    assert await languages(projector) == ["sv", "sv", "sv"]
    assert await parked(projector) == [(ill.subject_id, 2, 2, ERRORS[kind], 1)]
    assert [one for one in logged if one["event"] == "subject parked"] == [
        {
            "event": "subject parked",
            "log_level": "error",
            "projection": "scratch",
            "position": 2,
            "event_type": "notice.shown",
            "error_class": ERRORS[kind],
        }
    ]


async def test_a_cured_person_catches_up_in_order(
    log: Log, projector: Connection, kind: str
) -> None:
    """`redrive` reads what came meanwhile from the log; whoever is still ill stays parked."""
    ill, _ = await a_history(log)
    unwell = scratch_projection(**REFUSED[kind])
    await catch_up(projector, unwell)
    await log.append(ill, SHOWN)
    await catch_up(projector, unwell)
    still = await redrive(projector, unwell)
    attempts = await parked(projector)

    cured = await redrive(projector, scratch_projection())

    assert still == Redriven(released=0, parked=1)
    assert attempts == [(ill.subject_id, 2, 2, ERRORS[kind], 2)]
    assert cured == Redriven(released=1, parked=0)
    assert await languages(projector) == ["fr", *["sv"] * 5]
    assert await parked(projector) == []


async def test_a_redrive_goes_as_far_as_it_can(log: Log, projector: Connection) -> None:
    """What could be folded stays folded; the person waits at the next fault."""
    person = Person()
    for event in (POISON, SHOWN, POISON):
        await log.append(person, event)
    await catch_up(projector, scratch_projection(poison="fr"))
    once: list[int] = []
    half = scratch_projection(poison="fr", forgiving=once)

    assert await redrive(projector, half) == Redriven(released=0, parked=1)
    assert await languages(projector) == ["fr", "sv"]
    assert await parked(projector) == [(person.subject_id, 3, 2, "Unwell", 2)]


async def test_two_rows_of_one_key_park_their_person_live_and_rebuilt(
    log: Log, projector: Connection, url: str
) -> None:
    """What the keys would refuse is found although a rebuild has none while it loads."""
    person = Person()
    for event in (SHOWN, SHOWN):
        await log.append(person, event)
    await log.append(Person(), SHOWN)
    projection = scratch_projection(same_key=True)
    await catch_up(projector, projection)
    live = await parked(projector)

    await rebuild(url, [projection])

    [former, rebuilt] = await parked(projector)
    assert live == [former] == [rebuilt]
    assert former[1:4] == (2, 1, "UniqueViolationError")
    assert await languages(projector) == ["sv", "sv"]


async def test_a_range_that_is_refused_is_loaded_again_and_the_next_ones_go_on(
    log: Log, projector: Connection, url: str, kind: str, monkeypatch: Any
) -> None:
    """In a rebuild of many ranges out of one reading, with a fault here and there."""
    monkeypatch.setattr("app.projections.slices.EVENTS_A_RANGE", 3)
    monkeypatch.setattr("app.projections.loading.COPY_SIZE_MAX_BYTES", 1)
    monkeypatch.setattr("app.projections.loading.LINES_A_WRITE", 1)
    people = [Person() for _ in range(12)]
    for number, person in enumerate(people):
        await log.append(person, SHOWN)
        await log.append(person, SHOWN if number % 4 else POISON)
    projection = scratch_projection(**REFUSED[kind])

    await rebuild(url, [projection])

    ill = [person.subject_id for person in people[::4]]
    assert [row[:2] for row in await parked(projector)] == [(one, 2) for one in ill]
    assert await languages(projector) == ["sv"] * 21


async def test_a_broken_entry_parks_its_person(
    log: Log, projector: Connection, admin: Connection
) -> None:
    """Nobody can write one but a superuser; it stops one person, not the register."""
    person = Person()
    for one in (person, Person()):
        await log.append(one, SHOWN)
    await admin.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await admin.execute("UPDATE ledger.events SET entry = 'x' WHERE position = 0")

    await catch_up(projector, scratch_projection())

    assert await parked(projector) == [(person.subject_id, 1, 0, "EntryMalformed", 1)]
    assert await languages(projector) == ["sv"]


async def test_the_status_counts_who_is_parked(
    log: Log, projector: Connection, pool: "asyncpg.Pool[Any]"
) -> None:
    await a_history(log)
    projection: Projection = scratch_projection(poison="fr")
    await catch_up(projector, projection)
    await catch_up(projector, PROFILES)
    standings = await status(pool, [projection, PROFILES])

    assert [(one.name, one.parked, one.lag) for one in standings] == [
        ("scratch", 1, 0),
        ("profiles", 0, 0),
    ]


async def test_a_redrive_waits_for_the_page_in_hand(
    log: Log, projector: Connection, url: str
) -> None:
    """No event of the person is folded twice or lost between the page and the redrive."""
    ill, _ = await a_history(log)
    projection = scratch_projection(poison="fr")
    await prepare(projector, projection)
    await advance(projector, projection, size_max=4)
    other = await connect(url)
    assert await redrive(other, scratch_projection()) == Redriven(released=1, parked=0)
    await log.append(ill, SHOWN)
    await catch_up(other, projection)
    await other.close()

    assert await languages(projector) == ["fr", *["sv"] * 5]
