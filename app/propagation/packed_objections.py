"""What a package says no to, as the commands that say it here: objections and restrictions.

A no needs no proof and is taken over whoever signed the package; the person who is refused nothing
there must not have to say it again here (Arts. 18 and 21).
"""

from dataclasses import dataclass
from datetime import datetime

from app.clock import random_id
from app.domain.objections import RaiseObjection, Status, UpholdObjection
from app.domain.restrictions import DisputeAccuracy, Restrict
from app.domain.subject import InTurn
from app.events.objections import ObjectionCause
from app.events.restrictions import RestrictionGround


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedObjection:
    """An objection that was pending or granted when the package was made."""

    purpose: str | None
    recipient: str | None
    cause: ObjectionCause
    source: str
    since: datetime
    status: Status

    def command(self, addresses: tuple[str, ...]) -> InTurn | RaiseObjection:
        """Raised as of its day, so that its clock goes on; granted where it was."""
        raised = RaiseObjection(
            objection=random_id(),
            source=self.source,
            purpose=self.purpose,
            recipient=self.recipient,
            cause=self.cause,
            addresses=addresses,
            occurred_at=self.since,
        )
        if self.status is not Status.GRANTED:
            return raised
        return InTurn((raised, UpholdObjection(objection=raised.objection)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRestriction:
    """A restriction that was on."""

    ground: RestrictionGround
    purpose: str | None
    categories: tuple[str, ...]
    source: str
    since: datetime

    def command(self) -> Restrict | DisputeAccuracy:
        """The same restriction, as of its day."""
        if self.ground is RestrictionGround.ACCURACY and self.purpose is None:
            return DisputeAccuracy(
                restriction=random_id(),
                categories=frozenset(self.categories),
                source=self.source,
                occurred_at=self.since,
            )
        return Restrict(
            restriction=random_id(),
            ground=self.ground,
            purpose=self.purpose,
            source=self.source,
            occurred_at=self.since,
        )
