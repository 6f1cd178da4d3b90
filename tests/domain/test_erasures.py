"""Erasure: planned, prepared, executed, told, closed; and what it leaves standing."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.collections import CollectData, RectifyData
from app.domain.consents import ImportUnprovenConsent
from app.domain.disclosures import RecordDisclosure
from app.domain.epochs import BEGINNING, EpochState, KeyEpoch
from app.domain.erasure_plan import (
    EVERYTHING,
    ErasurePlan,
    ExemptionUngrounded,
    Extent,
    Keep,
    Retained,
    preview,
)
from app.domain.erasure_progress import Stage
from app.domain.erasure_steps import (
    AssureErasure,
    ChildNotDiscovered,
    CloseErasure,
    Destruction,
    ErasureIrrevocable,
    ErasureUnknown,
    ErasureUnprepared,
    ExecuteErasure,
    InformRecipient,
    LevelNotReached,
    PrepareErasure,
    RecipientNotConcerned,
    RecipientsUninformed,
    Remainder,
    RemainderErased,
    RemainderNotResealed,
    RequestErasure,
    ResealSections,
    WithdrawErasure,
)
from app.domain.files import ReferenceFile
from app.domain.identifiers import ClaimIdentifier
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import CategoryUnknown, PurposeUnknown
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.subjects import DiscoverChild, SubjectErased
from app.domain.suppressions import Unsubscribe
from app.events.collections import DataCollected
from app.events.erasures import (
    ErasureAssured,
    ErasureExecuted,
    ErasureLevel,
    ErasurePrepared,
    ErasureRecipientDue,
    ErasureRecipientInformed,
    ErasureRequested,
    ErasureStep,
    ErasureTrigger,
    ErasureWithdrawn,
    ExemptionGround,
    InformOutcome,
    SectionsResealed,
)
from app.events.identifiers import Verification
from app.events.recorded import Section, Suppression
from app.events.suppressions import SuppressionCause, SuppressionLifted, SuppressionRecorded
from app.policy.vocabulary import ExpiryBucket, LegalBasis, SourceOrigin
from app.values import replace
from tests.domain.test_consents import GIVE
from tests.spec import (
    CONTRACTED,
    NOW,
    OCCASION,
    POLICY,
    At,
    Given,
    data_key,
    given,
    registration,
)

KEY = UUID("7d9f3a52-4f4e-4b59-9c5c-8a1d6b0f2e11")
OTHER = UUID("7d9f3a52-4f4e-4b59-9c5c-8a1d6b0f2e12")
ADDRESS = "zoe.angstrom@stad.example"
ROOT = "5e" * 32
LAST_MONTH = NOW - timedelta(days=30)
PERSON = registration("event_logistics", "network_exchange")
CLAIM = CollectData(
    obtained=Obtained(
        purpose="payments",
        personal={"financial.account": "SE4550000000058398257466", "contact.name": "Zoë"},
    ),
    source="secretariat",
)
PASSPORT = CollectData(
    obtained=Obtained(
        purpose="travel_booking",
        personal={"identity.document": "X1234567", "contact.name": "Zoë"},
        occasion=OCCASION,
    ),
    source="travelperk",
)
SHARE = RecordDisclosure(
    recipients=("contact_db", "basecamp"),
    purpose="network_exchange",
    categories=frozenset({"contact.name", "contact.email"}),
)
SECOND_EPOCH = {
    1: KeyEpoch(opened_at=-1, state=EpochState.DESTROYED),
    2: KeyEpoch(opened_at=1_000),
}
"""The epoch in which everything lay is gone, and the next began after all of it."""
REQUEST = RequestErasure(erasure=KEY, source="email")
REQUESTED = ErasureRequested(
    erasure=KEY, trigger=ErasureTrigger.REQUEST, purposes=(), categories=(), source="email"
)
PREPARE = PrepareErasure(
    erasure=KEY,
    identifiers={"basecamp": ADDRESS},
    reply_address="Storgatan 1, Växjö",
    addresses=(ADDRESS,),
)
PARTICIPATION = data_key("participation", "membership")
OCCASIONAL = data_key("occasion", f"occasion.{OCCASION}")
IDENTITY = data_key("travel-identity", f"occasion.{OCCASION}")
FISCAL = data_key("fiscal", "year.2026")
EXECUTION = data_key("erasure-execution", f"request.{KEY}")


def execute(*keys: UUID, blobs: int = 3) -> ExecuteErasure:
    """The destruction of some keys."""
    return ExecuteErasure(erasure=KEY, destruction=Destruction(keys=keys, blobs=blobs, root=ROOT))


def plan_of(
    person: Given, extent: Extent = EVERYTHING, keeps: tuple[Keep, ...] = ()
) -> ErasurePlan:
    """What an erasure would do."""
    return preview(person.state, person.circumstances, extent, keeps)


EXECUTED = (PERSON, SHARE, REQUEST, At(NOW, PREPARE), At(NOW, execute(PARTICIPATION)))
CLOSE = CloseErasure(erasure=KEY, destruction=Destruction(keys=(EXECUTION,), blobs=4, root=ROOT))


@pytest.mark.clause("C66", "C70", "C80")
def test_an_erasure_is_requested_in_the_persons_words() -> None:
    """Art. 17(1): of everything, with or without reasons."""
    when = given(PERSON).when(replace(REQUEST, statement="I have left.", occurred_at=NOW))

    when.then(REQUESTED)
    [record] = when.records
    assert record.occurred_at == NOW
    assert record.sections == (
        Section("rights-request", f"request.{KEY}", {"correspondence.statement": "I have left."}),
    )
    erasure = when.after.state.erasures.by_id[KEY]
    assert (erasure.stage, erasure.extent, erasure.requested_at) == (
        Stage.REQUESTED,
        Extent(),
        NOW,
    )
    assert not when.after.state.erased
    assert "left" not in repr(replace(REQUEST, statement="I have left."))


@pytest.mark.clause("C70")
def test_an_erasure_can_be_of_purposes_or_of_categories() -> None:
    """Only contact details, only what is held for one thing."""
    part = replace(
        REQUEST,
        purposes=frozenset({"payments", "information"}),
        categories=frozenset({"work.title", "contact.phone"}),
    )

    given(PERSON).when(part).then(
        replace(
            REQUESTED,
            purposes=("information", "payments"),
            categories=("contact.phone", "work.title"),
        )
    )
    unknown = frozenset({"astrology"})
    given(PERSON).when(replace(REQUEST, purposes=unknown)).then_refused(PurposeUnknown)
    given(PERSON).when(replace(REQUEST, categories=unknown)).then_refused(CategoryUnknown)


@pytest.mark.parametrize(
    ("again", "new"),
    [
        (REQUEST, False),
        (replace(REQUEST, erasure=OTHER), False),
        (replace(REQUEST, erasure=OTHER, categories=frozenset({"contact.phone"})), True),
    ],
)
def test_the_same_erasure_is_requested_once(again: RequestErasure, new: bool) -> None:
    """While it runs."""
    assert bool(given(PERSON, REQUEST).when(again).records) is new
    assert (
        given(PERSON, REQUEST, WithdrawErasure(erasure=KEY))
        .when(replace(REQUEST, erasure=OTHER))
        .records
    )


@pytest.mark.clause("C79")
def test_who_does_not_accept_a_new_policy_is_erased_for_that_reason() -> None:
    """The trigger is kept: there is no silent acceptance."""
    given(PERSON).when(replace(REQUEST, trigger=ErasureTrigger.POLICY_CHANGE)).then(
        replace(REQUESTED, trigger=ErasureTrigger.POLICY_CHANGE)
    )


@pytest.mark.clause("C75", "L19")
def test_a_childs_data_are_erased_without_a_request() -> None:
    """Once it is known as one; and the erasure is not taken back."""
    of_child = replace(REQUEST, trigger=ErasureTrigger.CHILD_DATA)
    child = given(PERSON, DiscoverChild(source="secretariat"))

    child.when(of_child).then(replace(REQUESTED, trigger=ErasureTrigger.CHILD_DATA))
    given(PERSON).when(of_child).then_refused(ChildNotDiscovered)
    requested = child.when(of_child).after
    requested.when(WithdrawErasure(erasure=KEY)).then_refused(ErasureIrrevocable)
    executed = requested.when(PREPARE).after.when(execute(PARTICIPATION)).after
    assert executed.state.erased


def test_a_request_can_be_taken_back_until_something_is_destroyed() -> None:
    """Then no more."""
    withdraw = WithdrawErasure(erasure=KEY)

    mailings = ("information", "newsletter", "partner_news")
    reopened = tuple(SuppressionLifted(purpose=purpose) for purpose in mailings)
    for history, then in (((REQUEST,), ()), ((REQUEST, PREPARE), reopened)):
        when = given(PERSON, *history).when(withdraw)
        when.then(ErasureWithdrawn(erasure=KEY), *then)
        assert not when.after.state.suppressions.purposes
        when.after.when(withdraw).then_nothing()
        when.after.when(PREPARE).then_refused(ErasureUnknown)
        when.after.when(execute(PARTICIPATION)).then_refused(ErasureUnprepared)
        assert when.after.state.erasures.by_id[KEY].stage is Stage.WITHDRAWN
    given(*EXECUTED).when(withdraw).then_refused(ErasureIrrevocable, stage="executed")


@pytest.mark.parametrize(
    "command",
    [
        WithdrawErasure(erasure=OTHER),
        replace(PREPARE, erasure=OTHER),
        ResealSections(erasure=OTHER, remainders=()),
        replace(execute(PARTICIPATION), erasure=OTHER),
        InformRecipient(erasure=OTHER, recipient="basecamp", outcome=InformOutcome.INFORMED),
        replace(CLOSE, erasure=OTHER),
        AssureErasure(erasure=OTHER, level=ErasureLevel.BYTES_GONE, classes=frozenset()),
    ],
)
def test_what_was_not_requested_has_no_steps(command: object) -> None:
    """An id that nobody knows."""
    given(PERSON, REQUEST).when(command).then_refused(ErasureUnknown)


@pytest.mark.clause("C66", "C70", "L37")
def test_the_plan_of_a_whole_erasure() -> None:
    """Every class that does not survive goes with its keys; identifiers go; recipients are told."""
    plan = plan_of(given(PERSON, PASSPORT, SHARE))

    assert plan.erased == ("occasion", "participation", "travel-identity")
    assert plan.keys == {
        PARTICIPATION: "participation",
        OCCASIONAL: "occasion",
        IDENTITY: "travel-identity",
    }
    assert plan.identifiers
    assert plan.recipients == ("contact_db", "basecamp")
    assert plan.retained == ()
    assert plan.staying == frozenset()
    assert plan.suppressed == ("information", "newsletter", "partner_news")
    assert set(plan.fenced) == POLICY.retention_classes.keys() - {
        "fiscal",
        "grant",
        "consent-proof",
        "rights-proof",
        "erasure-execution",
        "mail",
    }


@pytest.mark.clause("L37", "L41", "C66")
def test_a_whole_erasure_takes_every_key_whatever_lies_under_it() -> None:
    """Letters and strays as well; only what stays by law, or is needed for telling, is left."""
    stray = DataCollected(
        purpose="erasure_execution",
        basis=LegalBasis.LEGAL_OBLIGATION,
        source="secretariat",
        origin=SourceOrigin.SUBJECT,
        policy="impel-1",
        held={"execution.identifier": "erasure-execution"},
        generations={"erasure-execution": "request"},
        occasion=None,
        dropped=0,
    )
    person = given(PERSON, CLAIM, stray, replace(REQUEST, statement="I have left."), PREPARE)
    letter = data_key("rights-request", f"request.{KEY}")
    going = (PARTICIPATION, letter, data_key("erasure-execution", "request"))
    plan = plan_of(person)

    assert set(plan.keys) == set(going)
    assert plan.erased == ("participation", "rights-request")
    assert plan.staying == {FISCAL, EXECUTION}
    for missing in going:
        rest = tuple(key for key in going if key != missing)
        person.when(execute(*rest)).then_refused(ErasureUnprepared, keys=2)
    person.when(execute(*going, EXECUTION)).then_refused(RemainderNotResealed)
    after = person.when(execute(*going)).after.state
    assert set(after.data_keys) == {FISCAL, EXECUTION}


@pytest.mark.clause("C71", "L37")
def test_a_letter_that_the_desk_keeps_is_named_and_nothing_unnamed_is_kept() -> None:
    """What is left readable always stands in the plan, with its ground and last day."""
    keep = Keep(
        retention_class="rights-request",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2027, 6, 30),
    )
    execution = replace(keep, retention_class="erasure-execution")
    person = given(PERSON, replace(REQUEST, statement="I have left."))

    kept = plan_of(person, keeps=(keep, execution))
    assert [one.retention_class for one in kept.retained] == ["rights-request"]
    assert set(kept.keys) == {PARTICIPATION}
    assert "rights-request" not in kept.fenced
    unheld = plan_of(given(PERSON), keeps=(keep,))
    assert "rights-request" in unheld.fenced


@pytest.mark.clause("C16", "C71", "L37", "L61", "L62")
def test_vouchers_stay_with_their_norm_and_last_day() -> None:
    """Art. 17(3)(b): ten years from the end of the year."""
    plan = plan_of(given(PERSON, CLAIM))

    assert plan.erased == ("participation",)
    assert plan.retained == (
        Retained(
            retention_class="fiscal",
            exemption="legal_obligation",
            ground="Art. 17(3)(b)",
            norm=POLICY.retention_classes["fiscal"].norm,
            until=date(2036, 12, 31),
        ),
    )
    assert plan.staying == {FISCAL}
    assert "fiscal" not in plan.fenced


@pytest.mark.clause("L16", "L41", "C71")
def test_the_proof_of_a_consent_stays_for_its_time() -> None:
    """Art. 7(1), 17(3)(e): counted from the erasure, which ends the consent."""
    [proof] = plan_of(given(registration("newsletter"), GIVE)).retained

    assert (proof.retention_class, proof.exemption) == ("consent-proof", "proof")
    assert proof.ground == proof.norm == POLICY.retention_classes["consent-proof"].norm
    assert proof.until == date(2031, 11, 22)
    of_phone = Extent(categories=frozenset({"contact.phone"}))
    assert plan_of(given(registration("newsletter"), GIVE), of_phone).retained == ()
    assert plan_of(given(registration("newsletter"))).retained == ()


@pytest.mark.clause("L40", "C32")
def test_the_last_day_of_a_class_waits_for_the_end_of_taking_part() -> None:
    """A class that is counted from there has no last day while the person takes part."""
    keep = Keep(
        retention_class="occasion",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2027, 6, 30),
    )
    survivor = replace(POLICY.retention_classes["participation"], survives_erasure=True)
    classes = {**POLICY.retention_classes, "participation": survivor}
    policy = replace(POLICY, retention_classes=classes)
    joined = StartRelationship(kind="member")
    left = At(NOW, EndRelationship(kind="member"))

    [taking_part] = plan_of(given(PERSON, joined, policy=policy)).retained
    [gone] = plan_of(given(PERSON, joined, left, policy=policy)).retained
    assert taking_part.until is None
    assert gone.until == date(2033, 11, 22)
    assert plan_of(given(PERSON, policy=policy), keeps=(keep,)).retained[0].until is None


@pytest.mark.clause("L40")
def test_a_class_that_is_counted_from_collection_ends_with_the_latest() -> None:
    """And one whose clock nothing has started has no last day."""
    by_collection = replace(POLICY.retention_classes["web"], survives_erasure=True)
    by_occasion = replace(POLICY.retention_classes["occasion"], survives_erasure=True)
    classes = {
        **POLICY.retention_classes,
        "participation": replace(
            by_collection, key="participation", generation=ExpiryBucket.MEMBERSHIP
        ),
    }
    policy = replace(POLICY, retention_classes=classes)
    late = CollectData(
        obtained=Obtained(purpose="information", personal={"contact.name": "Zoë"}),
        source="secretariat",
        occurred_at=NOW - timedelta(days=1),
    )

    [kept] = plan_of(given(PERSON, At(NOW, late), policy=policy)).retained
    assert kept.until == date(2027, 5, 21)
    classes = {**POLICY.retention_classes, "occasion": by_occasion}
    [waiting] = plan_of(
        given(PERSON, PASSPORT, policy=replace(POLICY, retention_classes=classes))
    ).retained
    assert waiting.until is None


@pytest.mark.clause("C71", "L37")
def test_the_desk_keeps_a_class_on_a_ground_that_it_names() -> None:
    """X11: record keeping and open transactions are no grounds by themselves."""
    keep = Keep(
        retention_class="occasion",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2027, 6, 30),
    )
    person = given(PERSON, PASSPORT)
    plan = plan_of(person, keeps=(keep,))

    assert plan.erased == ("participation", "travel-identity")
    assert plan.retained == (
        Retained(
            retention_class="occasion",
            exemption="open_transaction",
            ground="Art. 17(3)(e)",
            norm=POLICY.retention_classes["occasion"].norm,
            until=date(2027, 6, 30),
            named=ExemptionGround.LEGAL_CLAIMS,
        ),
    )
    assert "occasion" not in plan.fenced
    for flaw in (
        replace(keep, ground=None),
        replace(keep, until=None),
        replace(keep, exemption="convenience"),
        replace(keep, retention_class="eternity"),
    ):
        with pytest.raises(ExemptionUngrounded):
            plan_of(person, keeps=(flaw,))
    unheld = replace(keep, retention_class="survey")
    assert plan_of(person, keeps=(unheld,)).retained == ()


@pytest.mark.clause("L37", "C70")
def test_the_plan_of_a_part_says_what_must_be_sealed_anew() -> None:
    """Less than a key goes: the rest of its sections needs a new one first."""
    person = given(PERSON)
    plan = plan_of(person, Extent(categories=frozenset({"contact.phone"})))
    [held, *_] = person.state.collections.of_category("contact.phone")
    place = (held.version, "participation")

    assert plan.erased == ("participation",)
    assert plan.fenced == ()
    assert plan.suppressed == ()
    assert not plan.identifiers
    assert set(plan.keys) == {PARTICIPATION}
    assert plan.staying == {PARTICIPATION}
    assert plan.gone[place] == {"contact.phone"}
    assert plan.kept(place, ("contact.phone", "contact.name")) == ("contact.name",)
    assert plan.kept((99, "participation"), ("contact.phone",)) == ("contact.phone",)
    assert plan_of(person).kept((99, "participation"), ("contact.phone",)) == ()
    assert plan_of(person).kept((99, "fiscal"), ("contact.phone",)) == ("contact.phone",)


@pytest.mark.clause("L37")
def test_a_value_that_serves_two_purposes_goes_with_the_last() -> None:
    """A correction is one value for all purposes that used it."""
    corrected = given(
        PERSON, RectifyData(source="self_service", personal={"work.title": "Miljöchef"})
    )
    place = (corrected.state.version, "participation")

    one = plan_of(corrected, Extent(purposes=frozenset({"event_logistics"})))
    both = plan_of(corrected, Extent(purposes=frozenset({"event_logistics", "network_exchange"})))
    assert place not in one.gone
    assert both.gone[place] == {"work.title"}
    assert PARTICIPATION in one.staying


@pytest.mark.clause("L37", "L3")
def test_what_is_kept_for_one_purpose_is_no_longer_held_for_the_erased_one() -> None:
    """The value lives on under a new key, and serves one purpose less."""
    person = given(
        PERSON,
        RectifyData(source="self_service", personal={"work.title": "Miljöchef"}),
        replace(REQUEST, purposes=frozenset({"event_logistics"})),
        PREPARE,
    )
    plan = plan_of(person, Extent(purposes=frozenset({"event_logistics"})))
    sections: dict[tuple[int, str], dict[str, str]] = {}
    for held in (one for slot in person.state.collections.held.values() for one in slot.history()):
        place = (held.version, held.retention_class)
        if plan.kept(place, (held.category,)):
            sections.setdefault(place, {})[held.category] = "x"
    reseal = ResealSections(
        erasure=KEY,
        remainders=tuple(
            Remainder(place=place, generation="membership", personal=personal)
            for place, personal in sections.items()
        ),
    )
    after = person.when(reseal).after.when(execute(PARTICIPATION)).after

    assert after.state.collections.for_purpose("event_logistics") == frozenset()
    assert "work.title" in after.state.collections.for_purpose("network_exchange")


@pytest.mark.clause("L6", "L37", "L47")
def test_what_was_superseded_and_what_was_said_about_it_go_too() -> None:
    """The history of a value is as personal as the value."""
    person = given(
        PERSON,
        RectifyData(source="self_service", personal={"work.title": "Miljöchef"}),
        RectifyData(source="self_service", statements={"work.title": "Since May"}),
    )
    plan = plan_of(person, Extent(categories=frozenset({"work.title"})))
    versions = {version for version, _ in plan.gone}

    assert versions == {
        *(one.version for one in person.state.collections.of_category("work.title")),
        *(
            old.version
            for one in person.state.collections.of_category("work.title")
            for old in one.history()
        ),
        person.state.version,
    }
    assert plan.gone[person.state.version, "participation"] == {"correspondence.statement"}


@pytest.mark.clause("C43", "C13")
def test_the_title_of_a_file_goes_with_what_the_file_holds() -> None:
    """The file itself is a task for its system."""
    file = ReferenceFile(
        system="onedrive",
        title="Passport Z Å.pdf",
        category="identity.document",
        purpose="travel_booking",
        source="onedrive",
        file=OTHER,
        occasion=OCCASION,
    )
    person = given(PERSON, file)
    plan = plan_of(person, Extent(categories=frozenset({"identity.document"})))

    assert plan.gone == {(person.state.version, "travel-identity"): {"file.title"}}
    assert set(plan.keys) == {IDENTITY}


@pytest.mark.clause("C7", "C8")
def test_an_identifier_is_released_with_its_value() -> None:
    """Whoever asks for one number to be erased is not found by it any more."""
    claim = ClaimIdentifier(
        category="contact.phone",
        value="+32 470 99 88 77",
        purpose="network_exchange",
        source="self_service",
        verification=Verification.LINK,
    )
    person = given(PERSON, claim)
    added = person.state.version
    plan = plan_of(person, Extent(categories=frozenset({"contact.phone"})))

    assert plan.gone[added, "participation"] == {"contact.phone"}
    phones = {one.version for one in person.state.identifiers.of_category("contact.phone")}
    assert added in phones
    assert set(plan.released) == phones
    assert set(plan_of(person).released) == set(person.state.identifiers.active)


@pytest.mark.clause("L32", "L36", "C36", "C70")
@pytest.mark.parametrize(
    ("extent", "told"),
    [
        (Extent(), ("contact_db", "basecamp", "members")),
        (Extent(categories=frozenset({"contact.email"})), ("contact_db", "basecamp")),
        (Extent(categories=frozenset({"work.title"})), ("members",)),
        (Extent(purposes=frozenset({"network_exchange"})), ("contact_db", "basecamp", "members")),
        (Extent(purposes=frozenset({"event_logistics"})), ()),
    ],
)
def test_exactly_those_are_told_who_were_given_it(extent: Extent, told: tuple[str, ...]) -> None:
    """Art. 19: by the sharing register, not by a usual list; the own contact database first."""
    to_member = replace(
        SHARE,
        recipients=("members",),
        categories=frozenset({"work.title"}),
        country="SE",
        member=OTHER,
    )

    assert plan_of(given(PERSON, SHARE, to_member), extent).recipients == told


@pytest.mark.clause("C66", "L36", "L41")
def test_the_plan_goes_on_record_before_anything_is_destroyed() -> None:
    """With what telling will need, under a key of its own, and with the register's entries."""
    when = given(PERSON, CLAIM, SHARE, REQUEST).when(PREPARE)
    purposes = ("information", "newsletter", "partner_news")

    when.then(
        ErasurePrepared(
            erasure=KEY,
            erased=("participation",),
            retained={"fiscal": "legal_obligation"},
            grounds={},
            until={"fiscal": date(2036, 12, 31)},
            recipients=("contact_db", "basecamp"),
            language=None,
            told_with=None,
        ),
        ErasureRecipientDue(erasure=KEY, recipient="contact_db"),
        ErasureRecipientDue(erasure=KEY, recipient="basecamp"),
        *(
            SuppressionRecorded(purpose=key, cause=SuppressionCause.ERASURE, source="erasure")
            for key in purposes
        ),
    )
    prepared, contact_db, basecamp, *suppressed = when.records
    bucket = ("erasure-execution", f"request.{KEY}")
    assert prepared.sections == (
        Section(*bucket, {"correspondence.reply_address": "Storgatan 1, Växjö"}),
    )
    assert basecamp.sections == (Section(*bucket, {"execution.identifier": ADDRESS}),)
    assert contact_db.sections == ()
    assert [record.suppressions for record in suppressed] == [
        (Suppression(key, ADDRESS),) for key in purposes
    ]
    assert ADDRESS not in repr(PREPARE)
    assert "Storgatan" not in repr(PREPARE)
    erasure = when.after.state.erasures.by_id[KEY]
    assert (erasure.stage, erasure.untold) == (Stage.PREPARED, ("contact_db", "basecamp"))
    when.after.when(PREPARE).then_nothing()


