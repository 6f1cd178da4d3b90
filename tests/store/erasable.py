"""People whose rows lie in the three tables that an erasure takes rows from."""

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tests.store.chains import Chain, Section, claim, new_key
from tests.store.doors import Connection, append

ERASE = "SELECT * FROM ledger.ledger_erase(0, $1, $2, $3)"


@dataclass(slots=True)
class Person:
    """A stream with one key, one section and one identifier."""

    chain: Chain
    key: UUID
    blob: bytes
    token: bytes


async def register(connection: Connection, size: int = 60) -> Person:
    """Somebody new, in one append that writes all three tables."""
    chain, key, token = Chain(), uuid4(), os.urandom(16)
    section = Section(key, opens=True, blob=b"\x01" + os.urandom(size))
    event = chain.event(section)
    command = chain.command(event, keys=[new_key(key)], identifiers=[claim(token)])
    [outcome] = await append(connection, command)
    assert outcome.code.value == "appended"
    return Person(chain, key, section.blob, token)


async def erase(eraser: Connection, person: Person) -> None:
    """Everything of one person."""
    chain = person.chain
    event = chain.erasure([person.key], blobs=[person.blob], classes=["contact"], identifiers=True)
    row = await eraser.fetchrow(ERASE, chain.stream_id, chain.version - 1, event.entry)
    assert row is not None


async def rows(connection: Connection, table: str) -> "Counter[tuple[Any, ...]]":
    """All that lives in a table."""
    return Counter(tuple(row) for row in await connection.fetch(f"SELECT * FROM ledger.{table}"))
