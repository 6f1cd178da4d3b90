"""What is still to be done about photographs: taken down, and others told of it (L39, L44, C37)."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.inheritance import as_one
from app.domain.legal_clock import ANSWER
from app.domain.photographs import IMAGE, Photo, Publication
from app.events.photos import PhotoAudience
from app.policy.durations import Duration
from app.policy.vocabulary import RecipientRole
from app.values import Value

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class DutyKind(StrEnum):
    """What is to be done."""

    TAKE_DOWN = "take_down"
    TELL_OTHERS = "tell_others"
    """It was public: search engines and others who copied it are told (Art. 17(2))."""


class DutyCause(StrEnum):
    """Why."""

    OBJECTION = "objection"
    RESTRICTION = "restriction"
    ERASED = "erased"
    """What names the photograph was erased, or kept long enough."""
    CHILD = "child"


class Duty(Value, frozen=True, kw_only=True):
    """One task for a human, with its day and what it is about."""

    kind: DutyKind
    cause: DutyCause
    photo: UUID
    purpose: str
    recipient: str
    since: datetime
    due: date
    audience: PhotoAudience | None = None


def duties(
    state: "SubjectState", given: Circumstances, standing_for: Iterable["SubjectState"] = ()
) -> tuple[Duty, ...]:
    """The tasks that one record leaves, oldest first.

    ``standing_for`` are states of the records that stand for this one: what the person objects to
    there is objected to here.
    """
    every = (as_one(state), *map(as_one, standing_for))
    found = (
        duty
        for key, photo in state.photos.by_id.items()
        for place in photo.published
        for duty in _of(key, photo, place, (every, given))
    )
    return tuple(sorted(found, key=lambda one: (one.since, one.photo, one.kind, one.recipient)))


def _of(
    key: UUID,
    photo: Photo,
    place: tuple[str, str],
    asked: tuple[Iterable["SubjectState"], Circumstances],
) -> Iterator[Duty]:
    every, given = asked
    shown, (purpose, recipient) = photo.published[place], place
    stopped = _stopped(photo, place, every, given)
    if stopped is None:
        return
    since, cause = stopped
    # Any: the fields that every task about this publication has
    about: dict[str, Any] = {"cause": cause, "photo": key, "purpose": purpose}
    about["recipient"] = recipient
    if shown.taken_down_at is None:
        due = _due(recipient, since, given)
        yield Duty(kind=DutyKind.TAKE_DOWN, since=since, due=due, **about)
    if _public(recipient, given) and cause is not DutyCause.RESTRICTION:
        due = _month(since, given)
        for audience in _untold(shown):
            yield Duty(kind=DutyKind.TELL_OTHERS, since=since, due=due, audience=audience, **about)


def _stopped(
    photo: Photo,
    place: tuple[str, str],
    every: Iterable["SubjectState"],
    given: Circumstances,
) -> tuple[datetime, DutyCause] | None:
    """Since when, and why, the photograph may not be shown at a place; the strongest cause."""
    if photo.gone_at is not None:
        return photo.gone_at, DutyCause.ERASED
    purpose, recipient = place
    lineage, use = given.policy.lineage(purpose), given.policy.purpose(purpose)
    own = photo.objected(lineage)
    if own is not None:
        return own, DutyCause.OBJECTION
    for state in every:
        if state.subjects.child_since is not None:
            return state.subjects.child_since, DutyCause.CHILD
        for objection in state.objections.by_id.values():
            covered = objection.scope.covers(lineage, recipient, frozenset({IMAGE}))
            if covered and (use is None or objection.stops(use)):
                return objection.since, DutyCause.OBJECTION
        for resting in state.restrictions.active.values():
            if resting.scope.covers(lineage, recipient, frozenset({IMAGE})):
                return resting.since, DutyCause.RESTRICTION
    return None


def _untold(shown: Publication) -> tuple[PhotoAudience, ...]:
    return tuple(one for one in PhotoAudience if one not in shown.told)


def _public(recipient: str, given: Circumstances) -> bool:
    found = given.policy.recipient(recipient)
    return found is not None and found.role is RecipientRole.PUBLIC


def _due(recipient: str, since: datetime, given: Circumstances) -> date:
    """As fast as the policy says that the place removes things; within the month at the latest."""
    found = given.policy.recipient(recipient)
    if found is None or found.erasure_days is None:
        return _month(since, given)
    return min(Duration(days=found.erasure_days).after(day_of(since, given)), _month(since, given))


def _month(since: datetime, given: Circumstances) -> date:
    on = day_of(since, given)
    return Duration(months=given.law.term(ANSWER, on)).after(on)
