"""C2SP tlog-policy: which logs, which witnesses, and how many of them must agree; pure.

The text is read as C2SP has it, and strictly: what a reader might take in two ways is refused.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from app.tlog.checkpoints import Checkpoint, checkpoint
from app.tlog.cosignatures import WitnessKey, cosigned, witness_key
from app.tlog.notes import Note, VerifierKey, VerifierKeyMalformed, verifier_key

NOBODY: Final = "none"
LINES_MAX: Final = 1_000
MEMBERS_MAX: Final = 64

_COUNT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_OTHER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class TrustPolicyMalformed(ValueError):
    """The text is no policy. Says which line and why, and quotes nothing of it."""


class QuorumMissed(Exception):
    """Too few of the witnesses cosigned the checkpoint."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: its name in this policy, its key, and where it takes checkpoints."""

    name: str
    key: WitnessKey
    url: str | None = None

    def line(self) -> str:
        """As the policy has it."""
        return " ".join(["witness", self.name, str(self.key), *([self.url] if self.url else [])])


@dataclass(frozen=True, slots=True)
class Group:
    """Witnessed when at least ``threshold`` of its members are, witnesses or other groups."""

    name: str
    threshold: int
    members: tuple[str, ...]

    def line(self) -> str:
        """As the policy has it."""
        return " ".join(["group", self.name, str(self.threshold), *self.members])


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Logs, witnesses, and the rule which of them make a checkpoint valid."""

    logs: tuple[tuple[VerifierKey, str | None], ...] = ()
    """Each with its URL, if it has one."""
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    """Each after its members."""
    quorum: str = NOBODY

    def text(self) -> str:
        """The policy in the format of C2SP, ended by a line feed."""
        lines = [
            *(f"log {key}{f' {url}' if url else ''}" for key, url in self.logs),
            *(one.line() for one in self.witnesses),
            *(one.line() for one in self.groups),
            f"quorum {self.quorum}",
        ]
        return "".join(f"{line}\n" for line in lines)

    def is_witnessed(self, names: Collection[str]) -> bool:
        """Whether these witnesses, by their names here, are enough."""
        if self.quorum == NOBODY:
            return True
        reached = {one.name for one in self.witnesses} & set(names)
        for group in self.groups:
            if len(reached.intersection(group.members)) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    def cosigned_by(self, note: Note) -> Mapping[str, int]:
        """The witnesses that cosigned the note, by their names here, and when (s since 1970)."""
        names = {one.key: one.name for one in self.witnesses}
        return {names[key]: at_s for key, at_s in cosigned(note, names).items()}

    def verify(self, note: Note) -> Checkpoint:
        """The checkpoint, if one of the logs signed it and enough witnesses cosigned it.

        NotSigned, CheckpointMalformed or QuorumMissed otherwise.
        """
        made = checkpoint(note.text)
        note.opened([key for key, _ in self.logs if key.name == made.origin])
        if not self.is_witnessed(self.cosigned_by(note).keys()):
            raise QuorumMissed
        return made


def trust_policy(text: str) -> TrustPolicy:
    """A policy out of its text; TrustPolicyMalformed for every other one."""
    reading = _Reading()
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) > LINES_MAX:
        raise TrustPolicyMalformed("the last line has no end, or there are too many")
    for number, line in enumerate(lines, 1):
        if _OTHER.search(line):
            raise TrustPolicyMalformed(f"line {number}: a control character")
        words = [word for word in re.split(r"[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            try:
                reading.take(words)
            except (ValueError, VerifierKeyMalformed) as fault:
                reason = str(fault) or "the key is none of this kind"
                raise TrustPolicyMalformed(f"line {number}: {reason}") from None
    return reading.policy()


class _Reading:
    """A policy as its lines come."""

    def __init__(self) -> None:
        self._logs: list[tuple[VerifierKey, str | None]] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._known: set[str] = set()
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        """One line; ValueError when it is none."""
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self._log(verifier_key(key), url)
            case ["witness", name, key, *url] if len(url) <= 1:
                self._witness(Witness(self._new(name), witness_key(key), url[0] if url else None))
            case ["group", name, count, *members] if members:
                self._group(name, count, members)
            case ["quorum", name]:
                if self._quorum is not None:
                    raise ValueError("a second quorum")
                if name != NOBODY and name not in self._known:
                    raise ValueError("the quorum is not defined before it")
                self._quorum = name
            case _:
                raise ValueError("no log, witness, group or quorum")

    def policy(self) -> TrustPolicy:
        """All of it, once every line was taken."""
        if self._quorum is None:
            raise TrustPolicyMalformed("there is no quorum")
        return TrustPolicy(
            tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum
        )

    def _log(self, key: VerifierKey, url: list[str]) -> None:
        if key.public_key in {known.public_key for known, _ in self._logs}:
            raise ValueError("two logs have one key")
        self._logs.append((key, url[0] if url else None))

    def _witness(self, made: Witness) -> None:
        if made.key.public_key in {one.key.public_key for one in self._witnesses}:
            raise ValueError("two witnesses have one key")
        self._witnesses.append(made)
        self._known.add(made.name)

    def _group(self, name: str, count: str, members: list[str]) -> None:
        new = self._new(name)
        if len(members) > MEMBERS_MAX or not self._known.issuperset(members):
            raise ValueError("a member is not defined before its group")
        if len(set(members)) < len(members) or self._members.intersection(members):
            raise ValueError("a member is named twice")
        threshold = {"any": 1, "all": len(members)}.get(count)
        if threshold is None:
            threshold = int(count) if _COUNT.fullmatch(count) else 0
        if not 1 <= threshold <= len(members):
            raise ValueError("the group can never be witnessed, or always is")
        self._members.update(members)
        self._groups.append(Group(new, threshold, tuple(members)))
        self._known.add(name)

    def _new(self, name: str) -> str:
        if name == NOBODY or name in self._known:
            raise ValueError("the name is taken")
        return name
