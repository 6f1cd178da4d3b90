"""Request and answer bodies that several operations share; Pydantic lives at this rim only."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from app.identifiers import WORD_PATTERN

WordField = Annotated[str, StringConstraints(pattern=WORD_PATTERN, max_length=64)]
"""A key of the policy: purpose, category, recipient, source ..."""

NameField = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A key of the policy or a name that its alias table knows (C47)."""

LanguageField = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$", max_length=16)
]
DigestField = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
ValueField = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""Personal data as it was given; never shown in an error."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime_outside_calendar", "outside the calendar") from None


def _written(given: Any) -> Any:  # Any: a JSON value
    """A date is written in full: no number is one, nor digits that Unix would count as seconds."""
    if isinstance(given, date) or (isinstance(given, str) and _DATE.match(given)):
        return given
    raise PydanticCustomError("date_written", "not an RFC 3339 date in writing")


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

DayField = Annotated[date, BeforeValidator(_written)]
"""A day of the calendar."""

MomentField = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]
"""When something happened. With its offset: a time without one cannot be compared with ours."""


class Body(BaseModel):
    """A request body: unknown members are refused, and no error ever shows an input."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class ReceiptEvent(BaseModel):
    """Where one event is in the log."""

    event_id: UUID
    type: str = Field(examples=["consent.given"], max_length=64)
    version: int = Field(description="Version in the person's stream, from 1.", ge=1)
    position: int = Field(description="Leaf index in the log, from 0.", ge=0)
    leaf_hash: str = Field(description="RFC 6962 leaf hash, base64.", max_length=44)
    recorded_at: datetime


class SignatureBody(BaseModel):
    """By whom and with what the events were signed; `pdledger log verify-receipt` checks it.

    One signature covers everything that was appended together: the root of a Merkle tree
    (RFC 6962, SHA-256) whose leaves are the lines of the events, each `position stream version
    event_id type time leaf_hash` between single spaces.
    """

    name: str = Field(
        examples=["3f0c7a52-9d0e-4c1b-8e53-6d1d5a4d8a11.ledger.invalid/receipts"], max_length=100
    )
    at: str = Field(
        description="The newest time among them, six digits; the log owes them an hour later.",
        examples=["2026-11-22T08:30:00.000000Z"],
        max_length=27,
    )
    index: int = Field(description="Place of the first of these events in the tree.", ge=0)
    size: int = Field(description="Leaves of the tree.", ge=1)
    path: list[str] = Field(
        description=(
            "Base64 of the hashes beside them, from the leaves up, on each level left before right."
        ),
        max_length=128,
    )
    signature: str = Field(
        description=(
            "Base64 of key id and Ed25519 signature (c2sp.org/signed-note) of four lines: `name`,"
            " `receipts` and the size, the root in base64, `at`. The keys are in `/log/policy`."
        ),
        max_length=92,
    )


class ReceiptBody(BaseModel):
    """Proof that the events are durable; an empty list says that there was nothing to do."""

    subject_id: UUID
    version: int = Field(description="The record's version after the command: its ETag.", ge=0)
    position: int | None = Field(description="The last position given; for `min_position`.", ge=0)
    events: list[ReceiptEvent] = Field(max_length=1000)
    signed: SignatureBody | None = Field(
        description="A promise of the service: the log will hold these events at these places."
    )


class ProvedEntryBody(BaseModel):
    """One entry of the log, as it is stored: two lines that hold no personal data."""

    position: int = Field(description="Leaf index in the log.", ge=0)
    entry: str = Field(description="The leaf is SHA-256 of a zero byte and this.", max_length=65535)
    path: list[str] | None = Field(
        description=(
            "Its inclusion proof (RFC 6962) in base64; null where the entry after it proves it,"
            " whose `p` is its leaf hash, or the receipt."
        ),
        max_length=64,
    )


class AnswerProofBody(BaseModel):
    """Entries of the log under one checkpoint; `pdledger log verify-answer` checks them offline."""

    checkpoint: str | None = Field(
        description="The signed note that the paths lead to (c2sp.org/tlog-checkpoint).",
        max_length=20_000,
    )
    entries: list[ProvedEntryBody] = Field(max_length=1_000_000)
    receipt: dict[str, Any] | None = Field(
        description="A signed receipt of the last entry, where it is too young for a checkpoint."
    )


ENCODER = msgspec.json.Encoder(uuid_format="canonical")
