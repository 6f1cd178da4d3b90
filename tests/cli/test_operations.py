"""`doctor`, `keys` and `project`: an operator sees what is wrong, and can make registers anew."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.cli.answers import ExitCode
from app.projections import PROJECTIONS
from tests.cli.conftest import Call
from tests.conftest import in_thread

Settings = dict[str, str]


def examined(ended: Any) -> dict[str, bool]:
    """What `doctor` found, by name."""
    return {one["name"]: one["in_order"] for one in ended.document["examined"]}


def test_a_prepared_ledger_is_in_order(call: Call, server: Settings) -> None:
    ended = call("doctor", "--json", **server)

    assert all(examined(ended).values()), ended.out
    assert ended.exit_code == 0


def test_a_key_file_that_others_can_read_is_named(call: Call, server: Settings) -> None:
    file = Path(server["LEDGER_HOME"]) / "first-key"
    file.chmod(0o644)
    ended = call("doctor", "--json", **server)
    file.chmod(0o600)

    assert ended.exit_code == ExitCode.NOT_IN_ORDER
    assert not examined(ended)["first key"]


def test_a_root_that_is_gone_is_named(call: Call, server: Settings) -> None:
    root = Path(server["LEDGER_HOME"]) / "keys" / "epoch-0001.root"
    away = root.rename(root.with_suffix(".away"))
    doctor = call("doctor", "--json", **server)
    keys = call("keys", "status", "--json", **server)
    away.rename(root)

    assert not examined(doctor)["key epoch"]
    assert keys.exit_code == ExitCode.NOT_IN_ORDER
    assert keys.document["keys"]["epochs"][0]["root"] == "missing"


def test_keys_show_epoch_and_custody_and_no_key(call: Call, server: Settings) -> None:
    ended = call("keys", "status", "--json", **server)
    root = (Path(server["LEDGER_HOME"]) / "keys" / "epoch-0001.root").read_bytes()

    assert ended.exit_code == 0
    assert ended.document["keys"]["custody"].startswith("development custody")
    assert root.hex() not in ended.out


def test_registers_are_made_anew_to_the_head_of_the_log(call: Call, server: Settings) -> None:
    behind = call("project", "status", "--json", **server)
    nothing_kept = call("project", "rollback", "profiles", "--json", **server)
    first = call("project", "rebuild", "--json", **server).document["rebuilt"]
    second = call("project", "rebuild", "--json", **server).document["rebuilt"]
    level = call("project", "status", "--json", **server)

    assert behind.exit_code == ExitCode.NOT_IN_ORDER
    assert nothing_kept.document["failed"]["code"] == "nothing-kept"
    assert level.exit_code == 0
    assert [one["name"] for one in first] == [projection.name for projection in PROJECTIONS]
    assert first == second


@pytest.mark.parametrize("command", ["rebuild", "compare", "rollback", "redrive"])
@pytest.mark.parametrize("name", ["", "nothing"])
def test_an_unknown_register_is_refused(
    call: Call, server: Settings, name: str, command: str
) -> None:
    ended = call("project", command, name, "--json", **server)

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "projection-unknown"
    assert "profiles, sharing_register" in ended.document["failed"]["message"]


def test_a_rebuild_is_proved_equal_and_can_be_taken_back(call: Call, server: Settings) -> None:
    [rebuilt] = call("project", "rebuild", "profiles", "--json", **server).document["rebuilt"]
    [_, *_] = call("project", "rebuild", "profiles", "--json", **server).document["rebuilt"]
    compared = call("project", "compare", "profiles", "--json", **server)
    back = call("project", "rollback", "profiles", "--json", **server)
    redriven = call("project", "redrive", "profiles", "--json", **server)

    assert compared.exit_code == 0
    [found] = compared.document["compared"]
    assert (found["with"], found["slices_differing"]) == ("kept", [])
    assert back.document["rolled_back"] == rebuilt
    assert redriven.document["redriven"] == [{"name": "profiles", "released": 0, "parked": 0}]


@pytest.mark.clause("L7")
def test_what_is_due_is_shown_and_carried_out(call: Call, server: Settings) -> None:
    shown = call("retention", "run", "--dry-run", "--on", "2060-01-01", "--json", **server)
    done = call("retention", "run", "--json", **server)
    early = call("retention", "run", "--on", "2060-01-01", "--json", **server)

    assert (shown.exit_code, shown.document["due"]) == (0, [])
    assert done.document["done"] == {"people": 0, "keys": 0, "closed": 0, "failed": 0}
    assert early.exit_code == ExitCode.USAGE, "nothing is destroyed on another day"


@pytest.mark.clause("L34")
def test_a_copy_that_was_begun_is_named_given_up_and_ended(call: Call, server: Settings) -> None:
    in_thread(_begin_copy(server["LEDGER_ERASER_URL"]))
    begun = call("doctor", "--json", **server)
    given_up = call("retention", "compact", "--give-up", "--json", **server)
    without = call("doctor", "--json", **server)
    in_thread(_begin_copy(server["LEDGER_ERASER_URL"]))
    ended = call("retention", "compact", "--json", **server)
    done = call("doctor", "--json", **server)

    assert "sealed copying since" in _noted(begun)
    assert (given_up.exit_code, given_up.document["held"]) == (0, [])
    assert "sealed never written anew" in _noted(without)
    assert (ended.exit_code, ended.document["compacted"]["rewritten"]) == (0, True)
    assert "sealed written anew" in _noted(done)


def _noted(ended: Any) -> str:
    [note] = [
        one["note"]
        for one in ended.document["examined"]
        if one["name"] == "bytes of what was erased"
    ]
    return str(note)


async def _begin_copy(url: str) -> None:
    """As a worker does, which is killed then."""
    eraser = await asyncpg.connect(url)
    await eraser.execute("SELECT ledger.ledger_rewrite_begin('sealed')")
    await eraser.close()
