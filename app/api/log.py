"""The transparency log as C2SP tlog-tiles has it: checkpoint, tiles, bundles of entries, policy.

Checkpoint, tiles and policy are open to everybody: leaf hashes tell nothing, since every entry
holds an id that nobody can guess. Entries are for auditors.
"""

import gzip
import re
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response, Security

from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.decider import Refusal
from app.service import Service
from app.store.cosignatures import Cosignatures
from app.store.log_tree import LogTree, SignedTree
from app.store.receipt_keys import receipt_keys
from app.store.time_stamps import TimeStamps
from app.tlog.receipts import RECEIPT_KEY_LINE
from app.tlog.tiles import (
    TilePath,
    TilePathMalformed,
    bundle,
    bundle_path,
    tile_path,
)

ROUTES = router("transparency log")

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
TIMESTAMP: Final = "application/timestamp-reply"
FRESH: Final = "public, max-age=1"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
IMMUTABLE_FOR_THE_CALLER: Final = "private, max-age=31536000, immutable"
ZIP_LEVEL: Final = 6

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)

EXAMPLE: Final = """\
ledger.example/log
257
McvF+HwKbw1Jd7KnNN6gtmLYC1X0WGyrE0J9Nkzh5Zo=

\u2014 ledger.example/log 6Ww3yA…
"""


class TilePathInvalid(Refusal):
    """No tree has a tile of such a path: a leading zero, a level or width that there cannot be."""

    code = "tile-path-invalid"
    rules = ("L9",)


class TileMissing(Refusal):
    """The tree has no such tile, or not so many hashes in it; not yet, perhaps."""

    code = "tile-missing"
    rules = ("L9",)


class CheckpointMissing(Refusal):
    """No checkpoint of that size was signed, or none at all so far."""

    code = "checkpoint-missing"
    rules = ("L9",)


class CheckpointUncosigned(Refusal):
    """No checkpoint has the cosignatures that the policy of the log asks for."""

    code = "checkpoint-uncosigned"
    rules = ("L9",)


class CheckpointUnstamped(Refusal):
    """No time-stamp of that checkpoint, or of any, is here."""

    code = "checkpoint-unstamped"
    rules = ("L9",)


class ProofQueryInvalid(Refusal):
    """A number or an id is missing or malformed, or a size is larger than the one it leads to."""

    code = "proof-query-invalid"
    rules = ("L9",)


@operation(
    ROUTES,
    "GET",
    "/log/checkpoint",
    scope=None,
    answers=None,
    summary="Show the signed head of the log",
    problems=("checkpoint-missing",),
    law=("L9",),
    media_type="text/plain",
    example=EXAMPLE,
)
async def read_checkpoint(request: Request) -> Response:
    """Answers the newest checkpoint (c2sp.org/tlog-checkpoint): origin, size and root, signed.

    It is at most 250 ms behind the newest append. Keep one: no later log can contradict it unseen.
    Cosignatures are there as soon as witnesses gave them; /log/checkpoint/cosigned waits for them.
    """
    tree = await newest(_log(request))
    return Response(bytes(tree.note), media_type=TEXT, headers={"cache-control": FRESH})


@operation(
    ROUTES,
    "GET",
    "/log/checkpoint/cosigned",
    scope=None,
    answers=None,
    summary="Show the newest head that enough witnesses cosigned",
    problems=("checkpoint-uncosigned",),
    law=("L9",),
    media_type="text/plain",
    example=EXAMPLE + "\u2014 witness.example/w1 jWbPPwAAAABkGFDLEZMH…\n",
)
async def read_cosigned_checkpoint(request: Request) -> Response:
    """Answers the newest checkpoint with cosignatures of the quorum that the policy asks for.

    Where the policy asks for none, that of any one witness is enough (c2sp.org/tlog-cosignature).
    """
    service: Service = request.app.state.service
    size = await Cosignatures(service.pool).newest_size(service.attestation.policy)
    tree = None if size is None else await LogTree(service.pool).of_size(size)
    if tree is None:
        raise CheckpointUncosigned
    return Response(bytes(tree.note), media_type=TEXT, headers={"cache-control": FRESH})


@operation(
    ROUTES,
    "GET",
    "/log/timestamp",
    scope=None,
    answers=None,
    summary="Show a time-stamp of a checkpoint",
    problems=("checkpoint-unstamped", "proof-query-invalid"),
    law=("L9",),
    media_type=TIMESTAMP,
    forms=(TIMESTAMP,),
)
async def read_timestamp(
    request: Request,
    *,
    size: Annotated[
        str | None,
        Query(description="Of the checkpoint of this size; without it, of the newest stamped."),
    ] = None,
) -> Response:
    """Answers what the authority answered (RFC 3161): a time over the text of the checkpoint.

    That text is the three lines before the empty one; `Content-Location` names the size.
    """
    check_once(request, "size")
    stamps = TimeStamps(_log_pool(request))
    stamp = await stamps.newest() if size is None else await stamps.of_size(number(size))
    if stamp is None:
        raise CheckpointUnstamped
    headers = {
        "cache-control": FRESH if size is None else IMMUTABLE,
        "content-location": f"/log/timestamp?size={stamp.size}",
    }
    return Response(stamp.response, media_type=TIMESTAMP, headers=headers)


