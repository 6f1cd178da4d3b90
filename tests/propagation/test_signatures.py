"""Signatures that libraries of others accept, and the vectors of Standard Webhooks 1.0.0."""

import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.propagation.signatures import (
    Scheme,
    headers,
    shown_public_key,
    shown_secret,
    signature,
)

BODY = b'{"test": 2432232314}'
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330


def test_the_published_vector_of_hmac() -> None:
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    made = signature(Scheme.HMAC_SHA256, key, message_id=MESSAGE, at=AT, body=BODY)

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_of_ed25519() -> None:
    key = b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")

    made = signature(Scheme.ED25519, key, message_id=MESSAGE, at=AT, body=BODY)

    assert made == (
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHe"
        "YGb7KaaBRdM5WqyeFiL8Ag=="
    )


@pytest.mark.parametrize("place", [0, 1])
def test_a_receiver_s_library_verifies_us_while_keys_overlap(place: int) -> None:
    keys = (b"n" * 32, b"o" * 32)
    body = json.dumps({"type": "consent.withdrawn"}).encode()
    sent = headers(
        Scheme.HMAC_SHA256,
        keys,
        message_id="0b0b7c1e-6a3c-4d8e-9b5c-3f0a5f6f4c11",
        at=int(datetime.now(UTC).timestamp()),
        body=body,
    )

    receiver = standardwebhooks.Webhook(shown_secret(keys[place]))

    assert receiver.verify(body, sent) == {"type": "consent.withdrawn"}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        receiver.verify(body + b" ", sent)


def test_what_a_receiver_s_library_signs_is_what_we_sign() -> None:
    key, moment = b"k" * 32, datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

    theirs = standardwebhooks.Webhook(key).sign(MESSAGE, moment, BODY.decode())
    ours = signature(
        Scheme.HMAC_SHA256, key, message_id=MESSAGE, at=int(moment.timestamp()), body=BODY
    )

    assert ours == theirs


def test_an_open_signature_is_verified_with_the_public_key_that_is_shown() -> None:
    key = b"e" * 32
    sent = headers(Scheme.ED25519, (key,), message_id=MESSAGE, at=AT, body=BODY)

    name, _, text = sent["webhook-signature"].partition(",")
    public = Ed25519PublicKey.from_public_bytes(b64decode(shown_public_key(key)[len("whpk_") :]))
    public.verify(b64decode(text), f"{MESSAGE}.{AT}.".encode() + BODY)

    assert (name, sent["webhook-id"], sent["webhook-timestamp"]) == ("v1a", MESSAGE, str(AT))
    assert len(b64decode(shown_secret(key)[len("whsec_") :])) == 32
