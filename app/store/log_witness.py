"""The service as a witness of other logs (C2SP tlog-witness): it cosigns what only grew.

What was cosigned last is kept twice: in the database, where the slower of two requests loses, and
in a file beside the key, which a restored database cannot take back. Both are written before the
signature is made, so that no answer can be contradicted by a later one.
"""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg

from app.clock import Clock
from app.tlog.checkpoints import checkpoint
from app.tlog.cosignatures import WitnessKey
from app.tlog.notes import Note, NotSigned, Signature, VerifierKey
from app.tlog.witnessing import (
    AddCheckpoint,
    Conflicting,
    Consistent,
    Head,
    Judgement,
    Refused,
    judge,
)
from app.vault.signed_head import SignedHead, SignedHeadFile
from app.vault.signing import Signer

TRIES_MAX: Final = 3

KNOWN_SQL = "SELECT size, root FROM ledger.log_witnessed WHERE origin = $1"
ADVANCE_SQL = "SELECT ledger.ledger_witness_advance($1, $2, $3, $4, $5, $6)"


class WitnessForked(Exception):
    """Database and file remember two trees of one size: nothing is cosigned until one is gone."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The line that the witness answers with."""

    line: Signature


Answer: TypeAlias = Cosigned | Conflicting | Refused


class LogWitness:
    """A witness of the logs of ``trusted``; ``folder`` is where its key lies."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        signer: Signer,
        name: str,
        *,
        trusted: Collection[VerifierKey],
        folder: Path,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._trusted = tuple(trusted)
        self._folder = folder
        self._clock = clock
        self.key: Final = WitnessKey(name, signer.public_key)

    async def answer(self, asked: AddCheckpoint) -> Answer:
        """Cosigns, or says why not. Of two requests from one size, one finds the other's tree."""
        origin = checkpoint(asked.note.text).origin
        keys = [key for key in self._trusted if key.name == origin]
        memory = SignedHeadFile(self._memory_of(origin))
        judged: Judgement = Refused(409)
        for _ in range(TRIES_MAX):
            stored = await self._stored(origin) if keys else None
            remembered = await asyncio.to_thread(memory.read) if keys else None
            judged = judge(asked, keys, _larger(stored, remembered))
            if not isinstance(judged, Consistent):
                return judged
            if await self._advanced(origin, stored, judged.head, _signed_part(asked.note, keys)):
                signed = SignedHead(judged.head.size, judged.head.root)
                await asyncio.to_thread(memory.write, signed)
                return Cosigned(self._cosign(asked.note.text))
        raise AssertionError("who loses a race finds another size, and is refused for it")

    async def _stored(self, origin: str) -> Head | None:
        row = await self._pool.fetchrow(KNOWN_SQL, origin)
        return None if row is None else Head(row["size"], row["root"])

    async def _advanced(self, origin: str, stored: Head | None, to: Head, note: Note) -> bool:
        """Whether the database now remembers it; False when it was moved on by another request."""
        moved: bool = await self._pool.fetchval(
            ADVANCE_SQL,
            origin,
            None if stored is None else stored.size,
            None if stored is None else stored.root,
            to.size,
            to.root,
            bytes(note),
        )
        return moved

    def _cosign(self, text: str) -> Signature:
        return self.key.cosign(text, int(self._clock().timestamp()), self._signer.sign)

    def _memory_of(self, origin: str) -> Path:
        """A file a log; its name comes from outside, and is hashed."""
        name = hashlib.sha256(origin.encode()).hexdigest()[:32]
        return self._folder / f"witness-{name}.signed"


def _larger(stored: Head | None, remembered: SignedHead | None) -> Head | None:
    """The larger of two memories: the database may have been taken back, the file be of elsewhere.

    WitnessForked when they cannot both be true.
    """
    if remembered is None or (stored is not None and stored.size > remembered.size):
        return stored
    if stored is not None and stored.size == remembered.size and stored.root != remembered.root:
        raise WitnessForked("another tree of that size was cosigned")
    return Head(remembered.size, remembered.root)


def _signed_part(note: Note, keys: Collection[VerifierKey]) -> Note:
    """The note under the lines that verify: what else came with it is not kept."""
    lines = []
    for line in note.signatures:
        try:
            Note(note.text, (line,)).opened(keys)
        except NotSigned:
            continue
        lines.append(line)
    return Note(note.text, tuple(lines))
