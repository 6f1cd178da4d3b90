"""Erasures that wait: to be carried out, and to be told to each recipient (Arts. 12(3), 17, 19).

A row says that a stream has one, and of a recipient, that it may still have to be told; how either
stands is folded from the stream itself. It outlives the erasure and names nobody (L41). Of a child
one waits from the discovery on, before anybody began it (C75).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Text, Uuid

from app.events.erasures import (
    ErasureExecuted,
    ErasureRecipientDue,
    ErasureRequested,
    ErasureStep,
    ErasureWithdrawn,
)
from app.events.recorded import Recorded
from app.events.subjects import ChildDiscovered
from app.projections.lasting import closed, closing, lasting, opened, opening
from app.projections.projection import Projection, Writes
from app.projections.statements import Write

erasures = lasting(
    "erasures_v2",
    Column("erasure", Uuid, nullable=False),
    Column("recipient", Text),
    Column("child", Boolean, nullable=False),
    comment="Erasures until they are carried out; with a recipient, until they are closed.",
)

ERASURES = Projection("erasures", version=2, tables=(erasures,))

WAIT = opening(erasures)
CARRIED_OUT = closing(erasures, "erasure", "recipient")
END = closing(erasures, "erasure")
CHILD_GONE = closing(erasures, "child")


@ERASURES.on(ErasureRequested)
def requested(recorded: Recorded[ErasureRequested]) -> Writes:
    """Somebody has to carry it out."""
    return (_waits(recorded, recorded.event.erasure),)


@ERASURES.on(ChildDiscovered)
def discovered(recorded: Recorded[ChildDiscovered]) -> Writes:
    """Nobody need ask for it; until one begins, the discovery stands for it."""
    return (_waits(recorded, recorded.event_id, child=True),)


@ERASURES.on(ErasureRecipientDue)
def due(recorded: Recorded[ErasureRecipientDue]) -> Writes:
    """Once the data are gone, somebody has to tell them (Art. 19)."""
    return (_waits(recorded, recorded.event.erasure, recorded.event.recipient),)


@ERASURES.on(ErasureExecuted)
def executed(recorded: Recorded[ErasureExecuted]) -> Writes:
    """The data are gone; at the end, what was kept for telling is gone too."""
    event = recorded.event
    if event.step is not ErasureStep.SUBJECT:
        return (END.write(**closed(recorded), erasure=event.erasure),)
    done = CARRIED_OUT.write(**closed(recorded), erasure=event.erasure, recipient=None)
    if not event.of_everything:
        return (done,)
    return (done, CHILD_GONE.write(**closed(recorded), child=True))


@ERASURES.on(ErasureWithdrawn)
def withdrawn(recorded: Recorded[ErasureWithdrawn]) -> Writes:
    """Nothing is to be done any more."""
    return (END.write(**closed(recorded), erasure=recorded.event.erasure),)


def _waits(
    recorded: Recorded[Any], erasure: UUID, recipient: str | None = None, *, child: bool = False
) -> Write:
    return WAIT.write(**opened(recorded), erasure=erasure, recipient=recipient, child=child)
