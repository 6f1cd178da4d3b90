"""What the controller published, decided and arranged."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from app.domain.archive import Published, in_force_at
from app.domain.arrangements import (
    Arrangement,
    EvidenceInFuture,
    LapseTransferMechanism,
    MechanismNotInForce,
    SetTransferMechanism,
)
from app.domain.control import (
    CONTROL,
    Command,
    Contract,
    ControlState,
    DecideNecessity,
    EndContract,
    NecessityNotInQuestion,
    PolicyTextMismatch,
    PolicyUnpublished,
    PolicyVersionTaken,
    PublishLaw,
    PublishPolicy,
    RegisterContract,
    SupplyPolicyText,
)
from app.domain.decider import Refusal
from app.domain.merges import ApproverIsProposer
from app.domain.purpose_limitation import CategoryUnknown
from app.domain.receivers import (
    ApproveReceiver,
    ProveReceiver,
    RegisterReceiver,
    WithdrawReceiver,
)
from app.domain.recipients import RecipientNotListed
from app.domain.storage import KEPT_MAX, RecordRewrite, Rewrite
from app.events.policies import (
    ContractEnded,
    ContractRegistered,
    LawPublished,
    NecessityDecided,
    NecessityOutcome,
    PolicyPublished,
    PolicyTextSupplied,
    TransferMechanismLapsed,
    TransferMechanismSet,
)
from app.events.recorded import Record
from app.events.storage import StorageRewritten
from app.events.suppressions import SuppressionLifted
from app.events.transmissions import TransmissionBar
from app.policy.vocabulary import AgreementKind
from app.values import replace
from tests.spec import NOW, arranged, circumstances, stored

POD = UUID("c1d4c8a4-2f7e-4df1-9c55-0b7f0c6f0a11")
STRUCTURE, TEXT, OTHER = "aa" * 32, "bb" * 32, "cc" * 32
TODAY = NOW.date()
PUBLISH = PublishPolicy(
    version="impel-1", structure=STRUCTURE, texts={"sv": TEXT}, effective_from=TODAY
)
NEXT = replace(PUBLISH, version="impel-2", structure=OTHER, texts={"sv": TEXT, "en": OTHER})
SUPPLY = SupplyPolicyText(version="impel-1", language="sv", digest=TEXT)
GENDER_ON = DecideNecessity(category="profile.gender", outcome=NecessityOutcome.NECESSARY)
GENDER_OFF = DecideNecessity(category="profile.gender", outcome=NecessityOutcome.UNNECESSARY)
CONTRACT = RegisterContract(
    recipient="azavista", kind=AgreementKind.PROCESSING, since=date(2024, 1, 1)
)
END = EndContract(recipient="azavista", on=date(2026, 12, 31))
DPF = SetTransferMechanism(
    recipient="mailchimp", mechanism="dpf", since=date(2023, 7, 10), evidence_on=TODAY
)
ANNULLED = LapseTransferMechanism(mechanism="dpf", on=date(2027, 3, 1))


def after(*commands: Command) -> ControlState:
    """The state once the commands are carried out, and nothing before."""
    return arranged(*commands, before=CONTROL.initial)


def decided(command: Command, *history: Command) -> tuple[object, ...]:
    """The events that a command makes after others."""
    state = after(*history)
    return tuple(r.event for r in CONTROL.decide(command, state, circumstances(control=state)))


def refused(command: Command, *history: Command) -> type[Refusal]:
    """Why a command is refused after others."""
    with pytest.raises(Refusal) as refusal:
        decided(command, *history)
    return refusal.type


@pytest.mark.clause("C76", "C77")
def test_a_version_is_published_once() -> None:
    """With the digests of its structure and of the texts that it stands for."""
    published = PolicyPublished(
        policy="impel-1", structure=STRUCTURE, texts={"sv": TEXT}, effective_from=TODAY
    )

    assert decided(PUBLISH) == (published,)
    assert decided(PUBLISH, PUBLISH) == ()
    state = after(PUBLISH)
    assert state.policy == "impel-1"
    assert state.policies == {
        "impel-1": Published(
            structure=STRUCTURE,
            texts={"sv": TEXT},
            supplied=frozenset(),
            effective_from=TODAY,
            published_at=NOW,
        )
    }
    assert (state.version, state.leaf_hash, state.last_at) == (1, (1).to_bytes(32), NOW)


@pytest.mark.clause("C76", "C77")
def test_a_published_version_never_changes() -> None:
    """A change is a new version."""
    assert refused(replace(PUBLISH, structure=OTHER), PUBLISH) is PolicyVersionTaken
    assert after(PUBLISH, NEXT).policy == "impel-2"
    assert list(after(PUBLISH, NEXT).policies) == ["impel-1", "impel-2"]
    assert CONTROL.initial.policy is None


@pytest.mark.clause("C77")
def test_an_earlier_version_can_be_put_in_force_again() -> None:
    """As it was, with its text, and with the day on which it was first published."""
    first = after(PUBLISH, SUPPLY, NEXT)
    [record] = CONTROL.decide(PUBLISH, first, circumstances(control=first))
    later = NOW + timedelta(days=1)
    again = CONTROL.evolve(first, stored(record, 4, later))

    assert again.policy == "impel-1"
    assert again.policies["impel-1"] == first.policies["impel-1"]
    assert again.last_at == later


@pytest.mark.clause("C28", "C77")
def test_the_text_is_the_one_that_the_structure_names() -> None:
    """Byte for byte, or it is refused."""
    supplied = PolicyTextSupplied(policy="impel-1", language="sv", digest=TEXT)

    assert decided(SUPPLY, PUBLISH) == (supplied,)
    assert decided(SUPPLY, PUBLISH, SUPPLY) == ()
    assert after(PUBLISH, SUPPLY).policies["impel-1"].supplied == {"sv"}
    assert refused(replace(SUPPLY, digest=OTHER), PUBLISH) is PolicyTextMismatch
    assert refused(replace(SUPPLY, digest=OTHER), PUBLISH, SUPPLY) is PolicyTextMismatch


@pytest.mark.clause("C77")
def test_a_text_belongs_to_a_published_version_and_language() -> None:
    """There is no archive for anything else."""
    assert refused(SUPPLY) is PolicyUnpublished
    assert refused(replace(SUPPLY, version="impel-2"), PUBLISH) is PolicyUnpublished
    assert refused(replace(SUPPLY, language="en"), PUBLISH) is PolicyUnpublished
    english = replace(SUPPLY, version="impel-2", language="en", digest=OTHER)
    both = after(PUBLISH, NEXT, english, replace(english, language="sv", digest=TEXT))
    assert both.policies["impel-2"].supplied == {"en", "sv"}
    assert both.policies["impel-1"].supplied == frozenset()


def test_a_law_file_is_published_once() -> None:
    """Decisions name the law that they were made under by its digest."""
    publish = PublishLaw(version="law-2026-11", digest=TEXT)

    assert decided(publish) == (LawPublished(law="law-2026-11", digest=TEXT),)
    assert decided(publish, publish) == ()
    assert after(publish).law == TEXT
    assert decided(replace(publish, digest=OTHER), publish)


@pytest.mark.clause("L5", "C10")
def test_gender_is_collected_only_after_a_decision_that_it_is_necessary() -> None:
    """C-394/23: off until the desk has decided, and off again when it decides otherwise."""
    assert decided(GENDER_ON) == (
        NecessityDecided(category="profile.gender", outcome=NecessityOutcome.NECESSARY),
    )
    assert decided(GENDER_ON, GENDER_ON) == ()
    assert decided(GENDER_OFF) == ()
    assert decided(GENDER_OFF, GENDER_ON) == (
        NecessityDecided(category="profile.gender", outcome=NecessityOutcome.UNNECESSARY),
    )
    assert CONTROL.initial.necessary_categories == frozenset()
    assert after(GENDER_ON).necessary_categories == {"profile.gender"}
    assert after(GENDER_ON, GENDER_OFF).necessary_categories == frozenset()


@pytest.mark.clause("L5")
def test_only_a_category_that_is_off_can_be_switched_on() -> None:
    """And only one that exists."""
    on_already = replace(GENDER_ON, category="contact.name")

    assert refused(on_already) is NecessityNotInQuestion
    assert refused(replace(GENDER_ON, category="star.sign")) is CategoryUnknown


@pytest.mark.clause("L50", "C38", "C40")
def test_a_contract_is_put_on_record() -> None:
    """With its first day, and its last when that is known."""
    registered = ContractRegistered(
        recipient="azavista", kind=AgreementKind.PROCESSING, since=date(2024, 1, 1), until=None
    )

    assert decided(CONTRACT) == (registered,)
    assert decided(CONTRACT, CONTRACT) == ()
    renewed = replace(CONTRACT, until=date(2030, 1, 1))
    assert decided(renewed, CONTRACT) == (replace(registered, until=date(2030, 1, 1)),)
    assert after(CONTRACT).contracts == {
        "azavista": Contract(kind=AgreementKind.PROCESSING, since=date(2024, 1, 1), until=None)
    }
    assert refused(replace(CONTRACT, recipient="nobody")) is RecipientNotListed


@pytest.mark.clause("L50", "C38")
def test_a_contract_ends() -> None:
    """On its last day it still holds."""
    ended = ContractEnded(recipient="azavista", on=date(2026, 12, 31))

    assert decided(END, CONTRACT) == (ended,)
    assert decided(END, CONTRACT, END) == ()
    assert decided(END) == ()
    assert refused(replace(END, recipient="nobody")) is RecipientNotListed
    contract = after(CONTRACT, END).contracts["azavista"]
    assert contract.until == date(2026, 12, 31)
    assert contract.since == date(2024, 1, 1)


@pytest.mark.clause("L50", "C38")
@pytest.mark.parametrize(
    ("on", "covered"),
    [
        (date(2023, 12, 31), False),
        (date(2024, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_a_contract_covers_its_days(on: date, covered: bool) -> None:
    """First and last day included."""
    contract = Contract(
        kind=AgreementKind.PROCESSING, since=date(2024, 1, 1), until=date(2026, 12, 31)
    )

    assert contract.covers(on) is covered
    assert replace(contract, until=None).covers(on) is (on >= date(2024, 1, 1))


@pytest.mark.clause("L55", "L58", "C30")
def test_a_transfer_mechanism_is_set_for_a_recipient() -> None:
    """With the day on which its proof was looked up."""
    placed = TransferMechanismSet(
        recipient="mailchimp", mechanism="dpf", since=date(2023, 7, 10), evidence_on=TODAY
    )

    assert decided(DPF) == (placed,)
    assert decided(DPF, DPF) == ()
    state = after(DPF)
    assert state.arrangements == {
        ("mailchimp", "dpf"): Arrangement(since=date(2023, 7, 10), evidence_on=TODAY)
    }
    assert state.arranged("mailchimp", TODAY) == ("dpf",)
    assert state.arranged("mailchimp", date(2023, 7, 10)) == ("dpf",)
    assert state.arranged("mailchimp", date(2023, 7, 9)) == ()
    assert state.arranged("basecamp", TODAY) == ()
    earlier = replace(DPF, evidence_on=TODAY - timedelta(days=30))
    assert decided(DPF, earlier) == (placed,)


@pytest.mark.clause("L58")
def test_evidence_that_nobody_can_have_seen_yet_is_refused() -> None:
    """It would stand as fresh until that day and a year on."""
    assert refused(replace(DPF, evidence_on=TODAY + timedelta(days=1))) is EvidenceInFuture
    assert decided(replace(DPF, since=TODAY + timedelta(days=10)))


@pytest.mark.clause("L55", "L56", "L60")
@pytest.mark.parametrize(
    "command",
    [
        replace(DPF, mechanism="privacy_shield"),
        replace(DPF, mechanism="privacy_shield", since=date(2020, 7, 16)),
        replace(DPF, mechanism="explicit_consent"),
        replace(DPF, mechanism="good_faith"),
        replace(DPF, since=date(2023, 7, 9)),
        LapseTransferMechanism(mechanism="good_faith", on=TODAY),
    ],
)
def test_a_mechanism_that_the_law_does_not_know_on_that_day_is_refused(command: Command) -> None:
    """Privacy Shield ended on 16 July 2020; a person's consent is no arrangement."""
    assert refused(command) is MechanismNotInForce


