"""A letter as the message that is sent: RFC 5322 bytes out of values, the same ones each time.

What is hashed into the ledger, kept sealed and handed to the relay are these bytes, so a mail that
is tried again is the same mail: one Message-ID, by which a receiver can tell a repetition.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from app.documents.blocks import Block, Document, Heading, Paragraph
from app.documents.letters import RenderedLetter
from app.documents.page import page
from app.documents.plain_text import blocks_of, plain_text
from app.propagation.public_texts import said
from app.values import replace

ONE_CLICK: Final = "List-Unsubscribe=One-Click"
"""The body of a request that unsubscribes without a page (RFC 8058)."""

_ASCII: Final = SMTP.clone(cte_type="7bit")
_INTERNATIONAL: Final = SMTP.clone(cte_type="7bit", utf8=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """On whose behalf mails are sent."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The right side of every Message-ID."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a message says beside the letter."""

    mail: UUID
    to: str = field(repr=False)
    """Blank for a letter that a human prints."""
    at: datetime
    objection: bool
    """Whether it tells of the right to object, in a part of its own (Art. 21(4))."""
    objection_address: str
    """Where to object."""
    unsubscribe: str | None = field(default=None, repr=False)
    """Link that ends the mailing with one click; None where nothing is to be ended."""
    attached: bool = False
    """Whether the letter is enclosed as PDF."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to be sent."""

    text: str = field(repr=False)
    digest: str
    """SHA-256 of its bytes, in hex."""
    objection: str | None
    """SHA-256 of the notice of the right to object, where it holds one."""


def compose_message(letter: RenderedLetter, envelope: Envelope, sender: Sender) -> Message:
    """The message. With a PDF it takes long: then not on the event loop."""
    objection = _objection(letter.language, envelope)
    document = _completed(letter.document, objection, envelope.unsubscribe)
    message = EmailMessage(_ASCII if envelope.to.isascii() else _INTERNATIONAL)
    _address(message, letter, envelope, sender)
    message.set_content(plain_text(document), cte="quoted-printable")
    message.add_alternative(page(document), subtype="html", cte="quoted-printable")
    if envelope.attached:
        name = f"{letter.kind.value.replace('_', '-')}.pdf"
        message.add_attachment(letter.pdf(), maintype="application", subtype="pdf", filename=name)
    message["Content-Language"] = letter.language  # set earlier, the content would drop it
    _bound(message, envelope.mail)
    raw = message.as_bytes()
    told = None if objection is None else _digest(" ".join(objection).encode())
    return Message(raw.decode(), _digest(raw), told)


def printable(message: EmailMessage) -> Document:
    """A message as it is put into an envelope, where no mail reaches the person."""
    body = message.get_body(("plain",))
    assert body is not None, "every message has one"
    return Document(
        language=str(message["Content-Language"]),
        title=str(message["Subject"]),
        blocks=tuple(blocks_of("\n".join(body.get_content().splitlines()))),
    )


def wire_address(address: str) -> str:
    """The address as most relays take it: its domain in ASCII, where the rest is."""
    return mailbox(address) or address


def mailbox(text: str) -> str | None:
    """The address in that form; None where the text is none of an e-mail."""
    try:
        known = validate_email(
            text, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except EmailNotValidError:
        return None
    return known.ascii_email or text


def _address(
    message: EmailMessage, letter: RenderedLetter, envelope: Envelope, sender: Sender
) -> None:
    """The header. None of it but `To` and `List-Unsubscribe` says anything of the person."""
    message["From"] = Address(sender.name, addr_spec=sender.address)
    if envelope.to:
        local, _, domain = envelope.to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = f"<{envelope.mail.hex}@{sender.domain}>"
    # No robot is to answer a robot (RFC 3834); Exchange has a word of its own for it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if envelope.unsubscribe is not None:
        message["List-Unsubscribe"] = f"<{envelope.unsubscribe}>"
        message["List-Unsubscribe-Post"] = ONE_CLICK


def _objection(language: str, envelope: Envelope) -> tuple[str, str] | None:
    if not envelope.objection:
        return None
    texts = said(language)
    text = texts["objection_text"].format(address=envelope.objection_address)
    return texts["objection_title"], text


def _completed(
    document: Document, objection: tuple[str, str] | None, unsubscribe: str | None
) -> Document:
    """The letter, then what every first message and every mailing must say, each on its own."""
    more: list[Block] = []
    if objection is not None:
        title, text = objection
        more += [Heading(title), Paragraph(text, strong=True)]
    if unsubscribe is not None:
        more.append(Paragraph(said(document.language)["unsubscribe_line"].format(url=unsubscribe)))
    return replace(document, blocks=(*document.blocks, *more))


def _bound(message: EmailMessage, mail: UUID) -> None:
    """Boundaries out of the mail's id: the library would draw them by lot."""
    holders = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(holders):
        part.set_boundary(f"=_{mail.hex}_{number}")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
