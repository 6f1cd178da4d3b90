"""Checkpoints get a time from an authority (RFC 3161), and only one that can be checked is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from app.measures import Measures
from app.propagation import outbound
from app.propagation.destinations import NamedDestinations
from app.propagation.outbound import Outbound
from app.propagation.time_stamps import (
    Authority,
    AuthorityUnusable,
    Stamping,
    StampVerdict,
    authority,
)
from app.store.time_stamps import TimeStamps
from app.tlog.time_stamps import StampInvalid
from tests.conftest import Database
from tests.propagation.authority import OPENSSL, SmallAuthority, small_authority
from tests.propagation.receiver import Received, Receiver, receiving
from tests.propagation.witness import reply
from tests.serving import resolve
from tests.store.signed_log import SignedLog, signed_log

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(OPENSSL is None, reason="the small authority is `openssl ts`"),
]

REPLY = "application/timestamp-reply"
TEXT = "ledger.example/log\n7\nx\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def log(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SignedLog]:
    async with signed_log(module_database, tmp_path_factory.mktemp("keys")) as opened:
        await opened.grown(5)
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def place() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallAuthority:
    return small_authority(tmp_path_factory.mktemp("authority"))


class Moment:
    """The clock of the tests."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def stamping(log: SignedLog, small: SmallAuthority, place: Receiver, clock: Moment) -> Stamping:
    found = authority(f"http://127.0.0.1:{place.port}/tsa", small.ca_file)
    return Stamping(
        log.tree,
        TimeStamps(log.pool),
        found,
        outbound=Outbound(NamedDestinations(resolve, [found.url])),
        clock=clock,
        measures=Measures(),
        every_s=3600.0,
    )


def at_the_authority(small: SmallAuthority) -> Callable[[Received], bytes]:
    """Answers queries as HTTP has them (RFC 3161 §3.4)."""

    def answer(request: Received) -> bytes:
        assert request.headers["content-type"] == "application/timestamp-query"
        return reply(200, small.stamp(request.body), REPLY)

    return answer


def query(text: str = TEXT, nonce: bool = True) -> tuple[bytes, int | None]:
    """A query over a text, by the library that the application uses, and its nonce."""
    import rfc3161_client as tsp  # noqa: PLC0415  # of this function alone

    made = (
        tsp.TimestampRequestBuilder(data=text.encode(), hash_algorithm=tsp.HashAlgorithm.SHA256)
        .nonce(nonce=nonce)
        .build()
    )
    return made.as_bytes(), made.nonce


