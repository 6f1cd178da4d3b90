"""The sentences that people agree to: the newest of its day, in their language, by its hash."""

import hashlib
from datetime import date, timedelta

import pytest

from app.policy.wordings import ConsentWording, wording_of, wording_shown

DAY = date(2026, 11, 22)
LANGUAGES = ("en", "sv", "fr", "nl")


def shown(language: str, purpose: str = "newsletter", on: date = DAY) -> ConsentWording:
    """The sentence, where there must be one."""
    found = wording_shown(purpose, language, on)
    assert found is not None
    return found


@pytest.mark.clause("L12", "L15")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_is_shown_in_the_persons_language_and_tells_how_to_end_it(
    language: str,
) -> None:
    """Art. 7(3): that a consent can be taken back is said before it is given."""
    sentence = shown(language)

    assert (sentence.purpose, sentence.language) == ("newsletter", language)
    assert "IMPEL" in sentence.text
    assert "info@impel.eu" in sentence.text
    assert len({shown(one).text for one in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.clause("L12")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_consent_finds_its_sentence_by_the_hash_of_its_bytes(language: str) -> None:
    """Letters beyond ASCII are hashed as they are written in UTF-8."""
    sentence = shown(language)
    digest = hashlib.sha256(sentence.text.encode("utf-8")).hexdigest()

    assert sentence.digest == digest
    assert wording_of(digest) == sentence
    assert wording_of("00" * 32) is None


@pytest.mark.clause("L12")
def test_letters_beyond_ascii_are_shown_as_they_are_written() -> None:
    assert "när som helst" in shown("sv").text
    assert "à tout moment" in shown("fr").text


@pytest.mark.clause("L12")
def test_no_sentence_is_shown_before_its_day_or_for_another_purpose_or_language() -> None:
    assert shown("sv", on=DAY + timedelta(days=400)) == shown("sv")
    assert wording_shown("newsletter", "sv", DAY - timedelta(days=1)) is None
    assert wording_shown("newsletter", "fi", DAY) is None
    assert wording_shown("event_logistics", "sv", DAY) is None
