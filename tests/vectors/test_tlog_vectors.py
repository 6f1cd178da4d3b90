"""Golden vectors of the transparency log: what is below was published, and can never change."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.tlog.checkpoints import Checkpoint
from app.tlog.edge import Edge
from app.tlog.merkle import leaf_hash, root
from app.tlog.notes import Note, VerifierKey, verifier_key
from app.tlog.proof_text import InclusionProof, hash_lines
from app.tlog.proofs import consistency_spans, hashes_of, inclusion_spans, tiles_for
from app.tlog.tiles import TilePlace
from tests.tlog import reference

VECTORS = json.loads((Path(__file__).parent / "tlog_v1.json").read_text(encoding="utf-8"))
ROOTS = {int(size): bytes.fromhex(text) for size, text in VECTORS["roots"].items()}
LEAVES = [leaf_hash(b"entry %d\n" % number) for number in range(max(ROOTS))]
NOTE = VECTORS["note"]
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(NOTE["seed"]))
SIZE = 257


def signed() -> Note:
    key = VerifierKey(NOTE["origin"], PRIVATE.public_key().public_bytes_raw())
    text = Checkpoint(NOTE["origin"], SIZE, ROOTS[SIZE]).text()
    return Note(text, (key.sign(text, PRIVATE.sign),))


def tiles() -> dict[TilePlace, bytes]:
    edge, full = Edge().extended(LEAVES[:SIZE])
    partial = {
        TilePlace(level, (SIZE >> 8 * level) // 256): hashes
        for level, hashes in enumerate(edge.partial)
    }
    return {one.place: one.hashes for one in full} | partial


@pytest.mark.parametrize("size", ROOTS)
def test_the_root_of_each_size(size: int) -> None:
    """Entry i is `entry i` and a line feed; three ways to the one root."""
    edge, _ = Edge().extended(LEAVES[:size])

    assert edge.root() == root(LEAVES[:size]) == reference.mth(LEAVES[:size]) == ROOTS[size]


def test_the_sizes_are_those_around_which_trees_change_their_shape() -> None:
    assert list(ROOTS) == [0, 1, 2, 3, 255, 256, 257, 65_536, 65_537]


def test_the_note_of_a_fixed_key() -> None:
    key = verifier_key(NOTE["verifier_key"])

    assert bytes(signed()).decode() == NOTE["text"]
    assert signed().opened([key]) == signed().text
    assert reference.open_checkpoint(NOTE["text"].encode(), NOTE["verifier_key"]) == (
        NOTE["origin"],
        SIZE,
        ROOTS[SIZE],
    )


def test_the_proofs_under_that_note() -> None:
    spans = inclusion_spans(200, SIZE)
    proof = InclusionProof(200, hashes_of(spans, tiles()), signed())
    between = consistency_spans(255, SIZE)

    assert tiles_for(spans) <= tiles().keys()
    assert bytes(proof).decode() == VECTORS["inclusion"]["text"]
    assert hash_lines(hashes_of(between, tiles())) == VECTORS["consistency"]["lines"]
    assert reference.open_proof(
        VECTORS["inclusion"]["text"].encode(), NOTE["verifier_key"], b"entry 200\n"
    ) == (200, SIZE)
    hashes = [b64decode(line) for line in VECTORS["consistency"]["lines"]]
    assert reference.roots_by_proof(255, SIZE, hashes, ROOTS[255]) == (ROOTS[255], ROOTS[SIZE])
