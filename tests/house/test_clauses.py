"""docs/clauses.md is what the tests say, and no promised clause or rule is without a test."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tools.clauses import NUMBER, PAGE, PROMISED, Marks, faults, order, page


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> str:
    """What the generator finds wrong with this run's tests, or with all when these are a few."""
    if is_whole(request.session):
        marks = Marks()
        marks.pytest_collection_modifyitems(request.session.items)
        return "\n".join(faults(marks.tests))
    command = [sys.executable, str(ROOT / "tools" / "clauses.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def is_whole(session: pytest.Session) -> bool:
    """Whether every test was collected: collecting all of them again takes 20 seconds."""
    option = session.config.option
    asked = option.keyword or option.markexpr or any("::" in one for one in session.config.args)
    return not asked and {item.path for item in session.items} == set(
        (ROOT / "tests").rglob("test_*.py")
    )


def test_the_page_is_not_stale(told: str) -> None:
    assert "stale" not in told


def test_no_promised_number_is_without_a_test(told: str) -> None:
    assert "without a test" not in told


def test_a_stale_page_and_a_number_without_a_test_are_found() -> None:
    assert faults({}) == [
        "docs/clauses.md is stale: make clauses",
        f"without a test: {' '.join(PROMISED)}",
    ]


def test_the_page_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)", PAGE.read_text()))

    assert named
    for path, test in named:
        assert re.search(rf"def {test}\b|class {test}\b", (ROOT / path).read_text()), test


def test_numbers_are_in_the_order_of_the_policy() -> None:
    assert sorted(["PL02", "C10", "L3", "C2"], key=order) == ["C2", "C10", "L3", "PL02"]
    assert all(NUMBER.fullmatch(number) for number in PROMISED)
    assert len(set(PROMISED)) == len(PROMISED) == 187


def test_a_number_without_a_test_has_an_empty_row() -> None:
    assert "| C2 | `tests/x.py::test_a`<br>`tests/x.py::test_b` |" in page(
        {"C2": {"tests/x.py::test_b", "tests/x.py::test_a"}}
    )
    assert "| C3 |  |" in page({})
