"""Erasures that wait: to be carried out, and to be told to each recipient (Arts. 12(3), 17, 19).

A row says that a stream has one, and of a recipient, that it may still have to be told; how either
stands is folded from the stream itself. It outlives the erasure and names nobody (L41).
"""

from sqlalchemy import Column, Text, Uuid

from app.events.erasures import (
    ErasureExecuted,
    ErasureRecipientDue,
    ErasureRequested,
    ErasureStep,
    ErasureWithdrawn,
)
from app.events.recorded import Recorded
from app.projections.lasting import closed, closing, lasting, opened, opening
from app.projections.projection import Projection, Writes

erasures = lasting(
    "erasures_v1",
    Column("erasure", Uuid, nullable=False),
    Column("recipient", Text),
    comment="Erasures until they are carried out; with a recipient, until they are closed.",
)

ERASURES = Projection("erasures", version=1, tables=(erasures,))

WAIT = opening(erasures)
CARRIED_OUT = closing(erasures, "erasure", "recipient")
END = closing(erasures, "erasure")


@ERASURES.on(ErasureRequested)
def requested(recorded: Recorded[ErasureRequested]) -> Writes:
    """Somebody has to carry it out."""
    return (WAIT.write(**opened(recorded), erasure=recorded.event.erasure, recipient=None),)


@ERASURES.on(ErasureRecipientDue)
def due(recorded: Recorded[ErasureRecipientDue]) -> Writes:
    """Once the data are gone, somebody has to tell them (Art. 19)."""
    event = recorded.event
    return (WAIT.write(**opened(recorded), erasure=event.erasure, recipient=event.recipient),)


@ERASURES.on(ErasureExecuted)
def executed(recorded: Recorded[ErasureExecuted]) -> Writes:
    """The data are gone; at the end, what was kept for telling is gone too."""
    event = recorded.event
    if event.step is ErasureStep.SUBJECT:
        return (CARRIED_OUT.write(**closed(recorded), erasure=event.erasure, recipient=None),)
    return (END.write(**closed(recorded), erasure=event.erasure),)


@ERASURES.on(ErasureWithdrawn)
def withdrawn(recorded: Recorded[ErasureWithdrawn]) -> Writes:
    """Nothing is to be done any more."""
    return (END.write(**closed(recorded), erasure=recorded.event.erasure),)
