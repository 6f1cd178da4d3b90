"""A ledger on a server: the deploying login is gone before the first request is answered."""

import socket
from contextlib import suppress
from pathlib import Path

from app.cli.answers import ExitCode
from app.cli.foreground import UNSENT_BYTES_MAX, take
from app.cli.private_files import write_private
from tests.cli.conftest import Call, on_server, run
from tests.cli.services import running
from tests.conftest import Database

NOWHERE = "postgresql://ledger_app:geheim@127.0.0.1:1/ledger"


def test_up_migrates_with_a_login_that_the_serving_process_never_has(
    blank_database: Database, tmp_path: Path
) -> None:
    variables = on_server(blank_database, tmp_path / "home")
    deploying = {"LEDGER_MIGRATION_URL": blank_database.dsn("ledger_migrator")}
    with running("up", errors=tmp_path / "log", **variables, **deploying) as service:
        seen = Path(f"/proc/{service.process.pid}/environ").read_bytes()

        assert service.get("/livez").status_code == 200
        assert service.welcome["first_key"].startswith("pl_live_")
        assert b"LEDGER_MIGRATION_URL" not in seen
        assert service.stop() == 0


def test_whoever_reads_nothing_is_waited_for_and_not_stored_for() -> None:
    """The kernel would take 3 MB of each feed that nobody reads, and more of longer lines."""
    with take("127.0.0.1", 0, variable="LEDGER_PORT") as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()) as idle:
            serving, _ = listening.accept()
            with serving:
                serving.setblocking(False)
                sent = 0
                with suppress(BlockingIOError):
                    while sent < 3_000_000:
                        sent += serving.send(b"x" * 16_384)
            received = idle.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    assert sent <= received + 3 * UNSENT_BYTES_MAX


def test_serve_refuses_to_start_beside_the_deploying_login(tmp_path: Path, call: Call) -> None:
    variables = {"LEDGER_HOME": str(tmp_path), "LEDGER_DATABASE_URL": NOWHERE}
    ended = call("serve", "--json", LEDGER_MIGRATION_URL=NOWHERE, **variables)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "migration-url-present"


def test_a_database_that_is_not_migrated_is_not_served(
    blank_database: Database, tmp_path: Path, call: Call
) -> None:
    variables = on_server(blank_database, tmp_path / "home")
    prepared = call("prepare", "--json", **variables)
    served = run("serve", "--json", LEDGER_PORT="0", **variables)

    assert prepared.document["failed"]["code"] == "ledger-unmigrated"
    assert served.exit_code == ExitCode.UNAVAILABLE
    assert served.document["failed"]["code"] == "service-not-started"


def test_a_server_that_cannot_be_reached_is_told_without_its_url(
    tmp_path: Path, call: Call
) -> None:
    variables = {"LEDGER_HOME": str(tmp_path), "LEDGER_DATABASE_URL": NOWHERE}
    ended = call("client", "list", "--json", **variables)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "database-unreachable"
    assert "geheim" not in ended.out + ended.error


def test_a_first_key_is_made_once_and_entered_where_it_is_missing(
    server: dict[str, str], blank_database: Database, tmp_path: Path, call: Call
) -> None:
    """A crash between file and database loses nothing; a file that was moved away stays away."""
    kept = Path(server["LEDGER_HOME"]) / "first-key"
    again = call("prepare", "--json", **server).document["prepared"]["first_key"]
    key = kept.read_text()
    kept.unlink()
    moved = call("prepare", "--json", **server).document["prepared"]["first_key"]
    write_private(kept, key)
    other = on_server(blank_database, tmp_path / "home")
    write_private(tmp_path / "home" / "first-key", key)
    deploying = {"LEDGER_MIGRATION_URL": blank_database.dsn("ledger_migrator")}
    entered = call("prepare", "--json", **other, **deploying).document["prepared"]["first_key"]

    assert (again, moved, entered) == ("kept", "elsewhere", "made")


def test_a_webhook_secret_that_the_operator_names_is_theirs_to_make(
    server: dict[str, str], tmp_path: Path, call: Call
) -> None:
    file = tmp_path / "secret"
    named = server | {"LEDGER_WEBHOOK_MAILCHIMP_SECRET_FILE": str(file)}
    missing = call("prepare", "--json", **named)
    file.write_text("a secret of the operator's own\n")

    assert missing.document["failed"]["code"] == "webhook-secret-missing"
    assert call("prepare", "--json", **named).exit_code == 0


def test_migrating_twice_changes_nothing(
    blank_database: Database, tmp_path: Path, call: Call
) -> None:
    variables = on_server(blank_database, tmp_path / "home")
    variables["LEDGER_MIGRATION_URL"] = blank_database.dsn("ledger_migrator")
    first = call("migrate", "--json", **variables).document["migrated"]
    second = call("migrate", "--json", **variables).document["migrated"]

    assert first["before"] is None
    assert (first["epoch_opened"], first["receipt_key_opened"]) == (True, True)
    assert second == {
        "before": first["after"],
        "after": first["after"],
        "epoch_opened": False,
        "receipt_key_opened": False,
    }
