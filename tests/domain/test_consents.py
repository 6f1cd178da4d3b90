"""Consent: what proves one, what does not, and how it ends."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.archive import Published
from app.domain.children import UnderAge
from app.domain.consents import (
    ConfirmConsent,
    ConsentNotApplicable,
    ConsentOutdated,
    ConsentRequestUnknown,
    ExpireConsent,
    GiveConsent,
    GiveExplicitTransferConsent,
    ImportUnprovenConsent,
    NeverConsented,
    RequestConsent,
    WithdrawConsent,
)
from app.domain.control import ControlState
from app.domain.evidence import ConsentEvidenceInvalid, Evidence, Wording
from app.domain.objections import RaiseObjection
from app.domain.purpose_limitation import PurposeUnknown, SourceUnknown
from app.domain.recipients import RecipientNotListed
from app.domain.subjects import DiscoverChild
from app.domain.suppressions import Unsubscribe
from app.domain.text_values import ValueInvalid
from app.events.consents import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.recorded import Section, Suppression
from app.events.suppressions import SuppressionCause, SuppressionLifted, SuppressionRecorded
from app.policy.durations import Duration
from app.policy.vocabulary import ConsentMethod, InvalidConsentMethod
from app.values import replace
from tests.spec import NOW, POLICY, At, given, registration

DIGEST = "c0" * 32
REQUEST = UUID("6f0c9a52-47c7-4a55-8a2c-0f7a3a8f3e01")
ADDRESS = "zoe.angstrom@stad.example"
LAST_MONTH = NOW - timedelta(days=30)
BEFORE = LAST_MONTH - timedelta(days=1)
WORDING = Wording(digest=DIGEST, language="sv", policy="impel-1")
EVIDENCE = Evidence(
    wording=WORDING,
    method="form",
    source="registration_form",
    occurred_at=BEFORE,
    reference="form entry 4711",
)
GIVE = GiveConsent(purpose="newsletter", evidence=EVIDENCE)
GIVEN = ConsentGiven(
    purpose="newsletter",
    wording=DIGEST,
    language="sv",
    policy="impel-1",
    method=ConsentMethod.FORM,
    source="registration_form",
)
WITHDRAW = WithdrawConsent(purpose="newsletter", source="self_service", addresses=(ADDRESS,))
WITHDRAWN = ConsentWithdrawn(purpose="newsletter", source="self_service")
ASK = RequestConsent(
    request=REQUEST, purpose="newsletter", wording=WORDING, source="registration_form"
)
CONFIRM = ConfirmConsent(request=REQUEST, occurred_at=NOW, reference="mail opened")
AGREE = GiveExplicitTransferConsent(
    purpose="event_security", recipient="hosts", country="TR", evidence=EVIDENCE
)
AGREED = TransferConsentGiven(
    purpose="event_security",
    recipient="hosts",
    country="tr",
    wording=DIGEST,
    language="sv",
    policy="impel-1",
    method=ConsentMethod.FORM,
    source="registration_form",
)
SUBSCRIBER = registration("newsletter")


def at(moment: datetime) -> GiveConsent:
    """The same consent, expressed at another time."""
    return replace(GIVE, evidence=replace(EVIDENCE, occurred_at=moment))


@pytest.mark.clause("L12", "C25", "C31")
def test_a_consent_is_kept_with_its_whole_proof() -> None:
    """Art. 7(1): who, for what, which words, which version, how, when, where; sealed evidence."""
    when = given(SUBSCRIBER).when(GIVE)

    when.then(GIVEN)
    [record] = when.records
    assert record.occurred_at == BEFORE
    assert record.sections == (
        Section("consent-proof", "membership", {"consent.evidence": "form entry 4711"}),
    )
    assert record.claims == ()
    assert record.suppressions == ()


@pytest.mark.clause("L12")
@pytest.mark.parametrize(
    ("part", "evidence"),
    [
        ("wording", replace(EVIDENCE, wording=replace(WORDING, digest=""))),
        ("wording", replace(EVIDENCE, wording=replace(WORDING, digest="not a digest"))),
        ("language", replace(EVIDENCE, wording=replace(WORDING, language=""))),
        ("policy", replace(EVIDENCE, wording=replace(WORDING, policy=""))),
        ("policy", replace(EVIDENCE, wording=replace(WORDING, policy="impel-9"))),
        ("method", replace(EVIDENCE, method="")),
        ("method", replace(EVIDENCE, method="telepathy")),
        ("source", replace(EVIDENCE, source="")),
        ("occurred_at", replace(EVIDENCE, occurred_at=None)),
        ("occurred_at", replace(EVIDENCE, occurred_at=NOW + timedelta(microseconds=1))),
        ("reference", replace(EVIDENCE, reference="")),
        ("reference", replace(EVIDENCE, reference=" \t ")),
    ],
)
def test_a_consent_without_a_part_of_its_proof_is_refused(part: str, evidence: Evidence) -> None:
    """Art. 7(1): the controller must be able to show it."""
    given(SUBSCRIBER).when(replace(GIVE, evidence=evidence)).then_refused(
        ConsentEvidenceInvalid, missing=(part,)
    )


@pytest.mark.clause("L12")
def test_every_missing_part_is_named_at_once() -> None:
    """A tool learns in one answer what it has to supply."""
    parts = ("wording", "language", "policy", "method", "source", "occurred_at", "reference")

    given(SUBSCRIBER).when(replace(GIVE, evidence=Evidence())).then_refused(
        ConsentEvidenceInvalid, missing=parts
    )


@pytest.mark.clause("L13", "L16", "C5", "C21", "C29", "C55")
@pytest.mark.parametrize("method", list(InvalidConsentMethod))
def test_what_passes_for_consent_is_refused(method: InvalidConsentMethod) -> None:
    """Art. 7(2): no bundling, no silence, no use of a chat, no settings of a browser."""
    evidence = replace(EVIDENCE, method=method.value)

    given(SUBSCRIBER).when(replace(GIVE, evidence=evidence)).then_refused(
        ConsentEvidenceInvalid, method=method.value
    )


@pytest.mark.clause("L12")
@pytest.mark.parametrize("method", list(ConsentMethod))
def test_every_method_that_stands_on_its_own_is_accepted(method: ConsentMethod) -> None:
    """A form, a double opt-in, paper, and an import that brings its proof."""
    evidence = replace(EVIDENCE, method=method.value)

    given(SUBSCRIBER).when(replace(GIVE, evidence=evidence)).then(replace(GIVEN, method=method))


@pytest.mark.clause("L12")
def test_a_consent_of_this_very_moment_is_accepted() -> None:
    """The present is not the future."""
    given(SUBSCRIBER).when(at(NOW)).then(GIVEN)


@pytest.mark.clause("L12", "C83")
def test_a_consent_under_an_earlier_published_version_is_accepted() -> None:
    """The version named is the one that the person saw."""
    control = ControlState(
        policies={
            "impel-0": Published(
                structure=DIGEST,
                texts={},
                supplied=frozenset(),
                effective_from=NOW.date(),
                published_at=NOW,
            )
        }
    )
    evidence = replace(EVIDENCE, wording=replace(WORDING, policy="impel-0"))

    given(SUBSCRIBER, control=control).when(replace(GIVE, evidence=evidence)).then(
        replace(GIVEN, policy="impel-0")
    )


@pytest.mark.clause("C47")
def test_the_source_is_one_of_the_policy_under_any_of_its_names() -> None:
    """One system has one key, whatever a text calls it."""
    named = replace(EVIDENCE, source="Sign-up form")
    unknown = replace(EVIDENCE, source="nowhere")

    given(SUBSCRIBER).when(replace(GIVE, evidence=named)).then(GIVEN)
    given(SUBSCRIBER).when(replace(GIVE, evidence=unknown)).then_refused(SourceUnknown)


def test_an_evidence_reference_is_a_storable_text() -> None:
    """RFC 9839: what no store can hold is refused, and the refusal does not repeat it."""
    evidence = replace(EVIDENCE, reference="entry\x00 4711")

    given(SUBSCRIBER).when(replace(GIVE, evidence=evidence)).then_refused(
        ValueInvalid, category="consent.evidence"
    )


@pytest.mark.clause("L11", "C31")
def test_consent_is_not_asked_for_where_the_basis_is_another() -> None:
    """Art. 6(1): each purpose has one basis."""
    on_interest = replace(GIVE, purpose="information")
    unknown = replace(GIVE, purpose="astrology")

    given(SUBSCRIBER).when(on_interest).then_refused(ConsentNotApplicable, purpose="information")
    given(SUBSCRIBER).when(unknown).then_refused(PurposeUnknown)


def test_the_same_consent_twice_is_one() -> None:
    """A tool may repeat itself."""
    given(SUBSCRIBER, GIVE).when(GIVE).then_nothing()


@pytest.mark.parametrize(
    "other",
    [
        replace(EVIDENCE, method="written"),
        replace(EVIDENCE, source="secretariat"),
        replace(EVIDENCE, occurred_at=BEFORE + timedelta(seconds=1)),
        replace(EVIDENCE, wording=replace(WORDING, language="en")),
    ],
)
def test_another_consent_to_the_same_purpose_replaces_the_proof(other: Evidence) -> None:
    """The newest proof is the one to show."""
    after = given(SUBSCRIBER, GIVE).when(replace(GIVE, evidence=other)).after

    proof = after.state.consents.of("newsletter").proof
    assert proof is not None
    assert proof.version == after.state.version
    assert (proof.wording, proof.source, proof.since) == (
        other.wording,
        other.source,
        other.occurred_at,
    )


@pytest.mark.clause("C82")
def test_a_request_alone_is_no_consent() -> None:
    """The first step of a double opt-in."""
    when = given(SUBSCRIBER).when(ASK)

    when.then(
        ConsentRequested(
            request=REQUEST,
            purpose="newsletter",
            wording=DIGEST,
            language="sv",
            policy="impel-1",
            source="registration_form",
        )
    )
    assert when.after.state.consents.of("newsletter").proof is None
    given(SUBSCRIBER, ASK).when(ASK).then_nothing()


def test_a_second_request_takes_the_place_of_the_first() -> None:
    """Only the newest mail can be answered."""
    other = UUID(int=REQUEST.int + 1)
    asked = given(SUBSCRIBER, At(NOW, ASK), At(NOW, replace(ASK, request=other)))

    asked.when(CONFIRM).then_refused(ConsentRequestUnknown)
    assert asked.when(replace(CONFIRM, request=other)).records


@pytest.mark.clause("L12", "L11")
@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (replace(ASK, wording=replace(WORDING, digest="")), "wording"),
        (replace(ASK, wording=replace(WORDING, language="")), "language"),
        (replace(ASK, wording=replace(WORDING, policy="")), "policy"),
    ],
)
def test_a_request_says_what_it_asks(request_: RequestConsent, part: str) -> None:
    """Nobody can agree to words that are not on record."""
    given(SUBSCRIBER).when(request_).then_refused(ConsentEvidenceInvalid, missing=(part,))
    given(SUBSCRIBER).when(replace(ASK, purpose="information")).then_refused(ConsentNotApplicable)
    given(SUBSCRIBER).when(replace(ASK, source="nowhere")).then_refused(SourceUnknown)


@pytest.mark.clause("C82", "L12")
def test_a_confirmation_is_a_consent_by_double_opt_in() -> None:
    """The proof is the request and its answer, in one event that stands alone."""
    when = given(SUBSCRIBER, At(NOW, ASK)).when(CONFIRM)

    when.then(
        ConsentConfirmed(
            request=REQUEST,
            purpose="newsletter",
            wording=DIGEST,
            language="sv",
            policy="impel-1",
            source="registration_form",
        )
    )
    [record] = when.records
    assert record.occurred_at == NOW
    [section] = record.sections
    assert section.personal == {"consent.evidence": "mail opened"}
    proof = when.after.state.consents.of("newsletter").proof
    assert proof is not None
    assert proof.method is ConsentMethod.DOUBLE_OPT_IN
    assert (proof.request, proof.wording, proof.since) == (REQUEST, WORDING, NOW)
    when.after.when(CONFIRM).then_nothing()


@pytest.mark.clause("L12")
def test_a_confirmation_proves_itself_too() -> None:
    """A click without a trace, or of tomorrow, confirms nothing."""
    asked = given(SUBSCRIBER, At(NOW, ASK))

    asked.when(replace(CONFIRM, reference="")).then_refused(
        ConsentEvidenceInvalid, missing=("reference",)
    )
    asked.when(replace(CONFIRM, occurred_at=None)).then_refused(
        ConsentEvidenceInvalid, missing=("occurred_at",)
    )


@pytest.mark.clause("C82")
def test_a_request_that_is_not_confirmed_in_time_is_void() -> None:
    """Seven days, to the second."""
    week = timedelta(days=7)

    assert given(SUBSCRIBER, At(NOW - week, ASK)).when(CONFIRM).records
    late = given(SUBSCRIBER, At(NOW - week - timedelta(seconds=1), ASK))
    late.when(CONFIRM).then_refused(ConsentRequestUnknown, days=7)
    given(SUBSCRIBER).when(CONFIRM).then_refused(ConsentRequestUnknown)


def test_a_withdrawal_voids_an_open_request() -> None:
    """A link in an old mail does not bring back what was ended since."""
    given(SUBSCRIBER, At(NOW, ASK), At(NOW, WITHDRAW)).when(CONFIRM).then_refused(
        ConsentRequestUnknown
    )


@pytest.mark.clause("L16")
def test_a_consent_that_cannot_be_shown_is_recorded_as_such() -> None:
    """An old list is no proof: the state is `unproven`, which permits nothing."""
    imported = ImportUnprovenConsent(purpose="newsletter", source="import")
    unproven = ConsentUnproven(purpose="newsletter", source="import", policy="impel-1")
    when = given(SUBSCRIBER).when(imported)

    when.then(unproven)
    assert when.records[0].sections == ()
    consent = when.after.state.consents.of("newsletter")
    assert consent.unproven
    assert consent.proof is None
    when.after.when(imported).then_nothing()
    given(SUBSCRIBER, GIVE).when(imported).then_nothing()
    given(SUBSCRIBER, GIVE, WITHDRAW).when(imported).then_nothing()
    given(SUBSCRIBER).when(replace(imported, purpose="payments")).then_refused(ConsentNotApplicable)
    given(SUBSCRIBER).when(replace(imported, source="nowhere")).then_refused(SourceUnknown)
    assert not given(SUBSCRIBER, imported, GIVE).state.consents.of("newsletter").unproven


@pytest.mark.clause("L14", "C73")
def test_a_withdrawal_ends_the_consent_and_closes_the_addresses() -> None:
    """Art. 7(3): as easy as giving, at once; the register keeps the address from coming back."""
    when = given(SUBSCRIBER, GIVE).when(replace(WITHDRAW, occurred_at=NOW))

    when.then(
        WITHDRAWN,
        SuppressionRecorded(
            purpose="newsletter", cause=SuppressionCause.WITHDRAWAL, source="self_service"
        ),
    )
    withdrawn, suppressed = when.records
    assert withdrawn.occurred_at == suppressed.occurred_at == NOW
    assert withdrawn.suppressions == ()
    assert suppressed.suppressions == (Suppression("newsletter", ADDRESS),)
    consent = when.after.state.consents.of("newsletter")
    assert (consent.proof, consent.open, consent.ended_at) == (None, False, NOW)
    when.after.when(WITHDRAW).then_nothing()


@pytest.mark.clause("L14")
@pytest.mark.parametrize(
    "standing", [ASK, ImportUnprovenConsent(purpose="newsletter", source="import")]
)
def test_whatever_was_said_to_be_a_consent_can_be_withdrawn(standing: object) -> None:
    """A person need not know what exactly is on record."""
    when = given(SUBSCRIBER, standing).when(WITHDRAW)

    assert when.records[0].event == WITHDRAWN
    assert not when.after.state.consents.of("newsletter").open


@pytest.mark.clause("L14")
def test_a_consent_that_was_never_given_cannot_be_withdrawn() -> None:
    """The answer is told apart from a second withdrawal."""
    given(SUBSCRIBER).when(WITHDRAW).then_refused(NeverConsented, purpose="newsletter")
    given(SUBSCRIBER).when(replace(WITHDRAW, purpose="information")).then_refused(NeverConsented)
    given(SUBSCRIBER).when(replace(WITHDRAW, purpose="astrology")).then_refused(PurposeUnknown)


@pytest.mark.clause("L15")
def test_a_withdrawal_costs_the_person_nothing_else() -> None:
    """Art. 7(4): membership, projects and what is held for them stay as they were."""
    person = given(registration("newsletter", "network_exchange"), GIVE)
    after = person.when(WITHDRAW).after

    for concern in ("relationships", "collections", "identifiers", "restrictions", "objections"):
        assert getattr(after.state, concern) == getattr(person.state, concern)


@pytest.mark.clause("L14")
def test_a_consent_that_is_no_marketing_closes_no_address() -> None:
    """The register is for mail that nobody wants any more."""
    security = replace(GIVE, purpose="event_security")
    withdraw = replace(WITHDRAW, purpose="event_security")

    given(SUBSCRIBER, security).when(withdraw).then(replace(WITHDRAWN, purpose="event_security"))


@pytest.mark.clause("L14", "C73")
def test_an_address_that_is_closed_already_is_not_closed_again() -> None:
    """One suppression a purpose."""
    closed = Unsubscribe(purpose="newsletter", source="mailchimp")
    again = at(NOW)

    given(SUBSCRIBER, closed, At(NOW, ASK)).when(WITHDRAW).then(WITHDRAWN)
    assert len(given(SUBSCRIBER, closed, At(NOW, again)).when(WITHDRAW).records) == 2


@pytest.mark.clause("L14", "C73")
def test_a_consent_from_before_the_withdrawal_opens_nothing() -> None:
    """Messages overtake one another on their way; the person's last word counts."""
    ended = given(SUBSCRIBER, GIVE, At(NOW, WITHDRAW))

    ended.when(GIVE).then_refused(ConsentOutdated, purpose="newsletter")
    ended.when(at(NOW)).then_refused(ConsentOutdated)
    later = NOW + timedelta(hours=1)
    given(SUBSCRIBER, GIVE, At(NOW, WITHDRAW), now=later).when(at(later)).then(
        GIVEN, SuppressionLifted(purpose="newsletter")
    )


