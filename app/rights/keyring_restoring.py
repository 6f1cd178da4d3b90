"""A restored backup forgets what was forgotten after it was made (E3; L9, L34, C61).

The keyring of a later day is put over it in one transaction with its event: epochs, wrapped keys,
keys of registers. What that keyring knows as destroyed is then destroyed here, key by key, each by
an entry of its person's stream as any destruction; the blind index is made anew, and the epochs
that are gone end. Stopped anywhere, the same again goes on with what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.control_ledger import ControlLedger
from app.domain.epochs import EpochState, RestoreKeyring, active
from app.domain.retention import ForgetKey
from app.events.retention import RetentionCause
from app.identifiers import KeyId
from app.ledger import Ledger
from app.receipts import Attribution, LedgerContended
from app.rights.destruction import destruction_of
from app.rights.eraser import Eraser
from app.rights.key_epochs import EpochHolds, KeyEpochs
from app.store.keyring_file import SIZE_SQL, KeptKey, KeyringFile
from app.store.keyring_restore import bring_epochs, bring_keys, still_living
from app.store.rekeying import index_anew

TRIES_MAX: Final = 12
BY: Final = Attribution(by="keyring")


@dataclass(slots=True)
class Restored:
    """What one run did."""

    epoch: int
    """The active one."""
    brought: bool = False
    """Whether this run put the keyring over the database; else an earlier one had."""
    keys: int = 0
    """Keys that have the keyring's wrapping now."""
    forgotten: int = 0
    """Keys that lived here and are destroyed, with all that was sealed under them."""
    tokens: int = 0
    """Tokens of the blind index, made anew."""
    ended: tuple[int, ...] = ()
    """Epochs that are gone elsewhere and here now, too."""
    left: tuple[int, ...] = ()
    """Those on which something hangs that the keyring does not know."""


class KeyringRestoring:
    """Puts a keyring over the database of a service that nobody is served by."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        *,
        owner: "asyncpg.Connection[Any]",
        eraser: "asyncpg.Pool[Any]",
        epochs: KeyEpochs,
        file: KeyringFile,
    ) -> None:
        self._ledger = ledger
        self._control = control
        self._owner = owner
        self._epochs = epochs
        self._file = file
        self._eraser = Eraser(ledger, eraser)

    async def run(self) -> Restored:
        """Brings the database forward; KeyringOlder, KeyringBetween, KeyringFileUnusable."""
        self._file.check(self._ledger.store.vault)
        done = Restored(self._file.head.active)
        await self._bring(done)
        await self._ledger.store.refresh_epochs()
        self._ledger.forget_everybody()
        await self._forget(done)
        await self._end(done)
        return done

    async def _bring(self, done: Restored) -> None:
        """The event, the epochs and every key, or nothing."""
        head, vault = self._file.head, self._ledger.store.vault
        known = (await self._ledger.rulebook.refresh_control()).epochs

        async def act() -> None:
            await bring_epochs(self._owner, head, known, active(known))
            for batch in self._file.batches(vault):
                done.keys += await bring_keys(self._owner, batch, head.active)

        command = RestoreKeyring(
            file=self._file.digest,
            log_size=head.log_size,
            size=await self._owner.fetchval(SIZE_SQL),
            states=dict(head.states),
        )
        done.brought = await self._control.execute_beside(command, BY, self._owner, act)

    async def _forget(self, done: Restored) -> None:
        written = self._file.head.written_at.date()
        for batch in self._file.batches(self._ledger.store.vault):
            living = await still_living(self._owner, batch)
            for person, several in groupby(living, key=lambda one: one[0]):
                tombs = [tomb for _, tomb in several]
                done.forgotten += await self._forget_of(person, tombs, written)

    async def _forget_of(self, person_id: UUID, tombs: Sequence[KeptKey], written: date) -> int:
        """Destroys each key, on the newest stream each time."""
        for _ in range(TRIES_MAX + len(tombs)):
            person = await self._eraser.read(person_id)
            rows = person.stream.keys
            left = [one for one in tombs if rows[one.key_id].state != "erased"]
            if not left:
                return len(tombs)
            row = rows[left[0].key_id]
            command = ForgetKey(
                cause=RetentionCause.NEWER_KEYRING,
                key_id=KeyId(row.key_id),
                retention_class=row.retention_class,
                generation=row.generation,
                on=written,
                fences=left[0].fences,
                destruction=destruction_of(person.stream, [row.key_id]),
            )
            given = await self._eraser.circumstances()
            await self._eraser.destroy(person, command, given, BY.by)
        raise LedgerContended("other writers won every try")

    async def _end(self, done: Restored) -> None:
        """The epochs that are gone elsewhere: nothing hangs on them, and their root is not here."""
        known = (await self._ledger.rulebook.refresh_control()).epochs
        due = [
            key
            for key, one in sorted(known.items())
            if one.gone_elsewhere and one.state is not EpochState.DESTROYED
        ]
        for key in due:
            async for tokens in index_anew(self._owner, self._ledger.store, key):
                done.tokens += tokens
            try:
                await self._epochs.destroy(key, BY)
                done.ended = (*done.ended, key)
            except EpochHolds:
                done.left = (*done.left, key)
