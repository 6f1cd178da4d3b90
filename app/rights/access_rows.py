"""The rows of an access report: structs of a few fields, which are written at once (L33)."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from app.documents.languages import marked
from app.domain.holdings import Held
from app.domain.resting import rests
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.declare import type_of
from app.events.disclosures import DataDisclosed
from app.events.recorded import Recorded
from app.events.retention import RetentionCause, RetentionExecuted
from app.rights.access_names import Names
from app.rights.access_told import Told
from app.rights.copy_of_data import CopiedValue
from app.rights.person import Place
from app.store.recorded import UnknownEvent

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

CHECK: Final = marked(
    "Number the entries of the history: there is one for each number from 1 on. Each entry but the"
    " first repeats, as `previous`, the fingerprint (`leaf_hash`) of the entry before it. The last"
    " fingerprint is the one named here. An entry that was left out, added or changed would break"
    " this chain. A fingerprint is SHA-256 as RFC 6962 says; the same ones stand in the public log."
)

_PAYLOAD: Final = b',"d":'
_PAYLOAD_SIZE: Final = len(_PAYLOAD)
_AFTER: Final = b',"id":"'

NOTHING: Final[Sequence[Any]] = ()


class SealedRow(msgspec.Struct, gc=False):
    """What became of one section of an event."""

    retention_class: str
    state: str


class HistoryRow(msgspec.Struct, gc=False):
    """One event of the stream; who recorded it is left out (C-579/21)."""

    event_id: UUID
    type: str
    event: msgspec.Raw
    version: int
    position: int | None
    recorded_at: datetime
    occurred_at: datetime
    leaf_hash: bytes
    previous: bytes | None
    sealed: Sequence[SealedRow]
    facts: msgspec.Raw


class ReadingRow(msgspec.Struct, gc=False):
    """When the data were read and for what; who read them is not told (C-579/21)."""

    at: datetime
    purpose: msgspec.Raw
    categories: msgspec.Raw
    refused: bool


class RecordedRow(msgspec.Struct, gc=False):
    """The event by which a value came in."""

    version: int
    at: datetime
    occurred_at: datetime


class UseRow(msgspec.Struct, gc=False):
    """What a value is or was held for (Art. 15(1)(a), (g))."""

    purpose: msgspec.Raw
    basis: msgspec.Raw
    source: msgspec.Raw
    since: datetime
    policy: str
    occasion: UUID | None
    rectified: bool
    superseded_at: datetime | None


class HeldRow(msgspec.Struct, gc=False):
    """One value with its source and its uses (Art. 15(3))."""

    category: msgspec.Raw
    value: str
    status: str
    retention_class: str
    recorded: RecordedRow
    held_for: list[UseRow] | list[Value]
    completes: msgspec.Raw


class DisclosureRow(msgspec.Struct, gc=False):
    """One share, the recipient by name (Art. 15(1)(c); L32)."""

    event_id: UUID
    version: int
    position: int | None
    recorded_at: datetime
    occurred_at: datetime
    recipient: msgspec.Raw
    member: UUID | None
    country: str | None
    mechanism: str
    purpose: msgspec.Raw
    categories: msgspec.Raw
    source: str | None
    occasion: UUID | None
    policy: str


def timeline_rows(told: Told) -> list[HistoryRow]:
    """Every event of the stream up to the cut."""
    states = dict.fromkeys(told.copy.erased, "erased")
    states.update(dict.fromkeys(told.copy.lost, "lost"))
    states.update(dict.fromkeys(told.copy.unreadable, "unavailable"))
    entries = told.person.stream.entries
    return [
        history_row(recorded, entry, states, told.names)
        for recorded, entry in zip(told.person.events, entries, strict=False)
    ]


def history_row(
    recorded: Recorded[Any], entry: bytes, states: Mapping[Place, str], names: Names
) -> HistoryRow:
    """One event. Its facts are spliced from the stored bytes: nothing is read and written again."""
    event = recorded.event
    name = event.name if isinstance(event, UnknownEvent) else type_of(event).name
    version = recorded.version
    return HistoryRow(
        recorded.event_id,
        name,
        names.event(_named(name, event)),
        version,
        recorded.position,
        recorded.recorded_at,
        recorded.occurred_at or recorded.recorded_at,
        recorded.leaf_hash,
        recorded.previous,
        [
            SealedRow(kind := seal.retention_class, states.get((version, kind), "held"))
            for seal in recorded.seals
        ]
        if recorded.seals
        else NOTHING,
        # The payload as stored. Keys are sorted: the last `id` ends it, and no seal has one.
        msgspec.Raw(entry[entry.index(_PAYLOAD) + _PAYLOAD_SIZE : entry.rindex(_AFTER)]),
    )


def _named(name: str, event: Any) -> str:
    """As ``EVENTS`` names it: a loss is told by the type that tells of the end of a period."""
    lost = isinstance(event, RetentionExecuted) and event.lost
    return f"{name}/{RetentionCause.KEY_LOST}" if lost else name


def chain(last: Recorded[Any]) -> Value:
    """The head of the chain that the history's entries make, and how to check it (L9)."""
    return {
        "version": last.version,
        "position": last.position,
        "leaf_hash": b64encode(last.leaf_hash).decode(),
        "how": CHECK,
    }


