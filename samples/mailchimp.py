"""The six Mailchimp webhook calls about a sample person, as they would come over the wire."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import quote_plus

from samples.people import Person

LIST_ID = "c0ffee1234"
CAMPAIGN_ID = "beef567890"

Nested: TypeAlias = "str | Mapping[str, Nested]"


def subscribe(person: Person, *, fired_at: datetime) -> bytes:
    """A person joined the list; the addresses of the machine are from RFC 5737."""
    signup = {"ip_signup": "192.0.2.10"}
    return _call("subscribe", fired_at, {**_member(person), **signup, "merges": _merges(person)})


def unsubscribe(
    person: Person,
    *,
    fired_at: datetime,
    action: str | None = "unsub",
    reason: str | None = "manual",
) -> bytes:
    """A person left the list; without ``action``, as older webhooks send it."""
    words = {"action": action, "reason": reason}
    told = {name: word for name, word in words.items() if word is not None}
    origin = {"campaign_id": CAMPAIGN_ID}
    return _call(
        "unsubscribe",
        fired_at,
        {**told, **_member(person), **origin, "merges": _merges(person)},
    )


def profile(person: Person, *, fired_at: datetime) -> bytes:
    """A person's fields changed; all of them are sent as they now stand."""
    return _call("profile", fired_at, {**_member(person), "merges": _merges(person)})


def upemail(person: Person, new_email: str, *, fired_at: datetime) -> bytes:
    """A person's address was replaced."""
    change = {
        "list_id": LIST_ID,
        "new_id": member_id(new_email),
        "new_email": new_email,
        "old_email": person.email,
    }
    return _call("upemail", fired_at, change)


def cleaned(person: Person, *, fired_at: datetime, reason: str = "hard") -> bytes:
    """The address bounced, or its reader complained (``abuse``)."""
    return _call(
        "cleaned",
        fired_at,
        {
            "list_id": LIST_ID,
            "campaign_id": CAMPAIGN_ID,
            "reason": reason,
            "email": person.email,
        },
    )


def campaign(*, fired_at: datetime, status: str = "sent") -> bytes:
    """A campaign went out, or was called off."""
    return _call(
        "campaign",
        fired_at,
        {
            "id": CAMPAIGN_ID,
            "subject": "Nytt från nätverket",
            "status": status,
            "reason": "",
            "list_id": LIST_ID,
        },
    )


def signature(body: bytes, *, secret: str, at: datetime) -> str:
    """The value of `X-Mailchimp-Signature` for a webhook on which signing is switched on."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={digest.hexdigest()}"


def member_id(email: str) -> str:
    """Ten hex digits, in the form of the vendor's own."""
    return hashlib.sha256(email.encode()).hexdigest()[:10]


def encode(fields: Mapping[str, Nested]) -> bytes:
    """Nested fields as `outer[inner]=value` pairs, percent-encoded UTF-8."""
    pairs = _flat("", fields)
    return "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in pairs).encode()


def _flat(key: str, value: Nested) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
        return
    for name, inner in value.items():
        yield from _flat(f"{key}[{name}]" if key else name, inner)


def _call(kind: str, fired_at: datetime, details: Mapping[str, Nested]) -> bytes:
    seconds = fired_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return encode({"type": kind, "fired_at": seconds, "data": details})


def _member(person: Person) -> dict[str, Nested]:
    return {
        "id": member_id(person.email),
        "list_id": LIST_ID,
        "email": person.email,
        "email_type": "html",
        "ip_opt": "192.0.2.10",
        "web_id": str(int(member_id(person.email)[:7], 16)),
    }


def _merges(person: Person) -> dict[str, Nested]:
    return {
        "EMAIL": person.email,
        "FNAME": person.given_name,
        "LNAME": person.family_name,
        "ADDRESS": _address(person),
        "PHONE": "",
    }


def _address(person: Person) -> Nested:
    """Nested where the contact has one, and otherwise an empty string in its place."""
    if len(person.family_name) % 2:
        return ""
    place = person.organisation
    return {"addr1": place.name, "city": place.name, "zip": "", "country": place.country}
