"""Rights requests: which there are, in whose stream, and whether anybody waits (Art. 12; L20).

A row says that a stream has a request, from its receipt to its end. What its clock says is folded
from the stream itself: what is due today no row can know. It outlives an erasure, as the proof that
the request was handled does, and names nobody (L41).
"""

from typing import Any

from sqlalchemy import Boolean, Column, Text, Uuid

from app.domain.rights_request_progress import CLOSING
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.events.rights_requests import (
    RightsRequestDoubtAnswered,
    RightsRequestReceived,
    RightsRequestTriaged,
)
from app.projections.lasting import ENDS, closed, closing, filling, lasting, opened, opening
from app.projections.projection import Projection, Writes

rights_requests = lasting(
    "rights_requests_v1",
    Column("request", Uuid, nullable=False),
    Column("requested_right", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("system", Text),
    Column("stranger", Boolean, nullable=False),
    Column("ending", Text),
    comment="Rights requests: one row each, open until somebody answered it.",
)

RIGHTS_REQUESTS = Projection("rights_requests", version=1, tables=(rights_requests,))

RECEIVE = opening(rights_requests, later=("ending",))
TRIAGE = filling(rights_requests, "request", "requested_right", "system")
CLOSE = closing(rights_requests, "request", also=("ending",))
REOPEN = filling(rights_requests, "request", *ENDS, "ending")


@RIGHTS_REQUESTS.on(RightsRequestReceived)
def received(recorded: Recorded[RightsRequestReceived]) -> Writes:
    """Somebody waits for an answer."""
    event = recorded.event
    return (
        RECEIVE.write(
            **opened(recorded),
            request=recorded.event_id,
            requested_right=event.right.value,
            channel=event.channel.value,
            trigger=event.trigger.value,
            system=event.system,
            stranger=event.stranger,
        ),
    )


@RIGHTS_REQUESTS.on(RightsRequestTriaged)
def triaged(recorded: Recorded[RightsRequestTriaged]) -> Writes:
    """It was another right than it seemed."""
    event = recorded.event
    return (
        TRIAGE.write(
            subject_id=recorded.stream_id,
            request=event.request,
            requested_right=event.right.value,
            system=event.system,
        ),
    )


@RIGHTS_REQUESTS.on(RightsRequestDoubtAnswered)
def resumed(recorded: Recorded[RightsRequestDoubtAnswered]) -> Writes:
    """Whoever could not be identified has said more: the request is open again."""
    nothing = dict.fromkeys((*ENDS, "ending"))
    return (REOPEN.write(subject_id=recorded.stream_id, request=recorded.event.request, **nothing),)


@RIGHTS_REQUESTS.on(*CLOSING)
def ended(recorded: Recorded[Any]) -> Writes:
    """Nobody waits any more."""
    ending = type_of(recorded.event).name.rpartition(".")[2]
    return (CLOSE.write(**closed(recorded), request=recorded.event.request, ending=ending),)
