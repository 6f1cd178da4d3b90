"""Key epochs of a test's ledger, turned and ended as the deploying command does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.rights.key_epochs import KeyEpochs
from app.service import Service
from app.store.connection import connect
from app.vault.custody import FileCustody
from tests.conftest import Database


class Killed(Exception):
    """The command ends here, as by a signal between two steps."""


@asynccontextmanager
async def turning(
    service: Service,
    database: Database,
    home: Path,
    between: Callable[[str], Awaitable[None]] | None = None,
) -> AsyncIterator[KeyEpochs]:
    """What turns epochs beside a service; ``between`` is called after each step."""
    owner = await connect(database.dsn("ledger_migrator"))
    more: dict[str, Any] = {} if between is None else {"between": between}
    try:
        await owner.execute("SET ROLE ledger_owner")
        yield KeyEpochs(
            service.ledger,
            service.control,
            service.pool,
            owner,
            custody=FileCustody(home / "keys"),
            **more,
        )
    finally:
        await owner.close()


def killed_after(step: str, times: int = 1) -> Callable[[str], Awaitable[None]]:
    """Ends the command after a step was taken so many times."""
    left = times

    async def between(done: str) -> None:
        nonlocal left
        left -= done == step
        if left == 0:
            raise Killed(step)

    return between
