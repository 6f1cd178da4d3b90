"""The words by which the linter recognises what a sentence is about: three ways to write one."""

import pytest

from app.policy.cues import Cues, LanguageUnknown, load_cues, packaged_cues
from app.policy.reading import PolicyInvalid

FILE = """
[cues."keep.any"]
words = ["spar", "=lagring", "~behåll", "två ord"]
[cues."keep.document"]
words = ["policy"]
"""


@pytest.fixture(scope="module")
def cues() -> Cues:
    """A small cue file."""
    return load_cues(FILE.encode(), "sv")


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("Vi sparar det", True),
        ("SPARAS", True),
        ("osparad", False),
        ("en lagring.", True),
        ("lagringen", False),
        ("mellanlagring", False),
        ("vidmakthåller", False),
        ("kvarbehållet", True),
        ("två   ord", True),
        ("två\nordet", True),
        ("tvåord", False),
        ("=lagring", True),
        ("en~behåll", True),
    ],
)
def test_a_cue_is_the_beginning_of_a_word_the_whole_word_or_any_part(
    cues: Cues, text: str, hit: bool
) -> None:
    assert cues.hit("keep.any", text) is hit


def test_groups_are_asked_together_and_counted(cues: Cues) -> None:
    both = "Policyn säger att vi sparar och sparar"

    assert cues.all_hit(("keep.any", "keep.document"), both)
    assert not cues.all_hit(("keep.any", "keep.document"), "Vi sparar")
    assert cues.count("keep.any", both) == 2
    assert cues.groups_under("keep.") == ("keep.any", "keep.document")
    assert cues.groups_under("access.") == ()


@pytest.mark.parametrize(
    "file",
    [
        '[cues."keep.any"]\nwords = []\n',
        '[cues."keep.any"]\nwords = ["spar"]\ncolour = 1\n',
        'words = ["spar"]\n[cues."keep.any"]\nwords = ["spar"]\n',
    ],
    ids=["empty", "strange", "stray"],
)
def test_a_file_that_would_find_everything_or_says_more_is_none(file: str) -> None:
    """A group without a word would stand in every text."""
    with pytest.raises(PolicyInvalid):
        load_cues(file.encode(), "sv")


def test_a_language_without_a_file_is_named() -> None:
    for language in ("xx", "s-v", "../lint/sv"):
        with pytest.raises(LanguageUnknown) as refused:
            packaged_cues(language)
        assert refused.value.language == language
        assert str(refused.value) == f"no cue file for the language {language}"
