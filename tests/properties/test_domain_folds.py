"""What holds in every state: repeating changes nothing, and folding is exact."""

import json
from functools import reduce

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from app.domain import holdings
from app.domain.decider import Refusal
from app.domain.subject import evolve
from app.domain.subject import fold as fold_stream
from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.declare import type_of
from app.events.erasures import ErasureExecuted, ErasureStep
from app.events.files import FileReferenced
from app.events.recorded import Record
from tests.spec import POLICY, Given, fold, stored
from tests.strategies import COMMANDS, HISTORIES, REPEATABLE, lived

History = tuple[object, list[object]]


def decided(person: Given, command: object) -> tuple[Record, ...]:
    """The records of a command; none when it is refused."""
    try:
        return person.when(command).records
    except Refusal:
        return ()


@forall(HISTORIES, REPEATABLE)
@settings(max_examples=60, deadline=None)
def test_the_same_command_twice_records_at_most_once(history: History, command: object) -> None:
    person = lived(history)
    now = person.circumstances.now
    again = Given(fold(person.state, decided(person, command), now), person.circumstances)

    assert decided(again, command) == ()


@forall(HISTORIES, COMMANDS)
@settings(max_examples=60, deadline=None)
def test_every_event_is_read_back_as_it_was_decided(history: History, command: object) -> None:
    for record in decided(lived(history), command):
        kind = type_of(record.event)
        written = json.dumps(kind.payload(record.event), sort_keys=True)
        assert kind.event(json.loads(written)) == record.event


@forall(HISTORIES, COMMANDS)
@settings(max_examples=60, deadline=None)
def test_a_stream_can_be_folded_in_any_cuts(history: History, command: object) -> None:
    person = lived(history)
    records = decided(person, command)
    first = person.state.version + 1
    stream = [stored(record, version) for version, record in enumerate(records, first)]
    at_once = fold_stream(person.state, stream)

    assert reduce(evolve, stream, person.state) == at_once
    assert at_once.version == person.state.version + len(records)
    said = [
        recorded.version
        for recorded in stream
        if not isinstance(recorded.event, ConsultationRecorded | ConsultationRefused)
    ]
    assert at_once.content_version == max([person.state.content_version, *said])


@pytest.mark.clause("L2", "L4", "C24", "C28")
@forall(HISTORIES, COMMANDS)
@settings(max_examples=80, deadline=None)
def test_no_datum_is_held_without_a_purpose_that_allows_it_a_basis_and_a_class(
    history: History, command: object
) -> None:
    """Art. 5(1)(b), Art. 6(1): property of every collection and of every state."""
    person = lived(history)
    records = decided(person, command)
    for record in records:
        if isinstance(record.event, DataCollected):
            purpose = POLICY.purpose(record.event.purpose)
            assert purpose is not None
            assert purpose.categories.issuperset(record.event.held)
            assert record.event.basis is purpose.legal_basis
            assert set(record.event.held.values()) <= set(POLICY.retention_classes)
    state = fold(person.state, records, person.circumstances.now)
    for category, purpose_key, _ in state.collections.held:
        purpose = POLICY.purpose(purpose_key)
        assert purpose is not None
        assert category in purpose.categories


@forall(HISTORIES, COMMANDS)
@settings(max_examples=60, deadline=None)
def test_one_event_has_one_section_for_each_class_that_it_names(
    history: History, command: object
) -> None:
    for record in decided(lived(history), command):
        sealed = [section.retention_class for section in record.sections]
        assert len(set(sealed)) == len(sealed)
        match record.event:
            case DataCollected() | DataRectified() | DataCompleted():
                assert set(sealed) == set(record.event.held.values())
                assert {one.retention_class: one.generation for one in record.sections} == dict(
                    record.event.generations
                )
            case FileReferenced():
                assert sealed == [record.event.retention_class]


@pytest.mark.clause("L37", "C66")
@forall(HISTORIES, st.data())
@settings(max_examples=60, deadline=None)
def test_exactly_what_hangs_on_a_destroyed_key_is_gone(
    history: History, data: st.DataObject
) -> None:
    collections = lived(history).state.collections
    every = {one.key_id for slot in collections.held.values() for one in slot.history()}
    keys = frozenset(data.draw(st.sets(st.sampled_from(sorted(filter(None, every), key=str)))))
    executed = ErasureExecuted(
        erasure=next(iter(keys), next(iter(filter(None, every)))),
        step=ErasureStep.CLOSING,
        purposes=(),
        categories=(),
        retained=(),
        keys=tuple(keys),
        classes=(),
        blobs=0,
        identifiers=False,
        root="a" * 64,
    )
    left = holdings.evolve(collections, stored(Record(executed), 99))

    def places(held: holdings.Collections) -> set[tuple[int, str, str]]:
        return {
            (one.version, one.category, one.purpose)
            for slot in held.held.values()
            for one in slot.history()
            if one.key_id not in keys
        }

    assert places(left) == places(collections)
    assert all(one.key_id not in keys for slot in left.held.values() for one in slot.history())
    assert {slot: one.version for slot, one in left.held.items() if one.superseded_at is None} == {
        slot: one.version
        for slot, one in collections.held.items()
        if one.superseded_at is None and one.key_id not in keys
    }
