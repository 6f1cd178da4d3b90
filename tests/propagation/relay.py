"""A mail relay on this machine, spoken to over real sockets: takes mails, or does as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from aiosmtpd.smtp import Envelope as Taken
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.propagation.smtp import Relay, SmtpSender

HOST = "127.0.0.1"
OK = "250 OK"


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as it came."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    secured: bool
    logged_in: bool
    asked: tuple[str, ...] = ()
    """What was asked of the relay by DSN, in the order of the commands (RFC 3461)."""

    @property
    def message(self) -> EmailMessage:
        """As a mail program reads it."""
        parsed = message_from_bytes(self.raw, policy=SMTPUTF8)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass(slots=True)
class TestRelay:
    """``at_recipient`` and ``at_data`` are its replies; the switches spoil the end of DATA."""

    __test__ = False

    port: int = 0
    ca_file: Path | None = None
    at_recipient: str = OK
    at_data: str = OK
    hangs: bool = False
    drops: bool = False
    forgets_to_answer: bool = False
    asked: list[str] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802  # named and called by aiosmtpd
        self, _server: SMTP, _session: Any, envelope: Taken, address: str, _options: list[str]
    ) -> str:
        """The reply to a recipient."""
        if self.at_recipient == OK:
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(  # noqa: N802  # named and called by aiosmtpd
        self, server: SMTP, session: Any, envelope: Taken
    ) -> str:
        """The reply to a message."""
        if self.hangs:
            await self.released.wait()
        if not self.drops and self.at_data == OK:
            assert isinstance(envelope.content, bytes)
            self.arrived.append(
                Arrived(
                    sender=envelope.mail_from or "",
                    recipients=tuple(envelope.rcpt_tos),
                    raw=envelope.content,
                    secured=_secured(server),
                    logged_in=session.authenticated,
                    asked=tuple(self.asked),
                )
            )
        if self.drops or self.forgets_to_answer:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.at_data


class ReportingRelay(SMTP):
    """Knows RFC 3461, which aiosmtpd does not; or says so, and ``refuses`` to be asked."""

    refuses = ""
    """The command at which."""

    async def push(self, status: Any) -> None:
        """An answer, with one more line in that to EHLO."""
        if status == "250 HELP":
            await super().push("250-DSN")
        await super().push(status)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # named by aiosmtpd
        """Takes its own parameters, and leaves the others."""
        self.event_handler.asked.clear()
        if (rest := await self._taken("MAIL", arg or "", ("RET=", "ENVID="))) is not None:
            await super().smtp_MAIL(rest)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802  # named by aiosmtpd
        """Takes its own parameter, and leaves the others."""
        if (rest := await self._taken("RCPT", arg or "", ("NOTIFY=",))) is not None:
            await super().smtp_RCPT(rest)

    async def _taken(self, command: str, arg: str, names: tuple[str, ...]) -> str | None:
        words = arg.split(" ")
        asked = [word for word in words if word.startswith(names)]
        if asked and command == self.refuses:
            await self.push("555 parameters not implemented")
            return None
        self.event_handler.asked.extend(asked)
        return " ".join(word for word in words if word not in asked)


class RefusingSender(ReportingRelay):
    """Refuses what it says it can, at the sender."""

    refuses = "MAIL"


class RefusingRecipient(ReportingRelay):
    """Refuses what it says it can, at the recipient."""

    refuses = "RCPT"


def _secured(server: SMTP) -> bool:
    assert server.transport is not None
    return server.transport.get_extra_info("ssl_object") is not None


def authenticated(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
) -> AuthResult:
    """One user with one password."""
    right = isinstance(data, LoginPassword) and data.password == b"right"
    return AuthResult(success=right, handled=True)


@asynccontextmanager
async def relaying(
    folder: Path,
    *,
    tls: str = "starttls",
    login: bool = False,
    utf8: bool = True,
    kind: type[SMTP] = SMTP,
) -> AsyncIterator[TestRelay]:
    """A relay that listens; ``tls`` is starttls, implicit or none."""
    relay = TestRelay()
    relay.ca_file, context = certificate(folder)
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {
        "hostname": "relay.example",
        "enable_SMTPUTF8": utf8,
        "auth_required": login,
        "auth_require_tls": tls == "starttls",
        "authenticator": authenticated if login else None,
        "tls_context": context if tls == "starttls" else None,
    }
    made: Callable[[], SMTP] = lambda: kind(relay, loop=loop, **options)  # noqa: E731  # a factory
    server = await loop.create_server(made, HOST, 0, ssl=context if tls == "implicit" else None)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        relay.released.set()
        server.close()
        await server.wait_closed()


def sender_to(relay: TestRelay, **told: Any) -> SmtpSender:
    """Who hands mails to it, trusting its own authority unless told otherwise."""
    way = {"host": HOST, "port": relay.port, "ca_file": relay.ca_file, **told}
    return SmtpSender(Relay(**way), helo="ledger.example")


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine, which is its own authority; a file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / "relay.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    secret = folder / "relay.key"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return trusted, context
