"""What witnesses and an authority said of a checkpoint, as it is shown to everybody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.settings import Settings
from app.store.cosignatures import Cosignatures
from app.store.time_stamps import TimeStamps
from app.tlog.cosignatures import witness_key
from app.tlog.notes import VerifierKey, read_note, signature_line
from app.tlog.trust_policies import trust_policy
from tests.conftest import Database
from tests.propagation.witness import PlainWitness
from tests.serving import Api, serving
from tests.store.signed_log import ORIGIN, SIGNER, SignedLog, signed_log
from tests.tlog import reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
ONE = PlainWitness(VKEY, "one.example/w", seed=b"\x51" * 32)
TWO = PlainWitness(VKEY, "two.example/w", seed=b"\x52" * 32)
POLICY = f"witness w1 {ONE.vkey}\nwitness w2 {TWO.vkey}\ngroup both all w1 w2\nquorum both\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def log(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SignedLog]:
    async with signed_log(module_database, tmp_path_factory.mktemp("keys")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(
    module_database: Database, log: SignedLog, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key, at a service whose log needs both witnesses."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / "witnesses").write_text(POLICY)
    settings = Settings(home=home, log_witness_policy_file=home / "witnesses")
    async with (
        serving(module_database, home, settings) as service,
        Api(service, settings).anonymous() as somebody,
    ):
        yield somebody


async def cosign(log: SignedLog, size: int, *witnesses: PlainWitness) -> None:
    """Keeps a cosignature of each, as the feeder does."""
    tree = await log.tree.of_size(size)
    assert tree is not None
    for one in witnesses:
        line = signature_line(one.line(tree.note.text).rstrip("\n"))
        kept = Cosignatures(log.pool)
        await kept.add(size, witness_key(one.vkey), line, at_s=one.at_s)


@pytest.mark.clause("L9")
async def test_the_newest_head_that_enough_witnesses_cosigned_is_shown(
    log: SignedLog, reader: httpx.AsyncClient
) -> None:
    first, second, third = await log.grown(3), await log.grown(3), await log.grown(3)
    await cosign(log, first, ONE, TWO)
    await cosign(log, second, ONE, TWO)
    await cosign(log, third, ONE)

    newest = await reader.get("/log/checkpoint")
    cosigned = await reader.get("/log/checkpoint/cosigned")
    policy = trust_policy((await reader.get("/log/policy")).text)

    assert reference.open_checkpoint(newest.content, VKEY)[1] == third
    assert ONE.name in newest.text
    assert reference.open_checkpoint(cosigned.content, VKEY)[1] == second
    assert policy.verify(read_note(cosigned.content)).size == second
    for one in (ONE, TWO):
        text, _, lines = cosigned.text.partition("\n\n")
        [line] = [line for line in lines.splitlines() if f" {one.name} " in line]
        assert reference.open_cosignature(f"{text}\n", line, one.vkey) == one.at_s


async def test_a_stamp_is_shown_with_the_size_that_it_is_of(
    log: SignedLog, reader: httpx.AsyncClient
) -> None:
    size = await log.grown(1)
    await TimeStamps(log.pool).add(size, "https://a.example", b"a stamp", datetime.now(UTC))
    await log.grown(1)

    newest = await reader.get("/log/timestamp")
    of_size = await reader.get("/log/timestamp", params={"size": str(size)})
    missing = await reader.get("/log/timestamp", params={"size": str(size + 1)})
    wrong = await reader.get("/log/timestamp", params={"size": "01"})

    for answer in (newest, of_size):
        assert (answer.status_code, answer.content) == (200, b"a stamp")
        assert answer.headers["content-type"] == "application/timestamp-reply"
        assert answer.headers["content-location"] == f"/log/timestamp?size={size}"
    assert "immutable" in of_size.headers["cache-control"]
    assert "immutable" not in newest.headers["cache-control"]
    assert missing.json()["type"] == "/problems/checkpoint-unstamped"
    assert wrong.json()["type"] == "/problems/proof-query-invalid"
