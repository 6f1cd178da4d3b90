"""Time-stamps that are stored with checkpoints are verified, and the one that lies is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from app.cli.answers import ExitCode
from app.propagation.time_stamps import certificates_in
from app.store.checkpoint_check import Trust
from app.store.stamp_check import stamped_at
from app.tlog.time_stamps import Certificates
from tests.cli.conftest import Call
from tests.conftest import Database, in_thread
from tests.propagation.authority import OPENSSL, SmallAuthority, small_authority
from tests.propagation.test_time_stamps import query
from tests.store.signed_log import signed_log

pytestmark = [
    pytest.mark.skipif(OPENSSL is None, reason="the small authority is `openssl ts`"),
]

Settings = dict[str, str]
Stored = dict[str, object]
FLIPS = 400


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallAuthority:
    return small_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stored(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory, small: SmallAuthority
) -> Stored:
    """A log with one stamp; the stamp as it is stored, with its checkpoint's note."""
    return in_thread(_stamped(module_database, tmp_path_factory.mktemp("keys"), small))


async def _stamped(database: Database, folder: Path, small: SmallAuthority) -> Stored:
    async with signed_log(database, folder) as log:
        await log.grown(3)
        tree = await log.tree.newest()
        assert tree is not None
        asked, nonce = query(tree.note.text)
        response = await small.stamped(asked)
        certificates = certificates_in(small.ca_file)
        at = certificates.stamped_at(response, tree.note.text, nonce=nonce)
        await log.pool.execute(
            "SELECT ledger.ledger_log_stamp(0, $1, 'http://tsa.example/', $2, $3)",
            *(tree.size, response, at),
        )
    return {"size": tree.size, "response": response, "stamped_at": at, "note": bytes(tree.note)}


@pytest.fixture
def settings(module_database: Database, stored: Stored, tmp_path: Path) -> Settings:
    assert stored
    return {
        "LEDGER_HOME": str(tmp_path),
        "LEDGER_DATABASE_URL": module_database.dsn("ledger_app"),
        "LEDGER_AUDITOR_URL": module_database.dsn("ledger_auditor"),
    }


@contextmanager
def tampered(database: Database, change: str, back: str) -> Iterator[None]:
    """A change that the owner of the server made, and takes back."""
    in_thread(_as_owner(database, change))
    yield
    in_thread(_as_owner(database, back))


async def _as_owner(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("postgres"))
    await connection.execute("ALTER TABLE ledger.log_timestamp DISABLE TRIGGER ALL")
    await connection.execute(f"UPDATE ledger.log_timestamp SET {statement}")
    await connection.close()


def test_no_bit_of_a_stamp_is_turned_unseen(stored: Stored, small: SmallAuthority) -> None:
    """Bytes around the signed part may mean nothing; what was stamped, and when, is the same."""
    trust, random = Trust(stamps=certificates_in(small.ca_file)), Random(7)
    response = stored["response"]
    assert isinstance(response, bytes)
    assert stamped_at(stored, trust) == stored["stamped_at"]
    survived = 0
    for _ in range(FLIPS):
        turned = bytearray(response)
        turned[random.randrange(len(turned))] ^= 1 << random.randrange(8)
        found = stamped_at({**stored, "response": bytes(turned)}, trust)
        assert found in (None, stored["stamped_at"])
        survived += found is not None
    assert survived < FLIPS / 20


@pytest.mark.parametrize("known", [True, False], ids=["authority", "nobody"])
def test_a_stamp_of_another_text_or_time_lies(
    stored: Stored, small: SmallAuthority, known: bool
) -> None:
    """Whoever has no certificates sees at least that it does not belong there."""
    trust = Trust(stamps=certificates_in(small.ca_file) if known else Certificates())
    note = stored["note"]
    assert isinstance(note, bytes)

    assert stamped_at(stored, trust) == stored["stamped_at"]
    for changed in (
        {"note": note.replace(b"ledger.example/log\n", b"ledger.example/lag\n", 1)},
        {"note": None},
        {"stamped_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"response": b""},
    ):
        assert stamped_at({**stored, **changed}, trust) is None


def test_a_stamp_of_another_authority_lies(stored: Stored, tmp_path: Path) -> None:
    other = small_authority(tmp_path / "other")

    assert stamped_at(stored, Trust(stamps=certificates_in(other.ca_file))) is None


def lying(told: dict[str, Any]) -> list[dict[str, str]]:
    """What was found of stamps; the entries of this log are none that anybody appended."""
    found = [one for one in told["findings"] if one["rule"] == "time-stamp-wrong"]
    return [{"rule": one["rule"], "place": one["place"]} for one in found]


@pytest.mark.clause("L9")
def test_verify_and_recover_name_the_stamp_that_was_changed(
    call: Call,
    settings: Settings,
    stored: Stored,
    small: SmallAuthority,
    module_database: Database,
) -> None:
    place = f"time-stamp of checkpoint {stored['size']}"
    finding = {"rule": "time-stamp-wrong", "place": place}
    named = settings | {
        "LEDGER_LOG_TIMESTAMP_URL": "http://127.0.0.1:9/",
        "LEDGER_LOG_TIMESTAMP_CA_FILE": str(small.ca_file),
    }
    verify = ("log", "verify", "--json")

    sound = call(*verify, **named)
    unpinned = call(*verify, **settings)
    brought = call(*verify, "--timestamp-ca", str(small.ca_file), **settings)
    recovered = call("log", "recover", "--json", **named)
    last = "response = set_byte(response, length(response) - 1,"
    turn = f"{last} get_byte(response, length(response) - 1) # 1)"
    with tampered(module_database, turn, turn):
        changed = call(*verify, **named)
        told = call("log", "verify", **named)
        refused = call("log", "recover", "--json", **named)
    with tampered(module_database, "size = size + 1", "size = size - 1"):
        strange = call(*verify, **settings)

    for done in (sound, unpinned, brought):
        assert done.document["verification"]["time_stamps"]["newest_size"] == stored["size"]
        assert lying(done.document["verification"]) == []
    assert not unpinned.document["verification"]["authorities_pinned"]
    assert recovered.exit_code == ExitCode.DONE
    assert recovered.document["log"]["time_stamps"]["count"] == 1
    assert changed.exit_code == refused.exit_code == ExitCode.NOT_IN_ORDER
    assert lying(changed.document["verification"]) == [finding]
    assert place in told.out
    assert refused.document["log"]["time_stamps"]["findings"] == [finding]
    assert [one["rule"] for one in lying(strange.document["verification"])] == ["time-stamp-wrong"]


def test_what_is_no_certificate_is_wrong_usage(
    call: Call, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    ended = call("log", "verify", "--timestamp-ca", str(tmp_path / "ca.pem"), **settings)

    assert ended.exit_code == ExitCode.USAGE
