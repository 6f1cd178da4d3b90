"""`python -m benchmarks`: every figure of one run, on one machine, both sides interleaved."""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks import (
    access,
    erasure,
    http_append,
    imports,
    in_process,
    live_projections,
    log_integration,
    log_proofs,
    log_verification,
    machine,
    projections,
    registers,
    rotation,
    signed_receipts,
    webhooks,
)
from benchmarks.figures import ROUNDS, Figure, table
from benchmarks.servers import ledger


def main() -> None:
    """Prints what it was measured on, then the table; exit code 1 when a target is missed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each comparison")
    options.add_argument("--full", action="store_true", help="more of everything that grows")
    options.add_argument("--json", type=Path, metavar="FILE", help="writes everything measured")
    chosen = options.parse_args()
    began = time.monotonic()
    figures: list[Figure] = []
    with ledger() as served:
        pinned = machine.pinned(served)
        for name, fact in pinned.items():
            print(f"{name}: {json.dumps(fact)}", flush=True)
        for title, module in (
            ("HTTP", http_append),
            ("in process", in_process),
            ("projections", live_projections),
        ):
            figures += _measured(title, module.measure(served, rounds=chosen.rounds))
        figures += _measured(
            "import", imports.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured(
            "rebuild", projections.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured(
            "log", log_integration.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured("receipts", signed_receipts.measure(served, rounds=chosen.rounds))
        figures += _measured(
            "verification", log_verification.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured(
            "registers", registers.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured("erasure", erasure.measure(served, rounds=chosen.rounds))
        figures += _measured(
            "access report", access.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured(
            "webhooks", webhooks.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        figures += _measured(
            "rotation", rotation.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
        # The last: it lengthens the log of the service.
        figures += _measured(
            "proofs", log_proofs.measure(served, rounds=chosen.rounds, full=chosen.full)
        )
    print(f"\n{table(figures)}\n\n{time.monotonic() - began:.0f} s")
    if chosen.json:
        measured = {**pinned, "figures": [figure.as_json() for figure in figures]}
        chosen.json.write_text(json.dumps(measured, indent=2) + "\n")
    sys.exit(any(not figure.met for figure in figures))


def _measured(title: str, figures: list[Figure]) -> list[Figure]:
    for figure in figures:
        print(f"{title}: {figure.name}: {figure.median:.3g}", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    main()
