"""The shape of a concern: its commands, the events that it folds, its part of a person's state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from app.domain.decider import Circumstances
from app.events.recorded import Record, Recorded

if (
    TYPE_CHECKING
):  # the composed state is assembled from the concerns, so it is imported for its name only
    from app.domain.subject import SubjectState

Slice = TypeVar("Slice")


@dataclass(frozen=True, slots=True)
class Concern(Generic[Slice]):
    """One line in `app/domain/subject.py` makes a concern part of every person's state."""

    name: str
    """The field of `SubjectState` that holds the slice."""
    commands: tuple[type[Any], ...]
    folds: tuple[type[Any], ...]
    """Every event class that changes the slice, those of other concerns included."""
    initial: Slice
    decide: Callable[
        [Any, "SubjectState", Circumstances], tuple[Record, ...]
    ]  # Any: its own commands
    evolve: Callable[[Slice, Recorded[Any]], Slice]  # Any: one of ``folds``
