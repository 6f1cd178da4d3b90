"""What a witness answers (C2SP tlog-witness), decided without any input or output."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.tlog.checkpoints import Checkpoint
from app.tlog.notes import Note, Signature, VerifierKey
from app.tlog.witnessing import (
    IMPOSSIBLE,
    UNKNOWN_LOG,
    UNPROVED,
    UNTRUSTED,
    AddCheckpoint,
    AddCheckpointMalformed,
    Conflicting,
    Consistent,
    Head,
    Judgement,
    add_checkpoint,
    conflicting_size,
    judge,
    size_body,
)
from tests.tlog import reference

ORIGIN = "sibling.example/log"
LOG = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
KEY = VerifierKey(ORIGIN, LOG.public_key().public_bytes_raw())
LEAVES = [reference.leaf(b"%d" % number) for number in range(40)]
FORK = [*LEAVES[:10], *(reference.leaf(b"other %d" % number) for number in range(30))]


def note(size: int, leaves: list[bytes] = LEAVES, *, origin: str = ORIGIN) -> Note:
    text = Checkpoint(origin, size, reference.mth(leaves[:size])).text()
    return Note(text, (VerifierKey(origin, KEY.public_key).sign(text, LOG.sign),))


def request(old: int, size: int, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    path = reference.proof(old, leaves[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(path), note(size, leaves))


def head(size: int, leaves: list[bytes] = LEAVES) -> Head:
    return Head(size, reference.mth(leaves[:size]))


def judged(asked: AddCheckpoint, known: Head | None) -> Judgement:
    return judge(asked, [KEY], known)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_log_that_only_grew_is_cosigned(one: int, other: int) -> None:
    old, size = sorted((one, other))
    known = head(old) if old else None

    assert judged(add_checkpoint(bytes(request(old, size))), known) == Consistent(head(size))


@given(st.integers(11, 39), st.integers(11, 40), st.booleans())
def test_a_fork_is_never_cosigned(old: int, size: int, truthful: bool) -> None:
    """Whatever old size and proof it sends, out of its own tree or of the one that is known."""
    for claimed in (old, size, 0, 10):
        if claimed > size:
            continue
        asked = request(claimed, size, FORK)
        if truthful and 0 < claimed < size:
            asked = AddCheckpoint(
                claimed, tuple(reference.proof(claimed, LEAVES[:size])), asked.note
            )
        assert not isinstance(judged(asked, head(old)), Consistent)


def test_another_size_than_the_known_one_is_told_what_is_known() -> None:
    assert judged(request(0, 20), head(10)) == Conflicting(10)
    assert judged(request(20, 20), head(10)) == Conflicting(10)
    assert judged(request(5, 8), head(10)) == Conflicting(10)
    assert judged(request(5, 20), None) == Conflicting(0)


def test_another_root_of_the_known_size_is_a_conflict() -> None:
    assert judged(request(20, 20, FORK), head(20)) == Conflicting(20)
    assert judged(request(0, 0, FORK), None) == Consistent(head(0))


def test_the_empty_tree_has_one_root() -> None:
    text = Checkpoint(ORIGIN, 0, b"\x01" * 32).text()
    asked = AddCheckpoint(0, (), Note(text, (KEY.sign(text, LOG.sign),)))

    assert judged(asked, None) == Conflicting(0)


def test_a_proof_that_does_not_prove_is_refused() -> None:
    good = request(10, 20)
    for path in ((), good.path[:-1], (*good.path, bytes(32)), tuple(reversed(good.path))):
        assert judged(AddCheckpoint(10, path, good.note), head(10)) == UNPROVED
    assert judged(AddCheckpoint(0, good.path, good.note), None) == UNPROVED
    assert judged(AddCheckpoint(20, good.path, good.note), head(20)) == UNPROVED


def test_strangers_learn_nothing_of_the_size() -> None:
    [line] = note(20).signatures
    forged = Signature(line.name, line.key_id, bytes(64))
    unsigned = AddCheckpoint(3, (), Note(note(20).text, (forged,)))
    by_another = VerifierKey(ORIGIN, OTHER.public_key().public_bytes_raw())
    other_key = Note(note(20).text, (by_another.sign(note(20).text, OTHER.sign),))

    assert judged(unsigned, head(10)) == UNTRUSTED
    assert judged(AddCheckpoint(3, (), other_key), head(10)) == UNTRUSTED
    assert judged(AddCheckpoint(3, (), note(20, origin="a.example")), head(10)) == UNKNOWN_LOG
    assert judge(request(3, 20), [], head(10)) == UNKNOWN_LOG


def test_lines_of_unknown_keys_are_ignored() -> None:
    [line] = note(20).signatures
    forged = Signature(line.name, line.key_id, bytes(64))
    unknown = Signature("witness.example", b"\x01\x02\x03\x04", bytes(72))
    asked = AddCheckpoint(0, (), Note(note(20).text, (unknown, forged, line)))

    assert judged(asked, None) == Consistent(head(20))


def test_an_old_size_beyond_the_checkpoint_cannot_be() -> None:
    assert judged(AddCheckpoint(21, (), note(20)), head(10)) == IMPOSSIBLE


WHOLE = bytes(request(10, 20)).decode()
HASH = WHOLE.split("\n")[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        WHOLE.replace("old 10", "old 010"),
        WHOLE.replace("old 10", "old -1"),
        WHOLE.replace("old 10", "old  10"),
        WHOLE.replace("old 10", "old 10 "),
        WHOLE.replace("old 10", "Old 10"),
        WHOLE.replace("old 10", "old " + "9" * 20),
        WHOLE.replace("old 10\n", ""),
        WHOLE.replace("old 10", "old \u0661"),
        WHOLE.replace(HASH, HASH[:-1]),
        WHOLE.replace(HASH, "AAAA"),
        WHOLE.replace(HASH, "\n".join([HASH] * 64)),
        WHOLE.replace("\n\n", "\n", 1),
        WHOLE.partition("\n\n")[0] + "\n\n",
        WHOLE.replace(f"{ORIGIN}\n20\n", f"{ORIGIN}\n020\n"),
        WHOLE[:-1],
        WHOLE.replace("\n", "\r\n"),
        WHOLE + "more\n",
    ],
)
def test_another_text_is_no_request(text: str) -> None:
    with pytest.raises(AddCheckpointMalformed):
        add_checkpoint(text.encode())


@given(st.binary(max_size=300))
def test_no_bytes_are_a_fault(data: bytes) -> None:
    with pytest.raises(AddCheckpointMalformed):
        add_checkpoint(data)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"20\n", 20),
        (b"0\n", 0),
        (b"20", None),
        (b"020\n", None),
        (b"-1\n", None),
        (b"20\n\n", None),
        (b"9" * 20 + b"\n", None),
        (b"", None),
        ("\u0661\n".encode(), None),
    ],
)
def test_a_size_is_a_number_and_a_line_feed(body: bytes, size: int | None) -> None:
    assert conflicting_size(body) == size
    assert size is None or size_body(size) == body
