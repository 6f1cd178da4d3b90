"""The sharing register: every recipient by name, until nobody need be told any more."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.events.erasures import ErasureStep
from app.projections import SHARING_REGISTER
from app.projections.engine import prepare
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.sharing_register import Disclosures, by_recipient, of_subject
from tests.projections.history import Bucket, Log, Person
from tests.projections.wording import collected, disclosed, registered, requested, told

Pool = asyncpg.Pool
HERE: Bucket = ("participation", "membership")
KEPT: Bucket = ("erasure-execution", "erasure")


@pytest.fixture
async def person(log: Log) -> Person:
    """Somebody who registered with an e-mail address."""
    made = Person()
    await log.append(made, registered())
    await log.append(made, collected("contact.email", "contact.name"), HERE)
    return made


async def register(projector: Connection, pool: "Pool[Any]", person: Person) -> Disclosures:
    """What was shared of one person, after all there is."""
    await prepare(projector, SHARING_REGISTER)
    while await advance(projector, SHARING_REGISTER, size_max=100):
        pass
    return await of_subject(pool, person.subject_id)


@pytest.mark.clause("C23", "L32", "C35")
async def test_every_share_is_one_row_with_its_recipient_by_name(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """C-154/21: named recipients, also when one of them was given the same twice."""
    member = uuid4()
    await log.append(person, disclosed("mailchimp"))
    await log.append(person, disclosed("members", "contact.name", member=member))
    await log.append(person, disclosed("mailchimp"))

    found = await register(projector, pool, person)

    assert [(one.recipient, one.categories, one.member) for one in found.rows] == [
        ("mailchimp", ["contact.email"], None),
        ("members", ["contact.name"], member),
        ("mailchimp", ["contact.email"], None),
    ]
    first = found.rows[0]
    assert (first.country, first.mechanism, first.purpose) == ("us", "clauses", "membership")
    assert (first.version, first.position, first.source) == (3, 2, "contact-database")
    assert found.stands_at == 4


async def test_a_recipient_s_rows_are_paged_by_position(
    log: Log, projector: Connection, pool: "Pool[Any]"
) -> None:
    people = [Person() for _ in range(5)]
    for one in people:
        await log.append(one, registered())
        await log.append(one, disclosed("basecamp"))
        await log.append(one, disclosed("azavista"))
    await register(projector, pool, people[0])

    first = await by_recipient(pool, "basecamp", limit=3)
    second = await by_recipient(pool, "basecamp", after=first.next_after or 0, limit=3)
    nobody = await by_recipient(pool, "mailchimp")

    assert [row.position for row in first.rows] == [1, 4, 7]
    assert [row.position for row in second.rows] == [10, 13]
    assert [row.subject_id for row in (*first.rows, *second.rows)] == [p.subject_id for p in people]
    assert (nobody.rows, nobody.stands_at, nobody.next_after) == ((), 14, None)


@pytest.mark.clause("L36", "C70")
async def test_after_an_erasure_rows_stay_until_every_recipient_was_told_and_it_is_closed(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """Art. 19: exactly the recipients in the register; then nothing names them any more."""
    erasure = uuid4()
    await log.append(person, disclosed("mailchimp"))
    await log.append(person, disclosed("basecamp"))
    await log.append(person, requested(erasure), KEPT)
    await log.erase(person, erasure, [HERE], fenced=("participation",))
    await log.append(person, told(erasure, "mailchimp"))

    open_duties = await register(projector, pool, person)
    await log.append(person, told(erasure, "basecamp"))
    await log.erase(person, erasure, [KEPT], step=ErasureStep.CLOSING)
    closed = await register(projector, pool, person)

    assert [(one.recipient, one.erasure, one.informed) for one in open_duties.rows] == [
        ("mailchimp", erasure, "informed"),
        ("basecamp", erasure, None),
    ]
    assert all(one.of_everything for one in open_duties.rows)
    assert closed.rows == ()


@pytest.mark.clause("L32", "L36")
async def test_a_partial_erasure_concerns_the_recipients_of_that_part_and_ends_no_row(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """The person is still there to ask who was given what (Art. 15(1)(c))."""
    erasure = uuid4()
    await log.append(person, disclosed("mailchimp", "contact.email"))
    await log.append(person, disclosed("basecamp", "contact.name"))
    await log.append(person, disclosed("azavista", "contact.email", purpose="events"))
    await log.append(person, requested(erasure, "contact.email"), KEPT)
    await log.erase(
        person, erasure, [HERE], purposes=("membership",), categories=("contact.email",)
    )
    await log.append(person, told(erasure, "mailchimp"))
    await log.append(person, told(erasure, "basecamp"))
    await log.erase(person, erasure, [KEPT], step=ErasureStep.CLOSING)

    found = await register(projector, pool, person)

    assert [(one.recipient, one.erasure, one.informed) for one in found.rows] == [
        ("mailchimp", erasure, "informed"),
        ("basecamp", None, None),
        ("azavista", None, None),
    ]


async def test_a_person_of_whom_nothing_was_shared_has_no_row(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    before = await of_subject(pool, person.subject_id)
    after = await register(projector, pool, person)

    assert (before.rows, before.stands_at) == ((), -1)
    assert (after.rows, after.stands_at) == ((), 1)


@pytest.mark.clause("L36")
async def test_a_later_erasure_of_what_was_kept_does_not_reopen_what_everybody_was_told(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """The rows stay with the erasure of the person as such, and go when that one is closed."""
    whole, later = uuid4(), uuid4()
    await log.append(person, disclosed("mailchimp"))
    await log.append(person, requested(whole), KEPT)
    await log.erase(person, whole, [HERE], fenced=("participation",))
    await log.append(person, told(whole, "mailchimp"))
    await log.append(person, requested(later, "contact.email"))
    await log.erase(person, later, [], categories=("contact.email",))

    between = await register(projector, pool, person)
    await log.erase(person, whole, [KEPT], step=ErasureStep.CLOSING)
    closed = await register(projector, pool, person)

    assert [(one.erasure, one.informed) for one in between.rows] == [(whole, "informed")]
    assert closed.rows == ()
