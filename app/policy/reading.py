"""Reading tables of a TOML file into frozen classes, collecting every fault with its key path."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Final, TypeVar

import msgspec

from app.identifiers import is_word
from app.policy.durations import Duration

_Row = TypeVar("_Row")
_Value = TypeVar("_Value", int, str, date)

STRUCTURE_BYTES_MAX: Final = 1_000_000
"""No policy is longer; a larger file is refused before it is parsed."""

_FINDING_CODE: Final = re.compile(r"[A-Z]{1,4}[0-9]{1,3}")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a file: where, as a dotted key path, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        """The line that a person reads."""
        return f"{self.where}: {self.what}"


class PolicyInvalid(ValueError):
    """The file cannot be a policy or law file; `faults` name every place by its key path."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


def parse_toml(structure: bytes) -> dict[str, object]:
    """The document in the bytes; `PolicyInvalid` when they are too many, not UTF-8 or not TOML."""
    if len(structure) > STRUCTURE_BYTES_MAX:
        raise PolicyInvalid([Fault("file", f"longer than {STRUCTURE_BYTES_MAX} bytes")])
    try:
        return tomllib.loads(structure.decode("utf-8"))
    except UnicodeDecodeError:
        raise PolicyInvalid([Fault("file", "not UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid([Fault("file", f"not TOML: {error}")]) from None


def is_finding_code(key: str) -> bool:
    """Whether a key has the shape of a finding's code, such as X1."""
    return _FINDING_CODE.fullmatch(key) is not None


class DocumentReader:
    """Takes tables out of a document one by one; whatever is left at the end is a fault."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._left = dict(document)
        self._faults: list[Fault] = []

    def table(
        self,
        name: str,
        row_type: type[_Row],
        *,
        key_field: str = "key",
        key_shape: Callable[[str], bool] = is_word,
    ) -> dict[str, _Row]:
        """All rows of one table by their keys; faulty rows are left out and reported."""
        rows = self._left.pop(name, {})
        if not isinstance(rows, dict):
            self._faults.append(Fault(name, "must be a table"))
            return {}
        read: dict[str, _Row] = {}
        for key, row in rows.items():
            where = f'{name}."{key}"' if "." in key else f"{name}.{key}"
            if not key_shape(key):
                self._faults.append(Fault(where, "the key has not the shape of a key"))
            elif (found := self._row(where, row, row_type, {key_field: key})) is not None:
                read[key] = found
        return read

    def rows(self, name: str, row_type: type[_Row]) -> tuple[_Row, ...]:
        """All rows of an array of tables, in their order."""
        rows = self._left.pop(name, [])
        if not isinstance(rows, list):
            self._faults.append(Fault(name, "must be an array of tables"))
            return ()
        read = (self._row(f"{name}[{index}]", row, row_type, {}) for index, row in enumerate(rows))
        return tuple(row for row in read if row is not None)

    def single(self, name: str, row_type: type[_Row]) -> _Row:
        """A table that has exactly one row; without it nothing else can be read."""
        row = self._row(name, self._left.pop(name, None), row_type, {})
        if row is None:
            raise PolicyInvalid(self._faults)
        return row

    def scalar(self, name: str, kind: type[_Value]) -> _Value:
        """A value at the top of the document; without it nothing else can be read."""
        value = self._left.pop(name, None)
        if type(value) is not kind:
            self._faults.append(Fault(name, f"must be given, as {kind.__name__}"))
            raise PolicyInvalid(self._faults)
        return value

    def finish(self) -> None:
        """Raise everything found, the tables and values that nobody asked for included."""
        self._faults.extend(Fault(name, "is not known here") for name in self._left)
        if self._faults:
            raise PolicyInvalid(sorted(self._faults))

    def _row(
        self, where: str, row: object, row_type: type[_Row], key: Mapping[str, str]
    ) -> _Row | None:
        if not isinstance(row, dict):
            self._faults.append(Fault(where, "must be a table"))
            return None
        known = {field.name for field in fields(row_type)}  # type: ignore[arg-type]  # dataclasses
        strange = [
            Fault(f"{where}.{field}", "is not known here") for field in row if field not in known
        ]
        self._faults.extend(strange)
        try:
            value = msgspec.convert(_with_durations(row) | dict(key), row_type)
        except ValueError as error:  # a period that is none, or msgspec's own ValidationError
            self._faults.append(Fault(where, str(error)))
            return None
        return None if strange else value


def _with_durations(row: Mapping[str, object]) -> dict[str, object]:
    """ISO 8601 text in a field for a period becomes the fields of a `Duration`."""
    spelled = dict(row)
    for name in _PERIODS & spelled.keys():
        text = spelled[name]
        if isinstance(text, str):
            period = Duration.parse(text)
            spelled[name] = {"months": period.months, "days": period.days}
    return spelled


_PERIODS = frozenset({"keep", "consent_keep"})
