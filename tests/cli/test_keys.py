"""`pdledger keys`: an epoch is turned, shown and ended on a ledger of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Call, prepared
from tests.conftest import Database


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
