"""A person's state is composed of the concerns, and each command and event finds its own."""

from datetime import timedelta
from typing import Any

import pytest

import app.events
from app.domain import subject
from app.domain.collections import CollectData
from app.domain.consultations import RecordConsultation
from app.domain.erasures import ERASURES
from app.domain.obtaining import Obtained
from app.domain.relationships import StartRelationship
from app.domain.subject import CONCERNS, SUBJECT, InTurn, SubjectState, evolve, fold
from app.domain.subjects import SubjectErased, SubjectUnknown
from app.domain.suppressions import Unsubscribe
from app.events.erasures import ErasureExecuted, ErasureRequested, ErasureStep, ErasureTrigger
from tests.spec import NOW, OCCASION, At, circumstances, given, registration, stored

PERSON = registration("newsletter")
MEMBER = StartRelationship(kind="member")
ERASED = (
    ErasureRequested(
        erasure=OCCASION,
        trigger=ErasureTrigger.REQUEST,
        purposes=(),
        categories=(),
        source="self_service",
    ),
    ErasureExecuted(
        erasure=OCCASION,
        step=ErasureStep.SUBJECT,
        purposes=(),
        categories=(),
        retained=(),
        keys=(),
        classes=(),
        blobs=0,
        identifiers=True,
        root="a" * 64,
    ),
)


def test_nobody_is_the_initial_state() -> None:
    state = SUBJECT.initial

    assert (state.version, state.content_version) == (0, 0)
    assert (state.leaf_hash, state.last_at) == (None, None)
    assert (state.registered, state.child, state.erased) == (False, False, False)


def test_every_concern_has_its_field_and_its_initial_value() -> None:
    names = [concern.name for concern in CONCERNS]

    assert len(set(names)) == len(names)
    assert set(names) < set(SubjectState.__struct_fields__)
    assert {name: getattr(SUBJECT.initial, name) for name in names} == {
        concern.name: concern.initial for concern in CONCERNS
    }


def test_every_command_belongs_to_one_concern() -> None:
    commands = [command for concern in CONCERNS for command in concern.commands]
    assert len(set(commands)) == len(commands)


def test_every_folded_event_is_declared() -> None:
    declared = {kind.cls for kind in app.events.EVENT_TYPES.values()}
    assert {event for concern in CONCERNS for event in concern.folds} <= declared


def test_the_envelope_of_the_last_event_is_kept() -> None:
    first = given(At(NOW, PERSON)).state
    after = given(At(NOW, PERSON), At(NOW + timedelta(seconds=1), MEMBER)).state

    assert (first.version, after.version, after.content_version) == (3, 4, 4)
    assert after.leaf_hash == (4).to_bytes(32)
    assert after.last_at == NOW + timedelta(seconds=1)


def test_only_the_slices_concerned_are_replaced() -> None:
    before = given(PERSON).state
    after = given(PERSON, MEMBER).state

    assert before.relationships != after.relationships
    assert before.collections == after.collections
    recorded = stored(given(PERSON).when(MEMBER).records[0], 4)
    assert evolve(before, recorded).collections is before.collections


def test_folding_at_once_is_folding_one_by_one() -> None:
    records = given().when(PERSON).records
    stream = [stored(record, version) for version, record in enumerate(records, 1)]
    state = SUBJECT.initial
    for recorded in stream:
        state = evolve(state, recorded)

    assert fold(SUBJECT.initial, stream) == state
    assert fold(state, ()) is state


@pytest.mark.clause("L41")
@pytest.mark.parametrize(
    "command",
    [
        MEMBER,
        RecordConsultation(purpose="newsletter", categories=frozenset({"contact.email"})),
        CollectData(
            obtained=Obtained(purpose="newsletter", personal={"contact.name": "Z"}),
            source="self_service",
        ),
    ],
    ids=lambda command: type(command).__name__,
)
def test_an_erased_person_is_gone(command: object) -> None:
    person = given(PERSON, *ERASED)
    assert person.state.erased
    person.when(command).then_refused(SubjectErased)


@pytest.mark.clause("L41")
@pytest.mark.parametrize("kind", ERASURES.commands, ids=lambda kind: kind.__name__)
def test_the_erasure_itself_goes_on_after_the_person_is_gone(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Art. 19: the recipients are told, and the case is closed."""
    reached: list[object] = []

    def reach(command: object, *_: object) -> tuple[()]:
        reached.append(command)
        return ()

    monkeypatch.setitem(subject._DECIDE, kind, reach)
    command = object.__new__(kind)

    assert SUBJECT.decide(command, given(PERSON, *ERASED).state, circumstances()) == ()
    assert reached == [command]


def test_a_command_about_nobody_is_refused() -> None:
    given().when(MEMBER).then_refused(SubjectUnknown)


LEAVE = Unsubscribe(purpose="newsletter", source="mailchimp")
OTHER = Unsubscribe(purpose="information", source="mailchimp")


def test_commands_in_turn_are_each_decided_on_what_the_one_before_made() -> None:
    alone = given(PERSON).when(LEAVE).records

    assert alone
    assert given(PERSON).when(InTurn((LEAVE, OTHER, LEAVE))).records == (
        *alone,
        *given(PERSON).when(OTHER).records,
    )


def test_commands_in_turn_are_all_refused_with_one_of_them() -> None:
    given(PERSON, *ERASED).when(InTurn((LEAVE, OTHER))).then_refused(SubjectErased)
    given().when(InTurn((LEAVE, PERSON))).then_refused(SubjectUnknown)
