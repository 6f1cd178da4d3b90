"""Profiles: one row a held datum, in step with the state that the deciders are given."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.domain.holdings import Held
from app.events.consultations import ConsultationRecorded
from app.events.erasures import ErasureStep
from app.events.identifiers import IdentifierReleased
from app.events.objections import ObjectionGround
from app.events.restrictions import RestrictionLifted
from app.policy.vocabulary import IdentifierKind
from app.projections import PROFILES
from app.projections.engine import prepare
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.profile_tables import HeldKind, HeldState
from tests.projections.chance import Chance
from tests.projections.history import Bucket, Log, Person
from tests.projections.profile_pages import Holding, Profile, page
from tests.projections.wording import (
    claimed,
    collected,
    completed,
    objected,
    rectified,
    referenced,
    registered,
    requested,
    resealed,
    restricted,
)

Pool = asyncpg.Pool
HERE: Bucket = ("participation", "membership")


@pytest.fixture
async def person(log: Log) -> Person:
    """Somebody who registered."""
    made = Person()
    await log.append(made, registered())
    return made


async def projected(projector: Connection, pool: "Pool[Any]") -> dict[UUID, Profile]:
    """Everybody's profile, after all there is."""
    await prepare(projector, PROFILES)
    while await advance(projector, PROFILES, size_max=100):
        pass
    return {one.subject_id: one for one in (await page(pool, limit=200)).rows}


def of(profile: Profile, state: HeldState) -> list[tuple[str, str, int]]:
    return [
        (one.category, one.purpose, one.version) for one in profile.holdings if one.state is state
    ]


