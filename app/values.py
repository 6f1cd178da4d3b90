"""Immutable values that every append makes by the dozen: structs, where dataclasses are too dear.

A frozen dataclass of ten fields takes 4 us to make and 7 us to `replace`; a struct takes a tenth of
it (docs/decisions/0004-hot-path.md). Values that are made rarely stay dataclasses.
"""

import dataclasses
from typing import Any, ClassVar, TypeVar

import msgspec

V = TypeVar("V")

field = msgspec.field


class Value(msgspec.Struct, frozen=True):
    """Compared and hashed by its fields, which never change."""


class Confidential(Value, frozen=True):
    """A value of which some fields can get into no log line and no error's text."""

    CONFIDENTIAL: ClassVar[tuple[str, ...]]
    """The fields that are not shown."""

    def __repr__(self) -> str:
        shown = (
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name not in self.CONFIDENTIAL
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def replace(value: V, **changes: Any) -> V:
    """A copy with other values in some fields, of a Value or of a dataclass."""
    if isinstance(value, Value):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]  # nothing else is given
