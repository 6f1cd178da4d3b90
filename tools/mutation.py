"""Puts small faults into the core, one at a time, and tells which of them no test notices.

The tests of the core are collected once, in one process, and run once to learn which of them runs
which line. For each fault (tools/mutants.py) a forked child exchanges the code of the function and
runs the tests of the faulty line, the quickest first, until one fails. A fault on a line that no
test runs has survived. Faults outside of functions are skipped, and counted: their code has run
before anything could be exchanged.

Before that it checks itself: the same exchange without a fault must leave every test green, and in
each module a function that only raises must be noticed. Exit code 1 below the floor.
"""

import argparse
import ast
import functools
import gc
import hashlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this tree, not a copy that is installed

import hypothesis  # noqa: E402  # after the path is set
import pytest  # noqa: E402  # the same

from tools.mutants import Finder, Mutant, Scope, control, first_line, functions_of  # noqa: E402  # the same

MUTATED = ("app/domain", "app/policy", "app/vault/sealing.py", "app/vault/key_vault.py")
TESTS = ("tests/domain", "tests/policy", "tests/properties", "tests/vault", "tests/vectors")
FLAGS = [
    *("-q", "--capture=no", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT)),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is imported before pytest
]
FLOOR_PERCENT = 85.0
EXAMPLES_MAX = 25
MEMORY_BYTES_MAX = 4 << 30
SECONDS_MIN = 5
SLOWDOWN_MAX = 10

KILLED, TIMEOUT, SURVIVED, SKIPPED = OUTCOMES = ("killed", "timeout", "survived", "skipped")

Place = tuple[str, int]
"""Of a function: qualified name, first line. Of a line: path, number."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module as it was imported, and its faults."""

    path: str
    tree: ast.Module
    mutants: tuple[Mutant, ...]
    functions: dict[Place, list[FunctionType]]

    def exchange(self, code: CodeType, only: Place | None = None) -> None:
        """Gives every function, or the one, its code from the module compiled anew."""
        compiled = functions_of(code)
        for key in [only] if only else compiled:
            for function in self.functions.get(key, ()):
                function.__code__ = compiled[key]

    def compiled(self) -> CodeType:
        """The module without a fault."""
        return compile(self.tree, str(ROOT / self.path), "exec", dont_inherit=True)

    def put_in(self, mutant: Mutant) -> None:
        """Makes the one fault, in this process."""
        assert mutant.scope.function is not None, "what ran at import cannot be exchanged"
        key = mutant.scope.name, first_line(mutant.scope.function)
        parent, name, index = mutant.place
        if not isinstance(parent, ast.arguments):
            self.exchange(mutant.code(self.tree, str(ROOT / self.path)), key)
            return
        assert isinstance(mutant.becomes, ast.Constant), "a fault in a default is another constant"
        assert index is not None, "defaults are lists"
        for function in self.functions.get(key, ()):
            if name == "defaults":
                defaults = list(function.__defaults__ or ())
                defaults[index] = mutant.becomes.value
                function.__defaults__ = tuple(defaults)
            else:
                named = parent.kwonlyargs[index].arg
                function.__kwdefaults__ = {
                    **(function.__kwdefaults__ or {}),
                    named: mutant.becomes.value,
                }


def imported(paths: Sequence[str]) -> list[Module]:
    """The modules below the paths that the tests have imported, with their living functions."""
    living: dict[str, dict[Place, list[FunctionType]]] = defaultdict(lambda: defaultdict(list))
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            code = one.__code__
            living[code.co_filename][code.co_qualname, code.co_firstlineno].append(one)
    modules = []
    for path in sorted(file for name in paths for file in _python_files(ROOT / name)):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name in sys.modules:
            assert sys.modules[name].__file__ == str(path), "another copy of the project is in use"
            tree = ast.parse(path.read_bytes())
            finder = Finder(vars(sys.modules[name]))
            finder.visit(tree, Scope())
            found = tuple(finder.found)
            modules.append(Module(str(path.relative_to(ROOT)), tree, found, living[str(path)]))
    return modules


def _python_files(path: Path) -> list[Path]:
    return [path] if path.suffix == ".py" else list(path.rglob("*.py"))


