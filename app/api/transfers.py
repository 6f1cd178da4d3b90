"""What becomes of the transfers when a mechanism falls: "the DPF is gone on day D" (L57)."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.bodies import DayField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.standing import MinPositionQuery, caught_up
from app.auth import Scope
from app.domain.transfers import mechanism_named
from app.identifiers import WORD_PATTERN
from app.registers import transfers
from app.registers.moments import checked
from app.registers.rules import ruled
from app.rights.as_of import parse_as_of

ROUTES = router("registers")

FIRST_DAY, LAST_DAY = date(1995, 10, 24), date(2100, 1, 1)
"""From the directive on there was law on transfers."""

EXAMPLE = {
    "mechanism": {
        "key": "dpf",
        "title": "EU-US Data Privacy Framework",
        "article": "Art. 45",
        "valid_from": "2023-07-10",
        "valid_before": None,
        "at_risk": True,
    },
    "on": "2027-03-01",
    "as_of": None,
    "stands_at": 8124,
    "recorded": [],
    "people": 1204,
    "people_since": 0,
    "recipients": [
        {
            "key": "mailchimp",
            "title": "Mailchimp",
            "role": "processor",
            "country": "US",
            "group": False,
            "people": 1204,
            "people_since": 0,
            "ground_before": "dpf",
            "ground_after": None,
            "remaining": [],
            "available": ["scc_2021", "bcr"],
            "evidence_on": "2026-11-01",
            "purposes": ["newsletter"],
            "flows": [
                {
                    "country": "US",
                    "mechanism": "dpf",
                    "purpose": {"key": "newsletter", "title": "Newsletter"},
                    "people": 1204,
                    "people_since": 0,
                    "first_at": "2024-02-01T09:00:00Z",
                    "last_at": "2026-11-20T09:00:00Z",
                    "categories": [{"category": "contact.email", "people": 1204}],
                    "ground_before": "dpf",
                    "ground_after": None,
                    "remaining": [],
                    "available": ["scc_2021", "bcr"],
                }
            ],
        }
    ],
}


class ImpactBody(BaseModel):
    """Every recipient and flow that rests on the mechanism, and what is left without it."""

    mechanism: dict[str, Any]
    on: date = Field(description="The first day without it.")
    as_of: str | None = Field(max_length=40)
    stands_at: int = Field(description="The last position of the log that it knows.", ge=-1)
    recorded: list[dict[str, Any]] = Field(
        description="Lapses on record: of one recipient, or with null of all.", max_length=500
    )
    people: int = Field(description="Each person once.", ge=0)
    people_since: int = Field(description="Of whom something was given on that day or later.", ge=0)
    recipients: list[dict[str, Any]] = Field(
        description="`ground_after` null: nothing may go there any more; `remaining` is what was"
        " arranged beside it, `available` what could be. `flows` are purpose by categories.",
        max_length=500,
    )


@operation(
    ROUTES,
    "GET",
    "/v1/transfers/impact",
    scope=Scope.REGISTERS_READ,
    answers=ImpactBody,
    summary="Show what falls with a transfer mechanism",
    problems=(
        "mechanism-unknown",
        "as-of-malformed",
        "as-of-in-future",
        "as-of-before-first-event",
        "position-ahead",
        "projection-lagging",
    ),
    clauses=("C30",),
    law=("L55", "L56", "L57", "L58", "L59"),
    example=EXAMPLE,
)
async def show_transfer_impact(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    *,
    on: Annotated[
        DayField,
        Query(ge=FIRST_DAY, le=LAST_DAY, description="The first day without the mechanism."),
    ],
    mechanism: Annotated[str, Query(pattern=WORD_PATTERN, max_length=64)] = "dpf",
    as_of: Annotated[str | None, Query(max_length=40)] = None,
    min_position: MinPositionQuery = None,
) -> Response:
    """Lists each recipient, flow (purpose by categories) and number of people affected.

    The answer is the same before the lapse, as a question, and after it was recorded: it compares
    a world with the mechanism and one without. Nobody is named in it.
    """
    service = call.service
    cut, now = parse_as_of(as_of), service.ledger.clock()
    head = await checked(cut, service.store, service.pool, now)
    given = (await ruled(service.rulebook, service.store, cut, now)).given
    named = mechanism_named(mechanism, given)
    wanted = min_position if cut is None else max(head, min_position or 0)
    await caught_up(call, transfers.PROJECTIONS, wanted)
    found = await transfers.impact(
        service.pool, service.kept.tallies, named, on, given=given, cut=cut
    )
    return answer({**found, "as_of": as_of})
