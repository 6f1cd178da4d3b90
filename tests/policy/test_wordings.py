"""The sentences that people agree to: the newest of its day, in their language, by its hash."""

import hashlib
from datetime import date, timedelta

import pytest

from app.policy.loader import load, load_packaged, packaged_structure
from app.policy.model import Policy
from app.policy.reading import PolicyInvalid
from app.policy.records import ConsentWording
from app.policy.wordings import wording_of, wording_shown, wordings

DAY = date(2026, 11, 22)
LANGUAGES = ("en", "sv", "fr", "nl")


IMPEL = load_packaged("impel-1")


def shown(language: str, on: date = DAY, policy: Policy = IMPEL) -> ConsentWording:
    """The sentence, where there must be one."""
    found = wording_shown(policy, language, on)
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
    assert wording_of(IMPEL, digest) == sentence
    assert wording_of(IMPEL, "00" * 32) is None


@pytest.mark.clause("L12")
def test_letters_beyond_ascii_are_shown_as_they_are_written() -> None:
    assert "när som helst" in shown("sv").text
    assert "à tout moment" in shown("fr").text


@pytest.mark.clause("L12")
def test_no_sentence_is_shown_before_its_day_or_in_another_language() -> None:
    assert shown("sv", on=DAY + timedelta(days=400)) == shown("sv")
    assert wording_shown(IMPEL, "sv", DAY - timedelta(days=1)) is None
    assert wording_shown(IMPEL, "fi", DAY) is None


OWN = """
[[wordings]]
purpose = "{purpose}"
language = "nl"
since = 2026-01-01
text = "Ja, stuur mij de brief. Stoppen kan altijd."
"""


def another(*purposes: str, sign_up: str = "sign_up") -> Policy:
    """A policy of another controller, with sentences of its own."""
    structure = packaged_structure("impel-1").decode()
    structure = structure.replace('name = "IMPEL"', 'name = "A choir"')
    structure = structure.replace("[statutory.sign_up]", f"[statutory.{sign_up}]")
    return load((structure + "".join(OWN.format(purpose=one) for one in purposes)).encode())


@pytest.mark.clause("L12", "C82")
def test_another_controller_shows_its_own_sentences_and_nobody_elses() -> None:
    own = another("newsletter")

    assert [one.text for one in wordings(own)] == ["Ja, stuur mij de brief. Stoppen kan altijd."]
    assert wording_of(own, shown("nl").digest) is None
    assert wording_of(own, shown("nl", policy=own).digest) == own.wordings[0]
    assert wordings(another()) == ()


@pytest.mark.clause("L12", "L16", "C82")
@pytest.mark.parametrize(
    ("purposes", "said"),
    [
        (("nothing",), "names nothing, which does not exist"),
        (("accounting",), "names accounting, which does not exist"),
        (("network_exchange",), "ask for network_exchange, no mailing on consent"),
        (("newsletter", "event_security"), "are for more than one purpose"),
        (("event_security",), "ask for event_security, no mailing on consent"),
        (("event_security",), "event_security has not the category contact.email"),
    ],
)
def test_sentences_that_nobody_could_agree_to_are_faults(
    purposes: tuple[str, ...], said: str
) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        another(*purposes)

    assert said in [fault.what for fault in refused.value.faults]


@pytest.mark.clause("C82")
def test_who_signs_up_must_be_asked_whether_it_was_meant() -> None:
    with pytest.raises(PolicyInvalid) as refused:
        another("newsletter", sign_up="joining")

    assert "names sign_up, which does not exist" in [one.what for one in refused.value.faults]
