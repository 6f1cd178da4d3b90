"""The shape of a projection: tables, and pure handlers from a recorded event to what is written.

Rows hold metadata and references to sealed sections, never what is sealed and never a token: a
projection needs no key, and an erasure leaves nothing in it to be destroyed (DESIGN 2.4).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Text, and_, literal_column

from app.events import EVENT_TYPES
from app.events.recorded import Recorded
from app.projections.statements import Write
from app.store.codec import read_entry
from app.store.tables import positions

Writes = tuple[Write, ...]
Handler = Callable[[Recorded[Any]], Writes]  # Any: the event class that it is registered for
H = TypeVar("H", bound=Handler)

_WIRE_NAMES = {kind.cls: kind.name for kind in EVENT_TYPES.values()}


class HandlerFailed(Exception):
    """A handler could not fold an event. Names the place and the kind of fault, no content."""

    def __init__(self, position: int, event_type: str, error_class: str) -> None:
        super().__init__(f"{event_type} at position {position}: {error_class}")
        self.position = position
        self.event_type = event_type
        self.error_class = error_class


@dataclass(frozen=True, slots=True)
class LogLine:
    """One row of the log as a projection reads it."""

    position: int
    stream_id: UUID
    version: int
    event_type: str
    entry: bytes | None = field(repr=False)
    """None when the projection has no handler for the type: it is counted, not fetched."""


PageHandler = Callable[[tuple[LogLine, ...]], Writes]


class Projection:
    """A read model under one name. A new ``version`` has new tables and is built from zero."""

    def __init__(self, name: str, *, version: int, tables: tuple[Table, ...]) -> None:
        self.name = name
        self.version = version
        self.tables = tables
        self._handlers: dict[str, Handler] = {}
        self._on_page: PageHandler | None = None

    @property
    def event_types(self) -> tuple[str, ...]:
        """Wire names of the events that it reads."""
        return tuple(self._handlers)

    @property
    def standing(self) -> ColumnElement[bool]:
        """Which row of `positions` says how far these tables have read the log."""
        return and_(
            positions.c.projection == literal_column(f"'{self.name}'", Text),
            positions.c.version == literal_column(str(self.version)),
        )

    def on(self, *event_classes: type[Any]) -> Callable[[H], H]:
        """Registers a pure handler for event classes, one handler a class."""

        def register(handler: H) -> H:
            for event_class in event_classes:
                name = _WIRE_NAMES[event_class]
                assert name not in self._handlers, f"{self.name} folds {name} twice"
                self._handlers[name] = handler
            return handler

        return register

    def on_page(self, handler: PageHandler) -> PageHandler:
        """Registers what is written after the events of a page, one row a person at the most.

        It is shown every line, of whatever type; what it writes may not depend on the page's size.
        """
        assert self._on_page is None, f"{self.name} has one handler for pages"
        self._on_page = handler
        return handler

    def writes(self, lines: tuple[LogLine, ...]) -> Iterator[Writes]:
        """What each event changes, in order; HandlerFailed at the first that cannot be folded."""
        for line in lines:
            try:
                yield self._fold(line)
            except Exception as error:  # noqa: BLE001  # the loop of the engine records it and halts
                raise HandlerFailed(line.position, line.event_type, type(error).__name__) from None
        if self._on_page is not None:
            yield from ((write,) for write in self._on_page(lines))

    def _fold(self, line: LogLine) -> Writes:
        handler = self._handlers.get(line.event_type)
        if handler is None or line.entry is None:
            return ()
        recorded = read_entry(line.entry, line.position)
        if not isinstance(recorded.event, EVENT_TYPES[line.event_type].cls):
            return ()  # a version of the type that only a later program knows
        writes = handler(recorded)
        for write in writes:
            assert write.subject_id == line.stream_id, "a row of somebody else"
        return writes
