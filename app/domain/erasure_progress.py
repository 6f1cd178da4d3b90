"""How far each erasure of a person has come: requested, prepared, executed, closed (Art. 17)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.domain.erasure_plan import Extent
from app.domain.periods import Place
from app.events.erasures import (
    ErasureApproved,
    ErasureAssured,
    ErasureBlocked,
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
from app.events.recorded import Recorded
from app.identifiers import KeyId
from app.values import replace


class Stage(StrEnum):
    """Where an erasure stands."""

    REQUESTED = "requested"
    BLOCKED = "blocked"
    """A legal hold forbids it; it goes on when it is asked for again after the release."""
    PREPARED = "prepared"
    EXECUTED = "executed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


RUNNING: Final = frozenset({Stage.REQUESTED, Stage.BLOCKED, Stage.PREPARED})
"""Nothing is destroyed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure."""

    trigger: ErasureTrigger
    extent: Extent
    requested_at: datetime
    stage: Stage = Stage.REQUESTED
    erased: tuple[str, ...] = ()
    """Retention classes of which something goes or went."""
    retained: Mapping[str, str] = field(default_factory=dict)
    """Retention class -> exemption."""
    grounds: Mapping[str, ExemptionGround] = field(default_factory=dict)
    until: Mapping[str, date] = field(default_factory=dict)
    recipients: Mapping[str, InformOutcome | None] = field(default_factory=dict)
    """Who must be told -> what came of it."""
    resealed: frozenset[Place] = frozenset()
    """Sections whose remainder was sealed anew."""
    requested_by: str = ""
    """The caller's id."""
    approved_by: str | None = None
    blocked_by: tuple[UUID, ...] = ()
    """The legal holds that it last met."""
    language: str | None = None
    told_with: UUID | None = None
    """The record whose letter tells of this erasure as well."""
    executed_at: datetime | None = None
    closed_at: datetime | None = None
    set_aside: frozenset[KeyId] = frozenset()
    """Under which lies what telling of it needs; those that were destroyed included."""
    levels: Mapping[str, Mapping[ErasureLevel, datetime]] = field(default_factory=dict)
    """Retention class -> the levels reached, and when: never one word for all (DESIGN 2.7)."""
    destroyed_at: Mapping[str, int | None] = field(default_factory=dict)
    """Retention class -> position of the event that destroyed it."""

    @property
    def prepared(self) -> bool:
        """Whether its plan is on record and nothing is destroyed yet."""
        return self.stage is Stage.PREPARED

    @property
    def telling(self) -> bool:
        """Whether the data are gone and the recipients are being told of it."""
        return self.stage is Stage.EXECUTED

    @property
    def untold(self) -> tuple[str, ...]:
        """The recipients whose duty is open: not told, or told and still holding the data."""
        done = (None, InformOutcome.STILL_PRESENT)
        return tuple(key for key, outcome in self.recipients.items() if outcome in done)


@dataclass(frozen=True, slots=True)
class Erasures:
    """Every erasure of a person."""

    by_id: Mapping[UUID, Erasure] = field(default_factory=dict)
    of_everything: bool = False
    """Whether the person as such was erased."""


def evolve(slice_: Erasures, recorded: Recorded[Any]) -> Erasures:
    """The erasures after one more event."""
    event = recorded.event
    if isinstance(event, ErasureRequested):
        return _with(slice_, event.erasure, _requested(event, recorded))
    erasure = _sealed(_changed(slice_.by_id[event.erasure], recorded), recorded)
    whole = isinstance(event, ErasureExecuted) and event.of_everything
    return replace(
        _with(slice_, event.erasure, erasure), of_everything=slice_.of_everything or whole
    )


def _with(slice_: Erasures, key: UUID, erasure: Erasure) -> Erasures:
    return replace(slice_, by_id={**slice_.by_id, key: erasure})


def _requested(event: ErasureRequested, recorded: Recorded[Any]) -> Erasure:
    return Erasure(
        trigger=event.trigger,
        extent=Extent(frozenset(event.purposes), frozenset(event.categories)),
        requested_at=recorded.happened_at,
        requested_by=recorded.by,
    )


def _sealed(erasure: Erasure, recorded: Recorded[Any]) -> Erasure:
    """With the keys of what is set aside for telling of it."""
    keys = frozenset(seal.key_id for seal in recorded.seals)
    if not isinstance(recorded.event, ErasurePrepared | ErasureRecipientDue):
        return erasure
    return replace(erasure, set_aside=erasure.set_aside | keys)


def _changed(erasure: Erasure, recorded: Recorded[Any]) -> Erasure:
    match recorded.event:
        case ErasurePrepared() as event:
            return replace(
                erasure,
                stage=Stage.PREPARED,
                erased=event.erased,
                retained=event.retained,
                grounds=event.grounds,
                until=event.until,
                recipients=dict.fromkeys(event.recipients),
                language=event.language,
                told_with=event.told_with,
            )
        case ErasureApproved():
            return replace(erasure, approved_by=recorded.by)
        case ErasureBlocked(holds=holds):
            return replace(erasure, stage=Stage.BLOCKED, blocked_by=holds)
        case ErasureWithdrawn():
            return replace(erasure, stage=Stage.WITHDRAWN)
        case SectionsResealed(origin=origin, retention_class=retention_class):
            return replace(erasure, resealed=erasure.resealed | {(origin, retention_class)})
        case ErasureExecuted(step=ErasureStep.SUBJECT):
            reached = {ErasureLevel.UNREADABLE: recorded.recorded_at}
            return replace(
                erasure,
                stage=Stage.EXECUTED,
                executed_at=recorded.recorded_at,
                levels=dict.fromkeys(erasure.erased, reached),
                destroyed_at=dict.fromkeys(erasure.erased, recorded.position),
            )
        case ErasureExecuted(step=ErasureStep.CLOSING) as event:
            return _closed(erasure, event, recorded)
        case ErasureRecipientInformed(recipient=recipient, outcome=outcome):
            return replace(erasure, recipients={**erasure.recipients, recipient: outcome})
        case ErasureAssured() as event:
            return replace(erasure, levels=_assured(erasure, event, recorded.happened_at))
        case _:
            return erasure


def _closed(erasure: Erasure, event: ErasureExecuted, recorded: Recorded[Any]) -> Erasure:
    """What was set aside is gone too; a withdrawn erasure stays one."""
    if erasure.stage is Stage.WITHDRAWN:
        return erasure
    at = recorded.recorded_at
    reached = {key: {ErasureLevel.UNREADABLE: at} for key in event.classes}
    gone = dict.fromkeys(event.classes, recorded.position)
    return replace(
        erasure,
        stage=Stage.CLOSED,
        closed_at=at,
        destroyed_at={**erasure.destroyed_at, **gone},
        erased=(*erasure.erased, *event.classes),
        levels={**erasure.levels, **reached},
    )


def _assured(
    erasure: Erasure, event: ErasureAssured, at: datetime
) -> Mapping[str, Mapping[ErasureLevel, datetime]]:
    reached = {key: {**erasure.levels[key], event.level: at} for key in event.classes}
    return {**erasure.levels, **reached}


FOLDS = (
    ErasureRequested,
    ErasureApproved,
    ErasureBlocked,
    ErasureWithdrawn,
    ErasurePrepared,
    ErasureRecipientDue,
    SectionsResealed,
    ErasureExecuted,
    ErasureRecipientInformed,
    ErasureAssured,
)
"""Every event of an erasure, from its request to the last copy."""
