"""Golden vectors of cosignatures: what is below was published, and can never change."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.tlog.cosignatures import WitnessKey, cosigned, witness_key
from app.tlog.notes import Note, read_note, signature_line, verifier_key
from app.tlog.witnessing import Consistent, Head, add_checkpoint, judge
from tests.tlog import reference

HERE = Path(__file__).parent
TREE = json.loads((HERE / "tlog_v1.json").read_text(encoding="utf-8"))
VECTOR = json.loads((HERE / "cosignature_v1.json").read_text(encoding="utf-8"))
NOTE = read_note(TREE["note"]["text"].encode())
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR["seed"]))
KEY = WitnessKey(VECTOR["name"], PRIVATE.public_key().public_bytes_raw())


def test_the_line_of_a_fixed_key_at_a_fixed_time() -> None:
    line = KEY.cosign(NOTE.text, VECTOR["time"], PRIVATE.sign)
    whole = Note(NOTE.text, (*NOTE.signatures, signature_line(VECTOR["line"])))

    assert witness_key(VECTOR["verifier_key"]) == KEY
    assert str(KEY) == VECTOR["verifier_key"]
    assert str(line) == VECTOR["line"]
    assert cosigned(whole, [KEY]) == {KEY: VECTOR["time"]}
    assert (
        reference.open_cosignature(NOTE.text, VECTOR["line"], VECTOR["verifier_key"])
        == VECTOR["time"]
    )


def test_the_request_to_a_witness() -> None:
    asked = add_checkpoint(VECTOR["add_checkpoint"].encode())
    known = Head(255, bytes.fromhex(TREE["roots"]["255"]))
    grown = Head(257, bytes.fromhex(TREE["roots"]["257"]))

    assert bytes(asked).decode() == VECTOR["add_checkpoint"]
    assert judge(asked, [verifier_key(TREE["note"]["verifier_key"])], known) == Consistent(grown)
