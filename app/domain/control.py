"""What the controller published, decided and arranged: the control stream (Arts. 24, 28, 44)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from app.domain import epochs as key_epochs
from app.domain.archive import Published, policies_after
from app.domain.arrangements import (
    Arrangement,
    LapseTransferMechanism,
    SetTransferMechanism,
    decide_mechanism,
    rearranged,
)
from app.domain.decider import Circumstances, Decider, Refusal
from app.domain.interests import AssessInterest, assessed, assessments_after
from app.domain.log_origins import ReopenLog, reopened
from app.domain.occasions import (
    EndOccasion,
    HoldOccasion,
    OccasionCommand,
    Occasions,
    ReleaseOccasion,
    SettleGrant,
    decide_occasion,
    occasions_after,
)
from app.domain.purpose_limitation import category_named
from app.domain.receivers import (
    RECEIVER_EVENTS,
    ApproveReceiver,
    ProveReceiver,
    ReceiverCommand,
    Receivers,
    RegisterReceiver,
    WithdrawReceiver,
    decide_receiver,
    receivers_after,
)
from app.domain.recipients import recipient_named
from app.domain.safeguards import SwitchSafeguard, switched
from app.domain.standing_findings import Decided, DecideStandingFinding, decide_standing, decided
from app.domain.storage import RecordRewrite, Rewrite, rewrites_after, rewritten
from app.events.holds import GrantSettled, LegalHoldPlaced, LegalHoldReleased, OccasionEnded
from app.events.interests import LegitimateInterestAssessed
from app.events.log_origins import LogReopened
from app.events.policies import (
    ContractEnded,
    ContractRegistered,
    LawPublished,
    NecessityDecided,
    NecessityOutcome,
    PolicyPublished,
    PolicyTextSupplied,
    Safeguard,
    SafeguardSwitched,
    StandingFindingDecided,
    TransferMechanismLapsed,
    TransferMechanismSet,
)
from app.events.recorded import Record, Recorded
from app.events.storage import StorageRewritten
from app.policy.vocabulary import AgreementKind
from app.values import Value, field, replace


class PolicyVersionTaken(Refusal):
    """The version was published with another structure; a published version never changes."""

    code = "policy-version-taken"
    rules = ("C76", "C77")


class PolicyUnpublished(Refusal):
    """No such policy version, or it has no text in this language."""

    code = "policy-unpublished"
    rules = ("C77",)


class PolicyTextMismatch(Refusal):
    """The text is not the one whose SHA-256 the published structure names."""

    code = "policy-text-mismatch"
    rules = ("C28", "C77")


class NecessityNotInQuestion(Refusal):
    """Only a category that is off by default can be switched on."""

    code = "necessity-not-in-question"
    rules = ("L5",)


class Contract(Value, frozen=True, kw_only=True):
    """A processor contract or memorandum on record."""

    kind: AgreementKind
    since: date
    until: date | None

    def covers(self, on: date) -> bool:
        """Whether it holds on that day."""
        return self.since <= on and (self.until is None or on <= self.until)


class ControlState(Value, frozen=True, kw_only=True):
    """Everything that decisions about people depend on beside the policy and the law themselves."""

    version: int = 0
    leaf_hash: bytes | None = None
    last_at: datetime | None = None
    policies: Mapping[str, Published] = field(default_factory=dict)
    """Version -> what was published, in the order of publishing."""
    law: str | None = None
    """Digest of the law file in force."""
    necessary_categories: frozenset[str] = frozenset()
    """Categories off by default that a necessity decision switched on (L5)."""
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    arrangements: Mapping[tuple[str, str], Arrangement] = field(default_factory=dict)
    """(recipient, mechanism) -> since when."""
    lapses: Mapping[tuple[str | None, str], date] = field(default_factory=dict)
    """(recipient or None for all, mechanism) -> first day without it."""
    decisions: Mapping[str, Decided] = field(default_factory=dict)
    """Code of a standing finding, in lower case -> the last decision on it."""
    assessments: Mapping[str, LegitimateInterestAssessed] = field(default_factory=dict)
    """Purpose -> the assessment of the controller's interest that stands."""
    occasions: Occasions = Occasions()
    safeguards: frozenset[Safeguard] = frozenset()
    """Those that are on."""
    receivers: Receivers = field(default_factory=dict)
    """Other controllers to whom data may go at a person's request, once approved."""
    rewrites: tuple[Rewrite, ...] = ()
    """Of the tables that erasure takes rows from, the newest last."""
    reopening: LogReopened | None = None
    """The last time that the log went on under another origin."""
    epochs: key_epochs.Epochs = field(default_factory=lambda: key_epochs.BEGINNING)

    @property
    def policy(self) -> str | None:
        """The version published last."""
        return next(reversed(tuple(self.policies)), None)

    def arranged(self, recipient: str, on: date) -> tuple[str, ...]:
        """The mechanisms set for a recipient on that day, the one set first in front."""
        return tuple(
            mechanism
            for (whose, mechanism), arrangement in self.arrangements.items()
            if whose == recipient and arrangement.since <= on
        )

    def lapsed(self, recipient: str, mechanism: str, on: date) -> bool:
        """Whether a mechanism no longer carries a transfer, for this recipient or for all."""
        ends = (self.lapses.get((whose, mechanism)) for whose in (recipient, None))
        return any(end is not None and end <= on for end in ends)


