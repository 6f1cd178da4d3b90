"""Which privacy notice a person was shown, and by when one is due (Arts. 13, 14; L29)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.events.notices import NoticeChannel, NoticeReturned, NoticeShown
from app.events.recorded import Record, Recorded
from app.policy.durations import Duration

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

_LANGUAGE = re.compile(r"[a-z]{2}(?:-[a-z]{2})?", re.ASCII)

Version: TypeAlias = tuple[str, str]
NOTICE: Final = "deadline.notice_months"
"""Policy version and language."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices that a person was shown, and since when."""

    shown: Mapping[Version, datetime] = field(default_factory=dict)

    @property
    def informed(self) -> bool:
        """Whether the person was shown any version of the notice."""
        return bool(self.shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowNotice:
    """The person was shown a version of the privacy notice. It is not consent to anything (C5)."""

    policy: str
    language: str
    """As shown, `sv` or `nl-be`: a translation is another notice (C83)."""
    channel: NoticeChannel
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnNotice:
    """The mail that showed a version came back for good: nobody was told by it."""

    mail: UUID
    policy: str
    language: str


Command: TypeAlias = ShowNotice | ReturnNotice


class NoticeUnknown(Refusal):
    """No such version of the notice was published, or its language is none."""

    code = "notice-unknown"
    rules = ("L29",)


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The record of a notice shown; none when the person saw this version in this language.

    Or of one that came back; none when it was another way that this version was shown.
    """
    if isinstance(command, ReturnNotice):
        return _returned(command, state)
    record = shown(command, given)
    seen: NoticeShown = record.event
    return () if (seen.policy, seen.language) in state.notices.shown else (record,)


def shown(command: ShowNotice, given: Circumstances) -> Record:
    """The record of a notice shown."""
    language = command.language.lower()
    published = command.policy == given.policy.version or command.policy in given.control.policies
    if not published or _LANGUAGE.fullmatch(language) is None:
        raise NoticeUnknown
    event = NoticeShown(policy=command.policy, language=language, channel=command.channel)
    return Record(event, occurred_at=command.occurred_at)


def _returned(command: ReturnNotice, state: "SubjectState") -> tuple[Record, ...]:
    seen = state.notices.shown.get((command.policy, command.language))
    mail = state.mails.by_id.get(command.mail)
    if state.erased or seen is None or mail is None or seen < mail.queued_at:
        return ()
    event = NoticeReturned(policy=command.policy, language=command.language, mail=command.mail)
    return (Record(event),)


def notice_due(state: "SubjectState", given: Circumstances) -> date | None:
    """The last day for the notice of Art. 14(3)(a); None when none is owed.

    A month from the day on which the first data came from somebody else. A disclosure before the
    notice is refused whatever the day (Art. 14(3)(c)).
    """
    since = state.collections.third_party_since
    if since is None or state.notices.informed:
        return None
    return due_of(max(day_of(since, given), first_day(given)), given)


def first_day(given: Circumstances) -> date:
    """From which day on a notice is owed of what is older than the Regulation."""
    return given.law.first_day(NOTICE)


def due_of(counted_from: date, given: Circumstances) -> date:
    """The last day of the month of Art. 14(3)(a) that is counted from a day."""
    return Duration(months=given.law.number(NOTICE, counted_from)).after(counted_from)


def evolve(slice_: Notices, recorded: Recorded[Any]) -> Notices:
    """The notices after one more event."""
    event: NoticeShown | NoticeReturned = recorded.event
    version = (event.policy, event.language)
    if isinstance(event, NoticeReturned):
        return Notices({one: at for one, at in slice_.shown.items() if one != version})
    since = slice_.shown.get(version, recorded.happened_at)
    return Notices({**slice_.shown, version: since})


NOTICES = Concern(
    "notices",
    commands=(ShowNotice, ReturnNotice),
    folds=(NoticeShown, NoticeReturned),
    initial=Notices(),
    decide=decide,
    evolve=evolve,
)
