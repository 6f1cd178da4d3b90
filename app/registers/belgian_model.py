"""The columns of the Belgian authority's model of the record, with its words in three languages."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from app.registers.table import Column, Columns


class Language(StrEnum):
    """The languages of the model."""

    EN = "en"
    FR = "fr"
    NL = "nl"


_MODEL: Final[Mapping[str, Any]] = tomllib.loads(  # Any: tables of texts
    files("app.registers").joinpath("belgian_model.toml").read_text(encoding="utf-8")
)

COLUMNS = Columns(tuple(Column(one["name"], one["en"]) for one in _MODEL["columns"]))


def headings(language: Language) -> dict[str, str]:
    """Column -> its heading, in the order of the model."""
    return {one["name"]: one[language.value] for one in _MODEL["columns"]}


def term(kind: str, key: str, language: Language) -> str:
    """A word of a closed list."""
    found: str = _MODEL["terms"][kind][key][language.value]
    return found
