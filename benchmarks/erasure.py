"""How long the erasure of a person with 1,000 events takes until nobody can read them (E1).

Measured over HTTP from the request to the answer: plan, suppression, what telling the recipients
needs, and the one call that destroys. Beside it the rewriting of the tables for E2, which rests
for as long as it works, so that appends go on (docs/decisions/0014-bytes-gone.md).
"""

import asyncio
import http.client
import itertools
import json
import time
from typing import Any
from uuid import uuid4

import asyncpg

from app.cli.databases import runtime_logins
from app.store.rewriting import SIZE_SQL, Rewriting, standings
from benchmarks.figures import Figure, alone
from benchmarks.people import registered
from benchmarks.servers import Ledger

EVENTS = 1_000
E1_MAX_S = 1.0
PURPOSES = ("network_exchange", "event_logistics", "project_collaboration")


def measure(ledger: Ledger, *, rounds: int) -> list[Figure]:
    """One person a round, each with events of her own."""
    people = registered(ledger, rounds)
    caller = _Caller(ledger)
    taken = []
    for person in people:
        caller.grow(person)
        taken.append(caller.erase(person))
    rewriting = [asyncio.run(_rewrite(ledger)) for _ in range(rounds)]
    return [
        Figure(
            f"erasure of {EVENTS:,} events until E1, s",
            tuple(taken),
            at_most=E1_MAX_S,
            ours=tuple(taken),
        ),
        Figure(
            "tables written anew for E2, MiB/s",
            tuple(mebibytes / seconds for mebibytes, seconds in rewriting),
            ours=tuple(seconds for _, seconds in rewriting),
        ),
    ]


class _Caller:
    """One connection."""

    def __init__(self, ledger: Ledger) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", ledger.port, timeout=120)
        self._headers = dict(ledger.headers())

    def grow(self, person: str) -> None:
        """Collects until the person has as many events as are asked for."""
        for number, purpose in zip(range(EVENTS), itertools.cycle(PURPOSES), strict=False):
            body = {
                "purpose": purpose,
                "data": {"work.title": f"Inspector {number}"},
                "source": "registration_form",
            }
            self._post(f"/v1/subjects/{person}/collections", body)

    def erase(self, person: str) -> float:
        """Seconds until the answer that everything is unreadable."""
        began = time.perf_counter()
        answer = self._post(f"/v1/subjects/{person}/erasure", {"source": "secretariat"})
        taken = time.perf_counter() - began
        if answer["erasure"]["stage"] != "executed":
            raise RuntimeError("not erased")
        return taken

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {**self._headers, "idempotency-key": uuid4().hex}
        self._connection.request("POST", path, json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        if answer.status != 201:
            raise RuntimeError(f"refused: {answer.status} {content.get('type')}")
        return content


async def _rewrite(ledger: Ledger) -> tuple[float, float]:
    """Mebibytes of the tables afterwards, and the seconds that it took."""
    url = runtime_logins(ledger.cluster).eraser
    assert url is not None, "the embedded server has every login"
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as eraser:
        rewriting = Rewriting(eraser, free=lambda: None)
        began = time.perf_counter()
        tables = await standings(eraser)
        for table in tables:
            if (hindered := await rewriting.write_anew(table)) is not None:
                raise RuntimeError(f"{table.relation} was not written anew: {hindered}")
        taken = time.perf_counter() - began
        sizes = [await eraser.fetchrow(SIZE_SQL, table.relation) for table in tables]
    return sum(row["size_bytes"] for row in sizes if row is not None) / 2**20, taken


if __name__ == "__main__":
    alone(measure)
