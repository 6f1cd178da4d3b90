"""Checks one stream event by event: chain, bytes, seals and blobs; at its end, keys and erasures.

Pure: rows go in, findings come out. It follows DESIGN 4 on its own and shares no code with the
writer, so that one mistake does not hide in both.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from app.store.entry_reading import UNREADABLE, Reading, SealLine
from app.tlog.merkle import root_of_entries
from app.values import Value

Row: TypeAlias = Mapping[str, Any]
"""A row of the database, by column."""

FORMAT = 1
ERASURES = ("erasure.executed", "retention.executed")


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
    KEY_NOT_FENCED = "key-not-fenced"
    EPOCH_STATE = "epoch-state"
    ERASED_TWICE = "erased-twice"
    ERASURE_MISCOUNTED = "erasure-miscounted"
    FENCE_MISSING = "fence-missing"
    ENTRY_NOT_IN_TREE = "entry-not-in-tree"
    TILE_ALTERED = "tile-altered"
    TILE_MISSING = "tile-missing"
    TILE_UNACCOUNTED = "tile-unaccounted"
    EDGE_ALTERED = "edge-altered"
    LOG_UNSIGNED = "log-unsigned"
    LOG_SHORTENED = "log-shortened"
    LOG_FORKED = "log-forked"
    ROOT_WRONG = "root-wrong"
    CHECKPOINT_MALFORMED = "checkpoint-malformed"
    CHECKPOINT_UNSIGNED = "checkpoint-unsigned"
    COSIGNATURE_WRONG = "cosignature-wrong"
    QUORUM_MISSED = "quorum-missed"
    TIME_STAMP_WRONG = "time-stamp-wrong"
    VERIFIER_KEY_WRONG = "verifier-key-wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be, and where. Names nobody and no content."""

    rule: Rule
    position: int | None
    stream_id: UUID | None
    version: int | None = None
    key_id: UUID | None = None
    place: str | None = None
    """The tile or checkpoint, where it is no entry."""


class Blob(Value, frozen=True):
    """A sealed section as it lies beside the log; its content is known by its hash alone."""

    version: int
    section: int
    key_id: UUID
    size_bytes: int
    blob_hash: bytes


