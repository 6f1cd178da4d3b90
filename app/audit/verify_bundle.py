"""Verifies an auditor's bundle of a Personal Data Ledger, offline.

    python3 verify.py [BUNDLE] [--vkey KEY] [--policy FILE] [--checkpoint FILE]

BUNDLE is the zip, or the folder that it was unpacked into; without it, the folder of this file. It
needs Python 3.11 and the package `cryptography`, and nothing of the program that made the bundle.
Formats: RFC 6962 trees, and from c2sp.org signed-note, tlog-checkpoint, tlog-cosignature,
tlog-policy, tlog-tiles, tlog-proof. Exit codes: 0 verified, 1 not verified, 2 wrong usage.

Trust nothing that the bundle says of its own keys: compare the verifier key with one that you got
by another way, or name that one with --vkey. Nor trust the copy of this file in a bundle of which
you do not know who made it: take one from elsewhere.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
FILE_MAX_BYTES = 1 << 27
ERASURES = ("erasure.executed", "retention.executed")
CONTROL = (
    *("contract", "epoch", "law", "legitimate-interest", "log", "necessity", "policy"),
    *("policy-text", "receiver", "register", "safeguard", "standing-finding", "storage"),
    "transfer-mechanism",
)
"""What only streams of the controller tell of: the first word of a type."""


EPOCH_STEPS = {
    "epoch.closed": "epoch.opened",
    "epoch.condemned": "epoch.closed",
    "epoch.destroyed": "epoch.condemned",
}
"""A step of a key epoch, and the one that must come before it; the first epoch is open at once."""


class Wrong(Exception):
    """Something is not as it must be; says where and what."""


MALFORMED = (Wrong, ValueError, LookupError, TypeError, AttributeError, StopIteration)
UNREADABLE = (
    *(*MALFORMED, ArithmeticError, EOFError, OSError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


def tree_hash(nodes: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1, over the hashes of subtrees that are alike; the last may be a smaller one."""
    if len(nodes) == 1:
        return nodes[0]
    middle = 1 << (len(nodes) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_hash(nodes[:middle]) + tree_hash(nodes[middle:]))


