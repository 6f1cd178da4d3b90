"""Writes docs/clauses.md: each clause of the policy and rule of law, and the tests that prove it.

The tests say it themselves, with `@pytest.mark.clause("C36", "L4")`. With `--check` nothing is
written: the exit code is 1 when the page is stale, or when a promised number has no test.
"""

import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "clauses.md"
NUMBER = re.compile(r"([A-Z]{1,2})(\d+)([a-z]?)")
HEADINGS = {
    "C": "Clauses of the privacy policy",
    "L": "Rules of law",
    "PL": "Findings in the policy's text",
}


def _spread(prefix: str, *ranges: str, width: int = 1) -> list[str]:
    """`_spread("C", "5-7", "9")` is C5, C6, C7, C9."""
    numbers = []
    for text in ranges:
        first, _, last = text.partition("-")
        numbers += [f"{prefix}{n:0{width}}" for n in range(int(first), int(last or first) + 1)]
    return numbers


PROMISED = (
    *_spread("C", "2-16", "18-60", "62-82"),
    *_spread("L", "2-7", "9-33", "35-67", "74-77"),
    *_spread("PL", "1-27", width=2),
    *_spread("X", "1-13"),
)
"""What this version stands for: none of these may be without a test."""


class Marks:
    """A pytest plugin that remembers which collected test carries which numbers."""

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: Iterable[pytest.Item]) -> None:
        """Called once, with every test."""
        for item in items:
            for mark in item.iter_markers("clause"):
                for number in mark.args:
                    self.tests[number].add(item.nodeid.partition("[")[0])


def collected() -> Mapping[str, set[str]]:
    """Number -> the tests that carry it; SystemExit with pytest's report when it cannot collect."""
    marks, report = Marks(), io.StringIO()
    arguments = [
        "--collect-only",
        "-qq",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        str(ROOT / "tests"),
    ]
    with redirect_stdout(report):
        code = pytest.main([*arguments, "--rootdir", str(ROOT)], plugins=[marks])
    if code != pytest.ExitCode.OK:
        sys.exit(report.getvalue())
    return marks.tests


def order(number: str) -> tuple[str, int, str]:
    """C2 before C10."""
    found = NUMBER.fullmatch(number)
    if found is None:
        sys.exit(f"{number!r} is no clause or rule")
    return found[1], int(found[2]), found[3]


def page(tests: Mapping[str, set[str]]) -> str:
    """The page as it should be."""
    lines = [
        "# Clauses and rules, and the tests that prove them",
        "",
        "Written by `make clauses` from the marks that the tests carry; a house test fails when",
        "this page is stale. A number without a test would stand here with an empty row.",
    ]
    prefix = ""
    for number in sorted({*tests, *PROMISED}, key=order):
        if order(number)[0] != prefix:
            prefix = order(number)[0]
            lines += [
                "",
                f"## {HEADINGS.get(prefix, prefix)}",
                "",
                "| number | tests |",
                "|---|---|",
            ]
        named = "<br>".join(f"`{test}`" for test in sorted(tests.get(number, ())))
        lines.append(f"| {number} | {named} |")
    return "\n".join(lines) + "\n"


def faults(tests: Mapping[str, set[str]]) -> list[str]:
    """What is wrong with the page, or with the tests; nothing when all is well."""
    found = []
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(tests):
        found.append("docs/clauses.md is stale: make clauses")
    if missing := [number for number in PROMISED if not tests.get(number)]:
        found.append(f"without a test: {' '.join(missing)}")
    return found


def main(arguments: list[str]) -> int:
    """Writes the page, or checks it; tells what is missing."""
    tests = collected()
    if "--check" in arguments:
        found = faults(tests)
        print(*found, sep="\n")
        return int(bool(found))
    missing = [number for number in PROMISED if not tests.get(number)]
    PAGE.write_text(page(tests), encoding="utf-8")
    print(f"{len(tests)} numbers proved, {len(missing)} promised without a test")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
