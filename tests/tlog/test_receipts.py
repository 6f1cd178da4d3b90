"""Signed receipts: every one of a batch verifies by one signature, and no changed one does."""

import hashlib
import json
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from app.tlog.checkpoints import CheckpointMalformed, checkpoint
from app.tlog.merkle import leaf_hash
from app.tlog.notes import read_note
from app.tlog.proofs import ProofInvalid, verify_inclusion
from app.tlog.receipt_text import (
    ReceiptInvalid,
    ReceiptMalformed,
    promise_of,
    receipt_keys_in,
    receipt_of,
)
from app.tlog.receipts import ReceiptKey, key_name, levels, root_by_span, span_path, statement
from tests.tlog import reference
from tests.tlog.giving import (
    AT,
    LEDGER,
    answered,
    batch_lines,
    document,
    events,
    promised,
    receipt_key,
)

TRUSTED = [receipt_key().verifier_key]
LEAVES = [leaf_hash(b"%d" % number) for number in range(70)]


def spans(size: int) -> list[tuple[int, int]]:
    """Every place of some neighbours in a tree."""
    return [(start, end) for start in range(size) for end in range(start + 1, size + 1)]


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33])
def test_neighbours_lead_to_the_root_from_wherever_they_stand(size: int) -> None:
    leaves = LEAVES[:size]
    rows, root = levels(leaves), reference.mth(leaves)

    assert rows[-1] == [root]
    for start, end in spans(size):
        path = span_path(rows, start, end)
        assert root_by_span(leaves[start:end], start, size, path) == root
    for index in range(size):  # alone, it is the proof that everybody knows
        path = span_path(rows, index, index + 1)
        assert list(path) == reference.path(index, leaves)
        verify_inclusion(leaves[index], index, size, path=path, root=root)


@given(st.data())
def test_no_other_place_size_or_path_leads_there(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 70))
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    leaves, rows = LEAVES[start:end], levels(LEAVES[:size])
    path, root = list(span_path(rows, start, end)), rows[-1][0]
    match data.draw(st.sampled_from(["leaf", "path", "longer", "shorter"])):
        case "leaf":
            leaves[data.draw(st.integers(0, len(leaves) - 1))] = b"\x01" * 32
        case "path" if path:
            path[data.draw(st.integers(0, len(path) - 1))] = b"\x01" * 32
        case "shorter" if path:
            del path[data.draw(st.integers(0, len(path) - 1))]
        case _:
            path.insert(data.draw(st.integers(0, len(path))), b"\x01" * 32)

    with suppress(ProofInvalid):
        assert root_by_span(leaves, start, size, path) != root


