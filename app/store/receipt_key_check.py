"""Checks the keys of receipts that the database names: whoever exchanges one can forge promises."""

from typing import TYPE_CHECKING

from app.store.append import PARTITION
from app.store.checkpoint_check import Add, Trust, read_keys
from app.store.identity import read_identity
from app.store.receipt_keys import KEYS_SQL
from app.store.stream_check import Finding, Rule
from app.tlog.notes import VerifierKey
from app.tlog.receipts import key_name

if TYPE_CHECKING:
    from app.store.integrity import Connection

PLACE = "key of receipts"


async def check_receipt_keys(
    connection: "Connection", trust: Trust, add: Add
) -> tuple[VerifierKey, ...]:
    """The keys, the newest first. Each has the ledger's name, and none that was kept is missing.

    One that is new since is no finding: `pdledger migrate --new-receipt-key` puts one in force.
    """
    rows = await connection.fetch(KEYS_SQL, PARTITION)
    keys = read_keys([row["vkey"] for row in rows], add, place=PLACE)
    identity = await read_identity(connection)  # type: ignore[arg-type]  # it fetches as a pool does
    name = key_name(identity.ledger_id)
    if any(key.name != name for key in keys):
        add(Finding(Rule.VERIFIER_KEY_WRONG, None, None, place=f"{PLACE}, of another ledger"))
    if not set(trust.receipt_keys).issubset(keys):
        add(Finding(Rule.VERIFIER_KEY_WRONG, None, None, place=f"{PLACE} that was kept"))
    return keys
