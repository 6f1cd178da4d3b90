"""Whatever is typed wherever, nothing of it reaches an event, a message or a trace (DESIGN 2.3)."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import settings

from app.domain.decider import Refusal
from app.events.declare import type_of
from app.events.recorded import Record
from app.values import Confidential, Value
from tests.spec import Given, given, registration
from tests.strategies import COMMANDS, HISTORIES, MARKER, REGISTRATIONS, lived

LONG_ENOUGH = 6
"""Shorter values (countries, languages) are words that a policy uses as well."""


def shown_fields(thing: Any) -> dict[str, bool]:
    """The fields of a value, and whether they are printed; none of what is no value of ours."""
    if isinstance(thing, Value):
        hidden = thing.CONFIDENTIAL if isinstance(thing, Confidential) else ()
        return {name: name not in hidden for name in thing.__struct_fields__}
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: field.repr for field in fields(thing)}
    return {}


def personal_values(thing: Any) -> set[str]:
    """Every string in the fields of a command that must not be printed."""
    if isinstance(thing, tuple):
        return {value for one in thing for value in personal_values(one)}
    shown = shown_fields(thing)
    found: set[str] = set()
    for name, is_shown in shown.items():
        value = getattr(thing, name)
        if is_shown:
            found |= personal_values(value)
        elif isinstance(value, str):
            found.add(value)
        else:
            found.update(value.values())
    return {value for value in found if len(value) >= LONG_ENOUGH}


def sealed_values(records: tuple[Record, ...]) -> set[str]:
    """Every value as it is kept."""
    sealed = {v for record in records for one in record.sections for v in one.personal.values()}
    claimed = {one.value for record in records for one in record.claims}
    suppressed = {one.address for record in records for one in record.suppressions}
    return {value for value in sealed | claimed | suppressed if len(value) >= LONG_ENOUGH}


def said(records: tuple[Record, ...]) -> str:
    """Everything of the records that is stored in clear, logged or printed."""
    payloads = [type_of(record.event).payload(record.event) for record in records]
    return (json.dumps(payloads, ensure_ascii=False) + repr(records)).casefold()


def check(person: Given, command: object) -> None:
    """Nothing of the command is said, whether it is carried out or refused."""
    secrets = personal_values(command)
    try:
        records = person.when(command).records
    except Refusal as refusal:
        told = (repr(refusal) + str(refusal) + repr(refusal.facts)).casefold()
        assert MARKER not in told
        assert not [secret for secret in secrets if secret.casefold() in told]
        return
    told = said(records)
    assert MARKER not in told
    for secret in secrets | sealed_values(records):
        assert secret.casefold() not in told
    assert not [secret for secret in secrets if secret.casefold() in repr(command).casefold()]


@pytest.mark.clause("L1", "L10", "C13")
@forall(HISTORIES, COMMANDS)
@settings(max_examples=120, deadline=None)
def test_no_value_of_a_command_is_said_about_a_known_person(
    history: tuple[object, list[object]], command: object
) -> None:
    """Events, reprs and refusals, in any state."""
    check(lived(history), command)


@pytest.mark.clause("L1", "L10")
@forall(REGISTRATIONS)
@settings(max_examples=120, deadline=None)
def test_no_value_of_a_registration_is_said(command: object) -> None:
    check(given(), command)


def test_the_search_finds_what_it_looks_for() -> None:
    """A positive control: the values are there, beside the events."""
    command = registration("event_logistics")
    records = given().when(command).records

    assert "Zoe.Angstrom@Stad.example" in personal_values(command)
    assert "zoe.angstrom@stad.example" in sealed_values(records)
    assert "event_logistics" in said(records)
