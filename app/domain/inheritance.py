"""What one stream hears of another's noes and yeses: kept beside its own, strictest wins (0011)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never
from uuid import UUID

from app.domain.evidence import Wording
from app.domain.objections import Objection, Objections, Status
from app.domain.proofs import Consent, Consents, Proof, Transfer
from app.domain.restrictions import Restriction
from app.domain.scope import Scope
from app.domain.suppressions import Suppressed, Suppressions
from app.events.merges import ConsentInherited, MatterInherited, MatterKind
from app.events.objections import ObjectionGround
from app.events.recorded import Recorded
from app.events.restrictions import RestrictionGround
from app.values import Value, field, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

Matter: TypeAlias = MatterInherited | ConsentInherited

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""An inherited yes counts as older than any no: it never outweighs one."""


class Inherited(Value, frozen=True):
    """What came by one merge or split. Times are those of the inheritance, not of the matter."""

    objections: Mapping[UUID, Objection] = field(default_factory=dict)
    restrictions: Mapping[UUID, Restriction] = field(default_factory=dict)
    closed: Mapping[str, datetime] = field(default_factory=dict)
    """Purposes that are suppressed."""
    refused: Mapping[str, datetime] = field(default_factory=dict)
    """Purposes to which a consent was taken back."""
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    transfers: Mapping[Transfer, Proof] = field(default_factory=dict)


def inherited(known: Inherited, recorded: Recorded[Any]) -> Inherited:
    """What is inherited after one more event."""
    event: Matter = recorded.event
    if isinstance(event, ConsentInherited):
        return _with_consent(known, event)
    at, purpose = recorded.recorded_at, event.purpose
    match event.kind:
        case MatterKind.OBJECTION if event.matter is not None:
            return replace(
                known, objections={**known.objections, event.matter: _objection(event, at)}
            )
        case MatterKind.RESTRICTION if event.matter is not None:
            resting = {**known.restrictions, event.matter: _restriction(event)}
            return replace(known, restrictions=resting)
        case MatterKind.SUPPRESSION if purpose is not None:
            return replace(known, closed={**known.closed, purpose: at})
        case MatterKind.REFUSAL if purpose is not None:
            return replace(known, refused={**known.refused, purpose: at})
        case _:
            raise AssertionError(f"a {event.kind.value} without its name")


def _objection(event: MatterInherited, at: datetime) -> Objection:
    # As of the inheritance: a consent given before it does not reconsider what the other said.
    assert event.ground is not None, "an objection has one"
    assert event.status is not None, "an objection has one"
    return Objection(
        scope=_scope(event),
        ground=ObjectionGround(event.ground),
        since=at,
        status=Status(event.status),
    )


def _restriction(event: MatterInherited) -> Restriction:
    assert event.ground is not None, "a restriction has one"
    return Restriction(
        ground=RestrictionGround(event.ground), scope=_scope(event), since=event.since
    )


def _scope(event: MatterInherited) -> Scope:
    return Scope(
        purpose=event.purpose, recipient=event.recipient, categories=frozenset(event.categories)
    )


def _with_consent(known: Inherited, event: ConsentInherited) -> Inherited:
    proof = Proof(
        version=event.proof_at,
        wording=Wording(digest=event.wording, language=event.language, policy=event.policy),
        method=event.method,
        source=event.source,
        since=LONG_AGO,
    )
    if event.recipient is None:
        return replace(known, proofs={**known.proofs, event.purpose: proof})
    transfer = (event.purpose, event.recipient, event.country)
    return replace(known, transfers={**known.transfers, transfer: proof})


def as_one(state: "SubjectState") -> "SubjectState":
    """The person as both streams know them; the state itself when nothing is inherited."""
    every = tuple(state.merges.inherited.values())
    if not every:
        return state
    objections = {key: one for other in every for key, one in other.objections.items()}
    resting = {key: one for other in every for key, one in other.restrictions.items()}
    return replace(
        state,
        objections=Objections({**objections, **state.objections.by_id}),
        restrictions=replace(state.restrictions, active={**resting, **state.restrictions.active}),
        suppressions=_suppressions(state, every),
        consents=_consents(state, every),
    )


def _suppressions(state: "SubjectState", every: Iterable[Inherited]) -> Suppressions:
    closed = {
        purpose: Suppressed(None, at)
        for other in every
        for purpose, at in other.closed.items()
        if not _consented_since(state.consents.of(purpose), at)
    }
    return Suppressions({**closed, **state.suppressions.purposes})


def _consented_since(consent: Consent, at: datetime) -> bool:
    return consent.proof is not None and consent.proof.since > at


