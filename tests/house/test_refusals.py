"""Every refusal of the core has a problem type of its own, with its status, and the other way."""

import re
from importlib import import_module

from app.api.problems import PROBLEMS
from app.domain.decider import Refusal
from tests.conftest import ROOT
from tests.house.sources import modules, unexcused

CODE = re.compile(r"[a-z]+(-[a-z]+)*")
OF_THE_REQUEST = {
    "IdempotencyKeyReused": "the request contradicts an earlier one of the same caller",
    "IdentifierTaken": "whose it is must not be told, so no rule about that person is named",
    "SourceNotYours": "what a key may do is a matter of the key",
    "VersionMismatch": "the caller decided on a version that no longer stands",
}
"""Refusal -> why no clause or rule of law is behind it. A stale excuse fails the test."""

RULE = re.compile(r"(C|L|PL|A|S)\d+[a-z]?|App\. A|Art\. \d+.*")


def refusals() -> set[type[Refusal]]:
    """Every refusal that the program declares, found by importing all of the core."""
    for path in modules("app"):
        if path.parts[1] in ("domain", "connectors", "rights", "ledger.py"):
            import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    found: set[type[Refusal]] = set()
    fresh = set(Refusal.__subclasses__())
    while fresh:
        found |= fresh
        fresh = {one for kind in fresh for one in kind.__subclasses__()}
    return {kind for kind in found if kind.__module__.startswith("app.") and "code" in vars(kind)}


def test_every_refusal_has_a_status() -> None:
    codes = {kind.code for kind in refusals()}

    assert len(codes) > 20
    assert not codes - PROBLEMS.keys()
    assert not {code for code in codes if PROBLEMS[code].status not in (*range(400, 500), 503)}


def test_no_two_refusals_share_a_code() -> None:
    codes = sorted(kind.code for kind in refusals())

    assert codes == sorted(set(codes))
    assert all(CODE.fullmatch(code) for code in codes)


def test_every_refusal_names_the_rule_that_it_enforces() -> None:
    nameless = {kind.__name__ for kind in refusals() if not kind.rules}
    malformed = {rule for kind in refusals() for rule in kind.rules if not RULE.fullmatch(rule)}

    assert not unexcused(nameless, OF_THE_REQUEST)
    assert not malformed


def test_every_problem_type_is_used() -> None:
    """By a refusal of its code, or by its name somewhere in the program."""
    code = "\n".join(
        (ROOT / path).read_text() for path in modules("app") if path.name != "problems.py"
    )
    codes = {kind.code for kind in refusals()}
    unused = {slug for slug in PROBLEMS if slug not in codes and f'"{slug}"' not in code}

    assert not unused
