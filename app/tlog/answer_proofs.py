"""Proofs that an answer carries: entries of the log, each proved, under one checkpoint; pure.

An entry is proved by a path to the checkpoint's root, or by the entry after it in its stream, whose
`p` is its leaf hash. Entries too young for a checkpoint hang on the one before and on a signed
receipt of the last: the service promised them, and the log owes them within an hour.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, TypeAlias

import msgspec

from app.tlog.checkpoints import Checkpoint, CheckpointMalformed
from app.tlog.merkle import leaf_hash
from app.tlog.notes import Note, NoteMalformed, NotSigned, VerifierKey, read_note
from app.tlog.proof_text import ProofMalformed, hash_lines, hashes_in
from app.tlog.proofs import ProofInvalid, verify_inclusion
from app.tlog.receipt_text import Receipt, ReceiptInvalid, ReceiptMalformed, receipt_of
from app.tlog.trust_policies import QuorumMissed, TrustPolicy
from app.values import Value

Json: TypeAlias = dict[str, Any]  # Any: a JSON value


class AnswerUnproved(Exception):
    """An answer says what its proof does not prove. Says which part of it, and quotes nothing."""


class ProvedEntry(Value, frozen=True):
    """An entry that stands in the log, or is owed by it."""

    position: int
    leaf: bytes
    core: "Core"
    seals: tuple["SealLine", ...]
    path: tuple[bytes, ...] | None
    """None: it is proved by its chain alone, and its position is what the answer says."""


class Core(msgspec.Struct, frozen=True):
    """Line 1 of an entry (DESIGN 4)."""

    at: str
    by: str
    d: Json
    id: str
    n: int
    o: str | None
    p: bytes | None
    s: str
    t: str


class SealLine(msgspec.Struct, frozen=True):
    """One seal of line 2."""

    k: str
    c: str
    h: bytes
    kc: bytes | None = None


class AnswerProof(Value, frozen=True):
    """What an answer carries; worth nothing until it is verified."""

    entries: tuple[ProvedEntry, ...]
    note: Note | None
    receipt: Receipt | None

    def verify(self, policy: TrustPolicy, receipt_keys: Collection[VerifierKey]) -> None:
        """AnswerUnproved unless each entry is in the log, or promised by one of the keys."""
        made = self._checkpoint(policy)
        after: ProvedEntry | None = None
        for entry in reversed(self.entries):
            if entry.path is not None:
                _check_included(entry, made)
            elif after is not None:
                _check_linked(entry, after)
            else:
                self._check_promised(entry, receipt_keys)
            after = entry

    def promised(self) -> int:
        """How many of the last entries are in no checkpoint so far."""
        included = [number for number, one in enumerate(self.entries, 1) if one.path is not None]
        return len(self.entries) - (included[-1] if included else 0)

    def _checkpoint(self, policy: TrustPolicy) -> Checkpoint | None:
        if self.note is None:
            return None
        try:
            return policy.verify(self.note)
        except (NotSigned, CheckpointMalformed):
            raise AnswerUnproved("no key of the policy signed its checkpoint") from None
        except QuorumMissed:
            raise AnswerUnproved("too few witnesses cosigned its checkpoint") from None

    def _check_promised(self, entry: ProvedEntry, keys: Collection[VerifierKey]) -> None:
        if self.receipt is None:
            raise AnswerUnproved("its newest entry is in no checkpoint, and nobody promised it")
        try:
            self.receipt.verify(keys)
        except ReceiptInvalid:
            raise AnswerUnproved("its receipt is not valid") from None
        line = self.receipt.lines[-1]
        said = (line.position, line.entry_hash, str(line.stream_id), line.version)
        if said != (entry.position, entry.leaf, entry.core.s, entry.core.n):
            raise AnswerUnproved("its receipt is for another entry")


def proof_value(
    entries: Sequence[Json], note: Note | None, receipt: Json | None = None
) -> dict[str, Any]:
    """The proof as an answer has it, of what `entry_value` made."""
    return {
        "checkpoint": None if note is None else bytes(note).decode(),
        "entries": entries,
        "receipt": receipt,
    }


def entry_value(position: int, entry: bytes, path: Sequence[bytes] | None = None) -> Json:
    """One entry of it: its two lines as they are stored, and its path, if it has one of its own."""
    return {
        "position": position,
        "entry": entry.decode(),
        "path": None if path is None else hash_lines(path),
    }


def answer_proof(value: Any) -> AnswerProof:  # Any: a JSON value
    """The proof out of what `proof_value` made, maybe with more members; AnswerUnproved else."""
    try:
        read = msgspec.convert(value, _Proof)
        note = None if read.checkpoint is None else read_note(read.checkpoint.encode())
        receipt = None if read.receipt is None else receipt_of(read.receipt)
        entries = tuple(map(_entry, read.entries))
    except (
        msgspec.MsgspecError,
        NoteMalformed,
        ProofMalformed,
        ReceiptMalformed,
        ValueError,
        RecursionError,
    ):
        raise AnswerUnproved("its proof is malformed") from None
    return AnswerProof(entries, note, receipt)


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Entry(msgspec.Struct):
    position: _Count
    entry: str
    path: list[str] | None


class _Proof(msgspec.Struct):
    checkpoint: str | None
    entries: Annotated[list[_Entry], msgspec.Meta(min_length=1)]
    receipt: Json | None = None


def _entry(given: _Entry) -> ProvedEntry:
    raw = given.entry.encode()
    first, second, rest = raw.split(b"\n")
    if rest:
        raise ValueError
    return ProvedEntry(
        given.position,
        leaf_hash(raw),
        _CORE.decode(first),
        _SEALS.decode(second),
        None if given.path is None else hashes_in(given.path),
    )


def _check_included(entry: ProvedEntry, made: Checkpoint | None) -> None:
    if made is None or entry.path is None:
        raise AnswerUnproved("it has a path, and no checkpoint")
    try:
        verify_inclusion(entry.leaf, entry.position, made.size, path=entry.path, root=made.root)
    except ProofInvalid:
        raise AnswerUnproved("an entry is not in the tree of its checkpoint") from None


def _check_linked(entry: ProvedEntry, after: ProvedEntry) -> None:
    linked = (after.core.s, after.core.n, after.core.p)
    if linked != (entry.core.s, entry.core.n + 1, entry.leaf):
        raise AnswerUnproved("the chain of its entries is broken")
    if after.position <= entry.position:
        raise AnswerUnproved("its positions do not grow")


_CORE = msgspec.json.Decoder(Core)
_SEALS = msgspec.json.Decoder(tuple[SealLine, ...])
