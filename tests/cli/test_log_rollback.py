"""A database that was taken back is not served, whoever remembers; and the ways out (L9)."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.cli.answers import ExitCode
from app.main import create_app, open_service, wrapped
from app.settings import Settings
from app.store import log_standing
from app.store.connection import connect
from app.store.identity import read_identity
from app.store.integrator import Integrator, LogShortened
from app.store.log_standing import LogTakenBack, TrustedCheckpointUnusable
from app.store.roles import prepare_database
from app.tlog.checkpoints import Checkpoint
from app.tlog.notes import Note, VerifierKey
from app.vault.custody import FileCustody
from app.vault.signed_head import SignedHeadFile, signed_head_file
from app.vault.signing import Signer
from tests.cli.conftest import Call
from tests.conftest import Database, in_thread
from tests.conftest import _copy as copied
from tests.projections.waiting import until
from tests.propagation.receiver import receiving
from tests.propagation.witness import PlainWitness
from tests.rights.people import register
from tests.serving import Api, logins, serving
from tests.store.leaves import grow
from tests.tlog import reference

ORIGIN = "ledger.example/log"
ANOTHER = "ledger.example/log-2"


@dataclass(frozen=True, slots=True)
class Story:
    """A ledger, its backup of yesterday, and what is remembered of it elsewhere."""

    home: Path
    database: Database
    backup: Database
    vkey: str
    kept: bytes
    """The newest checkpoint, as somebody kept it."""
    before: int
    """How many entries the backup has."""

    @property
    def size(self) -> int:
        """How many were signed."""
        return reference.open_checkpoint(self.kept, self.vkey)[1]

    @property
    def root(self) -> bytes:
        """Their root."""
        return reference.open_checkpoint(self.kept, self.vkey)[2]


async def signed(database: Database, home: Path, memory: SignedHeadFile | None = None) -> bytes:
    """Signs what was appended with the key of the home; the newest checkpoint."""
    connection = await connect(database.dsn("ledger_integrator"))
    try:
        identity = await read_identity(connection)

        async def connected() -> "asyncpg.Connection[Any]":
            return connection

        keys = home / "keys"
        one = Integrator(
            connected,
            Signer(FileCustody(keys).checkpoint_key()),
            memory or signed_head_file(keys, identity.ledger_id),
            origin=ORIGIN,
        )
        while (await one.integrate(connection)).entries:
            pass
        note: bytes = await connection.fetchval(
            "SELECT note FROM ledger.log_checkpoint ORDER BY size DESC LIMIT 1"
        )
    finally:
        await connection.close()
    return note


async def registered(database: Database, home: Path) -> None:
    """One more person."""
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        await register(client, verification=None)


async def appended(database: Database, count: int) -> None:
    """More entries, on whatever the database holds."""
    admin = await asyncpg.connect(database.dsn("postgres"))
    try:
        await grow(admin, count)
    finally:
        await admin.close()


@pytest.fixture(scope="module")
def story(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A person is registered; a backup is made; another person is registered; all is signed."""
    home, database = tmp_path_factory.mktemp("story") / "var", module_database
    home.mkdir()
    in_thread(registered(database, home))
    first = in_thread(signed(database, home))
    vkey = VerifierKey(ORIGIN, Signer(FileCustody(home / "keys").checkpoint_key()).public_key)
    with copied(database.cluster, database.name) as backup:
        in_thread(registered(database, home))
        kept = in_thread(signed(database, home))
        before = reference.open_checkpoint(first, str(vkey))[1]
        yield Story(home, database, backup, str(vkey), kept, before)


@pytest.fixture
def restored(story: Story) -> Iterator[Database]:
    """The backup, put back."""
    with copied(story.backup.cluster, story.backup.name) as made:
        yield made


@pytest.fixture
def home(story: Story, tmp_path: Path) -> Path:
    """A copy of the home, with what it remembers."""
    return Path(shutil.copytree(story.home, tmp_path / "var"))


@pytest.fixture
def forgetful(home: Path) -> Path:
    """The same without the file beside the key, as on a machine that was lost with it."""
    for file in (home / "keys").glob("checkpoint-*.signed"):
        file.unlink()
    return home


