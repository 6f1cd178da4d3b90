"""The transparency log went on under another origin, on the control stream (L9)."""

from app.events.declare import event
from app.identifiers import Digest


@event("log.reopened", version=1)
class LogReopened:
    """Entries that were signed are lost; from here on the log has another name.

    Whoever kept a checkpoint of the former one can prove what is missing.
    """

    former_origin: Digest
    """SHA-256 of the name that was given up."""
    origin: Digest
    """SHA-256 of the name from here on."""
    lost_size: int
    """Of the largest tree that is known to have been signed under the former name."""
    lost_root: Digest | None
    """Its root, where it is known: a witness tells a size alone."""
    kept_size: int
    """How many of its entries the log still began with, when it was reopened."""
