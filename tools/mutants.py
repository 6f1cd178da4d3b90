"""The faults that a slip could put into a function: each is one small change of its syntax tree.

A fault is one that a reviewer could overlook: a boundary, a forgotten condition, a guard that is
not there, an argument left to its default, a record that is not made. Messages, docstrings,
annotations and `assert`, which marks a bug, are left as they are.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = tuple[ast.AST, str, int | None]
"""Parent, field, index in the field when it is a list."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_PAIRS = (
    ("any", "all"),
    ("min", "max"),
    ("startswith", "endswith"),
    ("issubset", "issuperset"),
    ("removeprefix", "removesuffix"),
)
_CALLED = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}
_EMPTY = {"tuple": "()", "frozenset": "frozenset()", "dict": "{}", "Mapping": "{}", "list": "[]"}
"""Type of an answer -> the empty answer."""
_KEEPS_CLASS = ast.parse("if False:\n    __class__").body
"""Never runs. A method that lost its `super()` has the closure of the one that it stands for."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in a module a node stands."""

    name: str = ""
    """The qualified name of the outermost function, or of the class."""
    function: Function | None = None
    """The outermost function, whose code can be exchanged. None: the node runs at import."""
    answers: str = ""
    """The type that the innermost function answers."""
    statement: ast.stmt | None = None


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault."""

    place: Place
    was: ast.AST
    becomes: ast.AST
    scope: Scope

    @property
    def line(self) -> int:
        """Where the fault is."""
        return _span(self.was, self.scope)[0]

    @property
    def spans(self) -> Iterator[range]:
        """The lines of which one runs when the fault does: the narrow view, then the statement."""
        for node in (self.was, self.scope.statement or self.was):
            first, last = _span(node, self.scope)
            yield range(first, last + 1)

    @property
    def change(self) -> str:
        """Before and after, on one line."""
        before, after = (" ".join(_text(node).split()) for node in (self.was, self.becomes))
        return f"{before[:90]} -> {after[:90]}"

    def code(self, module: ast.Module, path: str) -> CodeType:
        """The module compiled with the fault; the tree is as it was afterwards."""
        assert self.scope.function is not None, "what ran at import cannot be exchanged"
        body, length = self.scope.function.body, len(self.scope.function.body)
        body.extend(_KEEPS_CLASS if _uses_super(self.scope.function) else ())
        _put(self.place, self.becomes)
        try:
            return compile(module, path, "exec", dont_inherit=True)
        finally:
            _put(self.place, self.was)
            del body[length:]


def functions_of(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """(qualified name, first line) -> code of every function that is inside no other function."""
    found: dict[tuple[str, int], CodeType] = {}
    for const in code.co_consts:
        if isinstance(const, CodeType) and not const.co_name.startswith("<"):
            found[const.co_qualname, const.co_firstlineno] = const
            if not const.co_flags & inspect.CO_OPTIMIZED:  # the body of a class
                found |= functions_of(const)
    return found


def control(module: ast.Module) -> Iterator[Mutant]:
    """For each function the fault that a test of it must notice: it only raises."""
    finder = Finder({})
    finder.visit(module, Scope())
    functions = {one.scope.function: one.scope.name for one in finder.found}
    for function, name in functions.items():
        if function is not None:
            raising = ast.copy_location(ast.parse("raise RuntimeError").body[0], function.body[0])
            place = function, "body", 0
            scope = Scope(name, function, statement=function)
            yield Mutant(place, function.body[0], ast.fix_missing_locations(raising), scope)


def first_line(function: Function) -> int:
    """Where its code starts: at the first decorator."""
    return min(node.lineno for node in (function, *function.decorator_list))


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the faults of one module; `names` are its globals, to know whom a call calls."""

    names: Mapping[str, object]
    found: list[Mutant] = field(default_factory=list)

    def visit(self, node: ast.AST, scope: Scope) -> None:
        """Adds the faults of everything below a node."""
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_ignores"):
                continue
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, ast.AST) and not _left_alone(child):
                    place = (node, name, index if isinstance(value, list) else None)
                    self._visit_child(place, child, _inside(child, scope))

    def _visit_child(self, place: Place, node: ast.AST, scope: Scope) -> None:
        for becomes in self._faults(node, scope):
            if not isinstance(becomes, ast.match_case | ast.comprehension):
                ast.copy_location(becomes, _located(node))
            self.found.append(Mutant(place, node, ast.fix_missing_locations(becomes), scope))
        self.visit(node, scope)

    def _faults(self, node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
        if isinstance(node, ast.Call):
            yield from self._calls(node)
        elif isinstance(node, ast.stmt):
            yield from _statements(node, scope)
        elif isinstance(node, ast.expr):
            yield from _expressions(node)
        else:
            yield from _clauses(node)

    def _calls(self, node: ast.Call) -> Iterator[ast.AST]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in _CALLED:
            changed = copy(node.func)
            setattr(changed, "attr" if isinstance(changed, ast.Attribute) else "id", _CALLED[name])
            yield ast.Call(changed, node.args, node.keywords)
        for keyword in node.keywords:
            if keyword.arg is not None and self._may_be_left_out(node.func, keyword.arg):
                kept = [one for one in node.keywords if one is not keyword]
                yield ast.Call(node.func, node.args, kept)

    def _may_be_left_out(self, function: ast.expr, keyword: str) -> bool:
        """Whether a call without the argument is one that Python would accept."""
        first, *attributes = ast.unparse(function).split(".")
        called = self.names.get(first)
        for attribute in attributes:
            called = getattr(called, attribute, None)
        try:
            parameters = inspect.signature(called).parameters  # type: ignore[arg-type]  # it tells
        except (TypeError, ValueError):
            return False
        if keyword in parameters:
            return parameters[keyword].default is not inspect.Parameter.empty
        return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())


