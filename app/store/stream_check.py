"""Checks one stream event by event: chain, bytes, seals and blobs; at its end, keys and erasures.

Pure: rows go in, findings come out. It follows DESIGN 4 on its own and shares no code with the
writer, so that one mistake does not hide in both.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from app.tlog.merkle import HASH_SIZE_BYTES, leaf_hash, root_of_entries

Row: TypeAlias = Mapping[str, Any]
"""A row of the database, by column."""

FORMAT = 1
ERASURES = ("erasure.executed", "retention.executed")
INTEGER_MAX = 2**53 - 1
UNREADABLE = (ValueError, TypeError, KeyError, msgspec.MsgspecError)


class Rule(StrEnum):
    """What must hold, named for what is wrong when it does not."""

    POSITION_GAP = "position-gap"
    POSITION_INVERTED = "position-inverted"
    VERSION_GAP = "version-gap"
    ENTRY_MALFORMED = "entry-malformed"
    ENTRY_NOT_CANONICAL = "entry-not-canonical"
    ENTRY_CONTRADICTS_ROW = "entry-contradicts-row"
    CHAIN_BROKEN = "chain-broken"
    TIME_BACKWARDS = "time-backwards"
    BLOB_ALTERED = "blob-altered"
    BLOB_MISSING = "blob-missing"
    BLOB_UNACCOUNTED = "blob-unaccounted"
    BLOB_NOT_ERASED = "blob-not-erased"
    COMMITMENT_WRONG = "commitment-wrong"
    KEY_UNKNOWN = "key-unknown"
    KEY_UNOPENED = "key-unopened"
    KEY_CLASS = "key-class"
    KEY_STATE = "key-state"
    ERASED_TWICE = "erased-twice"
    ERASURE_MISCOUNTED = "erasure-miscounted"
    FENCE_MISSING = "fence-missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be, and where. Names nobody and no content."""

    rule: Rule
    position: int | None
    stream_id: UUID
    version: int | None = None
    key_id: UUID | None = None


class _Core(msgspec.Struct, forbid_unknown_fields=True):
    at: str
    by: str
    d: dict[str, Any]  # Any: the payload's shape is its event type's
    id: UUID
    n: int
    o: str | None
    p: bytes | None
    s: UUID
    sv: int
    t: str
    v: int


class _SealLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    b: int
    c: str
    h: bytes
    i: int
    k: UUID
    kc: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Seal:
    """A seal of the log, whether or not its blob is there."""

    position: int
    version: int
    key_id: UUID
    retention_class: str
    blob_hash: bytes
    present: bool


@dataclass(frozen=True, slots=True)
class _Erasure:
    """What an erasure or retention entry says that it destroyed."""

    position: int
    version: int
    keys: tuple[UUID, ...]
    classes: frozenset[str]
    blobs: int
    root: str


