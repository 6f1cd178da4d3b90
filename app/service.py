"""The objects that one process works with, built once by `main` and handed to whoever needs them."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from app.auth import Callers
from app.control_ledger import ControlLedger
from app.ledger import Ledger
from app.store.event_store import EventStore
from app.store.lookups import Lookups
from app.store.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Service:
    """One running service: nothing in it is built anywhere else."""

    ledger: Ledger
    control: ControlLedger
    store: EventStore
    rulebook: Rulebook
    lookups: Lookups
    callers: Callers
    pool: "asyncpg.Pool[Any]"
    eraser: "asyncpg.Pool[Any] | None"
    """Connections of the eraser login; None when this process has none."""