class PublishPolicy(Value, frozen=True, kw_only=True):
    """Put a policy version in force."""

    version: str
    structure: str
    """SHA-256 of its file."""
    texts: Mapping[str, str]
    """Language -> SHA-256 of the text, as the structure names it."""
    effective_from: date


class SupplyPolicyText(Value, frozen=True, kw_only=True):
    """Put the text of a published version into the archive."""

    version: str
    language: str
    digest: str


class PublishLaw(Value, frozen=True, kw_only=True):
    """Put a version of the legal parameters in force."""

    version: str
    digest: str


class DecideNecessity(Value, frozen=True, kw_only=True):
    """Decide whether a category that is off by default may be collected."""

    category: str
    outcome: NecessityOutcome


class RegisterContract(Value, frozen=True, kw_only=True):
    """Put a processor contract or memorandum on record."""

    recipient: str
    kind: AgreementKind
    since: date
    until: date | None = None


class EndContract(Value, frozen=True, kw_only=True):
    """Record the last day of a contract."""

    recipient: str
    on: date


Command: TypeAlias = (
    PublishPolicy
    | SupplyPolicyText
    | PublishLaw
    | DecideNecessity
    | RegisterContract
    | EndContract
    | SetTransferMechanism
    | LapseTransferMechanism
    | DecideStandingFinding
    | OccasionCommand
    | SwitchSafeguard
    | ReceiverCommand
    | RecordRewrite
    | ReopenLog
    | AssessInterest
    | key_epochs.EpochCommand
)


def decide(command: Command, state: ControlState, given: Circumstances) -> tuple[Record, ...]:
    """The records that a command of the controller makes."""
    match command:
        case PublishPolicy():
            return _publish(command, state)
        case SupplyPolicyText():
            return _supply(command, state)
        case PublishLaw(version=version, digest=digest):
            law = LawPublished(law=version, digest=digest)
            return () if state.law == digest else (Record(law),)
        case DecideNecessity():
            return _decide_necessity(command, state, given)
        case RegisterContract() | EndContract():
            return _contract(command, state, given)
        case SetTransferMechanism() | LapseTransferMechanism():
            return decide_mechanism(command, state, given)
        case DecideStandingFinding() | AssessInterest():
            return _weighed(command, state, given)
        case EndOccasion() | SettleGrant() | HoldOccasion() | ReleaseOccasion():
            return decide_occasion(command, state, given)
        case RegisterReceiver() | ProveReceiver() | ApproveReceiver() | WithdrawReceiver():
            return decide_receiver(command, state.receivers)
        case _:
            return _of_the_ledger(command, state, given)


def _weighed(
    command: DecideStandingFinding | AssessInterest, state: ControlState, given: Circumstances
) -> tuple[Record, ...]:
    if isinstance(command, AssessInterest):
        return assessed(command, state, given)
    return decide_standing(command, state, given)


def _of_the_ledger(
    command: SwitchSafeguard | RecordRewrite | ReopenLog | key_epochs.EpochCommand,
    state: ControlState,
    given: Circumstances,
) -> tuple[Record, ...]:
    match command:
        case RecordRewrite():
            return rewritten(command)
        case ReopenLog():
            return reopened(command, state.reopening)
        case SwitchSafeguard():
            return switched(command, state.safeguards)
        case _:
            return key_epochs.decide_epoch(command, state.epochs, given)


def _publish(command: PublishPolicy, state: ControlState) -> tuple[Record, ...]:
    published = state.policies.get(command.version)
    if published is not None and published.structure != command.structure:
        raise PolicyVersionTaken
    if state.policy == command.version:
        return ()
    event = PolicyPublished(
        policy=command.version,
        structure=command.structure,
        texts=dict(command.texts),
        effective_from=command.effective_from,
    )
    return (Record(event),)