@pytest.mark.clause("L14", "C73")
def test_a_withdrawal_that_was_long_on_its_way_still_ends_a_newer_consent() -> None:
    """No withdrawal is lost, and what it ended does not come back by being sent again."""
    late = replace(WITHDRAW, occurred_at=BEFORE - timedelta(days=1))
    ended = given(SUBSCRIBER, GIVE, late)

    assert ended.state.consents.of("newsletter").proof is None
    assert ended.state.consents.of("newsletter").ended_at == BEFORE
    ended.when(GIVE).then_refused(ConsentOutdated)
    assert ended.when(at(BEFORE + timedelta(seconds=1))).records


@pytest.mark.clause("L41")
def test_a_consent_from_before_an_unsubscribe_opens_nothing() -> None:
    """The suppression is younger than the consent."""
    unsubscribed = Unsubscribe(purpose="newsletter", source="mailchimp", occurred_at=NOW)

    given(SUBSCRIBER, At(NOW, unsubscribed)).when(at(NOW)).then_refused(ConsentOutdated)
    given(SUBSCRIBER, replace(unsubscribed, occurred_at=BEFORE - timedelta(days=2))).when(
        GIVE
    ).then(GIVEN, SuppressionLifted(purpose="newsletter"))


@pytest.mark.clause("L43")
def test_a_consent_from_before_an_objection_opens_nothing() -> None:
    """An objection to everything is one to the newsletter as well."""
    for purpose in ("newsletter", None):
        objection = RaiseObjection(objection=REQUEST, source="email", purpose=purpose)
        later = NOW + timedelta(hours=1)

        given(SUBSCRIBER, At(NOW, objection)).when(GIVE).then_refused(ConsentOutdated)
        given(SUBSCRIBER, At(NOW, objection), now=later).when(at(later)).then(
            GIVEN, SuppressionLifted(purpose="newsletter")
        )


