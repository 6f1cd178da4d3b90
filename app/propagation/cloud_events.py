"""An entry of the log as a CloudEvent 1.0: thin, and without anything personal (A16).

It tells what an entry tells in the clear: ids, words of the policy, dates and numbers. What was
sealed is not even named. Bytes of the entry are passed on where they can be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec

from app.events.declare import registry
from app.events.upcasts import UPCASTS

MEDIA_TYPE: Final = "application/cloudevents+json"
BATCH_MEDIA_TYPE: Final = "application/cloudevents-batch+json"
SEQUENCE_LENGTH: Final = 16
"""Digits of the largest position that a JSON number holds: texts then sort as positions do."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event as it goes out. ``body`` is its JSON, made once for every reader."""

    position: int
    event_id: str
    type: str
    body: bytes = field(repr=False)


class _Core(msgspec.Struct):
    """Line 1 of an entry, its payload left as it is."""

    at: str
    d: msgspec.Raw
    id: str
    n: int
    o: str | None
    s: str
    sv: int
    t: str


class _Outgoing(msgspec.Struct):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    recordedtime: str
    sequence: str
    streamversion: int
    datacontenttype: str
    dataschema: str
    data: msgspec.Raw


class CloudEvents:
    """Writes the events of one ledger. Pure: the same entry gives the same bytes."""

    def __init__(self, ledger_id: UUID, public_url: str) -> None:
        self.source = f"urn:uuid:{ledger_id}"
        self._schemas = f"{public_url.rstrip('/')}/v1/event-types"

    def of(self, position: int, entry: bytes) -> CloudEvent:
        """The event of one stored entry."""
        core = _CORE.decode(entry[: entry.index(b"\n")])
        version, payload = current(core.t, core.sv, core.d)
        body = _ENCODER.encode(
            _Outgoing(
                specversion="1.0",
                id=core.id,
                source=self.source,
                type=core.t,
                subject=core.s,
                time=core.o or core.at,
                recordedtime=core.at,
                sequence=f"{position:0{SEQUENCE_LENGTH}}",
                streamversion=core.n,
                datacontenttype="application/json",
                dataschema=f"{self._schemas}/{core.t}/schemas/{version}",
                data=payload,
            )
        )
        return CloudEvent(position, core.id, core.t, body)


def current(name: str, version: int, payload: msgspec.Raw) -> tuple[int, msgspec.Raw]:
    """The payload in the newest schema that this program knows; a newer one is passed on."""
    kind = registry().get(name)
    if kind is None or version >= kind.version:
        return version, payload
    upcast_payload: Mapping[str, Any] = _PAYLOAD.decode(payload)
    for number in range(version, kind.version):
        upcast: Callable[[Mapping[str, Any]], dict[str, Any]] = UPCASTS[name, number]
        upcast_payload = upcast(upcast_payload)
    return kind.version, msgspec.Raw(_ENCODER.encode(upcast_payload))


def batch(events: list[CloudEvent]) -> bytes:
    """A JSON array of events, as the batched content mode has it."""
    return b"[" + b",".join([event.body for event in events]) + b"]"


_CORE: Final = msgspec.json.Decoder(_Core)
_PAYLOAD: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
