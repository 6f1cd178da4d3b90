"""`pdledger log`: an auditor verifies what is there against what was kept, and is told the place.

One ledger of this module with a signed log; its owner comes and goes between the commands.
"""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.cli.answers import ExitCode
from app.store import integrity
from app.store.connection import connect
from app.store.integrator import Integrator
from app.tlog.notes import VerifierKey
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.cli.conftest import Call, Ended
from tests.conftest import ROOT, Database, in_thread
from tests.store.chains import Chain
from tests.store.conftest import open_epoch
from tests.store.doors import append

Settings = dict[str, str]
ORIGIN = "ledger.example/log"
SIGNER = Signer(b"\x07" * 32)
VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
OTHER = str(VerifierKey(ORIGIN, Signer(b"\x08" * 32).public_key))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def signed(module_database: Database, home: Path) -> Settings:
    """The settings of an auditor's command."""
    in_thread(_open(module_database))
    in_thread(_grow(module_database, home, 5))
    return {
        "LEDGER_HOME": str(home),
        "LEDGER_DATABASE_URL": module_database.dsn("ledger_app"),
        "LEDGER_AUDITOR_URL": module_database.dsn("ledger_auditor"),
    }


async def _open(database: Database) -> None:
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    await open_epoch(migrator)
    await migrator.close()


async def _grow(database: Database, home: Path, count: int) -> None:
    """Adds people and has the log signed."""
    app = await asyncpg.connect(database.dsn("ledger_app"))
    writer = await connect(database.dsn("ledger_integrator"))

    async def connected() -> Any:
        return writer

    await append(app, *(Chain().opening()[0] for _ in range(count)))
    one = Integrator(connected, SIGNER, SignedHeadFile(home / "c.signed"), origin=ORIGIN)
    while (await one.integrate(writer)).entries:
        pass
    await app.close()
    await writer.close()


@pytest.fixture
def tampered(module_database: Database) -> Callable[[str], Any]:
    """A change that the owner of the server made, and takes back."""

    @contextmanager
    def tampering(column: str) -> Iterator[None]:
        turn = f"UPDATE ledger.events SET {column} WHERE position = 1"
        in_thread(_as_owner(module_database, turn))
        yield
        in_thread(_as_owner(module_database, turn))

    return tampering


async def _as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("postgres"))
    await connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await connection.execute(statement)
    await connection.close()


FLIP = "entry = set_byte(entry, 20, get_byte(entry, 20) # 1)"


def test_a_log_that_is_sound(call: Call, signed: Settings) -> None:
    ended = call("log", "verify", "--json", **signed)
    short = call("verify", "--json", **signed)
    told = call("log", "verify", "--workers", "2", **signed)
    document = ended.document["verification"]

    assert (ended.exit_code, short.document) == (0, ended.document)
    assert (document["sound"], document["keys_pinned"], document["since"]) == (True, False, 0)
    assert document["tree"]["origin"] == ORIGIN
    assert document["tree"]["verifier_keys"] == [VKEY]
    assert document["tree"]["size"] == document["events"]
    assert "Everything is as it was written." in told.out
    assert "Who may sign was taken from the ledger itself" in told.out


def test_a_log_that_is_not(call: Call, signed: Settings, tampered: Callable[[str], Any]) -> None:
    with tampered(FLIP):
        ended = call("log", "verify", "--json", **signed)
        told = call("log", "verify", "--with-ids", **signed)
    found = ended.document["verification"]["findings"]

    assert ended.exit_code == told.exit_code == ExitCode.NOT_IN_ORDER
    assert ("entry-not-in-tree", 1) in {(one["rule"], one["position"]) for one in found}
    assert "entry-not-in-tree at position 1, version 1 of " in told.out


@pytest.mark.parametrize("table", ["sealed", "keyring"])
def test_a_table_that_is_being_written_anew_is_not_waited_for_without_end(
    call: Call,
    signed: Settings,
    module_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
) -> None:
    monkeypatch.setattr(integrity, "HOLD_WAIT_MAX_S", 0.1)
    told = in_thread(_while_held(module_database, table, lambda: call("log", "verify", **signed)))

    assert told.exit_code == ExitCode.UNAVAILABLE
    assert "is being written anew (E2)" in told.error
    assert call("log", "verify", **signed).exit_code == 0


