"""One golden file an event type and version: what was once written can be read for ever.

A missing file is written when the test first runs; a published one is never edited. A new version
of a type gets a new file, an upcast (`app/events/upcasts.py`), and keeps the old file readable.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from typing import get_type_hints as type_hints
from uuid import UUID

import msgspec
import pytest

import app.domain.subject  # noqa: F401  # declares every event type
from app.events.declare import EventType, registry
from app.events.recorded import Recorded, Seal
from app.events.upcasts import UPCASTS
from app.identifiers import KeyId
from app.store.codec import core_line, entry_of
from app.store.recorded import (
    READ_AT_ONCE,
    EntryMalformed,
    read_entries,
    read_entry,
    read_for_projection,
)

FOLDER = Path(__file__).parent / "events"
TYPES = [pytest.param(kind, id=f"{kind.name}.v{kind.version}") for kind in registry().values()]
FILES = sorted(FOLDER.glob("*.json"))
STREAM = UUID("7d444840-9dc0-11d1-b245-5ffdce74fad2")
SEAL = Seal(0, "participation", KeyId(STREAM), bytes(32), 64, None)


def example(hint: Any) -> Any:
    """A value of a field's type, the same in every run."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return "word" if args[1] == "word" else "ab" * 32
    if origin in (Union, UnionType):
        return example(next(arg for arg in args if arg is not type(None)))
    if origin is tuple:
        return (example(args[0]),)
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {"word": example(args[1])}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(iter(hint))
    return {
        bool: True,
        int: 7,
        UUID: UUID("6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10"),
        datetime: datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC),
        date: date(2026, 11, 22),
    }[hint]


def golden(kind: EventType) -> Path:
    """The file of one type and version."""
    return FOLDER / f"{kind.name}.v{kind.version}.json"


@pytest.mark.parametrize("kind", TYPES)
def test_every_event_type_has_the_payload_of_its_golden_file(kind: EventType) -> None:
    hints = type_hints(kind.cls, include_extras=True)
    event = kind.cls(**{name: example(hints[name]) for name, _, _ in kind.codec})
    payload = kind.payload(event)
    if not golden(kind).exists():
        golden(kind).write_text(json.dumps(payload, indent=1) + "\n", encoding="utf-8")

    assert json.loads(golden(kind).read_text(encoding="utf-8")) == payload
    assert kind.event(json.loads(msgspec.json.encode(payload))) == event


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_golden_file_reads_as_the_current_version(file: Path) -> None:
    """Older versions go through their upcasts; nothing that was written is ever orphaned."""
    name, _, version = file.stem.rpartition(".v")
    kind = registry()[name]
    payload = json.loads(file.read_text(encoding="utf-8"))
    for old in range(int(version), kind.version):
        payload = UPCASTS[name, old](payload)

    event = kind.event(payload)

    assert isinstance(event, kind.cls)


def stored(file: Path, *seals: Seal) -> bytes:
    """An entry with the payload of a golden file."""
    name, _, version = file.stem.rpartition(".v")
    core = core_line(
        replace(registry()[name], version=int(version)),
        json.loads(file.read_text(encoding="utf-8")),
        event_id=UUID("6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10"),
        stream_id=STREAM,
        version=3,
        previous=bytes(32),
        recorded_at=datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC),
        occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
        by="tests",
    )
    return entry_of(core, seals)


def test_many_entries_read_as_each_of_them() -> None:
    """At once where every type is known, and one by one where the lines of any are not."""
    current = [golden(kind) for kind in registry().values()]
    plain, sealed = map(stored, current), (stored(one, SEAL) for one in current)
    known = [entry for both in zip(plain, sealed, strict=True) for entry in both]
    old = [stored(file, SEAL) for file in FILES]
    unknown = known[0].replace(b'"t":"', b'"t":"later.')
    torn = [known[0][:-4], known[0][-4:] + known[1]]

    for entries in (known, old, [*known, unknown, *old], known[:1], []):
        numbered = range(7, 7 + len(entries))
        assert read_entries(entries, numbered) == list(map(read_entry, entries, numbered))
    assert len(known) + len(old) > READ_AT_ONCE
    seals_twice = [known[0], b"[]\n[]\n"]
    wrongs = ([known[0] + b"\n"], [known[0][:-1]], [known[0] + known[1]], [b""])
    for wrong in (torn, seals_twice, *wrongs):
        with pytest.raises(EntryMalformed):
            read_entries(wrong, range(len(wrong)))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_projection_reads_what_everybody_reads(file: Path) -> None:
    """Its own reader leaves out and puts off; what it tells is the same, whatever the version."""
    name, stream_id, entry = file.stem.rpartition(".v")[0], STREAM, stored(file, SEAL)

    whole = read_entry(entry, 5)
    read = read_for_projection(entry, name=name, stream_id=stream_id, position=5)

    told = [name for name in Recorded.__struct_fields__ if name != "seals"]
    assert {name: getattr(read, name) for name in told} == {
        name: getattr(whole, name) for name in told
    }
    assert read.happened_at == whole.happened_at
    [mine], [other] = read.seals, whole.seals
    assert all(getattr(mine, name) == getattr(other, name) for name in Seal.__struct_fields__)
    with pytest.raises(AssertionError, match="its own stream"):
        read_for_projection(entry, name=name, stream_id=whole.event_id, position=5)
