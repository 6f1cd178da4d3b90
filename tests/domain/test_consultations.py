"""Reading is bound to a purpose, and every reading is on record (Art. 5(1)(b), C-579/21)."""

import pytest

from app.domain.collections import CollectData
from app.domain.consultations import (
    PurposeNotAllowed,
    RecordBreachAddress,
    RecordConsultation,
    RecordInspection,
    RecordRefusedConsultation,
    RecordRightsAnswer,
    check_readable,
    check_unrestricted,
    readable,
)
from app.domain.files import ReferenceFile
from app.domain.identifiers import ClaimIdentifier
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import CategoryUnknown, PurposeUnknown
from app.domain.restrictions import Restrict, SubjectRestricted
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.identifiers import Verification
from app.events.restrictions import RestrictionGround
from app.policy.vocabulary import FieldClass
from tests.spec import NOW, OCCASION, Given, given, registration

ACCOUNT = CollectData(
    obtained=Obtained(purpose="payments", personal={"financial.account": "9912346"}),
    source="secretariat",
)
DOCUMENT = CollectData(
    obtained=Obtained(
        purpose="travel_booking", personal={"identity.document": "EK1"}, occasion=OCCASION
    ),
    source="travelperk",
)
PERSON = given(registration("event_logistics", "newsletter"), ACCOUNT, DOCUMENT)


def may_read(person: Given, purpose: str) -> frozenset[str]:
    """What may be read for a purpose."""
    return readable(person.state, purpose, person.circumstances)


@pytest.mark.clause("C12", "L3")
def test_an_account_number_is_read_for_payments_alone() -> None:
    """L3: bank data with the purpose of the newsletter."""
    check_readable(PERSON.state, "payments", {"financial.account"}, PERSON.circumstances)
    with pytest.raises(PurposeNotAllowed) as refused:
        check_readable(PERSON.state, "newsletter", {"financial.account"}, PERSON.circumstances)

    assert refused.value.facts == {"purpose": "newsletter"}


@pytest.mark.clause("L3", "L4")
def test_data_are_read_for_the_purposes_for_which_they_are_held() -> None:
    assert may_read(PERSON, "newsletter") == {"contact.name", "contact.email"}
    assert may_read(PERSON, "payments") == {"financial.account"}
    assert may_read(PERSON, "information") == frozenset(), "on the allow-list, but not held for it"


@pytest.mark.clause("L3", "C13")
def test_a_narrower_use_reads_what_is_held_for_its_purpose_and_not_the_reverse() -> None:
    assert may_read(PERSON, "travel_booking") == {
        "contact.name",
        "contact.email",
        "contact.phone",
        "identity.document",
    }
    assert "identity.document" not in may_read(PERSON, "event_logistics")


@pytest.mark.clause("L3", "C43")
def test_files_and_further_identifiers_are_read_for_their_purpose() -> None:
    file = ReferenceFile(
        system="onedrive",
        title="Signed list",
        category="signature.attendance",
        purpose="accounting",
        source="onedrive",
        file=OCCASION,
    )
    address = ClaimIdentifier(
        category="contact.email",
        value="zoe@home.example",
        purpose="information",
        source="self_service",
        verification=Verification.LINK,
    )
    person = given(registration("event_logistics"), file, address)

    assert may_read(person, "accounting") == {"signature.attendance"}
    assert may_read(person, "information") == {"contact.email"}


@pytest.mark.clause("L3")
def test_superseded_data_of_a_purpose_stay_readable_by_their_successor_only() -> None:
    again = given(registration("newsletter")).when(
        CollectData(
            obtained=Obtained(purpose="newsletter", personal={"contact.name": "Z"}),
            source="secretariat",
        )
    )
    assert may_read(again.after, "newsletter") == {"contact.name", "contact.email"}


@pytest.mark.clause("L3", "L31")
def test_a_reading_is_recorded_with_its_purpose_and_field_classes() -> None:
    command = RecordConsultation(
        purpose="travel_booking", categories=frozenset({"identity.document", "contact.name"})
    )
    when = PERSON.when(command)
    when.then(
        ConsultationRecorded(
            purpose="travel_booking",
            field_classes=(FieldClass.CONTACT, FieldClass.IDENTITY),
            categories=("contact.name", "identity.document"),
        )
    )

    assert when.records[0].sections == ()
    consultations = when.after.state.consultations
    assert (consultations.recorded, consultations.refused) == (1, 0)
    assert consultations.last_at == NOW


@pytest.mark.clause("L3")
def test_a_reading_for_a_purpose_that_does_not_allow_it_is_refused_and_the_refusal_recorded() -> (
    None
):
    """L3: 403, and an event."""
    asked = frozenset({"financial.account", "contact.email"})
    PERSON.when(RecordConsultation(purpose="newsletter", categories=asked)).then_refused(
        PurposeNotAllowed, purpose="newsletter"
    )
    when = PERSON.when(RecordRefusedConsultation(purpose="newsletter", categories=asked))
    when.then(
        ConsultationRefused(
            purpose="newsletter",
            field_classes=(FieldClass.CONTACT, FieldClass.FINANCIAL),
            categories=("contact.email", "financial.account"),
        )
    )

    consultations = when.after.state.consultations
    assert (consultations.recorded, consultations.refused) == (0, 1)