class _Seal(Value, frozen=True):
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
    _text: str = field(init=False)
    """The stream's id as entries write it."""
    _version: int = 0
    _position: int = -1
    _leaf: bytes | None = None
    _at: str = ""
    _opened: set[UUID] = field(default_factory=set)
    _seals: list[_Seal] = field(default_factory=list)
    _erasures: list[_Erasure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._text = str(self.stream_id)

    def event(
        self, row: Row, leaf: bytes, reading: Reading | None, blobs: Sequence[Blob]
    ) -> list[Finding]:
        """What is wrong with one event and its sealed sections.

        ``leaf`` is the leaf hash of its entry, ``reading`` how that reads.
        """
        version, position = row["version"], row["position"]
        wrong = []
        if version != self._version + 1:
            wrong.append(Rule.VERSION_GAP)
        if position <= self._position:
            wrong.append(Rule.POSITION_INVERTED)
        before, self._leaf = self._leaf, leaf
        self._version, self._position = version, position
        if reading is None:
            wrong.append(Rule.ENTRY_MALFORMED)
            lost = [self._finding(Rule.BLOB_UNACCOUNTED, blob) for blob in blobs]
            return [*self._findings(wrong, row), *lost]
        core, seals, is_canonical = reading
        if not is_canonical:
            wrong.append(Rule.ENTRY_NOT_CANONICAL)
        if (
            core.n != version
            or core.t != row["type"]
            or core.s != self._text
            or core.id != str(row["event_id"])
            or core.v != FORMAT
        ):
            wrong.append(Rule.ENTRY_CONTRADICTS_ROW)
        if core.p != before:
            wrong.append(Rule.CHAIN_BROKEN)
        if core.at < self._at:
            wrong.append(Rule.TIME_BACKWARDS)
        else:
            self._at = core.at
        if not (wrong or seals or blobs or row["type"] in ERASURES):
            return []  # as of most events
        found = self._findings(wrong, row)
        if seals or blobs:
            found += self._sections(row, seals, {blob.section: blob for blob in blobs})
        if row["type"] in ERASURES:
            found += self._erasure(row, core.d)
        return found

    def _findings(self, rules: Sequence[Rule], row: Row) -> list[Finding]:
        place = (row["position"], self.stream_id, row["version"])
        return [Finding(rule, *place) for rule in rules]

    def end(self, fences: Collection[str]) -> Iterator[Finding]:
        """What is wrong with the keys and erasures of the whole stream."""
        named = {key_id: one.version for one in self._erasures for key_id in one.keys}
        yield from self._end_of_keys(named, fences)
        yield from self._end_of_erasures(fences)
        for seal in self._seals:
            explained = named.get(seal.key_id, 0) > seal.version
            if seal.present and seal.key_id in named:
                yield self._finding_of(Rule.BLOB_NOT_ERASED, seal)
            elif not seal.present and not explained:
                yield self._finding_of(Rule.BLOB_MISSING, seal)

    def _end_of_erasures(self, fences: Collection[str]) -> Iterator[Finding]:
        """Each names keys that were not erased before, and what it counted is what was sealed."""
        named: set[UUID] = set()
        for erasure in self._erasures:
            place = (erasure.position, self.stream_id, erasure.version)
            for key_id in erasure.keys:
                if key_id not in self.keys:
                    yield Finding(Rule.KEY_UNKNOWN, *place, key_id)
                if key_id in named:
                    yield Finding(Rule.ERASED_TWICE, *place, key_id)
                named.add(key_id)
            gone = [seal.blob_hash for seal in self._seals if seal.key_id in erasure.keys]
            if (len(gone), root_of_entries(gone).hex()) != (erasure.blobs, erasure.root):
                yield Finding(Rule.ERASURE_MISCOUNTED, *place)
            if not erasure.classes <= set(fences):
                yield Finding(Rule.FENCE_MISSING, *place)

    def _sections(
        self, row: Row, seals: Sequence[SealLine], blobs: dict[int, Blob]
    ) -> Iterator[Finding]:
        place = (row["position"], self.stream_id, row["version"])
        for index, said in enumerate(seals):
            if said.i != index:
                yield Finding(Rule.ENTRY_NOT_CANONICAL, *place)
            if (said.kc is not None) != (said.k not in self._opened):
                yield Finding(Rule.COMMITMENT_WRONG, *place, said.k)
            self._opened.add(said.k)
            blob = blobs.pop(said.i, None)
            present = blob is not None
            if blob and (blob.key_id, blob.size_bytes, blob.blob_hash) != (said.k, said.b, said.h):
                yield Finding(Rule.BLOB_ALTERED, *place, said.k)
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

    def _end_of_keys(self, erased: Collection[UUID], fences: Collection[str]) -> Iterator[Finding]:
        """Each key was opened once, is erased if an entry says so, retires if its class closed."""
        for key_id in self.keys.keys() - self._opened:
            yield Finding(Rule.KEY_UNOPENED, None, self.stream_id, None, key_id)
        for seal in self._seals:
            key = self.keys.get(seal.key_id)
            if key is None:
                yield self._finding_of(Rule.KEY_UNKNOWN, seal)
            elif key["class"] != seal.retention_class:
                yield self._finding_of(Rule.KEY_CLASS, seal)
        for key_id, key in self.keys.items():
            gone = key["state"] == "erased"
            if gone != (key_id in erased):
                yield Finding(Rule.KEY_STATE, None, self.stream_id, None, key_id)
            elif not gone and (key["state"] == "active") == (key["class"] in fences):
                yield Finding(Rule.KEY_NOT_FENCED, None, self.stream_id, None, key_id)

    def _finding(self, rule: Rule, blob: Blob) -> Finding:
        return Finding(rule, None, self.stream_id, blob.version, blob.key_id)

    def _finding_of(self, rule: Rule, seal: _Seal) -> Finding:
        return Finding(rule, seal.position, self.stream_id, seal.version, seal.key_id)