def _consents(state: "SubjectState", every: Iterable[Inherited]) -> Consents:
    own, by_purpose = state.consents, dict(state.consents.by_purpose)
    transfers = dict(own.transfers)
    for other in every:
        for purpose, proof in other.proofs.items():
            if _silent_on(purpose, state):
                by_purpose[purpose] = replace(own.of(purpose), proof=proof)
        for transfer, proof in other.transfers.items():
            if transfer not in transfers and _silent_on(transfer[0], state):
                transfers[transfer] = proof
    for other in every:
        for purpose, at in other.refused.items():
            if not _consented_since(own.of(purpose), at):
                by_purpose[purpose] = Consent(ended_at=at)
            transfers = {
                key: one for key, one in transfers.items() if key[0] != purpose or one.since > at
            }
    return Consents(by_purpose, transfers)


def _silent_on(purpose: str, state: "SubjectState") -> bool:
    """Whether the stream itself says neither yes nor no to a purpose."""
    consent = state.consents.of(purpose)
    said = consent.proof is not None or consent.ended_at is not None
    return not said and purpose not in state.suppressions.purposes


def matters_of(state: "SubjectState", merge: UUID) -> tuple[Matter, ...]:
    """What another stream inherits from this one, with what this one inherited itself."""
    whole = as_one(state)
    return (
        *_noes(whole, merge),
        *_yeses(whole.consents, merge),
    )


def noes_of(state: "SubjectState", merge: UUID) -> tuple[MatterInherited, ...]:
    """What two people who shared this stream both keep: nobody consents for somebody else."""
    return tuple(_noes(as_one(state), merge))


def _noes(state: "SubjectState", merge: UUID) -> Iterator[MatterInherited]:
    for key, one in sorted(state.objections.by_id.items()):
        if one.status is not Status.WITHDRAWN:
            yield _no(
                MatterKind.OBJECTION,
                merge,
                one.since,
                matter=key,
                ground=one.ground.value,
                status=one.status.value,
                scope=one.scope,
            )
    for key, resting in sorted(state.restrictions.active.items()):
        ground, scope = resting.ground.value, resting.scope
        yield _no(
            MatterKind.RESTRICTION, merge, resting.since, matter=key, ground=ground, scope=scope
        )
    for purpose, closed in sorted(state.suppressions.purposes.items()):
        yield _no(MatterKind.SUPPRESSION, merge, closed.since, scope=Scope(purpose=purpose))
    for purpose, consent in sorted(state.consents.by_purpose.items()):
        if consent.proof is None and consent.ended_at is not None:
            yield _no(MatterKind.REFUSAL, merge, consent.ended_at, scope=Scope(purpose=purpose))


def _no(
    kind: MatterKind,
    merge: UUID,
    since: datetime,
    *,
    scope: Scope,
    matter: UUID | None = None,
    ground: str | None = None,
    status: str | None = None,
) -> MatterInherited:
    return MatterInherited(
        merge=merge,
        kind=kind,
        matter=matter,
        ground=ground,
        status=status,
        purpose=scope.purpose,
        recipient=scope.recipient,
        categories=tuple(sorted(scope.categories)),
        since=since,
    )


def _yeses(consents: Consents, merge: UUID) -> Iterator[ConsentInherited]:
    for purpose, consent in sorted(consents.by_purpose.items()):
        if consent.proof is not None:
            yield _yes(consent.proof, merge, (purpose, None, None))
    for (purpose, recipient, country), proof in consents.transfers.items():
        yield _yes(proof, merge, (purpose, recipient, country))


def _yes(
    proof: Proof, merge: UUID, transfer: tuple[str, str | None, str | None]
) -> ConsentInherited:
    purpose, recipient, country = transfer
    return ConsentInherited(
        merge=merge,
        purpose=purpose,
        recipient=recipient,
        country=country,
        wording=proof.wording.digest,
        language=proof.wording.language,
        policy=proof.wording.policy,
        method=proof.method,
        source=proof.source,
        since=proof.since,
        proof_at=proof.version,
    )


def said_since(before: Iterable[Matter], now: Iterable[Matter]) -> tuple[Matter, ...]:
    """The noes that were not there before: what both streams of a reverted merge keep."""
    known = {_name(one) for one in before}
    return tuple(one for one in now if isinstance(one, MatterInherited) and _name(one) not in known)


def _name(matter: Matter) -> tuple[object, ...]:
    match matter:
        case MatterInherited():
            # What was closed, opened and closed again is a no of its own: its day is another one.
            return (matter.kind, matter.matter, matter.purpose, matter.since)
        case ConsentInherited():
            return (matter.purpose, matter.recipient, matter.country)
        case _:
            assert_never(matter)
