"""Proofs that the log holds an event, and that it only grew (c2sp.org/tlog-proof, RFC 6962)."""

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response, Security

from app.api.call import Call, authorised
from app.api.log import (
    FRESH,
    IMMUTABLE,
    IMMUTABLE_FOR_THE_CALLER,
    TEXT,
    CheckpointMissing,
    ProofQueryInvalid,
    check_once,
    newest,
    number,
)
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.decider import Refusal
from app.service import Service
from app.store.log_tree import LogTree, SignedTree
from app.tlog.proof_text import InclusionProof, hash_lines
from app.tlog.proofs import consistency_spans, inclusion_spans

ROUTES = router("transparency log")

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class EventNotIntegrated(Refusal):
    """No such event, or it is in no signed tree so far; that takes up to 250 ms."""

    code = "event-not-integrated"
    rules = ("L9",)


@operation(
    ROUTES,
    "GET",
    "/log/proof/inclusion",
    scope=Scope.PROOFS_READ,
    answers=None,
    summary="Prove that the log holds an event",
    problems=("proof-query-invalid", "event-not-integrated", "checkpoint-missing", "log-damaged"),
    law=("L9",),
    media_type="text/plain",
    example=(
        "c2sp.org/tlog-proof@v1\nindex 200\n7A3ZrmCgMGFrP7qs…=\n\n"
        "ledger.example/log\n257\nMcvF+HwKbw1J…=\n\n\u2014 ledger.example/log 6Ww3yA…\n"
    ),
)
async def prove_inclusion(
    call: Annotated[Call, Security(authorised, scopes=[Scope.PROOFS_READ])],
    *,
    event: Annotated[
        str | None, Query(description="The event's id, as its receipt has it.")
    ] = None,
    position: Annotated[str | None, Query(description="Or its position in the log.")] = None,
    size: Annotated[
        str | None,
        Query(description="Under the checkpoint of this size; without it, under the newest."),
    ] = None,
) -> Response:
    """Answers a proof that stands alone (c2sp.org/tlog-proof): checking it needs nobody.

    The leaf is the SHA-256 of a zero byte and the entry; every receipt has it.
    """
    check_once(call.request, "event", "position", "size")
    if (event is None) == (position is None):
        raise ProofQueryInvalid
    log = LogTree(call.service.pool)
    tree = await newest(log) if size is None else await _of_size(log, number(size))
    index = number(position) if position is not None else await _position(log, event)
    if index >= tree.size:
        raise EventNotIntegrated
    proof = InclusionProof(index, await log.hashes(inclusion_spans(index, tree.size)), tree.note)
    cached = FRESH.replace("public", "private") if size is None else IMMUTABLE_FOR_THE_CALLER
    return Response(bytes(proof), media_type=TEXT, headers={"cache-control": cached})


@operation(
    ROUTES,
    "GET",
    "/log/proof/consistency",
    scope=None,
    answers=None,
    summary="Prove that the log only grew between two sizes",
    problems=("proof-query-invalid", "checkpoint-missing", "log-damaged"),
    law=("L9",),
    media_type="text/plain",
    example="a4CXR37ZmYnqDGZcWJD4q1gPpVYYMFGe9GjQ1kTBpOg=\n",
)
async def prove_consistency(
    request: Request,
    *,
    from_: Annotated[
        str | None, Query(alias="from", description="The smaller size, of a checkpoint you kept.")
    ] = None,
    to: Annotated[
        str | None, Query(description="The larger one; without it, that of the newest checkpoint.")
    ] = None,
) -> Response:
    """Answers the hashes of the proof (RFC 6962, 2.1.2), one a line in base64.

    None between a size and itself, or from an empty log. Sizes beyond the newest checkpoint are not
    there yet.
    """
    check_once(request, "from", "to")
    if from_ is None:
        raise ProofQueryInvalid
    service: Service = request.app.state.service
    log = LogTree(service.pool)
    size = (await newest(log)).size
    first, second = number(from_), size if to is None else number(to)
    if second > size:
        raise CheckpointMissing
    if first > second:
        raise ProofQueryInvalid
    lines = hash_lines(await log.hashes(consistency_spans(first, second)))
    headers = {"cache-control": FRESH if to is None else IMMUTABLE}
    return Response("".join(f"{line}\n" for line in lines), media_type=TEXT, headers=headers)


async def _of_size(log: LogTree, size: int) -> SignedTree:
    tree = await log.of_size(size)
    if tree is None:
        raise CheckpointMissing
    return tree


async def _position(log: LogTree, event: str | None) -> int:
    if event is None or not _ID.fullmatch(event):
        raise ProofQueryInvalid
    position = await log.position_of(UUID(event))
    if position is None:
        raise EventNotIntegrated
    return position
