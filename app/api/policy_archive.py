"""Every version of the privacy policy: as pages for people, and what changed between two (C77)."""

import difflib
from datetime import date
from typing import Annotated, Any

from fastapi import HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
from app.api.policies import LanguagePath, VersionPath, published_version
from app.api.public_pages import Cell, Page, footer, page_answer, spoken
from app.documents.languages import language as documents_language
from app.documents.policy_changes import change_lines
from app.domain.archive import Published
from app.policy.changes import entry_changes
from app.policy.check import diff
from app.propagation.public_texts import said
from app.service import Service

ROUTES = router("policies")

PATH = "/privacy"
TEXT_LINES_MAX = 5_000
AgainstPath = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_.-]*$")]
LanguageQuery = Annotated[str | None, Query(max_length=16, description="sv, fr, nl or en.")]


class TextDifference(BaseModel):
    """One language version of the text, line by line as `diff -u` writes it."""

    language: str = Field(max_length=16)
    same: bool | None = Field(description="Null where one of the two has no such text.")
    lines: list[str] | None = Field(
        description="Null where a text was not supplied.", max_length=TEXT_LINES_MAX
    )


class DifferenceBody(BaseModel):
    """What a version adds, removes and changes against another."""

    before: str = Field(examples=["impel-1"], max_length=64)
    after: str = Field(examples=["impel-2"], max_length=64)
    changes: list[dict[str, Any]] = Field(max_length=5000)
    texts: list[TextDifference] = Field(max_length=50)


@operation(
    ROUTES,
    "GET",
    "/v1/policies/{version}/diff/{against}",
    scope=None,
    answers=DifferenceBody,
    summary="Compare two versions of the policy",
    problems=("not-found",),
    clauses=("C76", "C77", "C78"),
    law=("L77",),
    example={
        "before": "impel-1",
        "after": "impel-2",
        "changes": [
            {"where": "purposes.newsletter.title", "kind": "changed", "before": "a", "after": "b"}
        ],
        "texts": [{"language": "sv", "same": False, "lines": ["-gammal", "+ny"]}],
    },
)
async def get_policy_diff(request: Request, version: VersionPath, against: AgainstPath) -> Response:
    """What `version` adds, removes and changes against an earlier one: entries, then lines of text.

    Texts are compared where both were supplied; their hashes tell in any case whether they differ.
    """
    service: Service = request.app.state.service
    old, before = await published_version(service, against)
    new, after = await published_version(service, version)
    texts = [
        await _text_difference(service, language, (against, old), (version, new))
        for language in sorted(old.texts.keys() | new.texts.keys())
    ]
    told = [
        {"where": one.where, "kind": one.kind.value, "before": one.before, "after": one.after}
        for one in diff(before, after)
    ]
    return answer({"before": against, "after": version, "changes": told, "texts": texts})


async def _text_difference(
    service: Service, language: str, before: tuple[str, Published], after: tuple[str, Published]
) -> dict[str, Any]:
    hashes = [published.texts.get(language) for _, published in (before, after)]
    raw = [await service.rulebook.policy_text(version, language) for version, _ in (before, after)]
    same = None if None in hashes else hashes[0] == hashes[1]
    lines: list[str] | None = None
    if raw[0] is not None and raw[1] is not None:
        old, new = (one.decode("utf-8", "replace").splitlines() for one in raw if one is not None)
        names = (before[0], after[0])
        lines = list(difflib.unified_diff(old, new, *names, lineterm="", n=1))[:TEXT_LINES_MAX]
    return {"language": language, "same": same, "lines": lines}


async def _page(request: Request, code: str, path: str, **more: Any) -> Response:
    service: Service = request.app.state.service
    page = Page(
        language=code,
        controller=(await service.ledger.rules()).policy.controller.name,
        nav_label=said(code)["preferences_title"],
        links=footer(path, code),
        **more,
    )
    return page_answer(page)


