"""Sends the mails that the log says are to be sent, each until it left or a human has to see to it.

At least once: if we die between the relay's word and our record of it, the mail is sent again, the
same bytes under the same Message-ID. Address and message are opened at the moment of sending, and
nothing of them is kept anywhere else. Without a relay nothing is sent and nothing is lost: the
queue is the list of what a human is to do. So it is with letters for the post. A letter that a step
of a matter of rights owes is written here first, so that no step can be recorded without it.
"""

import asyncio
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, NoReturn, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import structlog

from app.domain.decider import Refusal
from app.domain.letters_owed import TELLING
from app.domain.mails import (
    ADDRESS,
    MESSAGE,
    Mail,
    MailState,
    RecordMailBounced,
    RecordMailDelivered,
    RecordMailFailed,
    RecordMailSent,
    RequeueMail,
    WithdrawMail,
)
from app.domain.notices import ReturnNotice, ShowNotice
from app.domain.subject import SUBJECT, InTurn, SubjectState, fold
from app.events.declare import registry
from app.events.mails import (
    MailBounced,
    MailChannel,
    MailFailed,
    MailFailure,
    MailKind,
    MailQueued,
    MailRequeued,
)
from app.events.notices import NoticeChannel
from app.ledger import Ledger
from app.propagation.lettering import Lettering
from app.propagation.mail import PostOffice
from app.propagation.smtp import Attempt, Handed
from app.propagation.survivors import survivor_of
from app.receipts import Attribution
from app.store.event_store import Stream
from app.store.log_pages import read_log_page
from app.store.mail_queue import (
    GIVEN_UP,
    RETURNED,
    TO_PRINT,
    UNWRITTEN,
    ClaimedMail,
    MailQueue,
    Queued,
)
from app.store.recorded import read_entry
from app.vault.sealing import KeyUnavailable, Sealed

MAILER: Final = Attribution(by="mailer")
POLL_S: Final = 1.0
RETRY_S: Final = 5.0
AT_ONCE_MAX: Final = 4
PAGE_SIZE: Final = 500

WAITS_S: Final = (
    *(60.0, 5 * 60.0, 15 * 60.0, 3600.0, 2 * 3600.0, 4 * 3600.0),
    *(8 * 3600.0, 12 * 3600.0, 24 * 3600.0, 24 * 3600.0),
)
"""After each failed attempt but the last: eleven attempts in three days (RFC 5321, 4.5.4.1)."""

PRINTING_S: Final = 7 * 24 * 3600.0
"""After which a letter for the post is looked at again: a human settles it meanwhile."""

_QUEUING: Final = ("mail.queued", "mail.requeued")
_TELLING: Final = tuple(one.name for one in registry().values() if one.cls in TELLING)
_NOTICES: Final = frozenset({MailKind.NOTICE, MailKind.POLICY_CHANGE})
_SETTLING: Final = (
    *("mail.sent", "mail.failed", "mail.bounced", "mail.delivered"),
    "mail.withdrawn",
)
_LOST: Final = MappingProxyType({MailState.FAILED: GIVEN_UP, MailState.BOUNCED: RETURNED})
"""What a mail that told nobody waits for: a human."""

_LOG: Any = structlog.get_logger("pdledger.mailing")


class Sends(Protocol):
    """Whatever hands a message over."""

    async def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str
    ) -> Attempt:
        """One attempt; raises nothing that the other side did."""
        ...