@pytest.mark.clause("L3")
def test_two_readings_are_two_records() -> None:
    command = RecordConsultation(purpose="newsletter", categories=frozenset({"contact.email"}))
    consultations = PERSON.when(command).after.when(command).after.state.consultations

    assert consultations.recorded == 2


def test_nothing_read_is_nothing_recorded() -> None:
    PERSON.when(RecordConsultation(purpose="newsletter", categories=frozenset())).then_nothing()


@pytest.mark.clause("L2", "L3")
def test_a_reading_names_a_purpose_and_categories_of_the_policy() -> None:
    PERSON.when(
        RecordConsultation(purpose="curiosity", categories=frozenset({"contact.name"}))
    ).then_refused(PurposeUnknown)
    PERSON.when(
        RecordRefusedConsultation(purpose="newsletter", categories=frozenset({"health.diet"}))
    ).then_refused(CategoryUnknown)


def test_reading_does_not_change_the_content() -> None:
    """A9: the entity tag of a person does not move because somebody looked."""
    command = RecordConsultation(purpose="newsletter", categories=frozenset({"contact.email"}))
    refused = RecordRefusedConsultation(purpose="newsletter", categories=frozenset())
    after = PERSON.when(command).after.when(refused).after.state

    assert after.version == PERSON.state.version + 2
    assert after.content_version == PERSON.state.content_version == PERSON.state.version


@pytest.mark.clause("L31", "L33", "L35")
def test_what_is_handed_to_the_person_is_on_record_whatever_it_is_held_for() -> None:
    """Arts. 15, 20: a right reaches every purpose; that it was read is told all the same."""
    handed = frozenset({"contact.name", "financial.account"})

    PERSON.when(RecordRightsAnswer(categories=handed)).then(
        ConsultationRecorded(
            purpose="rights_requests",
            field_classes=(FieldClass.CONTACT, FieldClass.FINANCIAL),
            categories=("contact.name", "financial.account"),
        )
    )
    PERSON.when(RecordRightsAnswer(categories=frozenset())).then(
        ConsultationRecorded(purpose="rights_requests", field_classes=(), categories=())
    )


@pytest.mark.clause("L53", "L3")
def test_an_address_is_read_to_tell_of_a_breach_whatever_it_is_held_for() -> None:
    """Art. 34: for that purpose alone, which neither a restriction nor an objection stops."""
    PERSON.when(RecordBreachAddress(categories=frozenset({"contact.email"}))).then(
        ConsultationRecorded(
            purpose="breach_notification",
            field_classes=(FieldClass.CONTACT,),
            categories=("contact.email",),
        )
    )


@pytest.mark.clause("L3")
def test_reading_what_the_record_says_names_a_purpose_and_leaves_an_event() -> None:
    """No value is read, so no category is named."""
    PERSON.when(RecordInspection(purpose="newsletter")).then(
        ConsultationRecorded(purpose="newsletter", field_classes=(), categories=())
    )
    PERSON.when(RecordInspection(purpose="curiosity")).then_refused(PurposeUnknown)


@pytest.mark.clause("L42")
def test_restricted_data_are_read_for_no_purpose_of_the_controllers_own() -> None:
    """Art. 18(2): what the law demands, such as answering the person, goes on."""
    restrict = Restrict(
        restriction=OCCASION,
        ground=RestrictionGround.UNLAWFUL,
        source="email",
        purpose="event_logistics",
    )
    person = given(registration("event_logistics", "newsletter"), restrict)

    for purpose in ("event_logistics", "travel_booking"):
        with pytest.raises(SubjectRestricted) as refused:
            check_unrestricted(person.state, purpose, person.circumstances)
        assert refused.value.facts == {"ground": "unlawful"}
    for spared in ("newsletter", "rights_requests"):
        check_unrestricted(person.state, spared, person.circumstances)


@pytest.mark.clause("L42")
def test_a_restriction_of_everything_spares_what_the_law_demands() -> None:
    everything = Restrict(
        restriction=OCCASION, ground=RestrictionGround.LEGAL_CLAIMS, source="email"
    )
    person = given(registration("event_logistics"), everything)

    check_unrestricted(person.state, "rights_requests", person.circumstances)
    with pytest.raises(SubjectRestricted):
        check_unrestricted(person.state, "event_logistics", person.circumstances)


@pytest.mark.clause("L3")
def test_every_refused_reading_is_counted() -> None:
    refused = RecordRefusedConsultation(purpose="newsletter", categories=frozenset())
    consultations = PERSON.when(refused).after.when(refused).after.state.consultations

    assert (consultations.recorded, consultations.refused) == (0, 2)


@pytest.mark.clause("L3", "C43")
def test_a_file_is_read_for_its_own_purpose_alone() -> None:
    """Though its category is on the allow-list of another."""
    scan = ReferenceFile(
        system="onedrive",
        title="Passport",
        category="identity.document",
        purpose="travel_booking",
        source="travelperk",
        file=OCCASION,
        occasion=OCCASION,
    )
    person = given(registration("event_security"), scan)
    security = person.circumstances.policy.purpose("event_security")

    assert security is not None
    assert "identity.document" in security.categories
    assert "identity.document" not in may_read(person, "event_security")