@pytest.mark.clause("C29", "L60")
def test_agreeing_to_a_transfer_is_an_act_of_its_own() -> None:
    """Art. 49(1)(a): explicit, informed of the risks, and apart from everything else."""
    when = given(SUBSCRIBER).when(AGREE)

    when.then(AGREED)
    assert when.records[0].sections[0].retention_class == "consent-proof"
    assert when.records[0].occurred_at == BEFORE
    assert when.after.state.consents.of("event_security").proof is None
    assert set(when.after.state.consents.transfers) == {("event_security", "hosts", "tr")}
    when.after.when(AGREE).then_nothing()


@pytest.mark.clause("C29", "L60", "L55")
def test_a_consent_to_a_transfer_names_recipient_and_country() -> None:
    """A group of recipients is in many countries; agreeing to all of them is agreeing to none."""
    for nowhere in (None, ""):
        given(SUBSCRIBER).when(replace(AGREE, country=nowhere)).then_refused(
            ConsentEvidenceInvalid, missing=("country",)
        )
    given(SUBSCRIBER).when(replace(AGREE, recipient="mailchimp")).then_refused(RecipientNotListed)
    given(SUBSCRIBER).when(replace(AGREE, purpose="astrology")).then_refused(PurposeUnknown)
    given(SUBSCRIBER).when(replace(AGREE, recipient="azavista", country="TR")).then(
        replace(AGREED, recipient="azavista", country=None)
    )