async def _while_held(database: Database, table: str, ask: Callable[[], Ended]) -> Ended:
    owner = await asyncpg.connect(database.dsn("postgres"))
    try:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE ledger.{table}")
            return await asyncio.to_thread(ask)
    finally:
        await owner.close()


def test_keys_that_were_brought_along_decide(call: Call, signed: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {OTHER}\nquorum none\n")
    ours = call("log", "verify", "--vkey", VKEY, "--json", **signed)
    others = call("log", "verify", "--policy", str(policy), "--json", **signed)
    rules = {one["rule"] for one in others.document["verification"]["findings"]}

    assert ours.exit_code == 0
    assert ours.document["verification"]["keys_pinned"]
    assert others.exit_code == ExitCode.NOT_IN_ORDER
    assert rules == {"checkpoint-unsigned", "verifier-key-wrong"}


@pytest.mark.clause("L9")
def test_keys_of_receipts_that_were_kept_must_still_be_there(
    call: Call, signed: Settings, tmp_path: Path
) -> None:
    """In a copy of /log/policy, or in the file of what was verified last."""
    policy, since = tmp_path / "policy", tmp_path / "since"
    policy.write_text(f"# receipts {OTHER}\nlog {VKEY}\nquorum none\n")
    by_policy = call("log", "verify", "--policy", str(policy), "--json", **signed)
    first = call("log", "verify", "--since", str(since), "--json", **signed)
    kept = json.loads(since.read_text())
    since.write_text(json.dumps(kept | {"receipt_vkeys": [OTHER]}))
    by_since = call("log", "verify", "--since", str(since), "--json", **signed)
    since.write_text(json.dumps({name: kept[name] for name in kept if name != "receipt_vkeys"}))
    older = call("log", "verify", "--since", str(since), "--json", **signed)
    policy.write_text(f"# receipts nothing\nlog {VKEY}\nquorum none\n")
    malformed = call("log", "verify", "--policy", str(policy), "--json", **signed)

    for ended in (by_policy, by_since):
        [found] = ended.document["verification"]["findings"]
        assert (found["rule"], found["place"]) == (
            "verifier-key-wrong",
            "key of receipts that was kept",
        )
    assert kept["receipt_vkeys"] == first.document["verification"]["receipt_keys"]
    assert older.exit_code == 0
    assert malformed.document["failed"]["code"] == "policy-unusable"


@pytest.mark.clause("L9")
def test_what_was_verified_is_kept_and_gone_on_from(
    call: Call,
    signed: Settings,
    module_database: Database,
    home: Path,
    tampered: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    kept = tmp_path / "verified.json"
    first = call("log", "verify", "--since", str(kept), "--json", **signed)
    size = first.document["verification"]["tree"]["size"]
    in_thread(_grow(module_database, home, 3))
    second = call("log", "verify", "--since", str(kept), "--json", **signed)
    before = kept.read_text()
    with tampered(FLIP):
        since = call("log", "verify", "--since", str(kept), "--json", **signed)
        whole = call("log", "verify", "--since", str(kept), "--whole", "--json", **signed)
    document = second.document["verification"]

    assert json.loads(kept.read_text())["vkeys"] == [VKEY]
    assert (document["since"], document["tree"]["size"]) == (size, size + 3)
    assert (document["events"], document["keys_pinned"]) == (3, True)
    assert since.exit_code == 0, "what came before is not read again"
    assert whole.exit_code == ExitCode.NOT_IN_ORDER
    assert kept.read_text() == before, "a bad end writes nothing, and nothing new came"


def test_a_checkpoint_that_was_kept_must_be_of_this_log(
    call: Call, signed: Settings, module_database: Database, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(in_thread(_newest(module_database)))
    good = call("log", "verify", "--checkpoint", str(kept), "--json", **signed)
    text = kept.read_text()
    kept.write_text(text.replace("\n", "\n9", 1))
    ended = call("log", "verify", "--checkpoint", str(kept), "--json", **signed)
    rules = {one["rule"] for one in ended.document["verification"]["findings"]}

    assert good.exit_code == 0
    assert rules == {"log-shortened", "checkpoint-unsigned"}


async def _newest(database: Database) -> bytes:
    connection = await asyncpg.connect(database.dsn("ledger_auditor"))
    note = await connection.fetchval(
        "SELECT note FROM ledger.log_checkpoint ORDER BY size DESC LIMIT 1"
    )
    await connection.close()
    return bytes(note)


@pytest.mark.parametrize(
    ("option", "content", "code"),
    [
        ("--checkpoint", None, "checkpoint-unusable"),
        ("--checkpoint", "no note", "checkpoint-unusable"),
        ("--policy", None, "policy-unusable"),
        ("--policy", "quorum 7\n", "policy-unusable"),
        ("--since", "{}", "since-unusable"),
        ("--since", "[]", "since-unusable"),
        ("--since", '{"note": 1}', "since-unusable"),
        ("--since", "\udcff", "since-unusable"),
    ],
)
def test_a_file_that_cannot_be_used_is_wrong_usage(
    call: Call, signed: Settings, tmp_path: Path, option: str, content: str | None, code: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content.encode(errors="surrogateescape"))
    ended = call("log", "verify", option, str(file), "--json", **signed)

    assert ended.exit_code == ExitCode.USAGE
    assert ended.document["failed"]["code"] == code


def test_a_key_that_is_none_is_wrong_usage(call: Call, signed: Settings) -> None:
    ended = call("log", "verify", "--vkey", "nothing", "--json", **signed)

    assert ended.exit_code == ExitCode.USAGE
    assert ended.document["failed"]["code"] == "vkey-malformed"


@pytest.mark.clause("L9")
def test_a_bundle_is_written_once_and_verifies(
    call: Call, signed: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "log.zip"
    written = call("log", "bundle", str(out), "--json", **signed)
    again = call("log", "bundle", str(out), "--json", **signed)
    over = call("log", "bundle", str(out), "--overwrite", **signed)
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "app" / "audit" / "verify_bundle.py"), str(out)],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    bundle = written.document["bundle"]

    assert (bundle["kind"], bundle["verifier_keys"]) == ("log", [VKEY])
    assert bundle["events"] == bundle["size"] >= 5
    assert (again.exit_code, again.document["failed"]["code"]) == (ExitCode.REFUSED, "file-exists")
    assert "python3 verify.py" in over.out
    assert done.stdout.endswith("\nVERIFIED\n"), done.stdout
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none/log.zip"], "folder-missing"),
        (["."], "file-exists"),
        ([".", "--overwrite"], "folder-missing"),
        (["log.zip", "--subject", "00000000-0000-4000-8000-000000000000"], "record-unknown"),
    ],
)
def test_a_bundle_that_cannot_be_written(
    call: Call, signed: Settings, tmp_path: Path, arguments: list[str], code: str
) -> None:
    out, *more = arguments
    ended = call("log", "bundle", str(tmp_path / out), *more, "--json", **signed)

    assert ended.document["failed"]["code"] == code
    assert not list(tmp_path.iterdir())


