"""A ledger that begins with its operator's own policy, and never has another one."""

from pathlib import Path

import pytest

from app.cli.answers import ExitCode
from app.policy.loader import load_law, packaged_law_structure
from tests.cli.conftest import Call, on_server, prepared, run
from tests.cli.services import running
from tests.conftest import ROOT, Database

CHOIR = ROOT / "samples" / "choir-1.toml"
TEXT = CHOIR.with_suffix(".nl.txt")


def test_the_first_start_publishes_the_policy_that_is_named(
    blank_database: Database, tmp_path: Path, call: Call
) -> None:
    """A later start publishes nothing more, whatever is named then; a command does."""
    variables = on_server(blank_database, tmp_path / "home")
    deploying = {"LEDGER_MIGRATION_URL": blank_database.dsn("ledger_migrator")}
    broken = tmp_path / "broken.toml"
    broken.write_text(CHOIR.read_text().replace("minimum_age", "age", 1))
    changed = tmp_path / "choir-2.toml"
    changed.write_text(CHOIR.read_text().replace("choir-1", "choir-2", 1))

    refused = run("prepare", "--json", POLICY_FILE=str(broken), **variables, **deploying)
    first = run("prepare", "--json", POLICY_FILE=str(CHOIR), **variables, **deploying)
    supplied = {"POLICY_FILE": str(CHOIR), "POLICY_TEXT": str(TEXT)}
    text = run("prepare", "--json", **supplied, **variables)
    unnamed = run("prepare", "--json", **variables)
    other = run("prepare", "--json", **supplied | {"POLICY_FILE": str(changed)}, **variables)
    with running("serve", errors=tmp_path / "log", **variables) as service:
        ready = service.get("/readyz").json()
        port = service.welcome["url"].rpartition(":")[2]
        demo = call("demo", "--json", LEDGER_PORT=port, **variables)

    assert (refused.exit_code, refused.document["failed"]["code"]) == (3, "policy-invalid")
    assert [one.exit_code for one in (first, text, unnamed, other)] == [ExitCode.DONE] * 4
    told = [one.document["prepared"] for one in (first, text, unnamed, other)]
    assert [one["policy_published"] for one in told] == [True, True, False, False]
    assert [one["texts"] for one in told] == [[], *[["choir-1 nl"]] * 3]
    assert not any(one["law_published"] for one in told)
    assert ready["policy"] == "choir-1"
    assert demo.document["failed"]["code"] == "demo-of-another-policy"


def test_a_program_with_another_law_file_puts_it_on_record(
    database: Database, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decisions are made under is in the log from the first start of the new program on."""
    variables = prepared(database, tmp_path)
    changed = packaged_law_structure().replace(b'version = "law-', b'version = "other-law-', 1)
    monkeypatch.setattr("app.cli.preparation.packaged_law_structure", lambda: changed)
    monkeypatch.setattr("app.store.rulebook.load_packaged_law", lambda: load_law(changed))
    told = [call("prepare", "--json", **variables).document["prepared"] for _ in range(2)]
    monkeypatch.undo()
    back = call("prepare", "--json", **variables).document["prepared"]
    settled = call("prepare", "--json", **variables).document["prepared"]

    assert [one["law_published"] for one in (*told, back, settled)] == [True, False, True, False]
    assert not any(one["policy_published"] for one in (*told, back, settled))
