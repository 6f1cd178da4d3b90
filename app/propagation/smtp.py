"""Hands messages to the mail relay: TLS, time-outs, and what each reply means (RFC 5321).

A reply of the class 5 is final for the message; everything else (a reply of the class 4, silence,
a connection that breaks or cannot be secured, credentials that are refused) may be over tomorrow.
No text of a reply is kept: servers repeat the address in it.
"""

import ipaddress
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import aiosmtplib

from app.events.mails import MailFailure

PERMANENT: Final = 500
PARAMETER_REFUSED: Final = frozenset({501, 504, 555})
"""Replies to a parameter that is not understood (RFC 5321, 4.1.1.11)."""
NOTIFY: Final = "NOTIFY=FAILURE,DELAY"

Security = Literal["starttls", "implicit", "none"]


class RelayUnsafe(Exception):
    """Messages would go over a network in the clear: only this machine may be spoken to so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes our mail."""

    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = 30.0
    """For each step of the conversation."""

    def __post_init__(self) -> None:
        if self.security == "none" and not _loopback(self.host):
            raise RelayUnsafe("set LEDGER_SMTP_SECURITY to starttls or implicit")


class Handed(StrEnum):
    """What became of a message at the relay."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``reason`` is a word of ours, ``code`` the relay's reply."""

    handed: Handed
    reason: str = ""
    code: int | None = None
    failure: MailFailure = MailFailure.MESSAGE_REFUSED
    """What a permanent one means."""


class SmtpSender:
    """Sends one message a connection: mails are few, and none waits for another."""

    def __init__(self, relay: Relay, *, helo: str) -> None:
        self._relay = relay
        self._helo = helo
        file = relay.password_file
        self._password = "" if file is None else file.read_text().strip()

    async def send(
        self, message: bytes, *, sender: str, recipient: str, envelope_id: str
    ) -> Attempt:
        """Hands one message over; never raises what the relay or the network did.

        A relay that can is asked to tell of delays and failures, by our own id (RFC 3461).
        """
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=self._helo,
            timeout=relay.timeout_s,
            use_tls=relay.security == "implicit",
            start_tls=relay.security == "starttls",
            tls_context=None if relay.security == "none" else _trusting(relay.ca_file),
        )
        accepted = False
        try:
            async with client:
                if relay.username is not None:
                    await client.login(relay.username, self._password)
                options = () if recipient.isascii() else ("SMTPUTF8",)
                wish = (*options, "RET=HDRS", f"ENVID={envelope_id}")
                if not await _reported(client, message, (sender, recipient), wish):
                    await client.sendmail(sender, [recipient], message, mail_options=options)
                accepted = True
        except (aiosmtplib.SMTPException, OSError) as failure:
            # Once it was taken over, nothing that goes wrong in parting takes it back.
            return Attempt(Handed.ACCEPTED) if accepted else _attempt(failure, recipient)
        return Attempt(Handed.ACCEPTED)


async def _reported(
    client: aiosmtplib.SMTP,
    message: bytes,
    envelope: tuple[str, str],
    options: Iterable[str],
) -> bool:
    """Hands it over with the wish to be told of it; False where the relay cannot, or refuses that.

    Some pass on what a server behind them can, and refuse to be asked for it.
    """
    if client.is_ehlo_or_helo_needed:
        with suppress(aiosmtplib.SMTPHeloError):  # one that knows no EHLO is greeted again later
            await client.ehlo()
    if not client.supports_extension("dsn"):
        return False
    sender, recipient = envelope
    try:
        await client.sendmail(
            sender, [recipient], message, mail_options=options, rcpt_options=(NOTIFY,)
        )
    except aiosmtplib.SMTPSenderRefused as refused:
        if refused.code not in PARAMETER_REFUSED:
            raise
    except aiosmtplib.SMTPRecipientsRefused as refused:
        if refused.recipients[0].code not in PARAMETER_REFUSED:
            raise
    else:
        return True
    return False


def _attempt(failure: Exception, recipient: str) -> Attempt:
    match failure:
        case aiosmtplib.SMTPAuthenticationError(code=code):
            return Attempt(Handed.TEMPORARY, "login_refused", code)
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
            return _replied(refused.code, "address_refused", MailFailure.ADDRESS_REFUSED)
        case aiosmtplib.SMTPHeloError(code=code) | aiosmtplib.SMTPConnectResponseError(code=code):
            return Attempt(Handed.TEMPORARY, "greeting_refused", code)
        case aiosmtplib.SMTPResponseException(code=code) if code > 0:
            return _replied(code, "message_refused", MailFailure.MESSAGE_REFUSED)
        case aiosmtplib.SMTPNotSupported() if not recipient.isascii():
            # The address needs SMTPUTF8, which this relay will not have tomorrow either.
            return Attempt(Handed.PERMANENT, "address_refused", failure=MailFailure.ADDRESS_REFUSED)
        case TimeoutError() | aiosmtplib.SMTPTimeoutError():
            return Attempt(Handed.TEMPORARY, "timed_out")
        case _ if isinstance(failure, ssl.SSLError) or isinstance(failure.__cause__, ssl.SSLError):
            return Attempt(Handed.TEMPORARY, "tls_failed")
        case _:
            return Attempt(Handed.TEMPORARY, "connection_failed")


def _replied(code: int, reason: str, failure: MailFailure) -> Attempt:
    if code >= PERMANENT:
        return Attempt(Handed.PERMANENT, reason, code, failure)
    return Attempt(Handed.TEMPORARY, reason, code)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
