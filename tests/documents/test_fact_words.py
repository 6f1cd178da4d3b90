"""What an event holds is told in words, each under the fact that it is a value of (L27, L31)."""

import typing
from enum import Enum
from typing import Any

import msgspec
import pytest

from app.documents.access_words import Reader
from app.documents.fact_words import FIELDS, VALUES
from app.documents.languages import language
from app.documents.vocabulary import BASES, WORDS
from app.domain import subject
from app.domain.erasure_progress import Stage
from app.domain.objections import Status
from app.events.declare import registry
from app.events.erasures import ExemptionGround
from app.events.restrictions import RestrictionGround

OF_PEOPLE = {kind for concern in subject.CONCERNS for kind in concern.folds}
CLASSES = [kind.cls for kind in registry().values() if kind.cls in OF_PEOPLE]


def words_of(hint: Any) -> set[str]:
    """The values of every closed list within a type."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return set() if hint is ExemptionGround else {member.value for member in hint}
    return {word for one in typing.get_args(hint) for word in words_of(one)}


@pytest.mark.clause("L27", "L31")
def test_every_fact_of_a_person_s_event_has_a_name() -> None:
    named = {field.name for kind in CLASSES for field in msgspec.structs.fields(kind)}

    assert len(CLASSES) > 50
    assert named - FIELDS.keys() == set()


@pytest.mark.clause("L27", "L31")
def test_every_word_of_a_closed_list_is_told_in_words() -> None:
    untold = {
        (name, word)
        for kind in CLASSES
        for name, hint in typing.get_type_hints(kind).items()
        for word in words_of(hint)
        if not (name in VALUES and word in VALUES[name]) and word not in {*WORDS, *BASES}
    }

    assert untold == set()


@pytest.mark.clause("L27", "L31")
@pytest.mark.parametrize("states", [RestrictionGround, Status, Stage])
def test_every_state_that_a_report_shows_is_told_in_words(states: type[Enum]) -> None:
    """The tables of a report have no fact of an event to go by, only the word."""
    assert {member.value for member in states} - WORDS.keys() == set()


@pytest.mark.clause("L31", "L33")
@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"right": "objection"}, "rättighet: invändning"),
        ({"ground": "objection"}, "grund: en invändning prövas"),
        ({"step": "subject"}, "steg: personens uppgifter"),
        ({"origin": "subject"}, "ursprung: dig"),
        ({"due_on": "2026-12-24"}, "senast den: 24 december 2026"),
        ({"since": "2026-11-22T22:30:00.000000Z"}, "sedan: 22 nov. 2026, 23:30:00"),
        ({"country": "us"}, "land: USA"),
        ({"language": "nl"}, "språk: nederländska"),
        ({"grounds": {"accounting": "art_17_3_b"}}, "grunder: accounting: artikel 17.3 b"),
        ({"generation": "membership"}, "tiden löper med: ditt deltagande"),
        ({"trigger": "person"}, "utlöst av: du själv"),
        ({"permanent": True, "code": None}, "för gott: ja"),
    ],
)
def test_a_fact_is_read_as_what_it_is(facts: dict[str, Any], told: str) -> None:
    assert Reader(language("sv")).facts(facts) == told


@pytest.mark.clause("L32")
@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("controller", "decides by itself"),
        ("processor", "works for us"),
        ("public", "everybody"),
        ("own", "our own system"),
    ],
)
def test_a_recipient_that_is_a_controller_is_not_ourselves(role: str, told: str) -> None:
    assert Reader(language("en")).role(role) == told
