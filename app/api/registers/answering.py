"""How every register is asked and answered: paging, cut, waiting, columns, and three forms."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.responses import Response, StreamingResponse

from app.api.answers import answer
from app.api.bodies import MomentField, WordField
from app.api.call import Call
from app.api.operations import Endpoint, operation
from app.api.paging import LIMIT_MAX, cursor, place_in
from app.api.registers.words import check_words
from app.auth import Scope
from app.documents.delimited import heading, lines
from app.domain.purpose_limitation import purpose_named
from app.domain.register import RecordRegisterReading
from app.events.registers import RegisterForm
from app.projections.projection import Projection
from app.registers.moments import checked
from app.registers.table import Columns, Part, Question, Row
from app.registers.waiting import PositionAhead, reached
from app.registers.workbook import MEDIA_TYPE as XLSX
from app.registers.workbook import ROWS_MAX, ExportTooLarge, workbook
from app.rights.as_of import parse_as_of

CSV = "text/csv; charset=utf-8; header=present"
EXPORT_PAGE = 1000
PROBLEMS = (
    "as-of-malformed",
    "as-of-in-future",
    "as-of-before-first-event",
    "column-unknown",
    "cursor-invalid",
    "export-too-large",
    "ledger-busy",
    "position-ahead",
    "projection-lagging",
    "purpose-unknown",
)
Read = Callable[[Call, Question], Awaitable[Part]]


class Asked(BaseModel):
    """What every register can be asked with; a parameter that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: int = Field(50, ge=1, le=LIMIT_MAX, description="Rows a page of JSON.")
    cursor: str | None = Field(None, max_length=200, description="`next` of the page before.")
    as_of: str | None = Field(
        None, max_length=40, description="A position of the log, or an RFC 3339 time."
    )
    min_position: int | None = Field(
        None, ge=0, le=2**53 - 1, description="Waits until the register has read so far."
    )
    format: RegisterForm | None = Field(
        None, description="Goes before the Accept header. CSV and XLSX have every row."
    )
    columns: Annotated[list[WordField], Field(max_length=60)] = Field(
        default_factory=list, description="The columns wanted; what is not shown is not opened."
    )


