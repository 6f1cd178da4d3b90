"""Form bodies: nested keys, blank values, strictness and bounds."""

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connector import BODY_BYTES_MAX, WebhookMalformed
from app.connectors.form import FIELD_COUNT_MAX, KEY_LENGTH_MAX, Path, parse_form

NAMES = st.text(
    st.characters(exclude_characters="[]\x00", exclude_categories=["Cs"]), min_size=1, max_size=8
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
VALUES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
FORMS = st.dictionaries(PATHS, VALUES, max_size=8)


def encoded(form: dict[Path, str]) -> bytes:
    pairs = []
    for (first, *rest), value in form.items():
        key = first + "".join(f"[{segment}]" for segment in rest)
        pairs.append(f"{quote_plus(key)}={quote_plus(value)}")
    return "&".join(pairs).encode()


def refused(body: bytes) -> object:
    with pytest.raises(WebhookMalformed) as refusal:
        parse_form(body)
    assert refusal.value.__context__ is None
    return refusal.value.facts["reason"]


@given(FORMS)
def test_what_was_encoded_is_read_back(form: dict[Path, str]) -> None:
    assert parse_form(encoded(form)) == form


def test_keys_may_be_nested_to_any_depth_and_brackets_need_no_encoding() -> None:
    body = b"type=profile&data[merges][ADDRESS][city]=G%C3%B6teborg&data%5Bemail%5D=a%2Bb%40x"

    assert parse_form(body) == {
        ("type",): "profile",
        ("data", "merges", "ADDRESS", "city"): "Göteborg",
        ("data", "email"): "a+b@x",
    }


def test_a_blank_value_is_kept_as_such() -> None:
    assert parse_form(b"data%5BADDRESS%5D=&b=1") == {("data", "ADDRESS"): "", ("b",): "1"}


def test_elements_of_a_list_are_left_out() -> None:
    assert parse_form(b"a%5B%5D=1&a%5B%5D=2&b=3") == {("b",): "3"}


def test_bytes_outside_ascii_are_read_as_utf_8() -> None:
    assert parse_form("a=Åsa".encode()) == {("a",): "Åsa"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a=\xff", "not-utf-8"),
        (b"a=%FF", "not-utf-8"),
        (b"a=%ED%A0%80", "not-utf-8"),  # a surrogate, which UTF-8 does not encode
        (b"a=1&b", "not-a-form"),
        (b"a=1&&b=2", "not-a-form"),
        (b'{"type": "unsubscribe"}', "not-a-form"),
        (b"a=%00", "nul"),
        (b"a%00=1", "nul"),
        (b"a=1&a=2", "duplicate-key"),
        (b"a%5Bb%5D=1&a[b]=1", "duplicate-key"),
        (b"=1", "key"),
        (b"[a]=1", "key"),
        (b"a[b=1", "key"),
        (b"a[b]c=1", "key"),
        (b"a[[b]]=1", "key"),
        (b"a" * (KEY_LENGTH_MAX + 1) + b"=1", "key"),
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(body: bytes, reason: str) -> None:
    assert refused(body) == reason


def test_the_bounds_are_inclusive() -> None:
    fields = b"&".join(b"f%d=" % number for number in range(FIELD_COUNT_MAX))

    assert len(parse_form(fields)) == FIELD_COUNT_MAX
    assert len(parse_form(b"a=" + b"x" * (BODY_BYTES_MAX - 2))) == 1
    assert len(parse_form(b"a" * KEY_LENGTH_MAX + b"=1")) == 1


def test_beyond_the_bounds_a_body_is_refused() -> None:
    fields = b"&".join(b"f%d=" % number for number in range(FIELD_COUNT_MAX + 1))

    assert refused(fields) == "not-a-form"
    assert refused(b"a=" + b"x" * (BODY_BYTES_MAX - 1)) == "too-large"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_form_or_are_refused(body: bytes) -> None:
    try:
        form = parse_form(body)
    except WebhookMalformed:
        return

    assert all("\x00" not in value for value in form.values())