@pytest.mark.clause("L60", "L13")
@pytest.mark.parametrize("command", [AGREE, replace(GIVE, purpose="event_security")])
def test_an_old_list_is_no_explicit_consent(
    command: GiveExplicitTransferConsent | GiveConsent,
) -> None:
    """Explicit means an express statement of the person."""
    imported = replace(command, evidence=replace(EVIDENCE, method="import"))
    registering = replace(command, evidence=replace(EVIDENCE, method="registration"))

    given(SUBSCRIBER).when(imported).then_refused(ConsentEvidenceInvalid, method="import")
    given(SUBSCRIBER).when(registering).then_refused(ConsentEvidenceInvalid, method="registration")


@pytest.mark.clause("L14", "L60")
def test_a_withdrawal_ends_the_transfers_of_the_purpose_alone() -> None:
    """What was agreed to for another purpose is another matter."""
    travel = replace(AGREE, purpose="travel_booking", recipient="hotels", country="TR")
    withdraw = replace(WITHDRAW, purpose="event_security")
    ended = given(SUBSCRIBER, AGREE, travel).when(withdraw)

    ended.then(replace(WITHDRAWN, purpose="event_security"))
    assert set(ended.after.state.consents.transfers) == {("travel_booking", "hotels", "tr")}
    ended.after.when(withdraw).then_nothing()
    ended.after.when(AGREE).then_refused(ConsentOutdated)


