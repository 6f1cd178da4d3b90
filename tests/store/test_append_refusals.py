"""What the append functions raise on: input that no honest caller sends, bytes that would lie."""

import os
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.store.append import (
    APPEND_ONE_SQL,
    APPEND_SQL,
    Append,
    IdempotencyToken,
    arguments,
    arguments_of_one,
)
from app.values import replace
from tests.store.chains import Chain, Section, claim, new_key
from tests.store.conftest import Connect
from tests.store.doors import Connection, append, append_one, send

Damage = Callable[[Append], Append]


async def number_of_rows(connection: Connection) -> int:
    total = 0
    for name in ("events", "sealed", "keyring", "identifiers", "suppressions", "idempotency"):
        total += await connection.fetchval(f"SELECT count(*) FROM ledger.{name}")
    return total


async def begun(app: Connection) -> tuple[Chain, Section]:
    chain = Chain()
    command, key_id = chain.opening()
    await append(app, command)
    return chain, Section(key_id)


def changed(**changes: Any) -> Damage:
    """The event's core line says something else than its row."""

    def damage(command: Append) -> Append:
        chain = Chain(command.stream_id, command.expected, _previous[command.stream_id])
        section = Section(command.events[0].blobs[0].key_id, blob=command.events[0].blobs[0].blob)
        return replace(command, events=(chain.event(section, **changes),))

    return damage


def rewritten(old: bytes, new: bytes) -> Damage:
    """The entry's bytes with one part exchanged."""

    def damage(command: Append) -> Append:
        [event] = command.events
        assert old in event.entry
        return replace(command, events=(replace(event, entry=event.entry.replace(old, new)),))

    return damage


def with_row(**changes: Any) -> Damage:
    """The row of the event says something else than its entry."""

    def damage(command: Append) -> Append:
        return replace(command, events=(replace(command.events[0], **changes),))

    return damage


def with_blob(**changes: Any) -> Damage:
    """The sealed section differs from what its seal says."""

    def damage(command: Append) -> Append:
        [event] = command.events
        blobs = (replace(event.blobs[0], **changes),)
        return replace(command, events=(replace(event, blobs=blobs),))

    return damage


_previous: dict[object, bytes] = {}

DAMAGES: dict[str, Damage] = {
    "another version": changed(n=7),
    "another stream": changed(s=str(uuid4())),
    "another type": changed(t="consent.given"),
    "another event id": changed(id=str(uuid4())),
    "another predecessor": changed(p=b64encode(bytes(32)).decode()),
    "no predecessor": changed(p=None),
    "another entry format": changed(v=2),
    "a key too many": changed(z=1),
    "a short time": changed(at="2026-01-01T00:00:00Z"),
    "a row of another type": with_row(type="consent.given"),
    "a row of another event": with_row(event_id=uuid4()),
    "a lost blob": with_row(blobs=()),
    "another blob": with_blob(blob=b"\x01" + os.urandom(60)),
    "a longer blob": with_blob(blob=b"\x01" + os.urandom(61)),
    "another class": with_blob(retention_class="accounts"),
    "another key": with_blob(key_id=uuid4()),
    "another separator": rewritten(b'"}]\n', b'"} ]\n'),
    "a third line": rewritten(b'"}]\n', b'"}]\n\n'),
    "no line end": rewritten(b'"}]\n', b'"}]'),
    "a commitment to an old key": rewritten(
        b'"}]\n', b'","kc":"' + b64encode(bytes(32)) + b'"}]\n'
    ),
    "too many bytes": rewritten(b'"registration.form"', b'"' + b"x" * 65_536 + b'"'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_an_entry_that_contradicts_its_row_is_never_written(
    app: Connection, door: str, damage: Damage
) -> None:
    """What is appended stays for good, so a defect of ours must not get in."""
    chain, section = await begun(app)
    assert chain.last is not None
    _previous[chain.stream_id] = chain.last
    before = await number_of_rows(app)
    good = chain.command(chain.event(section))

    with pytest.raises(asyncpg.DataError):
        await send(door, app, damage(good))

    assert await number_of_rows(app) == before
    assert (await send(door, app, good)).code.value == "appended"


async def test_a_predecessor_inside_the_command_is_checked_too(app: Connection) -> None:
    chain = Chain()
    first = chain.event()
    second = chain.event(p=None)

    with pytest.raises(asyncpg.DataError):
        await append(app, chain.command(first, second))


async def test_a_section_under_another_subjects_key_is_refused(app: Connection, door: str) -> None:
    _, foreign = await begun(app)
    chain, _ = await begun(app)

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(chain.event(foreign)))


async def test_a_section_of_another_class_than_its_key_is_refused(
    app: Connection, door: str
) -> None:
    chain, section = await begun(app)

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(chain.event(Section(section.key_id, "accounts"))))


async def test_a_section_under_an_unknown_key_is_refused(app: Connection, door: str) -> None:
    chain, _ = await begun(app)

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(chain.event(Section(uuid4()))))


async def test_a_key_that_no_seal_opens_is_refused(app: Connection, door: str) -> None:
    chain, section = await begun(app)

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(chain.event(section), keys=[new_key(uuid4())]))


async def test_a_new_key_without_its_commitment_is_refused(app: Connection, door: str) -> None:
    chain, key_id = Chain(), uuid4()

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(chain.event(Section(key_id)), keys=[new_key(key_id)]))


async def test_a_key_opened_twice_is_refused(app: Connection, door: str) -> None:
    chain, key_id = Chain(), uuid4()
    event = chain.event(Section(key_id, opens=True), Section(key_id, opens=True))

    with pytest.raises(asyncpg.DataError):
        await send(door, app, chain.command(event, keys=[new_key(key_id)]))