@operation(
    ROUTES,
    "GET",
    PATH,
    scope=None,
    answers=None,
    summary="Show the archive of the policy",
    clauses=("C4", "C76", "C77"),
    law=("L27", "L77"),
    media_type="text/html",
)
async def show_policy_archive(request: Request, language: LanguageQuery = None) -> Response:
    """A page with every version ever published, its texts, and what changed from one to the next.

    Public and for ever: a published version never changes and never goes.
    """
    service: Service = request.app.state.service
    code = spoken(request, language)
    texts = said(code)
    control = await service.rulebook.refresh_control()
    versions = list(control.policies.items())
    rows = [
        _row(code, version, published, versions[number - 1][0] if number else None)
        for number, (version, published) in enumerate(versions)
    ]
    return await _page(
        request,
        code,
        PATH,
        title=texts["archive_title"],
        texts=(texts["archive_text"],),
        headers=tuple(
            texts[f"archive_{name}"] for name in ("version", "from", "languages", "changes")
        ),
        rows=tuple(reversed(rows)),
    )


def _row(
    code: str, version: str, published: Published, earlier: str | None
) -> tuple[tuple[Cell, ...], ...]:
    texts = said(code)
    effective: date = published.effective_from
    written = tuple(
        Cell(
            documents_language(code).language(one),
            f"{PATH}/{version}/{one}?language={code}",
        )
        if one in published.supplied
        else Cell(f"{documents_language(code).language(one)} ({texts['archive_missing']})")
        for one in sorted(published.texts)
    )
    compared = (
        ()
        if earlier is None
        else (
            Cell(
                texts["archive_compare"].format(version=earlier),
                f"{PATH}/{version}/changes/{earlier}?language={code}",
            ),
        )
    )
    spoken_day = documents_language(code).day(effective)
    return (Cell(version),), (Cell(spoken_day),), written, compared


@operation(
    ROUTES,
    "GET",
    "/privacy/{version}/changes/{against}",
    scope=None,
    answers=None,
    summary="Show what changed in the policy",
    problems=("not-found",),
    clauses=("C76", "C77", "C78"),
    law=("L27", "L77"),
    media_type="text/html",
)
async def show_policy_changes(
    request: Request, version: VersionPath, against: AgainstPath, language: LanguageQuery = None
) -> Response:
    """What a version changes for people, in words, and then entry by entry as the files have it."""
    service: Service = request.app.state.service
    code = spoken(request, language)
    texts = said(code)
    _, before = await published_version(service, against)
    _, after = await published_version(service, version)
    changes = diff(before, after)
    lines = change_lines(entry_changes(before, after), documents_language(code))
    return await _page(
        request,
        code,
        f"{PATH}/{version}/changes/{against}",
        title=texts["changes_title"].format(before=against, after=version),
        texts=lines if changes else (texts["changes_none"],),
        headers=tuple(texts[f"changes_{name}"] for name in ("where", "before", "after")),
        rows=tuple(
            ((Cell(one.where),), (Cell(one.before),), (Cell(one.after or one.kind.value),))
            for one in changes
        ),
    )


@operation(
    ROUTES,
    "GET",
    "/privacy/{version}/{text_language}",
    scope=None,
    answers=None,
    summary="Show the text of a version as a page",
    problems=("not-found",),
    clauses=("C77",),
    law=("L27", "L77"),
    media_type="text/html",
)
async def show_policy_text(
    request: Request,
    version: VersionPath,
    text_language: LanguagePath,
    language: LanguageQuery = None,
) -> Response:
    """The text as people read it; byte for byte, and with its hash, it is under /v1/policies."""
    service: Service = request.app.state.service
    published, _ = await published_version(service, version)
    text = await service.rulebook.policy_text(version, text_language)
    if text is None:
        raise HTTPException(404)
    code = spoken(request, language)
    return await _page(
        request,
        code,
        f"{PATH}/{version}/{text_language}",
        title=f"{said(code)['policy_link']}: {version}",
        texts=(f"SHA-256: {published.texts[text_language]}",),
        verbatim=text.decode("utf-8", "replace"),
        verbatim_language=text_language,
    )
