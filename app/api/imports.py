"""Imports: one person a line of NDJSON, one result a line, in constant memory (A14)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import asyncpg
import structlog
from fastapi import HTTPException, Query, Request, Response, Security
from pydantic import BaseModel, Field, ValidationError
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from app.api.bodies import (
    ENCODER,
    Body,
    DigestField,
    LanguageField,
    MomentField,
    ValueField,
    WordField,
)
from app.api.call import Call, authorised
from app.api.failures import validation_errors
from app.api.operations import operation, router
from app.api.problems import PROBLEMS, refusal_members
from app.api.strict_json import MalformedJson, parse
from app.api.subjects import RegistrationBody
from app.auth import Scope
from app.domain.consents import GiveConsent, ImportUnprovenConsent
from app.domain.decider import Refusal
from app.domain.evidence import Evidence, Wording
from app.propagation.enrolment import Enrolment
from app.propagation.importing import Line, LineResult, LineStatus, import_line, rehearse_line
from app.propagation.registration import Registrar
from app.receipts import Attribution, LedgerContended
from app.store.group_commit import LedgerBusy, LedgerUnavailable
from app.store.rulebook import PolicyUnpublished
from app.values import replace

ROUTES = router("imports")

_log: Any = structlog.get_logger("pdledger.imports")

NDJSON = "application/x-ndjson"
ACCEPTED = frozenset({NDJSON, "application/jsonl"})
IN_FLIGHT_MAX = 256
"""Lines that are carried out at once: enough to fill a group commit, few enough to hold."""


class ImportedConsentBody(Body):
    """A consent with its evidence, or the bare claim that there was one (L16)."""

    purpose: WordField = Field(examples=["newsletter"])
    wording_sha256: DigestField | None = None
    language: LanguageField | None = None
    policy: WordField | None = None
    method: WordField | None = None
    occurred_at: MomentField | None = None
    evidence: ValueField | None = None

    def command(self, source: str) -> GiveConsent | ImportUnprovenConsent:
        """Complete evidence gives a consent; none at all leaves it unproven and not mailable."""
        given = (self.wording_sha256, self.language, self.policy, self.method, self.evidence)
        if not any(given):
            return ImportUnprovenConsent(purpose=self.purpose, source=source)
        evidence = Evidence(
            wording=Wording(
                digest=self.wording_sha256 or "",
                language=self.language or "",
                policy=self.policy or "",
            ),
            method=self.method or "",
            source=source,
            occurred_at=self.occurred_at,
            reference=self.evidence or "",
        )
        return GiveConsent(purpose=self.purpose, evidence=evidence)


class ImportLineBody(RegistrationBody):
    """One line: a person as for POST /v1/subjects, with the consents that come along."""

    consents: list[ImportedConsentBody] = Field(default_factory=list, max_length=20)

    def line(self) -> Line:
        """As it is carried out."""
        consents = tuple(consent.command(self.source) for consent in self.consents)
        return Line(self.command(), consents)


class LineResultBody(BaseModel):
    """What became of one line."""

    line: int = Field(description="From 1.", ge=1)
    status: LineStatus
    subject_id: str | None = Field(max_length=36)
    position: int | None = Field(ge=0)
    problem: dict[str, Any] | None = Field(description="RFC 9457, when the line was refused.")


@operation(
    ROUTES,
    "POST",
    "/v1/imports",
    scope=Scope.IMPORTS_WRITE,
    answers=LineResultBody,
    summary="Import people",
    problems=("line-too-long",),
    clauses=("C46", "C47", "C82"),
    law=("L2", "L16", "L29", "L41"),
    writes=True,
    media_type=NDJSON,
    example={"line": 1, "status": "recorded", "subject_id": "…", "position": 4, "problem": None},
)
async def import_people(
    request: Request,
    call: Annotated[Call, Security(authorised, scopes=[Scope.IMPORTS_WRITE])],
    *,
    dry_run: Annotated[bool, Query(description="Decide everything, append nothing.")] = False,
) -> Response:
    """Reads NDJSON line by line and answers one JSON result for each line, in order.

    The status is 200 even when lines are refused: every line is carried out or refused on its own,
    and its result says so. A request repeated with the same Idempotency-Key, as after a broken
    connection, records nothing twice. Memory stays constant while results are read as they come.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in ACCEPTED:
        raise HTTPException(415)
    attribution = await call.attribution(reads_body=False)
    return _Import(call, attribution, request, rehearsal=dry_run)


