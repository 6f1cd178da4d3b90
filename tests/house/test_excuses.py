"""STYLE.md, Types: an exception from a rule says which rule, and why, on its own line."""

import re
import tomllib

import pytest

from tests.conftest import ROOT
from tests.house.sources import modules

MARK = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b")
REASONED = re.compile(
    r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z-]+(, ?[a-z-]+)*\])  # \S+"
)
CONFIGURATION = (ROOT / "pyproject.toml").read_text()


def excuses() -> list[tuple[str, str]]:
    """Place and text of every exception in the code."""
    return [
        (f"{path}:{number}", line)
        for path in modules("app", "alembic", "benchmarks", "samples", "tests", "tools")
        if path.name != "test_excuses.py"
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if MARK.search(line)
    ]


def test_every_exception_in_the_code_has_its_code_and_its_reason() -> None:
    assert excuses()
    assert not [place for place, line in excuses() if not REASONED.search(line)]


@pytest.mark.parametrize(
    "line",
    ["x = f()  # noqa", "x = f()  # noqa: S603", "x = f()  # type: ignore  # no code given"],
)
def test_an_exception_without_code_or_reason_is_found(line: str) -> None:
    assert MARK.search(line)
    assert not REASONED.search(line)


def test_every_ignored_rule_of_the_linter_has_its_reason() -> None:
    ignored = re.search(r"(?ms)^ignore = \[\n(.*?)^\]", CONFIGURATION)
    assert ignored
    per_file = re.search(r"(?ms)^\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)^\[", CONFIGURATION)
    assert per_file

    for block in (ignored[1], per_file[1]):
        groups = re.findall(r'^ {4}"[A-Z]+\d*",(.*)$', block, re.MULTILINE)
        reasons = [bool(re.search(r"# \S+ \S+", one)) for one in groups]

        assert reasons
        assert sum(reasons) >= len(reasons) - 1  # one reason may stand for two neighbours


def test_every_path_with_rules_of_its_own_exists() -> None:
    rules = tomllib.loads(CONFIGURATION)["tool"]["ruff"]["lint"]["per-file-ignores"]

    assert rules
    assert not [path for path in rules if not list(ROOT.glob(path))]
