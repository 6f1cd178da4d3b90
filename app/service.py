"""The objects that one process works with, built once by `main`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import asyncpg

from app.auth import Callers
from app.control_ledger import ControlLedger
from app.ledger import Ledger
from app.measures import Measures
from app.propagation.destinations import Destinations
from app.propagation.feed import Feed
from app.propagation.mail import PostOffice
from app.propagation.outbound import Outbound
from app.propagation.sign_up_limits import SignUpLimits
from app.propagation.smtp import SmtpSender
from app.propagation.time_stamps import Authority
from app.registers.keeping import Kept
from app.store.event_store import EventStore
from app.store.log_witness import LogWitness
from app.store.lookups import Lookups
from app.store.mail_queue import MailQueue
from app.store.receivers import ReceiverRegister
from app.store.rulebook import Rulebook
from app.store.subscriptions import SubscriptionRegister
from app.tlog.trust_policies import TrustPolicy
from app.vault.link_tokens import LinkTokens
from app.vault.signing import Signer


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What proves that a call comes from a system: the path, and a signature where one is set."""

    path: str = field(repr=False)
    signing: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word is taken on where a request comes from, and the header that they write it in."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    header: str = "x-forwarded-for"
    """Or `forwarded` (RFC 7239)."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Mails to people, and the links in them."""

    public_url: str
    """Where links and records lead to, without a slash at the end."""
    post_office: PostOffice
    links: LinkTokens
    queue: MailQueue
    smtp: SmtpSender | None
    """None where no mail relay is set: then humans send what the queue lists."""
    limits: SignUpLimits
    proxies: Proxies


@dataclass(frozen=True, slots=True)
class Attestation:
    """What others say of our log, and we of theirs."""

    policy: TrustPolicy
    """Our witnesses, and how many of them must agree; it names no log."""
    authority: Authority | None
    """Who stamps our checkpoints with the time."""
    outbound: Outbound
    """Reaches those, and nobody else."""
    witness: LogWitness | None
    """Ourselves, as a witness of other logs."""


@dataclass(frozen=True, slots=True)
class Service:
    """One running service: nothing in it is built anywhere else."""

    ledger: Ledger
    control: ControlLedger
    store: EventStore
    rulebook: Rulebook
    lookups: Lookups
    callers: Callers
    pool: "asyncpg.Pool[Any]"
    eraser: "asyncpg.Pool[Any] | None"
    """Connections of the eraser login; None when this process has none."""
    webhooks: Mapping[str, WebhookSecrets]
    """By system; a system without an entry has no receiver here."""
    feed: Feed
    destinations: Destinations
    """Where subscriptions may deliver to."""
    subscriptions: SubscriptionRegister
    measures: Measures
    receivers: ReceiverRegister
    """Other controllers to whom data may go at a person's request."""
    outbound: Outbound
    """Sends to subscriptions and receivers, and to no private network."""
    package_keys: frozenset[bytes]
    """Public keys by which packages of this controller are signed, its own among them (Ed25519)."""
    signer: Signer
    """Signs packages and receipts; opens nothing."""
    kept: Kept
    """What registers would count or fold anew for every page."""
    correspondence: Correspondence
    attestation: Attestation
