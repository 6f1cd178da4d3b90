"""Signed notes, verifier keys, checkpoints and proofs as texts (C2SP)."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import (
    Note,
    NoteMalformed,
    NotSigned,
    Signature,
    VerifierKey,
    VerifierKeyMalformed,
    is_key_name,
    read_note,
    verifier_key,
)
from app.tlog.proof_text import InclusionProof, ProofMalformed, inclusion_proof
from app.tlog.proofs import ProofInvalid
from tests.tlog import reference

# The example in the documentation of Go's golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
).encode()
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
ORIGIN = "ledger.example/log"


def key_of(private: Ed25519PrivateKey, name: str = ORIGIN) -> VerifierKey:
    return VerifierKey(name, private.public_key().public_bytes_raw())


KEY = key_of(PRIVATE)


def signed(text: str, *privates: Ed25519PrivateKey) -> Note:
    return Note(text, tuple(key_of(one).sign(text, one.sign) for one in privates or (PRIVATE,)))


def test_a_note_signed_by_another_program_opens() -> None:
    key = verifier_key(GO_KEY)
    note = read_note(GO_NOTE)

    assert str(key) == GO_KEY
    assert bytes(note) == GO_NOTE
    assert note.opened([key]).endswith("what your problem is.\n")


def test_a_verifier_key_of_another_log_has_the_id_that_is_in_it() -> None:
    """The key of Go's checksum database."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

    assert str(verifier_key(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        GO_KEY + "A",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY.replace("PeterNeumann", ""),
        GO_KEY.replace("+ARpc", "+BRpc"),
        "name+00000000+",
        "name+00000000+AQ==",
        "name+00000000+!!!!",
    ],
)
def test_another_text_is_no_verifier_key(text: str) -> None:
    with pytest.raises(VerifierKeyMalformed):
        verifier_key(text)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ledger.example/log", True),
        ("", False),
        ("a b", False),
        ("a+b", False),
        ("a\u00a0b", False),
        ("a\u200bb", False),
        ("å", True),
    ],
)
def test_a_name_of_a_key_has_neither_space_nor_plus(name: str, good: bool) -> None:
    assert is_key_name(name) is good


def test_a_second_signature_and_cosignatures_stand_beside_ours() -> None:
    text = Checkpoint(ORIGIN, 0, EMPTY_ROOT).text()
    ours = signed(text).signatures[0]
    unknown = Signature("witness.example", b"\x01\x02\x03\x04", b"\x00" * 2424)
    note = Note(text, (unknown, ours, key_of(OTHER).sign(text, OTHER.sign)))

    again = read_note(bytes(note))

    assert again == note
    assert again.opened([KEY]) == text
    assert again.opened([KEY, key_of(OTHER)]) == text
    reference.open_checkpoint(bytes(note), str(KEY))


def test_nothing_opens_without_a_good_signature_of_a_trusted_key() -> None:
    note = signed("text\n")
    [line] = note.signatures
    broken = Signature(line.name, line.key_id, bytes(64))
    for trusted, bad in (
        ([], note),
        ([key_of(OTHER)], note),
        ([key_of(PRIVATE, "other.example")], note),
        ([KEY], Note("texT\n", (line,))),
        ([KEY], Note("text\n", (broken,))),
        ([KEY], Note("text\n", (line, broken))),
        ([KEY], Note("text\n", (Signature(line.name, bytes(4), line.signature),))),
        ([KEY], Note("text\n", (Signature(line.name, line.key_id, b"short"),))),
    ):
        with pytest.raises(NotSigned):
            bad.opened(trusted)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    line = signed("text\n").signatures[0]

    assert not VerifierKey(ORIGIN, b"short").verifies("text\n", line)


