"""Import, erasure, demo and verification against a running service."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.cli.answers import ExitCode
from app.cli.demo_cast import invented, ndjson
from app.clock import system_clock
from app.projections import PROJECTIONS
from tests.cli.conftest import Call, prepared
from tests.cli.services import Running, running
from tests.conftest import ROOT, Database, in_thread

Settings = dict[str, str]
SHARED = ROOT.parent / "shared"
RECORDINGS = SHARED / "vendors" / "mailchimp" / "samples"
KEPT_WITHIN_S = 20.0
TEXT = SHARED / "policy" / "impel-privacy-policy.sv.txt"


@pytest.fixture(scope="module")
def server(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A ledger of this module's own: in the end it is damaged."""
    return prepared(module_database, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def service(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service on the prepared ledger of this module."""
    log = tmp_path_factory.mktemp("log") / "log"
    with running("serve", "--no-workers", errors=log, **server) as started:
        yield started


@pytest.fixture
def aim(server: Settings, service: Running) -> Settings:
    """The settings of a command that speaks to that service."""
    return server | {"LEDGER_PORT": service.welcome["url"].rpartition(":")[2]}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Four people in a file, and a line that is none."""
    lines = ndjson(invented(2, system_clock()).crowd[:4])
    file = tmp_path / "people.ndjson"
    file.write_bytes(b"".join([*lines[:2], b"{broken\n", *lines[2:]]))
    return file


def results_of(file: Path) -> list[dict[str, Any]]:
    """The written results, by line."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_dry_run_records_nothing(call: Call, aim: Settings, people: Path) -> None:
    before = call("verify", "--json", **aim).document["verification"]["events"]
    ended = call("import", str(people), "--dry-run", "--json", **aim)
    after = call("verify", "--json", **aim).document["verification"]["events"]

    assert ended.exit_code == ExitCode.NOT_IN_ORDER
    assert ended.document["import"]["statuses"] == {"acceptable": 4, "refused": 1}
    assert before == after


def test_an_import_records_every_good_line_and_repeats_none(
    call: Call, aim: Settings, people: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.ndjson"
    first = call("import", str(people), "--results", str(results), "--json", **aim)
    again = call("import", str(people), "--json", **aim).document["import"]

    assert first.document["import"]["statuses"] == {"recorded": 4, "refused": 1}
    assert first.document["import"]["problems"] == {"malformed-json": {"count": 1, "lines": [3]}}
    assert again["statuses"] == {"repeated": 4, "refused": 1}
    assert stat.S_IMODE(results.stat().st_mode) == 0o600
    assert [one["line"] for one in results_of(results)] == [1, 2, 3, 4, 5]


TABLE = "Name;E-mail;Notes\r\n{rows}"
MAPPING = """
ignore = ["Notes"]
source = "registration_form"
verification = "link"
[[obtained]]
purpose = "network_exchange"
[obtained.data]
"contact.name" = { column = "Name" }
"contact.email" = { column = "E-mail" }
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three people in a table, and a row that lacks a cell."""
    rows = [f'"Anna {n}";anna.{tmp_path.name}.{n}@stad.example;private' for n in range(3)]
    file = tmp_path / "people.csv"
    file.write_text(TABLE.format(rows="\r\n".join([*rows[:2], "Eva;eva", rows[2]])), newline="")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return file


def test_a_table_is_imported_by_its_mapping(call: Call, aim: Settings, table: Path) -> None:
    mapping = str(table.with_name("mapping.toml"))
    rehearsed = call("import", str(table), "--mapping", mapping, "--dry-run", "--json", **aim)
    first = call("import", str(table), "--mapping", mapping, "--json", **aim).document["import"]
    again = call("import", str(table), "--mapping", mapping, "--json", **aim).document["import"]

    assert rehearsed.document["import"]["statuses"] == {"acceptable": 3, "refused": 1}
    assert first["statuses"] == {"recorded": 3, "refused": 1}
    assert first["problems"] == {"row-unreadable": {"count": 1, "lines": [4]}}
    assert again["statuses"] == {"repeated": 3, "refused": 1}
    assert first["lines_per_second"] > 0


def test_a_mended_file_goes_on_under_its_name(call: Call, aim: Settings, table: Path) -> None:
    """Without a name it would be another import, and everybody in it another person."""
    told = ("import", str(table), "--mapping", str(table.with_name("mapping.toml")))
    call(*told, "--name", table.parent.name, "--json", **aim)
    table.write_bytes(table.read_bytes().replace(b"Eva;eva", b"Eva;eva@stad.example;"))

    mended = call(*told, "--name", table.parent.name, "--json", **aim).document["import"]

    assert mended["statuses"] == {"repeated": 3, "recorded": 1}


def test_a_mapping_that_does_not_fit_is_told_by_its_own_names(
    call: Call, aim: Settings, table: Path
) -> None:
    mapping = table.with_name("mapping.toml")
    told = ("import", str(table), "--mapping", str(mapping), "--json")
    without = call("import", str(table), "--json", **aim)
    mapping.write_text(MAPPING.replace("contact.email", "contact.emial"))
    unknown = call(*told, **aim)
    mapping.write_text(MAPPING.replace('"E-mail"', '"Mail"'))
    missing = call(*told, **aim)

    assert without.document["failed"]["code"] == "mapping-missing"
    assert unknown.exit_code == missing.exit_code == ExitCode.REFUSED
    assert unknown.document["failed"]["details"] == [
        "category-unknown: obtained[0].data.contact.emial (column 'E-mail')"
    ]
    assert missing.document["failed"]["details"] == [
        "column-missing: obtained[0].data.contact.email (column 'Mail')",
        "column-unmapped: column 2, 'E-mail'",
    ]


def test_results_never_overwrite_a_file(call: Call, aim: Settings, people: Path) -> None:
    ended = call("import", str(people), "--results", str(people), "--json", **aim)

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "file-exists"


def test_an_erasure_is_shown_confirmed_and_final(
    call: Call, aim: Settings, people: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results.ndjson"
    call("import", str(people), "--results", str(results), **aim)
    subject = results_of(results)[0]["subject_id"]
    shown = call("erase", subject, "--dry-run", "--json", **aim)
    unconfirmed = call("erase", subject, "--json", **aim)
    done = call("erase", subject, "--yes", "--json", **aim)
    again = call("erase", subject, "--dry-run", "--json", **aim)

    assert shown.document["plan"]["of_everything"]
    assert unconfirmed.exit_code == ExitCode.USAGE
    assert done.document["erasure"]["stage"] in {"executed", "closed"}
    assert again.exit_code == ExitCode.REFUSED
    assert again.document["failed"]["code"] == "subject-erased"


def test_the_demo_keeps_every_promise_that_it_tells(call: Call, aim: Settings) -> None:
    told = call("demo", "--json", **aim)

    assert told.exit_code == 0, told.out
    assert told.document["story"][-1]["step"] == "Gone"
    assert told.document["verification"]["sound"]


@pytest.mark.skipif(not RECORDINGS.exists(), reason=f"the folder {RECORDINGS.name} is not given")
@pytest.mark.skipif(not TEXT.exists(), reason=f"the folder {TEXT.parent.name} is not given")
def test_the_demo_runs_on_recorded_calls_and_the_real_text(call: Call, aim: Settings) -> None:
    real = {"LEDGER_SAMPLES": str(RECORDINGS), "POLICY_TEXT": str(TEXT)}
    told = call("demo", "--json", **aim, **real)
    again = call("demo", "--json", **aim, **real)

    assert told.exit_code == 0, told.out
    assert again.exit_code == 0, again.out
    assert "archived (sv)" in told.document["story"][0]["told"]


def test_a_key_that_the_service_does_not_know_is_refused(
    call: Call, aim: Settings, people: Path, tmp_path: Path
) -> None:
    other = tmp_path / "key"
    other.write_text("pl_live_unknown")
    ended = call("import", str(people), "--key-file", str(other), "--json", **aim)

    assert ended.exit_code == ExitCode.REFUSED
    assert ended.document["failed"]["code"] == "not-authenticated"


def test_a_service_that_does_not_run_is_told(call: Call, aim: Settings, people: Path) -> None:
    ended = call("import", str(people), "--url", "http://127.0.0.1:1", "--json", **aim)

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "service-unreachable"


def test_a_process_of_its_own_keeps_the_registers(
    call: Call, aim: Settings, tmp_path: Path
) -> None:
    with running("work", errors=tmp_path / "log", **aim) as working:
        deadline = time.monotonic() + KEPT_WITHIN_S
        while call("project", "status", "--json", **aim).exit_code != 0:
            assert time.monotonic() < deadline, "the registers are kept"
            time.sleep(0.1)

        assert working.welcome == {"working": True}
        assert working.stop() == 0


def test_a_process_of_its_own_tells_its_figures_where_it_is_told_to(
    call: Call, aim: Settings, tmp_path: Path
) -> None:
    added = call("client", "add", "prometheus", "--scope", "metrics:read", "--json", **aim)
    key = added.document["client"]["key"]
    port = {"LEDGER_WORK_METRICS_PORT": "0"}
    with running("work", errors=tmp_path / "log", **aim, **port) as working:
        url = working.welcome["metrics"]
        anybody = httpx.get(url, timeout=10)
        scraped = httpx.get(url, headers={"authorization": f"Bearer {key}"}, timeout=10)
        elsewhere = httpx.get(url.replace("/metrics", "/v1/subjects"), timeout=10)
        assert working.stop() == 0

    assert url.startswith("http://127.0.0.1:")
    assert (anybody.status_code, elsewhere.status_code) == (401, 404)
    assert scraped.status_code == 200
    assert 'pdledger_projection_lag_events{projection="profiles"}' in scraped.text


async def _drop(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("postgres"))
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'projections'::regnamespace AND relkind = 'r'"
        )
        for table in tables:
            await connection.execute(f"DROP TABLE projections.{table['relname']} CASCADE")
    finally:
        await connection.close()


def test_dropped_registers_are_made_anew_to_the_same_digest(
    call: Call, aim: Settings, module_database: Database
) -> None:
    """After the erasures of this module too."""
    before = call("project", "rebuild", "--json", **aim).document["rebuilt"]
    in_thread(_drop(module_database))
    after = call("project", "rebuild", "--json", **aim).document["rebuilt"]

    assert [one["name"] for one in after] == [projection.name for projection in PROJECTIONS]
    assert before == after


async def _alter(database: Database) -> None:
    """What only a superuser can do, and no role that serves."""
    connection = await asyncpg.connect(database.dsn("postgres"))
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("ALTER TABLE ledger.sealed DISABLE TRIGGER ALL")
        await connection.execute(
            "UPDATE ledger.sealed SET blob = set_byte(blob, 20, get_byte(blob, 20) # 1)"
            " WHERE ctid = (SELECT min(ctid) FROM ledger.sealed)"
        )
    finally:
        await connection.close()


def test_a_sealed_section_that_was_altered_is_found(
    call: Call, aim: Settings, module_database: Database, people: Path
) -> None:
    call("import", str(people), **aim)
    in_thread(_alter(module_database))
    ended = call("verify", "--json", **aim)
    shown = call("verify", "--with-ids", "--json", **aim).document["verification"]["findings"][0]
    [finding] = ended.document["verification"]["findings"]

    assert ended.exit_code == ExitCode.NOT_IN_ORDER
    assert finding["rule"] == "blob-altered"
    assert "stream_id" not in finding
    assert "stream_id" in shown
