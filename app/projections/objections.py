"""Objections and restrictions: what a person asked to rest, and what became of it (L42 to L44)."""

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Text, Uuid

from app.events.erasures import ErasureExecuted
from app.events.objections import (
    GrantReason,
    ObjectionGranted,
    ObjectionGround,
    ObjectionOverridden,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Recorded
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLiftAnnounced,
    RestrictionLifted,
    RestrictionSet,
)
from app.projections.lasting import closed, closing, filling, forgetting, lasting, opened, opening
from app.projections.projection import Projection, Writes

objections = lasting(
    "objections_v1",
    Column("objection", Uuid, nullable=False),
    Column("ground", Text, nullable=False),
    Column("purpose", Text),
    Column("recipient", Text),
    Column("cause", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("decision", Text),
    Column("reason", Text),
    Column("decided_position", BigInteger),
    Column("decided_at", DateTime(timezone=True)),
    comment="Objections: one row each, with what was decided, open until withdrawn.",
)
restrictions = lasting(
    "restrictions_v1",
    Column("restriction", Uuid, nullable=False),
    Column("ground", Text, nullable=False),
    Column("purpose", Text),
    Column("recipient", Text),
    Column("categories", ARRAY(Text), nullable=False),
    Column("source", Text, nullable=False),
    Column("announced_position", BigInteger),
    Column("announced_at", DateTime(timezone=True)),
    comment="Restrictions: one row each, open until lifted.",
)

OBJECTIONS = Projection("objections", version=1, tables=(objections, restrictions))

_DECIDED = ("decision", "reason", "decided_position", "decided_at")
_ANNOUNCED = ("announced_position", "announced_at")

OBJECT = opening(objections, later=_DECIDED)
DECIDE = filling(objections, "objection", *_DECIDED)
WITHDRAW = closing(objections, "objection")
RESTRICT = opening(restrictions, later=_ANNOUNCED)
ANNOUNCE = filling(restrictions, "restriction", *_ANNOUNCED)
LIFT = closing(restrictions, "restriction")
FORGET_OBJECTIONS = forgetting(objections)
FORGET_RESTRICTIONS = forgetting(restrictions)


@OBJECTIONS.on(ObjectionRaised)
def raised(recorded: Recorded[ObjectionRaised]) -> Writes:
    """One that is to be weighed is a restriction by itself meanwhile (Art. 18(1)(d))."""
    event = recorded.event
    scope = {"purpose": event.purpose, "recipient": event.recipient, "source": event.source}
    objection = OBJECT.write(
        **opened(recorded),
        **scope,
        objection=event.objection,
        ground=event.ground.value,
        cause=event.cause.value,
    )
    if event.ground is not ObjectionGround.OWN_SITUATION:
        return (objection,)
    resting = RESTRICT.write(
        **opened(recorded),
        **scope,
        restriction=event.objection,
        ground=RestrictionGround.OBJECTION.value,
        categories=(),
    )
    return (objection, resting)


@OBJECTIONS.on(ObjectionGranted, ObjectionOverridden)
def decided(recorded: Recorded[ObjectionGranted | ObjectionOverridden]) -> Writes:
    """Granted, the restriction is over: the objection itself stops the use from now on."""
    event = recorded.event
    granted = isinstance(event, ObjectionGranted)
    reason: GrantReason | None = event.reason if isinstance(event, ObjectionGranted) else None
    decision = DECIDE.write(
        subject_id=recorded.stream_id,
        objection=event.objection,
        decision="granted" if granted else "overridden",
        reason=reason and reason.value,
        decided_position=recorded.position,
        decided_at=recorded.recorded_at,
    )
    over = LIFT.write(**closed(recorded), restriction=event.objection)
    return (decision, over) if granted else (decision,)


@OBJECTIONS.on(ObjectionWithdrawn)
def withdrawn(recorded: Recorded[ObjectionWithdrawn]) -> Writes:
    """What rests for it does so until the person was told of the end of that (Art. 18(3))."""
    key = recorded.event.objection
    over = WITHDRAW.write(**closed(recorded), objection=key)
    if recorded.event.restriction_lasts:
        return (over,)
    return (over, LIFT.write(**closed(recorded), restriction=key))


@OBJECTIONS.on(RestrictionSet)
def restricted(recorded: Recorded[RestrictionSet]) -> Writes:
    """One use rests, or every use (Art. 18(1))."""
    event = recorded.event
    return (
        RESTRICT.write(
            **opened(recorded),
            restriction=event.restriction,
            ground=event.ground.value,
            purpose=event.purpose,
            recipient=None,
            categories=(),
            source=event.source,
        ),
    )


@OBJECTIONS.on(AccuracyDisputed)
def disputed(recorded: Recorded[AccuracyDisputed]) -> Writes:
    """What is contested rests until it was verified (Art. 18(1)(a))."""
    event = recorded.event
    return (
        RESTRICT.write(
            **opened(recorded),
            restriction=event.restriction,
            ground=RestrictionGround.ACCURACY.value,
            purpose=None,
            recipient=None,
            categories=event.categories,
            source=event.source,
        ),
    )


@OBJECTIONS.on(RestrictionLiftAnnounced)
def announced(recorded: Recorded[RestrictionLiftAnnounced]) -> Writes:
    """The person was told that it is about to end (Art. 18(3))."""
    return (
        ANNOUNCE.write(
            subject_id=recorded.stream_id,
            restriction=recorded.event.restriction,
            announced_position=recorded.position,
            announced_at=recorded.recorded_at,
        ),
    )


@OBJECTIONS.on(RestrictionLifted)
def lifted(recorded: Recorded[RestrictionLifted]) -> Writes:
    """The restriction is over."""
    return (LIFT.write(**closed(recorded), restriction=recorded.event.restriction),)


@OBJECTIONS.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """Of somebody who was erased nothing is used that could rest."""
    if not recorded.event.of_everything:
        return ()
    subject_id = recorded.stream_id
    return (
        FORGET_OBJECTIONS.write(subject_id=subject_id),
        FORGET_RESTRICTIONS.write(subject_id=subject_id),
    )