@pytest.mark.clause("L56")
def test_a_past_arrangement_can_be_entered() -> None:
    """For disclosures of its days."""
    past = replace(DPF, mechanism="privacy_shield", since=date(2020, 7, 15))

    assert decided(past)
    assert refused(replace(past, recipient="nobody")) is RecipientNotListed


@pytest.mark.clause("L57", "C30")
def test_a_mechanism_lapses_for_one_recipient_or_for_all() -> None:
    """One switch for the day on which a court annuls it."""
    for_all = TransferMechanismLapsed(recipient=None, mechanism="dpf", on=date(2027, 3, 1))
    one = replace(ANNULLED, recipient="Intuit Mailchimp")

    assert decided(ANNULLED) == (for_all,)
    assert decided(ANNULLED, ANNULLED) == ()
    assert decided(one) == (replace(for_all, recipient="mailchimp"),)
    assert decided(one, ANNULLED)
    assert decided(replace(ANNULLED, on=date(2027, 4, 1)), ANNULLED)
    everywhere, there = after(DPF, ANNULLED), after(DPF, one)
    assert not everywhere.lapsed("basecamp", "dpf", date(2027, 2, 28))
    assert everywhere.lapsed("basecamp", "dpf", date(2027, 3, 1))
    assert everywhere.lapsed("mailchimp", "dpf", date(2027, 3, 2))
    assert not everywhere.lapsed("mailchimp", "scc_2021", date(2027, 3, 2))
    assert there.lapsed("mailchimp", "dpf", date(2027, 3, 1))
    assert not there.lapsed("basecamp", "dpf", date(2027, 3, 1))


