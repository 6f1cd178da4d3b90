"""Mailchimp's signature: HMAC-SHA256 over time and raw body, within five minutes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connector import (
    SignatureMalformed,
    SignatureMissing,
    SignatureRefused,
    SignatureStale,
    SignatureWrong,
)
from app.connectors.mailchimp import SIGNATURE_COUNT_MAX, SIGNATURE_TOLERANCE_S, verify
from samples.mailchimp import signature

SECRET = "a-signing-secret"
BODY = b"type=campaign&data%5Bid%5D=1"
AT = datetime(2026, 1, 1, tzinfo=UTC)
# openssl dgst -sha256 -hmac a-signing-secret, over "1767225600." and the body
HEX = "2ac5c4bcef1c103cdef3e86f7f9b1752c208583f27ee4c9402c54ea384e2add8"
GENUINE = f"t=1767225600,v1={HEX}"
OTHER = "0" * 64


def check(
    header: str | None, *, body: bytes = BODY, secret: str = SECRET, late_s: float = 0
) -> None:
    verify(body, header, secret=secret, now=AT + timedelta(seconds=late_s))


@pytest.mark.clause("C73")
@pytest.mark.parametrize(
    "header",
    [
        GENUINE,
        f" v1={HEX} , t=1767225600 ",
        f"t=1767225600,v1={OTHER},v1={HEX}",
        f"t=1767225600,v1={HEX},v1={OTHER}",
        f"t=1767225600,v0=old,v1={HEX},v2=new",
    ],
    ids=["plain", "spaced", "second key", "first key", "other schemes"],
)
def test_a_genuine_call_is_let_through(header: str) -> None:
    check(header)

    with pytest.raises(SignatureWrong):
        check(header, body=BODY + b"&")


@pytest.mark.parametrize("late_s", [-SIGNATURE_TOLERANCE_S, 0, SIGNATURE_TOLERANCE_S])
def test_the_tolerance_is_inclusive_on_both_sides(late_s: float) -> None:
    check(GENUINE, late_s=late_s)

    with pytest.raises(SignatureStale):
        check(GENUINE, late_s=late_s + (1.0 if late_s > 0 else -2.0 * SIGNATURE_TOLERANCE_S - 1))


@pytest.mark.parametrize("late_s", [-300.5, 300.5, 86_400])
def test_a_replay_is_stale(late_s: float) -> None:
    with pytest.raises(SignatureStale):
        check(GENUINE, late_s=late_s)


def test_a_stale_forgery_is_called_wrong_not_stale() -> None:
    with pytest.raises(SignatureWrong):
        check(f"t=1767225600,v1={OTHER}", late_s=86_400)


@pytest.mark.parametrize("header", [None, "", "  "])
def test_a_call_without_a_signature_is_refused(header: str | None) -> None:
    with pytest.raises(SignatureMissing):
        check(header)


@pytest.mark.parametrize(
    "header",
    [
        "t=1767225600",
        f"v1={HEX}",
        f"t=,v1={HEX}",
        f"t=1767225600,t=1767225601,v1={HEX}",
        f"t=-1767225600,v1={HEX}",
        f"t=1767225600.0,v1={HEX}",
        f"t=176722560000,v1={HEX}",
        f"t=\u0661767225600,v1={HEX}",
        f"t=1767225600,v1={HEX[:-1]}",
        f"t=1767225600,v1={HEX.upper()}",
        f"t=1767225600,v1={HEX},v1=",
        f"t=1767225600,v1={HEX}" + f",v1={OTHER}" * SIGNATURE_COUNT_MAX,
        f"t=1767225600,v1={HEX}" + "," * 1024,
        HEX,
    ],
)
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(SignatureMalformed):
        check(header)


def test_as_many_signatures_as_the_bound_are_tried() -> None:
    check("t=1767225600" + f",v1={OTHER}" * (SIGNATURE_COUNT_MAX - 1) + f",v1={HEX}")

    with pytest.raises(SignatureWrong):
        check("t=1767225600" + f",v1={OTHER}" * SIGNATURE_COUNT_MAX)


@pytest.mark.parametrize(
    "header", [f"t=1767225601,v1={HEX}", f"t=01767225600,v1={HEX}", f"t=1767225600,v1={OTHER}"]
)
def test_a_signature_of_something_else_is_wrong(header: str) -> None:
    with pytest.raises(SignatureWrong):
        check(header)


@given(st.binary(max_size=64), st.text(min_size=1, max_size=32), st.integers(0, 4_000_000_000))
def test_what_the_key_signed_is_genuine_and_nothing_else_is(
    body: bytes, secret: str, seconds: int
) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    header = signature(body, secret=secret, at=now)

    verify(body, header, secret=secret, now=now)

    for forged_body, forged_secret in ((body + b"\x00", secret), (body, secret + "x")):
        with pytest.raises(SignatureWrong):
            verify(forged_body, header, secret=forged_secret, now=now)


@given(st.text(st.characters(), max_size=80))
def test_no_text_in_the_header_does_worse_than_be_refused(header: str) -> None:
    with pytest.raises(SignatureRefused) as refused:
        check(header)

    assert refused.value.facts == {}
