"""The feed: every event of the log as a thin CloudEvent, in pages, lines or a stream (A15 to A17).

Positions have no gap, so the events of the control streams are in it too: whoever counts finds
every number. Whoever asks for some types only gets those, and may miss numbers.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Header, Query, Request, Response, Security
from pydantic import BaseModel, Field, RootModel

from app.api.bodies import WordField
from app.api.call import BadHeader, Call, authorised
from app.api.operations import operation, router
from app.api.paging import cursor, place_of
from app.api.streams import Streamed
from app.auth import NotAuthenticated, Scope
from app.clock import random_bytes
from app.domain.decider import Refusal
from app.events.declare import registry
from app.propagation.cloud_events import BATCH_MEDIA_TYPE, CloudEvent, batch
from app.propagation.feed import PAGE_SIZE, Feed, FeedPage
from app.registers.waiting import PositionAhead

ROUTES = router("feed")

POSITION_MAX = 2**53 - 1
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
WAIT_MAX_S = 25
TYPES_MAX = 100
LINES = ("application/jsonl", "application/x-ndjson")
PAGES = (BATCH_MEDIA_TYPE, "application/json")
STREAM_MEDIA_TYPE = "text/event-stream"
RECONNECT_MS = (1_000, 4_000)
"""A client comes back after the first, and up to the second later: not all at once."""

EXAMPLE = {
    "specversion": "1.0",
    "id": "0b0b7c1e-6a3c-4d8e-9b5c-3f0a5f6f4c11",
    "source": "urn:uuid:7b0d3c8e-2f4e-4e39-8a53-5d1f2e6f9a10",
    "type": "consent.withdrawn",
    "subject": "5a6f0a0e-0f4e-4c39-9d1e-6d0f8a0b6f55",
    "time": "2026-11-20T09:30:00.000000Z",
    "recordedtime": "2026-11-20T09:30:00.000000Z",
    "sequence": "0000000000000042",
    "streamversion": 7,
    "datacontenttype": "application/json",
    "dataschema": "https://ledger.example/v1/event-types/consent.withdrawn/schemas/1",
    "data": {"purpose": "newsletter", "source": "self_service"},
}


class EventTypeUnknown(Refusal):
    """A type that the catalogue does not have: waiting for it would be waiting for ever."""

    code = "event-type-unknown"
    rules = ("A16",)


class CloudEventBody(BaseModel):
    """A CloudEvent 1.0 with the extensions `sequence`, `recordedtime` and `streamversion`."""

    specversion: str = Field(max_length=8)
    id: str = Field(description="The event's id; the same however often it is sent.", max_length=36)
    source: str = Field(description="This ledger.", max_length=45)
    type: str = Field(max_length=64)
    subject: str = Field(
        description="The stream: a person's opaque id, or a control stream's.", max_length=36
    )
    time: str = Field(description="When it happened.", max_length=27)
    recordedtime: str = Field(description="When it was recorded.", max_length=27)
    sequence: str = Field(description="The position, in 16 digits.", max_length=16)
    streamversion: int = Field(description="Version in its stream, from 1.", ge=1)
    datacontenttype: str = Field(max_length=32)
    dataschema: str = Field(description="Where the catalogue explains `data`.", max_length=300)
    data: dict[str, Any] = Field(description="Words, ids, dates and numbers; nothing personal.")


class CloudEventsBody(RootModel[list[CloudEventBody]]):
    """One page; the Link header leads on, also from the last one."""


TypesQuery = Annotated[
    list[WordField],
    Query(alias="types", max_length=TYPES_MAX, description="Only these types; repeat it for more."),
]
AfterQuery = Annotated[
    int | None,
    Query(ge=-1, le=POSITION_MAX, description="Only what comes after this position; -1 for all."),
]


@operation(
    ROUTES,
    "GET",
    "/v1/events",
    scope=Scope.EVENTS_READ,
    answers=CloudEventsBody,
    summary="Read the feed",
    problems=(
        "cursor-invalid",
        "position-ahead",
        "event-type-unknown",
        "not-acceptable",
        "feed-busy",
    ),
    law=("L9",),
    media_type=BATCH_MEDIA_TYPE,
    forms=tuple(sorted({*PAGES, *LINES} - {BATCH_MEDIA_TYPE})),
    example=[EXAMPLE],
)
async def read_feed(
    request: Request,
    call: Annotated[Call, Security(authorised, scopes=[Scope.EVENTS_READ])],
    *,
    after: AfterQuery = None,
    limit: Annotated[int | None, Query(ge=1, le=LIMIT_MAX, description="Events a page.")] = None,
    cursor_: Annotated[
        str | None, Query(alias="cursor", max_length=200, description="Out of the Link header.")
    ] = None,
    types: TypesQuery = (),  # type: ignore[assignment]  # FastAPI makes it a list
    wait: Annotated[
        int, Query(ge=0, le=WAIT_MAX_S, description="Seconds to wait for the next event.")
    ] = 0,
) -> Response:
    """Answers events in the order of their positions, as a JSON array or, by Accept, JSON lines.

    JSON lines without `limit` go on to the head of the log as it was on arrival. Follow the Link
    header: at the head it leads to what will come, and `wait` makes that a long poll. Log-Position
    says how far the answer reaches, Log-Head how far the log.
    """
    feed, listing = call.service.feed, _listing(types)
    check_types(types)
    if after is not None and cursor_ is not None:
        raise BadHeader("cursor-invalid")
    start = -1 if after is None else after
    if cursor_ is not None:
        start = place_of(call.service.store, listing, cursor_)
    kind = _acceptable(request.headers.get("accept", "*/*"))
    if kind is None:
        raise BadHeader("not-acceptable")
    whole = kind in LINES and limit is None
    size_max = limit or (PAGE_SIZE if whole else LIMIT_DEFAULT)
    page = await _page(feed, start, size_max, types, wait_s=wait)
    if start > page.head:
        raise PositionAhead(head=page.head)
    reached = page.head if whole else page.reached
    following = cursor(call.service.store, listing, reached)
    query = urlencode(
        [("types", one) for one in types]
        + ([("limit", limit)] if limit else [])
        + [("cursor", following)]
    )
    headers = {
        "link": f'</v1/events?{query}>; rel="next"',
        "log-position": str(reached),
        "log-head": str(page.head),
    }
    if not whole:
        body = batch(page.events) if kind in PAGES else _lines(page.events)
        return Response(body, media_type=kind, headers=headers)
    return Streamed(
        _export(feed, page, types),
        media_type=kind,
        headers=headers,
        closing=feed.closing,
        send_timeout_s=feed.limits.send_timeout_s,
    )


@operation(
    ROUTES,
    "GET",
    "/v1/events/stream",
    scope=Scope.EVENTS_READ,
    answers=None,
    summary="Follow the feed",
    problems=("position-ahead", "event-type-unknown", "feed-busy"),
    law=("L9",),
    media_type=STREAM_MEDIA_TYPE,
    example='id: 42\ndata: {"specversion": "1.0", "type": "consent.withdrawn", …}\n\n',
)
async def follow_feed(
    call: Annotated[Call, Security(authorised, scopes=[Scope.EVENTS_READ])],
    *,
    after: AfterQuery = None,
    types: TypesQuery = (),  # type: ignore[assignment]  # FastAPI makes it a list
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=16,
            pattern="^[0-9]{1,16}$",
            description="The `id` received last; it comes before `after`.",
        ),
    ] = None,
) -> Response:
    """Sends every event after a position as a server-sent event, then each one as it is recorded.

    The `id` of an event is its position: whoever reconnects with the last one received misses
    nothing and gets nothing twice. A comment comes when it is quiet. Whoever does not read for
    long is let go, as is a key that was revoked.
    """
    feed = call.service.feed
    check_types(types)
    start = -1 if after is None else after
    if last_event_id is not None:
        start = int(last_event_id)
    feed.check_room()
    head = await call.service.store.head_position()
    if start > head:
        raise PositionAhead(head=head)
    return Streamed(
        _server_sent(call, start, types),
        media_type=STREAM_MEDIA_TYPE,
        headers={"x-accel-buffering": "no", "log-head": str(head)},
        closing=feed.closing,
        send_timeout_s=feed.limits.send_timeout_s,
    )


def check_types(types: Sequence[str]) -> None:
    """EventTypeUnknown unless the catalogue has every one."""
    if any(one not in registry() for one in types):
        raise EventTypeUnknown


async def _page(
    feed: Feed, after: int, size_max: int, types: Sequence[str], *, wait_s: int
) -> FeedPage:
    page = await feed.page(after, size_max, types)
    if not wait_s or page.events or page.reached != page.head:
        return page
    feed.check_room()
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    async with feed.listening():
        while not page.events and not feed.closing.is_set():
            left_s = until - loop.time()
            if left_s <= 0:
                break
            await feed.changed(page.reached, left_s)
            page = await feed.page(page.reached, size_max, types)
    return page


async def _export(feed: Feed, page: FeedPage, types: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """Lines up to the head as the first page found it."""
    head = page.head
    while True:
        yield _lines([event for event in page.events if event.position <= head])
        if page.reached >= head or feed.closing.is_set():
            return
        page = await feed.page(page.reached, PAGE_SIZE, types)


async def _server_sent(
    call: Call, position: int, types: Sequence[str]
) -> AsyncGenerator[bytes, None]:
    feed, loop = call.service.feed, asyncio.get_running_loop()
    shortest, spread = RECONNECT_MS
    async with feed.listening():
        yield b"retry: %d\n\n" % (shortest + int.from_bytes(random_bytes(2), "big") % spread)
        quiet_until = check_at = loop.time() + feed.limits.keep_alive_s
        while not feed.closing.is_set():
            page = await feed.following(position, types)
            position = page.reached
            if page.events:
                yield b"".join([_message(event) for event in page.events])
                quiet_until = loop.time() + feed.limits.keep_alive_s
            elif page.reached >= page.head:
                await feed.changed(position, max(quiet_until - loop.time(), 0.0))
            if loop.time() >= quiet_until:
                # An id without data moves on what the client sends as Last-Event-ID.
                yield b": quiet\nid: %d\n\n" % position if position >= 0 else b": quiet\n\n"
                quiet_until = loop.time() + feed.limits.keep_alive_s
            if loop.time() >= check_at:
                if not await _still_allowed(call):
                    return
                check_at = loop.time() + feed.limits.keep_alive_s


def _message(event: CloudEvent) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (event.position, event.body)


async def _still_allowed(call: Call) -> bool:
    """Whether the key is still good: a stream may be older than its revocation."""
    key = call.request.headers["authorization"].partition(" ")[2].strip()
    try:
        caller = await call.service.callers.caller(key)
    except NotAuthenticated:
        return False
    return Scope.EVENTS_READ in caller.scopes


def _lines(events: Sequence[CloudEvent]) -> bytes:
    return b"".join([event.body + b"\n" for event in events])


def _listing(types: Sequence[str]) -> str:
    return " ".join(("events", *sorted(types)))


def _acceptable(accept: str) -> str | None:
    """The first media type that the caller accepts and we have; a wildcard means a page."""
    for one in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in one.split(";"))
        if "q=0" in (part.replace(" ", "") for part in parameters):
            continue
        if kind in ("*/*", "application/*", ""):
            return BATCH_MEDIA_TYPE
        if kind in (*PAGES, *LINES):
            return kind
    return None
