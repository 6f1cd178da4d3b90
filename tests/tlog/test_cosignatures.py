"""Cosignatures of witnesses (C2SP tlog-cosignature v1): made, checked, and passed over."""

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.tlog.checkpoints import Checkpoint
from app.tlog.cosignatures import CosignatureInvalid, WitnessKey, cosigned, witness_key
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import Note, Signature, VerifierKey, VerifierKeyMalformed, read_note
from tests.tlog import reference

WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32)
LOG = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
TEXT = Checkpoint("ledger.example/log", 7, EMPTY_ROOT).text()
AT_S = 1_679_315_147
# A witness of the public network, as its operator publishes the key.
PUBLISHED = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"


def key_of(private: Ed25519PrivateKey, name: str = "witness.example/w1") -> WitnessKey:
    return WitnessKey(name, private.public_key().public_bytes_raw())


KEY = key_of(WITNESS)
LINE = KEY.cosign(TEXT, AT_S, WITNESS.sign)


def test_the_key_of_another_witness_has_the_id_that_is_in_it() -> None:
    assert str(witness_key(PUBLISHED)) == PUBLISHED


def test_a_key_of_a_log_is_no_key_of_a_witness() -> None:
    with pytest.raises(VerifierKeyMalformed):
        witness_key(str(VerifierKey("a", KEY.public_key)))


def test_a_cosignature_tells_its_time() -> None:
    assert KEY.cosigned_at_s(TEXT, LINE) == AT_S
    assert reference.open_cosignature(TEXT, str(LINE), str(KEY)) == AT_S


@given(st.integers(0, 2**63 - 1), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_time_and_any_checkpoint_come_back(at_s: int, origin: str) -> None:
    text = f"{origin}\n7\nx\n"

    assert KEY.cosigned_at_s(text, KEY.cosign(text, at_s, WITNESS.sign)) == at_s


@given(st.integers(0, 75), st.integers(0, 7))
def test_no_bit_of_a_cosignature_can_be_turned(place: int, bit: int) -> None:
    raw = bytearray(LINE.key_id + LINE.signature)
    raw[place] ^= 1 << bit
    turned = Signature(LINE.name, bytes(raw[:4]), bytes(raw[4:]))

    with pytest.raises(CosignatureInvalid):
        KEY.cosigned_at_s(TEXT, turned)


@pytest.mark.parametrize(
    "line",
    [
        KEY.cosign(TEXT.replace("7", "8"), AT_S, WITNESS.sign),
        KEY.cosign(TEXT, AT_S, OTHER.sign),
        key_of(OTHER).cosign(TEXT, AT_S, OTHER.sign),
        key_of(WITNESS, "witness.example/w2").cosign(TEXT, AT_S, WITNESS.sign),
        Signature(LINE.name, LINE.key_id, LINE.signature[:-1]),
        Signature(LINE.name, LINE.key_id, LINE.signature + b"\x00"),
        # A plain signature by the same key is a statement of another kind.
        Signature(LINE.name, LINE.key_id, struct.pack(">Q", AT_S) + WITNESS.sign(TEXT.encode())),
        # Times beyond what anybody can store.
        KEY.cosign(TEXT, 2**63, WITNESS.sign),
    ],
)
def test_another_line_is_no_cosignature(line: Signature) -> None:
    with pytest.raises(CosignatureInvalid):
        KEY.cosigned_at_s(TEXT, line)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    key = WitnessKey("w", b"short")

    with pytest.raises(CosignatureInvalid):
        key.cosigned_at_s(TEXT, key.cosign(TEXT, AT_S, WITNESS.sign))


def test_what_others_wrote_under_a_note_is_passed_over() -> None:
    log = VerifierKey("ledger.example/log", LOG.public_key().public_bytes_raw())
    forged = Signature(KEY.name, KEY.key_id, bytes(72))
    later = KEY.cosign(TEXT, AT_S + 5, WITNESS.sign)
    note = Note(TEXT, (log.sign(TEXT, LOG.sign), forged, LINE, later))

    again = read_note(bytes(note))

    assert cosigned(again, [KEY, key_of(OTHER)]) == {KEY: AT_S + 5}
    assert again.opened([log]) == TEXT
