"""Filters by words of the policy or of the law: whoever uses another is told which there are.

A word that nobody knows would be answered with an empty list, which reads as an answer. The words
of every version count that was ever published: what was recorded under an old one is found by it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from app.api.bodies import WordField
from app.policy.law import EEA_GROUND, Law
from app.policy.model import Policy
from app.store.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class WordsOf:
    """Stands at a member of a query: the words that it may be, of one version of the policy."""

    known: Callable[[Policy, Law], Iterable[str]]


PurposeWord: TypeAlias = Annotated[
    WordField | None,
    WordsOf(lambda policy, _: (*policy.purposes, *policy.uses, *policy.statutory)),
]
RecipientWord: TypeAlias = Annotated[WordField | None, WordsOf(lambda policy, _: policy.recipients)]
SourceWord: TypeAlias = Annotated[WordField | None, WordsOf(lambda policy, _: policy.sources)]
CategoryWord: TypeAlias = Annotated[WordField | None, WordsOf(lambda policy, _: policy.categories)]
RetentionClassWord: TypeAlias = Annotated[
    WordField | None, WordsOf(lambda policy, _: policy.retention_classes)
]
ActivityWord: TypeAlias = Annotated[WordField | None, WordsOf(lambda policy, _: policy.activities)]
RelationshipWord: TypeAlias = Annotated[
    WordField | None, WordsOf(lambda policy, _: policy.relationships)
]
PolicyWord: TypeAlias = Annotated[WordField | None, WordsOf(lambda policy, _: (policy.version,))]
MechanismWord: TypeAlias = Annotated[
    WordField | None, WordsOf(lambda _, law: (EEA_GROUND, *law.mechanisms))
]


async def check_words(asked: BaseModel, rulebook: Rulebook) -> None:
    """RequestValidationError when a filter is a word that no version of the policy knows."""
    for name, member in type(asked).model_fields.items():
        word = getattr(asked, name)
        for words in member.metadata:
            if isinstance(words, WordsOf) and word is not None:
                await _check(name, word, words, rulebook)


async def _check(name: str, word: str, words: WordsOf, rulebook: Rulebook) -> None:
    rules = await rulebook.current()
    known = set(words.known(rules.policy, rules.law))
    if word in known:
        return
    # Hardly ever: an older version is read from the archive.
    for version in (await rulebook.refresh_control()).policies:
        known.update(words.known(await rulebook.policy(version), rules.law))
    if word not in known:
        raise RequestValidationError([_unknown(name, known)])


def _unknown(name: str, known: Iterable[str]) -> dict[str, object]:
    """As Pydantic tells of a word that is none of a closed list."""
    expected = ", ".join(f"'{one}'" for one in sorted(known))
    return {"type": "enum", "loc": ("query", name), "ctx": {"expected": expected}}
