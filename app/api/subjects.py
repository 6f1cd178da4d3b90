"""People: registered from what was obtained about them, and found by a verified identifier."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field, StringConstraints

from app.api.answers import answer, repeated
from app.api.bodies import (
    Body,
    LanguageField,
    MomentField,
    NameField,
    ValueField,
    WordField,
)
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.notices import ShowNotice
from app.domain.obtaining import Obtained
from app.domain.relationships import StartRelationship
from app.domain.subjects import RegisterSubject, SubjectUnknown
from app.domain.values import normalise
from app.events.identifiers import Verification
from app.events.notices import NoticeChannel
from app.policy.vocabulary import IdentifierKind
from app.propagation.registration import Registered, Registrar, verified_holder
from app.propagation.survivors import survivor_of
from app.receipts import discreet_value

ROUTES = router("subjects")

RegionField = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$", max_length=2)]


class ObtainedBody(Body):
    """Values for one purpose; a value without a purpose cannot be sent (L2)."""

    purpose: WordField = Field(examples=["network_exchange"])
    data: dict[WordField, ValueField] = Field(
        description="Data category of the policy -> value.",
        examples=[{"contact.name": "Åsa Öberg", "contact.email": "asa.oberg@forvaltning.example"}],
        min_length=1,
        max_length=50,
    )
    occasion: UUID | None = Field(default=None, description="The meeting, project or trip.")

    def obtained(self) -> Obtained:
        """As the domain reads it."""
        return Obtained(purpose=self.purpose, personal=self.data, occasion=self.occasion)


class RelationshipBody(Body):
    """In what way the person deals with the controller (C2)."""

    kind: WordField = Field(examples=["event_attendee"])
    organisation: UUID | None = None
    occasion: UUID | None = None
    occurred_at: MomentField | None = None

    def command(self) -> StartRelationship:
        """As the domain reads it."""
        return StartRelationship(
            kind=self.kind,
            organisation=self.organisation,
            occasion=self.occasion,
            occurred_at=self.occurred_at,
        )


class NoticeBody(Body):
    """Which notice the person was shown (Arts. 13, 14)."""

    policy: WordField = Field(examples=["impel-1"])
    language: LanguageField = Field(examples=["sv"])
    channel: NoticeChannel = Field(examples=["form"])
    occurred_at: MomentField | None = None

    def command(self) -> ShowNotice:
        """As the domain reads it."""
        return ShowNotice(
            policy=self.policy,
            language=self.language,
            channel=self.channel,
            occurred_at=self.occurred_at,
        )


class RegistrationBody(Body):
    """A person as one system obtained them."""

    source: NameField = Field(
        description="The system it was obtained in.", examples=["registration_form"]
    )
    obtained: list[ObtainedBody] = Field(min_length=1, max_length=20)
    verification: Verification | None = Field(
        default=None,
        description="How the source saw that the person controls the identifiers, if it did.",
        examples=["link"],
    )
    relationships: list[RelationshipBody] = Field(default_factory=list, max_length=20)
    notice: NoticeBody | None = None
    flags: list[WordField] = Field(default_factory=list, max_length=10)
    region: RegionField | None = Field(
        default=None, description="Country in which telephone numbers in national form are read."
    )
    occurred_at: MomentField | None = None

    def command(self) -> RegisterSubject:
        """As the domain reads it."""
        return RegisterSubject(
            source=self.source,
            obtained=tuple(one.obtained() for one in self.obtained),
            relationships=tuple(one.command() for one in self.relationships),
            notice=None if self.notice is None else self.notice.command(),
            flags=frozenset(self.flags),
            region=self.region,
            verification=self.verification,
            occurred_at=self.occurred_at,
        )


class PromiseBody(BaseModel):
    """What proves that the entry was promised; the log owes it within an hour of `at`.

    `pdledger log verify-receipt` checks it.
    """

    name: str = Field(
        examples=["3f0c7a52-9d0e-4c1b-8e53-6d1d5a4d8a11.ledger.invalid/receipts"], max_length=100
    )
    at: str = Field(
        description="When it was recorded, six digits.",
        examples=["2026-11-22T08:30:00.000000Z"],
        max_length=27,
    )
    signature: str = Field(
        description=(
            "Base64 of key id and Ed25519 signature (c2sp.org/signed-note) of four lines: `name`,"
            " `entry` with position and subject id, the leaf hash in base64, `at`."
        ),
        max_length=92,
    )


class RegisteredBody(BaseModel):
    """The person that is meant, new or known: which of the two is personal data, and not told.

    The events and their receipts are shown to whoever may read the person's record.
    """

    subject_id: UUID
    position: int = Field(description="What was recorded stands up to here in the log.", ge=0)
    leaf_hash: str = Field(
        description="Base64 of the leaf hash of the entry at that position.", max_length=44
    )
    signed: PromiseBody | None


class SuppressedBody(BaseModel):
    """Nothing was kept; the answer tells nothing more."""

    status: str = Field(examples=["suppressed"], max_length=16)


class LookupBody(Body):
    """An identifier; a POST, so that it is in no URL and no log (A12)."""

    kind: IdentifierKind = Field(examples=["email"])
    value: ValueField = Field(examples=["asa.oberg@forvaltning.example"])
    region: RegionField | None = None


class FoundBody(BaseModel):
    """The person to whom a verified identifier leads."""

    subject_id: UUID


@operation(
    ROUTES,
    "POST",
    "/v1/subjects",
    scope=Scope.SUBJECTS_WRITE,
    answers=RegisteredBody,
    status=201,
    summary="Register a person",
    problems=(
        "purpose-unknown",
        "source-unknown",
        "category-unknown",
        "category-disabled",
        "category-not-allowed-for-purpose",
        "linking-forbidden",
        "value-invalid",
        "under-age",
        "source-not-yours",
        "identifier-taken",
        "relationship-unknown",
        "notice-unknown",
    ),
    clauses=("C2", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C74"),
    law=("L2", "L4", "L5", "L19", "L41"),
    writes=True,
    more={202: {"model": SuppressedBody, "description": "Nothing may be kept."}},
)
async def register_subject(
    body: RegistrationBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_WRITE])],
) -> Response:
    """Registers a person from collected data, or adds the data to the person they belong to.

    A person is found only by a verified identifier; whoever is known already gets the same answer.
    202 `suppressed` when nothing may be kept because the address asked not to be used again.
    """
    call.check_source(body.source)
    registrar = Registrar(call.service.ledger, call.service.lookups)
    registration = await registrar.register(body.command(), await call.attribution())
    if registration.outcome is Registered.SUPPRESSED or registration.receipt is None:
        return answer({"status": "suppressed"}, 202)
    receipt = registration.receipt
    told = discreet_value(receipt, call.service.ledger.commit.receipt_key)
    location = f"/v1/subjects/{receipt.stream_id}"
    return answer(told, 201, headers={"location": location, **repeated(receipt)})


@operation(
    ROUTES,
    "POST",
    "/v1/subjects:lookup",
    scope=Scope.SUBJECTS_LOOKUP,
    answers=FoundBody,
    summary="Find a person by a verified identifier",
    problems=("malformed-json", "unsupported-media-type", "subject-unknown", "value-invalid"),
    clauses=("C7", "C8"),
)
async def lookup_subject(
    body: LookupBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_LOOKUP])],
) -> Response:
    """Answers the subject id behind an identifier that its person showed control over.

    An unknown and an unverified identifier get the same 404.
    """
    service = call.service
    policy = (await service.ledger.rules()).policy
    for category in policy.categories.values():
        if category.identifier_kind is body.kind:
            value = normalise(category, body.value, body.region)
            found = await service.lookups.subject_of(body.kind.value, value)
            if found and await verified_holder(service.store, found, body.kind, value):
                return answer({"subject_id": await survivor_of(service.ledger, found)})
    raise SubjectUnknown
