"""Checkpoints are offered to witnesses; whatever those answer, the log goes on (C2SP)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from time import time

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from app.measures import Measures
from app.propagation import outbound
from app.propagation.destinations import DestinationRefused, NamedDestinations
from app.propagation.feeding import Feeding, add_checkpoint_url
from app.propagation.outbound import Outbound
from app.store.cosignatures import Cosignatures
from app.tlog.cosignatures import cosigned
from app.tlog.notes import VerifierKey
from app.tlog.trust_policies import TrustPolicy, trust_policy
from tests.conftest import Database
from tests.projections.waiting import until
from tests.propagation.receiver import Received, Receiver, receiving
from tests.propagation.witness import PlainWitness, reply
from tests.serving import resolve
from tests.store.signed_log import ORIGIN, SIGNER, SignedLog, signed_log
from tests.tlog import reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def log(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SignedLog]:
    async with signed_log(module_database, tmp_path_factory.mktemp("keys")) as opened:
        await opened.grown(300)
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def place() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


def policy_of(*witnesses: tuple[PlainWitness, Receiver], quorum: str = "none") -> TrustPolicy:
    lines = [
        f"witness w{number} {witness.vkey} http://127.0.0.1:{place.port}/w"
        for number, (witness, place) in enumerate(witnesses, 1)
    ]
    names = " ".join(f"w{number}" for number, _ in enumerate(witnesses, 1))
    return trust_policy("\n".join([*lines, f"group all all {names}", f"quorum {quorum}", ""]))


class Told(Measures):
    """Keeps what is measured of witnesses."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: list[tuple[str, str]] = []

    def witnessed(self, witness: str, verdict: str) -> None:
        super().witnessed(witness, verdict)
        self.verdicts.append((witness, verdict))


def feeder(log: SignedLog, policy: TrustPolicy, told: Told, *, every_s: float = 0.01) -> Feeding:
    urls = [add_checkpoint_url(one.url) for one in policy.witnesses if one.url]
    return Feeding(
        log.tree,
        Cosignatures(log.pool),
        policy,
        outbound=Outbound(NamedDestinations(resolve, urls)),
        clock=lambda: datetime.now(UTC),
        measures=told,
        every_s=every_s,
        portion=lambda: 0.0,
    )


async def fed(log: SignedLog, policy: TrustPolicy) -> list[tuple[str, str]]:
    """One round to its end; what the witnesses answered."""
    told = Told()
    one = feeder(log, policy, told)
    await one.begin()
    await one.finished()
    return told.verdicts


@pytest.mark.clause("L9")
async def test_a_witness_follows_the_log_as_it_grows(log: SignedLog, place: Receiver) -> None:
    witness = PlainWitness(VKEY, "follows.example/w")
    place.answer = witness.answer
    policy = policy_of((witness, place))

    size = 0
    for count in (1, 200, 0):
        size = await log.grown(count)
        await fed(log, policy)
        assert witness.size == size
        tree = await log.tree.newest()
        assert tree is not None
        assert policy.cosigned_by(tree.note) == {"w1": witness.at_s}
        reference.open_cosignature(tree.note.text, str(tree.note.signatures[-1]), witness.vkey)
        reference.open_checkpoint(bytes(tree.note), VKEY)

    assert witness.asked == [0, 301], "from the size that was cosigned last; nothing twice"
    assert (await Cosignatures(log.pool).reached(policy))["w1"].size == size


async def test_a_witness_that_knows_another_size_is_asked_again_from_there(
    log: SignedLog, place: Receiver
) -> None:
    tree = await log.tree.of_size(300)
    assert tree is not None
    _, size, root = reference.open_checkpoint(bytes(tree.note), VKEY)
    witness = PlainWitness(VKEY, "ahead.example/w", size=size, root=root)
    place.answer = witness.answer
    await log.grown(5)

    assert await fed(log, policy_of((witness, place))) == [("w1", "cosigned")]
    assert witness.asked == [0, 300]


