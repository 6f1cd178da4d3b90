"""What the law asks for every day, one task after the other; none holds up those behind it."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from app.control_ledger import ControlLedger
from app.ledger import Ledger
from app.rights.compaction import Compacting
from app.rights.consent_expiry import ExpiringConsents
from app.rights.duties import Duties
from app.rights.last_copies import LastCopies
from app.rights.retention import Done, Retaining
from app.store.rewriting import Rewriting, free_on_disk

Task = Callable[[], Awaitable[bool]]
"""Carries out what is due; False when something of it is left to be tried again."""

_log: Any = structlog.get_logger(__name__)


def daily(
    ledger: Ledger,
    control: ControlLedger,
    pool: "asyncpg.Pool[Any]",
    eraser: "asyncpg.Pool[Any]",
    *,
    ran: Callable[[Done], None] | None = None,
    folder: Path | None = None,
) -> Task:
    """Consents, silence, children; then what has expired, then where the erased still is.

    ``ran`` is told of what retention did; ``folder`` is where the database lies, if on this disk.
    """
    rewriting = Rewriting(eraser, free=free_on_disk(folder))
    return in_turn(
        {
            "consents": ExpiringConsents(ledger, pool).carry_out,
            "duties": Duties(ledger, pool, eraser).carry_out,
            "retention": Retaining(ledger, pool, eraser, ran=ran).carry_out,
            "compaction": Compacting(ledger, control, pool, eraser, rewriting=rewriting).carry_out,
            "last copies": LastCopies(ledger, pool).carry_out,
        }
    )


def in_turn(tasks: Mapping[str, Task]) -> Task:
    """Several tasks as one, which says whether every one of them left nothing over."""

    async def carry_out() -> bool:
        done = True
        for name, task in tasks.items():
            try:
                done = await task() and done
            except Exception as error:  # noqa: BLE001  # the next task is due as well
                done = False
                _log.error("daily task failed", task=name, error_class=type(error).__name__)
        return done

    return carry_out
