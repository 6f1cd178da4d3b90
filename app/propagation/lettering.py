"""Writes the letters that a matter of rights owes, each once, and puts them into the post (L25).

The log says what is owed (`app/domain/letters_owed.py`): the letter about an event is the mail with
that event's id. Whoever has no address by e-mail, or was told on paper, gets a letter that a human
prints; it waits in the same queue as every mail, and is settled in the same way.
"""

from typing import Any, Final
from uuid import UUID

from app.documents.languages import language
from app.documents.letters import compose
from app.domain.decider import Circumstances
from app.domain.erasure_plan import REPLY_ADDRESS
from app.domain.erasure_progress import Erasure
from app.domain.letters_owed import owed
from app.domain.sign_ups import LANGUAGE
from app.domain.subject import SubjectState
from app.events.erasures import ErasurePrepared
from app.events.mails import MailKind, MailQueued
from app.events.notices import NoticeShown
from app.events.recorded import Recorded
from app.events.rights_requests import RequestChannel, RightsRequestReceived
from app.ledger import Ledger
from app.policy.own_names import MAILING, RIGHTS
from app.policy.vocabulary import IdentifierKind
from app.propagation.answer_links import answers_by_copy, last_day, shown_to_a_mailbox
from app.propagation.mail import Posting, PostOffice
from app.propagation.messages import mailbox
from app.propagation.rights_letters import Telling, letter_of, matter_of
from app.propagation.survivors import records_of, survivor_of
from app.receipts import Attribution
from app.store.event_store import Stream
from app.store.on_file import address_for_mail, addresses_on_file, value_on_file
from app.store.recorded import UnknownEvent
from app.vault.link_tokens import LinkKind
from app.vault.sealing import Sealed

WRITER: Final = Attribution(by="letters")


