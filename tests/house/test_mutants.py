"""tools/mutants.py: which faults `make mutation` knows, and that one at a time is put in."""

import ast
from collections.abc import Mapping
from types import FunctionType

import pytest

from tools.mutants import Finder, Scope, control, first_line, functions_of


def changed(value: int, *, by: int = 1) -> int:
    """A function to call, for arguments that can be left out."""
    return value + by


def faults(source: str, names: Mapping[str, object] | None = None) -> list[str]:
    """The changes inside of functions, as they are told."""
    finder = Finder(names or {})
    finder.visit(ast.parse(source), Scope())
    return [one.change for one in finder.found if one.scope.function is not None]


def function(body: str, answers: str = "object") -> str:
    """A module with one function."""
    return f"def f(a, b, c=None) -> {answers}:\n    {body}\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("a < b", "a < b -> a <= b"),
        ("a >= b", "a >= b -> a > b"),
        ("a not in b", "a not in b -> a in b"),
        ("a is None", "a is None -> a is not None"),
        ("a and b", "a and b -> a or b"),
        ("a and b and c", "a and b and c -> a and c"),
        ("not a", "not a -> a"),
        ("a | b", "a | b -> b"),
        ("a - b", "a - b -> a"),
        ("a + 1", "a + 1 -> a - 1"),
        ("a + 1", "1 -> 2"),
        ("a is True", "True -> False"),
        ("a[b'k']", "b'k' -> b'k_'"),
        ("a['k']", "'k' -> 'k_'"),
        ("a if b else c", "a if b else c -> c"),
        ("any(a)", "any(a) -> all(a)"),
        ("min(a, b)", "min(a, b) -> max(a, b)"),
        ("a.startswith(b)", "a.startswith(b) -> a.endswith(b)"),
        ("changed(a, by=b)", "changed(a, by=b) -> changed(a)"),
        ("[x for x in a if x]", "for x in a if x -> for x in a"),
    ],
)
def test_an_expression_has_its_faults(body: str, told: str) -> None:
    assert told in " / ".join(faults(function(f"return {body}"), globals()))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("if a:\n        raise KeyError(b)", "if a: ... -> pass"),
        ("if a:\n        b = 1\n    return b", "if a: ... -> if not a: ..."),
        ("raise KeyError", "raise KeyError -> pass"),
        ("check(a)", "check(a) -> pass"),
        ("a['k'] = b", "a['k'] = b -> pass"),
        ("a += b", "a += b -> pass"),
        ("yield a", "yield a -> yield from ()"),
        ("for x in a:\n        continue", "continue -> break"),
        ("match a:\n        case 1 if b:\n            return c", "case 1 if b -> case 1 if True"),
        ("match a:\n        case 1 | 2:\n            return c", "1 | 2 -> 2"),
        (
            "match a:\n        case 1:\n            pass\n        case _:\n            return b",
            "match a: 1 / _ -> match a: _",
        ),
    ],
)
def test_a_statement_has_its_faults(body: str, told: str) -> None:
    assert told in faults(function(body))


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ("bool", "return a -> return True"),
        ("str | None", "return a -> return None"),
        ("tuple[int, ...]", "return a -> return ()"),
    ],
)
def test_an_answer_can_be_empty(answers: str, told: str) -> None:
    assert told in faults(function("return a", answers))


@pytest.mark.parametrize(
    "body",
    [
        '"""What it does."""',
        "assert a > 1, 'a bug'",
        "b: int = c",
        "raise KeyError('the reason why')",
        "return cast('int', a)",
        "return f'{a > 1}'",
        "return 'the words of a message'",
        "match a:\n        case c.A:\n            b\n        case _:\n            assert_never(a)",
    ],
)
def test_what_no_test_should_notice_is_no_fault(body: str) -> None:
    told = set(faults(function(body))) - {"raise KeyError('the reason why') -> pass", "b -> pass"}

    assert not told


def test_a_required_argument_is_not_left_out() -> None:
    assert faults(function("return changed(value=a)"), globals()) == []


def test_what_runs_at_import_is_told_apart() -> None:
    finder = Finder({})
    finder.visit(ast.parse("LIMIT = 3\nclass A:\n    code: str = 'a'\n"), Scope())

    assert [(one.line, one.scope.function) for one in finder.found] == [(1, None), (3, None)]


def test_one_fault_is_put_in_and_the_tree_stays_as_it_was() -> None:
    source = "class A:\n    @property\n    def old(self) -> bool:\n        return self.age > 17\n"
    tree = ast.parse(source)
    finder = Finder({})
    finder.visit(tree, Scope())
    (boundary,) = (one for one in finder.found if one.change == "self.age > 17 -> self.age >= 17")
    assert boundary.scope.function is not None

    code = functions_of(boundary.code(tree, "a.py"))["A.old", first_line(boundary.scope.function)]

    person = type("Person", (), {"age": 17})
    assert FunctionType(code, {})(person) is True
    assert ast.unparse(tree) == ast.unparse(ast.parse(source))
    assert [list(span) for span in boundary.spans] == [[4], [4]]


def test_a_control_only_raises_and_has_the_closure_of_its_method() -> None:
    source = "class A:\n    def f(self):\n        super().f()\n        return 1 > 0\n"
    tree = ast.parse(source)

    (broken,) = control(tree)

    code = functions_of(broken.code(tree, "a.py"))["A.f", 2]
    assert code.co_freevars == ("__class__",)
    assert "RuntimeError" in code.co_names
    assert ast.unparse(tree) == ast.unparse(ast.parse(source))
