"""`ledger_erase`: what it destroys, what it refuses, and what cannot come back (Art. 17)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.store.append import EncodedEvent
from app.tlog.merkle import root_of_entries
from app.values import replace
from tests.store.chains import Chain, Section, claim, new_key
from tests.store.conftest import Connect
from tests.store.doors import Connection, append, send

ERASE_SQL = "SELECT * FROM ledger.ledger_erase(0, $1, $2, $3)"


@dataclass(slots=True)
class Person:
    """A stream with two sections under one key, one under another, and two identifiers."""

    chain: Chain
    contact: UUID
    accounts: UUID
    token: bytes
    of_contact: tuple[bytes, bytes]
    of_accounts: bytes

    @property
    def all_blobs(self) -> tuple[bytes, ...]:
        """In the order of versions and sections."""
        return self.of_contact[0], self.of_accounts, self.of_contact[1]


@pytest.fixture
async def eraser(connect: Connect) -> Connection:
    return await connect("ledger_eraser")


@pytest.fixture
async def person(app: Connection) -> Person:
    return await registered(app)


async def registered(app: Connection) -> Person:
    chain, contact, accounts, token = Chain(), uuid4(), uuid4(), os.urandom(16)
    sections = (
        Section(contact, opens=True),
        Section(accounts, "accounts", opens=True),
        Section(contact),
    )
    first = chain.event(*sections[:2])
    second = chain.event(sections[2])
    [outcome] = await append(
        app,
        chain.command(
            first,
            second,
            keys=[new_key(contact), new_key(accounts, "accounts")],
            identifiers=[claim(token), claim(token, kind="phone")],
        ),
    )
    assert outcome.code.value == "appended"
    blobs = (sections[0].blob, sections[2].blob)
    return Person(chain, contact, accounts, token, blobs, sections[1].blob)


async def erase(eraser: Connection, chain: Chain, event: EncodedEvent) -> dict[str, Any]:
    """One call with the event just made as the last of the chain."""
    row = await eraser.fetchrow(ERASE_SQL, chain.stream_id, chain.version - 1, event.entry)
    assert row is not None
    return dict(row)


async def remains(app: Connection, person: Person) -> tuple[int, int, Sequence[str]]:
    """Blobs and tokens of the person, and the states of the keys."""
    stream = person.chain.stream_id
    blobs = await app.fetchval("SELECT count(*) FROM ledger.sealed WHERE stream_id = $1", stream)
    tokens = await app.fetchval(
        "SELECT count(*) FROM ledger.identifiers WHERE subject_id = $1", stream
    )
    keys = await app.fetch(
        "SELECT state FROM ledger.keyring WHERE subject_id = $1 ORDER BY class", stream
    )
    return blobs, tokens, [row["state"] for row in keys]


@pytest.mark.parametrize("kind", ["erasure.executed", "retention.executed"])
async def test_one_key_and_everything_under_it_goes(
    app: Connection, eraser: Connection, person: Person, kind: str
) -> None:
    position = await app.fetchval("SELECT max(position) + 1 FROM ledger.events")

    answer = await erase(
        eraser,
        person.chain,
        person.chain.erasure(
            [person.contact], blobs=person.of_contact, classes=["contact"], kind=kind
        ),
    )

    assert answer == {
        "outcome": "appended",
        "position": position,
        "blobs": 2,
        "keys": 1,
        "tokens": 0,
    }
    assert await remains(app, person) == (1, 2, ["active", "erased"])
    key = await app.fetchrow("SELECT * FROM ledger.keyring WHERE key_id = $1", person.contact)
    assert key is not None
    assert key["wrapped"] is None
    stored = await app.fetchrow("SELECT * FROM ledger.events WHERE position = $1", position)
    assert stored is not None
    assert (stored["entry"], stored["type"]) == (person.chain.last, kind)


async def test_a_whole_person_goes_with_the_identifiers(
    app: Connection, eraser: Connection, person: Person
) -> None:
    answer = await erase(
        eraser,
        person.chain,
        person.chain.erasure(
            [person.contact, person.accounts],
            blobs=person.all_blobs,
            classes=["contact", "accounts"],
            identifiers=True,
        ),
    )

    assert (answer["blobs"], answer["keys"], answer["tokens"]) == (3, 2, 2)
    assert await remains(app, person) == (0, 0, ["erased", "erased"])


async def test_a_fenced_class_takes_no_new_key(
    app: Connection, eraser: Connection, person: Person, door: str
) -> None:
    chain, fresh = person.chain, uuid4()
    await erase(
        eraser, chain, chain.erasure([person.contact], blobs=person.of_contact, classes=["contact"])
    )
    kept = (chain.version, chain.last)

    event = chain.event(Section(fresh, opens=True))
    refused = await send(door, app, chain.command(event, keys=[new_key(fresh)]))
    chain.version, chain.last = kept
    other = await send(door, app, chain.command(chain.event(Section(person.accounts, "accounts"))))

    assert refused.code.value == "fenced"
    assert other.code.value == "appended"


async def test_a_fenced_class_takes_no_section_under_a_key_that_is_kept(
    app: Connection, eraser: Connection, person: Person, door: str
) -> None:
    """What is retained under a named ground is isolated from every other use."""
    chain = person.chain
    await erase(
        eraser,
        chain,
        chain.erasure([person.contact], blobs=person.of_contact, classes=["contact", "accounts"]),
    )

    outcome = await send(
        door, app, chain.command(chain.event(Section(person.accounts, "accounts")))
    )

    assert outcome.code.value == "fenced"
    assert await remains(app, person) == (1, 2, ["retiring", "erased"])


async def test_what_was_kept_goes_with_a_second_erasure(
    app: Connection, eraser: Connection, person: Person
) -> None:
    chain = person.chain
    await erase(
        eraser,
        chain,
        chain.erasure([person.contact], blobs=person.of_contact, classes=["contact", "accounts"]),
    )

    answer = await erase(
        eraser,
        chain,
        chain.erasure([person.accounts], blobs=[person.of_accounts], kind="retention.executed"),
    )

    assert answer["outcome"] == "appended"
    assert (await remains(app, person))[0] == 0


async def test_an_erased_key_takes_no_section(
    app: Connection, eraser: Connection, person: Person, door: str
) -> None:
    chain = person.chain
    await erase(eraser, chain, chain.erasure([person.contact], blobs=person.of_contact))

    outcome = await send(door, app, chain.command(chain.event(Section(person.contact))))

    assert outcome.code.value == "fenced"


async def test_an_erased_person_takes_no_identifier_but_events_without_data(
    app: Connection, eraser: Connection, person: Person
) -> None:
    """Outcomes, answers and certificates stay allowed; a return has a new subject id."""
    chain = person.chain
    await erase(
        eraser, chain, chain.erasure([person.contact], blobs=person.of_contact, identifiers=True)
    )

    [refused] = await append(app, chain.command(identifiers=[claim(person.token)]))
    [answer] = await append(app, chain.simple())
    returned = Chain()
    [again] = await append(
        app, returned.command(returned.event(), identifiers=[claim(person.token)])
    )

    assert [one.code.value for one in (refused, answer, again)] == [
        "fenced",
        "appended",
        "appended",
    ]


async def test_a_key_of_another_subject_is_refused(
    app: Connection, eraser: Connection, person: Person
) -> None:
    other = await registered(app)

    answer = await erase(
        eraser,
        person.chain,
        person.chain.erasure([person.contact, other.contact], blobs=person.all_blobs),
    )

    assert answer["outcome"] == "key-foreign"
    assert await remains(app, person) == (3, 2, ["active", "active"])
    assert await remains(app, other) == (3, 2, ["active", "active"])


async def test_an_unknown_key_is_refused(eraser: Connection, person: Person) -> None:
    answer = await erase(eraser, person.chain, person.chain.erasure([uuid4()], blobs=[]))

    assert answer["outcome"] == "key-foreign"


async def test_a_key_is_erased_once(app: Connection, eraser: Connection, person: Person) -> None:
    chain = person.chain
    await erase(eraser, chain, chain.erasure([person.contact], blobs=person.of_contact))

    answer = await erase(eraser, chain, chain.erasure([person.contact], blobs=[]))

    assert answer["outcome"] == "key-foreign"


@pytest.mark.parametrize("said", [0, 1, 3])
async def test_the_entry_counts_what_is_destroyed(
    app: Connection, eraser: Connection, person: Person, said: int
) -> None:
    answer = await erase(
        eraser,
        person.chain,
        person.chain.erasure(
            [person.contact], blobs=person.all_blobs[:said], classes=["contact"], identifiers=True
        ),
    )

    assert answer["outcome"] == "blob-count-mismatch"
    assert await remains(app, person) == (3, 2, ["active", "active"])
    assert await app.fetchval(
        "SELECT count(*) = 0 FROM ledger.erasure_fence WHERE subject_id = $1",
        person.chain.stream_id,
    )


async def test_the_root_is_of_the_blobs_in_their_order(
    app: Connection, eraser: Connection, person: Person
) -> None:
    event = person.chain.erasure([person.contact], blobs=person.of_contact[::-1])

    with pytest.raises(asyncpg.DataError):
        await erase(eraser, person.chain, event)
    assert (await remains(app, person))[0] == 3


async def test_the_database_computes_the_root_as_everybody_does(connect: Connect) -> None:
    """RFC 6962 §2.1, the same function as in app/tlog."""
    owner = await connect("ledger_migrator")

    for size in (0, 1, 2, 3, 4, 5, 7, 8, 9, 33):
        entries = [os.urandom(32) for _ in range(size)]
        computed = await owner.fetchval("SELECT ledger.merkle_root($1)", entries)
        assert computed == root_of_entries(entries)


async def test_an_erasure_decided_at_another_version_is_refused(
    app: Connection, eraser: Connection, person: Person
) -> None:
    """Whatever was recorded meanwhile must be weighed before anything is destroyed."""
    chain = person.chain
    behind = Chain(chain.stream_id, chain.version, chain.last)
    await append(app, chain.simple())

    answer = await erase(eraser, behind, behind.erasure([person.contact], blobs=person.of_contact))

    assert answer["outcome"] == "version-conflict"
    assert (await remains(app, person))[0] == 3


async def test_nobody_erases_a_person_who_is_not_there(eraser: Connection) -> None:
    chain = Chain()

    answer = await erase(eraser, chain, chain.erasure([], blobs=[]))

    assert answer["outcome"] == "version-conflict"


@pytest.mark.parametrize("seconds", [-6, 6])
async def test_a_wrong_clock_erases_nothing(
    app: Connection, eraser: Connection, person: Person, seconds: int
) -> None:
    chain = person.chain.back(timedelta(seconds=seconds))

    answer = await erase(eraser, chain, chain.erasure([person.contact], blobs=person.of_contact))

    assert answer["outcome"] == "stale-clock"


MALFORMED: dict[str, dict[str, Any]] = {
    "another type": {"kind": "data.collected"},
    "no keys": {"keys": None},
    "a key twice": {"keys": ["00000000-0000-4000-8000-000000000000"] * 2},
    "no key at all": {"keys": ["contact"]},
    "no classes": {"classes": None},
    "no count": {"blobs": None},
    "no root": {"root": None},
    "no word on identifiers": {"identifiers": None},
}


@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED.keys())
async def test_an_entry_that_does_not_say_what_it_destroys_raises(
    eraser: Connection, person: Person, said: dict[str, Any]
) -> None:
    whole = {"keys": [], "classes": [], "blobs": 0, "identifiers": False, "root": "A"}
    kind = said.get("kind", "erasure.executed")
    payload = {name: value for name, value in (whole | said).items() if name != "kind"}
    event = person.chain.event(kind=kind, said=payload)

    with pytest.raises(asyncpg.PostgresError):
        await erase(eraser, person.chain, event)


async def test_an_erasure_stands_on_the_entry_before_it(eraser: Connection, person: Person) -> None:
    event = person.chain.erasure([person.contact], blobs=person.of_contact)
    broken = replace(event, entry=event.entry.replace(b'"n":3', b'"n":4'))

    with pytest.raises(asyncpg.DataError):
        await erase(eraser, person.chain, broken)


async def test_an_erasure_seals_nothing(eraser: Connection, person: Person) -> None:
    event = person.chain.event(
        Section(person.accounts, "accounts"),
        kind="erasure.executed",
        said={"keys": [], "classes": [], "blobs": 0, "identifiers": False, "root": "A"},
    )

    with pytest.raises(asyncpg.DataError):
        await erase(eraser, person.chain, event)


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_a_snapshot_from_before_the_lock_is_refused(
    eraser: Connection, person: Person, isolation: Any
) -> None:
    event = person.chain.erasure([person.contact], blobs=person.of_contact)

    async with eraser.transaction(isolation=isolation):
        with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
            await erase(eraser, person.chain, event)


async def test_the_application_cannot_erase(app: Connection, person: Person) -> None:
    event = person.chain.erasure([person.contact], blobs=person.of_contact)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await erase(app, person.chain, event)
