"""The feed as a stream: catch-up, then live, each event once, and nobody can hold it up (A17)."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.propagation.feed import POLL_S, FeedLimits
from app.service import Service
from app.settings import Settings
from app.store.log_pages import LogPage, read_log_page
from app.values import replace
from tests.api.live import live, messages, next_messages
from tests.api.test_feed import log, people
from tests.faults.fleet import knob
from tests.projections.waiting import until
from tests.rights.people import register
from tests.serving import Api

PATH = "/v1/events/stream"
DISCONNECTS = knob("LEDGER_FEED_DISCONNECTS", 100)
OPEN_CLIENTS = 200


@pytest.fixture
async def address(service: Service, tmp_path: Path) -> AsyncIterator[str]:
    """The service on a socket."""
    async with live(service, Settings(home=tmp_path)) as url:
        yield url


@pytest.fixture
async def listener(address: str, api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the scope of the feed alone."""
    headers = {"authorization": f"Bearer {await api.key(['events:read'])}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=20, limits=limits
    ) as http:
        yield http


def after(position: int) -> dict[str, str]:
    """What a client sends when it reconnects."""
    return {} if position < 0 else {"last-event-id": str(position)}


async def test_a_stream_catches_up_and_goes_on_live(
    client: httpx.AsyncClient, listener: httpx.AsyncClient, service: Service
) -> None:
    await people(client, 3)
    before = await log(service)

    async with listener.stream("GET", PATH) as answer:
        told = await next_messages(answer, len(before))
    async with listener.stream("GET", PATH, headers=after(told[-1][0])) as answer:
        writing = asyncio.create_task(people(client, 2))
        told += await next_messages(answer, 4)
        await writing

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert [position for position, _ in told] == list(range(len(told)))
    assert [event["id"] for _, event in told] == (await log(service))[: len(told)]


async def test_only_the_types_asked_for_are_sent(
    client: httpx.AsyncClient, listener: httpx.AsyncClient
) -> None:
    await people(client, 2)
    query = {"types": "subject.registered", "after": "0"}

    async with asyncio.timeout(20), listener.stream("GET", PATH, params=query) as answer:
        told = messages(answer)
        first = [await anext(told), await anext(told)]
        writing = asyncio.create_task(people(client, 1))
        live_one = await anext(told)
        await writing

    assert {event["type"] for _, event in [*first, live_one]} == {"subject.registered"}
    assert live_one[0] > first[-1][0]


@pytest.mark.slow
async def test_disconnects_at_random_points_lose_nothing_and_repeat_nothing(
    client: httpx.AsyncClient, listener: httpx.AsyncClient, service: Service
) -> None:
    """A client that comes back with the id received last has the log, each event once."""
    source = random.Random(20_261_122)
    over = asyncio.Event()

    async def write() -> None:
        while not over.is_set():
            await register(client, verification=None)

    writing = asyncio.create_task(write())
    received: list[str] = []
    position = -1
    for _ in range(DISCONNECTS):
        wanted = source.choice((0, 1, 2, 5, 20))
        async with listener.stream("GET", PATH, headers=after(position)) as answer:
            async for number, event in messages(answer):
                assert number == position + 1
                position = number
                received.append(event["id"])
                wanted -= 1
                if wanted <= 0:
                    break
    over.set()
    await writing
    entries = await log(service)
    async with listener.stream("GET", PATH, headers=after(position)) as answer:
        rest = await next_messages(answer, len(entries) - len(received))

    assert received + [event["id"] for _, event in rest] == entries
    print(f"{DISCONNECTS} disconnects, {len(entries)} events")  # noqa: T201  # what -s shows


