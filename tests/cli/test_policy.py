"""`pdledger policy`: a file and its texts, refused with the reason or published for ever."""

import hashlib
from pathlib import Path

import asyncpg
import pytest

from app.cli.answers import ExitCode
from app.policy.loader import load, packaged_structure
from tests.cli.conftest import POLICY_TEXT, Call
from tests.conftest import in_thread

Settings = dict[str, str]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text of our own."""
    file = tmp_path / "text.txt"
    file.write_bytes(POLICY_TEXT)
    return file


def version(folder: Path, name: str, *, contact: str = "") -> Path:
    """The packaged policy under another version, standing for a text of our own."""
    packaged = load(packaged_structure("impel-1"))
    structure = packaged_structure("impel-1").decode()
    structure = structure.replace('version = "impel-1"', f'version = "{name}"')
    structure = structure.replace(
        packaged.texts["sv"].sha256, hashlib.sha256(POLICY_TEXT).hexdigest()
    )
    if contact:
        structure = structure.replace(packaged.controller.email, contact)
    file = folder / f"{name}.toml"
    file.write_text(structure)
    return file


def archived(server: Settings, name: str) -> bytes | None:
    """The archived text of a version."""
    return in_thread(_archived(server, name))


async def _archived(server: Settings, name: str) -> bytes | None:
    connection = await asyncpg.connect(server["LEDGER_DATABASE_URL"])
    try:
        found: bytes | None = await connection.fetchval(
            "SELECT text FROM ledger.policy_texts WHERE version = $1", name
        )
    finally:
        await connection.close()
    return found


def test_the_packaged_policy_is_valid(call: Call) -> None:
    ended = call("policy", "check", "impel-1", "--json")

    assert ended.exit_code == 0
    assert ended.document["check"]["version"] == "impel-1"


def test_a_fault_of_a_file_is_named_by_its_place(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('version = "broken"\n')
    ended = call("policy", "check", str(file), "--json")

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "policy-invalid"
    assert ended.document["failed"]["details"][0].startswith("effective_from: ")


@pytest.mark.clause("C28", "C77")
def test_a_published_text_is_archived_byte_for_byte(
    call: Call, server: Settings, tmp_path: Path, text: Path
) -> None:
    file = version(tmp_path, "shown")
    arguments = ("policy", "publish", str(file), "--text", f"sv={text}", "--json")
    first = call(*arguments, **server).document["publication"]
    again = call(*arguments, **server).document["publication"]

    assert first == {"version": "shown", "published": True, "texts": ["sv"]}
    assert again == {"version": "shown", "published": False, "texts": []}
    assert archived(server, "shown") == POLICY_TEXT


@pytest.mark.clause("C28")
def test_a_text_that_is_not_the_one_named_publishes_nothing(
    call: Call, server: Settings, tmp_path: Path, text: Path
) -> None:
    text.write_bytes(POLICY_TEXT.strip())
    file = version(tmp_path, "other-text")
    ended = call("policy", "publish", str(file), "--text", f"sv={text}", "--json", **server)

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "policy-text-mismatch"
    assert hashlib.sha256(POLICY_TEXT).hexdigest() in str(ended.document["failed"]["details"])
    assert archived(server, "other-text") is None


@pytest.mark.clause("C76", "C77")
def test_a_published_version_is_never_edited(call: Call, server: Settings, tmp_path: Path) -> None:
    before = version(tmp_path, "edited")
    assert call("policy", "publish", str(before), **server).exit_code == 0
    after = version(tmp_path, "edited", contact="desk@impel.example")
    ended = call("policy", "publish", str(after), "--json", **server)

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "policy-version-taken"


@pytest.mark.clause("C76", "C84")
def test_a_version_of_a_later_day_is_told_to_decide_from_now_on(
    call: Call, server: Settings, tmp_path: Path
) -> None:
    """It decides once it is published, whichever day it names to people: nobody may miss that."""
    file = version(tmp_path, "later")
    text = file.read_text()
    file.write_text(text.replace("effective_from = 2026-11-22", "effective_from = 2999-01-01"))
    ended = call("policy", "publish", str(file), **server)

    assert ended.exit_code == 0
    assert "holds from 2999-01-01, and decides from now on" in ended.out


def test_a_difference_is_named_by_its_place(call: Call, tmp_path: Path) -> None:
    other = version(tmp_path, "next", contact="desk@impel.example")
    changes = call("policy", "diff", "impel-1", str(other), "--json").document["changes"]
    places = {change["where"]: change["after"] for change in changes}

    assert places["controller.email"] == "desk@impel.example"
    assert places["version"] == "next"


def test_the_linter_names_clauses_and_ends_with_one(call: Call, tmp_path: Path, text: Path) -> None:
    file = version(tmp_path, "linted")
    ended = call("policy", "lint", str(file), "--text", f"sv={text}", "--json")
    findings = ended.document["findings"]["sv"]

    assert ended.exit_code == ExitCode.NOT_IN_ORDER
    assert all(finding["code"].startswith("PL") for finding in findings)
    assert call("policy", "lint", str(file)).exit_code == ExitCode.USAGE


def test_a_language_without_a_text_in_the_policy_is_refused(
    call: Call, tmp_path: Path, text: Path
) -> None:
    file = version(tmp_path, "swedish")
    ended = call("policy", "lint", str(file), "--text", f"fr={text}", "--json")

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "policy-text-unknown"
