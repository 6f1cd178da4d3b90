"""The sentences that people agree to, by purpose and language, and by their hash (Art. 7)."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class ConsentWording:
    """One sentence as it is shown."""

    purpose: str
    language: str
    since: date
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of its UTF-8 bytes, in hex: by this a consent names it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def wording_shown(purpose: str, language: str, on: date) -> ConsentWording | None:
    """The sentence shown for a purpose on a day; None where there is none in that language."""
    known = [
        one
        for one in _wordings().values()
        if (one.purpose, one.language) == (purpose, language) and one.since <= on
    ]
    return max(known, key=lambda one: one.since, default=None)


def wording_of(digest: str) -> ConsentWording | None:
    """The sentence with a hash, however old."""
    return _wordings().get(digest)


@cache
def _wordings() -> Mapping[str, ConsentWording]:
    raw = tomllib.loads(files("app.policy").joinpath("wordings.toml").read_text("utf-8"))
    every = [ConsentWording(**one) for one in raw["wordings"]]
    return {one.digest: one for one in every}