def test_a_mechanism_set_anew_has_not_lapsed() -> None:
    """A firm that certifies itself again."""
    one = replace(ANNULLED, recipient="mailchimp")
    again = replace(DPF, since=date(2027, 3, 1))

    state = after(DPF, one, replace(one, recipient="basecamp"), again)
    assert not state.lapsed("mailchimp", "dpf", date(2027, 3, 1))
    assert state.lapsed("basecamp", "dpf", date(2027, 3, 1))


def test_an_event_of_another_kind_only_moves_the_version() -> None:
    """The control stream may learn new events."""
    state = CONTROL.evolve(after(PUBLISH), stored(Record(SuppressionLifted(purpose="x")), 2))

    assert state == replace(after(PUBLISH), version=2, leaf_hash=(2).to_bytes(32))


@pytest.mark.clause("L5", "C28", "C77")
def test_a_refusal_says_what_it_is_about() -> None:
    """Without it, a tool that sends many could not tell which one was refused."""
    state = after(PUBLISH)
    for command, facts in (
        (replace(SUPPLY, digest=OTHER), {"version": "impel-1", "language": "sv"}),
        (replace(GENDER_ON, category="contact.name"), {"category": "contact.name"}),
    ):
        with pytest.raises(Refusal) as refusal:
            CONTROL.decide(command, state, circumstances(control=state))
        assert refusal.value.facts == facts