@pytest.mark.clause("C74", "C75")
@pytest.mark.parametrize(
    "command", [GIVE, ASK, AGREE, ImportUnprovenConsent(purpose="newsletter", source="import")]
)
def test_nothing_is_taken_from_a_child(command: object) -> None:
    """The only thing left to do about a child is to erase."""
    given(SUBSCRIBER, DiscoverChild(source="secretariat")).when(command).then_refused(UnderAge)


@pytest.mark.clause("C74")
def test_a_child_may_withdraw() -> None:
    """Art. 7(3) knows no age."""
    child = given(SUBSCRIBER, GIVE, DiscoverChild(source="secretariat"))

    assert child.when(WITHDRAW).records[0].event == WITHDRAWN


def test_no_personal_value_shows_in_a_command() -> None:
    """What is printed by accident must say nothing."""
    shown = repr((GIVE, WITHDRAW, CONFIRM, AGREE))

    assert "4711" not in shown
    assert ADDRESS not in shown
    assert "mail opened" not in shown


@pytest.mark.clause("C82")
def test_an_answer_to_one_request_is_no_answer_to_another() -> None:
    """What was agreed to before, for whatever purpose, does not swallow a confirmation."""
    security = replace(ASK, request=UUID(int=REQUEST.int + 1), purpose="event_security")
    confirm = replace(CONFIRM, request=security.request)
    person = given(SUBSCRIBER, GIVE, At(NOW, ASK), At(NOW, security))

    [record] = person.when(confirm).records

    assert record.event.purpose == "event_security"


