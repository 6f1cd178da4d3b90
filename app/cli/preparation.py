"""From an empty folder to a ledger that can be served, each step done at most once."""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.cli.answers import unavailable
from app.cli.configuration import MIGRATION_VARIABLE, require_database_named
from app.cli.databases import HOME_MODE, deploying_url, runtime_logins, server_logins, started
from app.cli.epochs import open_first_epoch, open_receipts, require_root
from app.cli.first_key import FirstKey, ensure_first_key, ensure_webhook_secret
from app.cli.first_policy import first_policy, text_supplied
from app.cli.state import LedgerState, reach, read_state
from app.clock import system_clock
from app.policy.loader import packaged_law_structure
from app.settings import Settings
from app.store.connection import Logins


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a preparation found and did."""

    migrated: bool
    epoch_opened: bool
    policy_published: bool
    law_published: bool
    first_key: FirstKey
    texts: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self)


def prepare(settings: Settings) -> Prepared:
    """Takes every missing step. Two preparations of one home wait for each other."""
    require_database_named(settings)
    settings.home.mkdir(mode=HOME_MODE, parents=True, exist_ok=True)
    with _alone(settings.home / "prepare.lock"):
        logins = server_logins(settings)
        if logins is not None:
            return asyncio.run(_prepare(settings, logins))
        with started(settings) as cluster:
            return asyncio.run(_prepare(settings, runtime_logins(cluster)))


async def migrate_and_open(settings: Settings, state: LedgerState) -> tuple[bool, bool]:
    """Newest schema and first keys, by the deploying login: (migrated, epoch opened)."""
    with deploying_url(settings) as url:
        if not state.migrated:
            from app.store.migrate import upgrade  # noqa: PLC0415  # Alembic: 2 s of every start

            await upgrade(url)
        opened = state.epoch is None and await open_first_epoch(url, settings.home / "keys")
        if not state.receipt_key:
            await open_receipts(url, settings.home / "keys")
    return not state.migrated, opened


async def _prepare(settings: Settings, logins: Logins) -> Prepared:
    found = await read_state(logins.application)
    migrated = opened = False
    if not found.migrated or found.epoch is None or not found.receipt_key:
        if settings.database_url is not None and MIGRATION_VARIABLE not in os.environ:
            raise unavailable(
                "ledger-unmigrated",
                "the database is not at the newest schema;"
                f" run `pdledger migrate` with {MIGRATION_VARIABLE} set",
            )
        migrated, opened = await migrate_and_open(settings, found)
    state = await read_state(logins.application) if migrated or opened else found
    assert state.epoch is not None, "a migrated ledger has an open epoch"
    require_root(state.epoch, settings.home / "keys")
    ensure_webhook_secret(settings)
    published = await _publish(settings, logins, state)
    if published:
        state = await read_state(logins.application)
    law = await _publish_law(settings, logins, state)
    connection = await reach(logins.application)
    try:
        key = await ensure_first_key(connection, settings.home / "first-key", system_clock())
    finally:
        await connection.close()
    return Prepared(migrated, opened, published, law, key, state.texts)


async def _publish(settings: Settings, logins: Logins, state: LedgerState) -> bool:
    """Publishes the first policy where there is none, and its text when one is supplied."""
    if state.versions and not text_supplied():
        return False
    first = first_policy()
    if state.versions and (
        first.policy.version not in state.versions or first.text_names <= set(state.texts)
    ):
        return False
    from app.cli.publication import publish  # noqa: PLC0415  # the whole service: 2 s of every start
    from app.main import open_service  # noqa: PLC0415  # likewise

    async with open_service(settings, logins) as service:
        await publish(service, first.structure, first.texts)
    return True


async def _publish_law(settings: Settings, logins: Logins, state: LedgerState) -> bool:
    """Puts the law file of this program on record, where the one before was of another program."""
    if hashlib.sha256(packaged_law_structure()).hexdigest().encode() in state.law:
        return False
    from app.cli.publication import publish_law  # noqa: PLC0415  # as above
    from app.main import open_service  # noqa: PLC0415  # likewise

    async with open_service(settings, logins) as service:
        return await publish_law(service)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