def in_child(work: Callable[[], object], seconds: float) -> Any:  # Any: what JSON holds
    """What the work answers, done in a fork of this process; TIMEOUT when it burns too long."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            with os.fdopen(writing, "w") as answer:
                json.dump(work(), answer)
            os._exit(0)
        except BaseException:  # noqa: BLE001  # nothing may run on in a second copy of the process
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGPROF:
        return TIMEOUT
    if status:
        pytest.exit(f"a child ended with {status}: this is a fault of the tool, not of the tests")
    return json.loads(told)


@dataclass(slots=True)
class Results:
    """What became of each fault."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Path -> outcome -> number."""
    survivors: list[dict[str, object]] = field(default_factory=list)

    def percent(self, prefix: str = "") -> float:
        """Noticed faults among those tried, below a path; a time-out was noticed."""
        total = sum((self.counts[path] for path in self.of(prefix)), Counter[str]())
        tried = total[KILLED] + total[TIMEOUT] + total[SURVIVED]
        return 100 * (tried - total[SURVIVED]) / tried if tried else 100.0

    def of(self, prefix: str) -> list[str]:
        """The modules at or below a path."""
        return [path for path in self.counts if path.startswith(prefix)]

    def table(self) -> Iterator[str]:
        """The lines of the report: modules, packages, all."""
        yield f"{'':48}" + "".join(f"{name:>9}" for name in (*OUTCOMES, "percent"))
        packages = [name for name in MUTATED if len(self.of(name)) > 1]
        for prefix in (*sorted(self.counts), *packages, ""):
            total = sum((self.counts[path] for path in self.of(prefix)), Counter[str]())
            shown = "".join(f"{total[outcome]:9}" for outcome in OUTCOMES)
            yield f"{prefix or 'all':48}{shown}{self.percent(prefix):9.1f}"


