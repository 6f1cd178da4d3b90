"""The service as a witness of a sibling's log (c2sp.org/tlog-witness): it never cosigns a fork."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from app.api import log_witness as module
from app.assembly import WitnessPolicyUnusable, attestation
from app.measures import Measures
from app.propagation.destinations import DestinationRefused, NamedDestinations
from app.propagation.feeding import Feeding, add_checkpoint_url
from app.propagation.outbound import Outbound
from app.service import Service
from app.settings import Settings
from app.store.cosignatures import Cosignatures
from app.store.log_witness import WitnessForked
from app.tlog.checkpoints import Checkpoint
from app.tlog.notes import Note, Signature, VerifierKey
from app.tlog.trust_policies import trust_policy
from app.tlog.witnessing import AddCheckpoint
from app.vault.signed_head import SignedHead, SignedHeadFile
from tests.api.live import live
from tests.conftest import Database
from tests.serving import Api, resolve, serving
from tests.store.signed_log import ORIGIN as SIBLING
from tests.store.signed_log import SIGNER, signed_log
from tests.tlog import reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "ledger.example/witness"
LOG = Ed25519PrivateKey.from_private_bytes(b"\x41" * 32)
PUBLISHED = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
SIZE_TYPE = "text/x.tlog.size"
PATH = "/log/witness/add-checkpoint"
ORIGINS = [f"log{number}.example" for number in range(40)]
LEAVES = [reference.leaf(b"%d" % number) for number in range(64)]
FORK = [*LEAVES[:10], *(reference.leaf(b"other %d" % number) for number in range(54))]


def key_of(origin: str) -> VerifierKey:
    """Each log has a key of its own, made of its name."""
    private = private_of(origin)
    return VerifierKey(origin, private.public_key().public_bytes_raw())


def private_of(origin: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(reference.sha256(origin.encode()))


def note(origin: str, size: int, leaves: list[bytes] = LEAVES) -> Note:
    text = Checkpoint(origin, size, reference.mth(leaves[:size])).text()
    return Note(text, (key_of(origin).sign(text, private_of(origin).sign),))


def asked(origin: str, old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    path = reference.proof(old, leaves[:size]) if 0 < old < size else []
    return bytes(AddCheckpoint(old, tuple(path), note(origin, size, leaves)))


def settings_of(home: Path) -> Settings:
    logs = (*(str(key_of(origin)) for origin in ORIGINS), vkey_of_sibling())
    return Settings(home=home, witness_logs=logs, witness_name=NAME, subscription_loopback=True)


def vkey_of_sibling() -> str:
    return str(VerifierKey(SIBLING, SIGNER.public_key))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    home = tmp_path_factory.mktemp("home")
    async with serving(module_database, home, settings_of(home)) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    api = Api(service, Settings(home=tmp_path_factory.mktemp("settings")))
    async with api.anonymous() as opened:
        yield opened


@pytest.fixture
def vkey(service: Service) -> str:
    """The verifier key that this witness hands to whoever configures it."""
    assert service.attestation.witness is not None
    return str(service.attestation.witness.key)


async def post(caller: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await caller.post(PATH, content=body, headers={"content-type": "text/plain"})


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


@pytest.mark.clause("L9")
async def test_a_log_that_grows_is_cosigned(caller: httpx.AsyncClient, vkey: str) -> None:
    origin, before = ORIGINS[0], int(datetime.now(UTC).timestamp())
    for old, size in ((0, 0), (0, 10), (10, 10), (10, 23), (23, 64)):
        answer = await post(caller, asked(origin, old, size))
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "text/plain; charset=utf-8",
        )
        [line, end] = answer.text.split("\n")
        assert end == ""
        at_s = reference.open_cosignature(note(origin, size).text, line, vkey)
        assert before <= at_s <= int(datetime.now(UTC).timestamp())


async def test_the_policy_names_the_witnesses_and_our_own_key(
    other_database: Database, tmp_path: Path, vkey: str
) -> None:
    """As the file of the settings has them, so that a verifier takes it as it is."""
    file = tmp_path / "witnesses"
    file.write_text(f"witness w1 {vkey} https://w.example\ngroup one any w1\nquorum one\n")
    settings = settings_of(tmp_path).model_copy(update={"log_witness_policy_file": file})
    async with (
        signed_log(other_database, tmp_path) as log,
        serving(other_database, tmp_path, settings) as service,
        Api(service, settings).anonymous() as somebody,
    ):
        await log.signed()
        policy = trust_policy(text := (await somebody.get("/log/policy")).text)
        uncosigned = await somebody.get("/log/checkpoint/cosigned")
        unstamped = await somebody.get("/log/timestamp")
        figures = (await (await Api(service, settings).client()).get("/metrics")).text

    assert [str(key) for key, _ in policy.logs] == [vkey_of_sibling()]
    assert [(one.name, str(one.key), one.url) for one in policy.witnesses] == [
        ("w1", vkey, "https://w.example")
    ]
    assert policy.quorum == "one"
    assert service.attestation.witness is not None
    assert f"# cosigning {service.attestation.witness.key}\n" in text
    assert problem(uncosigned) == (404, "checkpoint-uncosigned")
    assert problem(unstamped) == (404, "checkpoint-unstamped")
    assert 'pdledger_log_witness_size{witness="w1"} 0.0' in figures
    assert "pdledger_log_cosigned_size 0.0" in figures


SETTINGS = {
    "a second key": {"witness_logs": (vkey_of_sibling(),) * 2, "witness_name": NAME},
    "no key": {"witness_logs": ("x",), "witness_name": NAME},
    "a key of a witness": {
        "witness_logs": (PUBLISHED,),
        "witness_name": NAME,
    },
    "no name": {"witness_logs": (vkey_of_sibling(),)},
    "no name at all": {"witness_name": "a b"},
    "an authority without certificates": {"log_timestamp_url": "https://a.example"},
}


@pytest.mark.parametrize("kind", SETTINGS)
async def test_a_setting_that_cannot_be_used_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        Settings(**SETTINGS[kind])  # type: ignore[arg-type]  # each has members of its own


POLICIES = {
    "no file": (None, WitnessPolicyUnusable),
    "no policy": ("witness\nquorum none\n", WitnessPolicyUnusable),
    "a log": (f"log {vkey_of_sibling()}\nquorum none\n", WitnessPolicyUnusable),
    "no place": (
        f"witness w {PUBLISHED} nowhere\nquorum none\n",
        DestinationRefused,
    ),
}


@pytest.mark.parametrize("kind", POLICIES)
async def test_witnesses_that_cannot_be_used_stop_the_start(
    service: Service, tmp_path: Path, kind: str
) -> None:
    text, failure = POLICIES[kind]
    if text is not None:
        (tmp_path / "witnesses").write_text(text)
    settings = Settings(home=tmp_path, log_witness_policy_file=tmp_path / "witnesses")
    with pytest.raises(failure):
        attestation(settings, service.pool, resolve, service.ledger.clock)


async def test_another_size_is_told_which_one_is_known(caller: httpx.AsyncClient) -> None:
    origin = ORIGINS[1]
    first = await post(caller, asked(origin, 5, 10))
    await post(caller, asked(origin, 0, 10))
    for old, size in ((0, 20), (5, 10), (10, 10)):
        answer = await post(caller, asked(origin, old, size, FORK if old == 10 else LEAVES))
        if old == 10:
            assert answer.status_code == 200, "the same tree of the same size, cosigned anew"
            continue
        assert (answer.status_code, answer.text) == (409, "10\n")
        assert answer.headers["content-type"] == SIZE_TYPE

    assert (first.status_code, first.text) == (409, "0\n")


async def test_a_fork_is_not_cosigned(caller: httpx.AsyncClient) -> None:
    origin = ORIGINS[2]
    assert (await post(caller, asked(origin, 0, 20))).status_code == 200

    same_size = await post(caller, asked(origin, 20, 20, FORK))
    own_proof = await post(caller, asked(origin, 20, 30, FORK))
    from_the_start = await post(caller, asked(origin, 0, 30, FORK))
    good = await post(caller, asked(origin, 20, 30))

    assert (same_size.status_code, same_size.text) == (409, "20\n")
    assert problem(own_proof) == (422, "witness-proof-invalid")
    assert (from_the_start.status_code, from_the_start.text) == (409, "20\n")
    assert good.status_code == 200


async def test_what_is_wrong_has_its_status(
    caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = ORIGINS[3]
    text = note(origin, 10).text
    forged = Note(text, (Signature(origin, key_of(origin).key_id, bytes(64)),))
    by_another = Note(text, (key_of(ORIGINS[4]).sign(text, private_of(ORIGINS[4]).sign),))

    endless = Checkpoint(ORIGINS[4], 2**63, bytes(32)).text()
    signed = Note(endless, (key_of(ORIGINS[4]).sign(endless, private_of(ORIGINS[4]).sign),))

    assert problem(await post(caller, b"")) == (400, "witness-request-malformed")
    assert problem(await post(caller, bytes(AddCheckpoint(0, (), signed)))) == (
        400,
        "witness-request-malformed",
    )
    assert problem(await post(caller, asked(origin, 0, 10)[:-1]))[0] == 400
    assert problem(await post(caller, asked(origin, 11, 10)))[0] == 400
    assert problem(await post(caller, asked("stranger.example", 0, 10))) == (
        404,
        "witness-log-unknown",
    )
    for bad in (forged, by_another):
        body = bytes(AddCheckpoint(7, (), bad))
        assert problem(await post(caller, body)) == (403, "witness-signature-missing")
    monkeypatch.setattr(module, "BODY_MAX_BYTES", 50)
    assert problem(await post(caller, asked(origin, 0, 10))) == (413, "body-too-large")
    assert (await caller.get(PATH)).status_code == 405


async def test_two_at_once_from_one_size_get_one_tree(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Each log is offered a tree and a fork of it in the same moment."""
    for origin in ORIGINS[5:25]:
        assert (await post(caller, asked(origin, 0, 10))).status_code == 200
        answers = await asyncio.gather(
            *(
                post(caller, asked(origin, 10, size, leaves))
                for size, leaves in ((20, LEAVES), (20, FORK), (30, FORK), (30, LEAVES))
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 409, 409, 409]
        row = await service.pool.fetchrow(
            "SELECT size, root FROM ledger.log_witnessed WHERE origin = $1", origin
        )
        [won] = [number for number, answer in enumerate(answers) if answer.status_code == 200]
        size, leaves = ((20, LEAVES), (20, FORK), (30, FORK), (30, LEAVES))[won]
        assert row is not None
        assert tuple(row) == (size, reference.mth(leaves[:size]))


async def test_the_first_of_two_first_ones_is_the_log(caller: httpx.AsyncClient) -> None:
    for origin in ORIGINS[25:35]:
        answers = await asyncio.gather(
            post(caller, asked(origin, 0, 20)), post(caller, asked(origin, 0, 20, FORK))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_database_that_was_taken_back_makes_it_forget_nothing(
    caller: httpx.AsyncClient, service: Service, module_database: Database
) -> None:
    origin = ORIGINS[35]
    assert (await post(caller, asked(origin, 0, 10))).status_code == 200
    assert (await post(caller, asked(origin, 10, 30))).status_code == 200
    admin = await asyncpg.connect(module_database.dsn("postgres"))
    await admin.execute("ALTER TABLE ledger.log_witnessed DISABLE TRIGGER ALL")
    root = reference.mth(LEAVES[:10])
    await admin.execute(
        "UPDATE ledger.log_witnessed SET size = 10, root = $1 WHERE origin = $2", root, origin
    )

    forked = await post(caller, asked(origin, 10, 40, FORK))
    goes_on = await post(caller, asked(origin, 30, 40))
    after = await admin.fetchval("SELECT size FROM ledger.log_witnessed WHERE origin = $1", origin)
    await admin.execute("DELETE FROM ledger.log_witnessed WHERE origin = $1", origin)
    again = await post(caller, asked(origin, 0, 20, FORK))
    await admin.close()

    assert (forked.status_code, forked.text) == (409, "30\n")
    assert goes_on.status_code == 200
    assert after == 40
    assert (again.status_code, again.text) == (409, "40\n")


async def test_two_memories_that_contradict_each_other_cosign_nothing(
    caller: httpx.AsyncClient, service: Service
) -> None:
    origin, witness = ORIGINS[36], service.attestation.witness
    assert witness is not None
    assert (await post(caller, asked(origin, 0, 10))).status_code == 200
    file = witness._memory_of(origin)
    file.unlink()
    SignedHeadFile(file).write(SignedHead(10, b"\x01" * 32))

    assert problem(await post(caller, asked(origin, 10, 20))) == (500, "internal")
    with pytest.raises(WitnessForked):
        await witness.answer(AddCheckpoint(10, (), note(origin, 20)))


async def test_its_memory_never_goes_back(service: Service) -> None:
    root, other = b"\x01" * 32, b"\x02" * 32
    advance = "SELECT ledger.ledger_witness_advance('x', $1, $2, $3, $4, 'note')"
    pool = service.pool

    assert await pool.fetchval(advance, None, None, 10, root)
    assert not await pool.fetchval(advance, None, None, 12, root), "it is known by now"
    assert not await pool.fetchval(advance, 9, root, 12, other)
    assert not await pool.fetchval(advance, 10, other, 12, other)
    assert await pool.fetchval(advance, 10, root, 10, root)
    assert await pool.fetchval(advance, 10, root, 12, other)
    for before, before_root, size, after in ((12, other, 11, root), (12, other, 12, root)):
        with pytest.raises(asyncpg.CheckViolationError):
            await pool.fetchval(advance, before, before_root, size, after)


async def test_a_service_that_is_no_witness_knows_no_log(
    other_database: Database, tmp_path: Path
) -> None:
    async with (
        serving(other_database, tmp_path) as plain,
        Api(plain, Settings(home=tmp_path)).anonymous() as somebody,
    ):
        answer = await post(somebody, asked(ORIGINS[0], 0, 10))

    assert problem(answer) == (404, "witness-log-unknown")
    assert not (tmp_path / "keys" / "witness.key").exists()


async def test_one_deployment_witnesses_another(
    service: Service, other_database: Database, tmp_path: Path, vkey: str
) -> None:
    """The whole way: a log, its feeder, a socket, the witness, and a cosigned checkpoint back."""
    async with (
        signed_log(other_database, tmp_path) as log,
        live(service, settings_of(tmp_path)) as address,
    ):
        policy = trust_policy(f"witness sibling {vkey} {address}/log/witness\nquorum sibling\n")
        [witness] = policy.witnesses
        assert witness.url is not None
        outbound = Outbound(NamedDestinations(resolve, [add_checkpoint_url(witness.url)]))
        feeding = Feeding(
            log.tree,
            Cosignatures(log.pool),
            policy,
            outbound=outbound,
            clock=lambda: datetime.now(UTC),
            measures=Measures(),
            every_s=1.0,
            portion=lambda: 0.0,
        )
        for count in (3, 300):
            size = await log.grown(count)
            await feeding.begin()
            await feeding.finished()
            tree = await log.tree.of_size(size)
            assert tree is not None
            assert policy.is_witnessed(policy.cosigned_by(tree.note))