def consultations_rows(told: Told) -> list[ReadingRow]:
    """Every reading, and every one that was refused."""
    return [
        reading_row(recorded, told.names)
        for recorded in told.person.of(ConsultationRecorded, ConsultationRefused)
    ]


def reading_row(recorded: Recorded[Any], names: Names) -> ReadingRow:
    """One of them."""
    event = recorded.event
    return ReadingRow(
        recorded.recorded_at,
        names.purpose(event.purpose),
        names.categories(event.categories),
        isinstance(event, ConsultationRefused),
    )


def held_rows(told_of: Told) -> list[HeldRow]:
    """One row for each value; values of one event share what is told of it."""
    names, resting = told_of.names, cache(partial(_rests, told_of))
    rows: list[HeldRow] = []
    told: RecordedRow | None = None
    for one in told_of.copy.values:
        recorded = one.recorded
        if told is None or told.version != recorded.version:
            told = RecordedRow(recorded.version, recorded.recorded_at, recorded.happened_at)
        rows.append(
            HeldRow(
                names.category(one.category),
                one.value,
                _status(one, resting),
                one.retention_class,
                told,
                [_use(held, names) for held in one.uses] or _stated(one, names),
                names.categories(one.completes),
            )
        )
    return rows


def _rests(told: Told, purpose: str, category: str) -> bool:
    return rests(purpose, category, told.person.state, told.policy)


def _status(one: CopiedValue, resting: Callable[[str, str], bool]) -> str:
    """`resting` for what is stored and used for nothing, as no use that it has is open (L42)."""
    uses = (use for use in one.uses if use.superseded_at is None)
    if one.status == "in_use" and all(resting(use.purpose, one.category) for use in uses):
        return "resting"
    return one.status


def _use(held: Held, names: Names) -> UseRow:
    purpose, basis, source = names.ground(held.purpose, held.basis, held.source, held.origin)
    return UseRow(
        purpose,
        basis,
        source,
        held.since,
        held.policy,
        held.occasion,
        held.rectified,
        held.superseded_at,
    )


def _stated(one: CopiedValue, names: Names) -> list[Value]:
    """What the event itself says of a value that no purpose uses: a letter, a proof, a title."""
    event = one.recorded.event
    basis, source = getattr(event, "basis", None), getattr(event, "source", None)
    return [
        {
            "purpose": names.purpose(getattr(event, "purpose", None)),
            "basis": None if basis is None else names.basis(basis),
            "source": None
            if source is None
            else names.source(source, getattr(event, "origin", None)),
            "since": one.recorded.happened_at,
        }
    ]


def disclosure_row(recorded: Recorded[DataDisclosed], names: Names) -> DisclosureRow:
    """One share."""
    event = recorded.event
    return DisclosureRow(
        recorded.event_id,
        recorded.version,
        recorded.position,
        recorded.recorded_at,
        recorded.occurred_at or recorded.recorded_at,
        names.recipient(event.recipient),
        event.member,
        None if event.country is None else event.country.upper(),
        event.mechanism,
        names.purpose(event.purpose),
        names.categories(event.categories),
        event.source,
        event.occasion,
        event.policy,
    )
