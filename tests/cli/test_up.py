"""`pdledger up`: one command from an empty folder to a service, and again, and its clean end."""

import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.auth import parse_key
from app.cli.answers import ExitCode
from app.store import embedded_guard
from app.store.embedded_home import ADMINS, secret_file
from tests.cli.conftest import Call, run
from tests.cli.services import Running, running
from tests.conftest import ROOT

PROMPT_S = 5.0
QUIET_IMPORT_S = 2.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the story of this module."""
    return tmp_path_factory.mktemp("up") / "var"


@pytest.fixture(scope="module")
def first(home: Path) -> Iterator[Running]:
    """The first start on an empty folder; stopped by the test that proves how it stops."""
    with running("up", errors=home.parent / "first.log", LEDGER_HOME=str(home)) as service:
        yield service


def mode(file: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(file.stat().st_mode)


def memory(pid: int) -> bytes:
    """Everything that a process of ours can write to."""
    found = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as held:
        for line in maps:
            place, rights, _, _, inode, *_ = line.split()
            if rights.startswith("rw") and inode == "0":
                begin, end = (int(number, 16) for number in place.split("-"))
                held.seek(begin)
                try:
                    found.append(held.read(end - begin))
                except OSError:
                    continue  # a page of the kernel's
    return b"".join(found)


def slowness() -> float:
    """How much slower than a quiet machine this one is just now: other tests run beside us."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import app.main"], cwd=ROOT, check=True)
    return max(1.0, (time.monotonic() - started) / QUIET_IMPORT_S)


def test_the_first_start_serves_with_everything_prepared(first: Running) -> None:
    assert first.get("/livez").status_code == 200
    assert "server" not in first.get("/livez").headers
    assert "date" in first.get("/livez").headers


def test_the_first_key_is_shown_and_kept_for_its_owner_alone(first: Running, home: Path) -> None:
    kept = (home / "first-key").read_text().strip()

    assert first.welcome["first_key"] == kept
    assert parse_key(kept) is not None
    assert mode(home / "first-key") == 0o600


def test_every_secret_is_for_its_owner_alone(first: Running, home: Path) -> None:
    secrets = [*(home / "secrets").rglob("*"), *(home / "keys").glob("*.root")]

    assert (home / "secrets" / "webhook-mailchimp") in secrets
    assert {mode(file) for file in secrets if file.is_file()} == {0o600}
    assert first.welcome["custody"].startswith("development custody")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc shows a process' memory on Linux only")
def test_no_administrators_secret_is_in_the_serving_process(first: Running, home: Path) -> None:
    held = memory(first.process.pid)
    served, *administrators = (
        secret_file(home, role).read_text().strip().encode() for role in ("ledger_app", *ADMINS)
    )

    assert served in held, "the search finds what is there"
    assert not [secret for secret in administrators if secret in held]


def test_a_second_service_joins_the_same_ledger(first: Running, home: Path) -> None:
    errors = home.parent / "joined.log"
    with running("serve", errors=errors, LEDGER_HOME=str(home)) as joined:
        assert joined.get("/livez").status_code == 200
        assert joined.stop() == 0
    assert first.get("/livez").status_code == 200


def test_a_port_that_is_taken_is_refused_before_anything_is_done(
    first: Running, tmp_path: Path, call: Call
) -> None:
    port = first.welcome["url"].rpartition(":")[2]
    ended = call("up", "--json", LEDGER_HOME=str(tmp_path / "var"), LEDGER_PORT=port)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "port-unavailable"
    assert not (tmp_path / "var").exists()


@pytest.mark.clause("C28")
def test_a_policy_text_with_another_hash_is_refused(first: Running, home: Path, call: Call) -> None:
    other = home.parent / "other.txt"
    other.write_text("Another text.")
    wrong = call("prepare", "--json", LEDGER_HOME=str(home), POLICY_TEXT=str(other))
    absent = call("prepare", "--json", LEDGER_HOME=str(home), POLICY_TEXT=str(home / "none"))

    assert wrong.exit_code == ExitCode.REFUSED
    assert wrong.document["failed"]["code"] == "policy-text-mismatch"
    assert absent.document["failed"]["code"] == "file-unreadable"


def test_it_stops_promptly_and_takes_its_database_along(first: Running, home: Path) -> None:
    assert embedded_guard.status(home / "postgres")[1] == "ready"

    assert first.stop() == 0
    assert first.stop_s < PROMPT_S
    assert embedded_guard.status(home / "postgres") == (0, "")


def test_a_second_start_finds_everything_and_shows_no_key(first: Running, home: Path) -> None:
    before = (home / "first-key").read_text()
    errors = home.parent / "second.log"
    with running("up", errors=errors, LEDGER_HOME=str(home)) as second:
        assert second.get("/livez").status_code == 200
        assert "first_key" not in second.welcome
        assert second.start_s < PROMPT_S * slowness()
        assert second.stop(signal.SIGINT) == 0
    assert (home / "first-key").read_text() == before


def test_a_root_that_is_gone_is_told_before_the_service_starts(
    first: Running, home: Path, call: Call
) -> None:
    root = home / "keys" / "epoch-0001.root"
    away = root.replace(home / "keys" / "away")
    try:
        ended = call("prepare", "--json", LEDGER_HOME=str(home))
    finally:
        away.replace(root)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "root-missing"


def test_a_receipt_key_that_is_gone_is_told_and_none_is_made_in_its_place(
    first: Running, home: Path
) -> None:
    key = home / "keys" / "receipts.key"
    away = key.replace(home / "keys" / "away")
    try:
        ended = run("serve", "--json", LEDGER_HOME=str(home), LEDGER_PORT="0")
        made = key.exists()
    finally:
        away.replace(key)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "service-not-started"
    assert "receipts.key is not in" in ended.document["failed"]["message"]
    assert not made


@pytest.mark.parametrize("command", ["up", "serve", "migrate", "prepare"])
def test_the_deploying_login_of_a_server_that_is_not_named_is_refused(
    tmp_path: Path, call: Call, command: str
) -> None:
    home = tmp_path / "var"
    url = "postgresql://nobody@nowhere.example/ledger"
    ended = call(command, "--json", LEDGER_HOME=str(home), LEDGER_MIGRATION_URL=url)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert not (home / "postgres").exists()
