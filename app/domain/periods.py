"""From which day a retention period is counted, out of what the stream says (L7, L40, L63)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from app.domain.files import TITLE
from app.domain.letters import STATEMENT
from app.domain.relationships import Bond
from app.events.suppressions import SuppressionCause
from app.identifiers import KeyId
from app.policy.model import RetentionClass
from app.policy.vocabulary import ClockEvent

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

Place: TypeAlias = tuple[int, str]
"""A section: version of its event, retention class."""

_OWN_WORD: Final = frozenset(
    {
        SuppressionCause.WITHDRAWAL,
        SuppressionCause.UNSUBSCRIBE,
        SuppressionCause.OBJECTION,
        SuppressionCause.COMPLAINT,
    }
)
"""By which the person said no; an address that refuses messages said nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedValue:
    """A value that a section holds, and one purpose that it serves."""

    place: Place
    category: str
    meant_as: str
    """The category by which an erasure names it: a title goes with what the file holds."""
    purpose: str
    key_id: KeyId | None
    since: date
    occasion: UUID | None = None


def sealed_values(state: "SubjectState") -> Iterator[SealedValue]:
    """Every value that the state knows of, superseded ones included."""
    for held in (one for slot in state.collections.held.values() for one in slot.history()):
        yield SealedValue(
            place=(held.version, held.retention_class),
            category=held.category,
            meant_as=held.category,
            purpose=held.purpose,
            key_id=held.key_id,
            since=held.since.date(),
            occasion=held.occasion,
        )
        for statement in held.statements:
            yield SealedValue(
                place=(statement.version, statement.retention_class),
                category=STATEMENT,
                meant_as=held.category,
                purpose=held.purpose,
                key_id=statement.key_id,
                since=statement.since.date(),
                occasion=held.occasion,
            )
    for file in state.files.references.values():
        yield SealedValue(
            place=(file.version, file.retention_class),
            category=TITLE,
            meant_as=file.category,
            purpose=file.purpose,
            key_id=file.key_id,
            since=file.since.date(),
            occasion=file.occasion,
        )
    for identifier in state.identifiers.active.values():
        if identifier.additional:
            yield SealedValue(
                place=(identifier.value_at, identifier.retention_class),
                category=identifier.category,
                meant_as=identifier.category,
                purpose=identifier.purpose,
                key_id=identifier.key_id,
                since=identifier.since.date(),
            )
    yield from state.mails.sealed_values()
    yield from state.sign_ups.sealed_values()


def clock_start(
    kind: RetentionClass, values: Collection[SealedValue], state: "SubjectState"
) -> date | None:
    """The day from which values of a class are counted; None while nothing set its clock going.

    No period begins before the youngest of the values was obtained. A class whose clock is set
    by something that the ledger is not told of yet (a balance payment, the end of a chat) waits.
    """
    latest = max((value.since for value in values), default=None)
    match kind.clock:
        case ClockEvent.COLLECTION:
            return latest
        case ClockEvent.FISCAL_YEAR_END:
            return None if latest is None else date(latest.year, 12, 31)
        case ClockEvent.PARTICIPATION_END | ClockEvent.MEMBERSHIP_END:
            ended = state.relationships.participation_ended_at
        case ClockEvent.OCCASION_END:
            ended = _occasions_ended({value.occasion for value in values}, state)
        case ClockEvent.CONSENT_END:
            ended = _consents_ended({value.purpose for value in values}, state)
        case _:
            return None
    return None if ended is None else max(ended.date(), latest or ended.date())


def erased_at(state: "SubjectState") -> datetime | None:
    """When the person as such was erased."""
    whole = (one for one in state.erasures.by_id.values() if one.extent.of_everything)
    return min((one.executed_at for one in whole if one.executed_at is not None), default=None)


def _occasions_ended(occasions: set[UUID | None], state: "SubjectState") -> datetime | None:
    """When the person's part in the last of the occasions ended; None while one lasts."""
    relationships = state.relationships
    if any(occasion in occasions for *_, occasion in relationships.ongoing):
        return None
    ends = {occasion: at for (*_, occasion), at in _by_time(relationships.ended) if occasion}
    if not occasions or not occasions <= ends.keys():
        return None
    return max(ends[occasion] for occasion in occasions if occasion is not None)


def _by_time(ended: Mapping[Bond, datetime]) -> list[tuple[Bond, datetime]]:
    return sorted(ended.items(), key=lambda bond_at: bond_at[1])


def _consents_ended(purposes: set[str], state: "SubjectState") -> datetime | None:
    """When the last of the consents ended; the erasure of the person ends all of them.

    Without purposes it is asked for the proofs: of every consent there ever was.
    """
    ends = [_consent_ended(purpose, state) for purpose in purposes or _proven(state)]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _proven(state: "SubjectState") -> set[str]:
    """The purposes of the consents that were given; one that was only asked for has no proof."""
    consents = state.consents
    given = {key for key, one in consents.by_purpose.items() if one.proof or one.ended_at}
    return given | {purpose for purpose, _, _ in consents.transfers}


def _consent_ended(purpose: str, state: "SubjectState") -> datetime | None:
    consent = state.consents.of(purpose)
    transfers = (key for key in state.consents.transfers if key[0] == purpose)
    if consent.open or any(transfers):
        return erased_at(state)
    suppressed = state.suppressions.purposes.get(purpose)
    own_word = suppressed is not None and suppressed.cause in _OWN_WORD
    return consent.ended_at or (suppressed.since if suppressed and own_word else erased_at(state))
