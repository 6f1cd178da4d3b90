"""What was given up since somebody asked for it, as the log tells (L34).

Whoever goes on with a giving up finds only what is left: together with this it is what was asked
for, and what was approved.
"""

from typing import Any, Final

import asyncpg

from app.domain.key_losses import Lost
from app.events.epochs import EpochRegisterKeyAbandoned
from app.events.identifiers import IdentifierReleased
from app.events.retention import RetentionExecuted
from app.rights.key_epochs import BY
from app.store.log_pages import read_log_page
from app.store.recorded import read_entry

PAGE_SIZE: Final = 1_000
TYPES: Final = ("epoch.register-key-abandoned", "identifier.released", "retention.executed")


async def given_up_since(pool: "asyncpg.Pool[Any]", position: int) -> Lost:
    """Keys, claims and rows of registers that entries after a position gave up."""
    lost, after, at_head = Lost(), position, False
    while not at_head:
        page = await read_log_page(pool, after=after, size_max=PAGE_SIZE, types=TYPES)
        for place, entry in page.entries:
            _add(lost, read_entry(entry, place))
        after, at_head = page.reached, page.at_head
    return lost


def _add(lost: Lost, recorded: Any) -> None:
    match recorded.event:
        case RetentionExecuted(lost=True) as event:
            lost.keys.update(event.keys)
        case IdentifierReleased(identifier=claim) if recorded.by == BY.by:
            lost.claims.add((recorded.stream_id, claim))
        case EpochRegisterKeyAbandoned(register=table, row=row, period=period):
            lost.rows.add((table, str(period if row is None else row)))
