"""What one process measures of its own work, in the form that Prometheus reads.

A label is a word of ours: never an id of a person, a path or anything else that came in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
COMMANDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Retained:
    """The last time that this process carried out what was due, and what it had to leave."""

    at: datetime
    keys_left: int
    closings_left: int


class Measures:
    """Owned by one process; several processes are scraped one by one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.retained: Retained | None = None
        """None where retention never ran, or is another process's task."""
        self._append = Histogram(
            "pdledger_append_seconds",
            "From a command's entering the queue to its durable answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._batch = Histogram(
            "pdledger_append_batch_commands",
            "Commands that one call of the database appended together.",
            buckets=COMMANDS,
            registry=self.registry,
        )

        self._stamped = Counter(
            "pdledger_log_timestamp_answers",
            "What the time-stamp authority answered.",
            ["verdict"],
            registry=self.registry,
        )
        self._witnessed = Counter(
            "pdledger_log_witness_answers",
            "What witnesses answered when they were offered a checkpoint.",
            ["witness", "verdict"],
            registry=self.registry,
        )

    def witnessed(self, witness: str, verdict: str) -> None:
        """A configured witness was offered a checkpoint; ``verdict`` is one of `Verdict`."""
        self._witnessed.labels(witness, verdict).inc()

    def stamped(self, verdict: str) -> None:
        """The authority was asked for a stamp; ``verdict`` is one of `StampVerdict`."""
        self._stamped.labels(verdict).inc()

    def appended(self, waited_s: Sequence[float]) -> None:
        """One call answered its commands, which had waited for so long."""
        self._batch.observe(len(waited_s))
        for seconds in waited_s:
            self._append.observe(seconds)