class Lettering:
    """Writes what is owed on one stream; several may at once, and each letter is queued once."""

    def __init__(self, ledger: Ledger, post_office: PostOffice) -> None:
        self._ledger = ledger
        self._post_office = post_office

    async def write(self, stream_id: UUID, about: UUID | None = None) -> int:
        """Writes every letter that is owed, or the one ``about`` an event; how many were written.

        LetterIncomplete where a part that the law demands was never recorded: a human writes it.
        """
        stream = await self._ledger.store.read_stream(stream_id, with_blobs=True)
        state = self._ledger.meet(stream)
        given = (await self._ledger.rules()).at(self._ledger.clock())
        written = 0
        for recorded in owed(stream.events, state, given):
            if about in (None, recorded.event_id):
                await self._write(stream, state, recorded, given)
                written += 1
        return written

    async def _write(
        self, stream: Stream, state: SubjectState, recorded: Recorded[Any], given: Circumstances
    ) -> None:
        by_mail, lines = await self._reached(stream, state, recorded)
        wanted = await self._language(stream, state, recorded)
        link = await self._link(stream, state, recorded, by_mail=by_mail, given=given)
        telling = Telling(
            recorded=recorded,
            state=state,
            given=given,
            spoken=language(wanted),
            lines=lines,
            words=self._written(stream, recorded),
            link=link,
            link_until=None if link is None else last_day(recorded, given),
            beside=await self._beside(stream.stream_id, state),
        )
        posting = Posting(
            letter=compose(letter_of(telling), wanted),
            kind=MailKind.ANSWER,
            mail=recorded.event_id,
            # After an erasure the letters of a matter are closed; the class of mails is not.
            purpose=MAILING if state.erased else RIGHTS,
            matter=matter_of(recorded),
            to=by_mail,
            printed=by_mail is None,
            attached=by_mail is None,
        )
        await self._post_office.post(stream.stream_id, posting, WRITER)

    async def _link(
        self,
        stream: Stream,
        state: SubjectState,
        recorded: Recorded[Any],
        *,
        by_mail: str | None,
        given: Circumstances,
    ) -> str | None:
        """Where the copy is fetched; None where it is handed over apart from the letter (0023)."""
        if by_mail is None or not answers_by_copy(recorded, state):
            return None
        emails = given.policy.identifying(IdentifierKind.EMAIL)
        person = await survivor_of(self._ledger, stream.stream_id)
        now = await self._ledger.state(person)
        known = await addresses_on_file(self._ledger.store, person, emails)
        mailboxes = {mailbox(one) for one in known}
        if mailbox(by_mail) not in mailboxes or not shown_to_a_mailbox(now, given.policy):
            return None
        about = str(recorded.event.request)
        return await self._post_office.link(LinkKind.ANSWER, stream.stream_id, about)

    async def _reached(
        self, stream: Stream, state: SubjectState, recorded: Recorded[Any]
    ) -> tuple[str | None, tuple[str, ...]]:
        """The e-mail address; None with the lines of a postal one, as far as it is known.

        The address that came with the request is taken first: there the person wants the answer.
        Then the one that an erasure set aside, then the one on file.
        """
        noted = self._noted(stream, state, recorded)
        if not noted and state.erased:
            noted = await self._noted_beside(stream.stream_id)
        lines = tuple(line.strip() for line in noted.splitlines() if line.strip())
        if getattr(recorded.event, "told_by", None) is RequestChannel.POST:
            return None, lines
        if lines:
            address = mailbox(noted)
            return (None, lines) if address is None else (address, ())
        if state.erased:
            return None, ()
        emails = (await self._ledger.rules()).policy.identifying(IdentifierKind.EMAIL)
        person = await survivor_of(self._ledger, stream.stream_id)
        return await address_for_mail(self._ledger.store, person, emails), ()

    def _noted(self, stream: Stream, state: SubjectState, recorded: Recorded[Any]) -> str:
        """What the person named to be answered at, in this matter or in an erasure of theirs."""
        matter, kept = matter_of(recorded), ""
        for one in stream.events:
            if isinstance(one.event, RightsRequestReceived) and one.event_id == matter:
                kept = self._written(stream, one).get(REPLY_ADDRESS, "") or kept
            elif isinstance(one.event, ErasurePrepared) and (
                state.erased or one.event.erasure == matter
            ):
                kept = kept or self._written(stream, one).get(REPLY_ADDRESS, "")
        return kept.strip()

    async def _noted_beside(self, stream_id: UUID) -> str:
        """What an erasure of another record of the person set aside; it is told by this one."""
        _, *others = await records_of(self._ledger, stream_id)
        for other in others:
            beside = await self._ledger.store.read_stream(other, with_blobs=True)
            for one in beside.events:
                if isinstance(one.event, ErasurePrepared) and one.event.told_with == stream_id:
                    noted = self._written(beside, one).get(REPLY_ADDRESS, "")
                    if noted:
                        return noted
        return ""

    def _written(self, stream: Stream, recorded: Recorded[Any]) -> dict[str, str]:
        """What lies sealed beside an event, as far as it can still be read."""
        words: dict[str, str] = {}
        for seal in recorded.seals:
            opened = self._ledger.store.open_section(stream, recorded.version, seal.retention_class)
            if isinstance(opened, Sealed):
                words.update(opened.personal)
        return words

    async def _beside(
        self, stream_id: UUID, state: SubjectState
    ) -> dict[UUID, tuple[Erasure, ...]]:
        """Erasure -> those of other records that leave the telling to this one (0011)."""
        if not state.erasures.by_id:
            return {}
        _, *others = await records_of(self._ledger, stream_id)
        found = [
            one
            for other in others
            for one in (await self._ledger.state(other)).erasures.by_id.values()
            if one.told_with == stream_id and one.executed_at is not None
        ]
        return {
            key: tuple(one for one in found if one.extent == own.extent)
            for key, own in state.erasures.by_id.items()
        }

    async def _language(self, stream: Stream, state: SubjectState, recorded: Recorded[Any]) -> str:
        """That of the request, else the person's own, else the one they were last spoken to in.

        The person's own goes with an erasure, which therefore names it.
        """
        matter = matter_of(recorded)
        spoken = [
            one.event
            for one in stream.events
            if not isinstance(one.event, UnknownEvent)
            and isinstance(one.event, RightsRequestReceived | MailQueued | NoticeShown)
        ]
        asked = [
            one.event.language
            for one in stream.events
            if isinstance(one.event, RightsRequestReceived) and one.event_id == matter
        ]
        own = await value_on_file(self._ledger.store, stream.stream_id, LANGUAGE)
        gone = [one.language for one in reversed(tuple(state.erasures.by_id.values()))]
        last = [one.language for one in reversed(spoken) if one.language]
        return next((one for one in (*asked, own, *gone, *last) if one), "en")
