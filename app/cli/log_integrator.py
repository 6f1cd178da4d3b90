"""`python -m app.cli.log_integrator`: the integrator's process, told on standard input what to do.

It alone opens the checkpoint key. It ends when its input does; killed, it has lost nothing.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from app.cli.logging_setup import configure_logging
from app.store.connection import connect
from app.store.identity import read_identity
from app.store.integrator import Integrator
from app.store.integrator_process import Charge
from app.store.notices import APPENDED_CHANNEL, Notices
from app.vault.custody import FileCustody
from app.vault.signed_head import signed_head_file
from app.vault.signing import Signer


def main() -> None:
    """Integrates until standard input ends."""
    charge = msgspec.json.decode(sys.stdin.buffer.readline(), type=Charge)
    configure_logging(charge.log_level)
    uvloop.run(integrate(charge))


async def integrate(charge: Charge) -> None:
    """Follows the log of one ledger."""

    async def connected() -> "asyncpg.Connection[Any]":
        return await connect(charge.url, application="pdledger-integrator")

    connection = await connected()
    try:
        identity = await read_identity(connection)
    finally:
        await connection.close()
    keys, wake = Path(charge.keys), asyncio.Event()
    integrator = Integrator(
        connected,
        Signer(FileCustody(keys).checkpoint_key()),
        signed_head_file(keys, identity.ledger_id),
        origin=charge.origin or f"{identity.ledger_id}.ledger.invalid/log",
        wake=wake,
    )
    ear = Notices(connected, {APPENDED_CHANNEL: lambda _: wake.set()})
    ear.start()
    running = asyncio.create_task(integrator.run())
    try:
        await _input_ended()
    finally:
        running.cancel()
        await ear.stop()


async def _input_ended() -> None:
    """Until whoever started this process is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.read(1024):
        pass


if __name__ == "__main__":
    main()
