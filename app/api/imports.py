"""Imports: a person a line of NDJSON or a row of CSV, a result each, in constant memory (A14)."""

import asyncio
from collections import deque
from typing import Annotated, Any

import asyncpg
import structlog
from fastapi import Header, HTTPException, Query, Request, Response, Security
from pydantic import ValidationError
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from app.api.bodies import ENCODER
from app.api.call import Call, authorised
from app.api.failures import request_id, validation_errors
from app.api.import_answer import Backlog, Progress
from app.api.import_body import MAPPING_LENGTH_MAX, CsvBody, NdjsonBody, flaw_value, opened_csv
from app.api.import_examples import BODY, MAPPING_HEADER
from app.api.import_lines import ImportLineBody, LineResultBody
from app.api.operations import operation, router
from app.api.problems import PROBLEMS, problem, refusal_members
from app.api.strict_json import MalformedJson
from app.auth import Scope
from app.domain.decider import Refusal
from app.propagation.importing import Line, LineResult, LineStatus, import_line, rehearse_line
from app.propagation.mapping import CellUnreadable, MappingInvalid
from app.propagation.registration import Registrar
from app.propagation.tables import Flaw, Piece, Unreadable
from app.receipts import Attribution, LedgerContended
from app.store.group_commit import LedgerBusy, LedgerUnavailable
from app.store.rulebook import PolicyUnpublished
from app.values import replace

ROUTES = router("imports")

_log: Any = structlog.get_logger("pdledger.imports")

NDJSON = "application/x-ndjson"
CSV = "text/csv"
ACCEPTED = frozenset({NDJSON, "application/jsonl", CSV})
CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})
IN_FLIGHT_MAX = 256
"""Lines that are carried out at once: enough to fill a group commit, few enough to hold."""
PROGRESS_EVERY_S = 1.0
LINES_MAX = 1_000_000_000

FAULTS: dict[tuple[type[Exception], ...], str] = {
    (MalformedJson,): "malformed-json",
    (LedgerBusy, LedgerContended): "ledger-busy",
    (PolicyUnpublished,): "policy-unpublished",
    (
        LedgerUnavailable,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
    ): "ledger-unavailable",
}
"""What a line can meet that is no refusal, and the problem that tells it."""


