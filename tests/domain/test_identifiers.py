"""Identifiers of a known person change only with proof of control."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.identifiers import (
    ClaimIdentifier,
    IdentifierUnknown,
    IdentifierUnverified,
    NotAnIdentifier,
    RehouseIdentifier,
    ReleaseIdentifier,
    VerifyIdentifier,
)
from app.domain.identities import identifying_kind
from app.domain.purpose_limitation import CategoryNotAllowedForPurpose
from app.events.identifiers import (
    IdentifierClaimed,
    IdentifierReleased,
    IdentifierVerified,
    Verification,
)
from app.events.recorded import Claim, Section, Suppression
from app.events.suppressions import SuppressionCause, SuppressionRecorded
from app.policy.vocabulary import IdentifierKind, LegalBasis
from app.values import replace
from tests.spec import NOW, POLICY, given, registration

PERSON = registration("event_logistics")
"""Versions: 1 registered, 2 collected, 3 the address, 4 the phone number."""


def claim(value: str = "Zoe@Home.example", **more: Any) -> ClaimIdentifier:
    """One more address, shown to be theirs by a link."""
    fields = {
        "category": "contact.email",
        "purpose": "newsletter",
        "source": "self_service",
        "verification": Verification.LINK,
    }
    return ClaimIdentifier(value=value, **(fields | more))


@pytest.mark.clause("C7", "L2")
def test_one_more_address_is_claimed_with_its_own_section() -> None:
    when = given(PERSON).when(claim())
    when.then(
        IdentifierClaimed(
            kind=IdentifierKind.EMAIL,
            category="contact.email",
            purpose="newsletter",
            basis=LegalBasis.CONSENT,
            source="self_service",
            policy="impel-1",
            value_at=5,
            retention_class="subscription",
            generation="membership",
            verification=Verification.LINK,
        )
    )
    [record] = when.records

    assert record.claims == (Claim("email", "zoe@home.example"),)
    assert record.sections == (
        Section("subscription", "membership", {"contact.email": "zoe@home.example"}),
    )
    assert record.suppressions == ()


@pytest.mark.clause("C7", "C8")
def test_the_state_knows_every_identifier_by_the_version_that_claimed_it() -> None:
    identifiers = given(PERSON).when(claim()).after.state.identifiers
    email, phone, added = identifiers.active.values()

    assert list(identifiers.active) == [3, 4, 5]
    assert (email.kind, email.value_at, email.additional) == (IdentifierKind.EMAIL, 2, False)
    assert (phone.kind, phone.category) == (IdentifierKind.PHONE, "contact.phone")
    assert (added.version, added.value_at, added.additional) == (5, 5, True)
    assert (added.verification, added.since) == (Verification.LINK, NOW)
    assert (added.purpose, added.basis) == ("newsletter", LegalBasis.CONSENT)
    assert identifiers.of_category("contact.email") == (email, added)


@pytest.mark.clause("C7")
def test_without_proof_of_control_nothing_is_claimed() -> None:
    """DESIGN 6: nobody's identifiers change without verification."""
    given(PERSON).when(claim(verification=None)).then_refused(IdentifierUnverified)


@pytest.mark.clause("C7", "L4")
def test_what_identifies_nobody_is_not_claimed() -> None:
    person = given(PERSON)
    person.when(claim("kansli@stad.example")).then_refused(
        NotAnIdentifier, category="contact.email"
    )
    person.when(claim("Zoë", category="contact.name")).then_refused(
        NotAnIdentifier, category="contact.name"
    )
    person.when(claim("+32470123456", category="contact.phone")).then_refused(
        CategoryNotAllowedForPurpose, category="contact.phone", purpose="newsletter"
    )


@pytest.mark.clause("C8")
def test_one_more_number_is_claimed_in_its_international_form() -> None:
    suppressed = SuppressionRecorded(
        purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
    )
    command = claim(
        "0471 12 34 56", category="contact.phone", purpose="event_logistics", region="BE"
    )
    [record] = given(PERSON, suppressed).when(command).records

    assert record.claims == (Claim("phone", "+32471123456"),)
    assert record.suppressions == (), "the register is of addresses"


@pytest.mark.clause("C7", "L41")
def test_a_suppression_follows_the_person_to_the_address_that_they_add() -> None:
    suppressed = SuppressionRecorded(
        purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
    )
    [record] = given(PERSON, suppressed).when(claim()).records

    assert record.suppressions == (Suppression("newsletter", "zoe@home.example"),)


