"""The register of mails: what was sent to whom about what, and what came of it (L9, L27)."""

from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Uuid, bindparam, select

from app.projections.mails import MAILS, mails
from app.projections.statements import Query
from app.registers.listing import EVERYTHING, Listing
from app.registers.table import columns
from app.registers.waiting import reached
from app.store.event_store import EventStore

COLUMNS = columns(
    position="Position of the event that queued it.",
    subject_id="To whom; a random id.",
    mail="Its id.",
    kind="`consent_confirmation`, `answer`, `notice`, `policy_change` or `breach`.",
    matter="The request, erasure or consent that it is about.",
    language="In which language it is written.",
    policy="The policy version in force then.",
    message="SHA-256 of the message, byte for byte.",
    state="Where it stands now: `queued`, `sent`, `delayed`, `failed`, `bounced` or `withdrawn`.",
    channel="By which way it left: `smtp`, `hand` or `post`.",
    failure="Why it did not leave.",
    code="The relay's reply code.",
    attempts="How often it was tried.",
    since="When it was queued.",
    since_by="Who queued it: a caller id.",
    settled_at="When it got to where it stands.",
)

LISTING = Listing(MAILS, mails, EVERYTHING)

_WHOSE = Query(select(mails.c.subject_id).where(mails.c.mail == bindparam("mail", type_=Uuid)))


async def whose(pool: "asyncpg.Pool[Any]", store: EventStore, mail: UUID) -> UUID | None:
    """On whose stream a mail was queued, None where there is no such mail; ProjectionLagging.

    Nobody is told of a mail that it is unknown before the register has read as far as the log goes.
    """
    if not (found := await _WHOSE.fetch(pool, mail=mail)):
        await reached(pool, (MAILS,), await store.head_position())
        found = await _WHOSE.fetch(pool, mail=mail)
    return found[0]["subject_id"] if found else None
