"""Asks a log over HTTP as anybody can: its newest checkpoint, and what stands at a position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpx

from app.cli.answers import unavailable
from app.tlog.checkpoints import Checkpoint, CheckpointMalformed
from app.tlog.merkle import HASH_SIZE_BYTES
from app.tlog.notes import NoteMalformed, NotSigned, read_note
from app.tlog.proofs import (
    ProofInvalid,
    Span,
    hashes_of,
    inclusion_spans,
    tiles_for,
    verify_inclusion,
)
from app.tlog.tiles import TILE_WIDTH, TilePath, TilePlace
from app.tlog.trust_policies import NOBODY, QuorumMissed, TrustPolicy

TIMEOUT_S: Final = 30.0
ANSWER_MAX_BYTES: Final = 1_000_000


class LogUntrue(Exception):
    """What the log shows is not signed as it must be, or not what it signed."""


class RemoteLog:
    """One checkpoint of a log, and the tree under it, believed only where it is proved."""

    def __init__(self, client: httpx.Client, policy: TrustPolicy) -> None:
        self._client = client
        wanted = "/log/checkpoint" if policy.quorum == NOBODY else "/log/checkpoint/cosigned"
        self.note = self._read(wanted)
        try:
            self.checkpoint: Checkpoint = policy.verify(read_note(self.note))
        except (NoteMalformed, CheckpointMalformed, NotSigned, QuorumMissed):
            raise LogUntrue("no key of the policy signed the checkpoint that it shows") from None

    def leaf(self, position: int) -> tuple[bytes, tuple[bytes, ...]]:
        """The leaf hash at a position of the tree, and the path that proves it."""
        spans = inclusion_spans(position, self.checkpoint.size)
        place = TilePlace(0, position // TILE_WIDTH)
        tiles = {one: self._tile(one) for one in {place, *tiles_for(spans)}}
        at = position % TILE_WIDTH * HASH_SIZE_BYTES
        leaf = tiles[place][at : at + HASH_SIZE_BYTES]
        return leaf, self._proved(leaf, position, spans=spans, tiles=tiles)

    def _proved(
        self, leaf: bytes, position: int, *, spans: Sequence[Span], tiles: dict[TilePlace, bytes]
    ) -> tuple[bytes, ...]:
        size, root = self.checkpoint.size, self.checkpoint.root
        try:
            path = hashes_of(spans, tiles)
            verify_inclusion(leaf, position, size, path=path, root=root)
        except ProofInvalid:
            raise LogUntrue("its tiles are not those of the tree that it signed") from None
        return path

    def _tile(self, place: TilePlace) -> bytes:
        return self._read(f"/log/tile/{TilePath(place, place.width(self.checkpoint.size))}")

    def _read(self, path: str) -> bytes:
        body = b""
        try:
            with self._client.stream("GET", path) as response:
                if not response.is_success:
                    raise unavailable(
                        "log-unreadable", f"the log answered {response.status_code} to {path}"
                    )
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > ANSWER_MAX_BYTES:
                        raise LogUntrue("an answer is longer than any can be")
        except (httpx.TransportError, httpx.InvalidURL) as failure:
            raise unavailable(
                "log-unreachable", f"the log cannot be reached: {type(failure).__name__}"
            ) from None
        return body


@contextmanager
def remote_log(url: str, policy: TrustPolicy) -> Iterator[RemoteLog]:
    """The log of a service, by the service's public address; no API key is needed."""
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S) as client:
        yield RemoteLog(client, policy)