@pytest.mark.clause("L5")
def test_one_category_that_is_switched_on_leaves_the_others_as_they_are() -> None:
    state = ControlState(necessary_categories=frozenset({"profile.age"}))
    [record] = CONTROL.decide(GENDER_ON, state, circumstances(control=state))

    both = CONTROL.evolve(state, stored(record, 1))

    assert both.necessary_categories == {"profile.age", "profile.gender"}


@pytest.mark.clause("L34")
def test_the_newest_rewrites_of_the_storage_are_remembered_in_their_order() -> None:
    """By them it is known when the bytes of an erasure are gone; old ones cover nothing more."""
    first = RecordRewrite(through=7, wal=4096)
    assert decided(first) == (StorageRewritten(through=7, wal=4096),)
    many = [RecordRewrite(through=number, wal=10 * number) for number in range(KEPT_MAX + 2)]
    known = after(*many).rewrites
    assert [one.through for one in known] == list(range(2, KEPT_MAX + 2))
    assert known[-1] == Rewrite(through=KEPT_MAX + 1, wal=10 * (KEPT_MAX + 1))


def test_what_the_controller_says_of_a_receiver_is_kept_with_the_rest() -> None:
    """Put forward, proven, withdrawn, on one stream; approved by nobody who put it forward."""
    steps = (
        RegisterReceiver(receiver=POD, binding=OTHER),
        ProveReceiver(receiver=POD),
        ApproveReceiver(receiver=POD, by="officer"),
    )
    approved = after(*steps)
    assert approved.receivers[POD].bar is None
    assert approved.version == len(steps)
    assert refused(ApproveReceiver(receiver=POD, by="test"), *steps[:2]) is ApproverIsProposer
    gone = after(*steps, WithdrawReceiver(receiver=POD))
    assert gone.receivers[POD].bar is TransmissionBar.WITHDRAWN


def test_policies_are_in_force_from_their_publication() -> None:
    """What was decided before it was decided under the one before, or under none."""
    second = NOW + timedelta(hours=1)
    policies = {
        version: Published(
            structure=STRUCTURE,
            texts={},
            supplied=frozenset(),
            effective_from=TODAY,
            published_at=at,
        )
        for version, at in (("impel-1", NOW), ("impel-2", second))
    }
    assert in_force_at(policies, NOW - timedelta(seconds=1)) is None
    assert in_force_at(policies, NOW) == "impel-1"
    assert in_force_at(policies, second - timedelta(microseconds=1)) == "impel-1"
    assert in_force_at(policies, second) == "impel-2"
