"""The body of an import, cut and read: NDJSON, or CSV with a mapping in a header."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from app.api.import_lines import ImportedConsentBody, ImportLineBody
from app.api.strict_json import MalformedJson, parse
from app.api.subjects import NoticeBody, ObtainedBody, RelationshipBody
from app.policy.model import Policy
from app.propagation.mapping import (
    BoundMapping,
    Cell,
    MappingFlaw,
    MappingInvalid,
    TableMapping,
    compiled,
    leaves,
)
from app.propagation.tables import BYTE_ORDER_MARK, Cutter, Flaw, Piece, Table, Unreadable, opened

MAPPING_LENGTH_MAX: Final = 16_384
FIRST_ROW: Final = 2
"""The names of the columns are row 1."""
_STANDS_FOR_A_CELL: Final = "x"
_MEMBERS: Final = frozenset({"delimiter", "ignore"}).union(
    *(
        body.model_fields
        for body in (
            ImportLineBody,
            ImportedConsentBody,
            NoticeBody,
            ObtainedBody,
            RelationshipBody,
        )
    )
)


class NdjsonBody:
    """Lines of JSON."""

    def __init__(self, stream: AsyncIterator[bytes], *, first: int | None, size_max: int) -> None:
        self._stream = stream
        self._cutter = Cutter(first=first or 1, size_max=size_max, quoted=False)

    async def pieces(self) -> AsyncIterator[Piece]:
        """The lines, as they come."""
        at_start = True
        async for chunk in self._stream:
            if chunk:
                text = chunk.removeprefix(BYTE_ORDER_MARK) if at_start else chunk
                at_start = False
                for piece in self._cutter.feed(text):
                    yield piece
        for piece in self._cutter.finish():
            yield piece

    def value(self, piece: Piece) -> Any:  # Any: a JSON value
        """What a line says; MalformedJson when it says nothing."""
        return parse(piece.text)

    def fingerprint(self, piece: Piece) -> bytes:
        """What a repeated line has in common with the first."""
        return piece.text


@dataclass(slots=True)
class CsvBody:
    """Rows of a table whose names were read and fit the mapping."""

    _stream: AsyncIterator[bytes] = field(repr=False)
    _cutter: Cutter
    _waiting: list[Piece]
    """Rows that came with the first one."""
    _table: Table
    _mapping: BoundMapping
    _mapping_digest: bytes

    async def pieces(self) -> AsyncIterator[Piece]:
        """The rows after the names, as they come; after quotes in disorder there is no next one."""
        async for piece in self._cut():
            yield piece
            if b"\n" in piece.text and not self._in_order(piece):
                return

    async def _cut(self) -> AsyncIterator[Piece]:
        for piece in self._waiting:
            yield piece
        async for chunk in self._stream:
            for piece in self._cutter.feed(chunk):
                yield piece
        for piece in self._cutter.finish():
            yield piece

    def _in_order(self, piece: Piece) -> bool:
        try:
            self._table.cells(piece.text)
        except Unreadable as unreadable:
            return unreadable.flaw not in (Flaw.QUOTES, Flaw.COLUMNS)
        return True

    def value(self, piece: Piece) -> dict[str, Any]:
        """What a row says by the mapping; Unreadable or CellUnreadable when it cannot be told."""
        return self._mapping.line(self._table.cells(piece.text))

    def fingerprint(self, piece: Piece) -> bytes:
        """The row, and what it was read by: under another mapping it is another line."""
        return self._mapping_digest + piece.text


async def opened_csv(
    stream: AsyncIterator[bytes], header: str, policy: Policy, *, first: int | None, size_max: int
) -> CsvBody:
    """Reads the first row and checks the mapping, before anything else is read.

    MappingInvalid or Unreadable say what is wrong with the whole.
    """
    mapping, digest = _mapping(header)
    check_mapping(mapping, policy)
    names = Cutter(first=1, size_max=size_max, quoted=True)
    head, rest = await _head(stream, names)
    table = opened(head.text, mapping.columns, mapping.delimiter)
    rows = Cutter(first=first or FIRST_ROW, size_max=size_max, quoted=True, began=head.end)
    bound = mapping.bound(table.columns)
    return CsvBody(stream, rows, list(rows.feed(rest)), table, bound, digest)


def check_mapping(mapping: TableMapping, policy: Policy) -> None:
    """MappingInvalid when no row could ever be read by it, or the policy lacks what it names."""
    flaws = [*_misshapen(mapping), *_not_of_the_policy(mapping, policy)]
    if flaws:
        raise MappingInvalid(flaws, mapping.line)


def flaw_value(flaw: MappingFlaw) -> dict[str, str | int]:
    """As the problem tells it: a place by our own members and by counting, a column by its number.

    A category is its index in `data`: names that were given are not repeated.
    """
    if flaw.column is not None:
        return {"code": flaw.code, "column": flaw.column}
    known = [part for part in flaw.place if isinstance(part, int) or part in _MEMBERS]
    return {"code": flaw.code, "pointer": "".join(f"/{part}" for part in known)}


def _mapping(header: str) -> tuple[TableMapping, bytes]:
    text, document = b"", None
    try:
        if len(header) > MAPPING_LENGTH_MAX:
            raise ValueError
        text = urlsafe_b64decode(header.encode("ascii") + b"=" * (-len(header) % 4))
        document = parse(text)
    except (ValueError, binascii.Error, MalformedJson):
        pass  # told below, outside the handler, whose exception may quote it
    if not isinstance(document, dict):
        raise MappingInvalid([MappingFlaw("mapping-malformed")])
    return compiled(document), sha256(text).digest()


def _misshapen(mapping: TableMapping) -> list[MappingFlaw]:
    """What the schema of a line has against the mapping, whatever the rows may hold."""
    cells = {place for place, _ in mapping.cells()}
    try:
        ImportLineBody.model_validate(_probe(mapping.line))
    except ValidationError as invalid:
        return [
            MappingFlaw(error["type"], error["loc"])
            for error in invalid.errors(include_input=False, include_context=False)
            if error["loc"] not in cells or error["type"] == "extra_forbidden"
        ]
    return []


def _probe(value: Any) -> Any:
    match value:
        case Cell():
            return _STANDS_FOR_A_CELL
        case Mapping():
            return {name: _probe(one) for name, one in value.items()}
        case list():
            return [_probe(one) for one in value]
        case _:
            return value


def _not_of_the_policy(mapping: TableMapping, policy: Policy) -> Iterator[MappingFlaw]:
    for place, value in leaves(mapping.line):
        for text in _texts(value):
            if place == ("source",) and policy.source(text) is None:
                yield MappingFlaw("source-unknown", place)
            if place[-1] == "purpose" and policy.purpose(text) is None:
                yield MappingFlaw("purpose-unknown", place)
    obtained = mapping.line.get("obtained")
    for index, one in enumerate(obtained if isinstance(obtained, list) else ()):
        values = one.get("data") if isinstance(one, Mapping) else None
        for category in values if isinstance(values, Mapping) else ():
            place = ("obtained", index, "data", category)
            if policy.category(category) is None:
                yield MappingFlaw("category-unknown", place)
                continue
            for text in _texts(one.get("purpose")):
                purpose = policy.purpose(text)
                if purpose is not None and category not in purpose.categories:
                    yield MappingFlaw("category-not-allowed-for-purpose", place)


def _texts(value: Any) -> Iterator[str]:
    """The texts that a place can have, as far as the mapping says."""
    if isinstance(value, str):
        yield value
    if isinstance(value, Cell) and value.values is not None:
        yield from filter(None, value.values.values())


async def _head(stream: AsyncIterator[bytes], cutter: Cutter) -> tuple[Piece, bytes]:
    """The first row, and what came after it in the chunks that it came in."""
    came = b""
    async for chunk in stream:
        came += chunk
        for piece in cutter.feed(chunk):
            return _names(piece), came[piece.end :]
        if cutter.passed:
            break
    for piece in cutter.finish():
        return _names(piece), b""
    raise Unreadable(Flaw.EMPTY)


def _names(piece: Piece) -> Piece:
    if piece.flaw is not None or piece.number > 1:
        raise Unreadable(piece.flaw or Flaw.EMPTY)
    return piece
