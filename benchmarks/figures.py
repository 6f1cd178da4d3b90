"""A ratio taken several times in one run, its target, and the table that shows them."""

import argparse
import inspect
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import machine
from benchmarks.servers import Ledger, ledger

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: a value of each round; the median is held against the target."""

    name: str
    values: tuple[float, ...]
    at_least: float | None = None
    at_most: float | None = None
    ours: tuple[float, ...] = ()
    theirs: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        """The figure: medians are less moved by a neighbour on the machine than means."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the target holds."""
        return (self.at_least is None or self.median >= self.at_least) and (
            self.at_most is None or self.median <= self.at_most
        )

    def target(self) -> str:
        """As the table shows it."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured."""
        return {
            "name": self.name,
            "values": self.values,
            "median": self.median,
            "target": self.target(),
            "met": self.met,
            "ours": self.ours,
            "theirs": self.theirs,
        }


def table(figures: Sequence[Figure]) -> str:
    """Markdown, aligned, so that it can be pasted into the README."""
    head = ("figure", "min", "median", "max", "target", "met", "ours", "theirs")
    rows = [
        (
            figure.name,
            f"{min(figure.values):.3g}",
            f"{figure.median:.3g}",
            f"{max(figure.values):.3g}",
            figure.target(),
            "yes" if figure.met else "NO",
            f"{statistics.median(figure.ours):.4g}" if figure.ours else "",
            f"{statistics.median(figure.theirs):.4g}" if figure.theirs else "",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, rule, *rows)
    )


def alone(measure: Callable[..., list[Figure]]) -> None:
    """Runs one of the benchmarks by itself."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=ROUNDS)
    grows = "full" in inspect.signature(measure).parameters
    if grows:
        options.add_argument("--full", action="store_true", help="more of what grows")
    chosen = options.parse_args()
    with ledger() as served:
        print(machine.pinned_text(served))
        figures = measure(served, **vars(chosen))
    print(table(figures))
    sys.exit(any(not figure.met for figure in figures))


__all__ = ["ROUNDS", "Figure", "Ledger", "alone", "table"]