@pytest.mark.clause("L41")
def test_what_is_closed_already_needs_no_new_entry() -> None:
    """An unsubscribe came first."""
    left = Unsubscribe(purpose="newsletter", source="mailchimp", addresses=(ADDRESS,))
    events = [record.event for record in given(PERSON, left, REQUEST).when(PREPARE).records]

    assert [one.purpose for one in events if isinstance(one, SuppressionRecorded)] == [
        "information",
        "partner_news",
    ]


@pytest.mark.clause("L36", "L37")
@pytest.mark.parametrize("change", [CLAIM, PASSPORT, SHARE])
def test_a_plan_that_is_outdated_is_prepared_again(change: object) -> None:
    """Data or a disclosure came in between: nothing escapes, nobody is forgotten."""
    outdated = given(PERSON, REQUEST, PREPARE, change)
    keys = (PARTICIPATION, OCCASIONAL, IDENTITY)

    outdated.when(execute(*keys)).then_refused(ErasureUnprepared, stage="prepared")
    again = outdated.when(PREPARE)
    assert isinstance(again.records[0].event, ErasurePrepared)
    assert not any(isinstance(one.event, SuppressionRecorded) for one in again.records)
    again.after.when(execute(*keys)).then(
        replace(
            executed_event(keys),
            retained=("fiscal",) if change is CLAIM else (),
        )
    )


