"""Opens the first keys of a ledger: that of its epoch, under a root in custody, and of receipts."""

from pathlib import Path
from typing import Final

import asyncpg

from app.cli.answers import unavailable
from app.store.identity import read_identity
from app.store.receipt_keys import ReceiptKeyMissing, open_receipt_key
from app.vault.custody import FileCustody, KeyFileUnsafe
from app.vault.key_vault import KeyVault

FIRST_EPOCH: Final = 1


async def open_first_epoch(url: str, keys: Path) -> bool:
    """True when this call opened it, False when there was one. ``url`` is the deploying login's.

    The root is on disk before the database knows of the epoch. A crash between the two leaves a
    root that the next call uses.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET ROLE ledger_owner")
        if await connection.fetchval("SELECT true FROM ledger.key_epoch LIMIT 1"):
            return False
        identity = await read_identity(connection)
        vault = KeyVault(identity.ledger_id, FileCustody(keys))
        wrapped = vault.new_epoch_key(FIRST_EPOCH)
        opened = await connection.fetchval(
            "SELECT ledger.ledger_epoch_open($1, $2)", FIRST_EPOCH, wrapped
        )
    finally:
        await connection.close()
    return bool(opened)


async def open_receipts(url: str, keys: Path, *, anew: bool = False) -> bool:
    """True when this call put a receipt key in force. ``url`` is the deploying login's."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET ROLE ledger_owner")
        return await open_receipt_key(connection, keys, anew=anew)
    except (ReceiptKeyMissing, KeyFileUnsafe) as failure:
        raise unavailable("receipt-key-unusable", str(failure)) from None
    finally:
        await connection.close()


def require_root(epoch: int, keys: Path) -> None:
    """Stops a command early where the root of an epoch is not in custody."""
    if FileCustody(keys).root(epoch) is None:
        raise unavailable(
            "root-missing",
            f"the root of key epoch {epoch} is not in {keys}: nothing sealed can be read."
            " Put the folder back from where its copy is kept",
        )
