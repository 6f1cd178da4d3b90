"""From which day a retention period is counted, out of what the stream says (L7, L40, L63)."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.files import TITLE
from app.domain.letters import STATEMENT
from app.events.suppressions import SuppressionCause
from app.identifiers import KeyId
from app.policy.model import Duration, RetentionClass
from app.policy.vocabulary import ClockEvent, PeriodNature
from app.values import Value

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

Place: TypeAlias = tuple[int, str]
"""A section: version of its event, retention class."""

GRANT_YEARS: Final = "retention.grant_years"
"""The minimum that depends on how large the grant was (L64)."""

_OWN_WORD: Final = frozenset(
    {
        SuppressionCause.WITHDRAWAL,
        SuppressionCause.UNSUBSCRIBE,
        SuppressionCause.OBJECTION,
        SuppressionCause.COMPLAINT,
    }
)
"""By which the person said no; an address that refuses messages said nothing."""


class SealedValue(Value, frozen=True, kw_only=True):
    """A value that a section holds, and one purpose that it serves."""

    place: Place
    category: str
    meant_as: str
    """The category by which an erasure names it: a title goes with what the file holds."""
    purpose: str
    key_id: KeyId | None
    since: datetime
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
            since=held.since,
            occasion=held.occasion,
        )
        for statement in held.statements:
            yield SealedValue(
                place=(statement.version, statement.retention_class),
                category=STATEMENT,
                meant_as=held.category,
                purpose=held.purpose,
                key_id=statement.key_id,
                since=statement.since,
                occasion=held.occasion,
            )
    for file in state.files.references.values():
        yield SealedValue(
            place=(file.version, file.retention_class),
            category=TITLE,
            meant_as=file.category,
            purpose=file.purpose,
            key_id=file.key_id,
            since=file.since,
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
                since=identifier.since,
            )
    yield from state.mails.sealed_values()
    yield from state.sign_ups.sealed_values()


def clock_start(
    kind: RetentionClass,
    values: Collection[SealedValue],
    state: "SubjectState",
    given: Circumstances,
) -> date | None:
    """The day from which values of a class are counted; None while nothing set its clock going.

    By the calendar where the controller sits. No period begins before the youngest of the values
    was obtained.
    """
    youngest = max((value.since for value in values), default=None)
    latest = None if youngest is None else day_of(youngest, given)
    match kind.clock:
        case ClockEvent.COLLECTION:
            return latest
        case ClockEvent.FISCAL_YEAR_END:
            return None if latest is None else date(latest.year, 12, 31)
        case ClockEvent.PARTICIPATION_END | ClockEvent.MEMBERSHIP_END:
            started = _day(state.relationships.participation_ended_at, given)
        case ClockEvent.OCCASION_END | ClockEvent.CHAT_END:
            started = _occasions_over(_occasions(values), kind, state, given)
        case ClockEvent.CONSENT_END:
            started = _day(_consents_ended({value.purpose for value in values}, state), given)
        case ClockEvent.BALANCE_PAYMENT:
            started = _paid(_occasions(values), given)
        case _:
            return None
    return None if started is None else max(started, latest or started)


def last_day(
    kind: RetentionClass,
    start: date,
    values: Collection[SealedValue],
    given: Circumstances,
) -> date:
    """The last day on which values of a class are kept, counted from `start` (L61 to L64).

    Where the class names minima of the law, their longest on that day is the period, and the
    promise of the policy only where it is a ceiling that is longer.
    """
    years = max((_years(name, start, values, given) for name in kind.minima), default=None)
    if years is None:
        return kind.until(start)
    lawful = Duration(months=12 * years).after(start)
    return lawful if kind.nature is PeriodNature.MINIMUM else max(lawful, kind.until(start))


def _years(name: str, start: date, values: Collection[SealedValue], given: Circumstances) -> int:
    """A minimum in years on a day; what is older than the law file is kept as in its first row."""
    on = max(start, given.law.first_day(name))
    if name == GRANT_YEARS:
        paid = (given.control.occasions.paid.get(one) for one in _occasions(values) if one)
        amounts = [one.amount_cents for one in paid if one is not None]
        return given.law.grant_retention_years(max(amounts, default=0), on)
    return given.law.number(name, on)


def _day(moment: datetime | None, given: Circumstances) -> date | None:
    return None if moment is None else day_of(moment, given)


def _occasions(values: Collection[SealedValue]) -> frozenset[UUID | None]:
    return frozenset(value.occasion for value in values)


def _paid(grants: frozenset[UUID | None], given: Circumstances) -> date | None:
    """When the last of the grants was paid; None while the balance of one is open."""
    paid = [given.control.occasions.paid.get(one) for one in grants if one is not None]
    known = [one.on for one in paid if one is not None]
    return max(known) if known and len(known) == len(grants) else None


def _occasions_over(
    occasions: frozenset[UUID | None],
    kind: RetentionClass,
    state: "SubjectState",
    given: Circumstances,
) -> date | None:
    """When the last of the occasions was over for the person; None while one lasts."""
    ends = [_over(occasion, kind, state, given) for occasion in occasions]
    known = [one for one in ends if one is not None]
    return max(known) if known and len(known) == len(ends) else None


def _over(
    occasion: UUID | None, kind: RetentionClass, state: "SubjectState", given: Circumstances
) -> date | None:
    """The first that is known: the end of the person's part, or that of the occasion for all.

    What belongs to no occasion is of use until the person takes part in nothing any more; of a
    chat that has no name the transcript is all there is, and it comes when the chat is over.
    """
    relationships = state.relationships
    if occasion is None:
        if kind.clock is ClockEvent.CHAT_END:
            return date.min
        return _day(relationships.participation_ended_at, given)
    ends = [] if (said := given.control.occasions.ended.get(occasion)) is None else [said]
    if not any(one == occasion for *_, one in relationships.ongoing):
        parts = (at for (*_, one), at in relationships.ended.items() if one == occasion)
        left = max(parts, default=None)
        ends += [] if left is None else [day_of(left, given)]
    return min(ends, default=None)


def erased_at(state: "SubjectState") -> datetime | None:
    """When the person as such was erased."""
    whole = (one for one in state.erasures.by_id.values() if one.extent.of_everything)
    return min((one.executed_at for one in whole if one.executed_at is not None), default=None)


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