@pytest.mark.clause("L36")
def test_a_recipient_is_entered_once() -> None:
    """Preparing again adds those that are new."""
    more = replace(SHARE, recipients=("google_forms",))
    again = given(PERSON, SHARE, REQUEST, PREPARE, more).when(PREPARE)

    due = [one.event for one in again.records if isinstance(one.event, ErasureRecipientDue)]
    assert due == [ErasureRecipientDue(erasure=KEY, recipient="google_forms")]


def executed_event(keys: tuple[UUID, ...]) -> ErasureExecuted:
    """The event of a whole erasure."""
    fenced = POLICY.retention_classes.keys() - {
        "fiscal",
        "grant",
        "consent-proof",
        "rights-proof",
        "erasure-execution",
        "mail",
    }
    return ErasureExecuted(
        erasure=KEY,
        step=ErasureStep.SUBJECT,
        purposes=(),
        categories=(),
        retained=(),
        keys=keys,
        classes=tuple(sorted(fenced)),
        blobs=3,
        identifiers=True,
        root=ROOT,
    )


@pytest.mark.clause("C66", "C70", "L37", "L10")
def test_an_erasure_destroys_the_keys_and_closes_the_classes() -> None:
    """One event names all that is gone; what the database counted stands in it."""
    when = given(PERSON, REQUEST, At(NOW, PREPARE)).when(execute(PARTICIPATION, OTHER))

    when.then(executed_event((PARTICIPATION, OTHER)))
    state = when.after.state
    assert state.erased
    assert dict(state.collections.held) == {}
    assert dict(state.identifiers.active) == {}
    erasure = state.erasures.by_id[KEY]
    assert (erasure.stage, erasure.executed_at) == (Stage.EXECUTED, NOW)
    when.after.when(execute(PARTICIPATION, OTHER)).then_nothing()
    when.after.when(PREPARE).then_nothing()
    when.after.when(replace(REQUEST, erasure=OTHER)).then_refused(SubjectErased)
    when.after.when(REQUEST).then_nothing()
    when.after.when(CLAIM).then_refused(SubjectErased)


