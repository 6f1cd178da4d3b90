"""The key epochs as the database has them, and the vault of this process kept up with them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import asyncpg
import structlog

from app.vault.key_vault import EpochUnavailable, KeyVault

if TYPE_CHECKING:
    Reader: TypeAlias = asyncpg.Pool[Any] | asyncpg.Connection[Any]

EPOCHS_SQL: Final = "SELECT epoch, wrapped, state FROM ledger.key_epoch ORDER BY epoch"
STATES_SQL: Final = "SELECT epoch, state FROM ledger.key_epoch ORDER BY epoch"
HOLDS_SQL: Final = "SELECT relation, rows FROM ledger.ledger_epoch_holds($1)"

T = TypeVar("T")

_LOG: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EpochStanding:
    """One epoch as its row says."""

    epoch: int
    state: str
    holds: dict[str, int]
    """Table -> rows that nothing reads once the epoch is gone."""

    @property
    def free(self) -> bool:
        """Whether nothing hangs on it."""
        return not any(self.holds.values())


async def refresh_epochs(pool: "Reader", vault: KeyVault) -> None:
    """Reads the epoch keys again, as after an append was refused for a draining epoch."""
    rows = await pool.fetch(EPOCHS_SQL)
    vault.open_epochs(
        {row["epoch"]: row["wrapped"] for row in rows},
        active=max((row["epoch"] for row in rows if row["state"] == "active"), default=0),
        draining=[row["epoch"] for row in rows if row["state"] == "draining"],
    )


async def meet_epochs(pool: "Reader", vault: KeyVault, epochs: Iterable[int]) -> None:
    """Reads them again if something that was read is of an epoch that is new to this process."""
    if not vault.known_epochs.issuperset(epochs):
        await refresh_epochs(pool, vault)


class Turning:
    """Keeps a vault up with the epochs as they turn and end, so that none is found stale late.

    Hygiene only: whoever missed the notice finds out at the next append, look-up or key of an epoch
    that is new to it. A key that was destroyed leaves the memory of this process here.
    """

    def __init__(self, refresh: Callable[[], Awaitable[None]]) -> None:
        self._refresh = refresh
        self._reading: asyncio.Task[None] | None = None
        self._again = False

    def heard(self, _text: str) -> None:
        """An epoch took a step, or steps may have been missed."""
        self._again = True
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="epochs")

    async def stop(self) -> None:
        """Ends the reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))

    async def _read(self) -> None:
        try:
            while self._again:
                self._again = False
                await self._refresh()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, EpochUnavailable) as fault:
            _LOG.error("epochs not read", error_class=type(fault).__name__)
        finally:
            self._reading = None


async def under_active_epoch(
    pool: "Reader", vault: KeyVault, write: Callable[[], Awaitable[T]]
) -> T:
    """Writes what was wrapped under the active epoch; once more where that drains by now.

    ``write`` wraps anew each time. The database refuses a key of a register under any other epoch.
    """
    try:
        return await write()
    except asyncpg.ObjectNotInPrerequisiteStateError:
        await refresh_epochs(pool, vault)
        return await write()


async def epoch_standings(pool: "Reader") -> list[EpochStanding]:
    """Every epoch with what hangs on it, oldest first."""
    return [
        EpochStanding(row["epoch"], row["state"], await epoch_holds(pool, row["epoch"]))
        for row in await pool.fetch(STATES_SQL)
    ]


async def epoch_holds(pool: "Reader", epoch: int) -> dict[str, int]:
    """Table -> how many rows of it hang on an epoch."""
    return {row["relation"]: row["rows"] for row in await pool.fetch(HOLDS_SQL, epoch)}