@pytest.mark.clause("L9")
async def test_the_newest_checkpoint_is_stamped_every_so_often(
    log: SignedLog, place: Receiver, small: SmallAuthority
) -> None:
    place.answer = at_the_authority(small)
    clock = Moment()
    one, kept = stamping(log, small, place, clock), TimeStamps(log.pool)
    size = await log.signed()

    first = await one.stamp()
    same = await one.stamp()
    grown = await log.grown(3)
    soon = await one.stamp()
    clock.now += timedelta(hours=2)
    later = await one.stamp()

    assert (first, same, soon, later) == (
        StampVerdict.STAMPED,
        None,
        None,
        StampVerdict.STAMPED,
    )
    for stamped in (size, grown):
        stamp, tree = await kept.of_size(stamped), await log.tree.of_size(stamped)
        assert stamp is not None
        assert tree is not None
        assert abs(stamp.stamped_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert small.accepts(stamp.response, tree.note.text), "another program agrees"
        assert not small.accepts(stamp.response, tree.note.text.replace("\n", "\n "))
    newest = await kept.newest()
    assert newest is not None
    assert newest.size == grown


async def test_a_stamp_is_of_one_text_by_one_authority(
    small: SmallAuthority, tmp_path: Path
) -> None:
    asked, nonce = query()
    response = await small.stamped(asked)
    known = authority("http://a.example/", small.ca_file)
    other = authority("http://a.example/", small_authority(tmp_path / "other").ca_file)

    assert known.certificates.stamped_at(response, TEXT, nonce=nonce).tzinfo is not None
    assert known.certificates.stamped_at(response, TEXT) == known.certificates.stamped_at(
        response, TEXT, nonce=nonce
    )
    for checked, text, number in (
        (known, TEXT + " ", nonce),
        (known, TEXT, 1),
        (other, TEXT, nonce),
    ):
        with pytest.raises(StampInvalid):
            checked.certificates.stamped_at(response, text, nonce=number)


async def test_no_byte_of_a_stamp_can_be_turned(small: SmallAuthority) -> None:
    asked, nonce = query()
    response = await small.stamped(asked)
    known = authority("http://a.example/", small.ca_file)
    at = known.certificates.stamped_at(response, TEXT, nonce=nonce)

    survived = []
    for place in range(len(response)):
        turned = bytearray(response)
        turned[place] ^= 0x01
        try:
            assert known.certificates.stamped_at(bytes(turned), TEXT, nonce=nonce) == at
            survived.append(place)
        except StampInvalid:
            continue

    # Bytes around the signed part that mean nothing: none may change what was stamped, or when.
    assert len(survived) < len(response) / 10


async def test_bytes_of_no_kind_are_no_stamp(small: SmallAuthority) -> None:
    known = authority("http://a.example/", small.ca_file)
    for response in (b"", b"\x30\x00", b"\x00" * 500, TEXT.encode()):
        with pytest.raises(StampInvalid):
            known.certificates.stamped_at(response, TEXT)


HOSTILE: dict[str, tuple[Callable[[Received], bytes | None], StampVerdict]] = {
    "refuses": (lambda _: reply(400, ""), StampVerdict.REFUSED),
    "elsewhere": (lambda _: reply(302, ""), StampVerdict.REFUSED),
    "no stamp": (lambda _: reply(200, b"nothing", REPLY), StampVerdict.INVALID),
    "empty": (lambda _: reply(200, b"", REPLY), StampVerdict.INVALID),
    "a page": (lambda _: reply(200, "<html>", "text/html"), StampVerdict.INVALID),
    "too much": (lambda _: reply(200, b"\x30" * 90_000, REPLY), StampVerdict.INVALID),
    "no answer": (lambda _: None, StampVerdict.SILENT),
    "no HTTP": (lambda _: b"x\r\n\r\n", StampVerdict.SILENT),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_answer_is_not_kept(
    log: SignedLog,
    place: Receiver,
    small: SmallAuthority,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(outbound, "ATTEMPT_TIMEOUT_S", 0.3)
    place.answer, verdict = HOSTILE[kind]
    clock = Moment()
    clock.now += timedelta(hours=4)
    size = await log.grown(1)

    assert await stamping(log, small, place, clock).stamp() is verdict
    assert await TimeStamps(log.pool).of_size(size) is None


def answer_with(response: bytes, _request: Received) -> bytes:
    return reply(200, response, REPLY)


async def test_the_stamp_of_another_query_is_not_kept(
    log: SignedLog, place: Receiver, small: SmallAuthority
) -> None:
    """One that was given before, or for another checkpoint."""
    tree = await log.tree.newest()
    assert tree is not None
    clock = Moment()
    clock.now += timedelta(hours=6)
    size = await log.grown(1)
    newest = await log.tree.newest()
    assert newest is not None
    for text in (tree.note.text, newest.note.text):
        response = await small.stamped(query(text)[0])
        place.answer = partial(answer_with, response)
        assert await stamping(log, small, place, clock).stamp() is StampVerdict.INVALID
    assert await TimeStamps(log.pool).of_size(size) is None


async def test_the_loop_goes_on_whatever_happens(
    log: SignedLog, place: Receiver, small: SmallAuthority
) -> None:
    class Broken(TimeStamps):
        """Asked, and failing."""

        asked = asyncio.Event()

        async def newest(self) -> None:
            self.asked.set()
            raise RuntimeError

    one = stamping(log, small, place, Moment())
    one._kept = Broken(log.pool)
    running = asyncio.create_task(one.run())
    await asyncio.wait_for(Broken.asked.wait(), 5)
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()


async def test_a_file_without_a_root_is_refused_at_the_start(
    small: SmallAuthority, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("nothing")
    for file in (tmp_path / "missing", tmp_path / "text", small.folder / "tsa.pem"):
        with pytest.raises(AuthorityUnusable):
            authority("http://a.example/", file)


async def test_certificates_between_are_taken(small: SmallAuthority, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(small.ca_file.read_bytes() + (small.folder / "tsa.pem").read_bytes())
    found = authority("http://a.example/", both)
    asked, nonce = query()

    assert isinstance(found, Authority)
    assert len(found.certificates.intermediates) == 1
    at = found.certificates.stamped_at(await small.stamped(asked), TEXT, nonce=nonce)
    assert at.tzinfo is not None
