"""Addresses that are nobody's own: mailboxes of legal persons (Royal Decree of 4 April 2003)."""

from app.events.declare import event
from app.identifiers import Word


@event("mailbox.attributed", version=1)
class MailboxAttributed:
    """The source says that a collected address is the impersonal one of a legal person (L17).

    It names a function (`info@`), and may be written to until it opts out.
    """

    category: Word
    collected_at: int
    """Version of the event of this stream that holds the address."""
    source: Word
