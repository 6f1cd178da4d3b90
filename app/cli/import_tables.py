"""A table and its mapping as an operator names them: checked here before anything is sent."""

import json
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.cli.answers import CommandFailed, refused
from app.cli.import_batches import Form, pieces_of
from app.propagation.mapping import MappingFlaw, MappingInvalid, compiled
from app.propagation.tables import Cutter, Flaw, Unreadable, opened

FLAWS: Final = {
    Flaw.DELIMITER: "none of the columns that the mapping names, letter by letter, is found in its"
    " first row; the mapping can name a delimiter",
    Flaw.EMPTY: "its first row is empty, and the names of the columns belong there",
    Flaw.QUOTES: "a quote of its first row is not closed, or stands within a cell",
    Flaw.TOO_LONG: "its first row does not end",
    Flaw.ENCODING: "the names of its columns are not in UTF-8",
    Flaw.NUL: "it holds NUL, as UTF-16 does; UTF-8 is needed",
}
"""What is wrong with the first row, in the operator's words."""


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table whose first row fits its mapping."""

    form: Form
    end: int
    """Bytes of the first row."""
    document: Mapping[str, Any] = field(repr=False)
    columns: Sequence[str] = field(repr=False)


def read_mapping(file: Path) -> dict[str, Any]:
    """The mapping in a TOML or JSON file."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as failure:
        told = f"cannot read {file}: {failure.strerror}"
        raise refused("mapping-unreadable", told) from None
    except UnicodeDecodeError:
        raise refused("mapping-unreadable", f"{file} cannot be read as text in UTF-8") from None
    try:
        document = json.loads(text, object_pairs_hook=_once) if _is_json(file) else _toml(text)
    except ValueError as fault:  # of TOML and of JSON: both tell the line
        raise refused("mapping-unreadable", f"{file}: {fault}") from None
    if not isinstance(document, dict):
        raise refused("mapping-unreadable", f"{file} holds no table of members")
    return document


def mapped(file: Path, document: dict[str, Any], *, line_size_max: int) -> MappedTable:
    """Reads the first row and tells what does not fit, by the names in the operator's own files."""
    head, columns = (b"", 0), tuple[str, ...]()
    try:
        mapping = compiled(document)
        head = _head(file, line_size_max)
        table = opened(head[0], mapping.columns, mapping.delimiter)
        columns = table.columns
        mapping.bound(columns)
    except MappingInvalid as invalid:
        found = MappedTable(Form(), head[1], document, columns)
        raise mapping_invalid(invalid.flaws, found) from None
    except Unreadable as unreadable:
        told = f"{file} cannot be read as a table: {FLAWS.get(unreadable.flaw, unreadable.flaw)}"
        raise refused("table-unreadable", told) from None
    # The delimiter is settled once, for all requests.
    sent = json.dumps(document | {"delimiter": table.delimiter}, default=str)
    header = urlsafe_b64encode(sent.encode()).decode()
    headers = {"content-type": "text/csv", "import-mapping": header}
    return MappedTable(Form(headers, head[0] + b"\n"), head[1], document, columns)


def mapping_invalid(flaws: Iterable[MappingFlaw], table: MappedTable) -> CommandFailed:
    """Every flaw of a mapping, in the words of its file."""
    details = [f"{flaw.code}: {_named(flaw, table)}" for flaw in flaws]
    return refused("mapping-invalid", "the mapping does not fit", details=details)


def told_flaws(errors: Sequence[Mapping[str, Any]]) -> Iterator[MappingFlaw]:
    """The flaws that the service found, which knows the policy."""
    for error in errors:
        parts = str(error.get("pointer", "")).split("/")[1:]
        place = tuple(int(part) if part.isdecimal() else part for part in parts)
        yield MappingFlaw(str(error["code"]), place, error.get("column"))


def _head(file: Path, line_size_max: int) -> tuple[bytes, int]:
    with file.open("rb") as stream:
        for piece in pieces_of(stream, Cutter(first=1, size_max=line_size_max, quoted=True)):
            if piece.flaw is not None:
                raise Unreadable(piece.flaw)
            return (piece.text.rstrip(b"\r"), piece.end) if piece.number == 1 else (b"", 0)
    return b"", 0


def _named(flaw: MappingFlaw, table: MappedTable) -> str:
    if flaw.column is not None:
        return f"column {flaw.column}, {table.columns[flaw.column - 1]!r}"
    value: Any = _line(table.document)
    names = ""
    for part in flaw.place:
        # A place in `data` is counted: the service repeats no name that it was given.
        step: str | int = part
        if isinstance(part, int) and isinstance(value, Mapping):
            step = str(list(value)[part])
        names += f"[{step}]" if isinstance(step, int) else f".{step}"
        value = _member(value, step)
    column = value.get("column") if isinstance(value, Mapping) else None
    return names.removeprefix(".") + ("" if column is None else f" (column {column!r})")


def _line(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: one for name, one in document.items() if name not in ("delimiter", "ignore")}


def _member(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) else None


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members