async def test_a_witness_that_cosigned_this_size_already_cosigns_it_again(
    log: SignedLog, place: Receiver
) -> None:
    tree = await log.tree.newest()
    assert tree is not None
    _, size, root = reference.open_checkpoint(bytes(tree.note), VKEY)
    witness = PlainWitness(VKEY, "again.example/w", size=size, root=root)
    place.answer = witness.answer

    assert await fed(log, policy_of((witness, place))) == [("w1", "cosigned")]
    assert witness.asked == [0, size]


async def test_a_witness_of_another_tree_is_a_fork(log: SignedLog, place: Receiver) -> None:
    for size in (300, (await log.signed())):
        witness = PlainWitness(VKEY, f"fork{size}.example/w", size=size, root=b"\x01" * 32)
        place.answer = witness.answer

        assert await fed(log, policy_of((witness, place))) == [("w1", "forked")]
        assert not await Cosignatures(log.pool).reached(policy_of((witness, place)))


async def test_a_witness_of_more_than_there_is_tells_so(log: SignedLog, place: Receiver) -> None:
    witness = PlainWitness(VKEY, "more.example/w", size=10**9)
    place.answer = witness.answer

    with capture_logs() as logs:
        assert await fed(log, policy_of((witness, place))) == [("w1", "ahead")]
    assert logs[0]["witness_size"] == 10**9


SIZE = "text/x.tlog.size"
W = PlainWitness(VKEY, "hostile.example/w")
OTHER = PlainWitness(VKEY, "hostile.example/w", seed=b"\x32" * 32)


def body_of(request: Received) -> str:
    """The text of the checkpoint that was sent."""
    return request.body.decode().partition("\n\n")[2].rpartition("\n\n")[0] + "\n"


