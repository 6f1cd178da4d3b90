"""Photographs: recorded, shown after notice, objected to one by one, taken down (C37; Art. 17)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, DigestField, MomentField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.paging import CursorQuery, LimitQuery, cursor, page, place_in
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.photos import (
    AnnounceRemoval,
    ObjectToPhoto,
    PublishPhoto,
    TakeDownPhoto,
    TakePhoto,
    WithdrawPhotoObjection,
)
from app.events.photos import PhotoAudience
from app.projections.photos import shown_of
from app.rights.matters import matter_of
from app.rights.person import read_person
from app.rights.photos import duties_of, duty_value, photos_value

ROUTES = router("photos")

PERSON = ("subject-unknown", "subject-erased")
KNOWN = ("photo-unknown", *PERSON)
CALLER = Security(authorised, scopes=[Scope.PHOTOS_WRITE])


class PhotoBody(Body):
    """A photograph on which the person can be recognised; it lies in a system, not here."""

    photo: UUID = Field(description="Its opaque id; one id for everybody on the photograph.")
    system: NameField = Field(examples=["onedrive"])
    title: str = Field(
        description="Its title there; sealed.",
        min_length=1,
        max_length=400,
        examples=["Plenary 12.jpg"],
    )
    source: NameField = Field(examples=["photographer"])
    occasion: UUID | None = Field(default=None, description="The meeting, project or trip.")
    occurred_at: MomentField | None = None


class PlaceBody(Body):
    """A place where photographs are shown: a use of the policy, and who shows it."""

    purpose: WordField = Field(examples=["photo_website"])
    recipient: NameField = Field(examples=["website"])
    evidence: DigestField | None = Field(
        default=None, description="SHA-256 of what shows it, in hex."
    )
    occurred_at: MomentField | None = None


class PublicationBody(Body):
    """Where the photograph is about to be shown."""

    purpose: WordField = Field(examples=["photo_website"])
    recipient: NameField | None = Field(
        default=None, description="May be left out where the use has only one."
    )
    member: UUID | None = None
    country: str | None = Field(default=None, pattern=r"^[A-Za-z]{2}$", max_length=2)
    occurred_at: MomentField | None = None


class AnnouncementBody(PlaceBody):
    """Whom the controller told that the photograph was taken down."""

    audience: PhotoAudience = Field(examples=["search_engines"])


class PhotoObjectionBody(Body):
    """What the person says about one photograph."""

    source: NameField = Field(examples=["secretariat"])
    purpose: WordField | None = Field(
        default=None, description="The place; none: the photograph is not to be used at all."
    )
    statement: str = Field(default="", description="Sealed.", max_length=4000)
    occurred_at: MomentField | None = None


class PhotoObjectedBody(ReceiptBody):
    """The receipt, and the id of the objection."""

    objection: UUID | None


class PhotosBody(BaseModel):
    """Every photograph of the person: where it is shown, and what is to be done."""

    subject_id: UUID
    position: int = Field(ge=0)
    photos: list[dict[str, Any]] = Field(max_length=10_000)


class PhotoDutiesBody(BaseModel):
    """Tasks of one page of people, by their ids."""

    items: list[dict[str, Any]] = Field(max_length=10_000)
    next: str | None = Field(max_length=200)
    self: str = Field(max_length=200)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photos",
    scope=Scope.PHOTOS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record a photograph of a person",
    problems=(
        "recipient-not-listed",
        "source-unknown",
        "source-not-yours",
        "objected",
        "value-invalid",
        "under-age",
        "occurred-in-future",
        *PERSON,
    ),
    clauses=("C37", "C43"),
    law=("L2", "L44"),
    writes=True,
)
async def take_photo(subject_id: UUID, body: PhotoBody, call: Annotated[Call, CALLER]) -> Response:
    """Records that the person is on a photograph. Nobody but the controller sees it by that."""
    command = TakePhoto(
        photo=body.photo,
        system=body.system,
        title=body.title,
        source=await source_of(call, body.source),
        occasion=body.occasion,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photos/{photo}/publications",
    scope=Scope.PHOTOS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that a photograph is shown",
    problems=(
        "photo-unannounced",
        "objected",
        "subject-restricted",
        "purpose-unknown",
        "recipient-not-listed",
        "contract-missing",
        "agreement-expired",
        "transfer-no-basis",
        "country-unknown",
        "category-not-shareable",
        "under-age",
        "occurred-in-future",
        *KNOWN,
    ),
    clauses=("C37",),
    law=("L10", "L32", "L44"),
    writes=True,
)
async def publish_photo(
    subject_id: UUID, photo: UUID, body: PublicationBody, call: Annotated[Call, CALLER]
) -> Response:
    """Records it before it is shown; refused before notice, and where the person objects.

    Each place is a use of the policy that is objected to by itself. The sharing register knows it.
    """
    command = PublishPhoto(
        photo=photo,
        purpose=body.purpose,
        recipient=body.recipient,
        member=body.member,
        country=body.country,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photos/{photo}/take-downs",
    scope=Scope.PHOTOS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that a photograph was taken down",
    problems=("photo-unpublished", "occurred-in-future", *KNOWN),
    clauses=("C37",),
    law=("L39", "L44"),
    writes=True,
)
async def take_down_photo(
    subject_id: UUID, photo: UUID, body: PlaceBody, call: Annotated[Call, CALLER]
) -> Response:
    """Ends the task of taking it down; it may be recorded of a person who was erased."""
    command = TakeDownPhoto(
        photo=photo,
        purpose=body.purpose,
        recipient=body.recipient,
        evidence=body.evidence,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photos/{photo}/removal-announcements",
    scope=Scope.PHOTOS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that others were told of a removal",
    problems=("photo-unpublished", "photo-still-shown", "occurred-in-future", *KNOWN),
    clauses=("C37",),
    law=("L39",),
    writes=True,
)
async def announce_removal(
    subject_id: UUID, photo: UUID, body: AnnouncementBody, call: Annotated[Call, CALLER]
) -> Response:
    """Ends the task of telling search engines, or others who copied a public photograph."""
    command = AnnounceRemoval(
        photo=photo,
        purpose=body.purpose,
        recipient=body.recipient,
        audience=body.audience,
        evidence=body.evidence,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photos/{photo}/objections",
    scope=Scope.OBJECTIONS_WRITE,
    answers=PhotoObjectedBody,
    status=201,
    summary="Record an objection to one photograph",
    problems=(
        "purpose-unknown",
        "source-unknown",
        "source-not-yours",
        "value-invalid",
        "occurred-in-future",
        *KNOWN,
    ),
    clauses=("C37", "C65"),
    law=("L44",),
    writes=True,
)
async def object_to_photo(
    subject_id: UUID,
    photo: UUID,
    body: PhotoObjectionBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_WRITE])],
) -> Response:
    """Granted as it comes, for this photograph at one place or at all; no weighing is needed."""
    command = ObjectToPhoto(
        objection=random_id(),
        photo=photo,
        source=await source_of(call, body.source),
        purpose=body.purpose,
        statement=body.statement,
        occurred_at=body.occurred_at,
    )
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    objection = await matter_of(call.service.store, receipt, "objection")
    return receipted(receipt, objection=objection)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/photo-objections/{objection}/withdrawal",
    scope=Scope.OBJECTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Take an objection to a photograph back",
    problems=("photo-objection-unknown", *PERSON),
    clauses=("C37",),
    law=("L44",),
    writes=True,
)
async def withdraw_photo_objection(
    subject_id: UUID,
    objection: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_WRITE])],
) -> Response:
    """Records that the person no longer objects to the photograph."""
    return await _done(call, subject_id, WithdrawPhotoObjection(objection=objection))


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/photos",
    scope=Scope.SUBJECTS_READ,
    answers=PhotosBody,
    summary="Show a person's photographs and what is to be done",
    problems=(*INSPECTING, *PERSON),
    clauses=("C37",),
    law=("L3", "L39", "L44"),
    purpose=True,
)
async def list_photos(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """Each photograph by its opaque id, where it is shown, and the tasks that it leaves.

    The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    _, duties = (await duties_of(call.service.ledger, [subject_id]))[0]
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            "photos": photos_value(person.state, duties),
        }
    )


@operation(
    ROUTES,
    "GET",
    "/v1/photo-duties",
    scope=Scope.REGISTERS_READ,
    answers=PhotoDutiesBody,
    summary="List every photograph that has to come down",
    problems=("cursor-invalid",),
    clauses=("C37",),
    law=("L39", "L44"),
)
async def list_photo_duties(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    limit: LimitQuery = 50,
    cursor_: CursorQuery = None,
) -> Response:
    """The tasks of so many people of whom a photograph was ever shown, erased ones included.

    An objection, an erasure, the end of a period or of a merge makes or ends a task at once; a
    page may hold none, and `next` leads on.
    """
    service, path = call.service, "/v1/photo-duties"
    place = place_in(service.store, path, cursor_)
    after = None if place is None else UUID(place)
    people = await shown_of(service.pool, after=after, size_max=limit + 1)
    found = await duties_of(service.ledger, people[:limit])
    items = [duty_value(one, subject_id) for subject_id, duties in found for one in duties]
    following = cursor(service.store, path, str(people[limit - 1])) if len(people) > limit else None
    body, headers = page(items, path, following=following)
    return answer(body, headers=headers)


async def _done(call: Call, subject_id: UUID, command: object) -> Response:
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )
