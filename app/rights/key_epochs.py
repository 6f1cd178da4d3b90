"""Key epochs turn and end: what was erased becomes unreadable in every backup (E3; L34, C61).

Each step is one transaction that records it and does it, but for the root, which no transaction
reaches. Its destruction lies between two steps: what hung on it is under another root by then, and
every key was opened by that one before. So whoever is stopped anywhere finds all keys readable, and
goes on by doing the same again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from app.control_ledger import ControlLedger
from app.domain.decider import Refusal
from app.domain.epochs import (
    ApproveEpochEnd,
    BeginEpochEnd,
    EpochCommand,
    Epochs,
    EpochState,
    EpochStillLeaving,
    EpochUnknown,
    RecordEpochEnd,
    RequestEpochEnd,
    TurnEpoch,
    active,
    leaving,
    waits_for_approval,
)
from app.events.epochs import RootCustody, RootEnd
from app.ledger import Ledger
from app.receipts import Attribution
from app.store.epochs import epoch_holds
from app.store.notices import EPOCHS_CHANNEL
from app.store.rekeying import rekey_identifiers
from app.store.rewrapping import (
    rewrap_data_keys,
    rewrap_registers,
    unreadable_keys,
    unreadable_register_keys,
)
from app.vault.custody import Custody

TURN_SQL: Final = "SELECT ledger.ledger_epoch_turn($1, $2)"
CLOSE_SQL: Final = "UPDATE ledger.key_epoch SET state = 'destroying' WHERE epoch = $1"
EMPTY_SQL: Final = (
    "UPDATE ledger.key_epoch SET state = 'destroyed', wrapped = NULL WHERE epoch = $1"
)
ROUNDS_MAX: Final = 5
"""Rounds over what another transaction had in its hands the round before."""

BY: Final = Attribution(by="keys")
Told = Callable[[int, int], None]
"""How many keys and tokens have moved, and of how many."""
Sql = tuple[Any, ...]
"""A statement and its values."""
Stop = Callable[[str], Awaitable[None]]
"""Called between two steps with the name of the one that is done; tests are killed there."""


class EpochHolds(Refusal):
    """Something would become unreadable with the epoch."""

    code = "epoch-holds"
    rules = ("L34",)


class KeysUnreadable(Refusal):
    """Not every key can be opened without the root that is to go."""

    code = "keys-unreadable"
    rules = ("L34",)


@dataclass(slots=True)
class Rotated:
    """What one run of a rotation did."""

    epoch: int
    """The active one."""
    leaving: int
    opened: bool
    """Whether this run opened the active one; else it went on with what another had begun."""
    moved: int = 0
    """Keys and tokens."""
    shut: int = 0
    """Keys and tokens that nothing here opens; they hang on the old one still."""
    holds: Mapping[str, int] = field(default_factory=dict)
    """Table -> rows that still hang on the one that leaves."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the end of an epoch stands."""

    epoch: int
    state: str
    waits_for_approval: bool = False
    root: RootEnd | None = None
    """What became of its root, when this run destroyed it."""