class Mailing:
    """The loop of one process. Any number may run side by side."""

    def __init__(
        self,
        ledger: Ledger,
        pool: "asyncpg.Pool[Any]",
        post_office: PostOffice,
        *,
        sends: Sends | None,
    ) -> None:
        """``sends`` None is for an installation without a relay."""
        self._ledger = ledger
        self._pool = pool
        self._queue = MailQueue(pool)
        self._sends = sends
        self._post_office = post_office
        self._lettering = Lettering(ledger, post_office)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Looks for what is due at once."""
        self._woken.set()

    async def run(self) -> NoReturn:
        """Sends until it is cancelled."""
        while True:
            pause_s = POLL_S
            try:
                await self.turn()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error("mailing halted", error_class=type(error).__name__)
                pause_s = RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()
            self._woken.clear()

    async def turn(self) -> int:
        """Takes over what the log says, and tries what is due; how many mails were tried.

        Without a relay letters are written, and nothing is tried.
        """
        while await self._follow():
            pass
        tried, reason = 0, UNWRITTEN if self._sends is None else None
        while claimed := await self._queue.claim(AT_ONCE_MAX, reason=reason):
            await asyncio.gather(*(self._try(one) for one in claimed))
            tried += len(claimed)
        return 0 if self._sends is None else tried

    async def _follow(self) -> bool:
        """One page of the log; False when there is no more of it."""
        since = await self._queue.position()
        page = await read_log_page(
            self._pool, after=since, size_max=PAGE_SIZE, types=(*_TELLING, *_QUEUING, *_SETTLING)
        )
        if page.reached <= since:
            return False
        queued: dict[UUID, Queued] = {}
        settled: dict[UUID, None] = {}
        for position, entry in page.entries:
            recorded = read_entry(entry, position)
            if isinstance(recorded.event, TELLING):
                mail, at = recorded.event_id, recorded.recorded_at
                queued[mail] = Queued(mail, recorded.stream_id, at, UNWRITTEN)
                continue
            mail = recorded.event.mail
            queued.pop(mail, None)
            if not isinstance(recorded.event, MailQueued):
                # Of a letter the row is there since its event, and may be claimed for sending.
                settled[mail] = None
            if isinstance(recorded.event, MailQueued | MailRequeued):
                queued[mail] = Queued(mail, recorded.stream_id, recorded.recorded_at)
            elif reason := _lost(recorded.event):
                queued[mail] = Queued(mail, recorded.stream_id, recorded.recorded_at, reason)
        await self._queue.follow(since, page.reached, list(queued.values()), list(settled))
        return not page.at_head

    async def _try(self, claimed: ClaimedMail) -> None:
        try:
            await self._attempt(claimed)
        except Refusal as refusal:
            # A human or another process settled it meanwhile; the log says how.
            _LOG.warning("mail was settled otherwise", refusal=refusal.code)
            await self._queue.done(claimed)
        except Exception as error:  # noqa: BLE001  # the next mail is due as well
            _LOG.error("mail not tried", error_class=type(error).__name__)
            await self._queue.defer(claimed, WAITS_S[0], "fault", None)

    async def _attempt(self, claimed: ClaimedMail) -> None:
        stream, state = await self._read(claimed)
        if claimed.mail not in state.mails.by_id:
            if not await self._written(claimed):
                return
            stream, state = await self._read(claimed)
        mail = state.mails.by_id.get(claimed.mail)
        if mail is None:  # the event owes no letter
            await self._queue.done(claimed)
            return
        if mail.state is not MailState.QUEUED:
            await self._keep(claimed, stream, mail)
        elif await self._ended(stream, mail):
            await self._ledger.execute(claimed.stream_id, WithdrawMail(mail=claimed.mail), MAILER)
            await self._queue.done(claimed)
        else:
            await self._send(claimed, stream, mail)

    async def _keep(self, claimed: ClaimedMail, stream: Stream, mail: Mail) -> None:
        """What did not reach the person stays a human's task: to print, to send, or to call off.

        Nobody is owed a question whether they meant a sign-up, nor a letter whose words are gone.
        """
        opened = self._ledger.store.open_section(stream, mail.version, mail.retention_class)
        owed = mail.kind is not MailKind.CONSENT_CONFIRMATION and isinstance(opened, Sealed)
        reason = _LOST.get(mail.state)
        if owed and reason is not None:
            await self._queue.wait(claimed, PRINTING_S, reason)
        else:
            await self._queue.done(claimed)

    async def _read(self, claimed: ClaimedMail) -> tuple[Stream, SubjectState]:
        stream = await self._ledger.store.read_stream(claimed.stream_id, with_blobs=True)
        return stream, fold(SUBJECT.initial, stream.events)

    async def _written(self, claimed: ClaimedMail) -> bool:
        """Writes what is owed, if anything is; False when a human has to see why it cannot be."""
        try:
            await self._lettering.write(claimed.stream_id, claimed.mail)
        except Refusal as refusal:
            _LOG.warning("letter not written", refusal=refusal.code)
            await self._queue.defer(claimed, WAITS_S[-1], refusal.code.replace("-", "_"), None)
            return False
        return True

    async def _send(self, claimed: ClaimedMail, stream: Stream, mail: Mail) -> None:
        opened = self._ledger.store.open_section(stream, mail.version, mail.retention_class)
        if isinstance(opened, KeyUnavailable):
            await self._queue.defer(claimed, WAITS_S[0], "key_unavailable", None)
            return
        if isinstance(opened, Sealed) and not opened.personal.get(ADDRESS):
            await self._queue.wait(claimed, PRINTING_S, TO_PRINT)
            return
        if self._sends is None:
            await self._queue.wait(claimed, 0, None)  # a human sends it, at any time
            return
        if not isinstance(opened, Sealed):
            attempt = Attempt(Handed.PERMANENT, "unreadable", failure=MailFailure.UNREADABLE)
        else:
            attempt = await self._sends.send(
                opened.personal[MESSAGE].encode(),
                sender=(await self._post_office.sender()).address,
                recipient=opened.personal[ADDRESS],
                envelope_id=claimed.mail.hex,
            )
        await self._conclude(claimed, attempt, mail)

    async def _ended(self, stream: Stream, mail: Mail) -> bool:
        """Whether the person ended the mailing that it is part of, on whichever of their records.

        An absorbed record keeps what was queued on it; the no is said to the one that stands for
        it, and a record that was absorbed afterwards handed its own noes on.
        """
        event: MailQueued = stream.events[mail.version - 1].event
        if event.unsubscribe is None:
            return False
        person = await survivor_of(self._ledger, stream.stream_id)
        _, _, states = await self._ledger.current_states([stream.stream_id, person])
        return any(event.unsubscribe in one.suppressions.purposes for one in states.values())

    async def _conclude(self, claimed: ClaimedMail, attempt: Attempt, mail: Mail) -> None:
        attempts = claimed.attempts + 1
        if attempt.handed is Handed.TEMPORARY and attempts <= len(WAITS_S):
            wait_s = WAITS_S[attempts - 1]
            await self._queue.defer(claimed, wait_s, attempt.reason, attempt.code)
            return
        command: RecordMailSent | RecordMailFailed
        if attempt.handed is Handed.ACCEPTED:
            command = RecordMailSent(mail=claimed.mail, channel=MailChannel.SMTP, attempts=attempts)
        else:
            exhausted = attempt.handed is Handed.TEMPORARY
            command = RecordMailFailed(
                mail=claimed.mail,
                failure=MailFailure.EXHAUSTED if exhausted else attempt.failure,
                attempts=attempts,
                code=attempt.code,
            )
        settled = with_notice(command, mail)
        await self._ledger.execute(claimed.stream_id, settled, MAILER)
        await self._queue.done(claimed)


def _lost(event: object) -> str | None:
    """What a mail waits for of which this is the end, None where it reached somebody."""
    match event:
        case MailFailed():
            return GIVEN_UP
        case MailBounced(permanent=True):
            return RETURNED
        case _:
            return None


Outcome: TypeAlias = (
    RecordMailSent | RecordMailFailed | RecordMailBounced | RecordMailDelivered | RequeueMail
) | WithdrawMail


def with_notice(command: Outcome, mail: Mail) -> object:
    """The outcome of a mail, and with a notice, that the person was shown it, or was not (L29)."""
    if mail.kind not in _NOTICES:
        return command
    if isinstance(command, RecordMailBounced) and command.permanent:
        returned = ReturnNotice(mail=command.mail, policy=mail.policy, language=mail.language)
        return InTurn((command, returned))
    if not isinstance(command, RecordMailSent):
        return command
    shown = ShowNotice(
        policy=mail.policy,
        language=mail.language,
        channel=NoticeChannel.POST if command.channel is MailChannel.POST else NoticeChannel.EMAIL,
        occurred_at=command.occurred_at,
    )
    return InTurn((command, shown))
