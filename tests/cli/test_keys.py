"""`pdledger keys`: an epoch is turned, shown and ended on a ledger of its own."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.cli.conftest import Call, prepared
from tests.conftest import Database, in_thread


@pytest.fixture
def ledger(database: Database, tmp_path: Path) -> dict[str, str]:
    """A prepared ledger, with the login of whoever deploys it."""
    migration = {"LEDGER_MIGRATION_URL": database.dsn("ledger_migrator")}
    return prepared(database, tmp_path) | migration


def test_an_epoch_is_turned_and_ended_by_commands(
    call: Call, ledger: dict[str, str], tmp_path: Path
) -> None:
    turned = call("keys", "rotate", "--json", **ledger)
    assert turned.exit_code == 0, turned.out + turned.error
    told = turned.document["rotated"]
    assert (told["epoch"], told["leaving"], told["opened"], told["left"]) == (2, 1, True, {})

    status = call("keys", "status", "--json", **ledger)
    assert status.exit_code == 0
    states = [(one["epoch"], one["state"]) for one in status.document["keys"]["epochs"]]
    assert states == [(1, "draining"), (2, "active")]
    assert "nothing; it can be destroyed" in call("keys", "status", **ledger).out

    assert call("keys", "destroy-epoch", "1", "--json", **ledger).exit_code == 2
    in_use = call("keys", "destroy-epoch", "2", "--yes", "--json", **ledger)
    assert (in_use.exit_code, in_use.document["failed"]["code"]) == (3, "epoch-in-use")
    ended = call("keys", "destroy-epoch", "1", "--yes", "--json", **ledger)
    assert ended.exit_code == 0, ended.out + ended.error
    assert ended.document["ended"]["root"] == "overwritten"
    assert "is destroyed" in call("keys", "destroy-epoch", "1", "--yes", **ledger).out

    root = tmp_path / "keys" / "epoch-0001.root"
    assert not root.exists()
    assert call("keys", "status", **ledger).exit_code == 0
    root.write_bytes(b"\x00" * 32)
    root.chmod(0o600)
    back = call("keys", "status", "--json", **ledger)
    assert back.exit_code == 1, "the root of a destroyed epoch is back"


def test_without_the_deploying_login_nothing_turns(call: Call, ledger: dict[str, str]) -> None:
    less = {name: value for name, value in ledger.items() if name != "LEDGER_MIGRATION_URL"}
    refused = call("keys", "rotate", "--json", **less)
    assert refused.document["failed"]["code"] == "migration-url-missing"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (Path.unlink, "root-missing"),
        (lambda root: root.chmod(0o644), "key-file-unsafe"),
    ],
)
def test_without_a_root_that_is_ours_alone_it_is_said_what_to_do(
    call: Call, ledger: dict[str, str], tmp_path: Path, spoil: Callable[[Path], None], code: str
) -> None:
    spoil(tmp_path / "keys" / "epoch-0001.root")

    served = {name: value for name, value in ledger.items() if name != "LEDGER_MIGRATION_URL"}
    for command, login in ((("keys", "rotate"), ledger), (("retention", "run"), served)):
        failed = call(*command, "--json", **login)
        assert failed.exit_code == 4, failed.out + failed.error
        assert failed.document["failed"]["code"] == code
        assert "epoch" in failed.document["failed"]["message"]
    assert call("keys", "status", **ledger).exit_code == 1


def test_what_nothing_opens_is_shown_given_up_and_keeps_its_epoch_no_longer(
    call: Call, ledger: dict[str, str], database: Database
) -> None:
    """The key of a long gone period of repeated requests, which was never good."""
    spoilt = "INSERT INTO ledger.idempotency_key (period, wrapped, epoch) VALUES (7, '\\x01', 1)"
    in_thread(_by_owner(database, spoilt))
    rotated = call("keys", "rotate", "--json", **ledger)
    assert (rotated.exit_code, rotated.document["rotated"]["unreadable"]) == (1, 1)
    assert "give-up 1 --dry-run" in call("keys", "rotate", **ledger).out

    found = call("keys", "give-up", "1", "--dry-run", "--json", **ledger)
    assert found.exit_code == 0, found.out + found.error
    told = found.document["losses"]
    assert told["tables"] == {
        "keyring": 0,
        "identifiers": 0,
        "idempotency_key": 1,
        "subscriptions": 0,
        "receivers": 0,
    }
    assert (told["keys"], told["people"], told["roots_missing"]) == ([], 0, [])
    assert "1 of idempotency_key" in call("keys", "give-up", "1", "--dry-run", **ledger).out

    mended = call("keys", "mend", "--json", **ledger)
    assert (mended.exit_code, mended.document["mended"]["rows"]) == (0, 0)
    assert "0 rows say again what the log says" in call("keys", "mend", **ledger).out
    assert call("keys", "give-up", "1", "--json", **ledger).exit_code == 2
    in_use = call("keys", "give-up", "2", "--yes", "--json", **ledger)
    assert (in_use.exit_code, in_use.document["failed"]["code"]) == (3, "epoch-in-use")
    unasked = call("keys", "approve-give-up", "1", "--key-file", "none", "--json", **ledger)
    assert unasked.document["failed"]["code"] == "key-file-missing"
    given_up = call("keys", "give-up", "1", "--yes", "--json", **ledger)
    assert given_up.exit_code == 0, given_up.out + given_up.error
    assert given_up.document["given_up"]["register_keys"] == 1
    assert given_up.document["given_up"]["left"] == {}
    assert "Given up: 0 keys of people" in call("keys", "give-up", "1", "--yes", **ledger).out
    assert call("keys", "destroy-epoch", "1", "--yes", **ledger).exit_code == 0


async def _by_owner(database: Database, sql: str) -> None:
    owner = await asyncpg.connect(database.dsn("ledger_migrator"))
    try:
        await owner.execute(sql)
    finally:
        await owner.close()