def _supply(command: SupplyPolicyText, state: ControlState) -> tuple[Record, ...]:
    published = state.policies.get(command.version)
    if published is None or command.language not in published.texts:
        raise PolicyUnpublished
    if published.texts[command.language] != command.digest:
        raise PolicyTextMismatch(version=command.version, language=command.language)
    if command.language in published.supplied:
        return ()
    named = {"policy": command.version, "language": command.language}
    return (Record(PolicyTextSupplied(**named, digest=command.digest)),)


def _decide_necessity(
    command: DecideNecessity, state: ControlState, given: Circumstances
) -> tuple[Record, ...]:
    category = category_named(command.category, given.policy)
    if category.enabled_by_default:
        raise NecessityNotInQuestion(category=category.key)
    necessary = command.outcome is NecessityOutcome.NECESSARY
    if necessary is (category.key in state.necessary_categories):
        return ()
    return (Record(NecessityDecided(category=category.key, outcome=command.outcome)),)


def _contract(
    command: RegisterContract | EndContract, state: ControlState, given: Circumstances
) -> tuple[Record, ...]:
    recipient = recipient_named(command.recipient, given.policy).key
    known = state.contracts.get(recipient)
    if isinstance(command, EndContract):
        if known is None or known.until == command.on:
            return ()
        return (Record(ContractEnded(recipient=recipient, on=command.on)),)
    contract = Contract(kind=command.kind, since=command.since, until=command.until)
    event = ContractRegistered(
        recipient=recipient, kind=command.kind, since=command.since, until=command.until
    )
    return () if known == contract else (Record(event),)


def evolve(state: ControlState, recorded: Recorded[Any]) -> ControlState:
    """What the controller arranged, after one more event."""
    return replace(
        _folded(state, recorded),
        version=recorded.version,
        leaf_hash=recorded.leaf_hash,
        last_at=recorded.recorded_at,
    )


def _folded(state: ControlState, recorded: Recorded[Any]) -> ControlState:
    match recorded.event:
        case PolicyPublished() | PolicyTextSupplied():
            return replace(state, policies=policies_after(state.policies, recorded))
        case LawPublished(digest=digest):
            return replace(state, law=digest)
        case NecessityDecided(category=category, outcome=outcome):
            now = {category} if outcome is NecessityOutcome.NECESSARY else set()
            return replace(
                state, necessary_categories=state.necessary_categories - {category} | now
            )
        case ContractRegistered() | ContractEnded() as event:
            return replace(state, contracts=_contracts(state, event))
        case StandingFindingDecided() | LegitimateInterestAssessed():
            return _judged(state, recorded)
        case OccasionEnded() | GrantSettled() | LegalHoldPlaced() | LegalHoldReleased():
            return replace(state, occasions=occasions_after(state.occasions, recorded))
        case TransferMechanismSet() | TransferMechanismLapsed():
            return rearranged(state, recorded.event)
        case event if isinstance(event, RECEIVER_EVENTS):
            return replace(state, receivers=receivers_after(state.receivers, event, by=recorded.by))
        case _:
            return _resolved(state, recorded)


def _contracts(
    state: ControlState, event: ContractRegistered | ContractEnded
) -> Mapping[str, Contract]:
    if isinstance(event, ContractEnded):
        contract = replace(state.contracts[event.recipient], until=event.on)
    else:
        contract = Contract(kind=event.kind, since=event.since, until=event.until)
    return {**state.contracts, event.recipient: contract}


def _judged(state: ControlState, recorded: Recorded[Any]) -> ControlState:
    if isinstance(recorded.event, LegitimateInterestAssessed):
        return replace(state, assessments=assessments_after(state.assessments, recorded.event))
    return replace(state, decisions=decided(state.decisions, recorded))


def _resolved(state: ControlState, recorded: Recorded[Any]) -> ControlState:
    match recorded.event:
        case StorageRewritten() as event:
            return replace(state, rewrites=rewrites_after(state.rewrites, event))
        case LogReopened() as event:
            return replace(state, reopening=event)
        case SafeguardSwitched(safeguard=safeguard, on=on):
            others = state.safeguards - {safeguard}
            return replace(state, safeguards=others | {safeguard} if on else others)
        case event if isinstance(event, key_epochs.EPOCH_EVENTS):
            return replace(state, epochs=key_epochs.epochs_after(state.epochs, recorded))
        case _:
            return state


CONTROL: Decider[Command, ControlState] = Decider(ControlState(), decide, evolve)
