"""DESIGN decision 3: an event holds no personal data, not even encrypted, so no free string."""

import types
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

import app.events  # noqa: F401  # declares every event type
from app.events import declare
from app.identifiers import Digest, Word

CLOSED = (bool, int, UUID, date, datetime, type(None))
WORDS = (get_args(Word), get_args(Digest))


def closed(hint: Any) -> bool:
    """Whether a type can hold words of closed lists, ids, dates and numbers only."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return inner in WORDS
    if origin in (Union, types.UnionType, tuple):
        return all(one is Ellipsis or closed(one) for one in inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return all(closed(one) for one in inner)
    return hint in CLOSED or (isinstance(hint, type) and issubclass(hint, StrEnum))


def declared() -> list[tuple[str, str, Any]]:
    """Every field of every event type."""
    return [
        (kind.name, field, get_type_hints(kind.cls, include_extras=True)[field])
        for kind in declare.registry().values()
        for field in kind.cls.__struct_fields__
    ]


def test_there_are_events_to_look_at() -> None:
    assert len(declare.registry()) > 20
    assert len(declared()) > 40


def test_no_field_of_an_event_can_hold_free_text() -> None:
    assert [f"{event}.{field}" for event, field, hint in declared() if not closed(hint)] == []


@pytest.mark.parametrize("hint", [str, bytes, float, object, list[str], str | None, dict[str, str]])
def test_a_field_that_could_hold_free_text_is_refused_at_import(hint: Any) -> None:
    before = dict(declare.registry())
    bad = type("Bad", (), {"__annotations__": {"words": hint}, "__module__": __name__})

    assert not closed(hint)
    with pytest.raises(declare.NotClosedVocabulary):
        declare.event("house.tested", version=1)(bad)
    assert dict(declare.registry()) == before


@pytest.mark.parametrize("name", sorted(kind.name for kind in declare.registry().values()))
def test_a_wire_name_is_a_noun_and_a_past_participle(name: str) -> None:
    noun, _, participle = name.partition(".")
    irregular = ("shown", "held", "met", "told", "sent", "kept", "made", "set")

    assert noun
    assert participle.endswith(("ed", "en", "awn")) or participle.rpartition("-")[2] in irregular