@pytest.mark.clause("L37")
def test_nothing_is_destroyed_without_a_plan() -> None:
    """Nor with fewer keys than the plan has."""
    given(PERSON, REQUEST).when(execute(PARTICIPATION)).then_refused(
        ErasureUnprepared, stage="requested"
    )
    given(PERSON, REQUEST, PREPARE).when(execute(OTHER)).then_refused(ErasureUnprepared, keys=1)


@pytest.mark.clause("C71", "L37")
def test_a_key_of_what_stays_is_not_destroyed() -> None:
    """The vouchers are kept by law."""
    prepared = given(PERSON, CLAIM, REQUEST, PREPARE)

    prepared.when(execute(PARTICIPATION, FISCAL)).then_refused(RemainderNotResealed)
    prepared.when(execute(PARTICIPATION)).then(
        replace(executed_event((PARTICIPATION,)), retained=("fiscal",))
    )


@pytest.mark.clause("C71")
def test_what_the_desk_keeps_stays_through_the_execution() -> None:
    """The prepared plan decides, not a new one."""
    keep = Keep(
        retention_class="occasion",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2027, 6, 30),
    )
    prepared = given(PERSON, PASSPORT, REQUEST).when(replace(PREPARE, keeps=(keep,)))
    event = prepared.records[0].event

    assert event.retained == {"occasion": "open_transaction"}
    assert event.grounds == {"occasion": ExemptionGround.LEGAL_CLAIMS}
    assert event.until == {"occasion": date(2027, 6, 30)}
    prepared.after.when(execute(PARTICIPATION, IDENTITY, OCCASIONAL)).then_refused(
        RemainderNotResealed
    )
    [executed] = prepared.after.when(execute(PARTICIPATION, IDENTITY)).records
    assert executed.event.retained == ("occasion",)
    assert "occasion" not in executed.event.classes


