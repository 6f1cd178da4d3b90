"""Notices: who was shown which version when, and who may still be owed one (Arts. 13, 14; L29).

What was shown outlives an erasure, as its proof does: the rows name nobody.
"""

from sqlalchemy import Column, Text

from app.events.collections import DataCollected
from app.events.erasures import ErasureExecuted
from app.events.notices import NoticeShown
from app.events.recorded import Recorded
from app.policy.vocabulary import SourceOrigin
from app.projections.lasting import closed, closing, lasting, opened, opening
from app.projections.projection import Projection, Writes

notices = lasting(
    "notices_v2",
    Column("policy", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("channel", Text, nullable=False),
    comment="Notices shown: one row each; a later one takes the place of the one before.",
)

notices_owed = lasting(
    "notices_owed_v2",
    Column("source", Text, nullable=False),
    comment="Collections from somebody else until a notice: of whom one may be owed.",
)

NOTICES = Projection("notices", version=2, tables=(notices, notices_owed))

SHOW = opening(notices)
REPLACE = closing(notices)
OWE = opening(notices_owed)
TELL = closing(notices_owed)


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
