"""Turns a statement into a Python function on the rows of one person: the fold of a rebuild.

A rebuild reads one person after the other and holds their rows in memory; what a handler answers
is carried out there, and the rows are copied to the database at the end. The function is written
from the statement itself, so there is nothing to keep equal by hand. A condition is true in Python
exactly when it is TRUE in SQL: unknown, which NULL gives, counts as not true and as not false.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, Column, Executable, Table, Text
from sqlalchemy.sql import operators as op
from sqlalchemy.sql import sqltypes
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    Case,
    ClauseList,
    CollectionAggregate,
    ColumnClause,
    False_,
    Grouping,
    Null,
    True_,
    UnaryExpression,
)
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Join, Select

Row: TypeAlias = list[Any]  # what the columns hold, in the order of the table
Rows: TypeAlias = dict[str, list[Row]]
"""The rows of one person, by the name of their table."""
Apply: TypeAlias = Callable[[Rows, tuple[Any, ...]], None]

Expression: TypeAlias = Any  # elements of SQL, told apart by `match`

_ORDER = {op.lt: "<", op.le: "<=", op.gt: ">", op.ge: ">="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class NotInMemory(Exception):
    """The statement says something that is not understood here: the database carries it out."""


def in_memory(core: Executable, given: tuple[str, ...]) -> Apply:
    """What the statement does to the rows of one person when it is given a row of such columns.

    The first is the one that all rows of the person have in common.
    """
    source = _Source(given)
    match core:
        case Insert():
            lines = source.inserting(core)
        case Update():
            lines = source.updating(core)
        case Delete():
            lines = source.deleting(core)
        case _:
            raise NotInMemory(type(core).__name__)
    each = f"    {', '.join(source.given.values())}, = given"
    text = "\n".join(["def apply(rows, given):", each, *(f"    {line}" for line in lines)])
    made: dict[str, Any] = {}
    exec(text, source.constants, made)  # noqa: S102  # written above from a declared statement, at import
    apply: Apply = made["apply"]
    return apply


class _Source:
    """Python source of one statement, with the names that it uses."""

    def __init__(self, given: tuple[str, ...]) -> None:
        self._subject = given[0]
        self.given = {name: f"given_{number}" for number, name in enumerate(given)}
        """Given column -> local name."""
        self.constants: dict[str, Any] = {}

    def inserting(self, core: Insert) -> list[str]:
        chosen = core.select
        if not isinstance(chosen, Select) or core._post_values_clause is not None:  # noqa: SLF001  # no other way to see an ON CONFLICT
            raise NotInMemory("an insert of another kind")
        conditions = list(chosen._where_criteria)  # noqa: SLF001  # one by one, to be put in order
        [source] = chosen.get_final_froms()
        values = dict(
            zip(core._select_names or (), chosen.selected_columns, strict=True)  # noqa: SLF001  # the columns of from_select
        )
        row = ", ".join(
            self.value(values[column.name]) if column.name in values else self._default(column)
            for column in _table(core).columns
        )
        into = f"rows[{_table(core).name!r}]"
        match source:
            case Join(right=Table() as other, onclause=on, isouter=False):
                where = self.where([on, *conditions])
                return [f"{into} += [[{row}] for row in rows[{other.name!r}] if {where}]"]
            case Table() | Join():
                raise NotInMemory("an insert from other tables")
            case _ if conditions:
                return [f"if {self.where(conditions)}:", f"    {into}.append([{row}])"]
            case _:
                return [f"{into}.append([{row}])"]

    def updating(self, core: Update) -> list[str]:
        table = _table(core)
        changed: dict[Any, Any] = core._values or {}  # noqa: SLF001  # what is set
        places = ", ".join(f"row[{_index(table, key)}]" for key in changed)
        values = ", ".join(self.value(value) for value in changed.values())
        return [
            f"for row in rows[{table.name!r}]:",
            f"    if {self.where(list(core._where_criteria))}:",  # noqa: SLF001  # one by one
            f"        {places} = {values}",
        ]

    def deleting(self, core: Delete) -> list[str]:
        where = self.where(list(core._where_criteria))  # noqa: SLF001  # one by one
        rows = f"rows[{_table(core).name!r}]"
        return [f"{rows} = [row for row in {rows} if not ({where})]"]

    def where(self, conditions: list[Expression]) -> str:
        """True where all hold; the cheap ones first."""
        single = [one for condition in conditions for one in _conjuncts(condition)]
        said = [self.true(one) for one in single if not self._is_of_the_person(one)]
        return " and ".join(sorted(said, key=len)) or "True"

    def _is_of_the_person(self, condition: Expression) -> bool:
        """All rows here are: the subject of a row is the subject that is given."""
        if not isinstance(condition, BinaryExpression) or condition.operator is not op.eq:
            return False
        sides = (condition.left, condition.right)
        return all(isinstance(side, ColumnClause) and side.name == self._subject for side in sides)

    def true(self, condition: Expression) -> str:
        """Holds when the condition is TRUE."""
        match condition:
            case Grouping():
                return self.true(condition.element)
            case BooleanClauseList():
                word = " and " if condition.operator is op.and_ else " or "
                return f"({word.join(self.true(one) for one in condition.clauses)})"
            case UnaryExpression(operator=op.inv):
                return self.false(condition.element)
            case UnaryExpression(operator=op.is_true):
                return self.true(condition.element)
            case UnaryExpression(operator=op.is_false):
                return self.false(condition.element)
            case BinaryExpression():
                return self._compared(condition, holds=True)
            case True_() | False_():
                return str(isinstance(condition, True_))
            case ColumnClause(type=sqltypes.Boolean()):
                return f"({self.value(condition)} is True)"
            case _:
                raise NotInMemory(type(condition).__name__)

    def false(self, condition: Expression) -> str:
        """Holds when the condition is FALSE, which not being TRUE is not enough for."""
        match condition:
            case Grouping():
                return self.false(condition.element)
            case BooleanClauseList():
                word = " or " if condition.operator is op.and_ else " and "
                return f"({word.join(self.false(one) for one in condition.clauses)})"
            case UnaryExpression(operator=op.inv | op.is_false):
                return self.true(condition.element)
            case UnaryExpression(operator=op.is_true):
                return self.false(condition.element)
            case BinaryExpression():
                return self._compared(condition, holds=False)
            case ColumnClause(type=sqltypes.Boolean()):
                return f"({self.value(condition)} is False)"
            case _:
                raise NotInMemory(type(condition).__name__)

    def _compared(self, condition: "BinaryExpression[Any]", *, holds: bool) -> str:
        left, right, operator = condition.left, condition.right, condition.operator
        if operator in (op.is_not_distinct_from, op.is_distinct_from):
            same = holds is (operator is op.is_not_distinct_from)
            return f"({self.value(left)} {'==' if same else '!='} {self.value(right)})"
        if operator in (op.is_, op.is_not):
            same = holds is (operator is op.is_)
            return f"({self.value(left)} {'is' if same else 'is not'} {self.value(right)})"
        if operator in (op.in_op, op.not_in_op):
            inside = holds is (operator is op.in_op)
            return self._known(
                [left], f"{self.value(left)} {'in' if inside else 'not in'} {self._several(right)}"
            )
        if isinstance(right, CollectionAggregate) and right.operator is op.any_op:
            if operator is not op.eq:
                raise NotInMemory("ANY of another comparison")
            array = right.element
            word = "in" if holds else "not in"
            return self._known([left, array], f"{self.value(left)} {word} {self.value(array)}")
        return self._known([left, right], self._ordered(left, right, operator, holds=holds))

    def _ordered(self, left: Expression, right: Expression, operator: Any, *, holds: bool) -> str:
        if operator in (op.eq, op.ne):
            word = "==" if holds is (operator is op.eq) else "!="
        elif operator in _ORDER and not isinstance(left.type, Text):  # texts follow a collation
            word = _ORDER[operator] if holds else _OPPOSITE[_ORDER[operator]]
        elif getattr(operator, "opstring", None) == "&&" and isinstance(left.type, ARRAY):
            apart = f"set({self.value(left)}).isdisjoint({self.value(right)})"
            return f"not {apart}" if holds else apart
        else:
            raise NotInMemory("another comparison")
        return f"{self.value(left)} {word} {self.value(right)}"

    def _known(self, operands: list[Expression], comparison: str) -> str:
        """The comparison, where none of its operands is NULL: else it is unknown."""
        known = [f"{self.value(one)} is not None" for one in operands if _may_be_null(one)]
        return f"({' and '.join([*known, comparison])})"

    def value(self, expression: Expression) -> str:
        """The value of an expression, None for NULL."""
        match expression:
            case Grouping():
                return self.value(expression.element)
            case Column() if isinstance(expression.table, Table):
                return f"row[{_index(expression.table, expression)}]"
            case ColumnClause(is_literal=True):
                return repr(_literal(expression.name))
            case ColumnClause():
                return self.given[expression.name]
            case BindParameter():
                return self._constant(expression.value)
            case Null():
                return "None"
            case True_() | False_():
                return str(isinstance(expression, True_))
            case Case():
                return self._case(expression)
            case FunctionElement():
                return self._function(expression)
            case _:
                raise NotInMemory(type(expression).__name__)

    def _constant(self, value: Any) -> str:
        if value is None:
            raise NotInMemory("a value that is not known yet")
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def _several(self, expression: Expression) -> str:
        match expression:
            case Grouping():
                return self._several(expression.element)
            case ClauseList():
                return f"({', '.join(self.value(one) for one in expression.clauses)},)"
            case BindParameter():
                return self._constant(tuple(expression.value or ()))
            case _:
                raise NotInMemory(type(expression).__name__)

    def _case(self, expression: "Case[Any]") -> str:
        otherwise = "None" if expression.else_ is None else self.value(expression.else_)
        if expression.value is not None:
            raise NotInMemory("a case of one value")
        for condition, value in reversed(expression.whens):
            otherwise = f"({self.value(value)} if {self.true(condition)} else {otherwise})"
        return otherwise

    def _function(self, expression: "FunctionElement[Any]") -> str:
        told = [self.value(one) for one in expression.clauses]
        match getattr(expression, "name", ""), told:
            case "cardinality", [array]:
                return f"(None if {array} is None else len({array}))"
            case "array_append", [array, element]:
                return f"[*({array} or ()), {element}]"
            case "array_remove", [array, element]:
                return f"[one for one in {array} if one != {element}]"
            case "coalesce", [first, second]:
                return f"({second} if {first} is None else {first})"
            case name, _:
                raise NotInMemory(name)

    def _default(self, column: "Column[Any]") -> str:
        if column.server_default is None:
            return "None"
        return repr(_literal(str(getattr(column.server_default, "arg", ""))))


def _conjuncts(condition: Expression) -> list[Expression]:
    match condition:
        case Grouping():
            return _conjuncts(condition.element)
        case BooleanClauseList(operator=op.and_):
            return [one for clause in condition.clauses for one in _conjuncts(clause)]
        case _:
            return [condition]


def _index(table: Table, column: Any) -> int:
    return [one.name for one in table.columns].index(getattr(column, "name", column))


def _table(core: Insert | Update | Delete) -> Table:
    assert isinstance(core.table, Table), "rows are of tables"
    return core.table


def _may_be_null(expression: Expression) -> bool:
    match expression:
        case Grouping():
            return _may_be_null(expression.element)
        case Column() if isinstance(expression.table, Table):
            return bool(expression.nullable)
        case BindParameter() | ColumnClause(is_literal=True):
            return False
        case _:
            return True


def _literal(text: str) -> str | int | bool | None:
    """A constant of a statement: a word in quotes, a number, a truth value or NULL."""
    if len(text) >= 2 and text[0] == text[-1] == "'" and "'" not in text[1:-1]:
        return text[1:-1]
    if text.removeprefix("-").isdigit():
        return int(text)
    known = {"true": True, "false": False, "null": None}
    if text.lower() not in known:
        raise NotInMemory("another constant")
    return known[text.lower()]
