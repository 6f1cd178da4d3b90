"""Photographs of a person: shown after notice, not where objected to, taken down when due (C37).

What has to be taken down, and whom to tell of it, is not recorded but follows from the record: an
objection or an erasure is a task from the moment in which it is recorded (L39, L44).
"""

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, assert_never
from uuid import UUID

from app.domain import disclosures, files
from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.disclosures import RecordDisclosure
from app.domain.files import ReferenceFile
from app.domain.letters import STATEMENT, letters
from app.domain.permissions import Denied, Objected, permission
from app.domain.photographs import IMAGE, PHOTOS, Photo, Photos, Publication, evolve
from app.domain.purpose_limitation import PurposeUnknown, purpose_named, source_named
from app.domain.recipients import RecipientNotListed, recipient_named, recipient_of
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.files import FileReferenced
from app.events.photos import (
    PhotoAudience,
    PhotoObjected,
    PhotoObjectionWithdrawn,
    PhotoPublished,
    PhotoRemovalAnnounced,
    PhotoTaken,
    PhotoTakenDown,
)
from app.events.recorded import Record
from app.events.retention import RetentionExecuted
from app.policy.model import Policy, Purpose
from app.values import Confidential, Value

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class TakePhoto(Confidential, frozen=True, kw_only=True):
    """A photograph on which the person can be recognised lies in a system."""

    CONFIDENTIAL = ("title",)

    photo: UUID
    system: str
    title: str
    source: str
    occasion: UUID | None = None
    occurred_at: datetime | None = None


class PublishPhoto(Value, frozen=True, kw_only=True):
    """The photograph is about to be shown at a place."""

    photo: UUID
    purpose: str
    recipient: str | None = None
    """May be left out where the use has only one."""
    country: str | None = None
    member: UUID | None = None
    occurred_at: datetime | None = None


class TakeDownPhoto(Value, frozen=True, kw_only=True):
    """It is gone from the place."""

    photo: UUID
    purpose: str
    recipient: str
    evidence: str | None = None
    occurred_at: datetime | None = None


class AnnounceRemoval(Value, frozen=True, kw_only=True):
    """Others who copied it from the place were told."""

    photo: UUID
    purpose: str
    recipient: str
    audience: PhotoAudience
    evidence: str | None = None
    occurred_at: datetime | None = None


class ObjectToPhoto(Confidential, frozen=True, kw_only=True):
    """The person does not want this photograph used, or not at one place."""

    CONFIDENTIAL = ("statement",)

    objection: UUID
    photo: UUID
    source: str
    purpose: str | None = None
    statement: str = ""
    occurred_at: datetime | None = None


class WithdrawPhotoObjection(Value, frozen=True, kw_only=True):
    """The person no longer objects to it."""

    objection: UUID


Command: TypeAlias = (
    TakePhoto
    | PublishPhoto
    | TakeDownPhoto
    | AnnounceRemoval
    | ObjectToPhoto
    | WithdrawPhotoObjection
)


class PhotoUnknown(Refusal):
    """No such photograph of the person is on record."""

    code = "photo-unknown"
    rules = ("C37",)


class PhotoUnannounced(Refusal):
    """A photograph is shown only to others after the person was told of it (Art. 25(2))."""

    code = "photo-unannounced"
    rules = ("C37", "L10")


class PhotoUnpublished(Refusal):
    """The photograph was never shown at that place."""

    code = "photo-unpublished"
    rules = ("C37",)


class PhotoStillShown(Refusal):
    """Others are told once it is gone from the place itself."""

    code = "photo-still-shown"
    rules = ("L39",)


