"""Extends the tree by what was appended, and signs it: tiles, edge and checkpoint in one commit.

Any number of integrators may run side by side; the size of the edge is moved by compare-and-set,
and whoever loses stands by. Killed at any point, nothing or all of a batch is there. It signs no
tree that does not begin with everything that was signed before (C2SP tlog-checkpoint).
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol, TypeAlias

import asyncpg
import structlog

from app.store.append import PARTITION
from app.tlog.checkpoints import Checkpoint
from app.tlog.edge import Edge, FullTile
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import Note, NoteMalformed, NotSigned, VerifierKey, read_note, verifier_key
from app.vault.signed_head import SignedHead
from app.vault.signing import Signer

BATCH_MAX: Final = 4096
"""Entries a commit: some megabytes of them, and 16 tiles."""
GATHER_S: Final = 0.1
"""Between two checkpoints at least: entries gather meanwhile, for one alone is dear."""
IDLE_PAUSE_S: Final = 0.2
"""Between two looks at most, whether or not anybody says that there is something."""
STAND_BY_PAUSE_S: Final = 0.5
RETRY_PAUSE_S: Final = 0.5
RETRY_PAUSE_MAX_S: Final = 30.0

OPEN_SQL = "SELECT ledger.ledger_log_open($1, $2, $3, $4)"
STATE_SQL = """
SELECT e.size, e.hashes, c.size AS checkpoint_size, c.root, c.note,
       (SELECT k.vkey FROM ledger.log_key k
         WHERE k.partition = c.partition AND (k.from_size < c.size OR k.from_size = 0)
         ORDER BY k.opened_at DESC LIMIT 1) AS signed_by
  FROM ledger.log_edge e
  JOIN ledger.log_checkpoint c ON c.partition = e.partition
 WHERE e.partition = $1 ORDER BY c.size DESC LIMIT 1
"""
ROOT_SQL = "SELECT root FROM ledger.log_checkpoint WHERE partition = $1 AND size = $2"
BEHIND_SQL = """
SELECT e.size, EXISTS (SELECT FROM ledger.events v
                        WHERE v.partition = $1 AND v.position = e.size) AS behind
  FROM ledger.log_edge e WHERE e.partition = $1
"""
ENTRIES_SQL = """
SELECT position, entry FROM ledger.events
 WHERE partition = $1 AND position >= $2 AND position < $3 ORDER BY position
"""
INTEGRATE_SQL = "SELECT ledger.ledger_integrate($1, $2, $3, $4, $5, $6, $7, $8, $9)"

Connection: TypeAlias = "asyncpg.Connection[Any]"  # generic in its stubs only
Connect = Callable[[], Awaitable[Connection]]

_LOG = structlog.get_logger(__name__)


class LogForked(Exception):
    """The database holds another tree than the one that was signed; nothing more is signed."""


class LogShortened(LogForked):
    """The database holds less than was signed, as after a backup was put back."""


class AnotherKey(Exception):
    """The log was opened with another checkpoint key than the one in custody."""


class PositionsSkipped(Exception):
    """The log has a hole or an inversion, which it cannot have."""


class Memory(Protocol):
    """Remembers, outside of the database, what was signed last."""

    def read(self) -> SignedHead | None:
        """The newest head that was signed, None before the first."""
        ...

    def write(self, head: SignedHead) -> None:
        """Remembers it for good."""
        ...


@dataclass(frozen=True, slots=True)
class Integrated:
    """What one step did. ``moved`` is False when another integrator was faster."""

    size: int
    entries: int
    moved: bool = True


class Integrator:
    """Owns one connection and the checkpoint key. ``wake`` is set by whoever hears of an append."""

    def __init__(
        self,
        connect: Connect,
        signer: Signer,
        memory: Memory,
        *,
        origin: str,
        wake: asyncio.Event | None = None,
        batch_max: int = BATCH_MAX,
    ) -> None:
        self._connect = connect
        self._signer = signer
        self._memory = memory
        self._origin = origin
        self._wake = asyncio.Event() if wake is None else wake
        self._batch_max = batch_max
        self._key: VerifierKey | None = None
        self._edge: Edge | None = None
        """The tree as it was left; None: to be read again."""
        self._head: SignedHead | None = None

    async def run(self) -> NoReturn:
        """Integrates for ever; connects again when the connection is lost."""
        pause_s = RETRY_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                if asyncio.get_running_loop().time() - began > RETRY_PAUSE_MAX_S:
                    pause_s = RETRY_PAUSE_S
                _LOG.error(
                    "integrator halted", error_class=type(error).__name__, retry_in_s=pause_s
                )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_PAUSE_MAX_S)

    async def _follow(self) -> NoReturn:
        connection = await self._connect()
        self._edge = None
        try:
            while True:
                done = await self.integrate(connection)
                if not done.moved:
                    await self._stand_by(connection)
                elif done.entries < self._batch_max:
                    await self._gather()
        finally:
            connection.terminate()

    async def _gather(self) -> None:
        """Pauses at least the shortest time, and longer until somebody wakes us."""
        await asyncio.sleep(GATHER_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_PAUSE_S - GATHER_S):
                await self._wake.wait()
        self._wake.clear()

    async def _stand_by(self, connection: Connection) -> None:
        """Leaves the work to the faster one, for as long as that one does it."""
        size, moves = -1, True
        while moves:
            row = await connection.fetchrow(BEHIND_SQL, PARTITION)
            assert row is not None, "every partition has its edge"
            moves = not row["behind"] or row["size"] != size
            size = row["size"]
            if moves:
                await asyncio.sleep(STAND_BY_PAUSE_S)
        self._edge = None

    async def integrate(self, connection: Connection) -> Integrated:
        """One batch, in one commit; nothing when there is nothing.

        LogForked, LogShortened and AnotherKey when it would contradict what was signed.
        """
        if self._edge is None:
            await self._load(connection)
        assert self._edge is not None
        edge = self._edge
        rows = await connection.fetch(
            ENTRIES_SQL, PARTITION, edge.size, edge.size + self._batch_max
        )
        if not rows:
            if self._head is not None and self._head.size > edge.size:
                raise LogShortened("there are fewer entries than were signed")
            return Integrated(edge.size, 0)
        if rows[-1][0] != edge.size + len(rows) - 1:
            raise PositionsSkipped("the positions are not consecutive")
        sha256 = hashlib.sha256
        leaves = [sha256(b"\x00" + row[1]).digest() for row in rows]
        after, full = edge.extended(leaves)
        self._edge = None  # until the commit is known
        head = SignedHead(after.size, after.root())
        self._check_head(edge, leaves, head)
        moved = await self._publish(connection, edge, after, full=full, head=head)
        self._edge = after if moved else None
        return Integrated(after.size, len(leaves) if moved else 0, moved)

    async def _load(self, connection: Connection) -> None:
        """Reads where the tree stands, and proves that it is the one that was signed."""
        if self._key is None:
            self._key = await self._open(connection)
        row = await connection.fetchrow(STATE_SQL, PARTITION)
        assert row is not None, "a log that is open has a checkpoint"
        edge = Edge.unpacked(row["size"], row["hashes"])
        root = edge.root()
        if (row["checkpoint_size"], row["root"]) != (edge.size, root):
            raise LogForked("the edge is not that of the newest checkpoint")
        # Up to where it was reopened, the log has the name that it had then; the key is one.
        key = verifier_key(row["signed_by"])
        if key.public_key != self._key.public_key:
            raise LogForked("the newest checkpoint is not signed by the key in custody")
        expected = Checkpoint(key.name, edge.size, root).text()
        try:
            signed = read_note(row["note"]).opened([key])
        except (NotSigned, NoteMalformed):
            raise LogForked("the newest checkpoint is not signed by the key in custody") from None
        if signed != expected:
            raise LogForked("the newest checkpoint says something else than its row")
        self._head = self._memory.read()
        if self._head is not None and self._head.size <= edge.size:
            known = await connection.fetchval(ROOT_SQL, PARTITION, self._head.size)
            if known is not None and known != self._head.root:
                raise LogForked("another root was signed at that size")
        self._edge = edge

    async def _open(self, connection: Connection) -> VerifierKey:
        """The key of the log under its origin, which is settled when the log is opened."""
        ours = VerifierKey(self._origin, self._signer.public_key)
        note = self._signed(ours, Checkpoint(self._origin, 0, EMPTY_ROOT))
        in_force = verifier_key(
            await connection.fetchval(OPEN_SQL, PARTITION, str(ours), EMPTY_ROOT, bytes(note))
        )
        if in_force.public_key != ours.public_key:
            raise AnotherKey("the log was opened with another checkpoint key")
        return in_force

    def _check_head(self, edge: Edge, leaves: Sequence[bytes], signed: SignedHead) -> None:
        """The tree to be signed begins with the one that was signed last, and is no smaller."""
        head = self._head
        if head is None or head.size <= edge.size:
            return
        if signed.size < head.size:
            raise LogShortened("there are fewer entries than were signed")
        passed, _ = edge.extended(leaves[: head.size - edge.size])
        if passed.root() != head.root:
            raise LogForked("another root was signed at that size")

    async def _publish(
        self,
        connection: Connection,
        edge: Edge,
        after: Edge,
        *,
        full: Sequence[FullTile],
        head: SignedHead,
    ) -> bool:
        assert self._key is not None
        note = self._signed(self._key, Checkpoint(self._key.name, head.size, head.root))
        # If we crash from here on, the next one passes through this size with this root.
        self._memory.write(head)
        self._head = head
        moved: bool = await connection.fetchval(
            INTEGRATE_SQL,
            PARTITION,
            edge.size,
            after.size,
            after.packed(),
            [one.place.level for one in full],
            [one.place.index for one in full],
            [one.hashes for one in full],
            head.root,
            bytes(note),
        )
        return moved

    def _signed(self, key: VerifierKey, checkpoint: Checkpoint) -> Note:
        """The note with our line; cosignatures and further lines are added where it is shown."""
        text = checkpoint.text()
        return Note(text, (key.sign(text, self._signer.sign),))