@operation(
    ROUTES,
    "GET",
    "/log/tile/entries/{tile:path}",
    scope=Scope.LOG_READ,
    answers=None,
    summary="Show a bundle of the log's entries",
    problems=("tile-path-invalid", "tile-missing", "checkpoint-missing", "log-damaged"),
    law=("L9",),
    media_type=BYTES,
    forms=(BYTES,),
)
async def read_entries(
    tile: str, call: Annotated[Call, Security(authorised, scopes=[Scope.LOG_READ])]
) -> Response:
    """Answers up to 256 entries, each behind its length in two bytes (c2sp.org/tlog-tiles).

    The path is `N[.p/W]`, N in groups of three digits as `x001/x234/067`. The entries hold no
    personal data, but who does what when under a person's opaque id: hence for auditors.
    """
    try:
        path = bundle_path(tile)
    except TilePathMalformed:
        raise TilePathInvalid from None
    log = LogTree(call.service.pool)
    await _check_published(log, path)
    body = bundle(await log.bundle(path))
    headers = {"cache-control": IMMUTABLE_FOR_THE_CALLER, "vary": "Accept-Encoding"}
    if _takes_gzip(call.request):
        body = gzip.compress(body, ZIP_LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=BYTES, headers=headers)


@operation(
    ROUTES,
    "GET",
    "/log/tile/{tile:path}",
    scope=None,
    answers=None,
    summary="Show a tile of the log's tree",
    problems=("tile-path-invalid", "tile-missing", "checkpoint-missing", "log-damaged"),
    law=("L9",),
    media_type=BYTES,
    forms=(BYTES,),
)
async def read_tile(tile: str, request: Request) -> Response:
    """Answers up to 256 hashes of 32 bytes (c2sp.org/tlog-tiles).

    The path is `L/N[.p/W]`, N in groups of three digits as `x001/x234/067`. A width that the newest
    checkpoint does not need yet is not there; one that the tile has outgrown still is.
    """
    try:
        path = tile_path(tile)
    except TilePathMalformed:
        raise TilePathInvalid from None
    log = _log(request)
    await _check_published(log, path)
    return Response(await log.tile(path), media_type=BYTES, headers={"cache-control": IMMUTABLE})


@operation(
    ROUTES,
    "GET",
    "/log/policy",
    scope=None,
    answers=None,
    summary="Show by which keys the log is verified",
    problems=("checkpoint-missing",),
    law=("L9",),
    media_type="text/plain",
    example=(
        "log ledger.example/log+e96c37c8+AQOhB7/zzhC+HXDdGOdLwJln5PYwm6UNXx3chmQSVTG4"
        " https://ledger.example/log\n"
        "# receipts 3f0c7a52-9d0e-4c1b-8e53-6d1d5a4d8a11.ledger.invalid/receipts+2f9f1d0b+AQOhB7…\n"
        "quorum none\n"
    ),
)
async def read_log_policy(request: Request) -> Response:
    """Answers the verifier keys, the witnesses and how many must agree (c2sp.org/tlog-policy).

    Whoever wants to be sure compares it with what was handed over by another way: whoever could
    rewrite the log could rewrite this, too. A log that lost entries goes on under another name;
    the one it had stands in a comment, `# formerly`. So do the keys that sign receipts,
    `# receipts`, and the one by which we witness logs of others, `# cosigning`: the format has no
    other place for keys that sign no log.
    """
    keys = await _log(request).keys()
    if not keys:
        raise CheckpointMissing
    public_url: str | None = request.app.state.settings.public_url
    url = None if public_url is None else f"{public_url.rstrip('/')}/log"
    service: Service = request.app.state.service
    policy = replace(service.attestation.policy, logs=((keys[0], url),))
    comments = [f"# formerly {key}\n" for key in keys[1:]]
    comments += [f"{RECEIPT_KEY_LINE}{key}\n" for key in await receipt_keys(service.pool)]
    if service.attestation.witness is not None:
        comments.append(f"# cosigning {service.attestation.witness.key}\n")
    text = "".join(comments) + policy.text()
    return Response(text, media_type=TEXT, headers={"cache-control": FRESH})


async def newest(log: LogTree) -> SignedTree:
    """The newest checkpoint, or CheckpointMissing."""
    tree = await log.newest()
    if tree is None:
        raise CheckpointMissing
    return tree


async def _check_published(log: LogTree, path: TilePath) -> None:
    """TileMissing unless the newest checkpoint covers all that the path asks for."""
    tree = await newest(log)
    if path.width > path.place.width(tree.size):
        raise TileMissing


def _log(request: Request) -> LogTree:
    service: Service = request.app.state.service
    return LogTree(service.pool)


def _log_pool(request: Request) -> Any:  # asyncpg's pool is generic in its stubs only
    service: Service = request.app.state.service
    return service.pool


def check_once(request: Request, *names: str) -> None:
    """ProofQueryInvalid when one is given twice: two readers could take different ones."""
    if any(len(request.query_params.getlist(name)) > 1 for name in names):
        raise ProofQueryInvalid


def number(text: str) -> int:
    """A number without sign or leading zero, or ProofQueryInvalid."""
    if not _NUMBER.fullmatch(text):
        raise ProofQueryInvalid
    return int(text)


def _takes_gzip(request: Request) -> bool:
    for one in request.headers.get("accept-encoding", "").split(","):
        coding, _, quality = one.replace(" ", "").partition(";")
        if coding.lower() in ("gzip", "*"):
            return quality not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