@pytest.mark.clause("L60")
def test_one_recipient_in_one_country_is_named_without_it() -> None:
    """The country is asked for where the policy cannot know it."""
    one = replace(AGREE, recipient="azavista", country=None)

    given(SUBSCRIBER).when(one).then(replace(AGREED, recipient="azavista", country=None))


@pytest.mark.clause("L11")
def test_a_purpose_that_rests_on_something_else_says_on_what() -> None:
    given(SUBSCRIBER).when(replace(ASK, purpose="information")).then_refused(
        ConsentNotApplicable, purpose="information", basis="legitimate_interest"
    )


@pytest.mark.clause("L14", "L60")
def test_a_newer_agreement_to_another_transfer_does_not_move_the_end_of_this_one() -> None:
    """Each purpose ends at its own time: the withdrawal's, or of what it ended."""
    later = replace(EVIDENCE, occurred_at=NOW)
    travel = replace(
        AGREE, purpose="travel_booking", recipient="hotels", country="TR", evidence=later
    )
    withdraw = replace(WITHDRAW, purpose="event_security", occurred_at=BEFORE)
    own = replace(AGREE, evidence=later)

    ended = given(SUBSCRIBER, AGREE, At(NOW, travel), At(NOW, withdraw)).state
    overtaken = given(SUBSCRIBER, At(NOW, own), At(NOW, withdraw)).state

    assert ended.consents.of("event_security").ended_at == BEFORE
    assert overtaken.consents.of("event_security").ended_at == NOW


