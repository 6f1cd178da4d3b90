"""Photographs of a person: taken, made public, taken down, objected to (C37; Arts. 17(2), 21).

A photograph is named by its opaque id in the system where it lies; its title is sealed beside the
reference to the file. Two people on one photograph are two events with the same id.
"""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class PhotoAudience(StrEnum):
    """Whom the controller told that a public photograph was taken down (Art. 17(2); L39)."""

    SEARCH_ENGINES = "search_engines"
    """What they keep of the page is asked to go."""
    CONTROLLERS = "controllers"
    """Others who are known to show it."""


@event("photo.taken", version=1)
class PhotoTaken:
    """The person is on a photograph; nobody but the controller sees it yet."""

    photo: UUID
    system: Word
    purpose: Word
    source: Word
    occasion: UUID | None


@event("photo.published", version=1)
class PhotoPublished:
    """The photograph is shown at one place: the website, a newsletter, a report."""

    photo: UUID
    purpose: Word
    """The use of photographs that the place stands for, each objectable by itself (L44)."""
    recipient: Word


@event("photo.withdrawn", version=1)
class PhotoTakenDown:
    """The photograph is gone from one place."""

    photo: UUID
    purpose: Word
    recipient: Word
    evidence: Digest | None
    """Of what shows it: a copy of the page, a message of the editor."""


@event("photo.removal-announced", version=1)
class PhotoRemovalAnnounced:
    """Others were told to take down what they copied of a public photograph (L39)."""

    photo: UUID
    purpose: Word
    recipient: Word
    audience: PhotoAudience
    evidence: Digest | None


@event("photo.objected", version=1)
class PhotoObjected:
    """The person does not want this photograph used, or not at one place; granted as it comes."""

    objection: UUID
    photo: UUID
    purpose: Word | None
    """The use objected to; None: every use."""
    source: Word


@event("photo.objection-withdrawn", version=1)
class PhotoObjectionWithdrawn:
    """The person no longer objects to this photograph."""

    objection: UUID
