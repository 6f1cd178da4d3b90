"""Plain pages for people: no script, no cookie, no request to anybody else (WCAG 2.2 AA; S12)."""

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qs

from fastapi import HTTPException, Request, Response
from jinja2 import Environment, StrictUndefined, Template

from app.documents.blocks import Words, plain
from app.documents.languages import language as documents_language
from app.propagation.public_texts import languages, preferred, said
from app.service import Service

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class Cell:
    """Words in a table, perhaps as a link."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One button and what is sent with it; always by POST."""

    button: str
    action: str | None = None
    heading: str | None = None
    text: str | None = None
    hidden: tuple[tuple[str, str], ...] = ()
    email_label: str | None = None
    choice_label: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    ticks: tuple[tuple[str, Words], ...] = ()
    """Name and label of each box; none is ticked beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. It says nothing of any person."""

    language: str
    controller: str
    title: str
    texts: tuple[str, ...] = ()
    quoted: str | None = None
    error: str | None = None
    forms: tuple[Form, ...] = ()
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[Cell, ...], ...], ...] = ()
    verbatim: str | None = None
    verbatim_language: str | None = None
    nav_label: str = ""
    links: tuple[tuple[str, str, str | None], ...] = field(default=())


def spoken(request: Request, wanted: str | None) -> str:
    """The language of a page: the one asked for, or the one that the browser likes best."""
    if wanted in languages():
        return wanted or ""
    return preferred(request.headers.get("accept-language", ""))


def page_answer(page: Page, status: int = 200) -> Response:
    """The page, which nothing but itself may style and which sends its forms nowhere else."""
    html = _template().render(page=page, style=_style(), plain=plain)
    headers = {
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{_style_hash()}'; form-action 'self';"
            " base-uri 'none'; frame-ancestors 'none'"
        ),
        "content-language": page.language,
        "vary": "accept-language",
    }
    return Response(html, status, media_type="text/html; charset=utf-8", headers=headers)


def footer(path: str, language: str) -> tuple[tuple[str, str, str | None], ...]:
    """The same page in the other languages, and the policy."""
    others = tuple(
        (f"{path}?language={code}", documents_language(code).language(code), code)
        for code in languages()
        if code != language
    )
    return (*others, (f"/privacy?language={language}", said(language)["policy_link"], None))


def language_choices() -> tuple[tuple[str, str], ...]:
    """Every language by its own name."""
    return tuple((code, documents_language(code).language(code)) for code in languages())


async def gone(service: Service, language: str, *, what: str = "gone") -> Response:
    """What a link that does nothing shows, or ``what`` else there is not: where to write."""
    controller = (await service.ledger.rules()).policy.controller
    texts = said(language)
    page = Page(
        language=language,
        controller=controller.name,
        title=texts[f"{what}_title"],
        texts=(texts[f"{what}_text"].format(address=controller.email),),
    )
    return page_answer(page, 404)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form; of any other media type nothing is read (RFC 8058)."""
    body = await request.body()
    if len(body) > FORM_BYTES_MAX:
        raise HTTPException(413)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=20)
    except ValueError:
        raise HTTPException(400) from None
    return {name: values[0] for name, values in fields.items()}


@cache
def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


@cache
def _style() -> str:
    return _packaged("public_page.css")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_packaged("public_page.html"))


def _packaged(name: str) -> str:
    return files("app.api").joinpath("templates", name).read_text("utf-8")
