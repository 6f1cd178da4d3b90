"""One POST to somewhere else: to an examined address, with an end to time and size (S20)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import httpx

from app.propagation.destinations import Destination, DestinationRefused, Destinations

ATTEMPT_TIMEOUT_S: Final = 20.0
CONNECT_TIMEOUT_S: Final = 5.0
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


class Outbound:
    """Connects to whom `Destinations` lets it. ``trust`` replaces the system's authorities."""

    def __init__(self, destinations: Destinations, *, trust: ssl.SSLContext | None = None) -> None:
        self.destinations = destinations
        self._trust = trust if trust is not None else ssl.create_default_context()

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
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                return await self._post(body, headers, now)
        except DestinationRefused:
            return Attempt(Outcome.REFUSED)
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(Outcome.TIMEOUT)
        except (OSError, httpx.HTTPError, httpx.InvalidURL):
            return Attempt(Outcome.UNREACHABLE)

    async def _post(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Attempt:
        if self._found is None:
            destination = self._destinations.parse(self._url)
            self._found = destination, await self._destinations.addresses(destination)
        destination, addresses = self._found
        failed: httpx.ConnectError | None = None
        for address in addresses:
            try:
                return await self._post_to(address, destination, body, headers=headers, now=now)
            except httpx.ConnectError as failure:
                failed = failure
        assert failed is not None, "there is an address, or the destination was refused"
        raise failed

    async def _post_to(
        self,
        address: str,
        destination: Destination,
        body: bytes,
        *,
        headers: Mapping[str, str],
        now: datetime,
    ) -> Attempt:
        """The address is connected to; the name is what certificate and receiver are asked for."""
        place = f"[{address}]" if ":" in address else address
        default = 443 if destination.scheme == "https" else 80
        port = "" if destination.port == default else f":{destination.port}"
        async with self._http.stream(
            "POST",
            f"{destination.scheme}://{place}:{destination.port}{destination.target}",
            content=body,
            headers={
                **headers,
                "host": f"{destination.host}{port}",
                "user-agent": USER_AGENT,
                "accept-encoding": "identity",
            },
            extensions={"sni_hostname": destination.host},
        ) as answer:
            await _drain(answer)
            return _attempt(answer, now)


async def _drain(answer: httpx.Response) -> None:
    """Reads a short answer, so that the connection can be used again; a long one is cut."""
    size_bytes = 0
    async for chunk in answer.aiter_raw():
        size_bytes += len(chunk)
        if size_bytes > RESPONSE_BYTES_MAX:
            return


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