PART = replace(REQUEST, categories=frozenset({"contact.phone"}))


def remainder(person: Given, category: str, **personal: str) -> Remainder:
    """What stays of the section that holds a category."""
    [held, *_] = person.state.collections.of_category(category)
    return Remainder(
        place=(held.version, held.retention_class),
        generation=held.generation,
        personal={key.replace("__", "."): value for key, value in personal.items()},
    )


@pytest.mark.clause("L37", "C70")
def test_what_stays_is_sealed_anew_before_its_key_goes() -> None:
    """Less than a key: first a new generation for the rest, then the old key."""
    person = given(registration("event_logistics"), PART, PREPARE)
    rest = remainder(person, "contact.phone", contact__name="Zoë", work__title="Director")
    reseal = ResealSections(erasure=KEY, remainders=(rest,))
    when = person.when(reseal)
    generation = f"membership.k{person.state.version}"

    person.when(execute(PARTICIPATION)).then_refused(RemainderNotResealed)
    when.then(
        SectionsResealed(
            erasure=KEY,
            origin=rest.place[0],
            retention_class="participation",
            generation=generation,
            categories=("contact.name", "work.title"),
        )
    )
    assert when.records[0].sections == (
        Section("participation", generation, {"contact.name": "Zoë", "work.title": "Director"}),
    )
    assert "Zoë" not in repr(reseal)
    assert when.after.state.erasures.by_id[KEY].resealed == {rest.place}
    when.after.when(reseal).then_nothing()


@pytest.mark.clause("L37", "C70")
def test_a_part_is_erased_and_the_rest_lives_on() -> None:
    """No fence, no loss of identity: the person goes on being a person."""
    person = given(registration("event_logistics"), PART, PREPARE)
    [held, *_] = person.state.collections.of_category("contact.phone")
    section = {
        one.category: "x"
        for one in person.state.collections.current()
        if one.version == held.version and one.category != "contact.phone"
    }
    rest = Remainder(
        place=(held.version, "participation"), generation=held.generation, personal=section
    )
    resealed = person.when(ResealSections(erasure=KEY, remainders=(rest,))).after
    when = resealed.when(execute(PARTICIPATION))

    when.then(
        replace(
            executed_event((PARTICIPATION,)),
            categories=("contact.phone",),
            classes=(),
            identifiers=False,
        )
    )
    assert not when.after.state.erased
    assert when.after.state.collections.of_category("contact.phone") == ()
    assert {one.category for one in when.after.state.collections.current()} == set(section)
    assert when.after.when(CLAIM).records


@pytest.mark.clause("L37")
def test_what_goes_cannot_be_sealed_anew() -> None:
    """Nor can nothing; nor can anything before there is a plan."""
    person = given(registration("event_logistics"), PART)
    prepared = person.when(PREPARE).after

    for personal in ({"contact__phone": "1"}, {"contact__phone": "1", "contact__name": "Zoë"}, {}):
        rest = remainder(prepared, "contact.phone", **personal)
        reseal = ResealSections(erasure=KEY, remainders=(rest,))
        prepared.when(reseal).then_refused(RemainderErased)
    rest = remainder(prepared, "contact.phone", contact__name="Zoë")
    person.when(ResealSections(erasure=KEY, remainders=(rest,))).then_refused(
        ErasureUnprepared, stage="requested"
    )


@pytest.mark.clause("L37")
def test_a_generation_does_not_grow_with_every_erasure() -> None:
    """The mark of an earlier re-sealing is replaced; the bucket keeps its name."""
    prepared = given(registration("event_logistics"), PART, PREPARE)
    rest = remainder(prepared, "contact.phone", contact__name="Zoë")
    again = replace(rest, generation="occasion.k2.k17")
    [record] = prepared.when(ResealSections(erasure=KEY, remainders=(again,))).records

    assert record.event.generation == f"occasion.k2.k{prepared.state.version}"


