"""A public sign-up: nobody is a subscriber before they answered from the address (C82; Art. 7)."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.domain.consents import ConsentNotApplicable
from app.domain.evidence import ConsentEvidenceInvalid, Wording
from app.domain.obtaining import Obtained
from app.domain.periods import sealed_values
from app.domain.purpose_limitation import PurposeUnknown
from app.domain.sign_ups import ConfirmSignUp, ReceiveSignUp, SignUpUnknown, Subscribe, in_time
from app.domain.subject import SUBJECT
from app.domain.subjects import RegisterSubject
from app.domain.suppressions import Unsubscribe
from app.domain.text_values import ValueInvalid
from app.events.consents import ConsentConfirmed, ConsentRequested
from app.events.identifiers import IdentifierClaimed, Verification
from app.events.sign_ups import SignUpConfirmed, SignUpReceived
from app.events.subjects import SubjectRegistered
from app.events.suppressions import SuppressionLifted
from app.values import replace
from tests.spec import NOW, At, given, registration

SIGN_UP = UUID("e8a9a1b4-6a35-4b57-8d9b-1b9c5d0e4f01")
OTHER = UUID("e8a9a1b4-6a35-4b57-8d9b-1b9c5d0e4f02")
ADDRESS = "zoe.angstrom@stad.example"
WORDING = Wording(digest="c0" * 32, language="sv", policy="impel-1")
RECEIVE = ReceiveSignUp(
    sign_up=SIGN_UP,
    purpose="newsletter",
    address=" Zoe.Angstrom@Stad.example",
    wording=WORDING,
    source="registration_form",
)
RECEIVED = SignUpReceived(
    sign_up=SIGN_UP,
    purpose="newsletter",
    wording="c0" * 32,
    language="sv",
    policy="impel-1",
    source="registration_form",
)
CONFIRM = ConfirmSignUp(sign_up=SIGN_UP)
CONFIRMED = SignUpConfirmed(sign_up=SIGN_UP)
ASKED_AT = NOW - timedelta(days=2)
SUBSCRIBE = Subscribe(
    registration=RegisterSubject(
        source="registration_form",
        obtained=(Obtained(purpose="newsletter", personal={"contact.email": ADDRESS}),),
        verification=Verification.LINK,
    ),
    sign_up=SIGN_UP,
    purpose="newsletter",
    wording=WORDING,
    source="registration_form",
    asked_at=ASKED_AT,
    reference="sign-up 1, confirmed by its link",
)
REQUESTED = ConsentRequested(
    request=SIGN_UP,
    purpose="newsletter",
    wording="c0" * 32,
    language="sv",
    policy="impel-1",
    source="registration_form",
)
CONSENTED = ConsentConfirmed(
    request=SIGN_UP,
    purpose="newsletter",
    wording="c0" * 32,
    language="sv",
    policy="impel-1",
    source="registration_form",
)


@pytest.mark.clause("C82")
def test_an_entered_address_is_sealed_in_a_stream_of_its_own() -> None:
    """It registers nobody and claims no address: the person is not known to have been there."""
    when = given().when(RECEIVE)

    when.then(RECEIVED)
    [record] = when.records
    [section] = record.sections
    assert section.personal == {"contact.email": ADDRESS, "profile.language": "sv"}
    assert section.generation.endswith(str(SIGN_UP)), "it is forgotten by itself"
    assert record.claims == ()
    assert not when.after.state.registered
    when.after.when(RECEIVE).then_nothing()
    when.after.when(replace(RECEIVE, sign_up=OTHER)).then_nothing()


@pytest.mark.clause("C82")
def test_what_lies_sealed_beside_a_sign_up_is_known_to_whoever_counts_its_period() -> None:
    person = given(RECEIVE)
    [seal] = person.stream[0].seals

    listed = list(sealed_values(person.state))
    assert [one.category for one in listed] == ["contact.email", "profile.language"]
    for one in listed:
        assert one.place == (1, seal.retention_class)
        assert (one.key_id, one.purpose) == (seal.key_id, "sign_up")
        assert one.since == person.stream[0].recorded_at
    assert list(given().state.sign_ups.sealed_values()) == []


def test_a_sign_up_whose_section_is_gone_is_still_one() -> None:
    """After its address was destroyed, the event is read back without a seal."""
    [received] = given(RECEIVE).stream
    state = SUBJECT.evolve(SUBJECT.initial, replace(received, seals=()))

    assert state.sign_ups.one is not None
    assert state.sign_ups.one.key_id is None
    assert {one.place for one in sealed_values(state)} == {(1, "")}


@pytest.mark.clause("L16", "C25")
@pytest.mark.parametrize("purpose", ["information", "event_logistics"])
def test_nobody_signs_up_for_what_rests_on_no_consent(purpose: str) -> None:
    """Art. 6: news without a consent has no form at all, and a use that is no news neither."""
    given().when(replace(RECEIVE, purpose=purpose)).then_refused(SignUpUnknown)


def test_nobody_signs_up_for_a_use_of_consent_that_is_no_news() -> None:
    given().when(replace(RECEIVE, purpose="event_security")).then_refused(SignUpUnknown)
    given().when(replace(RECEIVE, purpose="curiosity")).then_refused(PurposeUnknown)


@pytest.mark.clause("L12")
def test_a_sign_up_without_the_sentence_that_was_shown_or_without_an_address_is_none() -> None:
    given().when(replace(RECEIVE, wording=Wording())).then_refused(ConsentEvidenceInvalid)
    given().when(replace(RECEIVE, address="nobody")).then_refused(ValueInvalid)


@pytest.mark.clause("C82")
def test_who_answers_in_time_confirms_once() -> None:
    person = given(At(ASKED_AT, RECEIVE))
    when = person.when(CONFIRM)

    assert person.state.sign_ups.one is not None
    assert person.state.sign_ups.one.confirmed_at is None
    assert person.state.sign_ups.one.wording == WORDING, "what was shown goes into the proof"
    when.then(CONFIRMED)
    assert when.after.state.sign_ups.one is not None
    assert when.after.state.sign_ups.one.confirmed_at == NOW
    when.after.when(CONFIRM).then_nothing()


@pytest.mark.clause("C82")
def test_an_answer_counts_for_seven_days_to_the_second() -> None:
    week = timedelta(days=7)
    last = given(At(NOW - week, RECEIVE))
    late = given(At(NOW - week - timedelta(seconds=1), RECEIVE))

    last.when(CONFIRM).then(CONFIRMED)
    assert in_time(last.state, last.circumstances).sign_up == SIGN_UP
    late.when(CONFIRM).then_refused(SignUpUnknown)
    with pytest.raises(SignUpUnknown):
        in_time(given().state, late.circumstances)


@pytest.mark.clause("C82")
def test_a_link_of_another_sign_up_confirms_nothing() -> None:
    given(At(ASKED_AT, RECEIVE)).when(replace(CONFIRM, sign_up=OTHER)).then_refused(SignUpUnknown)


@pytest.mark.clause("C82", "L12", "C25")
def test_who_was_not_known_is_registered_with_the_consent_and_its_whole_proof() -> None:
    """The address is verified by this very act; when it was entered and when confirmed is told."""
    when = given().when(SUBSCRIBE)
    events = [record.event for record in when.records]

    assert isinstance(events[0], SubjectRegistered)
    assert [one for one in events if isinstance(one, ConsentRequested)] == [REQUESTED]
    assert events[-1] == CONSENTED
    [claimed] = [one for one in events if isinstance(one, IdentifierClaimed)]
    assert claimed.verification is Verification.LINK
    moments = {type(one.event): one.occurred_at for one in when.records}
    assert (moments[ConsentRequested], moments[ConsentConfirmed]) == (ASKED_AT, NOW)
    [proof] = when.records[-1].sections
    assert proof.personal == {"consent.evidence": SUBSCRIBE.reference}


@pytest.mark.clause("C82", "L15")
def test_the_consent_of_a_sign_up_is_its_own_proof_and_recorded_once() -> None:
    person = given().when(SUBSCRIBE).after

    proof = person.state.consents.of("newsletter").proof
    assert proof is not None
    assert (proof.request, proof.since) == (SIGN_UP, NOW)
    person.when(SUBSCRIBE).then_nothing()


@pytest.mark.clause("L12", "C25")
def test_a_second_sign_up_of_a_subscriber_is_a_consent_of_its_own() -> None:
    person = given(At(NOW - timedelta(hours=1), SUBSCRIBE))
    again = replace(SUBSCRIBE, sign_up=OTHER, asked_at=NOW - timedelta(minutes=5))

    events = [record.event for record in person.when(again).records]
    assert replace(CONSENTED, request=OTHER) in events


@pytest.mark.clause("C82", "L14", "L41")
def test_who_had_left_is_a_subscriber_again_by_their_own_later_word() -> None:
    leaving = Unsubscribe(purpose="newsletter", source="mailchimp", addresses=(ADDRESS,))
    person = given(registration("newsletter"), leaving)
    when = person.when(SUBSCRIBE)
    events = [record.event for record in when.records]

    assert not [one for one in events if isinstance(one, SubjectRegistered)]
    assert [one.purpose for one in events if isinstance(one, SuppressionLifted)] == ["newsletter"]
    assert "newsletter" not in when.after.state.suppressions.purposes


@pytest.mark.clause("L11", "C25")
def test_nobody_subscribes_to_what_rests_on_no_consent() -> None:
    given().when(replace(SUBSCRIBE, purpose="information")).then_refused(ConsentNotApplicable)