@pytest.mark.clause("C7")
def test_an_identifier_is_verified_once() -> None:
    when = given(PERSON).when(VerifyIdentifier(identifier=3, verification=Verification.REPLY))
    when.then(IdentifierVerified(identifier=3, verification=Verification.REPLY))

    assert when.after.state.identifiers.active[3].verification is Verification.REPLY
    assert when.after.state.identifiers.active[4].verification is None
    when.after.when(VerifyIdentifier(identifier=3, verification=Verification.LINK)).then_nothing()


@pytest.mark.clause("C7")
def test_a_verification_names_an_identifier_of_the_person() -> None:
    given(PERSON).when(VerifyIdentifier(identifier=2, verification=Verification.LINK)).then_refused(
        IdentifierUnknown, identifier=2
    )


@pytest.mark.clause("C7")
def test_a_released_identifier_leads_to_the_person_no_longer() -> None:
    release = ReleaseIdentifier(identifier=3, value="zoe.angstrom@stad.example")
    when = given(PERSON).when(release)
    when.then(IdentifierReleased(identifier=3, kind=IdentifierKind.EMAIL))

    assert when.records[0].claims == (Claim("email", "zoe.angstrom@stad.example", release=True),)
    assert list(when.after.state.identifiers.active) == [4]
    when.after.when(release).then_refused(IdentifierUnknown, identifier=3)


def test_values_never_show_in_what_is_printed() -> None:
    text = repr(claim()) + repr(ReleaseIdentifier(identifier=3, value="zoe@home.example"))

    assert "ome.example" not in text


@pytest.mark.clause("L41")
def test_no_identifier_is_claimed_for_a_purpose_of_the_ledgers_own() -> None:
    """Its value would outlast the erasure of the person."""
    given(PERSON).when(claim(purpose="rights_requests")).then_refused(
        CategoryNotAllowedForPurpose, category="contact.email", purpose="rights_requests"
    )


@pytest.mark.clause("C7", "L7")
def test_an_identifier_moves_to_where_its_value_is_kept_when_its_own_place_goes() -> None:
    """Versions: 2 collected for the event, 3 for the newsletter; 4 is the address."""
    person = given(registration("event_logistics", "newsletter"))
    move = RehouseIdentifier(
        identifier=4, value="zoe.angstrom@stad.example", collected_at=3, purpose="newsletter"
    )
    after = person.when(move).after.state.identifiers

    assert [one.category for one in after.active.values()].count("contact.email") == 1
    [moved] = after.of_category("contact.email")
    assert (moved.value_at, moved.retention_class) == (3, "subscription")
    gone = replace(move, collected_at=9)
    person.when(gone).then_refused(IdentifierUnknown, identifier=4)


@pytest.mark.clause("C7")
def test_what_happened_to_an_identifier_has_its_time() -> None:
    """Whoever tells of it later says when it was."""
    earlier = NOW - timedelta(days=400)
    address = "zoe.angstrom@stad.example"
    person = given(PERSON)
    commands = (
        claim(occurred_at=earlier),
        VerifyIdentifier(identifier=3, verification=Verification.LINK, occurred_at=earlier),
        ReleaseIdentifier(identifier=3, value=address, occurred_at=earlier),
    )

    for command in commands:
        assert [one.occurred_at for one in person.when(command).records] == [earlier]


@pytest.mark.clause("C7", "L62")
def test_an_identifier_is_sealed_with_the_year_in_which_it_was_given() -> None:
    command = claim(
        purpose="payments",
        occurred_at=NOW.replace(year=2024),
    )

    [record] = given(PERSON).when(command).records

    assert record.event.generation == "year.2024"


@pytest.mark.clause("C7")
def test_an_identifier_that_moves_stays_verified() -> None:
    person = given(
        registration("event_logistics", "newsletter"),
        VerifyIdentifier(identifier=4, verification=Verification.LINK),
    )
    move = RehouseIdentifier(
        identifier=4, value="zoe.angstrom@stad.example", collected_at=3, purpose="newsletter"
    )

    [*_, claimed] = person.when(move).records

    assert claimed.event.verification is Verification.LINK


@pytest.mark.clause("C7")
def test_a_name_that_reads_like_a_mailbox_is_judged_by_its_category() -> None:
    """Only an e-mail address can be that of a function."""
    assert identifying_kind("contact.phone", "info", POLICY) is IdentifierKind.PHONE
    assert identifying_kind("contact.email", "info@stad.example", POLICY) is None
    assert identifying_kind("contact.horoscope", "anna@stad.example", POLICY) is None
