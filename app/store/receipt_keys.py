"""The keys of receipts: those that the database knows, and the one in custody that signs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from app.store.append import PARTITION
from app.store.identity import read_identity
from app.tlog.notes import VerifierKey, verifier_key
from app.tlog.receipts import ReceiptKey, key_name
from app.vault.custody import RECEIPT_KEY_FILE, FileCustody
from app.vault.sealing import KEY_SIZE_BYTES
from app.vault.signing import Signer

if TYPE_CHECKING:
    import asyncpg

    _Connection: TypeAlias = asyncpg.Connection[Any] | asyncpg.Pool[Any]

KEYS_SQL = "SELECT vkey FROM ledger.receipt_key WHERE partition = $1 ORDER BY opened_at DESC, vkey"
OPEN_SQL = "SELECT ledger.ledger_receipt_key_open($1, $2)"


class ReceiptKeyMissing(Exception):
    """The key that signs receipts is not where it must be, or not the one that was put in force."""


async def receipt_keys(connection: "_Connection") -> tuple[VerifierKey, ...]:
    """The keys that sign, or once signed, receipts of this ledger; the newest first."""
    return tuple(verifier_key(row[0]) for row in await connection.fetch(KEYS_SQL, PARTITION))


async def receipt_key(connection: "_Connection", keys: Path) -> ReceiptKey:
    """The key in custody, if it is the one in force; else ReceiptKeyMissing or KeyFileUnsafe.

    A service makes none itself: nobody would know the key by which its receipts are checked.
    """
    known, seed = await receipt_keys(connection), FileCustody(keys).receipt_key()
    if not known:
        raise ReceiptKeyMissing("no key of receipts was put in force: run `pdledger migrate`")
    if seed is None:
        raise ReceiptKeyMissing(
            f"{RECEIPT_KEY_FILE} is not in {keys}: put it back from where its copy is kept. Where"
            " there is none, `pdledger migrate --new-receipt-key` puts another one in force"
        )
    key = _key(known[0].name, seed)
    if key.verifier_key != known[0]:
        raise ReceiptKeyMissing(
            f"{RECEIPT_KEY_FILE} in {keys} is not the key in force: put the right one back"
        )
    return key


async def open_receipt_key(connection: "_Connection", keys: Path, *, anew: bool = False) -> bool:
    """Puts a key in force where none is; ``anew`` also where the one in force was lost.

    Creates its file where it is missing. The file is on disk before the database knows of it; a
    crash between the two leaves a key that the next call uses. ``connection`` may open keys.
    """
    if await receipt_keys(connection) and not anew:
        return False
    ledger_id = (await read_identity(connection)).ledger_id
    key = _key(key_name(ledger_id), FileCustody(keys).create_receipt_key())
    return bool(await connection.fetchval(OPEN_SQL, PARTITION, str(key.verifier_key)))


def _key(name: str, seed: bytes) -> ReceiptKey:
    if len(seed) != KEY_SIZE_BYTES:
        raise ReceiptKeyMissing(f"{RECEIPT_KEY_FILE} is no key: it has {len(seed)} bytes, not 32")
    signer = Signer(seed)
    return ReceiptKey(VerifierKey(name, signer.public_key), signer.sign)
