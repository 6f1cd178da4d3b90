"""Links in mails that work without a log-in, and their end (C73; RFC 8058)."""

from app.events.declare import event


@event("links.revoked", version=1)
class LinksRevoked:
    """Every link that was given to the person before this does nothing any more."""

    serial: int
    """The lowest serial that still works."""
