"""No file that nobody imports: what is not reached is not part of the program."""

import ast
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import grimp
import pytest

from tests.conftest import ROOT
from tests.house.sources import modules, tracked, tree, unexcused

UNREACHED: dict[str, str] = {}
UNREAD: dict[str, str] = {}
"""Name -> why it may be so. An excuse that nothing needs fails the test."""


@cache
def graph() -> grimp.ImportGraph:
    """The imports of the program among itself."""
    return grimp.build_graph("app", cache_dir=None)


def entries() -> set[str]:
    """Where the program is entered: its console script, its commands, `python -m NAME`."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    targets = {target.partition(":")[0] for target in scripts.values()}
    cli = import_module("app.cli")
    commands = {f"app.cli.{cli.MODULES.get(name, name)}" for name in cli.COMMANDS}
    started = {
        node.value
        for path in modules("app")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value in graph().modules
    }
    return targets | commands | started | {"app.cli.__main__"}


def test_every_module_is_reached_from_an_entry() -> None:
    known = graph().modules
    reached = {entry for entry in entries() if entry in known}
    assert reached

    fresh = set(reached)
    while fresh:
        found = {m for one in fresh for m in graph().find_modules_directly_imported_by(one)}
        packages = {name.rpartition(".")[0] for name in found | fresh} - {""}
        fresh = (found | packages) - reached
        reached |= fresh

    assert not unexcused(known - reached, UNREACHED)


def test_every_command_of_the_list_is_a_module() -> None:
    assert entries() <= graph().modules


def test_every_data_file_of_the_program_is_read_by_a_module_near_it() -> None:
    """By its name, or by a pattern or folder name that fits it."""
    code = "\n".join((ROOT / path).read_text() for path in modules("app", "alembic"))
    found = {
        str(path)
        for path in tracked()
        if path.parts[0] == "app" and path.suffix != ".py"
        if path.name not in code and not by_pattern(path, code)
    }

    assert not unexcused(found, UNREAD)


def by_pattern(path: Path, code: str) -> bool:
    """Whether the code names the folder and reads such files from it by a computed name."""
    folder = f'"{path.parent.name}"' in code or f'"{path.parent.name}/' in code
    computed = f"*{path.suffix}" in code or f"}}{path.suffix}" in code
    return folder and computed


def test_every_support_module_of_the_tests_is_imported_by_a_test() -> None:
    found_by_name = ("test_", "conftest", "__", "sitecustomize")
    wanted = {str(path) for path in modules("tests") if not path.name.startswith(found_by_name)}
    imported = {
        f"{name.replace('.', '/')}.py"
        for path in modules("tests")
        for node in ast.walk(tree(path))
        for name in named_by(node)
    }

    assert not wanted - imported


def named_by(node: ast.AST) -> list[str]:
    """The modules that an import statement could mean."""
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return []


def test_a_package_opens_with_its_purpose() -> None:
    bare = {
        str(path)
        for path in modules("app")
        if path.name == "__init__.py" and not ast.get_docstring(tree(path))
    }

    assert not bare


@pytest.mark.parametrize("folder", sorted({p.parts[1] for p in modules("app") if len(p.parts) > 2}))
def test_every_package_has_a_place_among_the_layers(folder: str) -> None:
    """import-linter proves the same; here the name of the package is in the failing test."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [one["layers"] for one in contracts["contracts"] if one.get("containers") == ["app"]]

    assert folder in {name.strip(" ()") for row in layers for name in row.split("|")}
