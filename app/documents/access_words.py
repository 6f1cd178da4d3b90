"""How single values of an access report are read aloud in a language: names, days, states."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from app.documents.blocks import Block, Table, Text, Words
from app.documents.fact_words import FIELDS, VALUES
from app.documents.languages import SOURCE, Language
from app.documents.provisions import provision
from app.documents.vocabulary import BASES, WORDS
from app.policy.vocabulary import LegalBasis

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

_EXEMPTION: Final = re.compile(r"art_17_3_([a-e])")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads JSON values of a report in one language."""

    spoken: Language
    names: Mapping[str, str] = field(default_factory=dict)
    """Key -> name of everything that the report names."""

    def say(self, text: str, **facts: object) -> str:
        """A text of the program."""
        return self.spoken.say(text, **facts)

    def title(self, named: Value | None) -> Words:
        """The name of a thing of the policy; marked where it is English for want of another."""
        return "" if named is None else self.named(named, "title")

    def named(self, value: Value, member: str) -> Words:
        """A text of the policy, which the report has in its language already."""
        text = value.get(member) or ""
        return Text(text, SOURCE) if member in value.get("untranslated", ()) else text

    def titles(self, named: Iterable[Value]) -> str:
        """Names in a row, in words if there are none."""
        found = [one["title"] for one in named]
        return ", ".join(found) if found else self.spoken.say("none")

    def basis(self, basis: Value | None) -> str:
        """A legal ground with its provision."""
        if basis is None:
            return ""
        told = self.spoken.say(BASES[LegalBasis(basis["key"])])
        return f"{told}, {self.provision(basis['article'])}"

    def provision(self, text: str | None) -> str:
        """A provision as the language quotes it."""
        return "" if text is None else provision(text, self.spoken)

    def word(self, word: str | None) -> str:
        """A word of a closed list; as it is where it has no other."""
        if word is None:
            return ""
        said = WORDS.get(word) or BASES.get(word)
        return word if said is None else self.spoken.say(said)

    def called(self, key: str) -> str:
        """A thing of the policy by its key alone."""
        return self.names.get(key, key)

    def moment(self, text: str | None) -> str:
        """A time as clocks in Brussels show it."""
        return "" if text is None else self.spoken.moment(datetime.fromisoformat(text))

    def day(self, text: str | None) -> str:
        """A date in words."""
        return "" if text is None else self.spoken.day(date.fromisoformat(text))

    def country(self, code: str | None) -> str:
        """A country by its name."""
        return "" if code is None else self.spoken.country(code)

    def scope(self, one: Value) -> str:
        """What an objection or a restriction is about."""
        about = one["about"]
        named = [self.titles([about[key]]) for key in ("purpose", "recipient") if about[key]]
        if about["categories"]:
            named.append(self.titles(about["categories"]))
        return ", ".join(named) or self.spoken.say("everything")

    def role(self, role: str) -> str:
        """What a recipient is towards the controller."""
        return self._fact("role", role)

    def facts(self, facts: Value) -> str:
        """What an entry holds beside its type, one line a member; empty members are left out."""
        lost = facts.get("cause") == "key_lost"
        return "\n".join(
            # Nothing was kept until a day there: it is the one on which the loss was found.
            self.say("known since {day}", day=self.day(value))
            if lost and key == "until"
            else f"{self._field(key)}: {self._fact(key, value)}"
            for key, value in facts.items()
            if value not in (None, [], {}, "")
        )

    def _field(self, key: str) -> str:
        return self.spoken.say(FIELDS[key]) if key in FIELDS else key

    def _fact(self, key: str, value: Any) -> str:  # Any: a JSON value
        match value:
            case bool():
                return self.spoken.say("yes") if value else self.spoken.say("no")
            case list():
                return ", ".join(self._fact(key, one) for one in value)
            case dict():
                return ", ".join(
                    f"{self.called(name)}: {self._fact(key, one)}" for name, one in value.items()
                )
            case str():
                return self._text(key, value)
            case _:
                return str(value)

    def _text(self, key: str, value: str) -> str:
        """A text as the fact that it is a value of wants it read."""
        if key in VALUES and value in VALUES[key]:
            return self.spoken.say(VALUES[key][value])
        if key == "language":
            return self.spoken.language(value)
        if key == "country":
            return self.spoken.country(value)
        if found := _EXEMPTION.fullmatch(value):
            return self.provision(f"Art. 17(3)({found[1]})")
        if _DAY.fullmatch(value):
            return self.day(value)
        if _MOMENT.fullmatch(value):
            return self.moment(value)
        return self.names.get(value) or self.word(value)


def names_in(report: Value) -> dict[str, str]:
    """Key -> name, from every place of a report that has both."""
    return dict(_named(report))


def _named(value: Any) -> Iterator[tuple[str, str]]:  # Any: a JSON value
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, dict):
        key = value.get("key") or value.get("retention_class") or value.get("kind")
        if isinstance(key, str) and isinstance(value.get("title"), str):
            yield key, value["title"]
        for one in value.values():
            if isinstance(one, dict | list):
                yield from _named(one)


def add(blocks: list[Block], table: Table) -> None:
    """A table without rows says nothing."""
    if table.rows:
        blocks.append(table)