HOSTILE: dict[str, tuple[Callable[[Received], bytes | None], str]] = {
    "unknown log": (lambda _: reply(404, ""), "refused"),
    "unknown key": (lambda _: reply(403, ""), "refused"),
    "broken": (lambda _: reply(500, "x"), "refused"),
    "busy": (
        lambda _: b"HTTP/1.1 429 X\r\nretry-after: 99999\r\ncontent-length: 0\r\n\r\n",
        "refused",
    ),
    "elsewhere": (
        lambda _: b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        "refused",
    ),
    "fork that it cannot know": (lambda _: reply(422, ""), "refused"),
    "empty": (lambda _: reply(200, ""), "malformed"),
    "nothing of the kind": (lambda _: reply(200, b"\xff\x00"), "malformed"),
    "no end of the line": (lambda r: reply(200, W.line(body_of(r))[:-1]), "malformed"),
    "another key": (lambda r: reply(200, OTHER.line(body_of(r))), "malformed"),
    "another checkpoint": (lambda _: reply(200, W.line("a\n1\nx\n")), "malformed"),
    "a time to come": (
        lambda r: reply(200, PlainWitness(VKEY, W.name, at_s=int(time()) + 4_000).line(body_of(r))),
        "malformed",
    ),
    "a time that nobody can write": (
        lambda r: reply(200, PlainWitness(VKEY, W.name, at_s=2**62).line(body_of(r))),
        "malformed",
    ),
    "too much": (lambda r: reply(200, W.line(body_of(r)) * 40 + "x" * 900_000), "malformed"),
    "a line too many": (lambda r: reply(200, W.line(body_of(r)) * 33), "malformed"),
    "no size": (lambda _: reply(409, "many\n", SIZE), "malformed"),
    "a size of no type": (lambda _: reply(409, "1\n"), "malformed"),
    "a size without end": (lambda _: reply(409, "9" * 900_000, SIZE), "malformed"),
    "the size that was sent": (lambda _: reply(409, "0\n", SIZE), "malformed"),
    "no HTTP": (lambda _: b"hello\r\n\r\n", "silent"),
    "half an answer": (lambda _: b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n123", "silent"),
    "no answer": (lambda _: None, "silent"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_answer_is_nothing_but_counted(
    log: SignedLog, place: Receiver, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(outbound, "ATTEMPT_TIMEOUT_S", 0.3)
    place.answer, verdict = HOSTILE[kind]
    policy = policy_of((W, place))

    assert await fed(log, policy) == [("w1", verdict)]
    assert not await Cosignatures(log.pool).reached(policy)
    assert len(place.received) <= 3


async def test_sizes_that_never_settle_end(log: SignedLog, place: Receiver) -> None:
    sizes = iter(range(1, 100))
    place.answer = lambda _: reply(409, f"{next(sizes)}\n", SIZE)

    assert await fed(log, policy_of((W, place))) == [("w1", "malformed")]
    assert len(place.received) == 3


async def test_nobody_listens(log: SignedLog) -> None:
    async with receiving() as place:
        pass

    assert await fed(log, policy_of((W, place))) == [("w1", "silent")]


async def has_cosigned(log: SignedLog, policy: TrustPolicy, size: int) -> bool:
    return await Cosignatures(log.pool).newest_size(policy) == size


async def test_one_that_hangs_holds_up_neither_the_log_nor_the_others(
    log: SignedLog, place: Receiver
) -> None:
    place.answer = lambda _: None
    told = Told()
    async with receiving() as other_place:
        good = PlainWitness(VKEY, "beside.example/w", seed=b"\x33" * 32)
        other_place.answer = good.answer
        policy = policy_of((W, place), (good, other_place), quorum="w2")
        one = feeder(log, policy, told)
        running = asyncio.create_task(one.run())
        for count in (3, 4):
            size = await log.grown(count)

            await until(partial(has_cosigned, log, policy, size))
        running.cancel()
        await asyncio.wait([running], timeout=5)

    assert running.done()
    assert told.verdicts.count(("w2", "cosigned")) >= 1
    assert len(place.received) == 1, "one request at a time"
    assert await Cosignatures(log.pool).newest_size(policy_of((W, place), quorum="w1")) is None


async def test_one_that_fails_is_asked_less_and_less_often(
    log: SignedLog, place: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1_000.0
    place.answering(500)
    told = Told()
    one = feeder(log, policy_of((W, place)), told, every_s=5.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s, raising=False)
    turn = one._turns["w1"]

    waits = []
    for _ in range(9):
        turn.due = 0.0
        await one.begin()
        await one.finished()
        await one.begin()
        assert turn.task is None, "it has to wait"
        waits.append(turn.due - now_s)

    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0]


async def test_a_line_that_was_slipped_in_is_not_shown(log: SignedLog) -> None:
    """A process that was made to write what it should not can only write what is passed over."""
    size = await log.grown(1)
    tree = await log.tree.newest()
    assert tree is not None
    for number, (key, line) in enumerate(
        [
            ("no key", "no line"),
            (W.vkey, "\u2014 x AAAA"),
            (OTHER.vkey, W.line(tree.note.text).strip()),
        ]
    ):
        assert await log.pool.fetchval(
            "SELECT ledger.ledger_log_cosign(0, $1, $2, $3, now())", size, key, line
        ), number

    again = await log.tree.newest()
    assert again == tree
    assert not cosigned(tree.note, [])


async def test_only_lines_under_a_checkpoint_of_the_log_are_kept(log: SignedLog) -> None:
    size = await log.signed()
    for bad in ((size + 1, "k", "l"), (size, "k" * 401, "l"), (size, "k", "l\nl")):
        with pytest.raises(Exception, match="no line under a checkpoint"):
            await log.pool.execute("SELECT ledger.ledger_log_cosign(0, $1, $2, $3, now())", *bad)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "http://a.example:0/x", "http://a b/", "a.example", "http://a/#"]
)
async def test_a_place_that_is_no_url_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(DestinationRefused):
        NamedDestinations(resolve, [url])


async def test_nobody_but_the_named_is_reached() -> None:
    named = NamedDestinations(resolve, ["http://w.internal:8080/add-checkpoint"])

    assert named.parse("http://w.internal:8080/add-checkpoint").port == 8080
    with pytest.raises(DestinationRefused):
        named.parse("http://w.internal:8080/other")
