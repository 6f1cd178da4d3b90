"""The languages of documents: gettext catalogues read at start, dates and names by CLDR (L27)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po

from app.documents.blocks import Text, Words

SOURCE: Final = "en"
"""The language of the texts in the source; every other one has catalogues."""

LANGUAGES: Final = ("en", "sv", "fr", "nl")

DOMAINS: Final = ("documents", "policy")
"""What the program says, and what the packaged policy and law say."""

BRUSSELS: Final = ZoneInfo("Europe/Brussels")


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language: how the program says things in it. ``wanted`` is the one that was asked for."""

    code: str
    wanted: str
    _said: Mapping[str, str]
    _named: Mapping[str, str]

    @property
    def fell_back(self) -> bool:
        """Whether there was no document in the language that was asked for."""
        return self.wanted != self.code

    def say(self, text: str, **facts: object) -> str:
        """A text of the program in this language, its facts put in. All texts are translated."""
        said = self._said.get(text, text)
        return said.format(**facts) if facts else said

    def named(self, text: str) -> Words:
        """A text of the policy or of the law; marked as English where it is not translated."""
        if self.code == SOURCE:
            return text
        translated = self._named.get(text) or self._said.get(text)
        return Text(text, SOURCE) if translated is None else translated

    def day(self, day: date) -> str:
        """A date in words, so that no two countries can read it differently."""
        return self._first(str(format_date(day, "d MMMM y", locale=self.code)))

    def moment(self, moment: datetime) -> str:
        """A time as clocks in Brussels show it."""
        there = moment.astimezone(BRUSSELS)
        return self._first(str(format_datetime(there, "d MMM y, HH:mm:ss", locale=self.code)))

    def _first(self, date_: str) -> str:
        """French counts the first day of a month, and no other: `1er mars`; CLDR does not."""
        first = self.code == "fr" and date_.startswith("1 ")
        return f"1er{date_[1:]}" if first else date_

    def country(self, code: str) -> str:
        """A country by its name; the code where CLDR knows none."""
        return str(Locale.parse(self.code).territories.get(code.upper(), code.upper()))

    def language(self, code: str) -> str:
        """A language by its name; the code where CLDR knows none."""
        return str(Locale.parse(self.code).languages.get(code.lower(), code.lower()))

    def listed(self, texts: Iterable[str]) -> str:
        """Texts in a row."""
        return ", ".join(texts)


def language(wanted: str | None) -> Language:
    """The language asked for by its tag (BCP 47), or English when there is none in it."""
    primary = (wanted or SOURCE).strip().lower().replace("_", "-").partition("-")[0]
    return _language(primary if primary in LANGUAGES or known(primary) else SOURCE)


def known(primary: str) -> bool:
    """Whether CLDR knows a language."""
    return primary in Locale.parse(SOURCE).languages


@lru_cache(maxsize=256)
def _language(primary: str) -> Language:
    code = primary if primary in LANGUAGES else SOURCE
    said, named = (_catalogue(domain, code) for domain in DOMAINS)
    return Language(code, primary, said, named)


def marked(text: str) -> str:
    """The text itself, marked for the catalogues: it is said later, in some language."""
    return text


def midnight(day: date) -> int:
    """The beginning of a day in UTC, in Unix seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@cache
def _catalogue(domain: str, code: str) -> Mapping[str, str]:
    """English text -> text, without what is empty or uncertain."""
    if code == SOURCE:
        return MappingProxyType({})
    path = files("app.documents").joinpath("locales", code, "LC_MESSAGES", f"{domain}.po")
    if not path.is_file():
        return MappingProxyType({})
    catalogue = read_po(BytesIO(path.read_bytes()), locale=code)
    return MappingProxyType(
        {
            str(message.id): str(message.string)
            for message in catalogue
            if message.id and message.string and not message.fuzzy
        }
    )
