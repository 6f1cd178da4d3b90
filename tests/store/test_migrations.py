"""Migrations: from empty to head, no drift, no way back, and functions frozen by revision."""

import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError

import app.projections  # noqa: F401  # its tables join the metadata
from app.store.migrate import FUNCTIONS, ROOT, current, drift, function_body, head, upgrade
from tests.conftest import Database

FROZEN = ROOT / "alembic" / "sql"
REPLACE_TRIGGER = """
CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
"""


async def test_from_empty_to_head_and_again(blank_database: Database) -> None:
    url = blank_database.dsn("ledger_migrator")

    assert await current(url) is None
    assert await upgrade(url) == head()
    assert await current(url) == head()
    assert await upgrade(url) == head()
    assert await drift(url) == []


async def test_a_template_made_by_the_alembic_command_is_the_same(database: Database) -> None:
    """The test databases are made by `alembic upgrade head` in a process of its own."""
    url = database.dsn("ledger_migrator")

    assert await current(url) == head()
    assert await drift(url) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE ledger.events ADD COLUMN note text", "remove_column ledger.events.note"),
        ("ALTER TABLE ledger.clients DROP COLUMN system", "add_column ledger.clients.system"),
        ("ALTER TABLE ledger.clients ALTER name DROP NOT NULL", "modify_nullable"),
        ("ALTER TABLE ledger.keyring ALTER epoch TYPE bigint", "modify_type"),
        ("DROP INDEX ledger.events_event_id_idx", "add_index events_event_id_idx"),
        ("CREATE TABLE ledger.extra (n int)", "remove_table extra"),
        (REPLACE_TRIGGER, "modify_function refuse_change"),
        ("DROP FUNCTION ledger.merkle_root", "add_function merkle_root"),
        (
            "CREATE FUNCTION ledger.extra() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "remove_function extra",
        ),
    ],
)
async def test_drift_names_what_differs(database: Database, statement: str, named: str) -> None:
    superuser = await asyncpg.connect(database.dsn("postgres"))
    await superuser.execute(statement)
    await superuser.close()

    found = await drift(database.dsn("ledger_migrator"))

    assert len(found) == 1
    assert found[0].startswith(named)


async def test_everything_belongs_to_the_owner(module_database: Database) -> None:
    superuser = await asyncpg.connect(module_database.dsn("postgres"))
    owners = await superuser.fetch(
        "SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class"
        " WHERE relnamespace = 'ledger'::regnamespace"
        " UNION SELECT pg_get_userbyid(proowner) FROM pg_proc"
        " WHERE pronamespace = 'ledger'::regnamespace"
        " UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'ledger'"
    )
    await superuser.close()

    assert [row["owner"] for row in owners] == ["ledger_owner"]


async def test_every_ledger_has_an_identity_of_its_own(
    module_database: Database, blank_database: Database
) -> None:
    """A copied template keeps its identity; a migration from nothing makes a new one."""
    await upgrade(blank_database.dsn("ledger_migrator"))
    rows = []
    for database in (module_database, blank_database):
        connection = await asyncpg.connect(database.dsn("ledger_app"))
        row = await connection.fetchrow(
            "SELECT ledger_id, control_stream, register_stream FROM ledger.ledger_identity"
        )
        await connection.close()
        assert row is not None
        rows.append(tuple(row))

    assert len({*rows[0], *rows[1]}) == 6


async def test_there_is_no_way_back(database: Database) -> None:
    """A schema that held history is only ever succeeded."""
    for revision in ScriptDirectory(str(ROOT / "alembic")).walk_revisions():
        with pytest.raises(CommandError):
            revision.module.downgrade()


def test_the_command_needs_the_deploying_address() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "LEDGER_MIGRATION_URL is not set" in done.stdout + done.stderr


def test_the_functions_of_this_program_are_the_newest_frozen_ones() -> None:
    """Decision 0002: a migration carries its own copy; here is where the two meet."""
    newest: dict[str, Path] = {}
    for folder in sorted(FROZEN.iterdir()):
        newest |= {path.name: path for path in folder.glob("*.sql")}
    ours = {path.name: path for path in FUNCTIONS.glob("*.sql")}

    assert newest.keys() == ours.keys()
    assert [name for name in ours if ours[name].read_text() != newest[name].read_text()] == []


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("*.sql")), ids=lambda path: path.stem)
def test_one_function_a_file_named_like_it(path: Path) -> None:
    text = path.read_text()

    assert re.findall(r"^CREATE OR REPLACE FUNCTION ledger\.(\w+)", text, re.MULTILINE) == [
        path.stem
    ]
    assert text.startswith("-- "), "it opens with what it is for"
    assert function_body(text).strip()


@pytest.mark.parametrize(
    "name", ["ledger_append", "ledger_append_one", "ledger_erase", "ledger_erase_under"]
)
def test_the_writing_functions_keep_what_profiling_and_safety_taught(name: str) -> None:
    text = (FUNCTIONS / f"{name}.sql").read_text()

    assert "\n    LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE;\n" in text
    for setting in (
        "search_path = pg_catalog, pg_temp",
        "plan_cache_mode = force_generic_plan",
        "enable_seqscan = off",
        "enable_hashjoin = off",
        "enable_mergejoin = off",
        "enable_bitmapscan = off",
        "jit = off",
    ):
        assert f"\nSET {setting}\n" in text


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("ledger_*.sql")), ids=lambda path: path.stem)
def test_whoever_runs_as_the_owner_trusts_no_search_path(path: Path) -> None:
    text = path.read_text()

    assert "SECURITY DEFINER" in text
    assert "\nSET search_path = pg_catalog, pg_temp\n" in text
