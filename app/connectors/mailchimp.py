"""Mailchimp audience webhooks: six types of form-encoded call, signed on request."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar, assert_never

from app.connectors.connector import (
    BodyFlaw,
    Connector,
    SignatureMalformed,
    SignatureMissing,
    SignatureStale,
    SignatureWrong,
    UnknownWebhookType,
    WebhookMalformed,
)
from app.connectors.form import Path, parse_form
from app.connectors.intents import (
    CampaignSent,
    CampaignStatus,
    Cleaned,
    CleanedReason,
    EmailChanged,
    Intent,
    ProfileUpdated,
    Subscribed,
    UnsubscribeAction,
    Unsubscribed,
    UnsubscribeReason,
)
from app.domain.contact_points import normalise_email
from app.domain.text_values import ValueInvalid, normalise_line

SIGNATURE_TOLERANCE_S = 300
SIGNATURE_COUNT_MAX = 8
SIGNATURE_HEADER_LENGTH_MAX = 1024

_NAME_CATEGORY = "contact.name"

_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_FIRED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

Fields = Mapping[Path, str]
_Word = TypeVar("_Word", bound=StrEnum)


def verify(body: bytes, header: str | None, *, secret: str, now: datetime) -> None:
    """`t=<unix s>,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `"{t}." + body`, secret as UTF-8 text.

    Several `v1` are the old and the new secret's during a rotation; one of them must fit. The age
    is looked at last, so that only a genuine signature is ever called stale.
    """
    assert now.tzinfo is not None
    if header is None or not header.strip():
        raise SignatureMissing
    timestamp, signatures = _signature_fields(header)
    expected = hmac.new(
        secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256
    ).hexdigest()
    # Every signature is compared, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(expected, signature) for signature in signatures]
    if not any(matches):
        raise SignatureWrong
    if abs(now.timestamp() - int(timestamp)) > SIGNATURE_TOLERANCE_S:
        raise SignatureStale


def _signature_fields(header: str) -> tuple[str, list[str]]:
    if len(header) > SIGNATURE_HEADER_LENGTH_MAX:
        raise SignatureMalformed
    pairs = [pair.strip().partition("=") for pair in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    well_formed = (
        len(timestamps) == 1
        and _TIMESTAMP.fullmatch(timestamps[0])
        and 0 < len(signatures) <= SIGNATURE_COUNT_MAX
        and all(_SHA256_HEX.fullmatch(signature) for signature in signatures)
    )
    if not well_formed:
        raise SignatureMalformed
    return timestamps[0], signatures


def parse(body: bytes) -> Intent:
    """Reads what the ledger needs; IP addresses and other merge fields are not even looked at."""
    fields = parse_form(body)
    read = _READERS.get(_required(fields, "type"))
    if read is None:
        raise UnknownWebhookType
    return read(fields)


def _subscribed(fields: Fields) -> Intent:
    return Subscribed(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        email=_email(fields, "email"),
        member_id=_optional_id(fields, "id"),
        given_name=_name(fields, "FNAME"),
        family_name=_name(fields, "LNAME"),
    )


def _unsubscribed(fields: Fields) -> Intent:
    # Neither the names nor anything else that could make the call malformed is read here: an
    # unsubscription must get through.
    return Unsubscribed(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        email=_email(fields, "email"),
        member_id=_optional_id(fields, "id"),
        action=_word(fields, "action", UnsubscribeAction, UnsubscribeAction.OTHER),
        reason=_word(fields, "reason", UnsubscribeReason, UnsubscribeReason.OTHER),
    )


def _profile_updated(fields: Fields) -> Intent:
    return ProfileUpdated(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        email=_email(fields, "email"),
        member_id=_optional_id(fields, "id"),
        given_name=_name(fields, "FNAME"),
        family_name=_name(fields, "LNAME"),
    )


def _email_changed(fields: Fields) -> Intent:
    return EmailChanged(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        old_email=_email(fields, "old_email"),
        new_email=_email(fields, "new_email"),
        new_member_id=_optional_id(fields, "new_id"),
    )


def _cleaned(fields: Fields) -> Intent:
    reason = _word(fields, "reason", CleanedReason, CleanedReason.OTHER)
    return Cleaned(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        email=_email(fields, "email"),
        reason=reason or CleanedReason.OTHER,
        campaign_id=_optional_id(fields, "campaign_id"),
    )


def _campaign_sent(fields: Fields) -> Intent:
    status = _word(fields, "status", CampaignStatus, CampaignStatus.OTHER)
    return CampaignSent(
        list_id=_id(fields, "list_id"),
        fired_at=_fired_at(fields),
        campaign_id=_id(fields, "id"),
        status=status or CampaignStatus.OTHER,
    )


_READERS: Mapping[str, Callable[[Fields], Intent]] = {
    "subscribe": _subscribed,
    "unsubscribe": _unsubscribed,
    "profile": _profile_updated,
    "upemail": _email_changed,
    "cleaned": _cleaned,
    "campaign": _campaign_sent,
}


def _required(fields: Fields, *path: str) -> str:
    value = fields.get(path, "")
    if not value:
        raise WebhookMalformed(BodyFlaw.FIELD_MISSING, field=path[-1])
    return value


def _id(fields: Fields, name: str) -> str:
    value = _required(fields, "data", name)
    if _ID.fullmatch(value) is None:
        raise WebhookMalformed(BodyFlaw.FIELD_INVALID, field=name)
    return value


def _optional_id(fields: Fields, name: str) -> str | None:
    return _id(fields, name) if fields.get(("data", name)) else None


def _fired_at(fields: Fields) -> datetime:
    """The vendor names no zone; UTC is taken."""
    value = _required(fields, "fired_at")
    try:
        if _FIRED_AT.fullmatch(value):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        pass  # 30 February and the like, refused below with the rest
    raise WebhookMalformed(BodyFlaw.FIELD_INVALID, field="fired_at")


def _email(fields: Fields, name: str) -> str:
    value = _required(fields, "data", name)
    try:
        return normalise_email(value)
    except ValueInvalid:
        pass
    raise WebhookMalformed(BodyFlaw.FIELD_INVALID, field=name)


def _name(fields: Fields, tag: str) -> str | None:
    """A name that cannot be stored is left out: it must not cost the rest of the delivery."""
    try:
        return normalise_line(fields.get(("data", "merges", tag), ""), category=_NAME_CATEGORY)
    except ValueInvalid:
        return None


def _word(fields: Fields, name: str, words: type[_Word], other: _Word) -> _Word | None:
    value = fields.get(("data", name), "")
    if not value:
        return None
    return next((word for word in words if word.value == value), other)


def dedupe_material(intent: Intent) -> bytes:
    """Type, list, second, person and what happened, each behind its length.

    The vendor sends no delivery id. Where it sends no member id either, the address stands for it.
    """
    parts = [*_happening(intent), intent.list_id, intent.fired_at.isoformat()]
    encoded = [b"mailchimp/dedupe/v1", *(part.encode() for part in parts)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _happening(intent: Intent) -> tuple[str, ...]:
    match intent:
        case Subscribed():
            return "subscribe", intent.member_id or intent.email
        case Unsubscribed():
            who = intent.member_id or intent.email
            return "unsubscribe", who, intent.action or "", intent.reason or ""
        case ProfileUpdated():
            # Two changes within one second are two happenings, told apart by their outcome alone.
            who = intent.member_id or intent.email
            return "profile", who, intent.email, intent.given_name or "", intent.family_name or ""
        case EmailChanged():
            return "upemail", intent.old_email, intent.new_email
        case Cleaned():
            return "cleaned", intent.email, intent.reason, intent.campaign_id or ""
        case CampaignSent():
            return "campaign", intent.campaign_id, intent.status
        case _:
            assert_never(intent)


MAILCHIMP = Connector(
    key="mailchimp",
    media_type="application/x-www-form-urlencoded",
    signature_header="X-Mailchimp-Signature",
    verify=verify,
    parse=parse,
    dedupe_material=dedupe_material,
)
