"""Parts of a service that its settings alone decide; `main` puts them together."""

from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from app.clock import Clock
from app.ledger import Ledger
from app.propagation.destinations import Destinations, NamedDestinations, Resolve
from app.propagation.feed import FeedLimits
from app.propagation.feeding import add_checkpoint_url
from app.propagation.mail import PostOffice
from app.propagation.outbound import Outbound
from app.propagation.sign_up_limits import SignUpLimits
from app.propagation.smtp import Relay, SmtpSender
from app.propagation.time_stamps import authority
from app.service import Attestation, Correspondence, Proxies, WebhookSecrets
from app.settings import Settings
from app.store.connection import Logins
from app.store.integrator_process import Charge
from app.store.log_witness import LogWitness
from app.store.mail_queue import MailQueue
from app.tlog.notes import verifier_key
from app.tlog.trust_policies import TrustPolicy, TrustPolicyMalformed, trust_policy
from app.vault.custody import FileCustody
from app.vault.link_tokens import LinkTokens
from app.vault.signing import Signer


class WitnessPolicyUnusable(Exception):
    """The file of LEDGER_LOG_WITNESS_POLICY_FILE; says what is wrong with it, and where."""


def destinations(settings: Settings, resolve: Resolve) -> Destinations:
    """Where subscriptions may deliver to."""
    return Destinations(
        resolve,
        hosts=frozenset(name.lower() for name in settings.subscription_hosts),
        loopback=settings.subscription_loopback,
    )


def correspondence(
    settings: Settings, ledger: Ledger, pool: "asyncpg.Pool[Any]", custody: FileCustody
) -> Correspondence:
    """Mails to people, and the links in them."""
    links = LinkTokens(custody.link_key())
    url = public_url(settings).rstrip("/")
    return Correspondence(
        public_url=url,
        post_office=PostOffice(ledger, links, public_url=url, address=settings.mail_from),
        links=links,
        queue=MailQueue(pool),
        smtp=_smtp(settings),
        limits=SignUpLimits(
            hourly_max=settings.sign_ups_hourly_max,
            daily_max=settings.sign_ups_daily_max,
            total_max=settings.sign_ups_total_max,
        ),
        proxies=Proxies(settings.trusted_proxies, settings.proxy_header),
    )


def package_keys(settings: Settings, signer: Signer) -> frozenset[bytes]:
    """By which packages of this controller are signed: here, and on its other ledgers."""
    return frozenset((signer.public_key, *map(b64decode, settings.package_keys)))


def public_url(settings: Settings) -> str:
    """Where links lead to."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _smtp(settings: Settings) -> SmtpSender | None:
    if settings.smtp_host is None:
        return None
    relay = Relay(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password_file=settings.smtp_password_file,
        ca_file=settings.smtp_ca_file,
        timeout_s=settings.smtp_timeout_s,
    )
    return SmtpSender(relay, helo=urlsplit(public_url(settings)).hostname or "localhost")


def webhooks(settings: Settings) -> dict[str, WebhookSecrets]:
    """The receivers whose path secret is at hand."""
    file = settings.webhook_mailchimp_secret_file or settings.home / "secrets/webhook-mailchimp"
    if not file.is_file():
        return {}
    signing = settings.webhook_mailchimp_signing_secret_file
    return {
        "mailchimp": WebhookSecrets(
            file.read_text().strip(), signing.read_text().strip() if signing else None
        )
    }


def attestation(
    settings: Settings, pool: "asyncpg.Pool[Any]", resolve: Resolve, clock: Clock
) -> Attestation:
    """Witnesses and authority as the settings name them; ours is the key of a witness.

    WitnessPolicyUnusable, AuthorityUnusable or DestinationRefused when one cannot be used.
    """
    policy = _witness_policy(settings.log_witness_policy_file)
    stamping = None
    urls = [add_checkpoint_url(one.url) for one in policy.witnesses if one.url is not None]
    if settings.log_timestamp_url is not None and settings.log_timestamp_ca_file is not None:
        stamping = authority(settings.log_timestamp_url, settings.log_timestamp_ca_file)
        urls.append(stamping.url)
    return Attestation(
        policy=policy,
        authority=stamping,
        outbound=Outbound(NamedDestinations(resolve, urls)),
        witness=_witness(settings, pool, clock),
    )


def _witness_policy(file: Path | None) -> TrustPolicy:
    if file is None:
        return TrustPolicy()
    try:
        policy = trust_policy(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise WitnessPolicyUnusable("the file of the witnesses cannot be read") from None
    except TrustPolicyMalformed as malformed:
        raise WitnessPolicyUnusable(f"the file of the witnesses: {malformed}") from None
    if policy.logs:
        raise WitnessPolicyUnusable("the file of the witnesses names a log: its own key is ours")
    return policy


def _witness(settings: Settings, pool: "asyncpg.Pool[Any]", clock: Clock) -> LogWitness | None:
    if not settings.witness_logs or settings.witness_name is None:
        return None
    keys = settings.home / "keys"
    return LogWitness(
        pool,
        Signer(FileCustody(keys).witness_key()),
        settings.witness_name,
        trusted=[verifier_key(text) for text in settings.witness_logs],
        folder=keys,
        clock=clock,
    )


def charge(settings: Settings, logins: Logins) -> Charge | None:
    """What the integrator's process is told; None where this one has no login for it."""
    if logins.integrator is None:
        return None
    origin = settings.log_origin
    if origin is None and settings.public_url is not None:
        origin = f"{settings.public_url.partition('://')[2].rstrip('/')}/log"
    return Charge(logins.integrator, str(settings.home / "keys"), origin, settings.log_level)


def feed_limits(settings: Settings) -> FeedLimits:
    """How long listeners of the feed are listened to."""
    return FeedLimits(
        listeners_max=settings.feed_listeners_max,
        send_timeout_s=settings.feed_send_timeout_s,
        keep_alive_s=settings.feed_keep_alive_s,
    )