@dataclass(slots=True)
class StreamCheck:
    """One stream; give it its events in the order of their versions, then ask for the end."""

    stream_id: UUID
    keys: Mapping[UUID, Row] = field(default_factory=dict)
    """The keyring's rows of the subject."""
    _version: int = 0
    _position: int = -1
    _leaf: bytes | None = None
    _at: str = ""
    _opened: set[UUID] = field(default_factory=set)
    _seals: list[_Seal] = field(default_factory=list)
    _erasures: list[_Erasure] = field(default_factory=list)

    def event(self, row: Row, blobs: Sequence[Row]) -> Iterator[Finding]:
        """What is wrong with one event and its sealed sections."""
        place = (row["position"], self.stream_id, row["version"])
        if row["version"] != self._version + 1:
            yield Finding(Rule.VERSION_GAP, *place)
        if row["position"] <= self._position:
            yield Finding(Rule.POSITION_INVERTED, *place)
        before, self._leaf = self._leaf, leaf_hash(row["entry"])
        self._version, self._position = row["version"], row["position"]
        try:
            core, seals = _parse(row["entry"])
        except UNREADABLE:
            yield Finding(Rule.ENTRY_MALFORMED, *place)
            yield from (self._finding(Rule.BLOB_UNACCOUNTED, blob) for blob in blobs)
            return
        if not _is_canonical(row["entry"], core, seals):
            yield Finding(Rule.ENTRY_NOT_CANONICAL, *place)
        said = (core.n, core.s, core.t, core.id, core.v)
        if said != (row["version"], self.stream_id, row["type"], row["event_id"], FORMAT):
            yield Finding(Rule.ENTRY_CONTRADICTS_ROW, *place)
        if core.p != before:
            yield Finding(Rule.CHAIN_BROKEN, *place)
        if core.at < self._at:
            yield Finding(Rule.TIME_BACKWARDS, *place)
        self._at = max(core.at, self._at)
        yield from self._sections(row, seals, {blob["section"]: blob for blob in blobs})
        if row["type"] in ERASURES:
            yield from self._erasure(row, core.d)

    def end(self, fences: Collection[str]) -> Iterator[Finding]:
        """What is wrong with the keys and erasures of the whole stream."""
        yield from self._end_of_keys()
        named: dict[UUID, int] = {}
        for erasure in self._erasures:
            place = (erasure.position, self.stream_id, erasure.version)
            for key_id in erasure.keys:
                if key_id not in self.keys:
                    yield Finding(Rule.KEY_UNKNOWN, *place, key_id)
                if key_id in named:
                    yield Finding(Rule.ERASED_TWICE, *place, key_id)
                named[key_id] = erasure.version
            gone = [seal.blob_hash for seal in self._seals if seal.key_id in erasure.keys]
            if (len(gone), root_of_entries(gone).hex()) != (erasure.blobs, erasure.root):
                yield Finding(Rule.ERASURE_MISCOUNTED, *place)
            if not erasure.classes <= set(fences):
                yield Finding(Rule.FENCE_MISSING, *place)
        for key_id, key in self.keys.items():
            if (key["state"] == "erased") != (key_id in named):
                yield Finding(Rule.KEY_STATE, None, self.stream_id, None, key_id)
        for seal in self._seals:
            explained = named.get(seal.key_id, 0) > seal.version
            if seal.present and seal.key_id in named:
                yield self._finding_of(Rule.BLOB_NOT_ERASED, seal)
            elif not seal.present and not explained:
                yield self._finding_of(Rule.BLOB_MISSING, seal)

    def _sections(
        self, row: Row, seals: Sequence[_SealLine], blobs: dict[int, Row]
    ) -> Iterator[Finding]:
        place = (row["position"], self.stream_id, row["version"])
        for index, said in enumerate(seals):
            if said.i != index:
                yield Finding(Rule.ENTRY_NOT_CANONICAL, *place)
            if (said.kc is not None) != (said.k not in self._opened):
                yield Finding(Rule.COMMITMENT_WRONG, *place, said.k)
            self._opened.add(said.k)
            blob = blobs.pop(said.i, None)
            if blob is not None:
                content = (blob["key_id"], len(blob["blob"]), hashlib.sha256(blob["blob"]).digest())
                if content != (said.k, said.b, said.h):
                    yield Finding(Rule.BLOB_ALTERED, *place, said.k)
            present = blob is not None
            self._seals.append(
                _Seal(row["position"], row["version"], said.k, said.c, said.h, present)
            )
        yield from (self._finding(Rule.BLOB_UNACCOUNTED, blob) for blob in blobs.values())

    def _erasure(self, row: Row, said: Mapping[str, Any]) -> Iterator[Finding]:
        try:
            identifiers = {"identifiers"} if said["identifiers"] else set()
            self._erasures.append(
                _Erasure(
                    position=row["position"],
                    version=row["version"],
                    keys=tuple(map(UUID, said["keys"])),
                    classes=frozenset(said["classes"]) | identifiers,
                    blobs=said["blobs"],
                    root=said["root"],
                )
            )
        except UNREADABLE:
            place = (row["position"], self.stream_id, row["version"])
            yield Finding(Rule.ENTRY_MALFORMED, *place)

    def _end_of_keys(self) -> Iterator[Finding]:
        for key_id in self.keys.keys() - self._opened:
            yield Finding(Rule.KEY_UNOPENED, None, self.stream_id, None, key_id)
        for seal in self._seals:
            key = self.keys.get(seal.key_id)
            if key is None:
                yield self._finding_of(Rule.KEY_UNKNOWN, seal)
            elif key["class"] != seal.retention_class:
                yield self._finding_of(Rule.KEY_CLASS, seal)

    def _finding(self, rule: Rule, blob: Row) -> Finding:
        return Finding(rule, None, self.stream_id, blob["version"], blob["key_id"])

    def _finding_of(self, rule: Rule, seal: _Seal) -> Finding:
        return Finding(rule, seal.position, self.stream_id, seal.version, seal.key_id)


def _parse(entry: bytes) -> tuple[_Core, list[_SealLine]]:
    """Both lines as values; one of UNREADABLE when they are not what they must be."""
    first, second, rest = entry.split(b"\n")
    core, seals = _CORE.decode(first), _SEALS.decode(second)
    if rest or any(
        len(said.h) != HASH_SIZE_BYTES or len(said.kc or said.h) != HASH_SIZE_BYTES
        for said in seals
    ):
        raise ValueError
    return core, seals


def _is_canonical(entry: bytes, core: _Core, seals: list[_SealLine]) -> bool:
    """Whether writing the values again gives the same bytes, and no number is doubtful."""
    again = _SORTED.encode(core) + b"\n" + _SORTED.encode(seals) + b"\n"
    return again == entry and _numbers_are_plain(core.d)


def _numbers_are_plain(value: Any) -> bool:  # Any: a value of JSON
    kind = type(value)
    if kind is dict:
        return all(map(_numbers_are_plain, value.values()))
    if kind is list:
        return all(map(_numbers_are_plain, value))
    return kind is not float and (kind is not int or abs(value) <= INTEGER_MAX)


_SORTED = msgspec.json.Encoder(order="sorted")
_CORE: msgspec.json.Decoder[_Core] = msgspec.json.Decoder(_Core)
_SEALS: msgspec.json.Decoder[list[_SealLine]] = msgspec.json.Decoder(list[_SealLine])
