"""A person's whole state, composed of the concerns, to which it dispatches (DESIGN 2)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from app.domain.children import UnderAge, minimum_age
from app.domain.collections import COLLECTIONS, CollectData, RectifyData
from app.domain.concern import Concern
from app.domain.consents import CONSENTS
from app.domain.consultations import CONSULTATIONS, Consultations
from app.domain.decider import Circumstances, Decider, Refusal
from app.domain.disclosures import DISCLOSURES, Disclosures, RecordDisclosure
from app.domain.erasure_progress import Erasures
from app.domain.erasures import ERASURES
from app.domain.files import FILES, Files, ReferenceFile
from app.domain.findings import FINDINGS, Findings
from app.domain.holdings import Collections
from app.domain.holds import HOLDS, Holds
from app.domain.identifiers import IDENTIFIERS, ClaimIdentifier, LoseIdentifiers
from app.domain.identities import Identifiers
from app.domain.links import LINKS, Links
from app.domain.mailboxes import MAILBOXES, Mailboxes
from app.domain.mails import MAILS, Mails
from app.domain.merges import MERGES, Merges, RevertMerge, SubjectAbsorbed
from app.domain.notices import NOTICES, Notices, ReturnNotice
from app.domain.objections import (
    OBJECTIONS,
    Objections,
    OverrideObjection,
    UpholdObjection,
    WithdrawObjection,
)
from app.domain.photographs import Photos
from app.domain.photos import PHOTOGRAPHS, AnnounceRemoval, TakeDownPhoto, TakePhoto
from app.domain.proofs import Consents
from app.domain.rehearsal import rehearsed
from app.domain.relationships import RELATIONSHIPS, Relationships, StartRelationship
from app.domain.restrictions import RESTRICTIONS, AnnounceLift, LiftRestriction, Restrictions
from app.domain.retention import RETENTION, Matters
from app.domain.rights_request_progress import RightsRequests
from app.domain.rights_request_steps import ReceiveFromStranger, ReceiveOnce, ReceiveRequest
from app.domain.rights_requests import RIGHTS_REQUESTS
from app.domain.sign_ups import SIGN_UPS, ReceiveSignUp, SignUps, Subscribe
from app.domain.splits import SPLITS, ReceiveSplit, Splits
from app.domain.subjects import (
    SUBJECTS,
    DiscoverChild,
    JoinSubject,
    RegisterSubject,
    SubjectErased,
    Subjects,
    SubjectUnknown,
)
from app.domain.suppressions import SUPPRESSIONS, Suppressions
from app.domain.system_accounts import (
    SYSTEM_ACCOUNTS,
    DeactivateAccount,
    OpenAccount,
    SystemAccounts,
)
from app.domain.transmissions import TRANSMISSIONS, RequestTransmission, Transmissions
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.erasures import ErasureExecuted
from app.events.recorded import Record, Recorded
from app.events.retention import RetentionExecuted
from app.identifiers import KeyId
from app.values import Value, field, replace

CONCERNS: tuple[Concern[Any], ...] = (  # Any: each concern has a slice of its own type
    SUBJECTS,
    IDENTIFIERS,
    COLLECTIONS,
    MAILBOXES,
    RELATIONSHIPS,
    NOTICES,
    CONSENTS,
    OBJECTIONS,
    RESTRICTIONS,
    HOLDS,
    SUPPRESSIONS,
    DISCLOSURES,
    FILES,
    PHOTOGRAPHS,
    SYSTEM_ACCOUNTS,
    MERGES,
    SPLITS,
    CONSULTATIONS,
    FINDINGS,
    ERASURES,
    RETENTION,
    MAILS,
    SIGN_UPS,
    LINKS,
    RIGHTS_REQUESTS,
    TRANSMISSIONS,
)


class SubjectState(Value, frozen=True, kw_only=True):
    """The fold of one stream: core lines only, never a sealed section."""

    version: int = 0
    """Version of the last event; 0 when there is none."""
    content_version: int = 0
    """Version of the last event that says more than that somebody read (the ETag, A9)."""
    leaf_hash: bytes | None = None
    last_at: datetime | None = None
    """When the last event was recorded."""
    data_keys: Mapping[KeyId, str] = field(default_factory=dict)
    """Data keys that were not destroyed, of whatever concern -> retention class."""
    subjects: Subjects = SUBJECTS.initial
    identifiers: Identifiers = IDENTIFIERS.initial
    collections: Collections = COLLECTIONS.initial
    mailboxes: Mailboxes = MAILBOXES.initial
    relationships: Relationships = RELATIONSHIPS.initial
    notices: Notices = NOTICES.initial
    consents: Consents = CONSENTS.initial
    objections: Objections = OBJECTIONS.initial
    restrictions: Restrictions = RESTRICTIONS.initial
    holds: Holds = HOLDS.initial
    suppressions: Suppressions = SUPPRESSIONS.initial
    disclosures: Disclosures = DISCLOSURES.initial
    files: Files = FILES.initial
    photos: Photos = PHOTOGRAPHS.initial
    system_accounts: SystemAccounts = SYSTEM_ACCOUNTS.initial
    merges: Merges = MERGES.initial
    splits: Splits = SPLITS.initial
    consultations: Consultations = CONSULTATIONS.initial
    findings: Findings = FINDINGS.initial
    erasures: Erasures = ERASURES.initial
    retention: Matters = RETENTION.initial
    mails: Mails = MAILS.initial
    sign_ups: SignUps = SIGN_UPS.initial
    links: Links = LINKS.initial
    rights_requests: RightsRequests = RIGHTS_REQUESTS.initial
    transmissions: Transmissions = TRANSMISSIONS.initial

    @property
    def registered(self) -> bool:
        """Whether the person is known at all."""
        return self.subjects.registered_at is not None

    @property
    def child(self) -> bool:
        """Whether the person turned out to be too young: everything is to be erased (C75)."""
        return self.subjects.child_since is not None

    @property
    def erased(self) -> bool:
        """Whether the person as such was erased."""
        return self.erasures.of_everything


class InTurn(Value, frozen=True):
    """Several commands on one person, each decided on what those before it made: one append."""

    commands: tuple[object, ...]


class OccurredLater(Refusal):
    """What is recorded has happened: its time is not in the future."""

    code = "occurred-in-future"
    rules = ("L20",)


_ADDING = frozenset(
    {
        RegisterSubject,
        JoinSubject,
        Subscribe,
        ClaimIdentifier,
        CollectData,
        RectifyData,
        StartRelationship,
        RecordDisclosure,
        ReferenceFile,
        TakePhoto,
        OpenAccount,
        RequestTransmission,
    }
)
"""Commands that would hold or share more about a child."""

_ANSWERING = frozenset(RIGHTS_REQUESTS.commands) - {
    ReceiveRequest,
    ReceiveFromStranger,
    ReceiveOnce,
}
"""Steps of a request that is there: it is answered whatever became of the person's data."""

