"""What was done to the ledger's own storage, on the control stream (Art. 17; L34)."""

from app.events.declare import event


@event("storage.rewritten", version=1)
class StorageRewritten:
    """The tables that erasure takes rows from were written anew: their files hold what lives."""

    through: int
    """The newest position of the log by then: what any entry up to it destroyed is not there."""
    wal: int
    """Where the write-ahead log stood, in bytes: what lies before it may still hold the bytes."""
