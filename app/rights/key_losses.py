"""What keeps an epoch from ending because nothing opens it is given up, by name and for good (L34).

Each key is tried again on the stream as it is then, with every root there is, and destroyed by an
entry of its person's stream; a token goes with the claims that nobody can read; a row of a register
by an entry of the control stream. Stopped anywhere, the same again goes on with what is left.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.control_ledger import ControlLedger
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.epochs import EpochState, EpochUnknown, KeyEpoch
from app.domain.identifiers import LoseIdentifiers
from app.domain.key_losses import (
    ApproveGiveUp,
    GiveUp,
    GiveUpRegisterKey,
    GiveUpUnapproved,
    KeyLoss,
    Lost,
    RecordGivenUp,
    may_give_up,
)
from app.domain.receivers import ReceiverStatus, WithdrawReceiver
from app.domain.retention import ForgetKey, key_on_hold
from app.domain.subject import SUBJECT, SubjectState, fold
from app.events.recorded import Record
from app.events.retention import RetentionCause
from app.identifiers import KeyId
from app.ledger import Ledger
from app.receipts import Attribution, LedgerContended
from app.rights.destruction import destruction_of
from app.rights.eraser import Eraser
from app.rights.given_up import given_up_since
from app.rights.key_epochs import BY, Stop
from app.store.append import Append, OutcomeCode, append_in
from app.store.keyring_rows import remove_unopened, unopened_keys
from app.store.notices import EPOCHS_CHANNEL
from app.store.rewrapping import (
    REGISTERS,
    RegisterKey,
    remove_register_key,
    shut_register_keys,
    unreadable_keys,
)
from app.store.token_losses import (
    LOCK_SQL,
    VERSION_SQL,
    LostTokens,
    lost_tokens,
    people_under,
    remove_lost,
    shut_key,
    unreadable_claims,
)

TRIES_MAX: Final = 12
KEYRING: Final = "keyring"
LISTED_MAX: Final = 1_000
"""Ids of keys that are named; the counts are of all."""


@dataclass(slots=True)
class Losses:
    """What nothing opens, by trying; ids of keys, tables and counts alone."""

    epoch: int
    tables: dict[str, int]
    """Table -> rows."""
    keys: list[UUID] = field(default_factory=list)
    """Ids of data keys, the first ``LISTED_MAX``."""
    people: int = 0
    """Whose keys or tokens they are."""
    roots_missing: tuple[int, ...] = ()
    """Epochs that are not destroyed and that no root in custody opens."""

    altered: int = 0
    """Keys that open, but not as their row says: it was changed, and they are not given up."""
    unopened: int = 0
    """Rows of the keyring that no entry ever named: nothing was ever sealed under their key."""
    lost: str = ""
    """The digest of all that would be lost, as an approval is bound to it."""

    @property
    def any(self) -> bool:
        """Whether there is something to be given up."""
        return any(self.tables.values())


@dataclass(slots=True)
class GivenUp:
    """What one run did."""

    epoch: int
    waits_for_approval: bool = False
    keys: int = 0
    tokens: int = 0
    identifiers: int = 0
    """Claims whose value nobody can read: they lead to nobody any more."""
    register_keys: int = 0
    unopened: int = 0
    """Rows of the keyring that no entry ever named."""
    held: int = 0
    """Keys above what a legal hold names: they stay."""
    lost: str = ""
    """The digest of what was found at the beginning."""
    left: dict[str, int] = field(default_factory=dict)
    """Table -> rows that nothing opens and that are there still."""


class KeyLosses:
    """Finds what nothing opens, and gives it up. Holds the owner's connection and the eraser's."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        *,
        pool: "asyncpg.Pool[Any]",
        owner: "asyncpg.Connection[Any]",
        eraser: "asyncpg.Pool[Any]",
        between: Stop | None = None,
    ) -> None:
        self._ledger = ledger
        self._control = control
        self._pool = pool
        self._owner = owner
        self._eraser = Eraser(ledger, eraser)
        self._between = between

    async def found(self, epoch: int) -> Losses:
        """Tries everything there is; nothing is recorded. EpochUnknown."""
        return (await self._found(epoch))[0]

    async def _found(self, epoch: int) -> tuple[Losses, Lost]:
        await self._epoch(epoch)
        store = self._ledger.store
        await store.refresh_epochs()
        lost, owners = Losses(epoch, {"keyring": 0, "identifiers": 0}), set[UUID]()
        exactly, keys = Lost(), set[UUID]()
        async for person, key_id in self._lost_keys(lost):
            lost.tables["keyring"] += 1
            owners.add(person)
            keys.add(key_id)
            if len(lost.keys) < LISTED_MAX:
                lost.keys.append(key_id)
        unopened = await unopened_keys(self._pool, keys)
        exactly.keys, lost.unopened = keys - unopened, len(unopened)
        exactly.rows |= {(KEYRING, str(key_id)) for key_id in unopened}
        lost.people = len(owners)
        async for one in self._lost_tokens(epoch):
            person = one.stream.stream_id
            lost.tables["identifiers"] += one.tokens
            lost.people += person not in owners
            exactly.claims |= {(person, claim) for claim in self._lost_claims(one)[0]}
        registers = await shut_register_keys(self._owner, store.vault)
        lost.tables |= {table: sum(one.table == table for one in registers) for table in REGISTERS}
        exactly.rows |= {(one.table, str(one.name)) for one in registers}
        lost.lost = exactly.digest()
        states = (await self._ledger.rulebook.refresh_control()).epochs
        lost.roots_missing = tuple(
            key
            for key, one in sorted(states.items())
            if one.state is not EpochState.DESTROYED and not store.vault.opens(key)
        )
        return lost, exactly

    async def give_up(self, epoch: int, by: Attribution = BY) -> GivenUp:
        """Gives up what is found, once it was asked for and, where needed, approved."""
        lost, exactly = await self._found(epoch)
        done = GivenUp(epoch, lost=lost.lost)
        if lost.any:
            asked = GiveUp(
                epoch=epoch,
                by=by.by,
                keys=lost.tables["keyring"],
                tokens=lost.tables["identifiers"],
                register_keys=sum(lost.tables[table] for table in REGISTERS),
                lost=lost.lost,
                in_all=await self._in_all(epoch, exactly),
            )
            await self._control.execute(asked, by)
            await self._taken("asked")
            standing, given = await self._epoch(epoch), await self._eraser.circumstances()
            if standing.state is not EpochState.DRAINING:
                done.left = {name: rows for name, rows in lost.tables.items() if rows}
                return done
            if not may_give_up(standing.loss, given):
                done.waits_for_approval = True
                return done
            await self._give_up(epoch, exactly, done)
            left = (await self.found(epoch)).tables
            done.left = {name: rows for name, rows in left.items() if rows}
        if not done.left:
            await self._control.execute(RecordGivenUp(epoch=epoch), BY)
            await self._taken("recorded")
        return done

    async def approve(self, epoch: int, by: Attribution) -> KeyLoss:
        """The second person's word, where two are needed; what it is about.

        Everything is tried again: GiveUpChanged when that is not exactly what was asked for.
        """
        if (await self._epoch(epoch)).loss is None:
            raise GiveUpUnapproved(epoch=epoch)
        _, exactly = await self._found(epoch)
        in_all = await self._in_all(epoch, exactly)
        await self._control.execute(ApproveGiveUp(epoch=epoch, by=by.by, in_all=in_all), by)
        loss = (await self._epoch(epoch)).loss
        if loss is None:
            raise GiveUpUnapproved(epoch=epoch)
        return loss

    async def _in_all(self, epoch: int, exactly: Lost) -> str:
        """The digest of what is lost and of what was already given up since it was asked for."""
        loss = (await self._epoch(epoch)).loss
        if loss is None or loss.asked_at is None:
            return exactly.digest()
        return (exactly | await given_up_since(self._pool, loss.asked_at)).digest()

    async def _give_up(self, epoch: int, exactly: Lost, done: GivenUp) -> None:
        """Gives up what was found, and nothing that was lost after that."""
        async for person, key_id in self._lost_keys():
            if key_id in exactly.keys:
                await self._give_up_key(person, key_id, done)
                await self._taken("key")
            elif (KEYRING, str(key_id)) in exactly.rows:
                done.unopened += await self._give_up_unopened(epoch, key_id)
                await self._taken("unopened")
        for key in await shut_register_keys(self._owner, self._ledger.store.vault):
            if (key.table, str(key.name)) in exactly.rows:
                done.register_keys += await self._give_up_register_key(epoch, key)
                await self._taken("register")
        async for one in self._lost_tokens(epoch):
            await self._give_up_tokens(epoch, one.stream.stream_id, exactly, done)
            await self._taken("tokens")

    async def _give_up_key(self, person_id: UUID, key_id: UUID, done: GivenUp) -> None:
        """Destroys one key on the newest stream; not one that opens, or that a hold stands on."""
        for _ in range(TRIES_MAX):
            person = await self._eraser.read(person_id)
            row = person.stream.keys[key_id]
            if row.state == "erased":
                done.keys += 1
                return
            known = person.state.data_keys.get(KeyId(key_id))
            if known is None or await self._opens(key_id, known, row.wrapped):
                return
            given = await self._eraser.circumstances()
            if key_on_hold(KeyId(key_id), person.state, given):
                done.held += 1
                return
            command = ForgetKey(
                cause=RetentionCause.KEY_LOST,
                key_id=KeyId(key_id),
                retention_class=known,
                generation=row.generation,
                on=day_of(given.now, given),
                destruction=destruction_of(person.stream, [key_id]),
            )
            await self._eraser.destroy(person, command, given, BY.by)
        raise LedgerContended("other writers won every try")

    async def _give_up_unopened(self, epoch: int, key_id: UUID) -> bool:
        """Removes a row that no entry knows, with the entry that says so: nobody loses anything."""

        async def act() -> None:
            if not await remove_unopened(self._owner, key_id):
                raise _Changed

        command = GiveUpRegisterKey(epoch=epoch, register=KEYRING, row=key_id)
        try:
            return await self._control.execute_beside(command, BY, self._owner, act)
        except _Changed:
            return False

    async def _give_up_register_key(self, epoch: int, key: RegisterKey) -> bool:
        """Removes a row with the entry that says so; not one that has another key by now."""
        if key.table == "receivers":
            known = self._ledger.rulebook.control.receivers.get(key.name)
            if known is not None and known.status is not ReceiverStatus.WITHDRAWN:
                await self._control.execute(WithdrawReceiver(receiver=key.name), BY)

        async def act() -> None:
            if not await remove_register_key(self._owner, key):
                raise _Changed
            # With the commit: whoever holds the key of a period in memory reads the new one.
            await self._owner.execute(f"NOTIFY {EPOCHS_CHANNEL}")

        named = {"row" if isinstance(key.name, UUID) else "period": key.name}
        command = GiveUpRegisterKey(epoch=epoch, register=key.table, **named)
        try:
            return await self._control.execute_beside(command, BY, self._owner, act)
        except _Changed:
            return False

    def _lost_claims(self, lost: LostTokens) -> tuple[tuple[int, ...], SubjectState]:
        """The person's claims that nobody can read, of the kinds of which a token was lost."""
        state = fold(SUBJECT.initial, lost.stream.events)
        active = state.identifiers.active.values()
        return unreadable_claims(self._ledger.store, lost, active), state

    async def _give_up_tokens(self, epoch: int, person: UUID, exactly: Lost, done: GivenUp) -> None:
        store = self._ledger.store
        for _ in range(TRIES_MAX):
            lost = await lost_tokens(self._pool, store, epoch, person)
            if not lost.tokens or shut_key(store, lost.stream):
                return  # while a key is there that may come back, its values may, too
            claims, state = self._lost_claims(lost)
            if not exactly.claims.issuperset((person, claim) for claim in claims):
                return  # more than was found: it has to be asked for
            given = await self._eraser.circumstances()
            command = LoseIdentifiers(identifiers=claims)
            records = SUBJECT.decide(command, state, given) if claims else ()
            if await self._removed(lost, state, records, given):
                done.tokens += lost.tokens
                done.identifiers += len(claims)
                return
        raise LedgerContended("other writers won every try")

    async def _removed(
        self,
        lost: LostTokens,
        state: SubjectState,
        records: tuple[Record, ...],
        given: Circumstances,
    ) -> bool:
        """The entries and the index in one transaction; False where the person is another by now.

        Where every claim can be read nothing is recorded: the claims that the index follows from
        are in the log.
        """
        person = lost.stream.stream_id
        now = self._ledger.clock()
        draft = self._ledger.store.draft(
            person,
            records,
            expected=state.version,
            previous=state.leaf_hash,
            keys={},
            recorded_at=max(now, state.last_at or now),
            by=BY.by,
        )
        append = Append(person, state.version, given.control.version, events=draft.events)
        async with self._owner.transaction():
            await self._owner.execute(LOCK_SQL)
            if records:
                if await append_in(self._owner, append) is not OutcomeCode.APPENDED:
                    return False
            elif await self._owner.fetchval(VERSION_SQL, person) != (state.version or None):
                return False
            await remove_lost(self._owner, self._ledger.store, lost)
        self._ledger.forget(person)
        return True

    async def _lost_keys(self, told: Losses | None = None) -> AsyncIterator[tuple[UUID, UUID]]:
        """Person and id of each living key that opens in no way."""
        vault = self._ledger.store.vault
        async for one in unreadable_keys(self._pool, vault):
            if not await self._opens(one.key_id, one.retention_class, one.wrapped):
                yield one.subject_id, one.key_id
            elif told is not None:
                told.altered += 1

    async def _opens(self, key_id: UUID, retention_class: str, wrapped: bytes | None) -> bool:
        """Whether any root gives it, as of any class: its row may say something else than was."""
        if wrapped is None:
            return False
        classes = (await self._ledger.rulebook.current()).policy.retention_classes
        vault = self._ledger.store.vault
        return vault.opens_data_key(key_id, {retention_class, *classes}, wrapped)

    async def _lost_tokens(self, epoch: int) -> AsyncIterator[LostTokens]:
        async for people in people_under(self._pool, epoch):
            for person in people:
                lost = await lost_tokens(self._pool, self._ledger.store, epoch, person)
                if lost.tokens:
                    yield lost

    async def _epoch(self, epoch: int) -> KeyEpoch:
        found = (await self._ledger.rulebook.refresh_control()).epochs.get(epoch)
        if found is None:
            raise EpochUnknown(epoch=epoch)
        return found

    async def _taken(self, step: str) -> None:
        if self._between is not None:
            await self._between(step)


class _Changed(Exception):
    """A row was written meanwhile: what was found of it is not so any more."""
