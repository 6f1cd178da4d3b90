"""Other controllers as receivers: registered with their key, and challenged at their host (S21).

The challenge is a secret that is handed over encrypted to the receiver's own key, and has to be
served in the clear at a path of the host: who answers it controls the host and can open what will
be sent there.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

import pyrage  # type: ignore[import-untyped]  # it has no types

from app.clock import random_bytes
from app.domain.decider import Refusal
from app.propagation.destinations import Destinations
from app.propagation.outbound import Outbound, Outcome
from app.store.receivers import Address

WELL_KNOWN: Final = "/.well-known/personal-data-receiver"
CHALLENGE_SIZE_BYTES: Final = 32
ANSWER_BYTES_MAX: Final = 256


class ReceiverKeyInvalid(Refusal):
    """It is no X25519 recipient of age: nothing could be encrypted to it."""

    code = "receiver-key-invalid"
    rules = ("S21",)


async def challenged(destinations: Destinations, url: str, key: str) -> Address:
    """The address with a fresh challenge. Raises DestinationRefused and ReceiverKeyInvalid."""
    _recipient(key)
    destination = destinations.parse(url)
    await destinations.addresses(destination)
    challenge = urlsafe_b64encode(random_bytes(CHALLENGE_SIZE_BYTES)).decode().rstrip("=")
    return Address(url=url, host=destination.host, key=key, challenge=challenge)


def sealed_challenge(address: Address) -> str:
    """The challenge as only the receiver can open it, in the armoured form of age."""
    sealed = pyrage.encrypt(address.challenge.encode(), [_recipient(address.key)], armored=True)
    return bytes(sealed).decode()


def challenge_path(receiver_id: UUID) -> str:
    """Where the host serves the decrypted challenge."""
    return f"{WELL_KNOWN}/{receiver_id}"


async def answers_challenge(
    outbound: Outbound, receiver_id: UUID, address: Address, now: datetime
) -> Outcome:
    """DELIVERED when the host serves the challenge; STATUS also when it serves something else."""
    async with outbound.to(f"{_origin(address.url)}{challenge_path(receiver_id)}") as line:
        fetched = await line.get(size_max=ANSWER_BYTES_MAX, now=now)
    if fetched.attempt.outcome is not Outcome.DELIVERED:
        return fetched.attempt.outcome
    same = hmac.compare_digest(fetched.body.strip(), address.challenge.encode())
    return Outcome.DELIVERED if same else Outcome.STATUS


def _origin(url: str) -> str:
    """Scheme, host and port: a query without a path before it is no part of any of them."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"


def sealed_to(key: str, package: bytes) -> bytes:
    """The package as only the receiver can open it."""
    return bytes(pyrage.encrypt(package, [_recipient(key)]))


def _recipient(key: str) -> "pyrage.x25519.Recipient":
    try:
        return pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        pass
    raise ReceiverKeyInvalid  # outside the handler, whose exception quotes the key
