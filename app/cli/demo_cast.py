"""Who plays in the demo: invented people of all EU languages, or those of recorded payloads."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from app.cli.answers import unavailable
from app.clock import random_id
from app.values import replace
from samples import mailchimp
from samples.people import Person, people

SOURCE: Final = "registration_form"
RECEIVER: Final = "/webhooks/mailchimp/"
SIGNED: Final = "x-mailchimp-signature"
HERO_INDEX: Final = 17

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hero:
    """The person whose story is told."""

    called: str
    """How the story calls them: an invented name is told, a recorded one is not."""
    email: str
    registration: Line = field(repr=False)
    """The body of POST /v1/subjects."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in the demo, and what Mailchimp will say about the hero."""

    hero: Hero
    crowd: tuple[Line, ...] = field(repr=False)
    """The lines of an import."""
    unsubscribe: bytes = field(repr=False)
    recordings: tuple[bytes, ...] = field(default=(), repr=False)
    """Bodies to be replayed to the receiver, in the order in which they were recorded."""


def invented(seed: int, now: datetime) -> Cast:
    """Three hundred people; the hero's address is new at every run, since the story ends erased."""
    crowd = people(seed)
    mailbox, _, domain = crowd[HERO_INDEX].email.partition("@")
    person = replace(crowd[HERO_INDEX], email=f"{mailbox}.{random_id().hex[:8]}@{domain}")
    hero = Hero(person.name, person.email, _registration(person))
    unsubscribe = mailchimp.unsubscribe(person, fired_at=now)
    others = (one for index, one in enumerate(crowd) if index != HERO_INDEX)
    return Cast(hero, tuple(map(_registration, others)), unsubscribe)


def recorded(folder: Path) -> Cast:
    """The people of recorded webhook calls; whoever unsubscribes first is the hero."""
    bodies = [file.read_bytes() for file in sorted(folder.glob("*.txt")) if _replayable(file)]
    calls = [dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True)) for body in bodies]
    names: dict[str, str] = {}
    for call in calls:
        for email, name in _people_of(call):
            names[email] = name or names.get(email, "")
    leaving = [index for index, call in enumerate(calls) if call.get("type") == "unsubscribe"]
    if not leaving:
        raise unavailable("samples-unusable", f"no recorded unsubscribe call is in {folder}")
    email = calls[leaving[0]]["data[email]"]
    hero = Hero("The recorded person", email, _recorded_registration(email, names[email]))
    crowd = (_recorded_registration(*one) for one in names.items() if one[0] != email)
    rest = (body for index, body in enumerate(bodies) if index != leaving[0])
    return Cast(hero, tuple(crowd), bodies[leaving[0]], tuple(rest))


def ndjson(lines: Iterable[Line]) -> list[bytes]:
    """The lines of an import as they go over the wire."""
    return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]


def _registration(person: Person) -> Line:
    contact = {
        "contact.name": person.name,
        "contact.email": person.email,
        "contact.phone": person.phone,
        "work.organisation": person.organisation.name,
        "work.title": person.job_title,
    }
    return {
        "source": SOURCE,
        "verification": "link",
        "region": person.organisation.country,
        "obtained": [
            {"purpose": "network_exchange", "data": contact},
            {"purpose": "event_logistics", "data": contact},
        ],
        "relationships": [{"kind": "event_attendee"}],
    }


def _recorded_registration(email: str, name: str) -> Line:
    contact = {"contact.name": name or "(no name recorded)", "contact.email": email}
    purposes = ("network_exchange", "event_logistics")
    return {
        "source": SOURCE,
        "verification": "link",
        "obtained": [{"purpose": purpose, "data": contact} for purpose in purposes],
        "relationships": [{"kind": "event_attendee"}],
    }


def _people_of(call: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    parts = (call.get(f"data[merges][{part}]", "") for part in ("FNAME", "LNAME"))
    name = " ".join(filter(None, parts))
    if "data[email]" in call:
        yield call["data[email]"], name
    if "data[old_email]" in call:
        yield call["data[old_email]"], name


def _replayable(file: Path) -> bool:
    """A call to our receiver with a body, and without a signature of somebody else's secret."""
    recording = file.with_suffix(".headers")
    if not recording.exists():
        return file.stat().st_size > 0
    request, *headers = recording.read_text().splitlines()
    names = {header.partition(":")[0].strip().lower() for header in headers}
    return request.startswith(f"POST {RECEIVER}") and SIGNED not in names