class PhotoObjectionUnknown(Refusal):
    """The person raised no such objection to a photograph."""

    code = "photo-objection-unknown"
    rules = ("C37", "L44")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about a photograph makes."""
    match command:
        case TakePhoto():
            return _take(command, state, given)
        case PublishPhoto():
            return _publish(command, state, given)
        case TakeDownPhoto():
            return _take_down(command, state)
        case AnnounceRemoval():
            return _announce(command, state)
        case ObjectToPhoto():
            return _object(command, state, given)
        case WithdrawPhotoObjection(objection=objection):
            return _withdraw(objection, state)
        case _:
            assert_never(command)


def _take(command: TakePhoto, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    if command.photo in state.photos.by_id:
        return ()
    system = recipient_named(command.system, given.policy).key
    source = source_named(command.source, given.policy).key
    answer = permission(state, PHOTOS, system, {IMAGE}, given)
    if isinstance(answer, Denied) and answer.refusal in (Objected, RecipientNotListed):
        raise answer.raised()
    reference = ReferenceFile(
        system=system,
        title=command.title,
        category=IMAGE,
        purpose=PHOTOS,
        source=source,
        file=command.photo,
        occasion=command.occasion,
        occurred_at=command.occurred_at,
    )
    taken = PhotoTaken(
        photo=command.photo,
        system=system,
        purpose=PHOTOS,
        source=source,
        occasion=command.occasion,
    )
    referenced = files.decide(reference, state, given)
    return (*referenced, Record(taken, occurred_at=command.occurred_at))


def _publish(
    command: PublishPhoto, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    photo = _known(command.photo, state)
    use = purpose_named(command.purpose, given.policy)
    lineage = given.policy.lineage(use.key)
    if photo.purpose not in lineage[1:]:
        raise PurposeUnknown
    recipient = _recipient(command.recipient, use, given.policy)
    if not state.notices.informed:
        raise PhotoUnannounced
    if photo.objected(lineage) is not None:
        raise Objected(purpose=use.key)
    shown = photo.published.get((use.key, recipient))
    if shown is not None and shown.taken_down_at is None:
        return ()
    disclosure = RecordDisclosure(
        recipients=(recipient,),
        purpose=use.key,
        categories=frozenset({IMAGE}),
        member=command.member,
        country=command.country,
        occasion=photo.occasion,
        occurred_at=command.occurred_at,
    )
    published = PhotoPublished(photo=command.photo, purpose=use.key, recipient=recipient)
    return (
        *disclosures.decide(disclosure, state, given),
        Record(published, occurred_at=command.occurred_at),
    )


def _recipient(name: str | None, use: Purpose, policy: Policy) -> str:
    if name is not None:
        return recipient_of(name, use, policy).key
    if len(use.recipients) != 1:
        raise RecipientNotListed(purpose=use.key)
    [only] = use.recipients
    return only


def _known(photo: UUID, state: "SubjectState") -> Photo:
    known = state.photos.by_id.get(photo)
    if known is None:
        raise PhotoUnknown
    return known


def _shown(command: TakeDownPhoto | AnnounceRemoval, state: "SubjectState") -> Publication:
    photo = _known(command.photo, state)
    shown = photo.published.get((command.purpose, command.recipient))
    if shown is None:
        raise PhotoUnpublished
    return shown


def _take_down(command: TakeDownPhoto, state: "SubjectState") -> tuple[Record, ...]:
    if _shown(command, state).taken_down_at is not None:
        return ()
    event = PhotoTakenDown(
        photo=command.photo,
        purpose=command.purpose,
        recipient=command.recipient,
        evidence=command.evidence,
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _announce(command: AnnounceRemoval, state: "SubjectState") -> tuple[Record, ...]:
    shown = _shown(command, state)
    if shown.taken_down_at is None:
        raise PhotoStillShown
    if command.audience in shown.told:
        return ()
    event = PhotoRemovalAnnounced(
        photo=command.photo,
        purpose=command.purpose,
        recipient=command.recipient,
        audience=command.audience,
        evidence=command.evidence,
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _object(
    command: ObjectToPhoto, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    photo = _known(command.photo, state)
    purpose = None if command.purpose is None else purpose_named(command.purpose, given.policy).key
    if purpose is not None and photo.purpose not in given.policy.lineage(purpose):
        raise PurposeUnknown
    if any(one.purpose in (None, purpose) for one in photo.objections.values()):
        return ()
    event = PhotoObjected(
        objection=command.objection,
        photo=command.photo,
        purpose=purpose,
        source=source_named(command.source, given.policy).key,
    )
    sections = letters({STATEMENT: command.statement}, command.objection, given)
    return (Record(event, sections=sections, occurred_at=command.occurred_at),)


def _withdraw(objection: UUID, state: "SubjectState") -> tuple[Record, ...]:
    if not any(objection in photo.objections for photo in state.photos.by_id.values()):
        raise PhotoObjectionUnknown
    return (Record(PhotoObjectionWithdrawn(objection=objection)),)


PHOTOGRAPHS = Concern(
    "photos",
    commands=(
        TakePhoto,
        PublishPhoto,
        TakeDownPhoto,
        AnnounceRemoval,
        ObjectToPhoto,
        WithdrawPhotoObjection,
    ),
    folds=(
        FileReferenced,
        PhotoTaken,
        PhotoPublished,
        PhotoTakenDown,
        PhotoRemovalAnnounced,
        PhotoObjected,
        PhotoObjectionWithdrawn,
        ErasureExecuted,
        RetentionExecuted,
        SectionsResealed,
    ),
    initial=Photos(),
    decide=decide,
    evolve=evolve,
)