@pytest.mark.parametrize(("start", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_place_outside_of_the_tree_is_none(start: int, size: int) -> None:
    with pytest.raises(ProofInvalid):
        root_by_span(LEAVES[:1], start, size, ())


@pytest.mark.parametrize(("first", "count"), [(30, 20), (30, 1), (49, 1), (37, 5)])
def test_a_receipt_verifies_offline_by_the_one_key(first: int, count: int) -> None:
    receipt = receipt_of(json.loads(answered(first, count)))

    receipt.verify(TRUSTED)

    assert [one.position for one in receipt.lines] == list(range(first, first + count))
    with pytest.raises(ReceiptInvalid):
        receipt.verify([receipt_key(b"\x08" * 32).verifier_key])
    with pytest.raises(ReceiptInvalid):
        receipt.verify([])


def test_a_flush_is_signed_once_and_only_when_somebody_asks() -> None:
    signed: list[bytes] = []

    def sign(text: bytes) -> bytes:
        signed.append(text)
        return b"\x00" * 64

    batch = ReceiptKey(TRUSTED[0], sign).batch(batch_lines(events(0, 9)))

    assert signed == []
    for position in range(9):
        batch.signed(position, 1)
    assert len(signed) == 1


def verdict(changed: bytes) -> bool:
    """Whether a receipt is accepted."""
    try:
        receipt_of(json.loads(changed)).verify(TRUSTED)
    except (ReceiptMalformed, ReceiptInvalid, ValueError, RecursionError):
        return False
    return True


def test_any_flipped_bit_of_a_receipt_fails() -> None:
    """All of them, one after the other."""
    whole = answered(33, 2, among=(30, 38))
    assert verdict(whole)

    accepted = []
    for at in range(len(whole)):
        for bit in range(8):
            changed = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
            if verdict(changed):
                accepted.append((at, bit))

    assert accepted == []


def test_any_flipped_bit_of_a_promise_fails() -> None:
    """The receipt of a registration: one entry, and nothing of what kind it is."""
    whole = promised(33)
    promise_of(json.loads(whole)).verify([receipt_key().verifier_key])

    accepted = []
    for at in range(len(whole)):
        for bit in range(8):
            changed = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
            try:
                promise_of(json.loads(changed)).verify([receipt_key().verifier_key])
            except (ReceiptMalformed, ReceiptInvalid, ValueError):
                continue
            accepted.append((at, bit))

    assert accepted == []


def test_a_promise_is_the_note_that_is_documented() -> None:
    """Verified by a reader of signed notes that knows nothing of receipts."""
    given = json.loads(promised(33))
    signed = given["signed"]
    text = (
        f"{signed['name']}\nentry 33 {given['subject_id']}\n{given['leaf_hash']}\n{signed['at']}\n"
    )
    line = f"\u2014 {signed['name']} {signed['signature']}\n"

    opened = read_note(f"{text}\n{line}".encode()).opened([receipt_key().verifier_key])

    assert opened == text


def test_a_time_without_fractions_is_the_same_time() -> None:
    """One moment in a million: JSON has it without digits, the entry with six zeros."""
    whole = answered(30, 1, among=(30, 31), at=AT.replace(microsecond=970_000))

    assert b'"recorded_at":"2026-11-22T08:30:01Z"' in whole
    assert verdict(whole)
    assert not verdict(whole.replace(b"30:01Z", b"30:01.000000Z"))


@pytest.mark.parametrize(
    "changes",
    [
        {"signed": None},
        {"events": []},
        {"version": 3},
        {"position": 42},
        {"subject_id": "b7f5a2f0-2c1d-4b7e-9a58-0d7c1e4f6a21"},
        {"subject_id": "B7F5A2F0-2C1D-4B7E-9A58-0D7C1E4F6A20"},
        {"events": [{}]},
        {"events": "none"},
        {"position": True},
    ],
    ids=str,
)
def test_what_is_no_receipt_any_more_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ReceiptMalformed, ReceiptInvalid)):
        receipt_of(document(**changes)).verify(TRUSTED)


@pytest.mark.parametrize("other", [None, [], "text", 7, {}])
def test_what_never_was_a_receipt_is_refused(other: Any) -> None:
    with pytest.raises(ReceiptMalformed):
        receipt_of(other)


def test_events_in_another_order_are_another_receipt() -> None:
    turned = document()
    turned["events"].reverse()
    turned |= {key: turned["events"][-1][key] for key in ("position", "version")}

    with pytest.raises(ReceiptMalformed):
        receipt_of(turned)


def test_a_verifier_of_twenty_lines_agrees() -> None:
    """As docs/log.md tells it: SHA-256, Ed25519 and base64, and nothing of this program."""
    receipt = json.loads(answered(37, 1))
    [event], signed = receipt["events"], receipt["signed"]
    line = (
        f"{event['position']} {receipt['subject_id']} {event['version']} {event['event_id']}"
        f" {event['type']} {event['recorded_at']} {event['leaf_hash']}"
    )
    node = hashlib.sha256(b"\x00" + line.encode()).digest()
    index, last = signed["index"], signed["size"] - 1
    for sibling in map(b64decode, signed["path"]):
        while index % 2 == 0 and index == last:
            index, last = index // 2, last // 2
        pair = sibling + node if index % 2 else node + sibling
        node = hashlib.sha256(b"\x01" + pair).digest()
        index, last = index // 2, last // 2
    root = b64encode(node).decode()
    text = f"{signed['name']}\nreceipts {signed['size']}\n{root}\n{signed['at']}\n"
    public = Ed25519PublicKey.from_public_bytes(TRUSTED[0].public_key)

    assert b64decode(signed["signature"])[:4] == TRUSTED[0].key_id
    public.verify(b64decode(signed["signature"])[4:], text.encode())


def test_the_signature_is_for_no_checkpoint() -> None:
    """The note has a word where a checkpoint has a size: no reader takes one for the other."""
    text = statement(key_name(LEDGER), 64, b"\x00" * 32, "2026-11-22T08:30:00.000000Z")

    with pytest.raises(CheckpointMalformed):
        checkpoint(text)


def test_the_keys_of_a_kept_policy_are_found() -> None:
    key = TRUSTED[0]

    assert receipt_keys_in(f"# receipts {key}\nlog x\nquorum none\n") == (key,)
    assert receipt_keys_in("quorum none\n") == ()
