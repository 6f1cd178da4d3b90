"""The rows of an access report, one for each event, spliced from the stored bytes (L33)."""

from base64 import b64encode
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final, TypeAlias

import msgspec

from app.documents.languages import marked
from app.domain.holdings import Held
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.declare import type_of
from app.events.disclosures import DataDisclosed
from app.events.recorded import Recorded
from app.rights.access_names import ENCODER, Names
from app.rights.access_told import Told
from app.rights.copy_of_data import CopiedValue
from app.rights.person import Person, Place
from app.store.codec import UnknownEvent

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

CHECK: Final = marked(
    "Number the entries of the history: there is one for each number from 1 on. Each entry but the"
    " first repeats, as `previous`, the fingerprint (`leaf_hash`) of the entry before it. The last"
    " fingerprint is the one named here. An entry that was left out, added or changed would break"
    " this chain. A fingerprint is SHA-256 as RFC 6962 says; the same ones stand in the public log."
)

_JSON: Final = ENCODER.encode
_PAYLOAD: Final = b',"d":'
_AFTER: Final = b',"id":"'


def timeline_rows(told: Told) -> list[msgspec.Raw]:
    """Every event of the stream up to the cut; who recorded it is left out (C-579/21)."""
    states = dict.fromkeys(told.copy.erased, "erased")
    states.update(dict.fromkeys(told.copy.unreadable, "unavailable"))
    entries = told.person.stream.entries
    rows = zip_longest(told.person.events, entries[: len(told.person.events)])
    return [_line(recorded, entry, states, told.names) for recorded, entry in rows]


def chain(person: Person) -> Value:
    """The head of the chain that the history's entries make, and how to check it (L9)."""
    last = person.events[-1]
    return {
        "version": last.version,
        "position": last.position,
        "leaf_hash": b64encode(last.leaf_hash).decode(),
        "how": CHECK,
    }


def consultations_rows(told: Told) -> list[Value]:
    """When the data were read and for what; who read them is not told (C-579/21)."""
    names = told.names
    return [
        {
            "at": recorded.recorded_at,
            "purpose": names.purpose(recorded.event.purpose),
            "categories": [names.category(key) for key in recorded.event.categories],
            "refused": isinstance(recorded.event, ConsultationRefused),
        }
        for recorded in told.person.events
        if isinstance(recorded.event, (ConsultationRecorded, ConsultationRefused))
    ]


def held_row(one: CopiedValue, names: Names) -> Value:
    """One value with its source, and what it is or was held for (Art. 15(1)(a), (g), 15(3))."""
    recorded = one.recorded
    return {
        "category": names.category(one.category),
        "value": one.value,
        "status": one.status,
        "retention_class": one.retention_class,
        "recorded": {
            "version": recorded.version,
            "at": recorded.recorded_at,
            "occurred_at": recorded.happened_at,
        },
        "held_for": [_use(held, names) for held in one.uses] or _stated(one, names),
        "completes": [names.category(key) for key in one.completes],
    }


def _use(held: Held, names: Names) -> msgspec.Raw:
    """One use. All but its days is alike for many values, and made once."""
    rest = (
        held.since,
        held.policy,
        held.occasion,
        held.rectified,
        held.superseded_at,
    )
    since, policy, occasion, rectified, superseded = map(_JSON, rest)
    return msgspec.Raw(
        names.use(held.purpose, held.basis, held.source, held.origin)
        + b',"since":%b,"policy":%b,"occasion":%b,"rectified":%b,"superseded_at":%b}'
        % (since, policy, occasion, rectified, superseded)
    )


def _stated(one: CopiedValue, names: Names) -> list[Value]:
    """What the event itself says of a value that no purpose uses: a letter, a proof, a title."""
    event = one.recorded.event
    basis, source = getattr(event, "basis", None), getattr(event, "source", None)
    return [
        {
            "purpose": names.purpose(getattr(event, "purpose", None)),
            "basis": None if basis is None else {"key": basis.value, "article": basis.article},
            "source": None
            if source is None
            else names.source(source, getattr(event, "origin", None)),
            "since": one.recorded.happened_at,
        }
    ]


def disclosure_row(recorded: Recorded[DataDisclosed], names: Names) -> Value:
    """One share."""
    event = recorded.event
    return {
        "event_id": recorded.event_id,
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
        "occurred_at": recorded.happened_at,
        "recipient": names.recipient(event.recipient),
        "member": event.member,
        "country": None if event.country is None else event.country.upper(),
        "mechanism": event.mechanism,
        "purpose": names.purpose(event.purpose),
        "categories": [names.category(key) for key in event.categories],
        "source": event.source,
        "occasion": event.occasion,
        "policy": event.policy,
    }


def _line(
    recorded: Recorded[Any], entry: bytes | None, states: Mapping[Place, str], names: Names
) -> msgspec.Raw:
    """One event. Its facts are spliced from the stored bytes: nothing is read and written again."""
    event = recorded.event
    name = event.name if isinstance(event, UnknownEvent) else type_of(event).name
    facts = _JSON(type_of(event).payload(event)) if entry is None else _facts(entry)
    previous = recorded.previous
    sealed = b",".join(
        b'{"retention_class":"%b","state":"%b"}'
        % (
            seal.retention_class.encode(),
            states.get((recorded.version, seal.retention_class), "held").encode(),
        )
        for seal in recorded.seals
    )
    return msgspec.Raw(
        b'{"event_id":"%b","type":"%b","event":%b,"version":%d,"position":%b,"recorded_at":%b,'
        b'"occurred_at":%b,"leaf_hash":"%b","previous":%b,"sealed":[%b],"facts":%b}'
        % (
            str(recorded.event_id).encode(),
            name.encode(),
            bytes(names.event(name)),
            recorded.version,
            _JSON(recorded.position),
            _JSON(recorded.recorded_at),
            _JSON(recorded.happened_at),
            b64encode(recorded.leaf_hash),
            b"null" if previous is None else b'"%b"' % b64encode(previous),
            sealed,
            facts,
        )
    )


def _facts(entry: bytes) -> bytes:
    """The payload as stored. Keys are sorted: the last `id` of the line ends it."""
    core = entry[: entry.index(b"\n")]
    return core[core.index(_PAYLOAD) + len(_PAYLOAD) : core.rindex(_AFTER)]
