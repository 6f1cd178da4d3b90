"""Cursor paging: opaque, sealed places in a list; never an offset, never a total (A11)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

from fastapi import Query

from app.api.call import BadHeader
from app.store.event_store import EventStore

LIMIT_MAX = 200
MAC_SIZE_BYTES = 16

LimitQuery = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Items a page.")]
CursorQuery = Annotated[
    str | None, Query(alias="cursor", max_length=200, description="`next` of a page before.")
]


def cursor(store: EventStore, listing: str, place: int | str) -> str:
    """The place after which the next page starts, in one list; ASCII."""
    message = f"{listing}\x00{place}".encode()
    return urlsafe_b64encode(str(place).encode() + b"." + store.cursor_mac(message)).decode()


def place_of(store: EventStore, listing: str, text: str | None) -> int:
    """The place inside a cursor, 0 without one; `cursor-invalid` for one of another list."""
    return int(place_in(store, listing, text) or 0)


def place_in(store: EventStore, listing: str, text: str | None) -> str | None:
    """The place as it was put in, None without a cursor; `cursor-invalid` likewise."""
    if text is None:
        return None
    try:
        raw = urlsafe_b64decode(text.encode("ascii"))
        place, mac = raw[: -MAC_SIZE_BYTES - 1].decode("ascii"), raw[-MAC_SIZE_BYTES:]
    except ValueError:
        raise BadHeader("cursor-invalid") from None
    if not store.is_cursor_mac(f"{listing}\x00{place}".encode(), mac):
        raise BadHeader("cursor-invalid")
    return place


def page(
    items: list[Any], path: str, *, following: str | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of one page; the body's links count, the Link header is a convenience."""
    after = None if following is None else f"{path}?cursor={following}"
    headers = {} if after is None else {"link": f'<{after}>; rel="next"'}
    return {"items": items, "next": following, "self": path}, headers