@operation(
    ROUTES,
    "POST",
    "/v1/imports",
    scope=Scope.IMPORTS_WRITE,
    answers=LineResultBody,
    summary="Import people",
    problems=("line-too-long", "row-unreadable", "table-unreadable", "mapping-invalid"),
    clauses=("C46", "C47", "C82"),
    law=("L2", "L16", "L29", "L41"),
    writes=True,
    media_type=NDJSON,
    body=BODY,
    example={"line": 1, "status": "recorded", "subject_id": "…", "position": 4, "problem": None},
)
async def import_people(
    request: Request,
    call: Annotated[Call, Security(authorised, scopes=[Scope.IMPORTS_WRITE])],
    *,
    dry_run: Annotated[bool, Query(description="Decide everything, append nothing.")] = False,
    first_line: Annotated[
        int | None,
        Query(
            ge=1,
            le=LINES_MAX,
            description="Number of the first line that is sent, when the others are not sent again;"
            " of the first row after the names, in a table.",
        ),
    ] = None,
    progress: Annotated[
        bool, Query(description="Tell once a second how far the import is, between the results.")
    ] = False,
    import_mapping: Annotated[
        str | None,
        Header(
            max_length=MAPPING_LENGTH_MAX,
            pattern=r"^[A-Za-z0-9_-]*={0,2}$",
            description="With `text/csv`: the mapping as JSON in base64url. It has the shape of a"
            ' line of NDJSON, with `{"column": "E-mail"}` in the place of a value.',
            examples=[MAPPING_HEADER],
        ),
    ] = None,
) -> Response:
    """Reads line by line, NDJSON or CSV with a mapping, and answers a JSON line for each, in order.

    The status is 200 even when lines are refused: every line is carried out or refused on its own,
    and its result says so. A line of more than 64,000 bytes is refused; in a table the import ends
    there, as it does where quotes leave open where the next row begins. A table whose mapping does
    not fit the policy or its columns is refused whole, before the first row. A request repeated
    with the same Idempotency-Key, as after a broken connection, records nothing twice; it may begin
    at `first_line`. Memory stays constant.
    With `progress`, lines of the form `{"progress": {"lines": 12000, "seconds_left": 8.5}}` come in
    between.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() not in ACCEPTED or charset not in CHARSETS:
        raise HTTPException(415)
    attribution = await call.attribution(reads_body=False)
    size_max = request.app.state.settings.import_line_size_max_bytes
    body: NdjsonBody | CsvBody = NdjsonBody(request.stream(), first=first_line, size_max=size_max)
    if kind.strip().lower() == CSV:
        policy = (await call.service.ledger.rules()).policy
        try:
            body = await opened_csv(
                request.stream(), import_mapping or "", policy, first=first_line, size_max=size_max
            )
        except MappingInvalid as invalid:
            errors = [flaw_value(flaw) for flaw in invalid.flaws]
            return problem("mapping-invalid", request_id(request), errors=errors)
        except Unreadable as unreadable:
            flaw = unreadable.flaw.value
            return problem("table-unreadable", request_id(request), reason=flaw)
    return _Import(call, attribution, body, rehearsal=dry_run, tells_progress=progress)


class _Import(Response):
    """Reads the request and writes the answer at once; owns the tasks of its lines."""

    def __init__(
        self,
        call: Call,
        attribution: Attribution,
        body: NdjsonBody | CsvBody,
        *,
        rehearsal: bool,
        tells_progress: bool,
    ) -> None:
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._call = call
        self._attribution = attribution
        self._body = body
        self._rehearsal = rehearsal
        service = call.service
        self._registrar = Registrar(service.ledger, service.lookups, remembers=False)
        self._repeated = True
        """Whether the last line that was carried out had been before: so will the next ones be."""
        self._results = Backlog()
        self._clock = asyncio.get_running_loop().time
        size = call.request.headers.get("content-length", "")
        began = self._clock()
        self._progress = Progress(began, int(size) if size.isdecimal() else None, began)
        self._tells_progress = tells_progress

    async def __call__(self, _scope: AsgiScope, _receive: Receive, send: Send) -> None:
        """Sends results while lines are still coming in."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        reading = asyncio.create_task(self._read())
        try:
            while (results := await self._results.take()) is not None:
                await send({"type": "http.response.body", "body": results, "more_body": True})
            await reading
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            reading.cancel()

    async def _read(self) -> None:
        waiting: deque[tuple[Piece, asyncio.Task[dict[str, Any]]]] = deque()
        try:
            async for piece in self._body.pieces():
                while len(waiting) >= IN_FLIGHT_MAX or (waiting and waiting[0][1].done()):
                    await self._settle(*waiting.popleft())
                waiting.append((piece, asyncio.create_task(self._carry_out(piece))))
        finally:
            try:
                while waiting:
                    await self._settle(*waiting.popleft())
            finally:  # whatever happens, whoever waits for the next result is released
                self._results.end()

    async def _settle(self, piece: Piece, task: "asyncio.Task[dict[str, Any]]") -> None:
        self._results.put(ENCODER.encode({"line": piece.number, **await task}) + b"\n")
        progress = self._progress
        progress.lines, progress.end = progress.lines + 1, piece.end
        now = self._clock()
        if self._tells_progress and progress.due(now, PROGRESS_EVERY_S):
            self._results.put(ENCODER.encode({"progress": progress.value(now)}) + b"\n")

    async def _carry_out(self, piece: Piece) -> dict[str, Any]:
        try:
            if piece.flaw is not None:
                raise Unreadable(piece.flaw)
            body = ImportLineBody.model_validate(self._body.value(piece))
            self._call.check_source(body.source)
            result = await self._execute(body.line(), piece)
        except Exception as fault:  # noqa: BLE001  # the head of a line's loop: told and recorded
            slug, members = _problem_of(fault)
            if slug == "internal":
                _log.error("import line failed", failure=type(fault).__qualname__)
            return _refused(slug, members)
        return {
            "status": result.status,
            "subject_id": result.subject_id,
            "position": result.position,
            "problem": None,
        }

    async def _execute(self, line: Line, piece: Piece) -> LineResult:
        if self._rehearsal:
            return await rehearse_line(self._registrar, line)
        key = self._attribution.idempotency
        assert key is not None
        numbered = replace(key, key=f"{key.key}/{piece.number}", body=self._body.fingerprint(piece))
        result = await import_line(
            self._call.service.ledger,
            self._registrar,
            line,
            replace(self._attribution, idempotency=numbered),
            repeated=self._repeated,
        )
        self._repeated = result.status is LineStatus.REPEATED
        return result


def _problem_of(fault: Exception) -> tuple[str, dict[str, Any]]:
    """The type of the problem, and what it tells beside."""
    match fault:
        case Refusal():
            return fault.code, refusal_members(fault)
        case ValidationError():
            return "validation", {"errors": validation_errors(fault.errors())}
        case Unreadable(flaw=Flaw.TOO_LONG):
            return "line-too-long", {}
        case Unreadable():
            columns = {"columns_expected": fault.expected, "columns_found": fault.found}
            told = {} if fault.expected is None else columns
            return "row-unreadable", {"reason": fault.flaw.value, **told}
        case CellUnreadable():
            return "row-unreadable", {"reason": fault.code, "column": fault.column}
        case _:
            known = (slug for kinds, slug in FAULTS.items() if isinstance(fault, kinds))
            return next(known, "internal"), {}


def _refused(slug: str, members: dict[str, Any]) -> dict[str, Any]:
    kind = PROBLEMS[slug]
    problem = {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        **members,
    }
    return {"status": LineStatus.REFUSED, "subject_id": None, "position": None, "problem": problem}
