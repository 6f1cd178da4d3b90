"""The newsletter: signing up in public, and confirming from one's own mailbox (C82)."""

from typing import Annotated, Final

from fastapi import HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.bodies import Body, DigestField, LanguageField
from app.api.client_address import client_address
from app.api.operations import operation, router
from app.api.problems import problem
from app.api.public_pages import (
    Form,
    Page,
    footer,
    form_of,
    gone,
    page_answer,
    spoken,
)
from app.domain.consents import ConsentRequestUnknown
from app.domain.contact_points import normalise_email
from app.domain.evidence import ConsentEvidenceInvalid
from app.domain.legal_clock import day_of
from app.domain.merges import SubjectAbsorbed
from app.domain.sign_ups import SignUpUnknown
from app.domain.text_values import ValueInvalid
from app.policy.records import ConsentWording
from app.policy.wordings import wording_of, wording_shown
from app.propagation.linked import Linked, LinkUnknown
from app.propagation.public_texts import SOURCE, said
from app.propagation.sign_ups import SigningUp, Wish
from app.service import Service
from app.vault.link_tokens import TOKEN_LENGTH_MAX, Link, LinkKind

ROUTES = router("newsletter")

RETRY_AFTER_S: Final = "3600"
PATH: Final = "/newsletter"

TokenPath = Annotated[str, Path(max_length=TOKEN_LENGTH_MAX, pattern=r"^[A-Za-z0-9_-]+$")]
LanguageQuery = Annotated[str | None, Query(max_length=16, description="sv, fr, nl or en.")]


class WordingAnswer(BaseModel):
    """The sentence to show above the button, byte for byte."""

    purpose: str = Field(examples=["newsletter"], max_length=64)
    language: str = Field(examples=["sv"], max_length=16)
    text: str = Field(examples=["Ja, IMPEL får skicka mig sitt nyhetsbrev …"], max_length=4000)
    sha256: str = Field(examples=["ab" * 32], max_length=64)


class SignUpBody(Body):
    """An address, and the sentence that was shown above the button."""

    email: str = Field(examples=["asa.oberg@forvaltning.example"], min_length=3, max_length=254)
    wording_sha256: DigestField = Field(description="As GET /v1/newsletter/wording gave it.")


class SignedUpAnswer(BaseModel):
    """The same for every address."""

    status: str = Field(examples=["confirmation-sent"], max_length=32)


def _signing_up(service: Service) -> SigningUp:
    return SigningUp(service.ledger, service.lookups, service.correspondence.post_office)


async def _wording(service: Service, language: str) -> ConsentWording | None:
    """In the language, else in English, else as the policy's own text; None: nothing to join."""
    policy = (await service.ledger.rules()).policy
    today = day_of(service.ledger.clock(), service.rulebook.law)
    own = (key for key, text in policy.texts.items() if text.authoritative)
    told = (wording_shown(policy, one, today) for one in (language.partition("-")[0], SOURCE, *own))
    return next((one for one in told if one is not None), None)


def _admitted(service: Service, request: Request) -> bool:
    correspondence = service.correspondence
    client = client_address(request, correspondence.proxies)
    return correspondence.limits.admits_network(client, service.ledger.clock())


class _TooOften(Exception):
    """One network signs up more than people do."""


async def _receive(request: Request, email: str, wording_sha256: str) -> None:
    """Takes a sign-up that could be one; what could not counts towards no limit."""
    service: Service = request.app.state.service
    wording = wording_of((await service.ledger.rules()).policy, wording_sha256)
    if wording is None:
        raise ConsentEvidenceInvalid(missing=("wording",))
    wish = Wish(address=normalise_email(email), wording=wording)
    if not _admitted(service, request):
        raise _TooOften
    await _signing_up(service).receive(wish, service.correspondence.limits)


@operation(
    ROUTES,
    "GET",
    "/v1/newsletter/wording",
    scope=None,
    answers=WordingAnswer,
    summary="Show what a subscriber agrees to",
    problems=("not-found",),
    clauses=("C25", "C82"),
    law=("L12",),
)
async def get_newsletter_wording(request: Request, language: LanguageField = SOURCE) -> Response:
    """Shows the sentence in a language, in English where there is none; a form shows it as it is.

    404 where the policy in force has none: nobody can sign up.

    The sign-up names it by its hash, so that what was shown can be proved.
    """
    wording = await _wording(request.app.state.service, language)
    if wording is None:
        raise HTTPException(404)
    told = {"purpose": wording.purpose, "language": wording.language}
    return answer({**told, "text": wording.text, "sha256": wording.digest})


@operation(
    ROUTES,
    "POST",
    "/v1/newsletter/sign-ups",
    scope=None,
    answers=SignedUpAnswer,
    status=202,
    summary="Sign up for the newsletter",
    problems=(
        "malformed-json",
        "unsupported-media-type",
        "body-too-large",
        "consent-evidence-invalid",
        "value-invalid",
        "rate-limited",
        "ledger-busy",
    ),
    clauses=("C25", "C82"),
    law=("L12", "L16", "L17"),
)
async def sign_up(request: Request, body: SignUpBody) -> Response:
    """Sends a message with a link to the address; only its use makes a subscription (C82).

    Needs no key. The answer is the same whether or not the address is known, and nobody is looked
    up. What nobody confirms within 7 days is erased.
    """
    try:
        await _receive(request, body.email, body.wording_sha256)
    except _TooOften:
        request_id = request.scope["state"]["request_id"]
        return problem("rate-limited", request_id, headers={"retry-after": RETRY_AFTER_S})
    return answer({"status": "confirmation-sent"}, 202)


