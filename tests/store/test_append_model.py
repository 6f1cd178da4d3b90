"""Random batches against a model of the rules in plain Python: same outcomes, same rows."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.append import Append, IdempotencyToken
from tests.conftest import Database
from tests.store.chains import Chain, claim, release
from tests.store.conftest import open_epoch
from tests.store.doors import Connection, append

STREAMS, TOKENS, REQUESTS = 4, 3, 3


@dataclass(frozen=True, slots=True)
class Wish:
    """One command of a batch, before its versions are known."""

    stream: int
    events: int
    behind: int
    """By how many versions the writer's view is old."""
    group: int | None
    claims: tuple[int, ...]
    releases: tuple[int, ...]
    request: int | None
    body: bytes


WISHES = st.builds(
    Wish,
    stream=st.integers(0, STREAMS - 1),
    events=st.integers(0, 2),
    behind=st.sampled_from([0, 0, 0, 1]),
    group=st.sampled_from([None, None, 1, 2]),
    claims=st.lists(st.integers(0, TOKENS - 1), max_size=2, unique=True).map(tuple),
    releases=st.lists(st.integers(0, TOKENS - 1), max_size=1).map(tuple),
    request=st.sampled_from([None, *range(REQUESTS)]),
    body=st.sampled_from([b"same", b"same", b"same", b"other"]),
)
BATCHES = st.lists(
    st.lists(WISHES, min_size=1, max_size=STREAMS, unique_by=lambda wish: wish.stream),
    min_size=1,
    max_size=8,
)


@dataclass(slots=True)
class Model:
    """What the ledger must hold, kept by the rules of DESIGN 2.5 and nothing else."""

    streams: list[UUID] = field(default_factory=lambda: [Chain().stream_id for _ in range(STREAMS)])
    tokens: list[bytes] = field(default_factory=lambda: [os.urandom(16) for _ in range(TOKENS)])
    requests: list[bytes] = field(default_factory=lambda: [os.urandom(16) for _ in range(REQUESTS)])
    entries: dict[int, list[bytes]] = field(
        default_factory=lambda: {stream: [] for stream in range(STREAMS)}
    )
    owners: dict[int, int] = field(default_factory=dict)
    answered: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    """A request's body and the stream that it went to."""

    def outcomes(self, batch: list[Wish]) -> list[str]:
        """Applies the batch; what became of each command."""
        found = [self._before_identifiers(wish) for wish in batch]
        _lose_with_the_group(batch, found)
        claimed: set[int] = set()
        taken = []
        for number, wish in enumerate(batch):
            if found[number] is None:
                foreign = any(
                    self.owners.get(one, wish.stream) != wish.stream for one in wish.claims
                )
                taken += [number] if foreign or claimed & set(wish.claims) else []
                claimed |= set(wish.claims)
        for number in taken:
            found[number] = "identifier-taken"
        _lose_with_the_group(batch, found)
        winners = [wish for wish, outcome in zip(batch, found, strict=True) if outcome is None]
        for wish in winners:
            for one in wish.releases:
                if self.owners.get(one) == wish.stream:
                    del self.owners[one]
        for wish in winners:
            self.owners.update(dict.fromkeys(wish.claims, wish.stream))
            if wish.request is not None:
                self.answered[wish.request] = (wish.body, wish.stream)
        return [outcome or "appended" for outcome in found]

    def _before_identifiers(self, wish: Wish) -> str | None:
        if wish.request in self.answered:
            body, _ = self.answered[wish.request]
            return "replayed" if body == wish.body else "key-reused"
        behind = min(wish.behind, len(self.entries[wish.stream]))
        return "version-conflict" if behind else None

    def command(self, wish: Wish) -> Append:
        """The wish as a writer with that view would send it."""
        known = self.entries[wish.stream]
        seen = known[: len(known) - min(wish.behind, len(known))]
        chain = Chain(self.streams[wish.stream], len(seen), seen[-1] if seen else None)
        request = (
            None
            if wish.request is None
            else IdempotencyToken("client.tests", self.requests[wish.request], wish.body)
        )
        return chain.command(
            *(chain.event() for _ in range(wish.events)),
            identifiers=[
                *(release(self.tokens[one]) for one in wish.releases),
                *(claim(self.tokens[one]) for one in wish.claims),
            ],
            idempotency=request,
        )


def _lose_with_the_group(batch: list[Wish], found: list[str | None]) -> None:
    lost = {
        wish.group for wish, outcome in zip(batch, found, strict=True) if outcome is not None
    } - {None}
    for number, wish in enumerate(batch):
        if wish.group in lost and found[number] is None:
            found[number] = "group-refused"


def _one_request_each(batch: list[Wish]) -> list[Wish]:
    """The caller keeps two commands of one request apart; so do we."""
    seen: set[int] = set()
    kept = []
    for wish in batch:
        if wish.request is None or wish.request not in seen:
            kept.append(wish)
            seen |= {wish.request} if wish.request is not None else set()
    return kept


@pytest.fixture(scope="module")
def log(module_database: Database) -> Iterator[tuple[asyncio.Runner, Connection]]:
    """A connection on a loop of its own, since examples are not coroutines."""
    with asyncio.Runner() as runner:
        migrator = runner.run(asyncpg.connect(module_database.dsn("ledger_migrator")))
        runner.run(open_epoch(migrator))
        runner.run(migrator.close())
        connection = runner.run(asyncpg.connect(module_database.dsn("ledger_app")))
        yield runner, connection
        runner.run(connection.close())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=BATCHES)
def test_every_batch_ends_as_the_rules_say(
    log: tuple[asyncio.Runner, Connection], batches: list[list[Wish]]
) -> None:
    runner, connection = log
    model = Model()
    for batch in map(_one_request_each, batches):
        commands = [model.command(wish) for wish in batch]
        expected = model.outcomes(batch)

        outcomes = runner.run(append(connection, *commands, groups=[wish.group for wish in batch]))

        assert [outcome.code.value for outcome in outcomes] == expected
        for wish, command, outcome in zip(batch, commands, outcomes, strict=True):
            if outcome.code == "appended":
                model.entries[wish.stream] += [event.entry for event in command.events]
            if outcome.code == "replayed":
                assert wish.request is not None
                assert outcome.stream_id == model.streams[model.answered[wish.request][1]]
    runner.run(_compare(connection, model))


async def _compare(connection: Connection, model: Model) -> None:
    for number, stream in enumerate(model.streams):
        rows = await connection.fetch(
            "SELECT entry FROM ledger.events WHERE stream_id = $1 ORDER BY version", stream
        )
        assert [row["entry"] for row in rows] == model.entries[number]
    for number, token in enumerate(model.tokens):
        owner = await connection.fetchval(
            "SELECT subject_id FROM ledger.identifiers WHERE token = $1", token
        )
        assert owner == (model.streams[model.owners[number]] if number in model.owners else None)
    gap = await connection.fetchval(
        "SELECT count(*) <> coalesce(max(position) + 1, 0) FROM ledger.events"
    )
    assert not gap
