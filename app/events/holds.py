"""Legal holds, and what sets the clocks going that concern many people at once (L63, L64)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class HoldGround(StrEnum):
    """Why material is neither erased nor let expire, whoever asks (Art. 17(3), L64)."""

    LEGAL_CLAIMS = "legal_claims"
    """It is needed to establish, exercise or defend a claim (Art. 17(3)(e))."""
    LEGAL_OBLIGATION = "legal_obligation"
    """A law or an authority demands it (Art. 17(3)(b))."""
    AUDIT = "audit"
    """An audit of a grant is open."""
    INVESTIGATION = "investigation"
    """An investigation was notified, by OLAF for one."""


@event("legal-hold.placed", version=1)
class LegalHoldPlaced:
    """Material stays until the hold is released: on a person's stream of that person alone.

    On the control stream it is about everybody who took part in the occasion, or in the grant.
    """

    hold: UUID
    ground: HoldGround
    retention_classes: tuple[Word, ...]
    """None named: every one."""
    occasion: UUID | None
    source: Word


@event("legal-hold.released", version=1)
class LegalHoldReleased:
    """What was held is counted again as if it had not been."""

    hold: UUID


@event("occasion.ended", version=1)
class OccasionEnded:
    """A meeting, trip, survey or chat is over: what was kept for it begins to expire."""

    occasion: UUID
    on: date


@event("grant.settled", version=1)
class GrantSettled:
    """The balance of an EU grant was paid: its records are counted from that day (L64)."""

    grant: UUID
    """The occasion that its records bear."""
    on: date
    amount_cents: int
    """What was granted in all, in euro cents: up to and including 60,000.00 is a small grant."""