@operation(
    ROUTES,
    "GET",
    PATH,
    scope=None,
    answers=None,
    summary="Show the sign-up form",
    clauses=("C82",),
    law=("L12", "L27"),
    media_type="text/html",
    pages=(404,),
)
async def show_sign_up(request: Request, language: LanguageQuery = None) -> Response:
    """The form as a page, in English, Swedish, French or Dutch; it works without script."""
    service: Service = request.app.state.service
    return await _form(service, spoken(request, language))


@operation(
    ROUTES,
    "POST",
    PATH,
    scope=None,
    answers=None,
    summary="Send the sign-up form",
    problems=("body-too-large", "malformed-json", "ledger-busy"),
    clauses=("C25", "C82"),
    law=("L12", "L16", "L17"),
    media_type="text/html",
    pages=(404, 422, 429),
)
async def send_sign_up(request: Request, language: LanguageQuery = None) -> Response:
    """The same as the sign-up over JSON, for the page's own form; answers with a page."""
    service: Service = request.app.state.service
    fields = await form_of(request)
    policy = (await service.ledger.rules()).policy
    shown = wording_of(policy, fields.get("wording", ""))
    code = spoken(request, language or (shown.language if shown else None))
    texts, controller = said(code), policy.controller.name
    try:
        await _receive(request, fields.get("email", "")[:1000], fields.get("wording", ""))
    except _TooOften:
        busy = (texts["busy_text"],)
        page = Page(language=code, controller=controller, title=texts["busy_title"], texts=busy)
        return page_answer(page, 429)
    except (ValueInvalid, ConsentEvidenceInvalid):
        return await _form(service, code, error=texts["sign_up_invalid"])
    law = (await service.ledger.rules()).law
    days = law.number("consent.confirmation_days", day_of(service.ledger.clock(), law))
    page = Page(
        language=code,
        controller=controller,
        title=texts["sign_up_done_title"],
        texts=(texts["sign_up_done_text"].format(days=days),),
    )
    return page_answer(page)


@operation(
    ROUTES,
    "GET",
    "/confirm/{token}",
    scope=None,
    answers=None,
    summary="Show what a link confirms",
    problems=("link-unknown",),
    clauses=("C82",),
    law=("L12", "L27"),
    media_type="text/html",
    pages=(404,),
)
async def show_confirmation(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """A page with the sentence and a button. Following a link changes nothing: scanners do it."""
    return await _confirmation(request, token, language, pressed=False)


@operation(
    ROUTES,
    "POST",
    "/confirm/{token}",
    scope=None,
    answers=None,
    summary="Confirm a consent",
    problems=("link-unknown", "body-too-large", "ledger-busy"),
    clauses=("C25", "C82"),
    law=("L12", "L16"),
    media_type="text/html",
    pages=(404,),
)
async def confirm(request: Request, token: TokenPath, language: LanguageQuery = None) -> Response:
    """The second step of the double opt-in: the consent is on record, with what was shown."""
    return await _confirmation(request, token, language, pressed=True)


async def _confirmation(
    request: Request, token: str, language: str | None, *, pressed: bool
) -> Response:
    service: Service = request.app.state.service
    linked = Linked(service.ledger, service.correspondence.links)
    try:
        link = await linked.read(token, LinkKind.CONFIRM)
        signed_up = (await linked.state(link)).sign_ups.one is not None
        digest, done = await _asked(service, linked, link, signed_up=signed_up)
        if pressed and not done:
            confirming = _signing_up(service) if signed_up else linked
            await confirming.confirm(link)
    except (LinkUnknown, SignUpUnknown, ConsentRequestUnknown, SubjectAbsorbed):
        return await gone(service, spoken(request, language))
    policy = (await service.ledger.rules()).policy
    wording = wording_of(policy, digest)
    code = spoken(request, language or (wording.language if wording else None))
    texts, controller = said(code), policy.controller.name
    if pressed or done:
        page = Page(
            language=code,
            controller=controller,
            title=texts["confirmed_title"],
            texts=(texts["confirmed_text"],),
        )
        return page_answer(page)
    page = Page(
        language=code,
        controller=controller,
        title=texts["confirm_title"],
        texts=(texts["confirm_text"],),
        quoted=wording.text if wording else digest,
        forms=(Form(button=texts["confirm_button"]),),
    )
    return page_answer(page)


async def _asked(
    service: Service, linked: Linked, link: Link, *, signed_up: bool
) -> tuple[str, bool]:
    """The hash of the sentence that was shown, and whether it is confirmed already."""
    if signed_up:
        one = await _signing_up(service).pending(link)
        return one.wording.digest, one.confirmed_at is not None
    _, consent = await linked.asked(link)
    known = consent.asked or consent.proof
    assert known is not None, "asked for, or confirmed"
    return known.wording.digest, consent.asked is None


async def _form(service: Service, code: str, *, error: str | None = None) -> Response:
    texts, wording = said(code), await _wording(service, code)
    if wording is None:
        return await gone(service, code, what="no_sign_up")
    form = Form(
        button=texts["sign_up_button"],
        action=PATH,
        text=wording.text,
        hidden=(("wording", wording.digest),),
        email_label=texts["email_label"],
    )
    page = Page(
        language=code,
        controller=(await service.ledger.rules()).policy.controller.name,
        title=texts["sign_up_title"],
        texts=(texts["sign_up_intro"],),
        error=error,
        forms=(form,),
        nav_label=texts["language_label"],
        links=footer(PATH, code),
    )
    return page_answer(page, 200 if error is None else 422)
