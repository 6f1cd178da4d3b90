"""The form of an API key: found by a scanner, checked without a database, stored as a hash."""

import binascii
import hashlib
import re
from collections.abc import Callable

import pytest

from app.auth import CHECKSUM_LENGTH, new_key, parse_key

FORM = re.compile(r"pl_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text: str) -> str:
    """CRC-32 of the text in six base-62 digits, the lowest in front."""
    number, digits = binascii.crc32(text.encode()), ""
    while len(digits) < CHECKSUM_LENGTH:
        number, digit = divmod(number, 62)
        digits += ALPHABET[digit]
    return digits


def test_a_key_has_the_form_that_scanners_know_and_ends_in_its_checksum() -> None:
    key = new_key()

    assert FORM.fullmatch(key.text)
    client_id, rest = key.text.split("_")[2:]
    secret = rest[:-CHECKSUM_LENGTH]
    assert client_id == key.client_id
    assert rest[-CHECKSUM_LENGTH:] == checksum(client_id + secret)
    assert parse_key(key.text) == (key.client_id, hashlib.sha256(secret.encode()).digest())
    assert key.secret_hash == hashlib.sha256(secret.encode()).digest()


def test_no_key_shows_itself() -> None:
    key = new_key()

    assert key.text not in repr(key)
    assert key.secret_hash.hex() not in repr(key)
    assert key.client_id in repr(key)


def test_two_keys_have_nothing_in_common() -> None:
    keys = [new_key() for _ in range(200)]

    assert len({key.client_id for key in keys}) == len({key.secret_hash for key in keys}) == 200


@pytest.mark.parametrize("place", range(len("pl_live_"), len("pl_live_") + 12 + 1 + 49))
def test_one_letter_wrong_is_noticed_before_anybody_asks_a_database(place: int) -> None:
    text = new_key().text
    other = "x" if text[place] != "x" else "y"

    assert parse_key(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("spoil", [str.upper, str.lower, lambda text: f" {text}", lambda _: ""])
def test_what_is_no_key_is_nobody_s(spoil: Callable[[str], str]) -> None:
    assert parse_key(spoil(new_key().text)) is None