_WINDING_UP = frozenset({TakeDownPhoto, AnnounceRemoval, DeactivateAccount})
"""What is still done elsewhere for somebody whose data are gone here."""

_AFTER_ERASURE = frozenset(
    {
        *ERASURES.commands,
        *RETENTION.commands,
        *HOLDS.commands,
        *MAILS.commands,
        *_ANSWERING,
        *_WINDING_UP,
        ReturnNotice,
    }
)
"""Commands on what an erasure left, and letters about it."""

_REGISTERING = frozenset(
    {RegisterSubject, ReceiveSignUp, ReceiveSplit, Subscribe, ReceiveFromStranger}
)
"""Commands that need nobody to be there."""

_OF_A_SIGN_UP = frozenset({*SIGN_UPS.commands, *MAILS.commands, *RETENTION.commands})
"""Commands on a stream that holds nothing but a sign-up."""

_OF_A_STRANGER = frozenset({*_ANSWERING, *MAILS.commands, *RETENTION.commands})
"""Commands on a stream that holds nothing but a request of somebody unknown."""

_ON_THEIR_WAY = frozenset({*NOTICES.commands, *TRANSMISSIONS.commands}) - {RequestTransmission}
"""What became of a notice or a package that was sent: it left, so it must be on record."""

_ON_ABSORBED = frozenset(
    {
        *_AFTER_ERASURE,
        *CONSULTATIONS.commands,
        *_ON_THEIR_WAY,
        DiscoverChild,
        LoseIdentifiers,
        RevertMerge,
        UpholdObjection,
        OverrideObjection,
        WithdrawObjection,
        AnnounceLift,
        LiftRestriction,
    }
)
"""Commands that end what is open on a record that another one stands for, and reads of it."""