async def test_a_key_that_exists_is_not_made_again(app: Connection, door: str) -> None:
    chain, section = await begun(app)
    event = chain.event(Section(section.key_id, opens=True))

    with pytest.raises(asyncpg.UniqueViolationError):
        await send(door, app, chain.command(event, keys=[new_key(section.key_id)]))


async def test_a_bucket_has_one_active_key(app: Connection, door: str) -> None:
    chain, _ = await begun(app)
    second = uuid4()
    event = chain.event(Section(second, opens=True))

    with pytest.raises(asyncpg.UniqueViolationError):
        await send(door, app, chain.command(event, keys=[new_key(second)]))


@pytest.mark.parametrize("kind", ["erasure.executed", "retention.executed"])
async def test_erasure_is_not_appended(app: Connection, door: str, kind: str) -> None:
    chain = Chain()

    with pytest.raises(asyncpg.InvalidParameterValueError):
        await send(door, app, chain.command(chain.event(kind=kind)))


async def test_two_commands_of_one_stream_never_share_a_batch(app: Connection) -> None:
    chain = Chain()
    one = chain.simple()
    two = chain.simple()

    with pytest.raises(asyncpg.CardinalityViolationError):
        await append(app, one, two)


async def test_two_commands_of_one_request_never_share_a_batch(app: Connection) -> None:
    same = IdempotencyToken("client.tests", os.urandom(16), b"fingerprint")
    one, two = Chain(), Chain()

    with pytest.raises(asyncpg.UniqueViolationError):
        await append(
            app,
            one.command(one.event(), idempotency=same),
            two.command(two.event(), idempotency=same),
        )


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_a_snapshot_from_before_the_lock_is_refused(
    app: Connection, door: str, isolation: Any
) -> None:
    """Under these levels hundreds of positions were given twice in 600 appends (DESIGN 2.5)."""
    async with app.transaction(isolation=isolation):
        with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
            await send(door, app, Chain().simple())


async def test_a_batch_of_nothing_answers_nothing(app: Connection) -> None:
    assert await append(app) == []


@pytest.mark.parametrize("partition", [1, -1, None])
async def test_a_partition_without_a_lock_is_refused(
    app: Connection, partition: int | None
) -> None:
    command = Chain().simple()

    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.fetch(APPEND_SQL, partition, *arguments([command], [None])[1:])
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.fetch(APPEND_ONE_SQL, partition, *arguments_of_one(command)[1:])


SIGNATURE = """
    partition c_stream c_expected c_control c_group c_client c_key c_key_previous c_fingerprint
    c_fingerprint_previous e_command e_id e_type e_entry s_event s_section s_key s_class s_blob
    k_command k_id k_class k_generation k_epoch k_wrapped i_command i_kind i_token i_epoch i_release
    r_command r_purpose r_token
"""
ARGUMENTS = {name: index for index, name in enumerate(SIGNATURE.split())}


@pytest.mark.parametrize("wrong", [0, 3, None])
@pytest.mark.parametrize("name", ["e_command", "s_event", "k_command", "i_command", "r_command"])
async def test_an_index_out_of_range_raises(app: Connection, name: str, wrong: int | None) -> None:
    given = _full_arguments()
    given[ARGUMENTS[name]][-1] = wrong

    with pytest.raises(asyncpg.ArraySubscriptError):
        await app.fetch(APPEND_SQL, *given)


@pytest.mark.parametrize(
    "name", [name for name in ARGUMENTS if name[:2] in {"c_", "e_"} and name != "e_command"]
)
async def test_arrays_of_unequal_length_raise(app: Connection, name: str) -> None:
    given = _full_arguments()
    given[ARGUMENTS[name]].pop()

    with pytest.raises(asyncpg.PostgresError):
        await app.fetch(APPEND_SQL, *given)


@pytest.mark.parametrize("name", ["c_stream", "c_expected"])
async def test_a_command_says_its_stream_and_version(app: Connection, name: str) -> None:
    given = _full_arguments()
    given[ARGUMENTS[name]][0] = None

    with pytest.raises(asyncpg.PostgresError):
        await app.fetch(APPEND_SQL, *given)


async def test_a_negative_version_raises(app: Connection, door: str) -> None:
    chain = Chain(version=-1)

    with pytest.raises(asyncpg.PostgresError):
        await send(door, app, chain.simple())


async def test_events_stand_in_the_order_of_their_commands(app: Connection) -> None:
    given = _full_arguments()
    given[ARGUMENTS["e_command"]].reverse()

    with pytest.raises(asyncpg.ArraySubscriptError):
        await app.fetch(APPEND_SQL, *given)


async def test_a_poisoned_command_raises_alone_and_its_neighbours_pass(connect: Connect) -> None:
    """The caller sends a failed batch again one by one; what is good must then be good."""
    app = await connect("ledger_app")
    good, bad = Chain(), Chain()
    fine, poisoned = good.simple(), bad.command(bad.event(n=9))
    with pytest.raises(asyncpg.DataError):
        await append(app, fine, poisoned)

    with pytest.raises(asyncpg.DataError):
        await append_one(app, poisoned)
    outcome = await append_one(app, fine)

    assert outcome.code.value == "appended"


def _full_arguments() -> list[Any]:
    """Two commands that fill every array."""
    commands = []
    for _ in range(2):
        chain, key_id = Chain(), uuid4()
        commands.append(
            replace(
                chain.command(
                    chain.event(Section(key_id, opens=True)),
                    keys=[new_key(key_id)],
                    suppressions=[("newsletter", os.urandom(8))],
                ),
                identifiers=(claim(os.urandom(8)),),
            )
        )
    return list(arguments(commands, [None, None]))