@pytest.mark.clause("L14", "L63")
def test_a_consent_given_anew_remembers_that_an_earlier_one_ended() -> None:
    """An older message that arrives late is still outdated."""
    later = NOW + timedelta(hours=1)
    person = given(SUBSCRIBER, GIVE, At(NOW, WITHDRAW), At(later, at(later)), now=later)

    consent = person.state.consents.of("newsletter")
    assert consent.proof is not None
    assert consent.ended_at == NOW


@pytest.mark.clause("C25", "L16")
def test_a_consent_ends_at_midnight_in_brussels_after_its_last_day() -> None:
    """Given a minute after midnight there, it is of the day that has not begun in UTC."""
    newsletter = POLICY.purposes["newsletter"]
    timed = replace(newsletter, consent_keep=Duration(months=1))
    policy = replace(POLICY, purposes={**POLICY.purposes, "newsletter": timed})
    on = datetime(2026, 9, 30, 22, 1, tzinfo=UTC)
    consent = replace(GIVE, evidence=replace(EVIDENCE, occurred_at=on))
    midnight = datetime(2026, 11, 1, 23, tzinfo=UTC)

    def ended(now: datetime) -> bool:
        known = given(registration(), At(on, consent), now=now, policy=policy)
        return bool(known.when(ExpireConsent(purpose="newsletter")).records)

    assert not ended(midnight - timedelta(seconds=1))
    assert ended(midnight)