_CONSULTATIONS = frozenset({ConsultationRecorded, ConsultationRefused})

_DESTROYING = frozenset({ErasureExecuted, RetentionExecuted})
"""Events after which data keys are gone."""

_DECIDE: dict[type[Any], Callable[[Any, SubjectState, Circumstances], tuple[Record, ...]]] = {
    command: concern.decide for concern in CONCERNS for command in concern.commands
}

Fold = tuple[str, Callable[[Any, Recorded[Any]], Any]]

_FOLDS: dict[type[Any], list[Fold]] = {}
for _concern in CONCERNS:
    for _event in _concern.folds:
        _FOLDS.setdefault(_event, []).append((_concern.name, _concern.evolve))


def decide(command: object, state: SubjectState, given: Circumstances) -> tuple[Record, ...]:
    """The records that a command makes, decided by its concern; none when it changes nothing.

    Raises the Refusal of the concern, or one of those that every command can meet.
    """
    kind = type(command)
    if isinstance(command, InTurn):
        return _decide_in_turn(command, state, given)
    if kind not in _REGISTERING and not state.registered and not _unregistered(kind, state):
        raise SubjectUnknown
    if state.erased and kind not in _AFTER_ERASURE:
        raise SubjectErased
    absorbed = state.merges.absorbed
    if absorbed is not None and kind not in _ON_ABSORBED:
        raise SubjectAbsorbed(survivor=absorbed.other, merge=absorbed.merge)
    if state.child and kind in _ADDING:
        raise UnderAge(minimum_age=minimum_age(given))
    occurred_at = getattr(command, "occurred_at", None)
    if occurred_at is not None and occurred_at > given.now:
        raise OccurredLater
    return _DECIDE[kind](command, state, given)


def _decide_in_turn(turns: InTurn, state: SubjectState, given: Circumstances) -> tuple[Record, ...]:
    made: tuple[Record, ...] = ()
    for command in turns.commands:
        records = decide(command, state, given)
        state = fold(state, rehearsed(records, after_version=state.version, now=given.now))
        made += records
    return made


def _unregistered(kind: type[Any], state: SubjectState) -> bool:
    """Whether a command is one on somebody who signs up, or who asks and is not known."""
    if state.sign_ups.one is not None and kind in _OF_A_SIGN_UP:
        return True
    return bool(state.rights_requests.by_id) and kind in _OF_A_STRANGER


def evolve(state: SubjectState, recorded: Recorded[Any]) -> SubjectState:
    """The state after one more event of the stream."""
    return fold(state, (recorded,))


def fold(state: SubjectState, stream: Iterable[Recorded[Any]]) -> SubjectState:
    """The state after some more events of the stream, in order; builds one state, not one each."""
    changed: dict[str, Any] = {}  # Any: field name -> its new value
    keys, content_version, recorded = state.data_keys, state.content_version, None
    for recorded in stream:
        kind = type(recorded.event)
        for name, step in _FOLDS.get(kind, ()):
            before = changed[name] if name in changed else getattr(state, name)
            changed[name] = step(before, recorded)
        if recorded.seals or kind in _DESTROYING:
            keys = _keys_after(keys, recorded)
        if kind not in _CONSULTATIONS:
            content_version = recorded.version
    if recorded is None:
        return state
    return replace(
        state,
        version=recorded.version,
        content_version=content_version,
        leaf_hash=recorded.leaf_hash,
        last_at=recorded.recorded_at,
        data_keys=keys,
        **changed,
    )


def _keys_after(keys: Mapping[KeyId, str], recorded: Recorded[Any]) -> Mapping[KeyId, str]:
    """The data keys that live after one more event."""
    event = recorded.event
    if isinstance(event, ErasureExecuted | RetentionExecuted):
        return {key: kind for key, kind in keys.items() if key not in event.keys}
    new = {seal.key_id: seal.retention_class for seal in recorded.seals if seal.key_id not in keys}
    return {**keys, **new} if new else keys


SUBJECT: Decider[object, SubjectState] = Decider(SubjectState(), decide, evolve)
