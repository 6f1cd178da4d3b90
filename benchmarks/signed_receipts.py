"""Appends over HTTP with everything that the log costs them, and without: integration and receipts.

Two services on one database, each with people of its own, take turns: one signs its receipts, and
the integrator runs beside it; the other signs none, and the integrator stands still meanwhile.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from benchmarks import load
from benchmarks.bodies import BODIES
from benchmarks.figures import Figure, alone
from benchmarks.load import Load, Result
from benchmarks.log_integration import _integrating as integrating
from benchmarks.log_integration import _wait as caught_up
from benchmarks.people import registered
from benchmarks.servers import SERVICE, Ledger
from benchmarks.servers import _running as running

SECONDS = 3.0
SUBJECTS = 1_000
ROUNDS_MIN = 10
COST_AT_LEAST = 0.9
"""Of the requests a second without."""
SLOWER_AT_MOST = 1.1
NOUN = "consents"


def measure(ledger: Ledger, *, rounds: int) -> list[Figure]:
    """At least ten rounds; who begins changes from round to round."""
    with _unsigned(ledger) as (port, pid):
        signed = _load(ledger, ledger.port, ledger.pid)
        unsigned = _load(ledger, port, pid)
        for one in (signed, unsigned):  # warm: imports, plans, and the people who are known by now
            load.run(_at(one, 16))
        url = ledger.cluster.dsn("ledger_integrator")
        with integrating(url, str(ledger.home / "keys")) as process:
            cells = [
                _round(ledger, process.send_signal, (signed, unsigned), number)
                for number in range(max(rounds, ROUNDS_MIN))
            ]
    return _figures(cells)


def _round(
    ledger: Ledger, tell: Callable[[int], None], sides: tuple[Load, Load], number: int
) -> tuple[Result, ...]:
    """Both sides at 64 connections, then at one; with the log first in every second round."""
    found: dict[tuple[int, bool], Result] = {}
    for connections in (64, 1):
        for beside in (True, False) if number % 2 else (False, True):
            tell(signal.SIGCONT if beside else signal.SIGSTOP)
            if beside:
                asyncio.run(caught_up(ledger.superuser()))
            found[connections, beside] = load.run(_at(sides[0 if beside else 1], connections))
    tell(signal.SIGCONT)
    return found[64, True], found[64, False], found[1, True], found[1, False]


def _figures(cells: Sequence[tuple[Result, ...]]) -> list[Figure]:
    return [
        Figure(
            f"append {NOUN}, c64, requests/s: with integration and signed receipts / without",
            tuple(one.rate / other.rate for one, other, _, _ in cells),
            at_least=COST_AT_LEAST,
            ours=tuple(one.rate for one, *_ in cells),
            theirs=tuple(other.rate for _, other, _, _ in cells),
        ),
        Figure(
            f"append {NOUN}, c64, CPU us/request of the service: without / with",
            tuple(other.cpu_us / one.cpu_us for one, other, _, _ in cells),
            ours=tuple(one.cpu_us for one, *_ in cells),
            theirs=tuple(other.cpu_us for _, other, _, _ in cells),
        ),
        Figure(
            f"append {NOUN}, c1, p50 ms: with integration and signed receipts / without",
            tuple(one.p50_ms / other.p50_ms for _, _, one, other in cells),
            at_most=SLOWER_AT_MOST,
            ours=tuple(one.p50_ms for _, _, one, _ in cells),
            theirs=tuple(other.p50_ms for *_, other in cells),
        ),
    ]


@contextmanager
def _unsigned(ledger: Ledger) -> Iterator[tuple[int, int]]:
    """Port and process id of the service that signs no receipt."""
    variables = {"LEDGER_HOME": str(ledger.home), "LEDGER_PORT": "0", **SERVICE}
    with running([sys.executable, "-m", "benchmarks.unsigned"], variables) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())["serving"]
        yield int(told["url"].rpartition(":")[2]), process.pid


def _load(ledger: Ledger, port: int, pid: int) -> Load:
    """Consents of people whom only this service knows: no state that it keeps becomes stale."""
    return Load(
        port,
        f"/v1/subjects/{{subject}}/{NOUN}",
        json.dumps(BODIES[NOUN], ensure_ascii=False),
        subjects=registered(ledger, SUBJECTS),
        headers=ledger.headers(),
        server=pid,
    )


def _at(one: Load, connections: int) -> Load:
    return replace(one, connections=connections, seconds=SECONDS)


if __name__ == "__main__":
    alone(measure)
