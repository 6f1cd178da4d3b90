"""What the repository consists of: tracked files, and the functions of its Python modules."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git keeps or would add, relative to the root."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(Path(name) for name in told.split("\0") if name and (ROOT / name).is_file())


def modules(*folders: str) -> Iterator[Path]:
    """The tracked Python modules below some folders of the root, relative to it."""
    for path in tracked():
        if path.suffix == ".py" and path.parts[0] in folders:
            yield path


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


@dataclass(frozen=True, slots=True)
class Found:
    """A function with the module that holds it."""

    path: Path
    node: Function

    @property
    def name(self) -> str:
        """Such as `app/ledger.py:execute`: what an excuse list names."""
        return f"{self.path}:{self.node.name}"

    @property
    def lines(self) -> int:
        """From `def` to its last line, the docstring not counted."""
        end = self.node.end_lineno
        assert end is not None
        first = self.node.body[0]
        told = ast.get_docstring(self.node) is not None and first.end_lineno is not None
        return end - self.node.lineno + 1 - (first.end_lineno - first.lineno + 1 if told else 0)  # type: ignore[operator]  # told says so


def functions(*folders: str) -> Iterator[Found]:
    """Every function and method below some folders of the root."""
    for path in modules(*folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, Function):
                yield Found(path, node)


def unexcused(found: set[str], excused: dict[str, str]) -> set[str]:
    """What breaks the rule without an excuse, and the excuses that nothing needs any more."""
    stale = {f"{name}: the excuse is no longer needed" for name in excused.keys() - found}
    return (found - excused.keys()) | stale