@asynccontextmanager
async def started(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A service as `serve` starts it, with its loops; the client has no key."""
    app = create_app(settings, logins(database))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(wrapped(app, settings), raise_app_exceptions=False),
            base_url="http://ledger.example",
        ) as client,
    ):
        yield client


PATHS = ("/readyz", "/log/checkpoint", "/v1/subjects/x", "/metrics", "/docs", "/nowhere")


async def asked(settings: Settings, database: Database) -> tuple[dict[str, Any], int]:
    """What a start of the service says on `/readyz`, and how long the log is afterwards."""
    async with started(settings, database) as client:
        ready = await client.get("/readyz")
        if ready.status_code == 503:
            assert (await client.get("/livez")).status_code == 200
            for path in PATHS:
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "/problems/log-taken-back",
                )
            posted = await client.post("/v1/subjects", json={})
            assert posted.json()["type"] == "/problems/log-taken-back"
            assert (await client.get("/problems/log-taken-back")).status_code == 200
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    length = await connection.fetchval("SELECT count(*) FROM ledger.events")
    await connection.close()
    body: dict[str, Any] = ready.json()
    return body, length


def told(body: dict[str, Any]) -> tuple[Any, ...]:
    """The problem of a log that was taken back, in short; ready when there is none."""
    if body["status"] == "ready":
        return ("ready",)
    assert body["type"] == "/problems/log-taken-back"
    return body["reason"], body["source"], body["remembered_size"], body["size"]


@pytest.mark.clause("L9")
def test_the_file_beside_the_key_remembers(story: Story, restored: Database, home: Path) -> None:
    body, length = in_thread(asked(Settings(home=home), restored))

    assert told(body) == ("shortened", "signed-head", story.size, story.before)
    assert body["title"] == "The log contradicts what was signed of it"
    assert length == story.before, "no loop wrote anything either"


def test_a_checkpoint_that_somebody_kept_remembers(
    story: Story, restored: Database, forgetful: Path
) -> None:
    (forgetful / "kept").write_bytes(story.kept)
    settings = Settings(home=forgetful, log_trusted_checkpoint=forgetful / "kept")
    body, _ = in_thread(asked(settings, restored))

    assert told(body) == ("shortened", "trusted-checkpoint", story.size, story.before)


async def asked_with_witness(
    home: Path, database: Database, witness: PlainWitness
) -> dict[str, Any]:
    async with receiving() as place:
        place.answer = witness.answer
        file = home / "witnesses"
        file.write_text(f"witness w1 {witness.vkey} http://127.0.0.1:{place.port}\nquorum w1\n")
        settings = Settings(home=home, log_witness_policy_file=file, workers=False)
        return (await asked(settings, database))[0]


def test_a_witness_remembers(story: Story, restored: Database, forgetful: Path) -> None:
    witness = PlainWitness(story.vkey, size=story.size, root=story.root)
    body = in_thread(asked_with_witness(forgetful, restored, witness))

    assert told(body) == ("shortened", "witness", story.size, story.before)
    assert body["witness"] == "w1"


def test_where_nothing_is_remembered_nobody_can_know(restored: Database, forgetful: Path) -> None:
    """The control of the tests above: it is the memory that tells."""
    body, _ = in_thread(asked(Settings(home=forgetful, workers=False), restored))

    assert told(body) == ("ready",)


def test_the_log_that_was_not_taken_back_is_served(story: Story, home: Path) -> None:
    (home / "kept").write_bytes(story.kept)
    settings = Settings(home=home, log_trusted_checkpoint=home / "kept", workers=False)
    witness = PlainWitness(story.vkey, size=story.size, root=story.root)

    assert told(in_thread(asked(settings, story.database))[0]) == ("ready",)
    assert told(in_thread(asked_with_witness(home, story.database, witness))) == ("ready",)


def test_other_entries_than_were_signed_are_a_fork(
    story: Story, restored: Database, home: Path, tmp_path: Path
) -> None:
    """It went on elsewhere, beyond the size that is remembered, before anybody looked."""
    in_thread(appended(restored, story.size))
    signed_here = SignedHeadFile(tmp_path / "elsewhere.signed")
    in_thread(signed(restored, home, signed_here))
    (home / "kept").write_bytes(story.kept)
    length = story.before + story.size
    by_file, _ = in_thread(asked(Settings(home=home), restored))
    for file in (home / "keys").glob("checkpoint-*.signed"):
        file.unlink()
    trusting = Settings(home=home, log_trusted_checkpoint=home / "kept")
    by_checkpoint, _ = in_thread(asked(trusting, restored))
    witness = PlainWitness(story.vkey, size=story.size, root=story.root)
    by_witness = in_thread(asked_with_witness(home, restored, witness))

    assert told(by_file) == ("forked", "signed-head", story.size, length)
    assert told(by_checkpoint) == ("forked", "trusted-checkpoint", story.size, length)
    assert told(by_witness) == ("forked", "witness", story.size, length)


def test_entries_that_were_not_integrated_are_compared_too(
    story: Story, restored: Database, home: Path
) -> None:
    in_thread(appended(restored, story.size))
    body, _ = in_thread(asked(Settings(home=home, workers=False), restored))

    assert told(body)[:2] == ("forked", "signed-head")


def test_another_root_of_the_same_size_is_a_fork_to_a_witness(story: Story, home: Path) -> None:
    witness = PlainWitness(story.vkey, size=story.size, root=b"\x01" * 32)
    body = in_thread(asked_with_witness(home, story.database, witness))

    assert told(body)[:2] == ("forked", "witness")


def test_a_log_that_was_signed_anew_with_another_key_is_detected(
    story: Story, forgetful: Path
) -> None:
    """Whoever owns the database can write what they like there, but not what was kept outside."""
    signer = Signer(b"\x55" * 32)
    text = Checkpoint(ORIGIN, story.size, story.root).text()
    line = VerifierKey(ORIGIN, signer.public_key).sign(text, signer.sign)
    (forgetful / "kept").write_bytes(bytes(Note(text, (line,))))
    settings = Settings(home=forgetful, log_trusted_checkpoint=forgetful / "kept")
    body, _ = in_thread(asked(settings, story.database))

    assert told(body)[:2] == ("forked", "trusted-checkpoint")


def test_a_trusted_checkpoint_that_is_none_stops_the_start(story: Story, home: Path) -> None:
    for content in (None, b"nothing"):
        if content is not None:
            (home / "kept").write_bytes(content)
        settings = Settings(home=home, log_trusted_checkpoint=home / "kept")
        with pytest.raises(TrustedCheckpointUnusable):
            in_thread(asked(settings, story.database))


async def hanging(home: Path, database: Database) -> tuple[dict[str, Any], float]:
    """A start with a witness that never answers; how long it took."""
    witness = PlainWitness("unused")
    async with receiving() as place:
        place.answer = lambda _: None
        file = home / "witnesses"
        file.write_text(f"witness w1 {witness.vkey} http://127.0.0.1:{place.port}\nquorum w1\n")
        settings = Settings(home=home, log_witness_policy_file=file, workers=False)
        began = asyncio.get_running_loop().time()
        body, _ = await asked(settings, database)
        return body, asyncio.get_running_loop().time() - began


def test_a_witness_that_is_away_holds_up_a_start_for_two_seconds_at_most(
    story: Story, home: Path
) -> None:
    body, seconds = in_thread(hanging(home, story.database))

    assert told(body) == ("ready",)
    assert 1.9 < seconds < 6


async def exchanged(
    story: Story, home: Path, settings: Settings
) -> tuple[dict[str, Any], dict[str, Any], int]:
    """A service runs; its database is exchanged for the backup under its name, as a restore does.

    What `/readyz` says before and after, and how long the restored log is a moment later.
    """
    with copied(story.database.cluster, story.database.name) as served:
        admin = await asyncpg.connect(served.cluster.dsn("postgres", "postgres"))
        async with started(settings, served) as client:
            before = (await client.get("/readyz")).json()
            await admin.execute(f"DROP DATABASE {served.name} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE {served.name} TEMPLATE {story.backup.name}")
            await prepare_database(served.cluster.dsn("postgres", "postgres"), served.name)

            async def refused() -> bool:
                answer = await client.get("/readyz")
                return bool(answer.json().get("type") == "/problems/log-taken-back")

            await until(refused, within_s=20)
            after = (await client.get("/readyz")).json()
        await admin.close()
        connection = await asyncpg.connect(served.dsn("ledger_app"))
        length = await connection.fetchval("SELECT count(*) FROM ledger.events")
        await connection.close()
        return before, after, length


@pytest.mark.parametrize("source", ["signed-head", "this-process"])
def test_a_database_that_is_exchanged_under_a_running_service_is_not_served_any_more(
    story: Story, home: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(log_standing, "LOOK_EVERY_S", 0.05)
    if source == "this-process":
        for file in (home / "keys").glob("checkpoint-*.signed"):
            file.unlink()
    settings = Settings(home=home, workers=source == "signed-head")
    before, after, length = in_thread(exchanged(story, home, settings))

    assert before["status"] == "ready"
    assert told(after) == ("shortened", source, story.size, story.before)
    assert length == story.before


def variables(home: Path, database: Database) -> dict[str, str]:
    """The environment of an operator on that database."""
    return {
        "LEDGER_HOME": str(home),
        "LEDGER_DATABASE_URL": database.dsn("ledger_app"),
        "LEDGER_ERASER_URL": database.dsn("ledger_eraser"),
        "LEDGER_INTEGRATOR_URL": database.dsn("ledger_integrator"),
    }


def test_a_log_in_order_needs_no_recovery(call: Call, story: Story, home: Path) -> None:
    ours = variables(home, story.database)
    looked = call("log", "recover", **ours)
    meant = call("log", "recover", "--new-origin", ANOTHER, "--give-up", ORIGIN, **ours)

    assert (looked.exit_code, looked.out.strip()) == (
        ExitCode.DONE,
        "The log begins with all that is remembered of it.",
    )
    assert meant.exit_code == ExitCode.REFUSED


def test_recover_explains_and_changes_nothing(
    call: Call, story: Story, restored: Database, home: Path
) -> None:
    ours = variables(home, restored)
    looked = call("log", "recover", **ours)
    as_json = call("log", "recover", "--json", **ours)
    retention = call("retention", "run", **ours)
    unconfirmed = [
        call("log", "recover", "--new-origin", ANOTHER, **ours),
        call("log", "recover", "--new-origin", ANOTHER, "--give-up", "other.example", **ours),
        call("log", "recover", "--new-origin", "a b", "--give-up", ORIGIN, **ours),
        call("log", "recover", "--new-origin", ORIGIN, "--give-up", ORIGIN, **ours),
    ]

    assert looked.exit_code == as_json.exit_code == ExitCode.NOT_IN_ORDER
    assert f"a tree of {story.size}" in looked.out
    assert "--new-origin" in looked.out
    assert as_json.document["log"] == {
        "in_order": False,
        "origin": ORIGIN,
        "time_stamps": {"count": 0, "newest_size": None, "newest_at": None, "findings": []},
        "reason": "shortened",
        "source": "signed-head",
        "remembered_size": story.size,
        "size": story.before,
        "witness": None,
    }
    assert retention.exit_code == ExitCode.UNAVAILABLE
    assert "pdledger log recover" in retention.error
    assert [one.exit_code for one in unconfirmed] == [ExitCode.REFUSED] * 4
    assert told(in_thread(asked(Settings(home=home), restored))[0])[0] == "shortened"


async def opened(home: Path, database: Database) -> None:
    async with open_service(Settings(home=home), logins(database)):
        pass


@contextmanager
def half_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The event is not appended: the command is stopped between its steps."""

    async def stopped(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("app.control_ledger.ControlLedger.execute", stopped)
        yield


@pytest.mark.clause("L9")
def test_the_log_goes_on_under_another_name_and_says_so(
    call: Call,
    story: Story,
    restored: Database,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = variables(home, restored)
    meant = ("log", "recover", "--new-origin", ANOTHER, "--give-up", ORIGIN, "--json")
    with half_done(monkeypatch):
        assert call(*meant, **ours).exit_code == ExitCode.FAULT
    with pytest.raises(LogTakenBack):
        in_thread(opened(home, restored))
    with pytest.raises(LogShortened):
        in_thread(signed(restored, home))

    done = call(*meant, **ours)
    again = call(*meant, **ours)
    checkpoint = in_thread(signed(restored, home))
    body, _ = in_thread(asked(Settings(home=home, workers=False), restored))
    document = done.document["reopened"]

    assert done.exit_code == ExitCode.DONE
    assert again.exit_code == ExitCode.REFUSED, "it is in order now"
    assert (document["kept_size"], document["lost_size"]) == (story.before, story.size)
    origin, size, _ = reference.open_checkpoint(checkpoint, document["verifier_key"])
    assert (origin, size) == (ANOTHER, story.before + 1), "the event of it is in the new tree"
    assert told(body) == ("ready",)
    assert Path(document["set_aside"]).read_text().startswith(f"{story.size} ")
    in_thread(says_so(restored, story))
    assert call("log", "verify", **ours).exit_code == ExitCode.DONE, "under both names"
    assert told(
        in_thread(asked_with_witness(home, restored, PlainWitness(document["verifier_key"])))
    ) == ("ready",)


async def says_so(database: Database, story: Story) -> None:
    """The event, the policy and the old checkpoint, as auditors find them."""
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    entry = await connection.fetchval("SELECT entry FROM ledger.events WHERE type = 'log.reopened'")
    old = await connection.fetchval(
        "SELECT note FROM ledger.log_checkpoint WHERE size = $1", story.before
    )
    await connection.close()
    core = json.loads(entry.splitlines()[0])["d"]
    assert core == {
        "former_origin": reference.sha256(ORIGIN.encode()).hex(),
        "origin": reference.sha256(ANOTHER.encode()).hex(),
        "lost_size": story.size,
        "lost_root": story.root.hex(),
        "kept_size": story.before,
    }
    assert reference.open_checkpoint(old, story.vkey)[1] == story.before


def test_a_name_that_the_log_had_is_not_given_again(
    call: Call, restored: Database, home: Path
) -> None:
    ours = variables(home, restored)
    file = next((home / "keys").glob("checkpoint-*.signed"))
    remembered = file.read_text()
    first = call("log", "recover", "--new-origin", ANOTHER, "--give-up", ORIGIN, **ours)
    file.write_text(remembered)
    back = call("log", "recover", "--new-origin", ORIGIN, "--give-up", ANOTHER, **ours)
    file.write_text("nothing of the kind")
    broken = call("log", "recover", **ours)

    assert (first.exit_code, back.exit_code) == (ExitCode.DONE, ExitCode.REFUSED)
    assert "had that name before" in back.error
    assert broken.exit_code == ExitCode.FAULT
