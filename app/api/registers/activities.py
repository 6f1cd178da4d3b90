"""What is declared of every processing activity and what was observed of it, at one moment."""

from app.registers.moments import moment_of
from app.registers.observed import Observation, observed
from app.registers.processing_records import declared_pairs
from app.registers.rules import Ruled, ruled
from app.rights.as_of import AsOf
from app.service import Service


async def ruled_and_observed(service: Service, as_of: AsOf | None) -> tuple[Ruled, Observation]:
    """The rules of the day that is asked about, and what the log shows by then."""
    moment = await moment_of(as_of, service.pool, service.ledger.clock())
    found = await ruled(service.rulebook, service.store, as_of, moment)
    pairs = declared_pairs(found.given.policy)
    seen = await observed(
        service.pool, service.kept.tallies, pairs, None if as_of is None else moment
    )
    return found, seen
