"""The register of breaches, and who is to be told of one (Arts. 33(5), 34; L52, L53)."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import Asked, AskedOverTime, Register, answered, offered
from app.api.standing import caught_up
from app.auth import Scope
from app.domain.consultations import PurposeNotAllowed
from app.identifiers import SubjectId
from app.policy.own_names import BREACHES as PURPOSE
from app.projections import BREACHES
from app.registers import breach_radius, breaches
from app.registers.table import Part, Question, Row
from app.rights.breach_notices import addresses_to_notify
from app.values import replace

ROUTES = router("breaches")
OPENED_AT_ONCE = 20
"""People whose addresses are opened side by side."""

EXAMPLE = {
    "items": [
        {
            "breach": "5f0c7a66-4d0d-4f1c-9a2b-1f2f6f3f1a10",
            "position": 8123,
            "recorded_at": "2026-11-20T16:10:00Z",
            "aware_at": "2026-11-20T16:00:00Z",
            "due_at": "2026-11-23T16:00:00Z",
            "nature": ["confidentiality"],
            "cause": "unauthorised_access",
            "recipient": "mailchimp",
            "risk": "high",
            "people": 1204,
            "settled": False,
        }
    ],
    "next": None,
    "self": "/v1/breaches",
    "stands_at": 8124,
    "as_of": None,
}

PEOPLE_EXAMPLE = {
    "items": [
        {
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "categories": ["contact.email"],
            "addresses": ["zoe.angstrom@stad.example"],
        }
    ],
    "next": None,
    "self": "/v1/breaches/5f0c7a66-4d0d-4f1c-9a2b-1f2f6f3f1a10/people",
    "stands_at": 8124,
    "as_of": None,
}


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    now, law = service.ledger.clock(), service.rulebook.law
    return await breaches.part(service.pool, service.store, question, law=law, now=now)


REGISTER = Register(
    name="breaches",
    path="/v1/breaches",
    columns=breaches.COLUMNS,
    read=_read,
    about_people=False,
    projections=(BREACHES,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.BREACHES_READ,
    summary="List the breaches",
    clauses=(),
    law=("L52",),
    example=EXAMPLE,
)
async def list_breaches(
    call: Annotated[Call, Security(authorised, scopes=[Scope.BREACHES_READ])],
    asked: Annotated[AskedOverTime, Query()],
) -> Response:
    """Lists every breach with its clock: the documentation of Art. 33(5)."""
    return await answered(REGISTER, call, asked)


async def _people(call: Call, question: Question) -> Part:
    """Whoever can be told, whatever they objected to; of the erased there is no address left."""
    service, now = call.service, call.service.ledger.clock()
    breach = UUID(call.request.path_params["breach"])
    span = (await breaches.read_breach(service.store, breach, now)).state.span
    await caught_up(call, breach_radius.PROJECTIONS, await service.store.head_position())
    known = await breaches.moment_of(service.pool, question.as_of)
    policy = (await service.rulebook.current()).policy
    part = await breach_radius.people(service.pool, question, span, policy, now=now, known=known)
    if "addresses" not in question.shown:
        return part
    rows = [row for some in _batches(part.rows) for row in await _opened(call, some)]
    return Part(part.stands_at, tuple(rows), part.following)


def _batches(rows: tuple[Row, ...]) -> Iterator[tuple[Row, ...]]:
    for start in range(0, len(rows), OPENED_AT_ONCE):
        yield rows[start : start + OPENED_AT_ONCE]


async def _opened(call: Call, rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """The rows with addresses; each reading is an event of the person's own stream."""
    service = call.service
    found = await asyncio.gather(
        *(
            addresses_to_notify(
                service.ledger, service.store, SubjectId(row["subject_id"]), call.reading()
            )
            for row in rows
        )
    )
    return [
        {**row, "addresses": list(addresses)} for row, addresses in zip(rows, found, strict=True)
    ]


PEOPLE = Register(
    name="breach-people",
    path="/v1/breaches/{breach}/people",
    columns=breach_radius.COLUMNS,
    read=_people,
    about_people=True,
    projections=breach_radius.PROJECTIONS,
)


@offered(
    ROUTES,
    PEOPLE,
    scope=Scope.BREACHES_NOTIFY,
    summary="List whom to tell of a breach",
    clauses=(),
    law=("L3", "L53"),
    problems=("breach-unknown", "purpose-not-allowed"),
    example=PEOPLE_EXAMPLE,
)
async def list_breach_people(
    breach: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.BREACHES_NOTIFY])],
    asked: Annotated[Asked, Query()],
) -> Response:
    """Lists everybody concerned who can still be told, for the purpose `breach_notification` alone.

    The notice is no advertising: who objected to news, or is suppressed or restricted, is on the
    list. Who was erased is not; the assessment counts them. Addresses are opened when they are
    shown, and each such reading is recorded with the person.
    """
    if call.purpose() != PURPOSE:
        raise PurposeNotAllowed(purpose=PURPOSE)
    register = replace(
        PEOPLE, name=f"{PEOPLE.name}.{breach}", path=PEOPLE.path.format(breach=breach)
    )
    return await answered(register, call, asked)
