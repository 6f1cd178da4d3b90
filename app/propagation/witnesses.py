"""Asks a witness to cosign a checkpoint (C2SP tlog-witness), and trusts nothing that it answers.

It may be down, slow, wrong or hostile: every answer is bounded in time and size, and only a line
that verifies under its key counts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.propagation.outbound import Fetched, Line
from app.store.log_tree import LogTree, SignedTree
from app.tlog.cosignatures import CosignatureInvalid
from app.tlog.notes import NoteMalformed, Signature, signature_line
from app.tlog.proofs import consistency_spans
from app.tlog.trust_policies import Witness
from app.tlog.witnessing import SIZE_TYPE, AddCheckpoint, conflicting_size

ANSWER_MAX_BYTES: Final = 16_000
LINES_MAX: Final = 32
TRIES_MAX: Final = 3
"""A witness that several of us feed may move on between two requests."""
CLOCKS_APART_MAX_S: Final = 3_600
"""By so much a witness's clock may be ahead; a cosignature of later than that lies."""


class Verdict(StrEnum):
    """What became of asking."""

    COSIGNED = "cosigned"
    AHEAD = "ahead"
    """It says that it cosigned a larger tree of this log than there is here."""
    FORKED = "forked"
    """It says that it cosigned another tree than this one begins with."""
    REFUSED = "refused"
    """A status that says it will not: the log or its key is unknown to it, for example."""
    MALFORMED = "malformed"
    """Nothing that a witness may answer, or a cosignature that does not verify."""
    SILENT = "silent"
    """No answer in time, or no connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A witness's answer, as far as it means anything."""

    verdict: Verdict
    size: int | None = None
    """Of the tree that the witness says it knows, where it says so."""
    status: int | None = None
    line: Signature | None = None
    at_s: int = 0
    """When it cosigned, in seconds since 1970."""


async def ask(
    witness: Witness, tree: SignedTree, line: Line, *, log: LogTree, old: int, now: datetime
) -> Answer:
    """Asks for a cosignature of a checkpoint, from the size that the witness is believed to know.

    A 409 says which one it does know; then it is asked again from there.
    """
    for _ in range(TRIES_MAX):
        spans = consistency_spans(old, tree.size)
        asked = AddCheckpoint(old, await log.hashes(spans), tree.note)
        fetched = await line.ask(
            bytes(asked),
            {"content-type": "text/plain; charset=utf-8"},
            size_max=ANSWER_MAX_BYTES + 1,
            now=now,
        )
        if fetched.attempt.status != 409:
            return _final(witness, tree, fetched, old=old, now=now)
        size = conflicting_size(fetched.body) if fetched.media_type == SIZE_TYPE else None
        if size is None:
            return Answer(Verdict.MALFORMED, status=409)
        if size > tree.size:
            return Answer(Verdict.AHEAD, size, 409)
        if size == old:
            # Of the size itself it knows another root; of a smaller one there is no such conflict.
            verdict = Verdict.FORKED if old == tree.size else Verdict.MALFORMED
            return Answer(verdict, size, 409)
        old = size
    return Answer(Verdict.MALFORMED, old, 409)


def _final(
    witness: Witness, tree: SignedTree, fetched: Fetched, *, old: int, now: datetime
) -> Answer:
    status = fetched.attempt.status
    if status is None:
        return Answer(Verdict.SILENT)
    if status == 422 and old > 0:
        return Answer(Verdict.FORKED, old, status)
    if status != 200:
        return Answer(Verdict.REFUSED, status=status)
    for line in _lines(fetched.body):
        try:
            at_s = witness.key.cosigned_at_s(tree.note.text, line)
        except CosignatureInvalid:
            continue
        if at_s <= now.timestamp() + CLOCKS_APART_MAX_S:
            return Answer(Verdict.COSIGNED, tree.size, status, line, at_s)
    return Answer(Verdict.MALFORMED, status=status)


def _lines(body: bytes) -> list[Signature]:
    """The signature lines of an answer; none when it is anything else."""
    try:
        lines = body.decode().split("\n")
        if len(body) > ANSWER_MAX_BYTES or lines.pop() != "" or len(lines) > LINES_MAX:
            return []
        return [signature_line(line) for line in lines]
    except (UnicodeDecodeError, NoteMalformed):
        return []
