"""What is told with each step of a rights request."""

from uuid import UUID

from pydantic import Field

from app.api.bodies import Body, MomentField, NameField
from app.api.rights_requests import TextField
from app.domain.rights_request_steps import Remedies
from app.events.rights_requests import (
    ExtensionGround,
    Fulfilment,
    IdentityProof,
    RefusalGround,
    RequestChannel,
    RequestedRight,
    TaskKind,
    TaskOutcome,
)


class Moment(Body):
    """When it happened."""

    occurred_at: MomentField | None = Field(None, description="When; now without it.")


class ShownMoment(Moment):
    """When it happened, and what shows it where that was on an earlier day."""

    evidence_note: TextField = Field(
        "", description="What shows that it was on an earlier day, unless a letter does. Sealed."
    )


class Decision(Body):
    """Which human decided: an opaque id, never a name."""

    decided_by: UUID = Field(description="Opaque id of whoever decided; no machine does (L46).")


class Told(ShownMoment, Decision):
    """How the person was told, and where the letter is."""

    told_by: RequestChannel = Field(description="How the person was told.")
    letter: UUID | None = Field(None, description="Where the letter is kept.")


class RemediesBody(Body):
    """What Art. 12(4) has told with every refusal."""

    reasons: TextField = Field("", description="Why. Sealed.")
    complaint: TextField = Field("", description="To which authority to complain. Sealed.")
    remedy: TextField = Field("", description="That the courts are open. Sealed.")

    def remedies(self) -> Remedies:
        """The three texts."""
        return Remedies(reasons=self.reasons, complaint=self.complaint, remedy=self.remedy)


class TriageBody(Decision):
    """Which right is meant."""

    right: RequestedRight
    system: NameField | None = None


class DoubtBody(Told):
    """Why it is doubtful who asks, and how the person was asked."""

    grounds: TextField = Field("", description="The reasonable doubts, in writing. Sealed.")


class DoubtAnswerBody(ShownMoment):
    """What the person answered."""

    text: TextField = Field("", description="Sealed.")


class VerificationBody(ShownMoment):
    """By what the controller is satisfied."""

    proof: IdentityProof


class ExtensionBody(ShownMoment, Decision):
    """Why two months more are needed, and how the person was told so."""

    ground: ExtensionGround
    reasons: TextField = Field("", description="Told to the person. Sealed.")
    told_by: RequestChannel | None = Field(
        None, description="How; an extension that the person was not told of is none."
    )


class TaskBody(Body):
    """What has to be done first."""

    kind: TaskKind
    recipient: NameField | None = None
    member: UUID | None = Field(None, description="Which one, where the recipient is a group.")


class TaskOutcomeBody(Moment):
    """What came of it."""

    outcome: TaskOutcome
    note: TextField = Field("", description="What was done and what shows it, or why not. Sealed.")


class FulfilmentBody(Told):
    """What answered the request, and how the person was told."""

    outcome: Fulfilment = Fulfilment.FULFILLED
    answers: list[UUID] = Field(
        default_factory=list,
        description="Erasure, restriction or objection, or the event of a report or correction;"
        " without any, whatever of that right was done since the receipt.",
        max_length=1000,
    )
    note: TextField = Field("", description="What was answered in words. Sealed.")
    ground: RefusalGround | None = Field(None, description="Why a part was not done.")
    refused: RemediesBody | None = Field(None, description="For that part.")


class RefusalBody(RemediesBody, Told):
    """Why it is not acted on, with everything that the person must be told."""

    ground: RefusalGround
    evidence: list[TextField] = Field(
        default_factory=list,
        description="What shows that a request is unfounded or excessive. Sealed.",
        max_length=50,
    )
    approved_by: UUID | None = Field(None, description="A second human, for such a ground.")


class WithdrawalBody(ShownMoment):
    """How the person took it back."""

    channel: RequestChannel


class UnidentifiedBody(Told):
    """What the person was told would help to identify them."""

    reasons: TextField = Field("", description="Sealed.")


class DuplicateBody(Decision):
    """The earlier request that goes on alone."""

    into: UUID


class IdentificationBody(Decision):
    """Who the stranger turned out to be, and by what that is known."""

    subject_id: UUID
    proof: IdentityProof
