"""The register of profiles: a page of people, with what may be read of them for one purpose."""

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Response, Security

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.registers.words import SourceWord
from app.auth import Scope
from app.projections import PROFILES
from app.registers import profiles
from app.registers.profiles import ABOUT, Reading, columns_for
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "registered_at": "2026-11-22T10:00:00Z",
            "source": "registration_form",
            "origin": "subject",
            "contact.name": "Zoë Ångström-O'Brien",
            "contact.email": "zoe.angstrom@stad.example",
        }
    ],
    "next": None,
    "self": "/v1/subjects?columns=contact.name&columns=contact.email",
    "stands_at": 8124,
    "as_of": None,
}


class ProfilesAsked(Asked):
    """The register narrowed by where people came from, never by who they are."""

    source: SourceWord = None


async def _read(call: Call, question: Question) -> Part:
    ledger = call.service.ledger
    rules = await ledger.rules()
    reading = Reading(
        purpose=call.purpose(),
        by=call.reading(),
        given=rules.at(ledger.clock()),
        control=rules.control.version,
    )
    return await profiles.part(call.service.pool, ledger, reading, question)


PROFILE_REGISTER = Register(
    name="profiles",
    path="/v1/subjects",
    columns=ABOUT,
    read=_read,
    about_people=True,
    projections=(PROFILES,),
    open=True,
)


@offered(
    ROUTES,
    PROFILE_REGISTER,
    scope=Scope.SUBJECTS_READ,
    summary="List the profiles",
    clauses=("C1", "C4", "C6", "C12"),
    law=("L3", "L4", "L42"),
    example=EXAMPLE,
)
async def list_subjects(
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
    asked: Annotated[ProfilesAsked, Query()],
) -> Response:
    """Lists people with what is held for the purpose named in the Purpose header.

    The columns are those of the purpose's categories, account numbers masked; only what `columns`
    asks for is opened. The reading is recorded of everybody of whom a value is shown. Who is under
    a restriction that covers the purpose is left out, and so is who was erased.
    """
    rules = await call.service.ledger.rules()
    given = rules.at(call.service.ledger.clock())
    register = replace(PROFILE_REGISTER, columns=columns_for(call.purpose(), given))
    return await answered(register, call, asked)
