"""What a bundle says in plain words: one HTML page without script or any request (WCAG 2.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from app.documents.event_titles import EVENTS

EVENTS_SHOWN: Final = 500
"""The newest; all are in the bundle."""
PARTS_A_PIECE: Final = 2_000
LOST_KEY: Final = "retention.executed/key_lost"
"""A loss is told by the type that tells of the end of a period; the page tells them apart."""
ERASURES: Final = ("erasure.executed", "retention.executed", LOST_KEY)


@dataclass(frozen=True, slots=True)
class Told:
    """One event, without what it says in particular."""

    position: int
    version: int
    at: str
    kind: str
    by: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What the page tells."""

    about: dict[str, Any]
    """What `bundle.json` says."""
    keys: tuple[str, ...]
    cosigned_by: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    """Type of event -> how many."""
    told: tuple[Told, ...]

    @property
    def events(self) -> int:
        """How many are in the bundle."""
        return sum(count for _, count in self.counts)

    @property
    def erasures(self) -> int:
        """How many of them destroyed something."""
        return sum(count for kind, count in self.counts if kind in ERASURES)


def report(figures: Figures) -> Iterator[str]:
    """The page piece by piece."""
    stream = _template().stream(figures=figures, title=_title, shown_max=EVENTS_SHOWN)
    stream.enable_buffering(PARTS_A_PIECE)
    yield from stream


def _title(kind: str) -> str:
    """What an event is called, where it has a name for people."""
    title = EVENTS.get(kind)
    return kind.replace(".", ": ").replace("-", " ") if title is None else str(title)


@cache
def _template() -> Template:
    source = files("app.audit").joinpath("report.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