def root_of(levels: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree, by the hashes of its unfinished tile at each level, leaves first."""
    rest: list[bytes] = []
    for hashes in levels:
        rest = [tree_hash([*hashes, *rest])] if hashes or rest else []
    return rest[0] if rest else sha256(b"")


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1.1: the root that an audit path leads to."""
    if (size == 1) == bool(path):
        raise Wrong("the proof is too long or too short")
    if size == 1:
        return leaf
    middle = 1 << (size - 1).bit_length() - 1
    if index < middle:
        return sha256(b"\x01" + root_by_path(leaf, index, middle, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + root_by_path(leaf, index - middle, size - middle, path[:-1]))


def unbase64(text: str) -> bytes:
    content = base64.b64decode(text, validate=True)
    if base64.b64encode(content).decode() != text:
        raise Wrong("something is not base64 as it is written")
    return content


class Key:
    """A verifier key, name+id+key; kind 1 signs checkpoints of a log, kind 4 cosigns them."""

    def __init__(self, text: str, kind: int) -> None:
        self.text = text
        self.name, self.id, encoded = text.split("+", 2)
        content = unbase64(encoded)
        self.public = content[1:]
        named = self.name.encode() + b"\n" + content[:1] + self.public
        if content[0] != kind or len(content) != 33 or sha256(named)[:4].hex() != self.id:
            raise Wrong("a verifier key is malformed")

    def check(self, signature: bytes, message: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Wrong(f"the signature of {self.name} is wrong") from None


class Policy:
    """c2sp.org/tlog-policy: the log's keys, its witnesses, and how many of them must agree."""

    def __init__(self, text: str) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: list[tuple[str, int, list[str]]] = []
        self.quorum = ""
        lines = [re.split("[ \t]+", line.strip(" \t")) for line in text.split("\n")]
        for number, words in enumerate(lines, 1):
            known = {*self.witnesses, *(name for name, _, _ in self.groups)}
            inside = {member for _, _, members in self.groups for member in members}
            match [] if words[0][:1] in ("", "#") else words:
                case []:
                    continue
                case ["log", key] | ["log", key, _]:
                    self.logs.append(Key(key, 1))
                case ["witness", name, key] | ["witness", name, key, _] if name not in known:
                    self.witnesses[name] = Key(key, 4)
                case ["group", name, count, *members] if known - inside >= {*members}:
                    most = len({*members})
                    threshold = int({"any": "1", "all": str(most)}.get(count, count))
                    if name in known or most < len(members) or not 1 <= threshold <= most:
                        raise Wrong(f"policy, line {number}: there can be no such group")
                    self.groups.append((name, threshold, members))
                case ["quorum", name] if not self.quorum and name in {"none", *known}:
                    self.quorum = name
                case _:
                    raise Wrong(f"policy, line {number}: it is none of a policy")
        owners = {key.public for key in self.witnesses.values()}
        if not self.quorum or "none" in self.witnesses or len(owners) < len(self.witnesses):
            raise Wrong("policy: it has no quorum, or one witness twice")

    def is_met(self, names: set[str]) -> bool:
        reached = set(names)
        for name, threshold, members in self.groups:
            if len(reached.intersection(members)) >= threshold:
                reached.add(name)
        return self.quorum == "none" or self.quorum in reached


def open_checkpoint(note: bytes, policy: Policy) -> tuple[int, bytes, set[str]]:
    """Size, root, and the witnesses that cosigned, if the log's key signed the note."""
    text, blank, lines = note.decode().rpartition("\n\n")
    body = f"{text}\n".encode()
    origin, size, root = text.split("\n")
    if not blank or not lines.endswith("\n") or str(int(size)) != size:
        raise Wrong("it is no checkpoint")
    signed, witnesses = False, set()
    for line in lines[:-1].split("\n"):
        dash, name, encoded = line.split(" ")
        signature = unbase64(encoded)
        by = (dash, name, signature[:4].hex())
        for key in policy.logs:
            if key.name == origin and by == ("\u2014", key.name, key.id):
                key.check(signature[4:], body)
                signed = True
        for witness, key in policy.witnesses.items():
            if by == ("\u2014", key.name, key.id):
                time = int.from_bytes(signature[4:12], "big")
                key.check(signature[12:], b"cosignature/v1\ntime %d\n" % time + body)
                witnesses.add(witness)
    if not signed:
        raise Wrong("no key of the log that is trusted signed it")
    return int(size), unbase64(root), witnesses


class Bundle:
    """The files of a bundle, in its zip or unpacked."""

    def __init__(self, place: Path) -> None:
        self.zip = zipfile.ZipFile(place) if place.is_file() else None
        self.folder, self.reading = place, ""
        self.size, self.root, self.note = 0, b"", b""
        self.about: dict[str, Any] = {}
        if self.zip:
            names = [one.filename for one in self.zip.infolist() if not one.is_dir()]
        else:
            files = (file for file in place.rglob("*") if file.is_file())
            names = [file.relative_to(place).as_posix() for file in files]
        self.names = {*names}
        self.unread = self.names - {"SHA256SUMS", "report.html", "verify.py", "policy"}
        self.twice = len(names) - len(self.names)

    def content(self, name: str) -> bytes:
        if name not in self.names:
            raise Wrong(f"{name} is missing")
        self.reading, file = name, self.folder / name
        if (self.zip.getinfo(name).file_size if self.zip else file.stat().st_size) > FILE_MAX_BYTES:
            raise Wrong("it is larger than any file of a bundle")
        return self.zip.read(name) if self.zip else file.read_bytes()

    def read(self, name: str) -> bytes:
        """The content of a file that belongs there."""
        self.unread.discard(name)
        return self.content(name)

    def open(self, policy: Policy) -> set[str]:
        """What the bundle is about, by a checkpoint that the policy trusts; who cosigned that."""
        self.about = json.loads(self.read("bundle.json"))
        self.note = self.read("checkpoint")
        self.size, self.root, witnesses = open_checkpoint(self.note, policy)
        if not policy.is_met(witnesses):
            raise Wrong("too few witnesses cosigned it")
        origin = self.note.decode().partition("\n")[0]
        said = tuple(self.about[name] for name in ("format", "origin", "size", "root"))
        if said != (1, origin, self.size, self.root.hex()):
            raise Wrong("bundle.json says something else than it")
        return witnesses

    def check_sums(self) -> Iterator[str]:
        listed: dict[str, str] = {}
        if self.twice:
            yield "the zip: it has several files of one name"
        for line in self.read("SHA256SUMS").decode().splitlines(keepends=True):
            digest, name = line[:64], line[66:-1]
            if line != f"{digest}  {name}\n" or name in listed:
                yield f"SHA256SUMS: the line of {name!r} is malformed"
            listed[name] = digest
        for name in sorted(listed.keys() | self.names - {"SHA256SUMS"}):
            if name not in self.names or sha256(self.content(name)).hex() != listed.get(name):
                yield f"{name}: it is not the file that SHA256SUMS lists"


class Streams:
    """What entries say of each other: chains, keys, erasures. Some 300 bytes a stream and key."""

    def __init__(self) -> None:
        self.heads: dict[str, tuple[int, bytes, str]] = {}
        self.keys: dict[str, tuple[str, list[tuple[int, int, bytes]]]] = {}
        self.erased: set[str] = set()
        self.epochs: dict[int, list[tuple[str, int]]] = {1: [("epoch.opened", -1)]}
        self.prepared: dict[tuple[str, str], list[str]] = {}
        self.gone: dict[tuple[str, str, str], int] = {}
        self.giving_up = False

    def take(self, entry: bytes) -> Any:
        """The next entry of its stream; Wrong where it does not follow the one before."""
        first, second, rest = entry.split(b"\n")
        core, seals = json.loads(first), json.loads(second)
        stream, version = core["s"], core["n"]
        before, link, at = self.heads.get(stream, (0, None, ""))
        self.heads[stream] = (version, leaf_hash(entry), max(at, core["at"]))
        if rest or core["v"] != 1:
            raise Wrong("it is no entry of format 1")
        if version != before + 1:
            raise Wrong(f"version {version} of its stream follows version {before}")
        if (None if core["p"] is None else unbase64(core["p"])) != link:
            raise Wrong("the chain of its stream is broken")
        if core["at"] < at:
            raise Wrong("it was recorded before the one that it follows")
        for index, seal in enumerate(seals):
            # The first section under a key has the key's commitment, and no other has.
            if seal["i"] != index or ("kc" in seal) == (seal["k"] in self.keys):
                raise Wrong("a key is opened twice, or used before it is opened")
            owner, sections = self.keys.setdefault(seal["k"], (stream, []))
            if owner != stream or seal["k"] in self.erased:
                raise Wrong("a key of another stream, or an erased one, is used")
            sections.append((version, index, unbase64(seal["h"])))
        if core["t"] in ERASURES:
            self.erase(stream, core["d"])
        return core

    def take_epochs(self, position: int, core: dict[str, Any]) -> None:
        """The steps of the key epochs, and what an erasure says of them; of a whole log only."""
        kind, said = core["t"], core["d"]
        if kind == "epoch.restored":
            self.restore_epochs(position, said)
        elif kind.startswith("epoch."):
            epoch, last = said["epoch"], {key: steps[-1] for key, steps in self.epochs.items()}
            steps = self.epochs.setdefault(epoch, [])
            if kind == "epoch.opened":
                leaving = {"epoch.closed", "epoch.condemned"} & {step for step, _ in last.values()}
                legal = epoch == len(last) + 1 and not leaving
            else:
                before = EPOCH_STEPS.get(kind, "epoch.closed")
                # There is always one in use: the next is opened before one takes no more.
                legal = bool(steps) and steps[-1][0] == before
                legal = legal and (kind != "epoch.closed" or epoch < max(self.epochs))
            if kind in EPOCH_STEPS or kind == "epoch.opened":
                steps.append((kind, position))
            if kind.endswith(("give-up-requested", "give-up-completed", "condemned")):
                self.giving_up = kind.endswith("requested")
            if not legal:
                raise Wrong("a key epoch cannot take that step")
        elif said.get("cause") == "key_lost" and not self.giving_up:
            raise Wrong("a key is given up that nobody asked to give up")
        elif kind.startswith("erasure."):
            self.assure(position, kind, (core["s"], said.get("erasure", "")), said)

    def restore_epochs(self, position: int, said: dict[str, Any]) -> None:
        """A newer keyring was put over an older state of the database, and brought its epochs."""
        former, opened, active = max(self.epochs), said["opened"], said["epoch"]
        leaving = {"epoch.closed", "epoch.condemned"} & {s[-1][0] for s in self.epochs.values()}
        legal = [former, *opened] == list(range(former, active + 1)) and not (opened and leaving)
        if not legal or active in said["destroyed"]:
            raise Wrong("a keyring cannot bring these key epochs")
        if opened:
            self.epochs[former].append(("epoch.closed", position))
        for epoch in opened:
            gone = "epoch.destroyed" if epoch in said["destroyed"] else "epoch.closed"
            now = "epoch.opened" if epoch == active else gone
            self.epochs[epoch] = [("epoch.opened", position), (now, position)]

    def assure(self, position: int, kind: str, own: tuple[str, str], said: dict[str, Any]) -> None:
        """E3 is true of a class when every epoch opened before it was destroyed is gone."""
        if kind == "erasure.prepared":
            self.prepared[own] = said["erased"]
        elif kind == "erasure.executed":
            names = self.prepared.get(own, []) if said["step"] == "subject" else said["classes"]
            self.gone |= {(*own, name): position for name in names}
        elif kind == "erasure.assured" and said["level"] == "e3":
            for name in said["classes"]:
                at = self.gone.get((*own, name), 1 << 62)
                lived = [steps for steps in self.epochs.values() if steps[0][1] < at]
                if any(steps[-1][0] != "epoch.destroyed" for steps in lived):
                    raise Wrong("it says of backups what the key epochs do not allow")

    def erase(self, stream: str, said: dict[str, Any]) -> None:
        """Keys of this stream, none of them twice, with exactly what was sealed under them."""
        gone: list[tuple[int, int, bytes]] = []
        for key in said["keys"]:
            owner, sections = self.keys.get(key, ("", []))
            if owner != stream or key in self.erased:
                raise Wrong("a key is erased that is not there to be erased")
            self.erased.add(key)
            gone += sections
        root = root_of([[leaf_hash(blob_hash) for _, _, blob_hash in sorted(gone)]])
        if (len(gone), root.hex()) != (said["blobs"], said["root"]):
            raise Wrong("it erased something else than was sealed")


def verify_log(bundle: Bundle, streams: Streams, kept: dict[int, set[bytes]]) -> Iterator[str]:
    """Every entry, tile and root of the whole log; what is wrong, place by place."""
    levels: list[list[bytes]] = [[]]
    control = iter(bundle.read("control.ndjson").splitlines())
    for first in range(0, bundle.size, WIDTH):
        name = tile_name("entries", first // WIDTH, min(WIDTH, bundle.size - first))
        for position, entry in enumerate(entries_in(bundle.read(name)), first):
            place = f"position {position} ({name})"
            try:
                core = streams.take(entry)
                streams.take_epochs(position, core)
                if core["s"] in bundle.about["control"]:
                    if {"position": position, **core} != json.loads(next(control)):
                        raise Wrong("control.ndjson lists something else")
                elif core["t"].partition(".")[0] in CONTROL:
                    raise Wrong("control.ndjson leaves it out")
            except MALFORMED as fault:
                yield f"{place}: {reason(fault)}"
            levels[0].append(leaf_hash(entry))
            if position + 1 in kept and {root_of(levels)} != kept.pop(position + 1):
                yield f"{place}: up to here the log is not the one of a checkpoint that you kept"
        level, index = 0, first // WIDTH
        while len(levels[level]) == WIDTH:  # a full tile: its hash goes one level up
            yield from compare(bundle, tile_name(str(level), index, WIDTH), levels[level])
            levels += [[]] if len(levels) == level + 1 else []
            levels[level + 1].append(tree_hash(levels[level]))
            levels[level].clear()
            level, index = level + 1, index // WIDTH
        progress(first + WIDTH, bundle.size)
    yield from verify_edge(bundle, levels)
    if next(control, None) is not None:
        yield "control.ndjson: it lists more than there is"
    if bundle.about["records"] != len(streams.heads):
        yield "bundle.json: there are not so many records"
    yield from (f"the log has no {size} entries, as a checkpoint that you kept" for size in kept)


def verify_edge(bundle: Bundle, levels: list[list[bytes]]) -> Iterator[str]:
    for level, hashes in enumerate(levels):
        if hashes:
            index = bundle.size // WIDTH ** (level + 1)
            yield from compare(bundle, tile_name(str(level), index, len(hashes)), hashes)
    if root_of(levels) != bundle.root:
        yield "checkpoint: the entries lead to another root"


def compare(bundle: Bundle, name: str, hashes: list[bytes]) -> Iterator[str]:
    stored = bundle.read(name)
    if len(stored) != 32 * len(hashes):
        yield f"{name}: it has not the right length"
    for number, ours in enumerate(hashes):
        if stored[32 * number : 32 * number + 32] != ours:
            yield f"{name}: its hash number {number} is not what the entries lead to"


def entries_in(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        yield content[start:at]


def tile_name(kind: str, index: int, width: int) -> str:
    groups = f"{index:,}".split(",")
    path = "/".join([*(f"x{group:0>3}" for group in groups[:-1]), groups[-1].zfill(3)])
    return f"tile/{kind}/{path}" + ("" if width == WIDTH else f".p/{width}")


def verify_record(bundle: Bundle, streams: Streams) -> Iterator[str]:
    """Every event of one stream, each with its proof under the one checkpoint."""
    if bundle.about["versions"] < 1:
        yield "bundle.json: it is of no event at all"
    for version in range(1, bundle.about["versions"] + 1):
        name = f"events/{version:06}"
        try:
            entry = bundle.read(f"{name}.entry")
            core = streams.take(entry)
            if (core["s"], core["n"]) != (bundle.about["stream"], version):
                raise Wrong("it is of another stream or version")
            check_proof(bundle, bundle.read(f"{name}.tlog-proof"), leaf_hash(entry))
        except MALFORMED as fault:
            yield f"{name}: {reason(fault)}"
            if f"{name}.entry" not in bundle.names:
                return
        progress(version, bundle.about["versions"])


def check_proof(bundle: Bundle, proof: bytes, leaf: bytes) -> None:
    """That the tree of the checkpoint has the leaf (c2sp.org/tlog-proof)."""
    head, _, note = proof.partition(b"\n\n")
    title, index, *path = head.decode().split("\n")
    place = int(index.removeprefix("index "))
    if (title, index, note) != ("c2sp.org/tlog-proof@v1", f"index {place}", bundle.note):
        raise Wrong("its proof is malformed, or under another checkpoint")
    reached = root_by_path(leaf, place, bundle.size, [unbase64(line) for line in path])
    if not 0 <= place < bundle.size or reached != bundle.root:
        raise Wrong("the tree of the checkpoint does not have it")


def reason(fault: Exception) -> str:
    told = isinstance(fault, Wrong | zipfile.BadZipFile | OSError)
    return str(fault) if told else "it is malformed"


def progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        print(f"\r{min(done, total):,} of {total:,}", end=end, file=sys.stderr, flush=True)


def problems(
    bundle: Bundle, given: Policy | None, pinned: list[Key], notes: dict[str, bytes]
) -> Iterator[str]:
    yield from bundle.check_sums()
    policy, whose = given or Policy(bundle.read("policy").decode()), "yours"
    if pinned:
        policy.logs = pinned
    elif not given:
        whose = "THE BUNDLE'S OWN, compare it"
    kept: dict[int, set[bytes]] = {0: {sha256(b"")}}
    for file, note in notes.items():
        try:
            size, root, _ = open_checkpoint(note, policy)
            kept[size] = {*kept.get(size, ()), root}
        except MALFORMED as fault:
            yield f"{file}: {reason(fault)}"
    if kept.pop(0) != {sha256(b"")}:
        yield "a checkpoint that you kept has another empty log"
    try:
        witnesses = bundle.open(policy)
    except MALFORMED as fault:
        yield f"{bundle.reading}: {reason(fault)}"
        return
    streams = Streams()
    match bundle.about["kind"]:
        case "log":
            yield from verify_log(bundle, streams, kept)
        case "record":
            yield from verify_record(bundle, streams)
            if notes:
                yield "one record cannot be compared with a checkpoint that you kept"
        case _:
            yield "bundle.json: there is no such kind of bundle"
    yield from (f"{name}: no such bundle has this file" for name in sorted(bundle.unread))
    events = sum(head[0] for head in streams.heads.values())
    say(f"{events} events, {len(streams.heads)} streams, {len(streams.erased)} keys erased")
    say(f"checkpoint of {bundle.size} entries, root {bundle.root.hex()}")
    say(f"cosigned by: {', '.join(sorted(witnesses)) or 'nobody'}")
    for key in policy.logs:
        say(f"verifier key ({whose}): {key.text}")


def say(line: str) -> None:
    """Prints it so that nothing in it can steer a terminal, or look like another line."""
    print(re.sub(r"[^ -~]", lambda found: ascii(found[0])[1:-1], line))


def main() -> int:
    options = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    options.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).parent)
    options.add_argument("--vkey", action="append", help="the log's verifier key")
    options.add_argument("--policy", type=Path, help="a policy of your own (c2sp.org/tlog-policy)")
    options.add_argument("--checkpoint", action="append", type=Path, help="one that you kept")
    chosen = options.parse_args()
    try:  # what is the caller's own
        given = Policy(chosen.policy.read_bytes().decode()) if chosen.policy else None
        pinned = [Key(text, 1) for text in chosen.vkey or ()]
        notes = {str(file): file.read_bytes() for file in chosen.checkpoint or ()}
        if not chosen.bundle.exists():
            raise Wrong(f"there is no {chosen.bundle}")
    except UNREADABLE as fault:
        options.error(reason(fault))
    bundle, found = None, 0
    try:
        bundle = Bundle(chosen.bundle)
        for found, problem in enumerate(problems(bundle, given, pinned, notes), 1):
            if found <= 50:
                say(f"WRONG  {problem}")
    except UNREADABLE as fault:
        say(f"WRONG  {bundle.reading if bundle else chosen.bundle}: {reason(fault)}")
        found += 1
    print(f"NOT VERIFIED: {found} things are wrong" if found else "VERIFIED")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
