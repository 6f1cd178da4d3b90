"""What public pages and mails say beside the letter, in each language (L27); English where not."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

SOURCE: Final = "en"


def said(language: str) -> Mapping[str, str]:
    """Every text in a language, by its primary tag; in English where there is none."""
    texts = _texts()
    return texts.get(language.lower().partition("-")[0], texts[SOURCE])


def languages() -> tuple[str, ...]:
    """The languages there are, English first."""
    return tuple(_texts())


def preferred(accepted: str) -> str:
    """The language that a browser likes best, by its Accept-Language, of those there are."""
    wishes: list[tuple[float, str]] = []
    for one in accepted[:200].split(","):
        tag, _, quality = one.strip().partition(";q=")
        weight = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
        wishes.append((-weight, tag.lower().partition("-")[0]))
    return next((tag for _, tag in sorted(wishes) if tag in _texts()), SOURCE)


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    raw = files("app.propagation").joinpath("public_texts.toml").read_text("utf-8")
    return tomllib.loads(raw)
