"""STYLE.md, Modules and Functions: nothing grows beyond what one reader holds in mind."""

from tests.conftest import ROOT
from tests.house.sources import functions, modules, unexcused

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400
CODE = ("app", "alembic", "benchmarks", "samples", "tools")

LONG_FUNCTIONS: dict[str, str] = {}
LONG_MODULES: dict[str, str] = {
    "app/audit/verify_bundle.py": "one file that an auditor runs by itself, against forgers",
}
"""Name -> why it may be so. An excuse that nothing needs fails the test."""


def test_no_function_is_longer_than_sixty_lines() -> None:
    found = {one.name for one in functions(*CODE, "tests") if one.lines > FUNCTION_LINES_MAX}

    assert not unexcused(found, LONG_FUNCTIONS)


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    found = {
        str(path)
        for path in modules(*CODE)
        if len((ROOT / path).read_text(encoding="utf-8").splitlines()) > MODULE_LINES_MAX
    }

    assert not unexcused(found, LONG_MODULES)


def test_a_stale_excuse_is_found() -> None:
    assert unexcused({"a.py:f"}, {"a.py:f": "why"}) == set()
    assert unexcused({"a.py:f"}, {}) == {"a.py:f"}
    assert unexcused(set(), {"a.py:f": "why"}) == {"a.py:f: the excuse is no longer needed"}
