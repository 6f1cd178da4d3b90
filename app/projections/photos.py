"""Photographs that were shown: where tasks can arise, for whoever looks for them (C37, L39)."""

from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, Integer, Text, Uuid, bindparam, select

from app.events.photos import PhotoPublished
from app.events.recorded import Recorded
from app.projections.lasting import lasting, opened, opening
from app.projections.projection import Projection, Writes
from app.projections.statements import Query

publications = lasting(
    "photos_v1",
    Column("photo", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    comment="Publications of photographs: one row each; the stream says what became of it.",
)

PHOTOS = Projection("photos", version=1, tables=(publications,))

PUBLISH = opening(publications)


@PHOTOS.on(PhotoPublished)
def published(recorded: Recorded[PhotoPublished]) -> Writes:
    """It stays when the person is erased: the picture still hangs, and has to come down."""
    event = recorded.event
    return (
        PUBLISH.write(
            **opened(recorded),
            photo=event.photo,
            purpose=event.purpose,
            recipient=event.recipient,
        ),
    )


_SHOWN = Query(
    select(publications.c.subject_id)
    .where(publications.c.subject_id > bindparam("after", type_=Uuid()))
    .distinct()
    .order_by(publications.c.subject_id)
    .limit(bindparam("size_max", type_=Integer))
)


async def shown_of(
    pool: "asyncpg.Pool[Any]", *, after: UUID | None, size_max: int
) -> tuple[UUID, ...]:
    """The next people, by id, of whom a photograph was ever shown."""
    found = await _SHOWN.fetch(pool, after=after or UUID(int=0), size_max=size_max)
    return tuple(row["subject_id"] for row in found)