SIGNATURE_LINE = bytes(signed("x\n")).split(b"\n\n")[1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"\n\n" + SIGNATURE_LINE,
        b"text\n" + SIGNATURE_LINE,
        b"text\n\n",
        b"text\n\n" + SIGNATURE_LINE[:-1],
        b"text\n\n" + SIGNATURE_LINE + b"more\n",
        b"te\x00xt\n\n" + SIGNATURE_LINE,
        b"te\rxt\n\n" + SIGNATURE_LINE,
        b"te\xffxt\n\n" + SIGNATURE_LINE,
        b"text\n\n" + SIGNATURE_LINE.replace("\u2014".encode(), b"-"),
        b"text\n\n\xe2\x80\x94 name AAAAAA==\n",
        b"text\n\n\xe2\x80\x94 name AAA\n",
        b"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n",
        b"text\n\n" + SIGNATURE_LINE * 65,
        b"x" * 1_000_000 + b"\n\n" + SIGNATURE_LINE,
    ],
)
def test_other_bytes_are_no_note(data: bytes) -> None:
    with pytest.raises(NoteMalformed):
        read_note(data)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_a_note_comes_back_as_it_was_signed(line: str) -> None:
    note = signed(f"{line}\n\n{line}x\n")

    assert read_note(bytes(note)).opened([KEY]) == note.text


def test_a_checkpoint_has_three_lines() -> None:
    made = Checkpoint(ORIGIN, 20_852_163, EMPTY_ROOT)

    assert made.text() == (
        "ledger.example/log\n20852163\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )
    assert checkpoint(made.text()) == made


ROOT = b64encode(EMPTY_ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n1\n{ROOT}",
        f"{ORIGIN}\n1\n{ROOT}\nextension\n",
        f"{ORIGIN}\n1\n{ROOT}\n\n",
        f"\n1\n{ROOT}\n",
        f"{ORIGIN}\n01\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n1\n{ROOT.replace('U=', 'V=')}\n",
        f"{ORIGIN}\n1\n!!!\n",
        f"{ORIGIN}\n{'9' * 20}\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n\u0661\n{ROOT}\n",
    ],
)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointMalformed):
        checkpoint(text)


ENTRIES = [b"one", b"two", b"three"]
LEAVES = [reference.leaf(entry) for entry in ENTRIES]
HEAD = signed(Checkpoint(ORIGIN, 3, reference.mth(LEAVES)).text())


def proof_of(index: int, extra: bytes | None = None) -> InclusionProof:
    return InclusionProof(index, tuple(reference.path(index, LEAVES)), HEAD, extra)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("extra", [None, b"", b"anything\n"])
def test_a_proof_stands_alone(index: int, extra: bytes | None) -> None:
    proof = proof_of(index, extra)

    assert inclusion_proof(bytes(proof)) == proof
    assert proof.verify(LEAVES[index], [KEY]).size == 3
    assert reference.open_proof(bytes(proof), str(KEY), ENTRIES[index]) == (index, 3)


def test_a_proof_proves_one_entry_under_one_log() -> None:
    proof = proof_of(1)

    with pytest.raises(ProofInvalid):
        proof.verify(LEAVES[0], [KEY])
    with pytest.raises(NotSigned):
        proof.verify(LEAVES[1], [key_of(OTHER)])
    with pytest.raises(NotSigned):
        proof.verify(LEAVES[1], [key_of(PRIVATE, "other.example/log")])


WHOLE = bytes(proof_of(1)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        WHOLE.replace("@v1", "@v2"),
        WHOLE.replace("index 1", "index 01"),
        WHOLE.replace("index 1", "index -1"),
        WHOLE.replace("index 1", "indeks 1"),
        WHOLE.replace("index 1\n", ""),
        WHOLE.replace("index 1", "index 1\n"),
        WHOLE.replace("index 1", "index 1\nAAAA"),
        WHOLE.replace("index 1", "index 1\n!"),
        WHOLE.replace("index 1", "extra !\nindex 1"),
        WHOLE.replace("index 1", "extra AB==\nindex 1"),
        WHOLE.replace("index 1", "extra \u00e5\nindex 1"),
        WHOLE.replace("index 1", "index 1" + f"\n{ROOT}" * 65),
        WHOLE.partition("\n\n")[0] + "\n",
        "c2sp.org/tlog-proof@v1\n\n" + WHOLE.partition("\n\n")[2],
        "c2sp.org/tlog-proof@v1\nextra AAAA\n\n" + WHOLE.partition("\n\n")[2],
    ],
)
def test_another_text_is_no_proof(text: str) -> None:
    with pytest.raises((ProofMalformed, NoteMalformed, CheckpointMalformed)):
        inclusion_proof(text.encode())