@pytest.mark.clause("L36", "C36", "C38", "C41")
def test_every_recipient_is_told_and_its_answer_kept() -> None:
    """Under any of its names; what is said later replaces what was said before."""
    executed = given(*EXECUTED)
    inform = InformRecipient(
        erasure=KEY, recipient="37signals", outcome=InformOutcome.STILL_PRESENT
    )
    when = executed.when(inform)

    when.then(
        ErasureRecipientInformed(
            erasure=KEY, recipient="basecamp", outcome=InformOutcome.STILL_PRESENT
        )
    )
    when.after.when(inform).then_nothing()
    assert when.after.state.erasures.by_id[KEY].untold == ("contact_db", "basecamp")
    gone = when.after.when(replace(inform, outcome=InformOutcome.VERIFIED_GONE)).after
    assert gone.state.erasures.by_id[KEY].untold == ("contact_db",)
    executed.when(replace(inform, recipient="members")).then_refused(RecipientNotConcerned)
    executed.when(replace(inform, recipient="nobody")).then_refused(RecipientNotConcerned)


@pytest.mark.clause("L36")
def test_nobody_is_told_before_it_is_true() -> None:
    """First the data go here, then the recipients are asked to follow."""
    inform = InformRecipient(erasure=KEY, recipient="basecamp", outcome=InformOutcome.INFORMED)

    given(PERSON, SHARE, REQUEST, PREPARE).when(inform).then_refused(
        ErasureUnprepared, stage="prepared"
    )


def told(outcome: InformOutcome) -> tuple[InformRecipient, ...]:
    """Both recipients, with the same answer."""
    return tuple(
        InformRecipient(erasure=KEY, recipient=recipient, outcome=outcome)
        for recipient in ("contact_db", "basecamp")
    )


@pytest.mark.clause("L36", "C66")
@pytest.mark.parametrize(
    "outcome",
    [
        InformOutcome.INFORMED,
        InformOutcome.VERIFIED_GONE,
        InformOutcome.CANNOT_VERIFY,
        InformOutcome.IMPOSSIBLE,
    ],
)
def test_an_erasure_closes_when_everybody_was_told(outcome: InformOutcome) -> None:
    """Then what was set aside for telling goes too: the certificate is final."""
    when = given(*EXECUTED, *(At(NOW, one) for one in told(outcome))).when(CLOSE)

    when.then(
        ErasureExecuted(
            erasure=KEY,
            step=ErasureStep.CLOSING,
            purposes=(),
            categories=(),
            retained=(),
            keys=(EXECUTION,),
            classes=("erasure-execution",),
            blobs=4,
            identifiers=False,
            root=ROOT,
        )
    )
    erasure = when.after.state.erasures.by_id[KEY]
    assert (erasure.stage, erasure.closed_at) == (Stage.CLOSED, NOW)
    assert erasure.erased == ("participation", "erasure-execution")
    assert erasure.levels["erasure-execution"] == {ErasureLevel.UNREADABLE: NOW}
    assert when.after.state.erased
    when.after.when(CLOSE).then_nothing()
    when.after.when(execute(PARTICIPATION)).then_nothing()
    when.after.when(PREPARE).then_nothing()


@pytest.mark.clause("L36")
def test_an_erasure_stays_open_while_somebody_was_not_told() -> None:
    """Or still has the data; until its last day, on which it closes in any case."""
    last_day = datetime(2027, 2, 22, 22, 59, tzinfo=NOW.tzinfo)
    present = tuple(At(NOW, one) for one in told(InformOutcome.STILL_PRESENT))

    given(*EXECUTED).when(CLOSE).then_refused(
        RecipientsUninformed, recipients=("contact_db", "basecamp"), until=date(2027, 2, 22)
    )
    given(*EXECUTED, *present).when(CLOSE).then_refused(RecipientsUninformed)
    history = [one if isinstance(one, At) else At(LAST_MONTH, one) for one in EXECUTED]
    given(*history, now=last_day).when(CLOSE).then_refused(RecipientsUninformed)
    late = given(*history, now=last_day + timedelta(minutes=1)).when(CLOSE)
    assert [record.event.step for record in late.records] == [ErasureStep.CLOSING]
    given(PERSON, REQUEST, PREPARE).when(CLOSE).then_refused(ErasureUnprepared, stage="prepared")


@pytest.mark.clause("L41", "C66")
def test_what_a_withdrawn_erasure_had_set_aside_goes_and_it_stays_withdrawn() -> None:
    """Nobody is to be told of it: the reply address and the identifiers serve nothing."""
    withdrawn = given(PERSON, SHARE, REQUEST, PREPARE, WithdrawErasure(erasure=KEY))
    nothing = Destruction(keys=(), blobs=0, root=ROOT)

    withdrawn.when(replace(CLOSE, destruction=nothing)).then_refused(ErasureUnprepared, keys=0)
    when = withdrawn.when(CLOSE)
    [record] = when.records
    assert (record.event.keys, record.event.classes) == ((EXECUTION,), ())
    assert when.after.state.erasures.by_id[KEY].stage is Stage.WITHDRAWN
    assert set(when.after.state.data_keys) == {PARTICIPATION}
    when.after.when(CLOSE).then_nothing()
    given(PERSON, REQUEST, WithdrawErasure(erasure=KEY)).when(CLOSE).then_nothing()
    assert withdrawn.when(replace(REQUEST, erasure=OTHER)).records


@pytest.mark.clause("L37", "L41", "C66")
def test_what_an_overtaken_or_withdrawn_erasure_had_set_aside_goes_with_the_whole_one() -> None:
    """And it is prepared no more: nothing is set aside for it again."""
    part = replace(REQUEST, erasure=OTHER, categories=frozenset({"contact.phone"}))
    aside = data_key("erasure-execution", f"request.{OTHER}")
    prepared = replace(PREPARE, erasure=OTHER)
    taken_back = WithdrawErasure(erasure=OTHER)

    for history in ((part, prepared), (part, prepared, taken_back)):
        person = given(PERSON, *history, REQUEST, PREPARE)
        person.when(execute(PARTICIPATION)).then_refused(ErasureUnprepared, keys=1)
        after = person.when(execute(PARTICIPATION, aside)).after
        assert set(after.state.data_keys) == {EXECUTION}
    overtaken = given(PERSON, part, prepared, REQUEST, PREPARE, execute(PARTICIPATION, aside))
    overtaken.when(prepared).then_refused(SubjectErased)


@pytest.mark.clause("L36", "L41")
def test_closing_a_whole_erasure_ends_what_any_other_was_still_telling() -> None:
    """Not before those that the other must tell are told, or the last day has come."""
    part = replace(REQUEST, erasure=OTHER, purposes=frozenset({"network_exchange"}))
    aside = data_key("erasure-execution", f"request.{OTHER}")
    executing = replace(execute(), erasure=OTHER)
    telling = given(
        registration("event_logistics"),
        SHARE,
        part,
        replace(PREPARE, erasure=OTHER),
        executing,
        REQUEST,
        PREPARE,
        At(NOW, execute(PARTICIPATION)),
        *(At(NOW, one) for one in told(InformOutcome.INFORMED)),
    )
    both = Destruction(keys=(EXECUTION, aside), blobs=4, root=ROOT)
    close = replace(CLOSE, destruction=both)

    assert set(telling.state.data_keys) == {EXECUTION, aside}
    telling.when(close).then_refused(RecipientsUninformed, recipients=("contact_db", "basecamp"))
    for one in told(InformOutcome.INFORMED):
        telling = telling.when(replace(one, erasure=OTHER)).after
    telling.when(CLOSE).then_refused(ErasureUnprepared, keys=1)
    assert dict(telling.when(close).after.state.data_keys) == {}


