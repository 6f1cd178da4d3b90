"""Rows of the keyring that were altered or damaged are put right, each on record (L34).

Nothing is given up by it: what the log says of a row, and what an exported keyring has of a key,
is put back. Stopped anywhere, the same again goes on with what is left.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from app.control_ledger import ControlLedger
from app.domain.keyring_mending import RecordMended
from app.events.keyring import MendedBy
from app.ledger import Ledger
from app.receipts import LedgerContended
from app.rights.key_epochs import BY
from app.store.keyring_file import KeptKey, KeptRegisterKey, KeyringFile
from app.store.keyring_restore import Wrapping, good_wrappings, put_wrappings
from app.store.keyring_rows import altered_rows, put_row, unopened_keys
from app.store.rewrapping import unreadable_keys

TRIES_MAX: Final = 12


class KeyringMending:
    """Puts rows right. Holds the owner's connection, so no serving process has one of it."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        *,
        pool: "asyncpg.Pool[Any]",
        owner: "asyncpg.Connection[Any]",
    ) -> None:
        self._store = ledger.store
        self._vault = ledger.store.vault
        self._control = control
        self._pool = pool
        self._owner = owner

    async def by_log(self) -> int:
        """Gives rows the person, the class and the epoch that are theirs; how many."""
        put = 0
        async for row in altered_rows(self._pool, self._store):

            async def act(row: Any = row) -> None:
                if not await put_row(self._owner, row):
                    raise _Changed

            command = RecordMended(source=MendedBy.LOG, keys=(row.key_id,))
            try:
                put += await self._control.execute_beside(command, BY, self._owner, act)
            except (_Changed, asyncpg.UniqueViolationError):
                continue  # another row has its place by now: which one stays is nobody's to guess
        return put

    async def by_keyring(self, file: KeyringFile) -> int:
        """Gives keys that nothing opens the wrapping of an exported keyring; how many."""
        return sum([await self._put_back(file, one) for one in file.batches(self._vault)])

    async def _put_back(self, file: KeyringFile, batch: Sequence[KeptKey | KeptRegisterKey]) -> int:
        """Looks again where one was erased or mended meanwhile: what is on record was done."""
        for _ in range(TRIES_MAX):
            good = await good_wrappings(self._owner, self._vault, batch)
            keys = tuple(key_id for key_id, _, _ in good)
            command = RecordMended(source=MendedBy.KEYRING, file=file.digest, keys=keys)

            async def act(good: Sequence[Wrapping] = good) -> None:
                if not await put_wrappings(self._owner, self._vault, good):
                    raise _Changed

            try:
                return len(keys) * await self._control.execute_beside(command, BY, self._owner, act)
            except _Changed:
                continue
        raise LedgerContended("other writers won every try")

    async def left(self) -> tuple[int, int]:
        """How many keys nothing opens, and how many of these no entry knows."""
        shut = [one.key_id async for one in unreadable_keys(self._pool, self._vault)]
        return len(shut), len(await unopened_keys(self._pool, shut))


class _Changed(Exception):
    """A row was written meanwhile: what was found of it is not so any more."""