def _uses_super(function: Function) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "super" for one in ast.walk(function))


def _inside(node: ast.AST, scope: Scope) -> Scope:
    name, function, answers = scope.name, scope.function, scope.answers
    if isinstance(node, Function | ast.ClassDef) and function is None:
        name = f"{name}.{node.name}".lstrip(".")
    if isinstance(node, Function):
        answers = ast.unparse(node.returns).strip("'\"") if node.returns else ""
        function = function or node
    return Scope(name, function, answers, node if isinstance(node, ast.stmt) else scope.statement)


def _left_alone(node: ast.AST) -> bool:
    """Messages, docstrings, assertions, what only the type checker reads, and what cannot be."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.JoinedStr():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            return True
        case ast.Call(func=ast.Name(id="cast" | "TypeVar" | "NewType")):
            return True
        case ast.Constant(value=str() as text):
            return " " in text  # a sentence
        case _:
            return False


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, operators, others):
            for index, operator in enumerate(operators):
                changed: list[ast.cmpop] = [*operators]
                changed[index] = _COMPARED[type(operator)]()
                yield ast.Compare(left, changed, others)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for index in range(len(values)):
                kept = values[:index] + values[index + 1 :]
                yield kept[0] if len(kept) == 1 else ast.BoolOp(operator, kept)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.BinOp(left, operator, right):
            yield left
            if not isinstance(operator, ast.Sub):
                yield right
            if isinstance(operator, ast.Add | ast.Sub) and _counts(left, right):
                yield ast.BinOp(left, _opposite(operator), right)
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Constant():
            yield from _constants(node)


def _counts(*operands: ast.expr) -> bool:
    """Whether it is arithmetic; bytes and sets know no opposite."""
    return any(isinstance(one, ast.Constant) or "timedelta" in ast.unparse(one) for one in operands)


def _opposite(operator: ast.Add | ast.Sub) -> ast.operator:
    return ast.Sub() if isinstance(operator, ast.Add) else ast.Add()


def _constants(node: ast.Constant) -> Iterator[ast.expr]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int():
            yield ast.Constant(node.value + 1)
        case str():
            yield ast.Constant(f"{node.value}_")
        case bytes():
            yield ast.Constant(node.value + b"_")


def _statements(node: ast.stmt, scope: Scope) -> Iterator[ast.stmt]:
    match node:
        case ast.If():
            yield from _guards(node)
        case ast.Expr(ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.Raise() | ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Match(subject, cases) if not _closed(cases):
            for case in cases[:-1]:
                yield ast.Match(subject, [one for one in cases if one is not case])
        case ast.Return(value) if value is not None:
            for answer in _answers(scope.answers):
                if ast.unparse(value) != answer:
                    yield ast.Return(ast.parse(answer, mode="eval").body)


def _guards(node: ast.If) -> Iterator[ast.stmt]:
    if not node.orelse and isinstance(node.body[-1], ast.Raise | ast.Return | ast.Continue):
        yield ast.Pass()
    elif not isinstance(node.test, ast.Compare | ast.BoolOp):
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)


def _closed(cases: list[ast.match_case]) -> bool:
    """Whether the last case says that there is no other: then a missing one is no slip."""
    return "assert_never" in ast.unparse(cases[-1].body[0]) or cases[-1].guard is not None


def _answers(kind: str) -> Iterator[str]:
    if kind == "bool":
        yield from ("True", "False")
    if kind.endswith("| None"):
        yield "None"
    if kind.partition("[")[0] in _EMPTY:
        yield _EMPTY[kind.partition("[")[0]]


def _clauses(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.comprehension(target, iterable, conditions, is_async):
            for condition in conditions:
                kept = [one for one in conditions if one is not condition]
                yield ast.comprehension(target, iterable, kept, is_async)
        case ast.match_case(pattern, guard, body) if guard is not None:
            yield ast.match_case(pattern, ast.copy_location(ast.Constant(value=True), guard), body)
        case ast.MatchOr(patterns):
            for index in range(len(patterns)):
                kept_patterns = patterns[:index] + patterns[index + 1 :]
                yield kept_patterns[0] if len(kept_patterns) == 1 else ast.MatchOr(kept_patterns)


def _located(node: ast.AST) -> ast.AST:
    """The first node at or below this one that has a line: clauses have none of their own."""
    return next(one for one in ast.walk(node) if hasattr(one, "lineno"))


def _span(node: ast.AST, scope: Scope) -> tuple[int, int]:
    """First and last line; of a compound statement the head, which runs whatever follows."""
    match node:
        case ast.If(test=head) | ast.While(test=head) | ast.Match(subject=head):
            return _span(head, scope)
        case ast.For(iter=head) | ast.comprehension(iter=head):
            return _span(head, scope)
        case ast.match_case(guard=ast.expr() as head):
            return _span(head, scope)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.lineno, node.end_lineno or node.lineno)
        case ast.With(items=[item, *_]):
            return _span(item.context_expr, scope)
        case _:
            where = _located(node)
            return (getattr(where, "lineno", 0), getattr(where, "end_lineno", 0))


def _text(node: ast.AST) -> str:
    match node:
        case ast.If():
            return ast.unparse(ast.If(node.test, [ast.Expr(ast.Constant(...))], []))
        case ast.Match(subject, cases):
            shown = [ast.unparse(case.pattern) for case in cases]
            return f"match {ast.unparse(subject)}: {' / '.join(shown)}"
        case ast.match_case(pattern, guard):
            return f"case {ast.unparse(pattern)} if {ast.unparse(guard) if guard else True}"
        case _:
            return ast.unparse(node)


def _put(place: Place, node: ast.AST) -> None:
    parent, name, index = place
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node
