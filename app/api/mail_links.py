"""Links in mails: ending a mailing with one click, how one wants to hear, and saying no (C73, C79).

A GET shows a page and changes nothing, because mail scanners follow every link; a POST acts, with
or without a page, and without a cookie (RFC 8058).
"""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from app.api.operations import operation, router
from app.api.public_pages import (
    Form,
    Page,
    footer,
    form_of,
    gone,
    language_choices,
    page_answer,
    spoken,
)
from app.documents.blocks import Words
from app.documents.languages import language as documents_language
from app.domain.decider import Refusal
from app.policy.model import Policy
from app.propagation.linked import Linked, mailings
from app.propagation.public_texts import languages, said
from app.service import Service
from app.vault.link_tokens import TOKEN_LENGTH_MAX, LinkKind

ROUTES = router("mail links")

TokenPath = Annotated[str, Path(max_length=TOKEN_LENGTH_MAX, pattern=r"^[A-Za-z0-9_-]+$")]
LanguageQuery = Annotated[str | None, Query(max_length=16, description="sv, fr, nl or en.")]
EVERYTHING = "everything"
ENDING = "end-"
ERASE, OBJECT, CLOSE = "erase", "object", "close"


def _linked(request: Request) -> Linked:
    service: Service = request.app.state.service
    return Linked(service.ledger, service.correspondence.links)


async def _page(
    request: Request, code: str, title: str, texts: tuple[str, ...], *, forms: tuple[Form, ...] = ()
) -> Response:
    service: Service = request.app.state.service
    page = Page(
        language=code,
        controller=(await service.ledger.rules()).policy.controller.name,
        title=title,
        texts=texts,
        forms=forms,
        nav_label=said(code)["preferences_title"],
        links=footer(request.url.path, code) if forms else (),
    )
    return page_answer(page)


