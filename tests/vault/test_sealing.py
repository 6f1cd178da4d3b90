"""A key under a key: bound to its place, opened by nothing else."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.vault.sealing import (
    SUITE,
    Corrupt,
    plaintext,
    prefixed,
    seal,
    unseal,
    unwrap,
    wrap,
    wrapping_context,
)

LEDGER = UUID("fe14010b-4fe8-4303-852f-0467c919ef9a")
KEY = UUID("ca978112-ca1b-4dca-bac2-31b39a23dc4d")
CIPHER = AESGCM(bytes(range(32)))
NONCE = bytes(range(100, 112))
DATA_KEY = bytes(range(32, 64))
PLACE = wrapping_context(LEDGER, KEY, "participation", 3)


def test_a_wrapped_key_is_suite_nonce_ciphertext_and_tag() -> None:
    wrapped = wrap(CIPHER, DATA_KEY, nonce=NONCE, bound_to=PLACE)

    assert wrapped[:1] == SUITE == b"\x01"
    assert wrapped[1:13] == NONCE
    assert wrapped[13:] == CIPHER.encrypt(NONCE, DATA_KEY, PLACE)
    assert len(wrapped) == 61


def test_a_wrapped_key_opens_where_it_was_made_for() -> None:
    wrapped = wrap(CIPHER, DATA_KEY, nonce=NONCE, bound_to=PLACE)

    assert unwrap(CIPHER, wrapped, bound_to=PLACE) == DATA_KEY
    assert unwrap(AESGCM(bytes(32)), wrapped, bound_to=PLACE) is None
    assert unwrap(CIPHER, wrapped, bound_to=PLACE + b"x") is None


def test_another_suite_is_not_tried() -> None:
    """A suite to come takes another byte; a blob of it is not read as one of this suite."""
    wrapped = wrap(CIPHER, DATA_KEY, nonce=NONCE, bound_to=PLACE)
    blob = seal(CIPHER, {"contact.name": "Åsa"}, nonce=NONCE, bound_to=PLACE)

    assert unwrap(CIPHER, b"\x02" + wrapped[1:], bound_to=PLACE) is None
    assert unwrap(CIPHER, b"", bound_to=PLACE) is None
    assert unseal(CIPHER, b"\x02" + blob[1:], bound_to=PLACE) == Corrupt()
    assert unseal(CIPHER, b"", bound_to=PLACE) == Corrupt()


@pytest.mark.parametrize("inside", [b"not json", b'{"contact.name":1}', b"[]"])
def test_a_section_that_holds_no_values_is_corrupt(inside: bytes) -> None:
    blob = SUITE + NONCE + CIPHER.encrypt(NONCE, inside, PLACE)

    assert unseal(CIPHER, blob, bound_to=PLACE) == Corrupt()


def test_a_place_names_everything_that_a_row_could_be_moved_between() -> None:
    assert wrapping_context(LEDGER, KEY, "participation", 3) == (
        b"\x00\x00\x00\x0eledger/wrap/v1"
        b"\x00\x00\x00\x24fe14010b-4fe8-4303-852f-0467c919ef9a"
        b"\x00\x00\x00\x24ca978112-ca1b-4dca-bac2-31b39a23dc4d"
        b"\x00\x00\x00\x0dparticipation"
        b"\x00\x00\x00\x013"
    )


def test_no_two_lists_of_parts_are_the_same_bytes() -> None:
    assert prefixed(b"ab", b"c") != prefixed(b"a", b"bc")
    assert prefixed(b"ab", b"c") == b"\x00\x00\x00\x02ab\x00\x00\x00\x01c"


@pytest.mark.parametrize("length", range(66))
def test_a_length_tells_only_a_multiple_of_thirty_two(length: int) -> None:
    text = plaintext({"a": "x" * length})

    assert len(text) % 32 == 0
    assert len(text) - len(text.rstrip(b" ")) < 32
    assert text.rstrip(b" ") == b'{"a":"' + b"x" * length + b'"}'
