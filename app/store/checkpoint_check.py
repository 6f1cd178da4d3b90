"""Checks checkpoints against what they must say: form, row, signatures, quorum (C2SP); pure.

Whoever verifies may bring a policy and checkpoints along that they kept: then nothing that lies in
the database is believed about who signs, or about how the log once began.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from app.store.stream_check import Finding, Row, Rule
from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.cosignatures import CosignatureInvalid, WitnessKey
from app.tlog.notes import (
    Note,
    NoteMalformed,
    NotSigned,
    Signature,
    VerifierKey,
    VerifierKeyMalformed,
    read_note,
    verifier_key,
)
from app.tlog.trust_policies import TrustPolicy

KEPT: Final = "checkpoint that was kept"

Add = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Trust:
    """What the verifier believes beforehand, and not because the database says so."""

    policy: TrustPolicy = field(default_factory=TrustPolicy)
    """Without a log in it, the verifier keys that the database names are believed."""
    kept: tuple[Note, ...] = ()
    """Checkpoints of earlier days."""

    @property
    def pinned(self) -> bool:
        """Whether the verifier brought the log's keys along."""
        return bool(self.policy.logs)

    def with_keys(self, keys: Collection[VerifierKey]) -> "Trust":
        """The same, with the keys of the database where none were brought along."""
        if self.pinned:
            return self
        return replace(self, policy=replace(self.policy, logs=tuple((key, None) for key in keys)))

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Who may sign."""
        return tuple(key for key, _ in self.policy.logs)


def read_keys(texts: Collection[str], add: Add) -> tuple[VerifierKey, ...]:
    """The keys that the database names; one that is none is a finding."""
    keys = []
    for text in texts:
        try:
            keys.append(verifier_key(text))
        except VerifierKeyMalformed:
            add(Finding(Rule.VERIFIER_KEY_WRONG, None, None, place="verifier key"))
    return tuple(keys)


def check_row(row: Row, lines: Collection[bytes], trust: Trust) -> Iterator[Finding]:
    """What is wrong with a stored checkpoint and its cosignatures, whatever the tree is.

    Each line that is not the log's own must be a good cosignature by a witness that is known.
    """
    place = checkpoint_place(row["size"])
    written = row["note"] + b"".join(lines)
    try:
        note = read_note(written)
        said = checkpoint(note.text)
    except (NoteMalformed, CheckpointMalformed):
        yield Finding(Rule.CHECKPOINT_MALFORMED, None, None, place=place)
        return
    # One signature has several base64 texts for a lenient reader, so the bytes are compared.
    if bytes(note) != written or (said.size, said.root) != (row["size"], row["root"]):
        yield Finding(Rule.CHECKPOINT_MALFORMED, None, None, place=place)
    if not _is_signed(note, said, trust.keys):
        yield Finding(Rule.CHECKPOINT_UNSIGNED, None, None, place=place)
    named = {key.name for key in trust.keys}
    witnesses = [one.key for one in trust.policy.witnesses]
    for line in note.signatures:
        if line.name not in named and not _is_cosignature(note.text, line, witnesses):
            yield Finding(Rule.COSIGNATURE_WRONG, None, None, place=place)


def check_quorum(note: bytes, trust: Trust) -> Iterator[Finding]:
    """Whether enough witnesses cosigned the newest checkpoint."""
    try:
        read = read_note(note)
        size = checkpoint(read.text).size
    except (NoteMalformed, CheckpointMalformed):
        return  # its row was found to be malformed
    if not trust.policy.is_witnessed(trust.policy.cosigned_by(read).keys()):
        yield Finding(Rule.QUORUM_MISSED, None, None, place=checkpoint_place(size))


def kept_roots(trust: Trust, add: Add) -> Mapping[int, frozenset[bytes]]:
    """Size -> roots of the checkpoints that were kept; one that our keys did not sign is a finding.

    It counts all the same: a log that names another key than then is not the log of then.
    """
    roots: dict[int, frozenset[bytes]] = {}
    for note in trust.kept:
        said = checkpoint(note.text)
        if not _is_signed(note, said, trust.keys):
            add(Finding(Rule.CHECKPOINT_UNSIGNED, None, None, place=f"{KEPT}, {said.size}"))
        roots[said.size] = roots.get(said.size, frozenset()) | {said.root}
    return roots


def checkpoint_place(size: int) -> str:
    """How a finding names a checkpoint."""
    return f"checkpoint {size}"


def _is_signed(note: Note, said: Checkpoint, keys: Collection[VerifierKey]) -> bool:
    """By a key of the origin, and by none of them wrongly."""
    try:
        note.opened([key for key in keys if key.name == said.origin])
    except NotSigned:
        return False
    return True


def _is_cosignature(text: str, line: Signature, witnesses: Collection[WitnessKey]) -> bool:
    for witness in witnesses:
        if witness.made(line):
            try:
                witness.cosigned_at_s(text, line)
            except CosignatureInvalid:
                return False
            return True
    return False
