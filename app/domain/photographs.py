"""Photographs of a person as the record tells of them: where shown, objected to, gone (C37)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.domain.holdings import keys_of
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
from app.events.recorded import Recorded
from app.events.retention import RetentionExecuted
from app.identifiers import KeyId
from app.values import Value, field, replace

IMAGE: Final = "image.event"
PHOTOS: Final = "photos"
"""The use of the policy under which photographs are taken; its narrower uses are the places."""

Place: TypeAlias = tuple[str, str]
"""Use of the policy, recipient."""


class Publication(Value, frozen=True, kw_only=True):
    """One photograph at one place."""

    since: datetime
    taken_down_at: datetime | None = None
    told: frozenset[PhotoAudience] = frozenset()


class PhotoObjection(Value, frozen=True, kw_only=True):
    """An objection to one photograph; never weighed, so it holds until it is withdrawn."""

    purpose: str | None
    since: datetime


class Photo(Value, frozen=True, kw_only=True):
    """One photograph of the person."""

    system: str
    purpose: str
    occasion: UUID | None
    taken_at: datetime
    gone_at: datetime | None = None
    """When the section that names the file was destroyed: erased, or kept long enough."""
    published: Mapping[Place, Publication] = field(default_factory=dict)
    objections: Mapping[UUID, PhotoObjection] = field(default_factory=dict)

    def objected(self, lineage: tuple[str, ...]) -> datetime | None:
        """Since when the person objects to this photograph for a use; None when they do not."""
        moments = (
            one.since
            for one in self.objections.values()
            if one.purpose is None or one.purpose in lineage
        )
        return min(moments, default=None)


class Named(Value, frozen=True):
    """Where the title of a photograph's file is sealed."""

    version: int
    retention_class: str
    key_id: KeyId | None


class Photos(Value, frozen=True):
    """Every photograph of a person, by its id where it lies."""

    by_id: Mapping[UUID, Photo] = field(default_factory=dict)
    named: Mapping[UUID, Named] = field(default_factory=dict)


def evolve(slice_: Photos, recorded: Recorded[Any]) -> Photos:
    """The photographs after one more event."""
    match recorded.event:
        case FileReferenced(category=category, file=file) as event:
            if category != IMAGE or file is None:
                return slice_
            named = _named(recorded, event.retention_class)
            return replace(slice_, named={**slice_.named, file: named})
        case SectionsResealed() as event:
            place = (event.origin, event.retention_class)
            moved = {
                file: _named(recorded, event.retention_class)
                for file, one in slice_.named.items()
                if (one.version, one.retention_class) == place
            }
            return replace(slice_, named={**slice_.named, **moved}) if moved else slice_
        case PhotoTaken() as event:
            photo = Photo(
                system=event.system,
                purpose=event.purpose,
                occasion=event.occasion,
                taken_at=recorded.happened_at,
            )
            return _with(slice_, event.photo, photo)
        case ErasureExecuted(keys=keys) | RetentionExecuted(keys=keys):
            return _gone(slice_, frozenset(map(KeyId, keys)), recorded.recorded_at)
        case PhotoObjected() as event:
            photo = slice_.by_id[event.photo]
            objection = PhotoObjection(purpose=event.purpose, since=recorded.happened_at)
            objections = {**photo.objections, event.objection: objection}
            return _with(slice_, event.photo, replace(photo, objections=objections))
        case PhotoObjectionWithdrawn(objection=objection):
            return replace(slice_, by_id=dict(_not_objected(slice_, objection)))
        case PhotoPublished() | PhotoTakenDown() | PhotoRemovalAnnounced() as event:
            photo = slice_.by_id[event.photo]
            shown_at = (event.purpose, event.recipient)
            shown = _publication(photo.published.get(shown_at), recorded)
            return _with(
                slice_, event.photo, replace(photo, published={**photo.published, shown_at: shown})
            )
        case _:
            return slice_


def _with(slice_: Photos, key: UUID, photo: Photo) -> Photos:
    return replace(slice_, by_id={**slice_.by_id, key: photo})


def _gone(slice_: Photos, keys: frozenset[KeyId], at: datetime) -> Photos:
    gone = {file for file, one in slice_.named.items() if one.key_id in keys}
    if not gone:
        return slice_
    by_id = {
        key: replace(one, gone_at=at) if key in gone else one for key, one in slice_.by_id.items()
    }
    return Photos(by_id, {file: one for file, one in slice_.named.items() if file not in gone})


def _named(recorded: Recorded[Any], retention_class: str) -> Named:
    key_id = keys_of(recorded).get(retention_class)
    return Named(recorded.version, retention_class, key_id)


def _not_objected(slice_: Photos, objection: UUID) -> Iterator[tuple[UUID, Photo]]:
    for key, photo in slice_.by_id.items():
        left = {one: what for one, what in photo.objections.items() if one != objection}
        yield key, replace(photo, objections=left)


def _publication(shown: Publication | None, recorded: Recorded[Any]) -> Publication:
    event, at = recorded.event, recorded.happened_at
    if isinstance(event, PhotoPublished) or shown is None:
        return Publication(since=at)
    if isinstance(event, PhotoTakenDown):
        return replace(shown, taken_down_at=at)
    return replace(shown, told=shown.told | {event.audience})
