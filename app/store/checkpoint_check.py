"""Checks checkpoints against what they must say: form, row, signatures, quorum (C2SP); pure.

Whoever verifies may bring a policy and checkpoints along that they kept: then nothing that lies in
the database is believed about who signs, or about how the log once began.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from app.store.stream_check import Finding, Row, Rule
from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.cosignatures import CosignatureInvalid, witness_key
from app.tlog.notes import (
    Note,
    NoteMalformed,
    NotSigned,
    Signature,
    VerifierKey,
    VerifierKeyMalformed,
    read_note,
    signature_line,
    verifier_key,
)
from app.tlog.time_stamps import Certificates
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
    receipt_keys: tuple[VerifierKey, ...] = ()
    """Keys of receipts of earlier days."""
    stamps: Certificates = field(default_factory=Certificates)
    """What vouches for the authorities of time-stamps; without a root, nothing does."""

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


def read_keys(
    texts: Collection[str], add: Add, *, place: str = "verifier key"
) -> tuple[VerifierKey, ...]:
    """The keys that the database names; one that is none is a finding."""
    keys = []
    for text in texts:
        try:
            keys.append(verifier_key(text))
        except VerifierKeyMalformed:
            add(Finding(Rule.VERIFIER_KEY_WRONG, None, None, place=place))
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class CheckpointCheck:
    """What is wrong with a stored checkpoint and its cosignatures, whatever the tree is."""

    findings: tuple[Finding, ...]
    witnessed: bool = False
    """Whether enough witnesses of the policy cosigned it."""


def check_row(row: Row, trust: Trust) -> CheckpointCheck:
    """``row`` has size, root, note and, as rows of witness, line and moment, cosignatures.

    Every cosignature must be good by the key that it is kept under; which witnesses count, the
    policy says. Under the note itself no line may stand but the log's own.
    """
    place = checkpoint_place(row["size"])
    try:
        note = read_note(row["note"])
        said = checkpoint(note.text)
    except (NoteMalformed, CheckpointMalformed):
        return CheckpointCheck((Finding(Rule.CHECKPOINT_MALFORMED, None, None, place=place),))
    wrong = []
    # One signature has several base64 texts for a lenient reader, so the bytes are compared.
    if bytes(note) != row["note"] or (said.size, said.root) != (row["size"], row["root"]):
        wrong.append(Rule.CHECKPOINT_MALFORMED)
    named = [key for key in trust.keys if key.name == said.origin]
    if not _is_signed(note, said, trust.keys):
        wrong.append(Rule.CHECKPOINT_UNSIGNED)
    elif not all(any(key.made(line) for key in named) for line in note.signatures):
        wrong.append(Rule.COSIGNATURE_WRONG)
    lines = [_good_line(note.text, *one) for one in row["cosignatures"]]
    if None in lines:
        wrong.append(Rule.COSIGNATURE_WRONG)
    whole = Note(note.text, (*note.signatures, *(line for line in lines if line)))
    return CheckpointCheck(
        tuple(Finding(rule, None, None, place=place) for rule in wrong),
        trust.policy.is_witnessed(trust.policy.cosigned_by(whole).keys()),
    )


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


def _good_line(text: str, witness: str, written: str, at_s: int) -> Signature | None:
    """The line as it is kept, if it is what it says."""
    try:
        line = signature_line(written)
        if str(line) == written and witness_key(witness).cosigned_at_s(text, line) == at_s:
            return line
    except (NoteMalformed, VerifierKeyMalformed, CosignatureInvalid):
        pass
    return None
