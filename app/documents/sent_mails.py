"""Mails that were sent to somebody, as people read them; the source is for machines (L27)."""

from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any, TypeAlias

from app.documents.access_words import Reader
from app.documents.blocks import Block, Heading, Lines, Paragraph

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def subject_of(text: str | None) -> str | None:
    """The subject of a message; None where the text is no message with a source of its own."""
    message = _message(text)
    return None if message is None else str(message["Subject"])


def mail_blocks(held: list[Value], reader: Reader) -> list[Block]:
    """Every mail among the values in full: what the person saw, byte for byte only in the JSON."""
    found = [(one, message) for one in held if (message := _message(one["value"])) is not None]
    if not found:
        return []
    blocks: list[Block] = [
        Heading(reader.say("Mails to you, as they were sent"), level=3),
        Paragraph(reader.say("Their source, byte for byte, is in the JSON form of this report.")),
    ]
    for one, message in found:
        head = (str(message["Subject"]), str(message["To"] or ""), reader.moment(_sent(one)))
        blocks.append(Lines(tuple(line for line in head if line)))
        blocks += _body(message)
    return blocks


def _sent(one: Value) -> str:
    at: str = one["recorded"]["at"]
    return at


def _body(message: EmailMessage) -> list[Block]:
    """Paragraph by paragraph; what underlines a heading in plain text says nothing here."""
    part = message.get_body(("plain",))
    text = "" if part is None else str(part.get_content())
    paragraphs = (one.splitlines() for one in text.replace("\r\n", "\n").split("\n\n"))
    told = (tuple(line for line in lines if set(line) - set("=-")) for lines in paragraphs)
    return [Lines(lines) for lines in told if lines]


def _message(text: str | None) -> EmailMessage | None:
    """A message that was composed here has an id and says which version of MIME it is of."""
    if text is None or "\nMIME-Version: " not in text.replace("\r\n", "\n")[:8_000]:
        return None
    message = message_from_string(text, policy=SMTPUTF8)
    assert isinstance(message, EmailMessage), "the policy says so"
    return message if message["Message-ID"] and message["Subject"] else None
