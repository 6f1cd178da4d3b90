"""The privacy policy: in force, on an earlier day, its text byte for byte, and its findings."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
from app.domain.archive import Published
from app.domain.decider import Refusal
from app.policy.linter import lint
from app.policy.model import Policy
from app.policy.text import PolicyDocument
from app.rights.as_of import parse_as_of
from app.service import Service

ROUTES = router("policies")

VersionPath = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_.-]*$")]
LanguagePath = Annotated[str, Path(max_length=16, pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")]


class PolicyTextNotSupplied(Refusal):
    """The structure names the text by its hash, and nobody has supplied the text yet."""

    code = "policy-text-not-supplied"
    rules = ("C77",)


class PolicyTextBody(BaseModel):
    """One language version of the text."""

    language: str = Field(examples=["sv"], max_length=16)
    sha256: str = Field(max_length=64)
    supplied: bool
    url: str = Field(max_length=200)


class PolicyBody(BaseModel):
    """One published version, in our own words; the text itself is under `texts`."""

    version: str = Field(examples=["impel-1"], max_length=64)
    structure_sha256: str = Field(max_length=64)
    effective_from: str = Field(max_length=10)
    published_at: datetime
    controller: dict[str, Any]
    texts: list[PolicyTextBody] = Field(max_length=50)
    purposes: list[dict[str, Any]] = Field(max_length=200)
    categories: list[dict[str, Any]] = Field(max_length=500)
    recipients: list[dict[str, Any]] = Field(max_length=500)
    retention_classes: list[dict[str, Any]] = Field(max_length=100)
    sources: list[dict[str, Any]] = Field(max_length=100)
    rights: list[dict[str, Any]] = Field(max_length=50)


class FindingsBody(BaseModel):
    """What the linter finds in text and structure together, and the conflicts left to a human."""

    version: str = Field(max_length=64)
    findings: list[dict[str, Any]] = Field(max_length=200)


def plain(value: Any) -> Any:
    """A frozen record of the policy as JSON values: sets sorted, nothing else changed.

    Not by `asdict`: it copies what it finds, and a read-only mapping cannot be copied.
    """
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(str(one) for one in value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)


def _records(table: Any) -> list[dict[str, Any]]:
    return [plain(one) for one in table.values()]


def _body(version: str, published: Published, policy: Policy) -> dict[str, Any]:
    return {
        "version": version,
        "structure_sha256": published.structure,
        "effective_from": published.effective_from.isoformat(),
        "published_at": published.published_at,
        "controller": plain(policy.controller),
        "texts": [
            {
                "language": language,
                "sha256": digest,
                "supplied": language in published.supplied,
                "url": f"/v1/policies/{version}/texts/{language}",
            }
            for language, digest in published.texts.items()
        ],
        "purposes": [plain(one) for one in policy.all_purposes()],
        "categories": _records(policy.categories),
        "recipients": _records(policy.recipients),
        "retention_classes": _records(policy.retention_classes),
        "sources": _records(policy.sources),
        "rights": _records(policy.rights),
    }


async def published_version(service: Service, version: str) -> tuple[Published, Policy]:
    """A published version with its structure; 404 where there is none."""
    control = await service.rulebook.refresh_control()
    published = control.policies.get(version)
    if published is None:
        raise HTTPException(404)
    return published, await service.rulebook.policy(version)


async def _shown(request: Request, version: str) -> Response:
    published, policy = await published_version(request.app.state.service, version)
    etag = f'"{published.structure}.{len(published.supplied)}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"etag": etag})
    return answer(_body(version, published, policy), headers={"etag": etag})


@operation(
    ROUTES,
    "GET",
    "/v1/policies/current",
    scope=None,
    answers=PolicyBody,
    summary="Show the policy in force",
    clauses=("C1", "C4", "C76"),
    law=("L29", "L30"),
)
async def get_current_policy(request: Request) -> Response:
    """Shows the structure of the policy in force and where its text is; public, like the policy."""
    control = await request.app.state.service.rulebook.refresh_control()
    if control.policy is None:
        raise HTTPException(404)
    return await _shown(request, control.policy)


@operation(
    ROUTES,
    "GET",
    "/v1/policies",
    scope=None,
    answers=PolicyBody,
    summary="Show the policy of an earlier day",
    problems=("as-of-malformed",),
    clauses=("C77",),
)
async def get_policy_as_of(
    request: Request, as_of: Annotated[str, Query(max_length=40)]
) -> Response:
    """Shows the version in force at a time (RFC 3339): the one published last before it."""
    service: Service = request.app.state.service
    cut = parse_as_of(as_of)
    moment = cut.moment if cut and cut.moment else service.ledger.clock()
    control = await service.rulebook.refresh_control()
    before = [key for key, one in control.policies.items() if one.published_at <= moment]
    if not before:
        raise HTTPException(404)
    return await _shown(request, before[-1])


@operation(
    ROUTES,
    "GET",
    "/v1/policies/{version}",
    scope=None,
    answers=PolicyBody,
    summary="Show a version of the policy",
    problems=("not-found",),
    clauses=("C76", "C77"),
)
async def get_policy(request: Request, version: VersionPath) -> Response:
    """Shows one version; a published version never changes."""
    return await _shown(request, version)


@operation(
    ROUTES,
    "GET",
    "/v1/policies/{version}/texts/{language}",
    scope=None,
    answers=None,
    summary="Fetch the text of a version",
    problems=("not-found", "policy-text-not-supplied"),
    clauses=("C28", "C77"),
    media_type="text/plain",
)
async def get_policy_text(
    request: Request, version: VersionPath, language: LanguagePath
) -> Response:
    """Answers the text byte for byte as it was supplied, for ever."""
    service: Service = request.app.state.service
    published, _ = await published_version(service, version)
    if language not in published.texts:
        raise HTTPException(404)
    text = await service.rulebook.policy_text(version, language)
    if text is None:
        raise PolicyTextNotSupplied(
            version=version, language=language, sha256=published.texts[language]
        )
    headers = {"content-language": language, "etag": f'"{published.texts[language]}"'}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


@operation(
    ROUTES,
    "GET",
    "/v1/policies/{version}/findings",
    scope=None,
    answers=FindingsBody,
    summary="Show what is wrong with a version",
    problems=("not-found", "policy-text-not-supplied"),
    clauses=("C28", "C30", "C50", "C53", "C57", "C60", "C84", "C85"),
    law=("L30", "L56"),
)
async def get_policy_findings(request: Request, version: VersionPath) -> Response:
    """Reads text and structure together (PL00 to PL27), and lists the conflicts left to a human."""
    service: Service = request.app.state.service
    published, policy = await published_version(service, version)
    findings: list[dict[str, Any]] = []
    for language, digest in published.texts.items():
        text = await service.rulebook.policy_text(version, language)
        if text is None:
            raise PolicyTextNotSupplied(version=version, language=language, sha256=digest)
        document = PolicyDocument(text)
        found = lint(policy, service.rulebook.law, document, language)
        findings += [{**plain(one), "language": language} for one in found]
    findings += [{**plain(one), "code": one.key} for one in policy.standing_findings.values()]
    return answer({"version": version, "findings": findings})