@contextmanager
def _no_room_beyond(size_bytes: int) -> Iterator[None]:
    """The kernel refuses every file that grows beyond it, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_as_such_and_leaves_nothing_half(
    call: Call, signed: Settings, tmp_path: Path
) -> None:
    with _no_room_beyond(2_000):
        bundle = call("log", "bundle", str(tmp_path / "log.zip"), "--json", **signed)
    with _no_room_beyond(100):
        since = call("log", "verify", "--since", str(tmp_path / "since"), "--json", **signed)

    assert bundle.exit_code == since.exit_code == ExitCode.UNAVAILABLE
    assert bundle.document["failed"]["code"] == "file-unwritable"
    assert '"sound": true' in since.out
    assert '"since-unwritable"' in since.out
    assert not list(tmp_path.iterdir())


def test_a_log_that_nobody_opened_makes_no_bundle(
    call: Call, server: Settings, tmp_path: Path
) -> None:
    ended = call("log", "bundle", str(tmp_path / "log.zip"), "--json", **server)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "log-unsigned"


def test_a_log_that_nobody_opened_is_said_to_be_unsigned(call: Call, server: Settings) -> None:
    told = call("log", "verify", **server)
    pinned = call("log", "verify", "--vkey", VKEY, "--json", **server)
    rules = {one["rule"] for one in pinned.document["verification"]["findings"]}

    assert told.exit_code == 0
    assert "NOTHING OF IT IS SIGNED" in told.out
    assert rules == {"log-unsigned"}