@pytest.mark.clause("L36")
def test_closing_a_partial_erasure_leaves_room_for_another() -> None:
    """No fence on the class that the next one will need."""
    person = given(
        registration("event_logistics"),
        CLAIM,
        replace(REQUEST, purposes=frozenset({"payments"})),
        PREPARE,
        execute(),
    )

    [closing] = person.when(CLOSE).records
    assert closing.event.classes == ()


@pytest.mark.clause("L10", "L34", "C61")
def test_how_far_a_thing_is_gone_is_told_class_by_class() -> None:
    """E1 at once; E2 when somebody can say so; E3 when its epochs are gone."""
    executed = given(
        PERSON,
        PASSPORT,
        SHARE,
        REQUEST,
        PREPARE,
        At(NOW, execute(PARTICIPATION, OCCASIONAL, IDENTITY)),
        control=replace(CONTRACTED, epochs=SECOND_EPOCH),
    )
    assure = AssureErasure(
        erasure=KEY,
        level=ErasureLevel.BACKUPS_UNREADABLE,
        classes=frozenset({"participation", "occasion"}),
        occurred_at=NOW,
    )
    at_once = {ErasureLevel.UNREADABLE: NOW}
    classes = ("occasion", "participation", "travel-identity")

    assert executed.state.erasures.by_id[KEY].levels == dict.fromkeys(classes, at_once)
    when = executed.when(assure)
    when.then(
        ErasureAssured(
            erasure=KEY,
            level=ErasureLevel.BACKUPS_UNREADABLE,
            classes=("occasion", "participation"),
        )
    )
    assert when.records[0].occurred_at == NOW
    both = {**at_once, ErasureLevel.BACKUPS_UNREADABLE: NOW}
    assert when.after.state.erasures.by_id[KEY].levels == {
        "occasion": both,
        "participation": both,
        "travel-identity": at_once,
    }
    when.after.when(assure).then_nothing()
    when.after.when(replace(assure, classes=assure.classes | {"travel-identity"})).then(
        ErasureAssured(
            erasure=KEY, level=ErasureLevel.BACKUPS_UNREADABLE, classes=("travel-identity",)
        )
    )


@pytest.mark.clause("L34", "C61")
def test_nothing_is_beyond_backups_while_an_epoch_in_which_it_lay_is_there() -> None:
    """Nor is it for an epoch that was opened before the data went, even if it came later."""
    assure = AssureErasure(
        erasure=KEY,
        level=ErasureLevel.BACKUPS_UNREADABLE,
        classes=frozenset({"participation"}),
    )
    later = replace(SECOND_EPOCH[2], opened_at=2)
    for epochs in (
        BEGINNING,
        SECOND_EPOCH | {1: replace(SECOND_EPOCH[1], state=EpochState.DESTROYING)},
        SECOND_EPOCH | {2: later},
        SECOND_EPOCH | {2: replace(later, opened_at=None)},
    ):
        control = replace(CONTRACTED, epochs=epochs)
        given(*EXECUTED, control=control).when(assure).then_refused(LevelNotReached)
    control = replace(CONTRACTED, epochs=SECOND_EPOCH)
    given(*EXECUTED, control=control).when(assure).then(
        ErasureAssured(
            erasure=KEY, level=ErasureLevel.BACKUPS_UNREADABLE, classes=("participation",)
        )
    )


@pytest.mark.clause("L34")
def test_a_level_is_not_claimed_for_what_was_not_erased() -> None:
    """Nor is the first one, which only the destruction itself reaches."""
    assure = AssureErasure(
        erasure=KEY, level=ErasureLevel.BYTES_GONE, classes=frozenset({"participation"})
    )

    given(*EXECUTED).when(replace(assure, classes=frozenset({"fiscal"}))).then_refused(
        LevelNotReached
    )
    given(*EXECUTED).when(replace(assure, level=ErasureLevel.UNREADABLE)).then_refused(
        LevelNotReached
    )
    given(PERSON, REQUEST, PREPARE).when(assure).then_refused(LevelNotReached)


@pytest.mark.parametrize(
    ("extent", "category", "purpose", "reached"),
    [
        (Extent(), "contact.name", "payments", True),
        (Extent(purposes=frozenset({"payments"})), "contact.name", "payments", True),
        (Extent(purposes=frozenset({"payments"})), "contact.name", "newsletter", False),
        (Extent(categories=frozenset({"contact.name"})), "contact.name", "newsletter", True),
        (Extent(categories=frozenset({"contact.name"})), "contact.email", "newsletter", False),
        (
            Extent(frozenset({"payments"}), frozenset({"contact.name"})),
            "contact.name",
            "newsletter",
            False,
        ),
    ],
)
def test_what_an_extent_reaches(extent: Extent, category: str, purpose: str, reached: bool) -> None:
    """By purpose and by category, and both when both are named; the event says the same."""
    event = replace(
        executed_event(()),
        purposes=tuple(extent.purposes),
        categories=tuple(extent.categories),
        retained=("fiscal",),
    )

    assert extent.reaches(category, purpose) is reached
    assert extent.of_everything is event.of_everything is (extent == Extent())
    answered = event.reaches(category=category, purpose=purpose, retention_class="occasion")
    assert answered is reached
    assert not event.reaches(category=category, purpose=purpose, retention_class="fiscal")
    closing = replace(event, step=ErasureStep.CLOSING)
    assert not closing.reaches(category=category, purpose=purpose, retention_class="occasion")
    assert not closing.of_everything


def test_a_ground_is_quoted_by_its_letter() -> None:
    """As a letter to the person does."""
    assert [ground.article for ground in ExemptionGround] == [
        f"Art. 17(3)({letter})" for letter in "abcde"
    ]


@pytest.mark.clause("L41")
def test_a_withdrawal_opens_only_what_its_own_preparation_closed() -> None:
    """What the person closed stays closed; what a part of the data has to do with it is nothing."""
    left = Unsubscribe(purpose="newsletter", source="mailchimp", addresses=(ADDRESS,))
    part = replace(REQUEST, erasure=OTHER, categories=frozenset({"contact.phone"}))
    withdraw = WithdrawErasure(erasure=KEY)
    reopened = [SuppressionLifted(purpose=key) for key in ("information", "partner_news")]

    both = given(PERSON, left, part, replace(PREPARE, erasure=OTHER), REQUEST, PREPARE)
    both.when(withdraw).then(ErasureWithdrawn(erasure=KEY), *reopened)
    both.when(replace(withdraw, erasure=OTHER)).then(ErasureWithdrawn(erasure=OTHER))


