"""Mails as they leave a service in a test: kept in memory, and the links that they hold."""

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

from app.propagation.mailing import Mailing, Sends
from app.propagation.smtp import Attempt, Handed
from app.service import Service


@dataclass(slots=True)
class Mailbox:
    """Everybody's mailbox. ``answers`` are given in turn, then everything is accepted."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[Attempt] = field(default_factory=list)

    async def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str
    ) -> Attempt:
        """As the relay does it."""
        self.raw.append(message)
        if self.answers:
            return self.answers.pop(0)
        parsed = message_from_bytes(message, policy=SMTPUTF8)
        assert isinstance(parsed, EmailMessage)
        assert parsed["From"].addresses[0].addr_spec == sender
        assert parsed["Message-ID"].startswith(f"<{envelope_id}@")
        self.received.append((recipient, parsed))
        return Attempt(Handed.ACCEPTED)

    def links(self, place: str) -> list[str]:
        """Every link to a place, in the order in which the mails came."""
        found: list[str] = []
        for _, message in self.received:
            body = message.get_body(("plain",))
            assert body is not None
            found += re.findall(rf"https?://[^/\s]+(/{place}/[A-Za-z0-9_-]+)", body.get_content())
        return found


def mailing(service: Service, sends: Sends | None) -> Mailing:
    """The worker that sends, with a mailbox for a relay, or over a real one."""
    return Mailing(service.ledger, service.pool, service.correspondence.post_office, sends=sends)