class AskedOverTime(Asked):
    """A register whose rows can be narrowed to a span of recorded time."""

    recorded_from: MomentField | None = Field(None, description="Recorded then or later.")
    recorded_before: MomentField | None = Field(None, description="Recorded before then.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register as the surface offers it."""

    name: str
    path: str
    columns: Columns
    read: Read
    about_people: bool
    """Whether its rows name people: then a purpose is named, and the reading is recorded (L3)."""
    projections: tuple[Projection, ...] = ()
    """What it is read from, and waited for."""
    nested: Mapping[str, str] = field(default_factory=dict)
    """Members of a JSON row that no table has a column for, and what each says."""
    open: bool = False
    """Whether a row has further members, one for each category that may be read."""


def body_of(register: Register) -> type[BaseModel]:
    """One page, for the document: every column with what it says."""
    members: dict[str, Any] = {
        column.name: (Any, Field(None, description=column.description))
        for column in register.columns.every
    }
    members |= {
        name: (Any, Field(None, description=said)) for name, said in register.nested.items()
    }
    stem = "".join(part.capitalize() for part in register.name.replace("-", "_").split("_"))
    row = create_model(
        f"{stem}Row",
        __doc__=f"One row of the register {register.name}.",
        __config__=ConfigDict(extra="allow") if register.open else None,
        **members,
    )
    page: type[BaseModel] = create_model(
        f"{stem}Register",
        __doc__="One page, true at `stands_at`.",
        items=(list[row], Field(max_length=LIMIT_MAX)),  # type: ignore[valid-type]  # a class made just now
        next=(str | None, Field(description="Cursor of the next page.", max_length=200)),
        self=(str, Field(max_length=2000)),
        stands_at=(int, Field(description="The last position of the log that it knows.", ge=-1)),
        as_of=(str | None, Field(max_length=40)),
    )
    return page


def offered(
    routes: APIRouter,
    register: Register,
    *,
    scope: Scope,
    summary: str,
    clauses: Sequence[str],
    law: Sequence[str],
    example: Any,  # Any: a JSON value
    problems: Sequence[str] = (),
) -> Callable[[Endpoint], Endpoint]:
    """Declares the operation of a register, with its forms and all that it can be refused with."""
    return operation(
        routes,
        "GET",
        register.path,
        scope=scope,
        answers=body_of(register),
        summary=summary,
        problems=(*PROBLEMS, *problems),
        clauses=clauses,
        law=law,
        purpose=register.about_people,
        example=example,
        forms=(CSV, XLSX),
    )


async def answered(
    register: Register,
    call: Call,
    asked: Asked,
    *,
    headings: Mapping[str, str] | None = None,
) -> Response:
    """The answer in the form that was asked for; ``headings`` are those of a spreadsheet."""
    service, form = call.service, _form(call, asked)
    names = register.columns.chosen(asked.columns)
    question = await _question(register, call, asked, names)
    filters = tuple(sorted(question.filters))
    if form is not RegisterForm.JSON:
        question = replace(question, limit=EXPORT_PAGE)
    first = await register.read(call, question)
    if register.about_people and asked.cursor is None:
        reading = RecordRegisterReading(
            register=register.name,
            purpose=call.purpose(),
            form=form,
            filters=filters,
            stands_at=first.stands_at,
        )
        await service.control.register(reading, call.reading())
    match form:
        case RegisterForm.JSON:
            return _page(register, call, asked, (names, first))
        case RegisterForm.CSV:
            return _stream(register, call, question, (names, first))
        case RegisterForm.XLSX:
            rows = await _every(register, call, question, first)
            titles = [(headings or {}).get(name, name) for name in names]
            made = workbook(rows, names, headings=titles, title=register.name)
            return Response(made, media_type=XLSX, headers=_attached(register, "xlsx", first))


def without(question: Question, switch: str) -> tuple[bool, Question]:
    """A switch of the query that is no column, and the question without it."""
    filters = {name: value for name, value in question.filters.items() if name != switch}
    return bool(question.filters.get(switch)), replace(question, filters=filters)


async def _question(
    register: Register, call: Call, asked: Asked, names: tuple[str, ...]
) -> Question:
    service = call.service
    if register.about_people:
        purpose_named(call.purpose(), (await service.ledger.rules()).policy)
    await check_words(asked, service.rulebook)
    cut = parse_as_of(asked.as_of)
    head = await checked(cut, service.store, service.pool, service.ledger.clock())
    # A cut is of what was recorded, not of what a projection happens to have read of it.
    wanted = max(asked.min_position or -1, head if cut else -1)
    if wanted > head:
        raise PositionAhead(head=head)
    await reached(service.pool, register.projections, wanted)
    return Question(
        limit=asked.limit,
        after=place_in(service.store, _listing(register, asked), asked.cursor),
        as_of=cut,
        filters=_filters(asked),
        shown=frozenset(names),
    )


def _filters(asked: Asked) -> dict[str, Any]:
    own = asked.model_dump(exclude=set(Asked.model_fields))
    return {name: value for name, value in own.items() if value is not None}


def _listing(register: Register, asked: Asked) -> str:
    """What a cursor belongs to: the register, its filters and its cut."""
    query = {**_filters(asked), "as_of": asked.as_of}
    return f"registers/{register.name}?{urlencode(sorted(query.items()))}"


def _form(call: Call, asked: Asked) -> RegisterForm:
    if asked.format is not None:
        return asked.format
    accepted = call.request.headers.get("accept", "")
    if "text/csv" in accepted:
        return RegisterForm.CSV
    return RegisterForm.XLSX if XLSX in accepted else RegisterForm.JSON


def _page(
    register: Register, call: Call, asked: Asked, found: tuple[tuple[str, ...], Part]
) -> Response:
    names, part = found
    following = (
        None
        if part.following is None
        else cursor(call.service.store, _listing(register, asked), part.following)
    )
    told = names if asked.columns else (*names, *register.nested)
    kept = [pair for pair in call.request.query_params.multi_items() if pair[0] != "cursor"]
    base = f"{register.path}?{urlencode(kept)}" if kept else register.path
    joint = "&" if kept else "?"
    headers = {"link": f'<{base}{joint}cursor={following}>; rel="next"'} if following else {}
    body = {
        "items": [{name: row.get(name) for name in told} for row in part.rows],
        "next": following,
        "self": base,
        "stands_at": part.stands_at,
        "as_of": asked.as_of,
    }
    return answer(body, headers=headers)


async def _parts(
    register: Register, call: Call, question: Question, first: Part
) -> AsyncIterator[Part]:
    part = first
    yield part
    while part.following is not None:
        following = replace(question, after=part.following)
        part = await register.read(call, following)
        yield part


def _stream(
    register: Register, call: Call, question: Question, found: tuple[tuple[str, ...], Part]
) -> Response:
    names, first = found

    async def written() -> AsyncIterator[bytes]:
        yield heading(names)
        async for part in _parts(register, call, question, first):
            yield lines(part.rows, names)

    return StreamingResponse(written(), media_type=CSV, headers=_attached(register, "csv", first))


async def _every(register: Register, call: Call, question: Question, first: Part) -> list[Row]:
    """All rows; refused before more are read than a spreadsheet may have."""
    rows: list[Row] = []
    async for part in _parts(register, call, question, first):
        rows += part.rows
        if len(rows) > ROWS_MAX:
            raise ExportTooLarge(rows_max=ROWS_MAX)
    return rows


def _attached(register: Register, ending: str, first: Part) -> dict[str, str]:
    return {
        "content-disposition": f'attachment; filename="{register.name}.{ending}"',
        "ledger-position": str(first.stands_at),
    }
