"""Turns every exception of a route into its problem; no handler ever shows what came in."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.api.bodies import Body
from app.api.call import BadHeader
from app.api.envelope import BodyTooLarge
from app.api.head import takes_head
from app.api.known_names import body_shape, members_at, query_names
from app.api.problems import PROBLEMS, problem, refusal_members
from app.api.strict_json import MalformedJson, UnsupportedMediaType
from app.auth import InsufficientScope, NotAuthenticated
from app.domain.decider import Refusal
from app.projections.statements import AnswerTooSlow
from app.propagation.feed import FeedBusy
from app.receipts import LedgerContended
from app.registers.waiting import ProjectionLagging
from app.rights.as_of import AsOfMalformed
from app.store.codec import EntryTooLarge
from app.store.group_commit import CONNECTION_LOST, LedgerBusy, LedgerUnavailable
from app.store.log_tree import LogDamaged
from app.store.rulebook import PolicyUnpublished
from app.store.subscriptions import SubscriptionChanged

RETRY_AFTER = {"retry-after": "1"}
ERRORS_MAX = 20
_QUOTED = re.compile("'([^']*)'")

DATABASE_AWAY: tuple[type[Exception], ...] = (
    *CONNECTION_LOST,
    asyncpg.InsufficientResourcesError,  # class 53: disk, memory, connections
    asyncpg.OperatorInterventionError,  # class 57: starting, stopping, statement cut short
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,  # class 58: I/O
)
"""What a read meets when the database cannot answer: no defect of ours, and worth repeating."""


def install(app: FastAPI) -> None:
    """Registers one handler an exception class; any other is a 500."""
    simple: dict[type[Exception], tuple[str, dict[str, str]]] = {
        MalformedJson: ("malformed-json", {}),
        UnsupportedMediaType: ("unsupported-media-type", {}),
        NotAuthenticated: ("not-authenticated", {"www-authenticate": "Bearer"}),
        PolicyUnpublished: ("policy-unpublished", RETRY_AFTER),
        LedgerBusy: ("ledger-busy", RETRY_AFTER),
        LedgerContended: ("ledger-busy", RETRY_AFTER),
        LedgerUnavailable: ("ledger-unavailable", RETRY_AFTER),
        **dict.fromkeys(DATABASE_AWAY, ("ledger-unavailable", RETRY_AFTER)),
        LogDamaged: ("log-damaged", {}),
        AnswerTooSlow: ("answer-too-slow", {"retry-after": "10"}),
        asyncpg.TransactionTimeoutError: ("answer-too-slow", {"retry-after": "10"}),
        AsOfMalformed: ("as-of-malformed", {}),
        FeedBusy: ("feed-busy", RETRY_AFTER),
        SubscriptionChanged: ("version-mismatch", {}),
        EntryTooLarge: ("body-too-large", {}),
        BodyTooLarge: ("body-too-large", {}),
        ProjectionLagging: ("projection-lagging", RETRY_AFTER),
        # Without it Starlette answers text/plain; it raises again, so the envelope still logs it.
        Exception: ("internal", {}),
    }
    for kind, (slug, headers) in simple.items():
        app.add_exception_handler(kind, _answering(slug, headers))
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(BadHeader, _bad_header)
    app.add_exception_handler(InsufficientScope, _insufficient_scope)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def request_id(request: Request) -> UUID | None:
    """The id of the exchange, which problems carry as `instance`."""
    found: UUID | None = request.scope.get("state", {}).get("request_id")
    return found


def _answering(slug: str, headers: dict[str, str]) -> Any:  # Any: Starlette's handler type
    async def answer(request: Request, _fault: Exception) -> Response:
        return problem(slug, request_id(request), headers=headers)

    return answer


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return problem(refusal.code, request_id(request), **refusal_members(refusal))


async def _bad_header(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, BadHeader)
    return problem(fault.slug, request_id(request))


async def _insufficient_scope(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, InsufficientScope)
    return problem("insufficient-scope", request_id(request), scope=fault.scope)


async def _invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    errors = validation_errors(fault.errors(), request)
    return problem("validation", request_id(request), errors=errors)


def validation_errors(
    errors: Sequence[Any], request: Request | None = None
) -> list[dict[str, Any]]:
    """What the problem says of each flaw, of the first twenty.

    With the request, what is told of a name that nobody knows are those that are known there.
    """
    return [_validation_error(error, request) for error in errors[:ERRORS_MAX]]


def _validation_error(error: dict[str, Any], request: Request | None) -> dict[str, Any]:
    """Where and what kind; never Pydantic's message, `input` or `ctx`: they quote the value.

    Of a closed list, which is ours, the words that may stand there are told as well. A name that
    we do not know is input too, of a member or a parameter: it is not repeated.
    """
    place, *path = error["loc"] or ("body",)
    unknown = error["type"] == "extra_forbidden"
    if place in ("header", "query", "path"):
        told = {str(place): str(path[0]) if path and not unknown else ""}
    else:
        path = path if place == "body" else [place, *path]
        path = path[:-1] if unknown else path
        told = {"pointer": "".join(f"/{part}" for part in path if _is_ours(part))}
    known = _QUOTED.findall(str(error.get("ctx", {}).get("expected", ""))) if _closed(error) else []
    if unknown and request is not None:
        asked = place == "query"
        known = query_names(request) if asked else members_at(body_shape(request), path)
    return told | {"code": error["type"]} | ({"known": known} if known else {})


def _closed(error: dict[str, Any]) -> bool:
    """Whether the flaw is a word that is none of a closed list."""
    return error["type"] in ("enum", "literal_error")


def _is_ours(part: object) -> bool:
    """Whether an index or a member's name of our own: the key of a map is the caller's word."""
    return isinstance(part, int) or part in _member_names()


@cache
def _member_names() -> frozenset[str]:
    """Every member that a body of ours has."""
    bodies, names = [Body], set[str]()
    while bodies:
        body = bodies.pop()
        bodies += body.__subclasses__()
        names |= {field.alias or name for name, field in body.model_fields.items()}
    return frozenset(names)


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    if fault.status_code == 405:
        return problem(
            "method-not-allowed", request_id(request), headers={"allow": _allow(request)}
        )
    slug = {404: "not-found", 413: "body-too-large", 415: "unsupported-media-type"}.get(
        fault.status_code, "malformed-json" if fault.status_code == 400 else "internal"
    )
    assert slug in PROBLEMS
    return problem(slug, request_id(request))


def _allow(request: Request) -> str:
    """Every method of the path: Starlette itself names those of one route only."""
    methods: set[str] = set()
    for route in request.app.state.api_routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
            methods |= {"HEAD"} if takes_head(route) else set()
    return ", ".join(sorted(methods))