@operation(
    ROUTES,
    "GET",
    "/unsubscribe/{token}",
    scope=None,
    answers=None,
    summary="Show how to unsubscribe",
    problems=("link-unknown",),
    clauses=("C73",),
    law=("L14", "L27"),
    media_type="text/html",
    pages=(404,),
)
async def show_unsubscribe(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """A page with buttons: this mailing, some of them, all news, the language.

    It changes nothing by itself, and does not tell what the person gets now: whoever has the link
    may be somebody else.
    """
    code = spoken(request, language)
    try:
        await _linked(request).read(token, LinkKind.MAILING)
    except Refusal:
        return await gone(request.app.state.service, code)
    texts = said(code)
    policy = (await request.app.state.service.ledger.rules()).policy
    forms = (
        Form(button=texts["unsubscribe_button"]),
        Form(button=texts["unsubscribe_all_button"], hidden=(("scope", EVERYTHING),)),
        Form(
            button=texts["mailings_button"],
            action=f"/preferences/{token}",
            heading=texts["mailings_title"],
            text=texts["mailings_text"],
            ticks=_news(policy, code),
        ),
        Form(
            button=texts["preferences_button"],
            action=f"/preferences/{token}",
            heading=texts["preferences_title"],
            text=texts["preferences_text"],
            choice_label=texts["language_label"],
            choices=language_choices(),
        ),
    )
    return await _page(
        request, code, texts["unsubscribe_title"], (texts["unsubscribe_text"],), forms=forms
    )


def _news(policy: Policy, code: str) -> tuple[tuple[str, Words], ...]:
    """A box for each mailing of the policy."""
    spoken_in, keys = documents_language(code), mailings(policy)
    named = [(one.key, one.title) for one in policy.all_purposes() if one.key in keys]
    return tuple((f"{ENDING}{key}", spoken_in.named(title)) for key, title in named)


@operation(
    ROUTES,
    "POST",
    "/unsubscribe/{token}",
    scope=None,
    answers=None,
    summary="Unsubscribe with one click",
    problems=("link-unknown", "body-too-large", "ledger-busy"),
    clauses=("C73",),
    law=("L14", "L15", "L41", "L43"),
    media_type="text/html",
    pages=(404,),
)
async def unsubscribe(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """Ends the mailing at once, whatever the body says: `List-Unsubscribe=One-Click` or nothing.

    `scope=everything` ends all direct marketing. Repeating it changes nothing. What else there is
    between the person and the controller stays as it is.
    """
    fields = await form_of(request)
    code, linked = spoken(request, language), _linked(request)
    try:
        link = await linked.read(token, LinkKind.MAILING)
        await linked.end_mailing(link, everything=fields.get("scope") == EVERYTHING)
    except Refusal:
        return await gone(request.app.state.service, code)
    texts = said(code)
    return await _page(request, code, texts["unsubscribed_title"], (texts["unsubscribed_text"],))


@operation(
    ROUTES,
    "POST",
    "/preferences/{token}",
    scope=None,
    answers=None,
    summary="Choose among the mailings, and the language",
    problems=("link-unknown", "body-too-large", "ledger-busy"),
    clauses=("C73", "C82"),
    law=("L6", "L14", "L27", "L43"),
    media_type="text/html",
    pages=(404,),
)
async def choose_preferences(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """Ends the mailings that are ticked (`end-newsletter=1`), and records the language chosen.

    What is not ticked stays as it is; a mailing that ended begins again by a new sign-up (C82).
    """
    fields = await form_of(request)
    wanted = fields.get("language", "")
    ended = {name.removeprefix(ENDING) for name in fields if name.startswith(ENDING)}
    code, linked = spoken(request, wanted or language), _linked(request)
    try:
        link = await linked.read(token, LinkKind.MAILING)
        if wanted in languages():
            await linked.speak(link, wanted)
        await linked.end_mailings(link, ended)
    except Refusal:
        return await gone(request.app.state.service, code)
    texts = said(code)
    title = texts["mailings_title" if ended else "preferences_title"]
    return await _page(request, code, title, (texts["preferences_done_text"],))


@operation(
    ROUTES,
    "GET",
    "/policy-change/{token}",
    scope=None,
    answers=None,
    summary="Show how to say no to a new policy",
    problems=("link-unknown",),
    clauses=("C79",),
    law=("L27",),
    media_type="text/html",
    pages=(404,),
)
async def show_policy_change(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """A page with buttons: leave, object, or have accounts closed and no more.

    Doing nothing is no acceptance of anything.
    """
    return await _refusing(request, token, spoken(request, language))


async def _refusing(request: Request, token: str, code: str) -> Response:
    try:
        await _linked(request).read(token, LinkKind.POLICY)
    except Refusal:
        return await gone(request.app.state.service, code)
    texts = said(code)
    forms = (
        Form(button=texts["refusal_erase_button"], hidden=(("choice", ERASE),)),
        Form(button=texts["refusal_object_button"], hidden=(("choice", OBJECT),)),
        Form(
            button=texts["refusal_close_button"],
            text=texts["refusal_close_text"],
            hidden=(("choice", CLOSE),),
        ),
    )
    return await _page(request, code, texts["refusal_title"], (texts["refusal_text"],), forms=forms)


@operation(
    ROUTES,
    "POST",
    "/policy-change/{token}",
    scope=None,
    answers=None,
    summary="Say no to a new policy",
    problems=("link-unknown", "body-too-large", "malformed-json", "ledger-busy"),
    clauses=("C62", "C72", "C79"),
    law=("L37", "L44"),
    media_type="text/html",
    pages=(404,),
)
async def refuse_policy_change(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """Records requests for erasure or for the closing of accounts alone, or an objection to all.

    The trigger of such a request is `policy_change`. Each has its clock, its place among what is
    due, and a letter that says until when. Pressed again before the answer, a button asks for
    nothing new.

    Without a choice nothing is recorded, and the page is shown again.
    """
    fields = await form_of(request)
    code, linked = spoken(request, language), _linked(request)
    choice = fields.get("choice")
    if choice not in (ERASE, OBJECT, CLOSE):
        return await _refusing(request, token, code)
    try:
        link = await linked.read(token, LinkKind.POLICY)
        match choice:
            case "erase":
                await linked.leave(link, code)
            case "close":
                await linked.close_accounts(link, code)
            case _:
                await linked.object(link)
    except Refusal:
        return await gone(request.app.state.service, code)
    texts = said(code)
    return await _page(request, code, texts["refused_title"], (texts["refused_text"],))