class Run:
    """A pytest plugin that uses the collected tests its own way."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.results = Results()
        self._out = sys.stdout
        self._failed = False
        self._items: list[pytest.Item] = []
        self._seconds: list[float] = []
        self._tests_of: dict[Place, set[int]] = defaultdict(set)
        self._killers: dict[Place, list[int]] = defaultdict(list)
        self._caches: list[Any] = []  # Any: the type has only a private name

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves out what needs a database, and gives properties few and always the same examples.

        The settings stand at the tests, where a profile does not reach them.
        """
        items[:] = [one for one in items if "cluster" not in getattr(one, "fixturenames", ())]
        for item in items:
            test = getattr(item, "function", None)
            own = getattr(test, "_hypothesis_internal_use_settings", None)
            if own is not None:
                quick = hypothesis.settings(
                    own,
                    max_examples=min(own.max_examples, EXAMPLES_MAX),
                    derandomize=True,
                    database=None,
                    deadline=None,  # a busy machine is not a fault
                    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
                )
                setattr(test, "_hypothesis_internal_use_settings", quick)  # noqa: B010  # mypy

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failed set-up or tear-down counts as well."""
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Everything, with the tests at hand."""
        if session.testsfailed:
            raise session.Failed("the tests cannot be collected")
        self._items = session.items
        modules = imported(MUTATED)
        self._caches = [
            one
            for one in gc.get_objects()
            if isinstance(one, functools._lru_cache_wrapper)  # noqa: SLF001  # its only name
            and one.__module__.startswith("app.")
        ]
        gc.freeze()
        self._learn({str(ROOT / module.path): module.path for module in modules})
        self._check(modules)
        chosen = self._chosen(modules)
        self._say(f"{len(chosen)} faults")
        for module, mutant in chosen:
            self._note(module, mutant, *self._try(module, mutant))
        return True

    def _note(self, module: Module, mutant: Mutant, outcome: str, tests: int) -> None:
        self.results.counts[module.path][outcome] += 1
        if outcome == SURVIVED:
            where, name = f"{module.path}:{mutant.line}", mutant.scope.name
            self._say(f"{where} {name}: {mutant.change}{'' if tests else '  (no test runs it)'}")
            told = {"where": where, "function": name, "change": mutant.change, "tests": tests}
            self.results.survivors.append(told)

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    def _learn(self, files: dict[str, str]) -> None:
        """Runs every test once, without a fault, and notes its lines and its time."""
        told = in_child(lambda: [self._traced(item, files) for item in self._items], 3600)
        red = [item.nodeid for item, one in zip(self._items, told, strict=True) if not one[0]]
        if red:
            pytest.exit("red without a fault:\n" + "\n".join(red))
        self._seconds = [seconds for _, seconds, _ in told]
        for index, (_, _, lines) in enumerate(told):
            for path, line in lines:
                self._tests_of[path, line].add(index)
        self._say(f"{len(told)} tests green in {sum(self._seconds):.0f} s")

    def _traced(self, item: pytest.Item, files: dict[str, str]) -> tuple[bool, float, list[Place]]:
        lines: set[Place] = set()

        def trace(frame: FrameType, event: str, _: object) -> Any:  # Any: the type is recursive
            path = files.get(frame.f_code.co_filename)
            if path is None:
                return None
            if event == "line":
                lines.add((path, frame.f_lineno))
            return trace

        start = time.perf_counter()
        sys.settrace(trace)
        passed = self._passes(item)
        sys.settrace(None)
        return passed, time.perf_counter() - start, sorted(lines)

    def _passes(self, item: pytest.Item) -> bool:
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self._failed

    def _check(self, modules: list[Module]) -> None:
        """Exits when an exchange alone turns a test red, or when a broken function is not told."""

        def unchanged() -> None:
            for module in modules:
                module.exchange(module.compiled())

        if (red := self._first_red(range(len(self._items)), unchanged)) is not None:
            pytest.exit(f"red with the code exchanged for itself: {red}")
        controls = 0
        for module in modules:
            for mutant in control(module.tree):
                tests = self._tests(module, mutant)
                if tests:
                    controls += 1
                    if self._first_red(tests, lambda: module.put_in(mutant)) is None:  # noqa: B023  # called at once
                        pytest.exit(f"{module.path}: {mutant.scope.name} raises and no test is red")
                    break
        self._say(f"exchanged for itself: green; {controls} broken functions: each noticed")

    def _chosen(self, modules: list[Module]) -> list[tuple[Module, Mutant]]:
        """All faults, those of some modules, or a sample that depends on the seed alone."""
        wanted = tuple(self.options.module or [""])
        found = [
            (module, mutant)
            for module in modules
            if module.path.startswith(wanted)
            for mutant in module.mutants
        ]
        if self.options.sample is None:
            return found

        def lot(numbered: tuple[int, tuple[Module, Mutant]]) -> bytes:
            return hashlib.sha256(f"{self.options.seed} {numbered[0]}".encode()).digest()

        drawn = sorted(enumerate(found), key=lot)[: self.options.sample]
        return [one for _, one in sorted(drawn, key=lambda numbered: numbered[0])]

    def _tests(self, module: Module, mutant: Mutant) -> set[int]:
        """The tests that run the fault's lines; where they are no steps, those of its statement."""
        for span in mutant.spans:
            tests = set().union(*(self._tests_of.get((module.path, line), ()) for line in span))
            if tests:
                return tests
        return set()

    def _try(self, module: Module, mutant: Mutant) -> tuple[str, int]:
        """The outcome, and how many tests could have noticed."""
        if mutant.scope.function is None:
            return SKIPPED, 0
        tests = self._tests(module, mutant)
        key = module.path, mutant.scope.function.lineno
        known = self._killers[key]
        order = sorted(tests, key=lambda test: (test not in known, self._seconds[test]))
        red = self._first_red(order, lambda: module.put_in(mutant)) if order else None
        if red == TIMEOUT:
            return TIMEOUT, len(tests)
        if red is None:
            return SURVIVED, len(tests)
        if red not in known:
            known.append(red)
        return KILLED, len(tests)

    def _first_red(
        self, tests: Sequence[int] | set[int] | range, put_in: Callable[[], None]
    ) -> Any:  # Any: see in_child
        """The first test that fails in a child with other code; None, or TIMEOUT."""

        def work() -> int | None:
            put_in()
            for cache in self._caches:
                cache.cache_clear()
            return next((test for test in tests if not self._passes(self._items[test])), None)

        allowed = SECONDS_MIN + SLOWDOWN_MAX * sum(self._seconds[test] for test in tests)
        return in_child(work, allowed)


def main(arguments: list[str]) -> int:
    """Runs, and writes the report; 1 when too much survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--module", action="append", metavar="PATH", help="only below this path")
    parser.add_argument("--sample", type=int, metavar="N", help="N faults drawn by lot")
    parser.add_argument("--seed", type=int, default=1, help="which lots (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there as well")
    parser.add_argument("--floor", type=float, default=FLOOR_PERCENT, help="percent (85)")
    options = parser.parse_args(arguments)
    run, report = Run(options), io.StringIO()
    os.chdir(ROOT)
    with redirect_stdout(report):
        code = pytest.main([*FLAGS, *TESTS], plugins=[run])
    if code != pytest.ExitCode.OK:
        sys.exit(report.getvalue())
    print("\n".join(run.results.table()))
    if options.json is not None:
        outcome = {"counts": run.results.counts, "survivors": run.results.survivors}
        options.json.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    return int(run.results.percent() < options.floor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
