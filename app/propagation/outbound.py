"""One request to somewhere else: to an examined address, with an end to time and size (S20)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from typing import Final

import httpx

from app.propagation.destinations import Destination, DestinationRefused, Destinations

ATTEMPT_TIMEOUT_S: Final = 20.0
CONNECT_TIMEOUT_S: Final = 5.0
REST_TIMEOUT_S: Final = 1.0
"""For the rest of an answer that says all with its status."""
RESPONSE_BYTES_MAX: Final = 64_000
RETRY_AFTER_MAX_S: Final = 24 * 3600.0
USER_AGENT: Final = "personal-data-ledger"


class Outcome(StrEnum):
    """What became of an attempt. A failure keeps this word and a status, never a response."""

    DELIVERED = "delivered"
    GONE = "gone"
    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED = "destination-refused"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt's end."""

    outcome: Outcome
    status: int | None = None
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was answered. ``body`` is cut at the limit that was given."""

    attempt: Attempt
    body: bytes = field(default=b"", repr=False)
    media_type: str = ""


@cache
def _authorities_of_the_system() -> ssl.SSLContext:
    """Reading them takes 40 ms."""
    return ssl.create_default_context()


class Outbound:
    """Connects to whom `Destinations` lets it. ``trust`` replaces the system's authorities."""

    def __init__(self, destinations: Destinations, *, trust: ssl.SSLContext | None = None) -> None:
        self.destinations = destinations
        self._trust = trust if trust is not None else _authorities_of_the_system()

    @asynccontextmanager
    async def to(self, url: str) -> AsyncIterator["Line"]:
        """A line to one place, for as many attempts as follow each other; resolved once."""
        async with httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(ATTEMPT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=1),
        ) as http:
            yield Line(self.destinations, http, url)


class Line:
    """Attempts to one URL. Owned by one task."""

    def __init__(self, destinations: Destinations, http: httpx.AsyncClient, url: str) -> None:
        self._destinations = destinations
        self._http = http
        self._url = url
        self._found: tuple[Destination, tuple[str, ...]] | None = None

    async def post(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Attempt:
        """Sends a body; whatever happens is an Attempt, and nothing of the answer is kept."""
        return (await self._tried(_Sent("POST", headers, body, now), 0)).attempt

    async def ask(
        self, body: bytes, headers: Mapping[str, str], *, size_max: int, now: datetime
    ) -> Fetched:
        """Sends a body and takes a short answer; whatever happens is an Attempt."""
        return await self._tried(_Sent("POST", headers, body, now), size_max)

    async def get(self, *, size_max: int, now: datetime) -> Fetched:
        """Asks for a short text; whatever happens is an Attempt."""
        return await self._tried(_Sent("GET", {}, None, now), size_max)

    async def _tried(self, sent: "_Sent", size_max: int) -> Fetched:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                return await self._send(sent, size_max)
        except DestinationRefused:
            return Fetched(Attempt(Outcome.REFUSED))
        except (TimeoutError, httpx.TimeoutException):
            return Fetched(Attempt(Outcome.TIMEOUT))
        except (OSError, httpx.HTTPError, httpx.InvalidURL):
            return Fetched(Attempt(Outcome.UNREACHABLE))

    async def _send(self, sent: "_Sent", size_max: int) -> Fetched:
        if self._found is None:
            destination = self._destinations.parse(self._url)
            self._found = destination, await self._destinations.addresses(destination)
        destination, addresses = self._found
        failed: httpx.ConnectError | None = None
        for address in addresses:
            try:
                return await self._send_to(address, destination, sent, size_max=size_max)
            except httpx.ConnectError as failure:
                failed = failure
        assert failed is not None, "there is an address, or the destination was refused"
        raise failed

    async def _send_to(
        self, address: str, destination: Destination, sent: "_Sent", *, size_max: int
    ) -> Fetched:
        """The address is connected to; the name is what certificate and receiver are asked for."""
        place = f"[{address}]" if ":" in address else address
        default = 443 if destination.scheme == "https" else 80
        port = "" if destination.port == default else f":{destination.port}"
        async with self._http.stream(
            sent.method,
            f"{destination.scheme}://{place}:{destination.port}{destination.target}",
            content=sent.body,
            headers={
                **sent.headers,
                "host": f"{destination.host}{port}",
                "user-agent": USER_AGENT,
                "accept-encoding": "identity",
            },
            extensions={"sni_hostname": destination.host},
        ) as answer:
            attempt = _attempt(answer, sent.now)
            if not size_max:
                await _drain(answer)
                return Fetched(attempt)
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Fetched(attempt, await _beginning(answer, size_max), media_type)


@dataclass(frozen=True, slots=True)
class _Sent:
    """One request, whichever address takes it."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    now: datetime


async def _drain(answer: httpx.Response) -> None:
    """Reads a short answer away; what is broken or late in it takes nothing back of the status."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(REST_TIMEOUT_S):
            await _beginning(answer, 0)


async def _beginning(answer: httpx.Response, size_max: int) -> bytes:
    """Reads a short answer, so that the connection can be used again; a long one is cut."""
    kept, size_bytes = b"", 0
    async for chunk in answer.aiter_raw():
        size_bytes += len(chunk)
        kept = (kept + chunk)[:size_max]
        if size_bytes > RESPONSE_BYTES_MAX:
            break
    return kept


def _attempt(answer: httpx.Response, now: datetime) -> Attempt:
    status = answer.status_code
    if 200 <= status < 300:
        return Attempt(Outcome.DELIVERED, status)
    if status == 410:
        return Attempt(Outcome.GONE, status)
    outcome = Outcome.REDIRECT if 300 <= status < 400 else Outcome.STATUS
    return Attempt(outcome, status, retry_after_s(answer.headers.get("retry-after", ""), now))


def retry_after_s(text: str, now: datetime) -> float:
    """How long the receiver asks us to wait, at most a day; 0 for a text that is no time."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_MAX_S)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S)
