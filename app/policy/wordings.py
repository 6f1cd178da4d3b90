"""The sentences that people agree to, by language, and by their hash (Art. 7).

A policy file brings its own; those of the policy that comes with the program lie beside it, for
that file was published before it could.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from app.policy.model import Policy
from app.policy.records import ConsentWording


def wording_shown(policy: Policy, language: str, on: date) -> ConsentWording | None:
    """The sentence shown on a day; None where there is none in that language."""
    known = [one for one in wordings(policy) if one.language == language and one.since <= on]
    return max(known, key=lambda one: one.since, default=None)


def wording_of(policy: Policy, digest: str) -> ConsentWording | None:
    """The sentence with a hash, however old."""
    return next((one for one in wordings(policy) if one.digest == digest), None)


def wordings(policy: Policy) -> tuple[ConsentWording, ...]:
    """Every sentence that was ever shown, all for one purpose; none where nobody can sign up."""
    return policy.wordings + _packaged().get(policy.controller.name, ())


@cache
def _packaged() -> Mapping[str, tuple[ConsentWording, ...]]:
    raw = tomllib.loads(files("app.policy").joinpath("wordings.toml").read_text("utf-8"))
    return {raw["controller"]: tuple(ConsentWording(**one) for one in raw["wordings"])}
