"""What a system knows of somebody known joins their record: all of it, or nothing (DESIGN 6)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.notices import ShowNotice
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import CategoryNotAllowedForPurpose, SourceUnknown
from app.domain.relationships import StartRelationship
from app.domain.subject import OccurredLater
from app.domain.subjects import JoinSubject, RegisterSubject, SubjectUnknown
from app.domain.suppressions import SubjectSuppressed
from app.events.collections import DataCollected
from app.events.findings import FindingCode, FindingRaised
from app.events.identifiers import IdentifierClaimed, Verification
from app.events.mailboxes import MailboxAttributed
from app.events.notices import NoticeChannel, NoticeShown
from app.events.relationships import RelationshipStarted
from app.events.subjects import ChildDiscovered
from app.events.suppressions import SuppressionMatched
from tests.spec import NOW, given, registration

PERSON = registration("event_logistics")
SUSPICION = UUID("1d7f6a0e-3f56-4a5c-8b7e-2c9a52f0c713")
NEWS = Obtained(
    purpose="newsletter", personal={"contact.name": "Ana", "contact.email": "Ana@Example.org"}
)
CALL = Obtained(purpose="event_logistics", personal={"contact.phone": "0470 12 34 56"})
CHILD = Obtained(purpose="travel_booking", personal={"identity.birth_date": "2015-02-28"})


def obtained(*obtained: Obtained, **more: Any) -> RegisterSubject:
    """What a system says of somebody."""
    return RegisterSubject(source="registration_form", obtained=obtained or (NEWS,), **more)


def join(*lots: Obtained, **more: Any) -> JoinSubject:
    """The same, of somebody known."""
    return JoinSubject(obtained(*lots, **more))


@pytest.mark.clause("C7", "L2")
def test_what_joins_is_collected_and_claims_no_address() -> None:
    """Nobody's identifiers change because a system says so."""
    when = given(PERSON).when(join())

    [record] = when.records
    assert isinstance(record.event, DataCollected)
    assert (record.event.purpose, record.claims) == ("newsletter", ())
    assert record.sections[0].personal["contact.email"] == "ana@example.org"
    assert when.after.state.identifiers == when.given.state.identifiers
    given().when(join()).then_refused(SubjectUnknown)


@pytest.mark.clause("L29", "C2", "C3")
def test_notice_and_relationships_join_before_the_data() -> None:
    command = join(
        notice=ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.FORM),
        relationships=(StartRelationship(kind="newsletter_subscriber"),),
    )

    events = [type(one.event) for one in given(PERSON).when(command).records]

    assert events == [NoticeShown, RelationshipStarted, DataCollected]


@pytest.mark.clause("C74", "C75", "L19")
def test_a_child_that_is_found_when_it_joins_is_marked_and_nothing_else_is_held() -> None:
    """One date of birth among several collections is enough."""
    [record] = given(PERSON).when(join(NEWS, CHILD)).records

    assert isinstance(record.event, ChildDiscovered)
    assert record.event.source == "registration_form"


@pytest.mark.clause("C73", "L41")
def test_what_is_suppressed_does_not_join_and_the_rest_does() -> None:
    command = join(NEWS, CALL, region="BE", suppressed_for=frozenset({"newsletter"}))

    collected, matched = (one.event for one in given(PERSON).when(command).records)

    assert collected.purpose == "event_logistics"
    assert isinstance(matched, SuppressionMatched)
    given(PERSON).when(join(suppressed_for=frozenset({"newsletter"}))).then_refused(
        SubjectSuppressed
    )


@pytest.mark.clause("L4", "C28")
def test_what_joins_is_checked_like_a_registration() -> None:
    wrong = Obtained(purpose="newsletter", personal={"financial.account": "9912346"})

    given(PERSON).when(join(NEWS, wrong)).then_refused(CategoryNotAllowedForPurpose)
    given(PERSON).when(
        JoinSubject(RegisterSubject(source="somewhere", obtained=(NEWS,)))
    ).then_refused(SourceUnknown)


def test_what_joins_has_its_time_and_cannot_be_of_tomorrow() -> None:
    earlier = NOW - timedelta(days=40)

    [record] = given(PERSON).when(join(occurred_at=earlier)).records

    assert record.occurred_at == earlier
    given(PERSON).when(join(occurred_at=NOW + timedelta(seconds=1))).then_refused(OccurredLater)


@pytest.mark.clause("C8")
def test_a_national_number_joins_by_its_country() -> None:
    [record] = given(PERSON).when(join(CALL, region="BE")).records

    assert record.sections[0].personal == {"contact.phone": "+32470123456"}


@pytest.mark.clause("C7")
def test_an_address_that_leads_to_somebody_already_is_registered_and_not_claimed() -> None:
    """Two people share one: the second is held under it and found by the first alone."""
    shared = obtained(identified=frozenset({"contact.email"}), suspicion=SUSPICION)

    records = given().when(shared).records

    assert not any(isinstance(one.event, IdentifierClaimed) for one in records)
    assert records[-1].event == FindingRaised(
        finding=SUSPICION,
        code=FindingCode.POSSIBLE_DUPLICATE,
        source="registration_form",
        occasion=None,
    )


@pytest.mark.clause("C7")
def test_an_address_that_the_source_has_verified_is_claimed_as_such() -> None:
    records = given().when(obtained(verification=Verification.LINK)).records

    [claimed] = [one.event for one in records if isinstance(one.event, IdentifierClaimed)]
    assert claimed.verification is Verification.LINK


@pytest.mark.clause("C7", "L17")
def test_what_points_to_a_collection_points_past_notice_and_relationships() -> None:
    """The registration itself, the notice and the relationship come first."""
    mailbox = Obtained(purpose="newsletter", personal={"contact.email": "info@stad.example"})
    command = obtained(
        CALL,
        mailbox,
        region="BE",
        flags=frozenset({"legal_person"}),
        notice=ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.FORM),
        relationships=(StartRelationship(kind="newsletter_subscriber"),),
    )

    records = given().when(command).records

    [claimed] = [one.event for one in records if isinstance(one.event, IdentifierClaimed)]
    [marked] = [one.event for one in records if isinstance(one.event, MailboxAttributed)]
    for pointed_at, purpose in ((claimed.value_at, CALL), (marked.collected_at, mailbox)):
        assert records[pointed_at - 1].event.purpose == purpose.purpose
