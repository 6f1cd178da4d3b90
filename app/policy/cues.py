"""Words by which the linter recognises what a sentence is about; one data file a language.

In a file a cue is the beginning of a word, `=word` is the whole word, `~part` stands anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from app.policy.reading import DocumentReader, PolicyInvalid, parse_toml


class LanguageUnknown(LookupError):
    """There is no cue file for the language, so nothing can be said about texts in it."""

    def __init__(self, language: str) -> None:
        self.language = language
        super().__init__(f"no cue file for the language {language}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _CueRow:
    """One named group of cues."""

    key: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """The cue groups of one language, compiled."""

    language: str
    patterns: Mapping[str, re.Pattern[str]]

    def hit(self, group: str, text: str) -> bool:
        """Whether a cue of the group stands in the text."""
        return self.patterns[group].search(text) is not None

    def all_hit(self, groups: tuple[str, ...], text: str) -> bool:
        """Whether every group has a cue in the text."""
        return all(self.hit(group, text) for group in groups)

    def count(self, group: str, text: str) -> int:
        """How many cues of the group stand in the text."""
        return len(self.patterns[group].findall(text))

    def groups_under(self, prefix: str) -> tuple[str, ...]:
        """The names of the groups that begin with the prefix, in the order of the file."""
        return tuple(group for group in self.patterns if group.startswith(prefix))


def load_cues(structure: bytes, language: str) -> Cues:
    """Read a cue file; `PolicyInvalid` when it is none."""
    reader = DocumentReader(parse_toml(structure))
    rows = reader.table("cues", _CueRow)
    reader.finish()
    return Cues(
        language, MappingProxyType({key: _compiled(row.words) for key, row in rows.items()})
    )


@cache
def packaged_cues(language: str) -> Cues:
    """The cue file of a language that comes with the program; `LanguageUnknown` when none does."""
    entry = files("app.policy") / "lint" / f"{language}.toml"
    if not language.isalpha() or not entry.is_file():
        raise LanguageUnknown(language)
    return load_cues(entry.read_bytes(), language)


def _compiled(words: tuple[str, ...]) -> re.Pattern[str]:
    if not words:
        raise PolicyInvalid([])
    return re.compile("|".join(_pattern(word) for word in words), re.IGNORECASE)


def _pattern(word: str) -> str:
    spelled = r"\s+".join(re.escape(part) for part in word.lstrip("=~").split())
    if word.startswith("~"):
        return spelled
    if word.startswith("="):
        return rf"(?<!\w){spelled}(?!\w)"
    return rf"(?<!\w){spelled}"
