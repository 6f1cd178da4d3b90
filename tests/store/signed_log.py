"""A log that grows and is signed at once, for tests that need its checkpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from app.store.connection import connect
from app.store.integrator import Integrator
from app.store.log_tree import LogTree
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.conftest import Database
from tests.store.leaves import Connection, grow

ORIGIN: Final = "ledger.example/log"
SIGNER: Final = Signer(b"\x07" * 32)


@dataclass(frozen=True, slots=True)
class SignedLog:
    """The log of one test database."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    admin: Connection
    integrator: Integrator
    connection: Connection

    @property
    def tree(self) -> LogTree:
        """What was published."""
        return LogTree(self.pool)

    async def grown(self, count: int) -> int:
        """Appends so many entries and signs them; the size reached."""
        await grow(self.admin, count)
        return await self.signed()

    async def signed(self) -> int:
        """Signs what was appended; the size reached."""
        while (done := await self.integrator.integrate(self.connection)).entries:
            pass
        return done.size


@asynccontextmanager
async def signed_log(database: Database, folder: Path) -> AsyncIterator[SignedLog]:
    """The log of a database, its signed head in a folder."""
    connection = await connect(database.dsn("ledger_integrator"))
    admin = await asyncpg.connect(database.dsn("postgres"))

    async def connected() -> Connection:
        return connection

    memory = SignedHeadFile(folder / "checkpoint.signed")
    integrator = Integrator(connected, SIGNER, memory, origin=ORIGIN)
    async with asyncpg.create_pool(database.dsn("ledger_app"), min_size=1, max_size=4) as pool:
        try:
            yield SignedLog(pool, admin, integrator, connection)
        finally:
            await connection.close()
            await admin.close()
