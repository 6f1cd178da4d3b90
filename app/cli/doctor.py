"""`pdledger doctor`: examines an installation, and says of each thing whether it is in order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import asyncpg
import typer

from app.cli.answers import CommandFailed, ExitCode, Json, answer
from app.cli.configuration import MIGRATION_VARIABLE, read_settings, refuse_migration_url
from app.cli.databases import reached
from app.cli.first_key import webhook_secret_file
from app.cli.keys import in_order, root_state
from app.cli.private_files import is_private
from app.cli.state import LedgerState, newest_revision, reach, read_state
from app.settings import Settings
from app.store import embedded_guard
from app.store.connection import Logins, open_pool
from app.store.epochs import epoch_standings
from app.store.rewriting import Standing, standings
from app.store.self_test import SelfTestFailed, prove_powerless
from app.vault.custody import RECEIPT_KEY_FILE

app = typer.Typer()

TEXTS_SQL: Final = """
SELECT p.version, array_agg(t.language ORDER BY t.language) FILTER (WHERE t.language IS NOT NULL)
  FROM ledger.policies p LEFT JOIN ledger.policy_texts t ON t.version = p.version
 GROUP BY p.version, p.published_at ORDER BY p.published_at
"""


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that was looked at."""

    name: str
    in_order: bool
    note: str


@app.command()
def examine(*, as_json: Json = False) -> None:
    """Examine settings, database, keys, secrets and policy, and name what is not in order.

    Reads only, and shows no secret and nobody's data. Ends with 1 when something is not in order.
    """
    settings = read_settings()
    found = [_environment(), *_secrets(settings), _embedded(settings)]
    with ExitStack() as open_things:
        try:
            logins = open_things.enter_context(reached(settings))
            found += asyncio.run(_database(settings, logins))
        except CommandFailed as failure:
            found.append(Examined("database", in_order=False, note=str(failure)))
    answer({"examined": [asdict(one) for one in found]}, _lines(found), as_json=as_json)
    if not all(one.in_order for one in found):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


def _environment() -> Examined:
    try:
        refuse_migration_url()
    except CommandFailed:
        return Examined("settings", in_order=False, note=f"{MIGRATION_VARIABLE} is set here")
    return Examined("settings", in_order=True, note="read, and no deploying login among them")


def _secrets(settings: Settings) -> Iterable[Examined]:
    yield _private("webhook secret", webhook_secret_file(settings))
    if (settings.home / "first-key").exists():
        yield _private("first key", settings.home / "first-key")
    yield _private("suppression key", settings.home / "keys" / "suppression.key")
    yield _private("receipt key", settings.home / "keys" / RECEIPT_KEY_FILE)


def _private(name: str, file: Path) -> Examined:
    if not file.exists():
        return Examined(name, in_order=False, note=f"{file} is missing")
    if not is_private(file):
        return Examined(name, in_order=False, note=f"{file} is readable by others; chmod 600 it")
    return Examined(name, in_order=True, note=f"{file}, for its owner alone")


def _embedded(settings: Settings) -> Examined:
    if settings.database_url is not None:
        return Examined("own database", in_order=True, note="not used: a server is")
    pid, state = embedded_guard.status(settings.home.absolute() / "postgres")
    running = f"running, process {pid}" if state == "ready" else "not running just now"
    return Examined("own database", in_order=True, note=running)


async def _database(settings: Settings, logins: Logins) -> list[Examined]:
    state = await read_state(logins.application)
    schema = Examined(
        "schema", state.migrated, f"{state.revision or 'none'}, newest is {newest_revision()}"
    )
    if state.revision is None:
        return [schema]
    return [
        schema,
        _epoch(settings, state),
        *([await _leaving(settings, logins.application)] if state.epoch else []),
        await _policy(logins.application),
        *([await _storage(logins.application)] if state.migrated else []),
        await _attempt("history cannot be rewritten", _self_test(logins.application)),
        *[
            await _attempt(f"{role} login", _login(url))
            for role, url in (
                ("eraser", logins.eraser),
                ("projector", logins.projector),
                ("integrator", logins.integrator),
            )
        ],
    ]


def _epoch(settings: Settings, state: LedgerState) -> Examined:
    if state.epoch is None:
        return Examined("key epoch", in_order=False, note="none is open; run `pdledger migrate`")
    root = root_state(state.epoch, settings.home / "keys")
    return Examined("key epoch", root == "in custody", f"epoch {state.epoch}, root {root}")


async def _leaving(settings: Settings, url: str) -> Examined:
    """What was erased stays readable in backups while an epoch is on its way out."""
    connection = await reach(url)
    try:
        epochs = await epoch_standings(connection)
    finally:
        await connection.close()
    notes, well = [], True
    for one in epochs:
        root = root_state(one.epoch, settings.home / "keys")
        well = well and in_order({"state": one.state, "root": root})
        if one.state in ("draining", "destroying"):
            notes.append(f"epoch {one.epoch} {one.state}, holds {sum(one.holds.values())}")
    ended = sum(one.state == "destroyed" for one in epochs)
    return Examined("key epochs that leave", well, "; ".join([*notes, f"{ended} destroyed"]))


async def _policy(url: str) -> Examined:
    connection = await reach(url)
    try:
        rows = await connection.fetch(TEXTS_SQL)
    finally:
        await connection.close()
    if not rows:
        return Examined("policy", in_order=False, note="none is published")
    version, languages = rows[-1]
    texts = ", ".join(languages) if languages else "none yet (`policy publish --text`)"
    return Examined("policy", in_order=True, note=f"{version}; texts in the archive: {texts}")


async def _storage(url: str) -> Examined:
    """A copy that nobody ends keeps its room, and no E2 is reached."""
    connection = await reach(url)
    try:
        tables = await standings(connection)
    finally:
        await connection.close()
    stuck = any(one.stuck for one in tables)
    return Examined("bytes of what was erased", not stuck, ", ".join(map(_standing, tables)))


def _standing(table: Standing) -> str:
    if table.begun_at and table.under_way:
        return f"{table.relation} {table.phase} since {table.begun_at:%Y-%m-%d %H:%M}Z"
    if table.done_at is None:
        return f"{table.relation} never written anew"
    return f"{table.relation} written anew {table.done_at:%Y-%m-%d}"


def _self_test(url: str) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        pool = await open_pool(url, size_max=1, application="pdledger-command")
        try:
            await prove_powerless(pool)
        finally:
            await pool.close()
        return "no role that serves can, and what is acknowledged is on disk"

    return run


def _login(url: str | None) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        if url is None:
            return "not given to this process"
        connection = await reach(url)
        await connection.close()
        return "works"

    return run


async def _attempt(name: str, attempt: Callable[[], Awaitable[str]]) -> Examined:
    try:
        return Examined(name, in_order=True, note=await attempt())
    except SelfTestFailed as failure:
        return Examined(name, in_order=False, note=failure.check)
    except (CommandFailed, asyncpg.PostgresError, OSError) as failure:
        return Examined(name, in_order=False, note=type(failure).__name__)


def _lines(found: Iterable[Examined]) -> Iterable[str]:
    for one in found:
        yield f"{'  ok' if one.in_order else 'FAIL'}  {one.name}: {one.note}"
