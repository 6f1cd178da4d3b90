"""Letters: every kind says what the law wants said, in every language, or is none."""

from datetime import date
from typing import Any

import pytest

from app.documents.blocks import Document, Heading, words_of
from app.documents.languages import LANGUAGES
from app.documents.letters import (
    MANDATORY,
    Kept,
    LetterIncomplete,
    LetterKind,
    compose,
)
from app.documents.plain_text import blocks_of
from tests.documents.cases import AUTHORITY, KEPT, NAME, letter

EMPTY: dict[str, Any] = {
    "reasons": (" ",),
    "questions": (),
    "kept": (),
    "erased": (),
    "recipients": (),
    "uses": (),
    "categories": (),
    "retention": (),
    "changes": (),
    "ground": " ",
    "wording": "",
    "source": "",
}


@pytest.mark.clause("C81", "L27")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_every_kind_is_written_in_every_language(kind: LetterKind, language: str) -> None:
    """Plain text and HTML say the same, with the controller's address (C81)."""
    made = compose(letter(kind), language)

    assert made.language == language
    assert not made.fell_back
    assert "info@impel.eu" in made.text
    assert "Chemin des deux maisons 73" in made.text or "Tweehuizenweg 73" in made.text
    assert NAME in made.text
    assert NAME in made.html
    assert f'<html lang="{language}">' in made.html
    assert NAME not in made.subject
    assert "{" not in made.text


@pytest.mark.clause("L25", "C71")
@pytest.mark.parametrize(
    ("kind", "part"), [(kind, part) for kind, parts in MANDATORY.items() for part in parts]
)
def test_a_letter_without_a_mandatory_part_is_refused_and_the_part_is_named(
    kind: LetterKind, part: str
) -> None:
    with pytest.raises(LetterIncomplete) as refused:
        compose(letter(kind, **{part: EMPTY.get(part)}), "en")

    assert refused.value.facts == {"kind": kind.value, "part": part}


@pytest.mark.clause("L25")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "kind",
    [
        LetterKind.REFUSAL,
        LetterKind.PARTLY_FULFILLED,
        LetterKind.CANNOT_IDENTIFY,
        LetterKind.OVERDUE,
    ],
)
def test_a_refusal_names_authority_and_court_whoever_writes_it(
    kind: LetterKind, language: str
) -> None:
    """Art. 12(4): reasons, complaint and judicial remedy; the last two cannot be left out."""
    text = compose(letter(kind), language).text

    for line in ("APD/GBA", "contact@apd-gba.be"):
        assert line in text
    assert "77" in text
    assert "79" in text


@pytest.mark.clause("L25")
def test_a_refusal_without_an_authority_is_no_letter() -> None:
    nobody = type(AUTHORITY)(name=" ", address=(), email="", url="", source="")

    with pytest.raises(LetterIncomplete) as refused:
        compose(letter(LetterKind.REFUSAL, authority=nobody), "sv")

    assert refused.value.facts["part"] == "authority"


@pytest.mark.clause("C71", "C66", "L37")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_partial_erasure_names_norm_and_end_of_each_thing_kept(language: str) -> None:
    text = compose(letter(LetterKind.PARTLY_FULFILLED), language).text

    assert "315" in text
    assert "2036" in text
    assert "17" in text


@pytest.mark.clause("C71")
@pytest.mark.parametrize(
    ("kept", "part"),
    [
        (Kept(title="x", ground="Art. 17(3)(b)", norm=" ", until=date(2030, 1, 1)), "kept.norm"),
        (Kept(title="x", ground=" ", norm="CIR 92", until=date(2030, 1, 1)), "kept.norm"),
        (Kept(title="x", ground="Art. 17(3)(b)", norm="CIR 92"), "kept.until"),
    ],
)
def test_nothing_is_kept_without_ground_norm_and_end(kept: Kept, part: str) -> None:
    with pytest.raises(LetterIncomplete) as refused:
        compose(letter(LetterKind.PARTLY_FULFILLED, kept=(KEPT, kept)), "en")

    assert refused.value.facts["part"] == part


@pytest.mark.clause("C71", "L25")
@pytest.mark.parametrize("missing", ["reasons", "ground"])
def test_another_right_fulfilled_in_part_has_reasons_and_ground(missing: str) -> None:
    facts: dict[str, Any] = {"right": "access", "kept": (), missing: EMPTY[missing]}

    with pytest.raises(LetterIncomplete) as refused:
        compose(letter(LetterKind.PARTLY_FULFILLED, **facts), "en")

    assert refused.value.facts["part"] == missing


@pytest.mark.clause("L27")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_a_text_that_came_back_is_typeset_with_every_word_of_it(
    kind: LetterKind, language: str
) -> None:
    """Its headings are headings again, and nothing else is lost but the rules under them."""
    made = compose(letter(kind), language)
    text, blocks = made.text, tuple(blocks_of(made.text))
    again = Document(language=language, title=made.subject, blocks=blocks)

    words = " ".join(words_of(again)).split()
    assert {word for word in text.split() if word.strip("=-")} <= set(words)
    headings = [one.text for one in blocks if isinstance(one, Heading)]
    ruled = [line for line in text.splitlines() if line and set(line) == {"-"}]
    assert len(headings) == len(ruled)