@pytest.mark.clause("L37", "L41")
def test_a_whole_erasure_that_was_taken_back_stands_in_the_way_of_nothing() -> None:
    """Neither does it keep the mailings closed, nor does what it set aside stay."""
    first = (REQUEST, PREPARE, WithdrawErasure(erasure=KEY))
    again = (replace(REQUEST, erasure=OTHER), replace(PREPARE, erasure=OTHER))
    person = given(PERSON, *first, *again)

    assert EXECUTION in plan_of(person).keys
    assert len(person.when(WithdrawErasure(erasure=OTHER)).records) == 4


@pytest.mark.clause("L37")
def test_an_erasure_of_nothing_that_is_held_is_prepared_like_any_other() -> None:
    """The person is answered; what was never prepared is not executed."""
    person = given(PERSON, replace(REQUEST, categories=frozenset({"image.profile"})))

    [prepared] = person.when(PREPARE).records
    assert (prepared.event.erased, prepared.event.recipients) == ((), ())
    person.when(execute()).then_refused(ErasureUnprepared, stage="requested")


@pytest.mark.clause("L40")
def test_a_class_whose_clock_has_not_started_is_prepared_without_a_last_day() -> None:
    survivor = replace(POLICY.retention_classes["participation"], survives_erasure=True)
    classes = {**POLICY.retention_classes, "participation": survivor}
    person = given(
        PERSON,
        StartRelationship(kind="member"),
        REQUEST,
        policy=replace(POLICY, retention_classes=classes),
    )

    prepared = person.when(PREPARE).records[0].event
    assert set(prepared.retained) == {"participation"}
    assert prepared.until == {}


@pytest.mark.clause("L36", "L37")
def test_an_erasure_for_which_nothing_was_set_aside_is_closed_too() -> None:
    silent = replace(PREPARE, reply_address="")
    close = replace(CLOSE, destruction=Destruction(keys=(), blobs=0, root=ROOT))

    when = given(PERSON, REQUEST, silent, execute(PARTICIPATION)).when(close)

    assert [record.event.step for record in when.records] == [ErasureStep.CLOSING]
    assert when.after.state.erasures.by_id[KEY].stage is Stage.CLOSED


@pytest.mark.clause("C71", "L37", "L62")
def test_closing_leaves_the_vouchers_alone() -> None:
    """Art. 17(3)(b): their key is none that was set aside for telling."""
    person = given(PERSON, CLAIM, REQUEST, PREPARE, execute(PARTICIPATION))

    assert set(person.when(CLOSE).after.state.data_keys) == {FISCAL}


@pytest.mark.clause("L36")
def test_closing_a_part_does_not_wait_for_those_whom_another_erasure_tells() -> None:
    other = replace(REQUEST, erasure=OTHER, purposes=frozenset({"network_exchange"}))
    mine = replace(REQUEST, purposes=frozenset({"payments"}))
    person = given(
        registration("event_logistics"),
        SHARE,
        other,
        replace(PREPARE, erasure=OTHER),
        replace(execute(), erasure=OTHER),
        mine,
        PREPARE,
        execute(),
    )

    assert person.state.erasures.by_id[OTHER].untold == ("contact_db", "basecamp")
    assert person.when(CLOSE).records


@pytest.mark.clause("L36")
def test_closing_a_whole_erasure_does_not_wait_for_one_that_was_taken_back() -> None:
    """What was not erased for that reason, nobody is told of."""
    part = replace(REQUEST, erasure=OTHER, purposes=frozenset({"network_exchange"}))
    history = (part, replace(PREPARE, erasure=OTHER), WithdrawErasure(erasure=OTHER))
    aside = data_key("erasure-execution", f"request.{OTHER}")
    person = given(
        PERSON,
        SHARE,
        *history,
        REQUEST,
        PREPARE,
        execute(PARTICIPATION, aside),
        *told(InformOutcome.INFORMED),
    )

    assert person.state.erasures.by_id[OTHER].untold == ("contact_db", "basecamp")
    assert person.when(CLOSE).records


@pytest.mark.clause("L36")
def test_a_recipient_that_the_policy_has_dropped_is_told_all_the_same() -> None:
    """Art. 19 asks who was given the data, not who would be given them today."""
    person = given(PERSON, SHARE)
    recipients = {key: one for key, one in POLICY.recipients.items() if key != "basecamp"}
    later = replace(person.circumstances, policy=replace(POLICY, recipients=recipients))

    assert preview(person.state, later).recipients == ("contact_db", "basecamp")


@pytest.mark.clause("L16", "C71")
def test_a_consent_that_nobody_can_prove_leaves_its_record_behind() -> None:
    """No section was sealed for it, and the plan names the class all the same."""
    imported = ImportUnprovenConsent(purpose="newsletter", source="import")

    [proof] = plan_of(given(registration("newsletter"), imported)).retained

    assert proof.retention_class == "consent-proof"


@pytest.mark.clause("C71")
def test_the_desk_cannot_keep_what_the_execution_itself_needs() -> None:
    keep = Keep(
        retention_class="erasure-execution",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2027, 6, 30),
    )

    assert plan_of(given(PERSON, REQUEST, PREPARE), keeps=(keep,)).retained == ()


@pytest.mark.clause("L40", "L62")
def test_the_last_day_of_a_class_is_counted_from_its_own_values_alone() -> None:
    """A claim of 2025 among data of 2026: ten years from the end of 2025."""
    earlier = replace(CLAIM, occurred_at=datetime(2025, 3, 1, tzinfo=NOW.tzinfo))

    [fiscal] = plan_of(given(PERSON, earlier)).retained

    assert (fiscal.retention_class, fiscal.until) == ("fiscal", date(2035, 12, 31))


@pytest.mark.clause("L41")
def test_exactly_what_telling_needs_is_set_aside() -> None:
    """A reply address alone, an identifier alone, and nothing that was sealed anew."""
    address_alone = given(PERSON, SHARE, REQUEST, replace(PREPARE, identifiers={}))
    identifier_alone = given(PERSON, SHARE, REQUEST, replace(PREPARE, reply_address=""))
    person = given(registration("event_logistics"), PART, PREPARE)
    rest = remainder(person, "contact.phone", contact__name="Zoë")
    resealed = person.when(ResealSections(erasure=KEY, remainders=(rest,))).after

    for one in (address_alone, identifier_alone, resealed):
        assert one.state.erasures.by_id[KEY].set_aside == {EXECUTION}


@pytest.mark.clause("L37")
def test_every_section_that_was_sealed_anew_is_remembered() -> None:
    """One by one: a caller that stopped half-way goes on where it was."""
    person = given(registration("event_logistics", "network_exchange"), PART, PREPARE)
    places = [
        (one.version, one.retention_class)
        for one in person.state.collections.of_category("contact.name")
    ]
    for place in places:
        rest = Remainder(place=place, generation="membership", personal={"contact.name": "Zoë"})
        person = person.when(ResealSections(erasure=KEY, remainders=(rest,))).after

    assert len(places) == 2
    assert person.state.erasures.by_id[KEY].resealed == set(places)
