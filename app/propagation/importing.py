"""Carries out one line of an import: a person with what was obtained, and consents as they are."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.domain.consents import GiveConsent, ImportUnprovenConsent
from app.domain.subjects import RegisterSubject
from app.ledger import Ledger
from app.propagation.registration import Registered, Registrar
from app.receipts import Attribution
from app.values import replace


class LineStatus(StrEnum):
    """What became of a line."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    """Recorded by an earlier request with the same key: a resumed import repeats nothing."""
    SUPPRESSED = "suppressed"
    ACCEPTABLE = "acceptable"
    """A dry run found nothing against it."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, read and checked against its schema."""

    registration: RegisterSubject
    consents: tuple[GiveConsent | ImportUnprovenConsent, ...] = ()


@dataclass(frozen=True, slots=True)
class LineResult:
    """What is told of a line; nothing in it is personal."""

    status: LineStatus
    subject_id: UUID | None = None
    position: int | None = None


async def import_line(
    ledger: Ledger,
    registrar: Registrar,
    line: Line,
    attribution: Attribution,
    *,
    repeated: bool = False,
) -> LineResult:
    """Registers the person and records the consents; raises the refusals of the deciders.

    ``repeated`` says that it was probably done before: it is quicker then, and true either way.
    """
    registration = await registrar.register(line.registration, attribution, repeated=repeated)
    receipt = registration.receipt
    if registration.outcome is Registered.SUPPRESSED or receipt is None:
        return LineResult(LineStatus.SUPPRESSED)
    position, replayed = receipt.position, receipt.replayed
    for number, consent in enumerate(line.consents):
        key = attribution.idempotency
        again = key and replace(key, operation=f"{key.operation}#consent-{number}")
        numbered = replace(attribution, idempotency=again)
        receipt = await ledger.repeated(numbered) if repeated else None
        if receipt is None:
            receipt = await ledger.execute(registration.subject_id, consent, numbered)
        position = receipt.position or position
    status = LineStatus.REPEATED if replayed else LineStatus.RECORDED
    return LineResult(status, registration.subject_id, position)


async def rehearse_line(registrar: Registrar, line: Line) -> LineResult:
    """Decides everything and appends nothing; raises the refusals that the import would meet."""
    outcome = await registrar.rehearse(line.registration, line.consents)
    suppressed = outcome is Registered.SUPPRESSED
    return LineResult(LineStatus.SUPPRESSED if suppressed else LineStatus.ACCEPTABLE)
