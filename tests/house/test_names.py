"""STYLE.md, Names: no drawer, and nothing left over from work in progress."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.sources import functions, modules, tracked, tree, unexcused

DRAWERS = re.compile(r"^_*(utils?|helpers?|commons?|misc|managers?|base|tools?_?box|shared)\d*$")
DRAWER_CLASS = re.compile(r"(Manager|Helper|Utils?|Base|Mixin|Impl)$")
ROOT_FILES = {
    ".dockerignore",
    ".gitignore",
    ".pre-commit-config.yaml",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "STYLE.md",
    "alembic.ini",
    "openapi.json",
    "pyproject.toml",
}
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|NotImplemented[E]rror")
FILE_BYTES_MAX = 1_000_000

DRAWERS_EXCUSED: dict[str, str] = {}
ASSERTION_FREE: dict[str, str] = {
    "tests/api/test_openapi.py:test_the_document_is_valid": "the validator raises",
}
SLEEPING: dict[str, str] = {
    "tests/faults/test_crashes.py": "paces the kills against the writers that they should hit",
    "tests/projections/test_kills.py": "paces the kills against the work that they should hit",
    "tests/rights/test_key_kills.py": "paces the kills against the work that they should hit",
    "tests/store/test_group_commit.py": "paces the kills against the appends that they should hit",
}
EMPTY: dict[str, str] = {
    "app/cli/progress.py:_say_nothing": "off a terminal, progress is not told",
}
"""Name -> why it may be so. An excuse that nothing needs fails the test."""


def test_no_file_or_folder_is_a_drawer() -> None:
    found = {
        str(path)
        for path in tracked()
        for part in (*path.parts[:-1], path.stem)
        if DRAWERS.match(part)
    }

    assert not unexcused(found, DRAWERS_EXCUSED)


def test_no_class_is_a_drawer() -> None:
    found = {
        f"{path}:{node.name}"
        for path in modules("app", "tools", "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and DRAWER_CLASS.search(node.name)
    }

    assert not unexcused(found, {})


def test_the_root_holds_what_it_should_and_nothing_else() -> None:
    found = {str(path) for path in tracked() if len(path.parts) == 1}

    assert found <= ROOT_FILES


def test_nothing_is_left_unfinished() -> None:
    found = {
        f"{path}:{number}"
        for path in modules("app", "alembic", "benchmarks", "samples", "tests", "tools")
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    }

    assert not found


def test_no_function_is_a_stub() -> None:
    """A body of nothing but a docstring, `pass` or `...`.

    Protocols say what, not how; the callback of a group of commands exists for its docstring.
    """
    found = {
        one.name
        for one in functions("app", "tools")
        if all(
            isinstance(line, ast.Pass)
            or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            for line in one.node.body
        )
        and not in_a_protocol(one.path, one.node)
        and not any(".callback(" in ast.unparse(mark) for mark in one.node.decorator_list)
    }

    assert not unexcused(found, EMPTY)


def in_a_protocol(path: Path, node: ast.AST) -> bool:
    """Whether a method is declared in a Protocol, or is one of an overload's signatures."""
    decorators = [ast.unparse(one) for one in getattr(node, "decorator_list", [])]
    return "overload" in decorators or any(
        isinstance(owner, ast.ClassDef)
        and node in owner.body
        and any("Protocol" in ast.unparse(one) for one in owner.bases)
        for owner in ast.walk(tree(path))
    )


def test_every_test_asserts_something() -> None:
    """An assert, an expected exception, a specification (`then…`), or a function that has one."""
    checks = {(one.path, one.node.name) for one in functions("tests") if asserts(one.node)}
    found = {
        one.name
        for one in functions("tests")
        if one.node.name.startswith("test_")
        and (one.path, one.node.name) not in checks
        and not any((one.path, name) in checks for name in called(one.node))
    }

    assert not unexcused(found, ASSERTION_FREE)


def asserts(node: ast.AST) -> bool:
    """Whether the function checks anything, itself or by a function that says so in its name."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert) and not isinstance(inner.test, ast.Constant):
            return True
        if isinstance(inner, ast.Call):
            name = ast.unparse(inner.func).rpartition(".")[2]
            if name in ("raises", "fail") or re.match(r"_?(then|assert|check|expect)", name):
                return True
    return False


def called(node: ast.AST) -> set[str]:
    """The plain names of the functions that a function calls."""
    return {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}


@pytest.mark.parametrize("text", ["def f(): assert True", "def f(): run()"])
def test_a_test_without_a_check_is_found(text: str) -> None:
    assert not asserts(ast.parse(text))


def test_no_test_sleeps_but_to_look_again() -> None:
    """Between two looks at a condition, in a loop, a pause is no guess about time."""
    found = {
        str(path)
        for path in modules("tests")
        if sleeps(tree(path)) - {call for loop in loops(tree(path)) for call in sleeps(loop)}
    }

    assert not unexcused(found, SLEEPING)


def loops(node: ast.AST) -> list[ast.AST]:
    """The loops that look at a condition."""
    return [one for one in ast.walk(node) if isinstance(one, ast.While)]


def sleeps(node: ast.AST) -> set[ast.Call]:
    """The calls that wait for time to pass; `sleep(0)` only lets others run."""
    return {
        one
        for one in ast.walk(node)
        if isinstance(one, ast.Call)
        and ast.unparse(one.func).rpartition(".")[2] == "sleep"
        and not (one.args and ast.unparse(one.args[0]) == "0")
    }


def test_no_large_file_is_kept() -> None:
    found = {str(path) for path in tracked() if (ROOT / path).stat().st_size > FILE_BYTES_MAX}

    assert not found