class KeyEpochs:
    """Turns and ends epochs. Holds the owner's connection, so no serving process has one of it."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        pool: "asyncpg.Pool[Any]",
        owner: "asyncpg.Connection[Any]",
        *,
        custody: Custody,
        between: Stop | None = None,
    ) -> None:
        self._control = control
        self._rulebook = ledger.rulebook
        self._store = ledger.store
        self._clock = ledger.clock
        self._pool = pool
        self._owner = owner
        self._custody = custody
        self._between = between

    async def rotate(self, told: Told = lambda _done, _all: None) -> Rotated:
        """Opens the next epoch, or goes on where that was done; moves all that hangs on the last.

        EpochStillLeaving while the root of an epoch is being destroyed.
        """
        epochs = await self._epochs()
        drains = leaving(epochs)
        if drains is not None and epochs[drains].state is EpochState.DESTROYING:
            raise EpochStillLeaving(epoch=drains)
        opened = drains is None and await self._turn(active(epochs) + 1)
        epochs = await self._epochs()
        drains = leaving(epochs)
        assert drains is not None, "one drains since the other was opened"
        await self._store.refresh_epochs()
        done = Rotated(active(epochs), drains, opened)
        await self._move(done, told)
        return done

    async def destroy(self, epoch: int, by: Attribution = BY) -> Ended:
        """Ends an epoch on which nothing hangs; takes up an end that was begun.

        Raises EpochHolds, KeysUnreadable and what the decider refuses.
        """
        state = (await self._epoch(epoch)).state
        if state is EpochState.DESTROYED:
            return Ended(epoch, state.value)
        if state is not EpochState.DESTROYING:
            await self._control.execute(RequestEpochEnd(epoch=epoch, by=by.by), by)
            if await self._waits(epoch):
                return Ended(epoch, state.value, waits_for_approval=True)
            await self._prove_free(epoch)
            await self._step(BeginEpochEnd(epoch=epoch), by, (CLOSE_SQL, epoch))
            await self._taken("destroying")
        root = RootEnd.OVERWRITTEN if self._custody.destroy_root(epoch) else RootEnd.FOUND_GONE
        await self._taken("root")
        ended = RecordEpochEnd(epoch=epoch, custody=RootCustody.FILE, root=root)
        await self._step(ended, by, (EMPTY_SQL, epoch))
        await self._taken("destroyed")
        return Ended(epoch, EpochState.DESTROYED.value, root=root)

    async def approve(self, epoch: int, by: Attribution) -> None:
        """The second person's word, where two are needed."""
        await self._control.execute(ApproveEpochEnd(epoch=epoch, by=by.by), by)

    async def _taken(self, step: str) -> None:
        if self._between is not None:
            await self._between(step)

    async def _epochs(self) -> Epochs:
        return (await self._rulebook.refresh_control()).epochs

    async def _epoch(self, epoch: int) -> Any:
        found = (await self._epochs()).get(epoch)
        if found is None:
            raise EpochUnknown(epoch=epoch)
        return found

    async def _waits(self, epoch: int) -> bool:
        given = (await self._rulebook.refresh()).at(self._clock())
        return waits_for_approval(given.control.epochs[epoch], given)

    async def _turn(self, epoch: int) -> bool:
        # The root is on disk before the database knows of the epoch; a crash leaves one to be used.
        wrapped = self._store.vault.new_epoch_key(epoch)
        await self._taken("root-made")
        turned = await self._step(TurnEpoch(epoch=epoch), BY, (TURN_SQL, epoch, wrapped))
        await self._taken("turned")
        return turned

    async def _step(self, command: EpochCommand, by: Attribution, sql: Sql) -> bool:
        async def act() -> None:
            await self._owner.execute(*sql)

        done = await self._control.execute_beside(command, by, self._owner, act)
        await self._owner.execute(f"NOTIFY {EPOCHS_CHANNEL}")
        return done

    async def _move(self, done: Rotated, told: Told) -> None:
        total = sum((await epoch_holds(self._owner, done.leaving)).values())

        def count(moved: int, shut: int) -> None:
            done.moved += moved
            done.shut += shut
            told(done.moved, max(total, done.moved))

        for _ in range(ROUNDS_MAX):
            before, done.shut = done.moved, 0
            async for keys in rewrap_data_keys(self._owner, self._store.vault, done.leaving):
                count(keys.rows, keys.shut)
                await self._taken("keys")
            registers = await rewrap_registers(self._owner, self._store.vault, done.leaving)
            count(registers.rows, registers.shut)
            await self._taken("registers")
            async for tokens in rekey_identifiers(
                self._owner, self._pool, self._store, done.leaving
            ):
                count(tokens.rows, tokens.unread)
                await self._taken("tokens")
            done.holds = await epoch_holds(self._owner, done.leaving)
            if not any(done.holds.values()) or done.moved == before:
                return

    async def _prove_free(self, epoch: int) -> None:
        """Nothing hangs on it, and every key that lives opens by the roots that stay."""
        holds = await epoch_holds(self._owner, epoch)
        if any(holds.values()):
            named = {name: rows for name, rows in holds.items() if rows}
            raise EpochHolds(epoch=epoch, **named)
        await self._store.refresh_epochs()
        keys = unreadable_keys(self._pool, self._store.vault, without=epoch)
        unread = sum([1 async for _ in keys])
        if active(await self._epochs()) == epoch + 1:
            unread += await unreadable_register_keys(self._owner, self._store.vault)
        if unread:
            raise KeysUnreadable(epoch=epoch, keys=unread)
