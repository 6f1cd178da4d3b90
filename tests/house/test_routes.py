"""Every route asks for the scope that it declares, or is on the public list below."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.auth import Scope
from app.main import create_app
from app.settings import Settings

PUBLIC: dict[str, str] = {
    "/livez": "the machine asks whether the process lives",
    "/readyz": "the load balancer asks whether it can serve",
    "/docs": "auditors read without a key",
    "/openapi.json": "auditors read without a key",
    "/problems": "the type of a problem is a link that anybody may follow",
    "/v1/event-types": "the catalogue that auditors read holds no person",
    "/v1/signing-keys": "whoever was handed a package checks it without asking for anything",
    "/log/checkpoint": "whoever keeps one can hold the log to it",
    "/log/timestamp": "a time and the hash of a checkpoint, which is public",
    "/log/tile": "hashes tell nothing; the entries below it have a scope",
    "/log/proof/consistency": "that the log only grew can be checked by anybody",
    "/log/policy": "verifier keys are public",
    "/log/witness/add-checkpoint": "the signature of a log that we were told of is the key (C2SP)",
    "/v1/policies": "a privacy policy is public, and so is what is wrong with it",
    "/webhooks/{system}/{secret}": "the secret in the path is the key",
    "/v1/newsletter": "whoever signs up has no key, and nobody is looked up for them",
    "/newsletter": "the same as a page",
    "/privacy": "the archive of the policy is public (C77)",
    "/calendars/{token}": "the key in the path opens this calendar and nothing else",
    "/confirm/{token}": "the token came by mail, and is the key",
    "/unsubscribe/{token}": "the token came by mail, and is the key (RFC 8058)",
    "/preferences/{token}": "the token came by mail, and is the key",
    "/policy-change/{token}": "the token came by mail, and is the key",
    "/answers/{token}": "the token came by mail to an address on file, and is the key (0023)",
}
"""Path -> why it needs no key. An entry that no route needs fails the test."""


def routes() -> list[BaseRoute]:
    """Every route of the application, those of included routers in their place."""
    return list(flat(create_app(Settings()).routes))


def flat(some: Iterable[Any]) -> Iterator[BaseRoute]:  # fastapi keeps an included router whole
    """The routes with included routers opened."""
    for one in some:
        included = getattr(one, "original_router", None)
        if included is None:
            yield one
        else:
            yield from flat(included.routes)


def asked(dependant: Any) -> Iterator[str]:  # fastapi's own tree of dependencies
    """The scopes that a route's dependencies ask the caller for."""
    yield from dependant.own_oauth_scopes or ()
    for inner in dependant.dependencies:
        yield from asked(inner)


def declared(route: APIRoute) -> str | None:
    """The scope that the OpenAPI document promises."""
    scope = (route.openapi_extra or {}).get("x-scope")
    return None if scope == "public" else scope


def label(route: BaseRoute) -> str:
    """Method and path."""
    return f"{sorted(getattr(route, 'methods', None) or [])} {getattr(route, 'path', route)}"


def test_every_route_with_a_scope_asks_for_exactly_that_one() -> None:
    scoped = [one for one in routes() if isinstance(one, APIRoute) and declared(one)]
    assert len(scoped) > 15

    wrong = {
        label(route): list(asked(route.dependant))
        for route in scoped
        if list(asked(route.dependant)) != [declared(route)]
    }
    unknown = {declared(route) for route in scoped} - {scope.value for scope in Scope}

    assert not wrong
    assert not unknown


def test_every_route_without_a_scope_is_on_the_public_list() -> None:
    open_routes = {
        getattr(route, "path", "")
        for route in routes()
        if not (isinstance(route, APIRoute) and declared(route))
    }
    hidden = {path for path in open_routes if not covered(path)}
    stale = {path for path in PUBLIC if not any(one.startswith(path) for one in open_routes)}

    assert not hidden
    assert not stale


def covered(path: str) -> bool:
    """Whether a public entry names the path, or a path above it."""
    return any(path == entry or path.startswith(f"{entry}/") for entry in PUBLIC)


def test_every_scope_opens_something() -> None:
    used = {declared(one) for one in routes() if isinstance(one, APIRoute)}
    in_an_address = {Scope.CALENDAR_READ.value}  # a public path that takes no other key

    assert {scope.value for scope in Scope} <= used | in_an_address


TEXTS_IN_PATHS = {
    "tile",
    "system",
    "secret",
    "version",
    "language",
    "slug",
    "code",
    "asset",
    "purpose",
    "category",
    "recipient",
    "event_type",
    "token",
    "against",
    "text_language",
    "safeguard",
}
"""Path parameters that are words of the policy, or names of our own documents."""


def test_a_path_holds_ids_and_words_of_the_policy_only() -> None:
    """A personal identifier in a path ends up in logs that are not ours: look-up has a body."""
    found = {
        f"{route.path} {parameter.name}"
        for route in routes()
        if isinstance(route, APIRoute)
        for parameter in route.dependant.path_params
        if parameter.field_info.annotation not in (UUID, int)
        and parameter.name not in TEXTS_IN_PATHS
    }

    assert not found
