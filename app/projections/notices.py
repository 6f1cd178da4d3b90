"""Notices: who was shown which version when, and who may still be owed one (Arts. 13, 14; L29).

What was shown outlives an erasure, as its proof does: the rows name nobody.
"""

from sqlalchemy import Boolean, Column, Text, update

from app.events.collections import DataCollected
from app.events.erasures import ErasureExecuted
from app.events.notices import NoticeReturned, NoticeShown
from app.events.recorded import Recorded
from app.policy.vocabulary import SourceOrigin
from app.projections.lasting import ENDS, closed, closing, lasting, opened, opening
from app.projections.projection import Projection, Writes
from app.projections.statements import Statement, given

notices = lasting(
    "notices_v3",
    Column("policy", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("returned", Boolean),
    comment="Notices shown: one row each; a later one takes the place of the one before.",
)

notices_owed = lasting(
    "notices_owed_v3",
    Column("source", Text, nullable=False),
    comment="Collections from somebody else until a notice: of whom one may be owed.",
)

NOTICES = Projection("notices", version=3, tables=(notices, notices_owed))

SHOW = opening(notices, later=("returned",))
REPLACE = closing(notices)
OWE = opening(notices_owed)
TELL = closing(notices_owed)
RETURN = closing(notices, "policy", "language", also=("returned",))
_ENDS = given(notices_owed.c.subject_id, *(notices_owed.c[name] for name in ENDS))
OWE_AGAIN = Statement(
    _ENDS,
    update(notices_owed)
    .where(notices_owed.c.subject_id == _ENDS.c.subject_id)
    .values({name: _ENDS.c[name] for name in ENDS}),
)


@NOTICES.on(NoticeShown)
def shown(recorded: Recorded[NoticeShown]) -> Writes:
    """The person was informed; what was owed is told."""
    event = recorded.event
    show = SHOW.write(
        **opened(recorded),
        policy=event.policy,
        language=event.language,
        channel=event.channel.value,
    )
    return (REPLACE.write(**closed(recorded)), TELL.write(**closed(recorded)), show)


@NOTICES.on(NoticeReturned)
def returned(recorded: Recorded[NoticeReturned]) -> Writes:
    """It told nobody; what was owed before is owed again, unless another notice was shown."""
    event = recorded.event
    back = RETURN.write(
        **closed(recorded), policy=event.policy, language=event.language, returned=True
    )
    return (back, OWE_AGAIN.write(subject_id=recorded.stream_id, **dict.fromkeys(ENDS)))


@NOTICES.on(DataCollected)
def obtained(recorded: Recorded[DataCollected]) -> Writes:
    """Data that did not come from the person set the month of Art. 14 going."""
    if recorded.event.origin is SourceOrigin.SUBJECT or not recorded.event.held:
        return ()
    return (OWE.write(**opened(recorded), source=recorded.event.source),)


@NOTICES.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """Of nobody whose data are gone is a notice owed."""
    return (TELL.write(**closed(recorded)),) if recorded.event.of_everything else ()
