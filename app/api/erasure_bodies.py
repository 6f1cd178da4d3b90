"""Bodies of the erasure's operations: what is asked for, and where it stands (Arts. 17, 19)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.bodies import Body, DayField, MomentField, NameField, ReceiptBody, WordField
from app.domain.erasure_plan import Extent, Keep
from app.events.erasures import ErasureLevel, ErasureTrigger, ExemptionGround, InformOutcome


class KeepBody(Body):
    """What a human decided to keep although it does not survive by itself (C71)."""

    retention_class: WordField = Field(examples=["participation"])
    exemption: WordField = Field(examples=["record_keeping"])
    ground: ExemptionGround = Field(description="The letter of Art. 17(3) that carries it.")
    until: DayField

    def keep(self) -> Keep:
        """As the decider takes it."""
        return Keep(
            retention_class=self.retention_class,
            exemption=self.exemption,
            ground=self.ground,
            until=self.until,
        )


class ErasureBody(Body):
    """What is to be erased: data of some purposes, some categories, or, with neither, all."""

    source: NameField = Field(examples=["secretariat"])
    trigger: ErasureTrigger = ErasureTrigger.REQUEST
    purposes: list[WordField] = Field(default=[], max_length=100)
    categories: list[WordField] = Field(default=[], max_length=200)
    keeps: list[KeepBody] = Field(default=[], max_length=50)
    statement: str = Field(
        default="", description="What the person wrote; none is needed. Sealed.", max_length=4000
    )
    reply_address: str = Field(
        default="",
        description="Where the answer goes; the first e-mail address on file without it. Sealed.",
        max_length=400,
    )
    identifiers: dict[NameField, str] = Field(
        default={},
        description="Recipient -> what it knows the person by, if not what it was given. Sealed.",
        max_length=100,
    )
    preview: bool = Field(
        default=False, description="Answer what would happen, and record nothing."
    )
    occurred_at: MomentField | None = Field(
        default=None, description="When the request reached the controller."
    )

    def extent(self) -> Extent:
        """As the decider takes it."""
        return Extent(frozenset(self.purposes), frozenset(self.categories))


class ApprovalBody(Body):
    """What the second person approves beside the request itself."""

    keeps: list[KeepBody] = Field(default=[], max_length=50)
    reply_address: str = Field(default="", description="As in the request. Sealed.", max_length=400)
    identifiers: dict[NameField, str] = Field(
        default={}, description="As in the request. Sealed.", max_length=100
    )


class InformedBody(Body):
    """What came of telling one recipient (Art. 19)."""

    recipient: NameField = Field(examples=["azavista"])
    outcome: InformOutcome


class AssuredBody(Body):
    """A further level was reached, with evidence outside the ledger: e2 or e3, never e1."""

    level: ErasureLevel
    classes: list[WordField] = Field(min_length=1, max_length=50)
    occurred_at: MomentField | None = None


class PlanBody(BaseModel):
    """What an erasure would do: what goes, what stays until when and why, who will be told."""

    subject_id: UUID
    version: int = Field(ge=0)
    of_everything: bool
    purposes: list[str] = Field(max_length=100)
    categories: list[str] = Field(max_length=200)
    erased: list[dict[str, Any]] = Field(max_length=100)
    retained: list[dict[str, Any]] = Field(max_length=100)
    recipients_to_tell: list[dict[str, Any]] = Field(max_length=1000)
    found_by_nothing: bool
    held: list[dict[str, Any]] = Field(max_length=100)
    suppressed: list[str] = Field(max_length=100)
    other_records: list[dict[str, Any]] = Field(
        default=[], description="The same of each record that this one stands for.", max_length=100
    )


class ErasureStatusBody(BaseModel):
    """Where an erasure stands, class by class and level by level."""

    erasure: UUID
    stage: str = Field(examples=["executed"], max_length=20)
    trigger: ErasureTrigger
    of_everything: bool
    purposes: list[str] = Field(max_length=100)
    categories: list[str] = Field(max_length=200)
    requested_at: datetime
    approved: bool
    blocked_by: list[str] = Field(max_length=100, description="Why it waits; holds and the like.")
    executed_at: datetime | None
    closed_at: datetime | None
    close_by: date | None = Field(
        description="What is needed to tell recipients goes after this day, too."
    )
    erased: list[dict[str, Any]] = Field(max_length=100)
    retained: list[dict[str, Any]] = Field(max_length=100)
    recipients: list[dict[str, Any]] = Field(max_length=1000)
    untold: list[str] = Field(max_length=1000, description="Who has still to be told.")


class CarriedBody(ReceiptBody):
    """The receipt of every event of the erasure, and where it stands."""

    erasure: ErasureStatusBody


class ErasuresBody(BaseModel):
    """Every erasure of the person; it is answered after an erasure too, without personal data."""

    subject_id: UUID
    erased: bool
    erasures: list[ErasureStatusBody] = Field(max_length=1000)
