"""Cookie choices of the website's visitors, and whether something may be set or read (L18, C21)."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, repeated
from app.api.bodies import Body, LanguageField, MomentField, WordField
from app.api.call import Call, authorised
from app.api.operations import UNCHANGED, operation, router
from app.auth import Scope
from app.domain.cookies import Choice, ChooseCookies, admit_cookie
from app.domain.days import day_of
from app.domain.subject import OccurredLater
from app.events.cookies import CookieAnswer, CookieCategory

ROUTES = router("cookies")

CALLER = Security(authorised, scopes=[Scope.COOKIES_WRITE])


class VisitorBody(Body):
    """A visitor of the website, by a random token that lies in their browser and nowhere else."""

    visitor: UUID = Field(description="Made by the website, random; kept as long as the choice.")


class ChoiceBody(VisitorBody):
    """What a visitor chose on our own page; nothing else is a choice."""

    banner: WordField = Field(description="Its version, `banner-N`.", examples=["banner-3"])
    language: LanguageField = Field(examples=["sv"])
    method: WordField = Field(description="`banner` or `preferences`.", examples=["banner"])
    categories: dict[WordField, CookieAnswer] = Field(
        description="A category that is not named is refused.",
        examples=[{"statistics": "refused"}],
        min_length=1,
        max_length=10,
    )
    cookies: dict[WordField, CookieAnswer] = Field(
        default_factory=dict,
        description="Choices about single cookies, each named by its category, a dot and a word"
        " of yours: an answer counts for that category alone.",
        examples=[{"statistics.ga": "refused"}],
        max_length=200,
    )


class ChosenBody(BaseModel):
    """The proof of the choice, and from when on the visitor is asked again."""

    visitor: UUID
    ask: bool = Field(description="Whether the banner has to be shown.")
    categories: dict[str, CookieAnswer] = Field(max_length=10)
    cookies: dict[str, CookieAnswer] = Field(max_length=200)
    ask_again_on: str | None = Field(examples=["2027-05-22"], max_length=10)
    position: int | None = Field(description="Where the proof is in the log.", ge=0)


class AskBody(VisitorBody):
    """Something is about to be set or read, or was."""

    category: CookieCategory = Field(examples=["statistics"])
    cookie: WordField | None = Field(
        default=None, examples=["ga"], description="By its word, or as the choice names it."
    )
    occurred_at: MomentField | None = Field(
        default=None, description="When; a choice made later does not cover it. Default: now."
    )


class AllowedBody(BaseModel):
    """The visitor chose it before."""

    allowed: bool
    ask_again_on: str = Field(max_length=10)


@operation(
    ROUTES,
    "POST",
    "/v1/cookie-choices",
    scope=Scope.COOKIES_WRITE,
    answers=ChosenBody,
    status=201,
    summary="Record a visitor's choice about cookies",
    problems=("cookie-choice-invalid",),
    clauses=("C21",),
    law=("L13", "L18"),
    writes=True,
    more={200: {"model": ChosenBody, "description": UNCHANGED}},
)
async def choose_cookies(body: ChoiceBody, call: Annotated[Call, CALLER]) -> Response:
    """Records the proof, a refusal exactly as an acceptance, both until the same day.

    The visitor is nobody we know: no address, no name, no person's record is joined to it. Browser
    settings, silence and surfing on are no choice.
    """
    control = call.service.control
    command = ChooseCookies(
        banner=body.banner,
        language=body.language,
        method=body.method,
        categories=body.categories,
        cookies=body.cookies,
    )
    receipt = await control.choose_cookies(body.visitor, command, await call.attribution())
    state = await control.cookie_state(body.visitor)
    told = _told(body.visitor, state.choices[-1] if state.choices else None)
    status = 201 if receipt.lines else 200
    return answer({**told, "position": receipt.position}, status, headers=repeated(receipt))


@operation(
    ROUTES,
    "POST",
    "/v1/cookie-choices:lookup",
    scope=Scope.COOKIES_WRITE,
    answers=ChosenBody,
    summary="Show what a visitor chose, and whether to ask",
    problems=("malformed-json", "unsupported-media-type"),
    clauses=("C21",),
    law=("L18",),
)
async def look_up_choice(body: VisitorBody, call: Annotated[Call, CALLER]) -> Response:
    """The choice that holds; whoever made none, or one that is too old, is asked."""
    state = await call.service.control.cookie_state(body.visitor)
    now = call.service.ledger.clock()
    choice = state.choice_at(now)
    today = day_of(now, (await call.service.ledger.rules()).at(now))
    held = choice if choice is not None and choice.holds(today) else None
    return answer({**_told(body.visitor, held), "position": None})


@operation(
    ROUTES,
    "POST",
    "/v1/cookie-permissions:check",
    scope=Scope.COOKIES_WRITE,
    answers=AllowedBody,
    summary="Ask whether a cookie may be set or a visit counted",
    problems=(
        "cookie-consent-missing",
        "occurred-in-future",
        "malformed-json",
        "unsupported-media-type",
    ),
    clauses=("C17", "C21"),
    law=("L18",),
)
async def check_cookie(body: AskBody, call: Annotated[Call, CALLER]) -> Response:
    """Asked before anything but the strictly necessary is set, read or counted.

    Refused unless the visitor accepted it before that moment: statistics of a visit without a
    choice stay out, and so do those of a refusal.
    """
    now = call.service.ledger.clock()
    moment = body.occurred_at or now
    if moment > now:
        raise OccurredLater
    state = await call.service.control.cookie_state(body.visitor)
    given = (await call.service.ledger.rules()).at(now)
    choice = admit_cookie(state, body.category, body.cookie, moment=moment, given=given)
    return answer({"allowed": True, "ask_again_on": choice.ask_again_on})


def _told(visitor: UUID, choice: Choice | None) -> dict[str, object]:
    return {
        "visitor": visitor,
        "ask": choice is None,
        "categories": {} if choice is None else dict(choice.categories),
        "cookies": {} if choice is None else dict(choice.cookies),
        "ask_again_on": None if choice is None else choice.ask_again_on,
    }
