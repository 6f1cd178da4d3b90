"""Declares an event type once, and writes and reads its non-personal payload (`d` of the entry)."""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union, cast, dataclass_transform, get_args, get_origin
from typing import get_type_hints as type_hints
from uuid import UUID

import msgspec

from app.identifiers import is_digest, is_word
from app.values import Value

C = TypeVar("C")
Json = str | int | bool | None | list["Json"] | dict[str, "Json"]
Write = Callable[[Any], Json]
Read = Callable[[Any], Any]

INTEGER_MAX = 2**53 - 1


class NotClosedVocabulary(TypeError):
    """An event declares a field that could hold free text: personal data would enter the log."""


class PayloadInvalid(ValueError):
    """A payload value lies outside its field's closed vocabulary; the value is not shown."""


@dataclass(frozen=True, slots=True)
class EventType:
    """What the class of an event says about it: wire name, schema version, payload codec."""

    name: str
    version: int
    cls: type[Any]
    codec: tuple[tuple[str, Write, Read], ...]

    def payload(self, event: object) -> dict[str, Json]:
        """The event as JSON values: keys sorted, absent optional fields as null."""
        return {name: write(getattr(event, name)) for name, write, _ in self.codec}

    def event(self, payload: Mapping[str, Any]) -> Any:  # Any: the class differs by type
        """The event that ``payload`` describes; KeyError when a field is missing."""
        return self.cls(**{name: read(payload[name]) for name, _, read in self.codec})


_REGISTRY: dict[str, EventType] = {}
_BY_CLASS: dict[type[Any], EventType] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(name: str, *, version: int) -> Callable[[type[C]], type[C]]:
    """Makes a class a frozen event named ``name`` on the wire, with schema ``version`` from 1.

    Raises NotClosedVocabulary at import when a field's type could hold free text (DESIGN 4).
    """

    def declare(cls: type[C]) -> type[C]:
        made = _as_value(cls)
        hints = type_hints(made, include_extras=True)
        codec = tuple((name, *_codec(hints[name])) for name in sorted(made.__struct_fields__))
        kind = EventType(name, version, made, codec)
        if not is_word(name) or name in _REGISTRY:
            raise TypeError(f"event name {name!r} is taken or malformed")
        _REGISTRY[name] = _BY_CLASS[made] = kind
        return cast(type[C], made)

    return declare


def _as_value(cls: type[Any]) -> type[Value]:
    """The class as a Value with its fields by keyword, docstring and methods as they are."""
    body = {name: own for name, own in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    options = {"frozen": True, "kw_only": True}
    return types.new_class(cls.__name__, (Value,), options, lambda space: space.update(body))


def type_of(event: object) -> EventType:
    """The declaration of an event's class; KeyError when the class was never declared."""
    return _BY_CLASS[type(event)]


def registry() -> Mapping[str, EventType]:
    """Every declared event type by wire name, in the order of declaration."""
    return types.MappingProxyType(_REGISTRY)


_MOMENTS = msgspec.json.Encoder()


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC, six digits and ``Z``: always 27 characters, so text order is time order."""
    text = _MOMENTS.encode(moment.astimezone(UTC)).decode()  # a tenth of `isoformat`
    return text[1:-1] if moment.microsecond else f"{text[1:20]}.000000Z"


def _identity(value: Any) -> Any:
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise PayloadInvalid("expected a closed-vocabulary word")
    return _checked_word(value)


@lru_cache(maxsize=4096)
def _checked_word(value: str) -> str:
    """The same few words come in every event; what is refused is not kept."""
    if not is_word(value):
        raise PayloadInvalid("expected a closed-vocabulary word")
    return str(value)


def _member_of(words: type[StrEnum]) -> Write:
    known = {member: member.value for member in words}

    def write(value: Any) -> str:
        if value not in known:
            raise PayloadInvalid("expected a word of its enumeration")
        return known[value]

    return write


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not is_digest(value):
        raise PayloadInvalid("expected a SHA-256 in hex")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > INTEGER_MAX:
        raise PayloadInvalid("expected an integer within 2^53-1")
    return value


_SCALARS: dict[Any, tuple[Write, Read]] = {
    bool: (bool, bool),
    int: (_integer, _integer),
    UUID: (str, UUID),
    datetime: (moment_text, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
}


def _codec(hint: Any) -> tuple[Write, Read]:
    origin, args = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if origin is Annotated:
        return _annotated(args)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return (_member_of(hint), hint)
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        return _optional(_codec(next(arg for arg in args if arg is not type(None))))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        write, read = _codec(args[0])
        return (lambda many: [write(one) for one in many], lambda many: tuple(map(read, many)))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _mapping(args)
    raise NotClosedVocabulary(f"{hint!r} could hold free text")


def _annotated(args: tuple[Any, ...]) -> tuple[Write, Read]:
    if args == (str, "word"):
        return (_word, _identity)
    if args == (str, "digest"):
        return (_digest, _identity)
    raise NotClosedVocabulary(f"{args!r} could hold free text")


def _optional(codec: tuple[Write, Read]) -> tuple[Write, Read]:
    write, read = codec
    return (
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _mapping(args: tuple[Any, ...]) -> tuple[Write, Read]:
    write, read = _codec(args[1])
    return (
        lambda many: {_word(key): write(value) for key, value in sorted(many.items())},
        lambda many: {key: read(value) for key, value in many.items()},
    )
