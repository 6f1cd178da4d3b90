"""Writes what an auditor takes along: the whole log, or one record with its proofs.

One snapshot, read page by page and written as it is read. Nothing that is sealed goes into it, and
no key but public ones. The layout is that of C2SP tlog-tiles; `verify.py` is in it.
"""

import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.audit import verify_bundle
from app.audit.members import Members
from app.audit.report import EVENTS_SHOWN, LOST_KEY, Figures, Told, report
from app.store.append import PARTITION
from app.store.cosignatures import Cosignatures
from app.store.identity import LedgerIdentity, read_identity
from app.store.integrity import pages
from app.store.log_tree import LogTree, SignedTree
from app.store.receipt_keys import receipt_keys
from app.tlog.checkpoints import checkpoint
from app.tlog.notes import VerifierKey
from app.tlog.proof_text import InclusionProof
from app.tlog.proofs import inclusion_spans
from app.tlog.receipts import RECEIPT_KEY_LINE
from app.tlog.tiles import TILE_WIDTH, TilePath, TilePlace, bundle, levels
from app.tlog.trust_policies import TrustPolicy

if TYPE_CHECKING:
    from app.store.integrity import Connection, Progress

FORMAT: Final = 1
TILES_A_PAGE: Final = 64
_LOST: Final = b'"cause":"key_lost"'

_ENTRIES_SQL = """
SELECT position, stream_id, version, type, entry FROM ledger.events
 WHERE partition = $1 AND position < $2 ORDER BY position
"""
_CONTROL_SQL = """
SELECT position, entry FROM ledger.events
 WHERE stream_id = ANY($2) AND partition = $1 AND position < $3 ORDER BY position
"""
_RECORD_SQL = """
SELECT position, version, type, entry FROM ledger.events
 WHERE stream_id = $1 AND partition = $2 AND position < $3 ORDER BY version
"""
_VERSIONS_SQL = """
SELECT count(*) FROM ledger.events WHERE stream_id = $1 AND partition = $2 AND position < $3
"""


class LogUnsigned(Exception):
    """No checkpoint was ever signed: there is nothing to take along."""


class LogMalformed(Exception):
    """An entry is none: `pdledger log verify` names it."""


class RecordUnknown(Exception):
    """The signed log has no event of the record."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the bundle is to be."""

    made_at: str
    """RFC 3339, UTC."""
    witnesses: TrustPolicy = field(default_factory=TrustPolicy)
    """Whose cosignatures count; the log's keys are those of the database."""


@dataclass(frozen=True, slots=True)
class _Head:
    """Under what everything in the bundle stands."""

    identity: LedgerIdentity
    tree: SignedTree
    policy: TrustPolicy
    receipt_keys: tuple[VerifierKey, ...]
    order: Order

    def policy_text(self) -> str:
        """As `/log/policy` has it: receipts and answers are checked by the same file."""
        signing = (f"{RECEIPT_KEY_LINE}{key}\n" for key in self.receipt_keys)
        return "".join(signing) + self.policy.text()

    def about(self, kind: str, **more: Any) -> dict[str, Any]:
        """What `bundle.json` says."""
        said = checkpoint(self.tree.note.text)
        return {
            "format": FORMAT,
            "kind": kind,
            "ledger": str(self.identity.ledger_id),
            "made_at": self.order.made_at,
            "origin": said.origin,
            "size": said.size,
            "root": said.root.hex(),
        } | more