async def test_one_reader_serves_all_who_listen(
    client: httpx.AsyncClient,
    address: str,
    api: Api,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reads follow the clock, not the number of listeners; told to stop, all end."""
    head = await service.store.head_position()
    headers = {"authorization": f"Bearer {await api.key()}", **after(head)}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=30, limits=limits
    ) as http:
        told: list[int] = []

        async def listen() -> None:
            async with http.stream("GET", PATH) as answer:
                async for number, _ in messages(answer):
                    told.append(number)

        listening = [asyncio.create_task(listen()) for _ in range(OPEN_CLIENTS)]
        await until(lambda: listeners(service, OPEN_CLIENTS))
        loop = asyncio.get_running_loop()
        reads, began = counted_reads(monkeypatch), loop.time()

        async def all_at_the_head() -> bool:
            """Who has just come reads for itself until it has caught up."""
            lately = loop.time() - 2 * POLL_S
            return began <= lately and sum(at > lately for at in reads) <= 3

        await until(all_at_the_head)
        reads.clear()
        began = loop.time()
        await register(client, verification=None)
        entries = len(await log(service)) - 1 - head

        async def all_told() -> bool:
            return len(told) == OPEN_CLIENTS * entries

        await until(all_told, within_s=20)
        # One look every so often, and one or two for each append that wakes it.
        assert len(reads) <= (loop.time() - began) / POLL_S + 20
        service.feed.close()
        await asyncio.wait_for(asyncio.gather(*listening), 30)

    assert sorted(told) == sorted([*range(head + 1, head + 1 + entries)] * OPEN_CLIENTS)


def counted_reads(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each page was read from here on, by the clock of the loop."""
    reads: list[float] = []

    async def counting(*arguments: object, **named: object) -> LogPage:
        reads.append(asyncio.get_running_loop().time())
        return await read_log_page(*arguments, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr("app.propagation.feed.read_log_page", counting)
    return reads


async def listeners(service: Service, count: int) -> bool:
    """Whether so many listen."""
    return service.feed._listeners == count


async def test_whoever_reads_nothing_is_let_go_and_holds_up_nobody(
    client: httpx.AsyncClient, api: Api, service: Service, tmp_path: Path
) -> None:
    service.feed.limits = FeedLimits(send_timeout_s=0.5)
    await people(client, 1)
    key = await api.key()
    async with live(service, Settings(home=tmp_path)) as address:
        loop = asyncio.get_running_loop()
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.setblocking(False)
        url = httpx.URL(address)
        await loop.sock_connect(deaf, ("127.0.0.1", url.port))
        request = f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
        await loop.sock_sendall(deaf, request.encode())
        await until(lambda: listeners(service, 1))
        service.feed.cloud_events = Bloated(service.feed.cloud_events)  # type: ignore[assignment]  # stands in for it
        await people(client, 100)

        async def let_go() -> bool:
            return await listeners(service, 0)

        await until(let_go, within_s=20)
        received = await received_by(deaf)
        deaf.close()

    assert received < 100 * 60_000


async def received_by(deaf: socket.socket) -> int:
    """How much was on its way to a client before the connection was cut."""
    loop, size = asyncio.get_running_loop(), 0
    try:
        while chunk := await asyncio.wait_for(loop.sock_recv(deaf, 65_536), 10):
            size += len(chunk)
    except ConnectionError:
        return size
    return size


class Bloated:
    """Writes events that fill every buffer between the service and a client that reads nothing."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def of(self, position: int, entry: bytes) -> object:
        """An event of 60 kB."""
        event = self._inner.of(position, entry)  # type: ignore[attr-defined]  # what it stands in for
        return replace(event, body=event.body + b" " * 60_000)


async def test_it_is_not_silent_when_nothing_happens(
    service: Service, address: str, listener: httpx.AsyncClient
) -> None:
    service.feed.limits = FeedLimits(keep_alive_s=0.1)
    head = await service.store.head_position()

    async with listener.stream("GET", PATH, headers=after(head)) as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(5):
            seen = [await anext(lines) for _ in range(9)]

    assert seen[0].startswith("retry: ")
    assert seen.count(": quiet") >= 2


async def test_a_key_that_is_revoked_ends_its_streams(
    service: Service, address: str, api: Api
) -> None:
    service.feed.limits = FeedLimits(keep_alive_s=0.1)
    key = await api.key()
    headers = {"authorization": f"Bearer {key}"}

    async with (
        httpx.AsyncClient(base_url=address, headers=headers, timeout=10) as http,
        http.stream("GET", PATH) as answer,
    ):
        await service.pool.execute("SELECT ledger.ledger_client_revoke($1)", key.split("_")[2])
        rest = [line async for line in answer.aiter_lines()]

    assert rest


async def test_a_process_carries_so_many_listeners_and_no_more(
    service: Service, listener: httpx.AsyncClient
) -> None:
    service.feed.limits = FeedLimits(listeners_max=1)

    async with listener.stream("GET", PATH) as answer:
        await next_messages(answer, 1)
        refused = await listener.get(PATH)

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/feed-busy")
    assert refused.headers["retry-after"] == "1"


async def test_a_reader_goes_on_after_the_database_was_away(
    client: httpx.AsyncClient,
    listener: httpx.AsyncClient,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tail is tried again; who listens stays and misses nothing."""
    head = await service.store.head_position()
    failures = 2
    read_on = type(service.feed)._read_on

    async def failing(feed: object) -> bool:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError
        return await read_on(feed)  # type: ignore[arg-type]  # it is the feed

    monkeypatch.setattr("app.propagation.feed.RETRY_S", 0.01)
    monkeypatch.setattr(type(service.feed), "_read_on", failing)
    async with listener.stream("GET", PATH, headers=after(head)) as answer:
        writing = asyncio.create_task(people(client, 1))
        [(position, _)] = await next_messages(answer, 1)
        await writing

    assert (position, failures) == (head + 1, 0)


async def test_an_append_wakes_the_reader(
    client: httpx.AsyncClient,
    listener: httpx.AsyncClient,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking every so often is for lost notices: here it would take a minute."""
    monkeypatch.setattr("app.propagation.feed.POLL_S", 60.0)
    head = await service.store.head_position()
    woken: list[bool] = []
    service.feed.wakes(lambda: woken.append(True))

    async with asyncio.timeout(10), listener.stream("GET", PATH, headers=after(head)) as answer:
        told = messages(answer)
        writing = asyncio.create_task(people(client, 1))
        position, _ = await anext(told)
        await writing

    assert position == head + 1
    assert woken
