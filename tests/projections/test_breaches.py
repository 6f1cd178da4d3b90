"""The list of breaches: one row each, in the order of recording, rebuilt to the same digest."""

from datetime import UTC, datetime

import pytest

from app.events.breaches import (
    BreachCause,
    BreachDetected,
    BreachExposure,
    BreachNature,
    BreachReporter,
)
from app.projections import BREACHES
from app.projections.digest import digest
from app.projections.pages import Connection
from app.projections.rebuild import rebuild
from tests.conftest import Database
from tests.projections.catching_up import catch_up
from tests.projections.history import Log, Person
from tests.projections.wording import disclosed, registered

DETECTED = BreachDetected(
    nature=(BreachNature.AVAILABILITY,),
    cause=BreachCause.RANSOMWARE,
    reporter=BreachReporter.CONTROLLER,
    recipient=None,
    member=None,
    source=None,
    exposure=BreachExposure.HELD,
    categories=(),
    began_at=datetime(2026, 11, 1, tzinfo=UTC),
    ended_at=None,
    aware_at=datetime(2026, 11, 20, 16, 0, tzinfo=UTC),
    file=None,
    policy="impel-1",
)


@pytest.mark.clause("L52")
async def test_breaches_are_listed_among_people_and_rebuilt_to_the_same(
    database: Database, log: Log, projector: Connection
) -> None:
    """Art. 33(5): a row says that a stream is a breach's, and nothing else."""
    first, person, second = Person(), Person(), Person()
    await log.append(first, DETECTED)
    await log.append(person, registered())
    await log.append(person, disclosed("mailchimp"))
    await log.append(second, DETECTED)
    await catch_up(projector, BREACHES, size_max=2)
    live = (await digest(projector, BREACHES)).sha256

    rows = await projector.fetch(
        "SELECT subject_id, position FROM projections.breaches_v1 ORDER BY position"
    )
    await rebuild(database.dsn("ledger_projector"), (BREACHES,))

    assert [tuple(row) for row in rows] == [(first.subject_id, 0), (second.subject_id, 3)]
    assert (await digest(projector, BREACHES)).sha256 == live
