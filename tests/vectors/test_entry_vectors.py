"""Golden vectors of the entry format: the bytes below can never change for written leaves."""

import json
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.events.declare import EventType
from app.events.recorded import Seal
from app.identifiers import KeyId
from app.store.codec import ENTRY_SIZE_MAX_BYTES, EntryTooLarge, core_line, entry_of, leaf_hash
from app.vault.sealing import (
    Corrupt,
    Sealed,
    associated_data,
    commitment,
    plaintext,
    seal,
    unseal,
)

VECTORS = json.loads((Path(__file__).parent / "entry_v1.json").read_text(encoding="utf-8"))
ENTRIES = VECTORS["entries"]
SECTION = VECTORS["sealed_section"]


def _core(vector: dict[str, object]) -> bytes:
    given = vector["given"]
    assert isinstance(given, dict)
    kind = EventType(given["t"], given["sv"], object, ())
    return core_line(
        kind,
        given["d"],
        event_id=UUID(given["id"]),
        stream_id=UUID(given["s"]),
        version=given["n"],
        previous=given["p"] and b64decode(given["p"]),
        recorded_at=datetime.fromisoformat(given["at"]),
        occurred_at=given["o"] and datetime.fromisoformat(given["o"]),
        by=given["by"],
    )


def _seals(vector: dict[str, object]) -> tuple[Seal, ...]:
    seals = vector["seals"]
    assert isinstance(seals, list)
    return tuple(
        Seal(
            one["i"],
            one["c"],
            KeyId(UUID(one["k"])),
            b64decode(one["h"]),
            one["b"],
            b64decode(one["kc"]) if "kc" in one else None,
        )
        for one in seals
    )


@pytest.mark.parametrize("vector", ENTRIES, ids=[vector["name"] for vector in ENTRIES])
def test_an_entry_has_the_bytes_of_its_vector(vector: dict[str, object]) -> None:
    entry = entry_of(_core(vector), _seals(vector))

    assert entry.decode("utf-8") == vector["entry"]
    assert leaf_hash(entry).hex() == vector["leaf"]


@pytest.mark.parametrize("vector", ENTRIES, ids=[vector["name"] for vector in ENTRIES])
def test_both_lines_are_canonical_json(vector: dict[str, object]) -> None:
    """RFC 8785 as an oracle: sorted, compact, raw UTF-8, so that others can reproduce a leaf."""
    entry = vector["entry"]
    assert isinstance(entry, str)

    lines = entry.split("\n")

    assert lines[2:] == [""]
    for line in lines[:2]:
        assert rfc8785.dumps(json.loads(line)) == line.encode()


def test_a_leaf_is_the_rfc_6962_hash_of_the_stored_bytes() -> None:
    entry = ENTRIES[0]["entry"].encode()

    assert leaf_hash(entry) == sha256(b"\x00" + entry).digest()


def test_a_sealed_section_has_the_bytes_of_its_vector() -> None:
    key, nonce = bytes.fromhex(SECTION["data_key"]), bytes.fromhex(SECTION["nonce"])
    bound_to = associated_data(
        UUID(SECTION["ledger_id"]),
        UUID(SECTION["key_id"]),
        SECTION["class"],
        index=SECTION["index"],
        core=SECTION["core"].encode(),
    )

    blob = seal(AESGCM(key), SECTION["personal"], nonce=nonce, bound_to=bound_to)

    assert plaintext(SECTION["personal"]).decode() == SECTION["plaintext"]
    assert bound_to.hex() == SECTION["associated_data"]
    assert b64encode(blob).decode() == SECTION["blob"]
    assert unseal(AESGCM(key), blob, bound_to=bound_to) == Sealed(SECTION["personal"])


def test_associated_data_is_built_as_the_design_says() -> None:
    """A second construction, written from DESIGN 4 and sharing no code with the first."""

    def prefixed(part: bytes) -> bytes:
        return len(part).to_bytes(4, "big") + part

    expected = (
        prefixed(b"ledger/seal/v1")
        + prefixed(SECTION["ledger_id"].encode())
        + prefixed(SECTION["key_id"].encode())
        + prefixed(SECTION["class"].encode())
        + SECTION["index"].to_bytes(2, "big")
        + prefixed(SECTION["core"].encode())
    )

    assert expected.hex() == SECTION["associated_data"]


def test_a_key_commitment_has_the_bytes_of_its_vector() -> None:
    committed = commitment(bytes.fromhex(SECTION["data_key"]), UUID(SECTION["key_id"]))

    assert b64encode(committed).decode() == SECTION["commitment"]


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_an_altered_or_moved_section_is_corrupt(place: int) -> None:
    key = AESGCM(bytes.fromhex(SECTION["data_key"]))
    blob = bytearray(b64decode(SECTION["blob"]))
    bound_to = bytes.fromhex(SECTION["associated_data"])
    elsewhere = bound_to[:-1] + bytes([bound_to[-1] ^ 1])
    altered = blob.copy()
    altered[place] ^= 1

    assert unseal(key, bytes(altered), bound_to=bound_to) == Corrupt()
    assert unseal(key, bytes(blob), bound_to=elsewhere) == Corrupt()


def test_an_entry_that_would_not_fit_a_tile_bundle_is_refused() -> None:
    """C2SP tlog-tiles: entries carry a 16-bit length."""
    with pytest.raises(EntryTooLarge):
        entry_of(b"x" * (ENTRY_SIZE_MAX_BYTES - 3), ())

    assert len(entry_of(b"x" * (ENTRY_SIZE_MAX_BYTES - 4), ())) == ENTRY_SIZE_MAX_BYTES