class LineTooLong(Exception):
    """A line passes the limit; the rest of the body cannot be cut into lines any more."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    text: bytes


class _Import(Response):
    """Reads the request and writes the answer at once; owns the tasks of its lines."""

    def __init__(
        self, call: Call, attribution: Attribution, request: Request, *, rehearsal: bool
    ) -> None:
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._call = call
        self._attribution = attribution
        self._request = request
        self._rehearsal = rehearsal
        service = call.service
        self._registrar = Registrar(service.ledger, service.lookups, Enrolment(service.ledger))
        self._line_size_max = request.app.state.settings.import_line_size_max_bytes
        # Results wait here while a client sends everything before it reads anything: holding the
        # reading up for it would make both sides wait for ever. A result is about 120 bytes.
        self._results: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def __call__(self, _scope: AsgiScope, _receive: Receive, send: Send) -> None:
        """Sends results while lines are still coming in."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        reading = asyncio.create_task(self._read())
        try:
            while (result := await self._results.get()) is not None:
                chunk = [result]
                ended = False
                while not self._results.empty():
                    further = self._results.get_nowait()
                    ended = further is None
                    if further is not None:
                        chunk.append(further)
                await send(
                    {"type": "http.response.body", "body": b"".join(chunk), "more_body": True}
                )
                if ended:
                    break
            await reading
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            reading.cancel()

    async def _read(self) -> None:
        waiting: deque[tuple[int, asyncio.Task[dict[str, Any]]]] = deque()
        try:
            async for line in self._lines():
                while len(waiting) >= IN_FLIGHT_MAX or (waiting and waiting[0][1].done()):
                    await self._settle(*waiting.popleft())
                waiting.append((line.number, asyncio.create_task(self._carry_out(line))))
        except LineTooLong as long:
            waiting.append((long.args[0], asyncio.create_task(_refused("line-too-long"))))
        finally:
            try:
                while waiting:
                    await self._settle(*waiting.popleft())
            finally:  # whatever happens, whoever waits for the next result is released
                self._results.put_nowait(None)

    async def _settle(self, number: int, task: "asyncio.Task[dict[str, Any]]") -> None:
        self._results.put_nowait(ENCODER.encode({"line": number, **await task}) + b"\n")

    async def _lines(self) -> AsyncIterator[_Numbered]:
        number, rest = 0, b""
        async for chunk in self._request.stream():
            *whole, rest = (rest + chunk).split(b"\n")
            for text in whole:
                number += 1
                if len(text) > self._line_size_max:
                    raise LineTooLong(number)
                if text.strip():
                    yield _Numbered(number, text)
            if len(rest) > self._line_size_max:
                raise LineTooLong(number + 1)
        if rest.strip():
            yield _Numbered(number + 1, rest)

    async def _carry_out(self, line: _Numbered) -> dict[str, Any]:
        try:
            body = ImportLineBody.model_validate(parse(line.text))
            self._call.check_source(body.source)
            result = await self._execute(body.line(), line)
        except MalformedJson:
            return await _refused("malformed-json")
        except ValidationError as invalid:
            return await _refused("validation", errors=validation_errors(invalid.errors()))
        except Refusal as refusal:
            return await _refused(refusal.code, **refusal_members(refusal))
        except (LedgerBusy, LedgerContended):
            return await _refused("ledger-busy")
        except PolicyUnpublished:
            return await _refused("policy-unpublished")
        except (LedgerUnavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return await _refused("ledger-unavailable")
        except Exception as fault:  # noqa: BLE001  # the head of a line's loop: told and recorded
            _log.error("import line failed", failure=type(fault).__qualname__)
            return await _refused("internal")
        return {
            "status": result.status,
            "subject_id": result.subject_id,
            "position": result.position,
            "problem": None,
        }

    async def _execute(self, line: Line, numbered_line: _Numbered) -> LineResult:
        if self._rehearsal:
            return await rehearse_line(self._registrar, line)
        key = self._attribution.idempotency
        assert key is not None
        numbered = replace(key, key=f"{key.key}/{numbered_line.number}", body=numbered_line.text)
        return await import_line(
            self._call.service.ledger,
            self._registrar,
            line,
            replace(self._attribution, idempotency=numbered),
        )


async def _refused(slug: str, **members: Any) -> dict[str, Any]:
    kind = PROBLEMS[slug]
    problem = {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        **members,
    }
    return {"status": LineStatus.REFUSED, "subject_id": None, "position": None, "problem": problem}
