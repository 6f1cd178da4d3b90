"""Assessments of legitimate interests: the weighing of Art. 6(1)(f), on the control stream."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class AssessmentOutcome(StrEnum):
    """What the weighing came to."""

    PREVAILS = "prevails"
    """The interest weighs more than what it costs the people concerned."""
    PREVAILS_WITH_SAFEGUARDS = "prevails_with_safeguards"
    """It does so with measures that the document names."""
    FAILS = "fails"
    """It does not: the purpose needs another basis, or has to end."""


@event("legitimate-interest.assessed", version=1)
class LegitimateInterestAssessed:
    """The controller weighed its interest in a purpose against the people's (C-252/21)."""

    assessment: UUID
    purpose: Word
    document: Digest
    """SHA-256 of the assessment, which the desk keeps."""
    assessed_on: date
    outcome: AssessmentOutcome
    policy: Word
