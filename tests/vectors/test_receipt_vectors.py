"""Golden vector of a signed receipt: what is below was given, and has to verify for ever."""

import json
from pathlib import Path

from app.tlog.notes import verifier_key
from app.tlog.receipt_text import receipt_of
from app.tlog.receipts import levels, statement
from tests.tlog.giving import answered, batch_lines, events, receipt_key

VECTOR = json.loads((Path(__file__).parent / "receipt_v1.json").read_text(encoding="utf-8"))
TOGETHER = batch_lines(events(30, 11))


def test_the_receipt_of_a_fixed_key() -> None:
    assert answered(33, 2, among=(30, 41)).decode() == VECTOR["receipt"]
    assert str(receipt_key().verifier_key) == VECTOR["verifier_key"]


def test_the_leaf_the_root_and_what_is_signed() -> None:
    [root] = levels([line.leaf() for line in TOGETHER])[-1]
    name, at = receipt_key().verifier_key.name, TOGETHER[-1].at

    assert TOGETHER[3].leaf().hex() == VECTOR["leaf_at_33"]
    assert root.hex() == VECTOR["root"]
    assert statement(name, len(TOGETHER), root, at) == VECTOR["note_text"]


def test_the_receipt_is_read_and_verified() -> None:
    receipt = receipt_of(json.loads(VECTOR["receipt"]))

    receipt.verify([verifier_key(VECTOR["verifier_key"])])
    assert receipt.lines == tuple(TOGETHER[3:5])
