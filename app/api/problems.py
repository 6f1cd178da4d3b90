"""The registry of problem types (RFC 9457): which refusal, fault or bad input is which status."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

import msgspec
from starlette.responses import Response

from app.domain.decider import Refusal

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One registered type. ``title`` never varies; ``advice`` says what to do about it."""

    status: int
    title: str
    advice: str


PROBLEMS: Mapping[str, ProblemType] = {
    slug: ProblemType(**members)
    for slug, members in tomllib.loads(
        files("app.api").joinpath("problems.toml").read_text(encoding="utf-8")
    ).items()
}


def problem(
    slug: str,
    request_id: UUID | None,
    *,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,  # Any: JSON values of our own making, never input
) -> Response:
    """The answer for one registered type. ``extensions`` must hold nothing that came in.

    None of them takes the place of a member that every problem has (RFC 9457).
    """
    kind = PROBLEMS[slug]
    body = {
        **extensions,
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        "instance": None if request_id is None else f"urn:uuid:{request_id}",
    }
    return Response(
        msgspec.json.encode(body), kind.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def refusal_members(refusal: Refusal) -> dict[str, Any]:  # Any: JSON values
    """What a refusal adds to its problem: the rules it enforces and non-personal facts."""
    facts = {name: _fact(value) for name, value in refusal.facts.items() if value is not None}
    return {"rules": list(refusal.rules), **facts}


def _fact(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (tuple, frozenset, set)):
        return sorted(str(one) for one in value)
    return value
