"""Fetching the answer to one's own request by the link in its letter (Arts. 15, 20; 0023; S12).

A GET shows a page with buttons and tells nothing, because mail scanners follow every link.
"""

import asyncio
from typing import Annotated, Final

from fastapi import Query, Request, Response

from app.api.mail_links import TokenPath
from app.api.operations import operation, router
from app.api.public_pages import Form, Page, footer, form_of, gone, page_answer, spoken
from app.documents.access_document import access_document
from app.documents.page import content_security_policy, page
from app.documents.pdf import pdf
from app.domain.decider import Refusal
from app.events.rights_requests import RequestedRight
from app.events.transmissions import Profile
from app.propagation.answer_links import AnswerLinks, Fetched
from app.propagation.linked import BY
from app.propagation.public_texts import said
from app.rights.access import access_report, read_report
from app.rights.portability import portable
from app.rights.portability_package import packed
from app.service import Service

ROUTES = router("mail links")
PAGE, PAPER, PACKAGE = "page", "paper", "package"
NAMES: Final = {PAGE: "report.html", PAPER: "report.pdf", PACKAGE: "your-data.zip"}

LanguageQuery = Annotated[str | None, Query(max_length=16, description="sv, fr, nl or en.")]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _links(service: Service) -> AnswerLinks:
    return AnswerLinks(service.ledger, service.correspondence.links)


@operation(
    ROUTES,
    "GET",
    "/answers/{token}",
    scope=None,
    answers=None,
    summary="Show how to fetch an answer",
    problems=("link-unknown",),
    clauses=("C64", "C68"),
    law=("L27",),
    media_type="text/html",
    pages=(404,),
)
async def show_answer(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """A page with the forms in which it can be had. It counts as no fetching, and names nobody."""
    service, code = _service(request), spoken(request, language)
    try:
        found = await _links(service).read(token)
    except Refusal:
        return await gone(service, code)
    texts = said(code)
    page_of_answer = Page(
        language=code,
        controller=(await service.ledger.rules()).policy.controller.name,
        title=texts["answer_title"],
        texts=(texts["answer_text"],),
        forms=tuple(
            Form(button=texts[f"answer_{form}_button"], hidden=(("form", form),))
            for form in _forms(found)
        ),
        nav_label=texts["preferences_title"],
        links=footer(request.url.path, code),
    )
    return page_answer(page_of_answer)


def _forms(found: Fetched) -> tuple[str, ...]:
    return (PACKAGE,) if found.right is RequestedRight.PORTABILITY else (PAPER, PAGE)


@operation(
    ROUTES,
    "POST",
    "/answers/{token}",
    scope=None,
    answers=None,
    summary="Fetch an answer",
    problems=("link-unknown", "body-too-large", "ledger-busy"),
    clauses=("C64", "C68"),
    law=("L9", "L27", "L31", "L35"),
    media_type="text/html",
    pages=(404,),
    forms=("application/pdf", "application/zip"),
)
async def fetch_answer(
    request: Request, token: TokenPath, language: LanguageQuery = None
) -> Response:
    """The access report on paper or as a page, or the portability package, as it stands now.

    It is recorded with the person as any reading is, and possible five times within two weeks.
    """
    fields, service = await form_of(request), _service(request)
    code = spoken(request, language)
    try:
        found = await _links(service).read(token)
        wanted = fields.get("form", "")
        forms = _forms(found)
        form = wanted if wanted in forms else forms[0]
        content, media_type = await _content(service, found, form, code)
    except Refusal:
        return await gone(service, code)
    headers = {"content-disposition": f'attachment; filename="{NAMES[form]}"'}
    if form == PAGE:
        headers["content-security-policy"] = content_security_policy()
    return Response(content, media_type=media_type, headers=headers)


async def _content(
    service: Service, found: Fetched, form: str, code: str
) -> tuple[bytes | str, str]:
    wanted = found.language or code
    if form == PACKAGE:
        package = await portable(service.ledger, found.subject_id, Profile.PROMISED, BY)
        origin = service.correspondence.public_url
        zipped = await asyncio.to_thread(packed, package, service.signer, origin, wanted)
        return zipped, "application/zip"
    report = await access_report(service.ledger, found.subject_id, BY, wanted=wanted)
    if form == PAPER:
        paper = await asyncio.to_thread(
            lambda: pdf(access_document(read_report(report), report.language))
        )
        return paper, "application/pdf"
    html = await asyncio.to_thread(
        lambda: page(access_document(read_report(report), report.language))
    )
    return html, "text/html; charset=utf-8"