async def test_a_datum_names_why_it_is_held_and_where_it_lies(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """Art. 5(2): category, purpose, basis, source, since when; and no value."""
    when = datetime(2024, 2, 29, 12, tzinfo=UTC)
    await log.append(person, collected("contact.email", "contact.name"), HERE, occurred_at=when)

    profile = (await projected(projector, pool))[person.subject_id]

    [email, name] = profile.holdings
    assert email == Holding(
        obtained=2,
        category="contact.email",
        purpose="membership",
        kind=HeldKind.VALUE,
        basis="legitimate_interest",
        source="registration-form",
        origin="subject",
        policy="impel-1",
        occasion=None,
        since=email.since,
        occurred_at=when,
        state=HeldState.CURRENT,
        superseded_at=None,
        erased_at=None,
        retention_class="participation",
        generation="membership",
        version=2,
        section=0,
        key_id=person.keys[HERE],
    )
    assert (name.category, name.key_id) == ("contact.name", email.key_id)
    assert (profile.content_version, profile.restricted, profile.erased) == (2, False, False)


@pytest.mark.clause("L6")
async def test_a_correction_supersedes_what_was_wrong_and_keeps_it_as_history(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """Art. 16: for every purpose at once; the statement on the wrong value goes with it."""
    await log.append(person, collected("contact.email"), HERE)
    await log.append(person, collected("contact.email", purpose="newsletter"), HERE)
    await log.append(person, completed("contact.email", "membership"), HERE)
    await log.append(person, rectified("contact.email", "membership", "newsletter"), HERE)

    profile = (await projected(projector, pool))[person.subject_id]

    assert of(profile, HeldState.CURRENT) == [
        ("contact.email", "membership", 5),
        ("contact.email", "newsletter", 5),
    ]
    assert of(profile, HeldState.SUPERSEDED) == [
        ("contact.email", "membership", 2),
        ("contact.email", "newsletter", 3),
        ("contact.email", "membership", 4),
    ]
    assert {one.basis for one in profile.holdings} == {"legitimate_interest"}


@pytest.mark.clause("L47")
async def test_a_supplementary_statement_is_held_beside_the_value(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    await log.append(person, collected("internal.role"), HERE)
    await log.append(person, completed("internal.role", "membership"), HERE)

    profile = (await projected(projector, pool))[person.subject_id]

    assert [(one.kind, one.state) for one in profile.holdings] == [
        (HeldKind.VALUE, HeldState.CURRENT),
        (HeldKind.STATEMENT, HeldState.CURRENT),
    ]


async def test_the_same_category_for_another_occasion_is_another_datum(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    trip = uuid4()
    await log.append(person, collected("contact.name"), HERE)
    for _ in range(2):
        await log.append(
            person,
            collected("contact.name", occasion=trip, generation="occasion.trip"),
            ("participation", "occasion.trip"),
        )

    profile = (await projected(projector, pool))[person.subject_id]

    assert [(one.occasion, one.state) for one in profile.holdings] == [
        (None, HeldState.CURRENT),
        (trip, HeldState.SUPERSEDED),
        (trip, HeldState.CURRENT),
    ]


async def test_a_further_identifier_and_a_file_are_data_too(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """A claim of the collected value adds none; one with a value of its own does."""
    await log.append(person, collected("contact.email"), HERE)
    await log.append(person, claimed(2))
    claim = await log.append(person, claimed(person.version + 1), HERE)
    await log.append(person, referenced(uuid4()), HERE)
    await log.append(person, IdentifierReleased(identifier=claim, kind=IdentifierKind.EMAIL))

    profile = (await projected(projector, pool))[person.subject_id]

    assert [(one.obtained, one.kind, one.state) for one in profile.holdings] == [
        (2, HeldKind.VALUE, HeldState.CURRENT),
        (4, HeldKind.IDENTIFIER, HeldState.SUPERSEDED),
        (5, HeldKind.FILE, HeldState.CURRENT),
    ]


@pytest.mark.clause("C70")
async def test_part_of_a_section_is_erased_and_the_rest_lies_elsewhere(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """DESIGN 2.7: what stays is sealed anew, then the old key dies; the reference follows."""
    erasure, again = uuid4(), ("participation", "again")
    await log.append(person, collected("contact.email", "contact.phone"), HERE)
    old = person.keys[HERE]
    await log.append(person, requested(erasure, "contact.phone"))
    await log.append(person, resealed(erasure, 2, "again", "contact.email"), again)
    await log.erase(person, erasure, [HERE], categories=("contact.phone",))

    profile = (await projected(projector, pool))[person.subject_id]

    [email, phone] = profile.holdings
    assert (email.state, email.version, email.generation) == (HeldState.CURRENT, 4, "again")
    assert email.key_id == person.keys[again]
    assert (phone.state, phone.version, phone.key_id) == (HeldState.ERASED, 2, old)
    assert phone.erased_at is not None
    assert not profile.erased


@pytest.mark.clause("C70")
async def test_an_erased_person_has_nothing_current_and_is_marked(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    erasure, kept = uuid4(), ("erasure-execution", "erasure")
    await log.append(person, collected("contact.email"), HERE)
    await log.append(person, rectified("contact.email", "membership"), HERE)
    await log.append(person, requested(erasure), kept)
    await log.erase(person, erasure, [HERE], fenced=("participation",))
    await log.erase(person, erasure, [kept], step=ErasureStep.CLOSING)

    profile = (await projected(projector, pool))[person.subject_id]

    assert profile.erased
    assert {one.state for one in profile.holdings} == {HeldState.ERASED}
    assert profile.content_version == 6


@pytest.mark.clause("L42", "L44")
async def test_a_person_is_restricted_while_any_restriction_is_in_force(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """A pending objection is one by itself (Art. 18(1)(d)); one to direct marketing is not."""
    first, second, third = uuid4(), uuid4(), uuid4()
    await log.append(person, restricted(first))
    await log.append(person, objected(second, ObjectionGround.OWN_SITUATION))
    await log.append(person, objected(third, ObjectionGround.DIRECT_MARKETING))
    await log.append(person, RestrictionLifted(restriction=first))

    profile = (await projected(projector, pool))[person.subject_id]

    assert profile.restrictions == (second,)
    assert profile.restricted


async def test_being_read_does_not_change_a_person_s_content(
    log: Log, person: Person, projector: Connection, pool: "Pool[Any]"
) -> None:
    """A9: the content version is the strong ETag, and a consultation changes nothing."""
    await log.append(person, collected("contact.email"), HERE)
    await log.append(
        person, ConsultationRecorded(purpose="membership", field_classes=(), categories=())
    )

    profile = (await projected(projector, pool))[person.subject_id]

    assert profile.content_version == 2


async def test_people_are_paged_by_id_and_the_page_says_where_it_stands(
    log: Log, projector: Connection, pool: "Pool[Any]"
) -> None:
    assert (await page(pool)).stands_at == -1
    people = [Person() for _ in range(7)]
    for one in people:
        await log.append(one, registered())
    everybody = await projected(projector, pool)

    seen: list[UUID] = []
    part = await page(pool, limit=3)
    while part.rows:
        seen += [row.subject_id for row in part.rows]
        assert part.stands_at == 6
        part = await page(pool, after=part.next_after, limit=3)

    assert seen == sorted(one.subject_id for one in people)
    assert set(seen) == everybody.keys()
    assert part.next_after is None


@pytest.mark.parametrize("seed", [31, 37])
async def test_profiles_say_what_the_fold_of_the_person_s_own_stream_says(
    log: Log, projector: Connection, pool: "Pool[Any]", seed: int
) -> None:
    """Lists and decisions never disagree on what is held, restricted or erased."""
    history = Chance(log, seed, people=15)
    await history.live(220)
    found = await projected(projector, pool)

    for life in history.lives:
        state, profile = life.state, found[life.person.subject_id]
        assert profile.content_version == state.content_version
        assert profile.erased == state.erased
        assert set(profile.restrictions) == set(state.restrictions.active)
        assert _values(profile, HeldState.CURRENT) == {
            _reference(one) for one in state.collections.current()
        }
        living = {
            _reference(one) for held in state.collections.held.values() for one in held.history()
        }
        in_rows = _values(profile, HeldState.CURRENT) | _values(profile, HeldState.SUPERSEDED)
        assert in_rows == living


Reference = tuple[str, str, UUID | None, int, str, str, UUID | None, str, str, str]


def _reference(held: Held) -> Reference:
    return (
        held.category,
        held.purpose,
        held.occasion,
        held.version,
        held.retention_class,
        held.generation,
        held.key_id,
        held.basis.value,
        held.source,
        held.origin.value,
    )


def _values(profile: Profile, state: HeldState) -> set[Reference]:
    return {
        (
            one.category,
            one.purpose,
            one.occasion,
            one.version,
            one.retention_class,
            one.generation,
            one.key_id,
            one.basis,
            one.source,
            one.origin or "",
        )
        for one in profile.holdings
        if one.kind is HeldKind.VALUE and one.state is state
    }
