"""How a person deals with the controller; the retention clock counts from the last end."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.domain.relationships import EndRelationship, RelationshipUnknown, StartRelationship
from app.events.relationships import RelationshipEnded, RelationshipStarted
from tests.spec import OCCASION, POLICY, given, registration

PERSON = registration("project_collaboration")
AGENCY = UUID("aaaaaaaa-0000-4000-8000-000000000001")
MINISTRY = UUID("aaaaaaaa-0000-4000-8000-000000000002")
OTHER_PROJECT = UUID("bbbbbbbb-0000-4000-8000-000000000001")
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
JULY = datetime(2025, 7, 1, tzinfo=UTC)


def participates(occasion: UUID = OCCASION, at: datetime = JUNE) -> StartRelationship:
    """Takes part in a project."""
    return StartRelationship(kind="project_participant", occasion=occasion, occurred_at=at)


def leaves(occasion: UUID = OCCASION, at: datetime = JULY) -> EndRelationship:
    """Leaves a project."""
    return EndRelationship(kind="project_participant", occasion=occasion, occurred_at=at)


@pytest.mark.clause("C2", "C17", "C20", "C37", "C52")
@pytest.mark.parametrize("kind", sorted(POLICY.relationships))
def test_every_way_of_dealing_with_the_controller_can_begin_and_end(kind: str) -> None:
    start = given(PERSON).when(StartRelationship(kind=kind))
    start.then(RelationshipStarted(kind=kind, organisation=None, occasion=None, policy="impel-1"))
    end = start.after.when(EndRelationship(kind=kind))
    end.then(RelationshipEnded(kind=kind, organisation=None, occasion=None))

    assert start.after.state.relationships.kinds() == {kind}
    assert end.after.state.relationships.kinds() == frozenset()


@pytest.mark.clause("C2")
def test_the_kinds_are_those_of_the_policy() -> None:
    assert {
        "member",
        "project_participant",
        "event_attendee",
        "newsletter_subscriber",
        "web_visitor",
        "chat_visitor",
        "survey_respondent",
        "claimant",
        "traveller",
        "member_org_contact",
        "photo_subject",
    } == set(POLICY.relationships)
    given(PERSON).when(StartRelationship(kind="customer")).then_refused(RelationshipUnknown)


@pytest.mark.clause("C2")
def test_what_is_on_record_is_not_recorded_again() -> None:
    given(PERSON, participates()).when(participates()).then_nothing()
    given(PERSON, participates(), leaves()).when(leaves()).then_nothing()


@pytest.mark.clause("C2")
def test_what_never_began_cannot_end() -> None:
    given(PERSON).when(leaves()).then_refused(RelationshipUnknown)
    given(PERSON, participates()).when(leaves(OTHER_PROJECT)).then_refused(RelationshipUnknown)


@pytest.mark.clause("C3", "C11")
def test_a_change_of_employer_keeps_the_history() -> None:
    """C3: the link to an organisation is a random id; what it is called is nobody's data."""
    person = given(
        PERSON,
        StartRelationship(kind="member", organisation=AGENCY, occurred_at=JUNE),
        EndRelationship(kind="member", organisation=AGENCY, occurred_at=JULY),
        StartRelationship(kind="member", organisation=MINISTRY, occurred_at=JULY),
    )
    relationships = person.state.relationships

    assert relationships.ongoing == {("member", MINISTRY, None): JULY}
    assert relationships.ended == {("member", AGENCY, None): JULY}


@pytest.mark.clause("C26", "C32", "L40")
def test_leaving_the_last_project_starts_the_clock() -> None:
    one_left = given(
        PERSON, participates(), participates(OTHER_PROJECT), leaves(at=JULY)
    ).state.relationships

    assert one_left.participating
    assert one_left.participation_ended_at is None
    assert one_left.last_ended_at == JULY
    later = datetime(2026, 1, 15, tzinfo=UTC)
    none_left = given(
        PERSON,
        participates(),
        participates(OTHER_PROJECT),
        leaves(OTHER_PROJECT, at=later),
        leaves(at=JULY),
    ).state.relationships
    assert not none_left.participating
    assert none_left.participation_ended_at == later, "the latest end, not the last one recorded"


@pytest.mark.clause("L40")
def test_joining_again_stops_the_clock() -> None:
    autumn = datetime(2026, 10, 15, tzinfo=UTC)
    again = given(PERSON, participates(), leaves(), participates(at=autumn)).state.relationships

    assert again.ongoing == {("project_participant", None, OCCASION): autumn}
    assert again.ended == {}
    assert again.participation_ended_at is None


@pytest.mark.clause("C2", "L40")
def test_somebody_without_any_relationship_has_no_clock_that_waits() -> None:
    """C2: such a person is found by the retention job through this."""
    relationships = given(PERSON).state.relationships

    assert not relationships.participating
    assert relationships.participation_ended_at is None
    assert relationships.last_ended_at is None


def test_the_times_are_those_at_which_it_happened() -> None:
    [record] = given(PERSON).when(participates()).records
    [ended] = given(PERSON, participates()).when(leaves()).records

    assert (record.occurred_at, ended.occurred_at) == (JUNE, JULY)


@pytest.mark.clause("L40")
def test_the_latest_end_counts_whatever_still_lasts() -> None:
    later = datetime(2026, 8, 15, tzinfo=UTC)
    person = given(
        PERSON,
        participates(),
        participates(OTHER_PROJECT),
        leaves(OTHER_PROJECT, at=later),
        leaves(at=JULY),
    )

    assert person.state.relationships.last_ended_at == later
