"""Text values: what is kept exactly, what is brought to one form, and what is refused."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.text_values import (
    Flaw,
    ValueInvalid,
    normalise_line,
    normalise_text,
)

ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates and unassigned ones included
NOT_ASSIGNABLE = ["\ufdd0", "\ufffe", "\U0001ffff"]


def line(value: str) -> str:
    return normalise_line(value, category="work.title")


def text(value: str) -> str:
    return normalise_text(value, category="correspondence.free-text")


@pytest.mark.clause("C9")
@pytest.mark.parametrize(
    "value",
    [
        "Förbundsjurist",
        "Υπεύθυνη έργου",
        "Началник отдел",
        "Ștefan Țăranu",
        "Đurđica 't Hart-O'Neill",
    ],
)
def test_diacritics_and_every_script_are_kept(value: str) -> None:
    assert line(value) == value


@pytest.mark.clause("C9")
def test_a_decomposed_letter_becomes_the_composed_one() -> None:
    assert line("Go\u0308ran A\u030akesson") == "Göran Åkesson"


@pytest.mark.clause("C9")
def test_the_length_is_capped_in_composed_characters() -> None:
    assert line("o\u0308" * 200) == "ö" * 200

    with pytest.raises(ValueInvalid) as refused:
        line("ö" * 201)

    assert refused.value.facts == {"category": "work.title", "reason": "too-long"}


@pytest.mark.clause("C9")
def test_a_category_may_set_a_shorter_length() -> None:
    assert normalise_line("Ek", category="contact.name", length_max=2) == "Ek"

    with pytest.raises(ValueInvalid):
        normalise_line("Eka", category="contact.name", length_max=2)


def test_running_text_has_a_cap_of_its_own() -> None:
    assert text("a" * 4000) == "a" * 4000

    with pytest.raises(ValueInvalid) as refused:
        text("a" * 4001)

    assert refused.value.facts["reason"] == Flaw.TOO_LONG


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        ("", Flaw.EMPTY),
        (" \t\n ", Flaw.EMPTY),
        ("Anna\x00", Flaw.CONTROL_CHARACTER),
        ("Anna\x1b[31m", Flaw.CONTROL_CHARACTER),
        ("Anna\x7fLind", Flaw.CONTROL_CHARACTER),
        ("Anna\x85Lind", Flaw.CONTROL_CHARACTER),
        ("Anna\nLind", Flaw.CONTROL_CHARACTER),
        ("Anna\u2028Lind", Flaw.CONTROL_CHARACTER),
        ("Anna\u202edniL", Flaw.CONTROL_CHARACTER),
        ("Anna\u2066Lind", Flaw.CONTROL_CHARACTER),
        *((f"Anna{character}", Flaw.CONTROL_CHARACTER) for character in NOT_ASSIGNABLE),
        ("Anna\ud800Lind", Flaw.LONE_SURROGATE),
        ("\udfff", Flaw.LONE_SURROGATE),
    ],
)
def test_a_line_that_no_store_can_hold_is_refused(value: str, flaw: Flaw) -> None:
    with pytest.raises(ValueInvalid) as refused:
        line(value)

    assert refused.value.facts == {"category": "work.title", "reason": flaw.value}


@pytest.mark.parametrize("value", ["a\x00b", "a\x08b", "a\x1bb", "a\u202eb", "a\ufffeb", "a\ud800"])
def test_running_text_refuses_the_same_but_for_line_breaks_and_tabs(value: str) -> None:
    with pytest.raises(ValueInvalid):
        text(value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_break_becomes_one(end: str) -> None:
    assert text(f"Ja,\ttack.{end}Åsa") == "Ja,\ttack.\nÅsa"


@given(ANY_TEXT)
def test_a_value_is_normalised_once_and_for_all_or_refused(value: str) -> None:
    for normalise in (line, text):
        try:
            once = normalise(value)
        except ValueInvalid:
            continue

        assert normalise(once) == once
        assert unicodedata.is_normalized("NFC", once)
        assert once.encode().decode() == once


@given(st.text(min_size=8, max_size=40).map(lambda value: f"{value}\x00"))
def test_a_refusal_says_nothing_of_the_value(value: str) -> None:
    """It holds the category and a word of a closed list, and chains no other exception."""
    with pytest.raises(ValueInvalid) as refused:
        line(value)

    assert set(refused.value.facts) == {"category", "reason"}
    assert str(refused.value) == "value-invalid"
    assert refused.value.__context__ is None
