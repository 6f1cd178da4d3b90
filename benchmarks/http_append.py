"""Appends over HTTP beside a FastAPI POST that only validates, and one with one bare INSERT.

Ours does everything: key check, idempotency, decision, sealing, durable commit, receipt.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import load
from benchmarks.bodies import BODIES
from benchmarks.figures import Figure, alone
from benchmarks.load import Load, Result
from benchmarks.people import registered
from benchmarks.servers import Ledger, floor

SECONDS = 3.0
SUBJECTS = 2_000


def measure(ledger: Ledger, *, rounds: int) -> list[Figure]:
    """Four cells a round and body, taken in turn; ratios of the cells of one round."""
    subjects = registered(ledger, SUBJECTS)
    figures: list[Figure] = []
    with floor(ledger) as (port, pid):
        for noun, body in BODIES.items():
            sent = Load(
                ledger.port,
                f"/v1/subjects/{{subject}}/{noun}",
                json.dumps(body, ensure_ascii=False),
                subjects=subjects,
                headers=ledger.headers(),
                server=ledger.pid,
            )
            bare_path = f"/bare/subjects/{{subject}}/{noun}"
            sides = [
                sent,
                replace(sent, port=port, server=pid),
                replace(sent, port=port, server=pid, path=bare_path),
            ]
            for one in sides:  # warm: imports, plans, and the people who are known by now
                load.run(_at(one, 16, 2.5))
            cells = [_round(sides) for _ in range(rounds)]
            figures += _figures(noun, cells)
    return figures


def _round(sides: Sequence[Load]) -> tuple[Result, Result, Result, Result]:
    ours, trivial, bare = sides
    return (
        load.run(_at(ours, 64)),
        load.run(_at(trivial, 64)),
        load.run(_at(ours, 1, SECONDS / 2)),
        load.run(_at(bare, 1, SECONDS / 2)),
    )


def _figures(noun: str, cells: Sequence[tuple[Result, Result, Result, Result]]) -> list[Figure]:
    return [
        Figure(
            f"append {noun}, c64, requests/s: ours / trivial POST",
            tuple(ours.rate / trivial.rate for ours, trivial, _, _ in cells),
            at_least=0.50,
            ours=tuple(ours.rate for ours, *_ in cells),
            theirs=tuple(trivial.rate for _, trivial, _, _ in cells),
        ),
        Figure(
            f"append {noun}, c64, CPU us/request: trivial POST / ours",
            tuple(trivial.cpu_us / ours.cpu_us for ours, trivial, _, _ in cells),
            ours=tuple(ours.cpu_us for ours, *_ in cells),
            theirs=tuple(trivial.cpu_us for _, trivial, _, _ in cells),
        ),
        Figure(
            f"append {noun}, c1, p50 ms: ours / bare INSERT",
            tuple(ours.p50_ms / bare.p50_ms for _, _, ours, bare in cells),
            at_most=2.0,
            ours=tuple(ours.p50_ms for _, _, ours, _ in cells),
            theirs=tuple(bare.p50_ms for *_, bare in cells),
        ),
    ]


def _at(one: Load, connections: int, seconds: float = SECONDS) -> Load:
    return replace(one, connections=connections, seconds=seconds)


if __name__ == "__main__":
    alone(measure)
