"""A person becomes known: what is recorded, what is refused, what is left out."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.children import UnderAge
from app.domain.collections import CollectData
from app.domain.notices import NoticeUnknown, ShowNotice
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import (
    CategoryNotAllowedForPurpose,
    PurposeMissing,
    PurposeUnknown,
    SourceUnknown,
)
from app.domain.relationships import RelationshipUnknown, StartRelationship
from app.domain.subject import OccurredLater
from app.domain.subjects import (
    DiscoverChild,
    RegisterSubject,
    SubjectRegisteredAlready,
    SubjectUnknown,
)
from app.domain.suppressions import SubjectSuppressed
from app.events.collections import DataCollected
from app.events.identifiers import IdentifierClaimed
from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Claim, Section
from app.events.relationships import RelationshipStarted
from app.events.subjects import ChildDiscovered, SubjectRegistered
from app.events.suppressions import SuppressionMatched
from app.policy.vocabulary import IdentifierKind, LegalBasis, SourceOrigin
from tests.spec import NOW, OCCASION, given, registration

REGISTERED = SubjectRegistered(
    source="registration_form", origin=SourceOrigin.SUBJECT, policy="impel-1"
)
ORGANISATION = UUID("0c7f0d4b-8a52-4d0c-9a3e-6b1f5d2e9c10")
NEWSLETTER = Obtained(
    purpose="newsletter",
    personal={"contact.name": " Ana  Pérez ", "contact.email": "Ana@Example.org"},
)


def subscription(**more: object) -> RegisterSubject:
    """Somebody leaves name and address for the newsletter."""
    return RegisterSubject(source="registration_form", obtained=(NEWSLETTER,), **more)  # type: ignore[arg-type]  # the fields of RegisterSubject


@pytest.mark.clause("C6", "C7", "C25", "C31", "L2", "L11")
def test_a_person_becomes_known_with_purpose_basis_and_source() -> None:
    """Art. 5(1)(b), Art. 6(1): every datum has a purpose and a basis when it is written."""
    given().when(subscription()).then(
        REGISTERED,
        DataCollected(
            purpose="newsletter",
            basis=LegalBasis.CONSENT,
            source="registration_form",
            origin=SourceOrigin.SUBJECT,
            policy="impel-1",
            held={"contact.name": "subscription", "contact.email": "subscription"},
            generations={"subscription": "membership"},
            occasion=None,
            dropped=0,
        ),
        IdentifierClaimed(
            kind=IdentifierKind.EMAIL,
            category="contact.email",
            purpose="newsletter",
            basis=LegalBasis.CONSENT,
            source="registration_form",
            policy="impel-1",
            value_at=2,
            retention_class="subscription",
            generation="membership",
            verification=None,
        ),
    )


@pytest.mark.clause("C6", "C7", "C8")
def test_the_values_travel_normalised_beside_the_event_and_never_in_it() -> None:
    """DESIGN 2.3: the event is not personal; name and addresses are sealed per class."""
    records = given().when(registration("event_logistics")).records
    collection, email, phone = records[1:]

    assert collection.sections == (
        Section(
            "participation",
            "membership",
            {
                "contact.name": "Zoë Ångström-O'Brien",
                "contact.email": "zoe.angstrom@stad.example",
                "contact.phone": "+32470123456",
                "work.title": "Miljöinspektör",
                "work.organisation": "Miljöförvaltningen",
            },
        ),
    )
    assert email.claims == (Claim("email", "zoe.angstrom@stad.example"),)
    assert phone.claims == (Claim("phone", "+32470123456"),)
    assert [record.sections for record in records if record is not collection] == [()] * 3


@pytest.mark.clause("C2", "C3", "C11", "L29")
def test_notice_and_relationships_are_recorded_before_the_data() -> None:
    """Art. 13(1): the person is informed when the data are obtained."""
    command = subscription(
        notice=ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.FORM),
        relationships=(
            StartRelationship(kind="newsletter_subscriber"),
            StartRelationship(kind="member", organisation=ORGANISATION, occasion=OCCASION),
        ),
    )
    events = [record.event for record in given().when(command).records]

    assert events[:4] == [
        REGISTERED,
        NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM),
        RelationshipStarted(
            kind="newsletter_subscriber", organisation=None, occasion=None, policy="impel-1"
        ),
        RelationshipStarted(
            kind="member", organisation=ORGANISATION, occasion=OCCASION, policy="impel-1"
        ),
    ]
    assert [type(event) for event in events[4:]] == [DataCollected, IdentifierClaimed]
    assert events[5].value_at == 5, "the version of the collection that holds the address"


@pytest.mark.clause("C7")
def test_one_address_for_two_purposes_is_one_identifier() -> None:
    records = given().when(registration("event_logistics", "newsletter")).records
    claimed = [r.event for r in records if isinstance(r.event, IdentifierClaimed)]

    assert [event.category for event in claimed] == ["contact.email", "contact.phone"]
    assert {event.purpose for event in claimed} == {"event_logistics"}
    assert {event.value_at for event in claimed} == {2}


@pytest.mark.clause("C7")
def test_two_addresses_for_two_purposes_are_two_identifiers() -> None:
    """C7: several addresses a person."""
    other = Obtained(purpose="information", personal={"contact.email": "ana@work.example.org"})
    command = RegisterSubject(source="registration_form", obtained=(NEWSLETTER, other))
    claimed = [
        record
        for record in given().when(command).records
        if isinstance(record.event, IdentifierClaimed)
    ]

    assert [record.claims[0].value for record in claimed] == [
        "ana@example.org",
        "ana@work.example.org",
    ]
    assert [record.event.value_at for record in claimed] == [2, 3]


@pytest.mark.clause("C7", "L17")
def test_the_address_of_a_function_is_held_and_identifies_nobody() -> None:
    """DESIGN 6: info@ is nobody in particular."""
    personal = {"contact.name": "Ana", "contact.email": "info@stad.example"}
    command = RegisterSubject(
        source="registration_form",
        obtained=(Obtained(purpose="information", personal=personal),),
    )
    records = given().when(command).records

    assert [type(record.event) for record in records] == [SubjectRegistered, DataCollected]
    assert records[1].sections[0].personal["contact.email"] == "info@stad.example"


@pytest.mark.clause("L41", "C73")
def test_what_is_suppressed_is_not_collected_and_the_rest_is() -> None:
    """Art. 21(3): an address that comes in again is not used for that purpose again."""
    command = registration("event_logistics", "newsletter", suppressed_for={"newsletter"})
    events = [record.event for record in given().when(command).records]

    assert [event.purpose for event in events if isinstance(event, DataCollected)] == [
        "event_logistics"
    ]
    assert events[-1] == SuppressionMatched(purpose="newsletter", since=None)
    assert "newsletter" in given().when(command).after.state.suppressions.purposes


@pytest.mark.clause("L41")
def test_who_is_suppressed_for_all_that_was_asked_is_not_registered() -> None:
    given().when(registration("newsletter", suppressed_for={"newsletter"})).then_refused(
        SubjectSuppressed, purpose="newsletter"
    )


@pytest.mark.clause("L41")
def test_a_suppressed_purpose_closes_the_narrower_uses_of_it() -> None:
    given().when(registration("partner_news", suppressed_for={"information"})).then_refused(
        SubjectSuppressed, purpose="partner_news"
    )


@pytest.mark.clause("L41")
def test_a_suppressed_use_leaves_the_purpose_that_it_narrows_open() -> None:
    command = registration("information", suppressed_for={"partner_news"})
    events = [record.event for record in given().when(command).records]

    assert any(isinstance(event, DataCollected) for event in events)
    assert events[-1] == SuppressionMatched(purpose="partner_news", since=None)


@pytest.mark.clause("C74", "L19")
def test_a_child_is_not_registered() -> None:
    """The policy: not knowingly collected from anybody under sixteen."""
    command = RegisterSubject(
        source="travelperk",
        obtained=(
            NEWSLETTER,
            Obtained(purpose="travel_booking", personal={"identity.birth_date": "2010-11-23"}),
        ),
    )
    given().when(command).then_refused(UnderAge, minimum_age=16)


@pytest.mark.clause("C74", "L19")
def test_who_turns_sixteen_today_is_registered() -> None:
    command = RegisterSubject(
        source="travelperk",
        obtained=(
            Obtained(
                purpose="travel_booking",
                personal={"identity.birth_date": "2010-11-22"},
                occasion=OCCASION,
            ),
        ),
    )
    [_, collection] = given().when(command).records

    assert collection.sections == (
        Section("travel-identity", f"occasion.{OCCASION}", {"identity.birth_date": "2010-11-22"}),
    )


def test_the_time_at_which_it_happened_is_kept_with_every_event() -> None:
    earlier = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)
    records = given().when(subscription(occurred_at=earlier)).records

    assert {record.occurred_at for record in records} == {earlier}


def test_what_has_not_happened_is_not_recorded() -> None:
    later = NOW + timedelta(microseconds=1)
    given().when(subscription(occurred_at=later)).then_refused(OccurredLater)
    assert given().when(subscription(occurred_at=NOW)).records


def test_a_person_is_registered_once() -> None:
    given(subscription()).when(subscription()).then_refused(SubjectRegisteredAlready)


def test_nothing_is_recorded_about_nobody() -> None:
    command = CollectData(obtained=NEWSLETTER, source="registration_form")
    given().when(command).then_refused(SubjectUnknown)


@pytest.mark.clause("L2", "C28")
@pytest.mark.parametrize(
    ("purpose", "refusal"),
    [("", PurposeMissing), ("marketing", PurposeUnknown), (".", PurposeUnknown)],
)
def test_data_without_a_purpose_of_the_policy_are_refused(
    purpose: str, refusal: type[PurposeMissing | PurposeUnknown]
) -> None:
    """Art. 5(1)(b); the empty bullets of the text are no purposes."""
    obtained = Obtained(purpose=purpose, personal={"contact.name": "Ana"})
    command = RegisterSubject(source="registration_form", obtained=(obtained,))
    given().when(command).then_refused(refusal)


@pytest.mark.clause("L2")
def test_a_registration_without_any_collection_is_refused() -> None:
    command = RegisterSubject(source="registration_form", obtained=())
    given().when(command).then_refused(PurposeMissing)


@pytest.mark.clause("L4")
def test_one_datum_outside_its_purpose_refuses_the_whole_registration() -> None:
    """Art. 5(1)(c): nothing of it is written."""
    obtained = Obtained(purpose="newsletter", personal={"contact.phone": "+32470123456"})
    command = RegisterSubject(source="registration_form", obtained=(NEWSLETTER, obtained))
    given().when(command).then_refused(
        CategoryNotAllowedForPurpose, category="contact.phone", purpose="newsletter"
    )


@pytest.mark.clause("L31", "C49")
def test_data_from_a_place_that_the_policy_does_not_name_are_refused() -> None:
    """Art. 15(1)(g); what is handed to linked sites is theirs, nothing of it comes here."""
    command = RegisterSubject(source="linked_site", obtained=(NEWSLETTER,))
    given().when(command).then_refused(SourceUnknown)


@pytest.mark.clause("C47")
@pytest.mark.parametrize("name", ["google_forms", "Google formulär", "GOOGLE  FORMULAR "])
def test_a_source_is_one_whatever_language_names_it(name: str) -> None:
    command = RegisterSubject(source=name, obtained=(NEWSLETTER,))
    assert given().when(command).records[0].event.source == "google_forms"


@pytest.mark.clause("C2")
def test_an_unknown_relationship_or_notice_refuses_the_registration() -> None:
    given().when(subscription(relationships=(StartRelationship(kind="customer"),))).then_refused(
        RelationshipUnknown
    )
    given().when(
        subscription(notice=ShowNotice(policy="impel-9", language="sv", channel=NoticeChannel.FORM))
    ).then_refused(NoticeUnknown)


@pytest.mark.clause("L29", "L31")
def test_the_state_says_since_when_and_from_where_a_person_is_known() -> None:
    subjects = given().when(registration(source="azavista")).after.state.subjects

    assert (subjects.registered_at, subjects.source) == (NOW, "azavista")
    assert subjects.origin is SourceOrigin.THIRD_PARTY


@pytest.mark.clause("C75")
def test_the_discovery_of_a_child_marks_the_person_for_erasure() -> None:
    """C75: without any request."""
    when = given(subscription()).when(DiscoverChild(source="secretariat"))
    when.then(ChildDiscovered(source="secretariat", policy="impel-1", minimum_age=16))

    assert when.after.state.child
    assert when.after.state.subjects.child_since == NOW
    when.after.when(DiscoverChild(source="secretariat")).then_nothing()


@pytest.mark.clause("C74", "C75")
def test_nothing_more_is_collected_from_a_child() -> None:
    child = given(subscription(), DiscoverChild(source="secretariat"))
    child.when(CollectData(obtained=NEWSLETTER, source="registration_form")).then_refused(
        UnderAge, minimum_age=16
    )
    child.when(StartRelationship(kind="member")).then_refused(UnderAge)


def test_the_discovery_of_a_child_names_a_source_of_the_policy() -> None:
    given(subscription()).when(DiscoverChild(source="rumour")).then_refused(SourceUnknown)
