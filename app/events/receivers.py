"""Other controllers to whom data may be sent at a person's request, on the control stream (S20).

Which host it is lies sealed in the register of receivers: the host of somebody's own store of data
says whose it is.
"""

from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest


@event("receiver.registered", version=1)
class ReceiverRegistered:
    """Somebody put a host and its key forward."""

    receiver: UUID
    binding: Digest
    """HMAC of address and key under a key of this receiver's own: neither can be swapped later."""


@event("receiver.proven", version=1)
class ReceiverProven:
    """The host answered the challenge that only the holder of the key could read."""

    receiver: UUID


@event("receiver.approved", version=1)
class ReceiverApproved:
    """From now on packages may go there when a person asks (Art. 20(2))."""

    receiver: UUID


@event("receiver.withdrawn", version=1)
class ReceiverWithdrawn:
    """Nothing goes there any more."""

    receiver: UUID