async def write_log(
    connection: "Connection", made: Members, order: Order, progress: "Progress | None" = None
) -> Figures:
    """The whole log, within a transaction of the caller's; LogUnsigned when there is none."""
    head = await _head(connection, order)
    control = [head.identity.control_stream, head.identity.register_stream]
    counts: Counter[str] = Counter()
    records = 0
    async for first, rows in _tiles_of_entries(connection, head.tree.size):
        place = TilePath(TilePlace(0, first // TILE_WIDTH), len(rows))
        made.add(f"tile/entries/{place.below_level()}", bundle(row["entry"] for row in rows))
        counts.update(_kind(row["type"], row["entry"]) for row in rows)
        records += sum(row["version"] == 1 for row in rows)
        if progress:
            progress(first + len(rows), head.tree.size)
    log = LogTree(connection)  # type: ignore[arg-type]  # it fetches as a pool does
    async for path, hashes in _tiles(log, head.tree.size):
        made.add(f"tile/{path}", hashes)
    told = await _control(connection, made, control, head.tree.size)
    about = head.about("log", control=[str(stream) for stream in control], records=records)
    figures = _figures(head, about, told, counts)
    _close(made, head, about, figures)
    return figures


async def write_record(
    connection: "Connection",
    made: Members,
    order: Order,
    *,
    stream_id: UUID,
    progress: "Progress | None" = None,
) -> Figures:
    """One record: each of its events with the proof that the log has it.

    LogUnsigned when there is no log, RecordUnknown when it has nothing of the record.
    """
    head = await _head(connection, order)
    size = head.tree.size
    total = await connection.fetchval(_VERSIONS_SQL, stream_id, PARTITION, size)
    if not total:
        raise RecordUnknown
    log = LogTree(connection)  # type: ignore[arg-type]  # it fetches as a pool does
    counts: Counter[str] = Counter()
    told: deque[Told] = deque(maxlen=EVENTS_SHOWN)
    async for page in pages(connection, _RECORD_SQL, stream_id, PARTITION, size):
        for row in page:
            name = f"events/{row['version']:06}"
            path = await log.hashes(inclusion_spans(row["position"], size))
            made.add(f"{name}.entry", row["entry"])
            proof = InclusionProof(row["position"], path, head.tree.note)
            made.add(f"{name}.tlog-proof", bytes(proof))
            told.append(_told(row, _core(row)))
        counts.update(_kind(row["type"], row["entry"]) for row in page)
        if progress:
            progress(counts.total(), total)
    about = head.about("record", stream=str(stream_id), versions=total)
    figures = _figures(head, about, list(told), counts)
    _close(made, head, about, figures)
    return figures


async def _head(connection: "Connection", order: Order) -> _Head:
    """The checkpoint: the newest one that enough witnesses cosigned, or else the newest."""
    log = LogTree(connection)  # type: ignore[arg-type]  # it fetches as a pool does
    tree = await log.newest()
    if tree is None:
        raise LogUnsigned
    if order.witnesses.witnesses:
        lines = Cosignatures(connection)  # type: ignore[arg-type]  # it fetches as a pool does
        size = await lines.newest_size(order.witnesses)
        tree = (await log.of_size(size) if size is not None else None) or tree
    keys = tuple((key, None) for key in await log.keys())
    policy = replace(order.witnesses, logs=keys)
    signing = await receipt_keys(connection)  # type: ignore[arg-type]  # it fetches as a pool does
    identity = await read_identity(connection)  # type: ignore[arg-type]  # likewise
    return _Head(identity, tree, policy, signing, order)


async def _tiles_of_entries(
    connection: "Connection", size: int
) -> AsyncIterator[tuple[int, list[Any]]]:
    """Position of the first, and up to 256 rows."""
    rows: list[Any] = []
    first = 0
    async for page in pages(connection, _ENTRIES_SQL, PARTITION, size):
        rows += page
        while len(rows) >= TILE_WIDTH:
            yield first, rows[:TILE_WIDTH]
            del rows[:TILE_WIDTH]
            first += TILE_WIDTH
    if rows:
        yield first, rows


async def _tiles(log: LogTree, size: int) -> AsyncIterator[tuple[TilePath, bytes]]:
    """Every tile of the tree of that size; one that is not stored is left out."""
    for level in range(levels(size)):
        count = -(-(size >> 8 * level) // TILE_WIDTH)
        for first in range(0, count, TILES_A_PAGE):
            places = [
                TilePlace(level, index) for index in range(first, min(count, first + TILES_A_PAGE))
            ]
            stored = await log.tiles(places)
            for place in places:
                if place in stored:
                    width = place.width(size)
                    yield TilePath(place, width), stored[place][: width * 32]


async def _control(
    connection: "Connection", made: Members, streams: list[UUID], size: int
) -> list[Told]:
    """Writes the index of the control events, line by line; the newest are for the report."""
    newest: deque[Told] = deque(maxlen=EVENTS_SHOWN)
    with made.file("control.ndjson") as write:
        async for page in pages(connection, _CONTROL_SQL, PARTITION, streams, size):
            for row in page:
                core = _core(row)
                line = {"position": row["position"], **core}
                text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
                write(text.encode() + b"\n")
                newest.append(_told(row, core))
    return list(newest)


def _core(row: Any) -> dict[str, Any]:
    """The first line of an entry; LogMalformed where it is none."""
    try:
        core: dict[str, Any] = json.loads(row["entry"].split(b"\n", 1)[0])
    except ValueError:
        raise LogMalformed from None
    return core


def _kind(kind: str, entry: bytes) -> str:
    """The type of an event, and of the loss of a key that it is one."""
    return LOST_KEY if kind == "retention.executed" and _LOST in entry else kind


def _told(row: Any, core: dict[str, Any]) -> Told:
    """An event as the report has it."""
    try:
        return Told(
            row["position"], core["n"], core["at"], _kind(core["t"], row["entry"]), core["by"]
        )
    except KeyError:
        raise LogMalformed from None


def _close(made: Members, head: _Head, about: dict[str, Any], figures: Figures) -> None:
    """What every bundle has: by what it is verified, and what it says in plain words."""
    made.add("bundle.json", json.dumps(about, indent=1, ensure_ascii=False).encode() + b"\n")
    made.add("checkpoint", bytes(head.tree.note))
    made.add("policy", head.policy_text().encode())
    made.add("verify.py", Path(verify_bundle.__file__).read_bytes())
    with made.file("report.html") as write:
        for piece in report(figures):
            write(piece.encode())


def _figures(head: _Head, about: dict[str, Any], told: list[Told], counts: Counter[str]) -> Figures:
    return Figures(
        about=about,
        keys=tuple(str(key) for key, _ in head.policy.logs),
        cosigned_by=tuple(sorted(head.policy.cosigned_by(head.tree.note))),
        counts=tuple(sorted(counts.items())),
        told=tuple(told),
    )
