"""Puts letters to people into the post: composed, sealed, queued by an event of the person's own.

Once the event is appended the mail is not lost: the worker sends it, or a human finds it listed.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from app.clock import random_id
from app.documents.letters import RenderedLetter
from app.domain.decider import Refusal
from app.domain.mails import QueueMail
from app.events.mails import MailKind
from app.ledger import Ledger
from app.policy.own_names import MAILING
from app.policy.vocabulary import IdentifierKind
from app.propagation.messages import Envelope, Message, Sender, compose_message, wire_address
from app.receipts import Attribution, Receipt
from app.store.on_file import address_for_mail
from app.vault.link_tokens import Link, LinkKind, LinkTokens


class AddressMissing(Refusal):
    """There is no e-mail address to write to: the letter goes by post."""

    code = "address-missing"
    rules = ("C80", "L27")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A letter on its way to a person."""

    letter: RenderedLetter = field(repr=False)
    kind: MailKind
    purpose: str = MAILING
    """Under which statutory purpose it is held until it is sent."""
    matter: UUID | None = None
    to: str | None = field(default=None, repr=False)
    """None takes the address on file."""
    mailing: str | None = None
    """The direct marketing that it is part of, which its link ends with one click."""
    attached: bool = False
    """Whether the letter is enclosed as PDF."""
    mail: UUID | None = None
    """Its id; a new one without. The same is queued once."""
    printed: bool = False
    """Whether it goes by post, without any address for a mail."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail that is queued; no id where the same request was repeated and told nothing new."""

    mail: UUID
    receipt: Receipt


class PostOffice:
    """The one way by which a message to a person begins."""

    def __init__(
        self, ledger: Ledger, tokens: LinkTokens, *, public_url: str, address: str | None
    ) -> None:
        self._ledger = ledger
        self._tokens = tokens
        self._public_url = public_url.rstrip("/")
        self._address = address

    async def sender(self) -> Sender:
        """Who mails are from: the controller, at the address of the settings if they name one."""
        controller = (await self._ledger.rules()).policy.controller
        return Sender(name=controller.name, address=self._address or controller.email)

    async def link(self, kind: LinkKind, subject_id: UUID, about: str) -> str:
        """A link for one person, in force until their links are revoked."""
        serial = (await self._ledger.state(subject_id)).links.serial
        return self.url(Link(kind, subject_id, serial, about))

    def url(self, link: Link) -> str:
        """Where a link leads."""
        places = {
            LinkKind.CONFIRM: "confirm",
            LinkKind.MAILING: "unsubscribe",
            LinkKind.POLICY: "policy-change",
            LinkKind.ANSWER: "answers",
        }
        return f"{self._public_url}/{places[link.kind]}/{self._tokens.token(link)}"

    async def post(self, subject_id: UUID, posting: Posting, attribution: Attribution) -> Posted:
        """Queues a mail. AddressMissing, and the refusals of the decider."""
        policy = (await self._ledger.rules()).policy
        mail = posting.mail or random_id()
        emails = policy.identifying(IdentifierKind.EMAIL)
        to = "" if posting.printed else posting.to
        if to is None:
            to = await address_for_mail(self._ledger.store, subject_id, emails)
        if to is None:
            raise AddressMissing
        state = await self._ledger.state(subject_id)
        envelope = Envelope(
            mail=mail,
            to=wire_address(to),
            at=self._ledger.clock(),
            objection=posting.mailing is not None or not state.mails.objection_told,
            objection_address=policy.controller.email,
            unsubscribe=None
            if posting.mailing is None
            else await self.link(LinkKind.MAILING, subject_id, posting.mailing),
            attached=posting.attached,
        )
        sender = await self.sender()
        message = (
            await asyncio.to_thread(compose_message, posting.letter, envelope, sender)
            if posting.attached
            else compose_message(posting.letter, envelope, sender)
        )
        command = _queueing(posting, envelope, message)
        receipt = await self._ledger.execute(subject_id, command, attribution)
        return Posted(mail, receipt)


def _queueing(posting: Posting, envelope: Envelope, message: Message) -> QueueMail:
    return QueueMail(
        mail=envelope.mail,
        kind=posting.kind,
        purpose=posting.purpose,
        address=envelope.to,
        text=message.text,
        message=message.digest,
        letter=posting.letter.sha256["text"],
        language=posting.letter.language,
        matter=posting.matter,
        objection=message.objection,
        unsubscribe=posting.mailing,
    )
