"""The shape of a projection: tables, and pure handlers from a recorded event to what is written.

Rows hold metadata and references to sealed sections, never what is sealed and never a token: a
projection needs no key, and an erasure leaves nothing in it to be destroyed (DESIGN 2.4).
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Table, Text, and_, literal_column

from app.events import EVENT_TYPES
from app.events.recorded import Recorded
from app.projections.statements import SUBJECT, Write
from app.store.recorded import read_for_projection
from app.store.tables import positions

Writes = tuple[Write, ...]
Handler = Callable[[Recorded[Any]], Writes]  # Any: the event class that it is registered for
H = TypeVar("H", bound=Handler)

_WIRE_NAMES = {kind.cls: kind.name for kind in EVENT_TYPES.values()}


class LogLine(msgspec.Struct, gc=False):
    """One row of the log as projections read it; read into an event once, however many fold it.

    Made by the million, in half the time of a class of Python's own.
    """

    position: int
    stream_id: UUID
    version: int
    event_type: str
    entry: bytes | None
    """None when nobody here has a handler for the type: it is counted, not fetched."""
    _recorded: Any = None

    @property
    def recorded(self) -> Recorded[Any]:
        """The event; EntryMalformed when the stored bytes are none."""
        if self._recorded is None:
            assert self.entry is not None, "entries are fetched for the types that are folded"
            self._recorded = read_for_projection(
                self.entry,
                name=self.event_type,
                stream_id=self.stream_id,
                position=self.position,
            )
        return self._recorded  # type: ignore[no-any-return]  # a Recorded


PageHandler = Callable[[tuple[LogLine, ...]], Writes]


class Projection:
    """A read model under one name. A new ``version`` has new tables and is built beside the old."""

    def __init__(self, name: str, *, version: int, tables: tuple[Table, ...]) -> None:
        self.name = name
        self.version = version
        self.tables = tables
        assert all(SUBJECT in table.primary_key.columns for table in tables), "rows are of people"
        self._handlers: dict[str, tuple[type[Any], Handler]] = {}
        self._on_page: PageHandler | None = None

    @property
    def event_types(self) -> tuple[str, ...]:
        """Wire names of the events that it reads."""
        return tuple(self._handlers)

    @property
    def standing(self) -> ColumnElement[bool]:
        """Which row of `positions` says how far the tables that serve have read the log."""
        return and_(
            positions.c.projection == literal_column(f"'{self.name}'", Text),
            positions.c.version == literal_column(str(self.version)),
            positions.c.state == literal_column("'serving'", Text),
        )

    def on(self, *event_classes: type[Any]) -> Callable[[H], H]:
        """Registers a pure handler for event classes, one handler a class."""

        def register(handler: H) -> H:
            for event_class in event_classes:
                name = _WIRE_NAMES[event_class]
                assert name not in self._handlers, f"{self.name} folds {name} twice"
                self._handlers[name] = (event_class, handler)
            return handler

        return register

    def on_page(self, handler: PageHandler) -> PageHandler:
        """Registers what is written after the events of a page, one row a person at the most.

        It is shown every line, of whatever type; what it writes may not depend on the page's size,
        nor one person's row on the lines of another.
        """
        assert self._on_page is None, f"{self.name} has one handler for pages"
        self._on_page = handler
        return handler

    def fold(self, line: LogLine) -> Writes:
        """What one event changes. Whatever a handler raises: the caller parks the person."""
        return tuple(self.fold_all((line,)))

    def fold_all(self, lines: Iterable[LogLine]) -> list[Write]:
        """What several events change, one after the other; a rebuild folds by the million."""
        handled, writes = self._handlers, list[Write]()
        for line in lines:
            if (found := handled.get(line.event_type)) is None:
                continue
            recorded, (event_class, handler) = line.recorded, found
            if isinstance(recorded.event, event_class):  # not so: a version of a later program
                made = handler(recorded)
                for _, row in made:
                    assert row[0] == recorded.stream_id, "a row of somebody else"
                writes += made
        return writes

    def fold_page(self, lines: tuple[LogLine, ...]) -> Writes:
        """What is written after the events of a page."""
        return () if self._on_page is None else self._on_page(lines)
