"""Time-stamps of checkpoints by an authority (RFC 3161): asked for, checked, kept.

What is stamped is the text of the checkpoint: origin, size and root, each line with its end. Who
verifies one needs that text, the answer and the authority's certificates; `openssl ts` does it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn

import rfc3161_client as tsp
import structlog
from cryptography import x509

from app.clock import Clock
from app.measures import Measures
from app.propagation.outbound import Outbound
from app.store.log_tree import LogTree
from app.store.time_stamps import TimeStamps
from app.tlog.time_stamps import Certificates, StampInvalid

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
REPLY_MAX_BYTES: Final = 32_000
ASK_TIMEOUT_S: Final = 30.0
RETRY_S: Final = 60.0
LOOK_S: Final = 5.0

_LOG: Any = structlog.get_logger("pdledger.timestamps")


class AuthorityUnusable(Exception):
    """The file holds no certificate that could vouch for anything."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who stamps: where it answers, and the certificates that vouch for it."""

    url: str
    certificates: Certificates


class StampVerdict(StrEnum):
    """What became of asking."""

    STAMPED = "stamped"
    REFUSED = "refused"
    INVALID = "invalid"
    SILENT = "silent"


class Stamping:
    """The loop of one process: one stamp every so often, of the newest checkpoint."""

    def __init__(
        self,
        log: LogTree,
        kept: TimeStamps,
        authority: Authority,
        *,
        outbound: Outbound,
        clock: Clock,
        measures: Measures,
        every_s: float,
    ) -> None:
        self._log = log
        self._kept = kept
        self._authority = authority
        self._outbound = outbound
        self._clock = clock
        self._measures = measures
        self._every_s = every_s

    async def run(self) -> NoReturn:
        """Stamps until it is cancelled."""
        while True:
            pause_s = LOOK_S
            try:
                verdict = await self.stamp()
                if verdict not in (None, StampVerdict.STAMPED):
                    pause_s = RETRY_S
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error("time-stamps halted", error_class=type(error).__name__)
                pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def stamp(self) -> StampVerdict | None:
        """One stamp, if one is due and the log grew since the last; None otherwise."""
        tree = await self._log.newest()
        last = await self._kept.newest()
        if tree is None or tree.size == 0 or (last is not None and last.size >= tree.size):
            return None
        if last is not None and (self._clock() - last.received_at).total_seconds() < self._every_s:
            return None
        text = tree.note.text
        verdict, response, at = await self._asked(text)
        if at is not None:
            await self._kept.add(tree.size, self._authority.url, response, at)
        else:
            _LOG.warning("checkpoint not stamped", verdict=verdict.value, size=tree.size)
        self._measures.stamped(verdict.value)
        return verdict

    async def _asked(self, text: str) -> tuple[StampVerdict, bytes, datetime | None]:
        request = tsp.TimestampRequestBuilder(
            data=text.encode(), hash_algorithm=tsp.HashAlgorithm.SHA256
        ).build()
        try:
            async with (
                asyncio.timeout(ASK_TIMEOUT_S),
                self._outbound.to(self._authority.url) as line,
            ):
                fetched = await line.ask(
                    request.as_bytes(),
                    {"content-type": QUERY_TYPE},
                    size_max=REPLY_MAX_BYTES + 1,
                    now=self._clock(),
                )
        except TimeoutError:
            return StampVerdict.SILENT, b"", None
        if fetched.attempt.status is None:
            return StampVerdict.SILENT, b"", None
        if fetched.attempt.status != 200:
            return StampVerdict.REFUSED, b"", None
        if fetched.media_type != REPLY_TYPE or len(fetched.body) > REPLY_MAX_BYTES:
            return StampVerdict.INVALID, b"", None
        try:
            at = self._authority.certificates.stamped_at(fetched.body, text, nonce=request.nonce)
        except StampInvalid:
            return StampVerdict.INVALID, b"", None
        return StampVerdict.STAMPED, fetched.body, at


def authority(url: str, ca_file: Path) -> Authority:
    """The authority at a URL, vouched for by a PEM file; AuthorityUnusable otherwise."""
    try:
        return Authority(url, certificates_in(ca_file))
    except AuthorityUnusable as failure:
        raise AuthorityUnusable(f"LEDGER_LOG_TIMESTAMP_CA_FILE holds {failure}") from None


def certificates_in(ca_file: Path) -> Certificates:
    """The certificates of a PEM file; AuthorityUnusable when none of them signed itself."""
    try:
        read: Sequence[x509.Certificate] = x509.load_pem_x509_certificates(ca_file.read_bytes())
    except (OSError, ValueError):
        raise AuthorityUnusable("no certificates") from None
    roots = tuple(one for one in read if one.issuer == one.subject)
    others = tuple(one for one in read if one.issuer != one.subject)
    if not roots:
        raise AuthorityUnusable("no root certificate")
    return Certificates(roots, others)
