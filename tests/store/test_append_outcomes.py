"""What becomes of a command: every outcome of both append functions, by hand-made cases."""

import os
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.store.append import Append, IdempotencyToken, Outcome, OutcomeCode
from tests.conftest import Database
from tests.store.chains import EPOCH, Chain, Section, claim, new_key, release
from tests.store.conftest import Connect
from tests.store.doors import Connection, append, send

TABLES = ("events", "sealed", "keyring", "identifiers", "suppressions", "idempotency")


async def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        name: await connection.fetchval(f"SELECT count(*) FROM ledger.{name}") for name in TABLES
    }


def token(key: bytes | None = None, **changes: bytes) -> IdempotencyToken:
    return IdempotencyToken(
        "client.tests", key or os.urandom(16), changes.pop("fingerprint", b"same"), **changes
    )


async def begun(app: Connection) -> tuple[Chain, Section]:
    """A stream of one event, and a section under its key for the next."""
    chain = Chain()
    command, key_id = chain.opening()
    [outcome] = await append(app, command)
    assert outcome.code is OutcomeCode.APPENDED
    return chain, Section(key_id)


async def control_chain(app: Connection) -> Chain:
    """The control stream as it stands."""
    row = await app.fetchrow(
        "SELECT control_stream, coalesce(version, 0), entry FROM ledger.ledger_identity"
        " LEFT JOIN ledger.events ON stream_id = control_stream ORDER BY version DESC LIMIT 1"
    )
    assert row is not None
    return Chain(*row)


async def holders(app: Connection, one: bytes) -> list[UUID]:
    """Whose the token is."""
    rows = await app.fetch("SELECT subject_id FROM ledger.identifiers WHERE token = $1", one)
    return [row["subject_id"] for row in rows]


async def head(app: Connection) -> int:
    """The next position."""
    return int(await app.fetchval("SELECT count(*) FROM ledger.events"))


async def test_what_a_command_brings_is_stored_as_it_came(app: Connection, door: str) -> None:
    chain = Chain()
    command, key_id = chain.opening()
    position = await head(app)

    outcome = await send(door, app, command)

    assert outcome == Outcome(OutcomeCode.APPENDED, chain.stream_id, 1, 1, position)
    [event] = await app.fetch("SELECT * FROM ledger.events WHERE position = $1", position)
    [blob] = await app.fetch("SELECT * FROM ledger.sealed WHERE key_id = $1", key_id)
    [key] = await app.fetch("SELECT * FROM ledger.keyring WHERE key_id = $1", key_id)
    assert event["entry"] == command.events[0].entry
    assert event["event_id"] == command.events[0].event_id
    assert (event["partition"], event["type"]) == (0, "data.collected")
    assert (blob["stream_id"], blob["version"], blob["section"]) == (chain.stream_id, 1, 0)
    assert blob["blob"] == command.events[0].blobs[0].blob
    assert (key["subject_id"], key["state"], key["epoch"]) == (chain.stream_id, "active", EPOCH)


async def test_positions_count_from_0_and_follow_each_other_without_a_gap(
    database: Database, door: str
) -> None:
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    chain = Chain()

    outcomes = [await send(door, connection, chain.simple()) for _ in range(4)]

    assert [outcome.first_position for outcome in outcomes] == [0, 1, 2, 3]
    assert [outcome.first_version for outcome in outcomes] == [1, 2, 3, 4]
    await connection.close()


async def test_events_of_one_command_stand_together_in_their_order(app: Connection) -> None:
    first, second = Chain(), Chain()
    one = first.command(first.event(), first.event(), first.event())
    two = second.command(second.event(), second.event())
    position = await head(app)

    outcomes = await append(app, one, two)

    assert [(o.first_version, o.last_version, o.first_position) for o in outcomes] == [
        (1, 3, position),
        (1, 2, position + 3),
    ]
    rows = await app.fetch(
        "SELECT stream_id, version FROM ledger.events WHERE position >= $1 ORDER BY position",
        position,
    )
    assert [(row["stream_id"], row["version"]) for row in rows] == [
        *((first.stream_id, version) for version in (1, 2, 3)),
        *((second.stream_id, version) for version in (1, 2)),
    ]


@pytest.mark.parametrize("expected", [0, 2], ids=["behind", "ahead"])
async def test_a_command_decided_at_another_version_loses(
    app: Connection, door: str, expected: int
) -> None:
    chain, _ = await begun(app)
    before = await counts(app)
    wrong = Chain(chain.stream_id, version=expected, last=chain.last if expected else None)

    outcome = await send(door, app, wrong.simple())

    assert outcome.code is OutcomeCode.VERSION_CONFLICT
    assert outcome.first_position is None
    assert await counts(app) == before


async def test_a_command_without_events_still_proves_its_version(app: Connection) -> None:
    """A "nothing to do" decided on a stale cache is caught (DESIGN 2.2)."""
    chain, _ = await begun(app)

    [right] = await append(app, chain.command())
    [wrong] = await append(app, chain.command(expected=0))

    assert (right.code, right.first_version, right.first_position) == (
        OutcomeCode.APPENDED,
        None,
        None,
    )
    assert wrong.code is OutcomeCode.VERSION_CONFLICT


async def test_a_command_without_events_is_replayed_as_such(app: Connection) -> None:
    chain, _ = await begun(app)
    same = token()
    await append(app, chain.command(idempotency=same))

    [again] = await append(app, chain.command(idempotency=same))

    assert (again.code, again.stream_id) == (OutcomeCode.REPLAYED, chain.stream_id)
    assert again.first_version is None


async def test_a_command_decided_under_an_older_control_version_loses(
    app: Connection, door: str
) -> None:
    control = await control_chain(app)
    stale = control.version
    await append(app, control.command(control.event(kind="policy.published")))
    before = await counts(app)

    lost = await send(door, app, Chain().simple(control=stale))
    assert await counts(app) == before
    won = await send(door, app, Chain().simple(control=stale + 1))

    assert lost.code is OutcomeCode.STALE_CONTROL
    assert won.code is OutcomeCode.APPENDED


async def test_what_was_not_decided_under_control_does_not_mind(app: Connection, door: str) -> None:
    control = await control_chain(app)
    await append(app, control.command(control.event(kind="policy.published")))

    outcome = await send(door, app, Chain().simple(control=None))

    assert outcome.code is OutcomeCode.APPENDED


async def test_a_control_command_makes_later_ones_of_its_batch_stale(app: Connection) -> None:
    control = await control_chain(app)
    version = control.version

    outcomes = await append(
        app,
        Chain().simple(control=version),
        control.simple(control=version),
        Chain().simple(control=version),
        Chain().simple(control=None),
    )

    assert [outcome.code.value for outcome in outcomes] == [
        "appended",
        "appended",
        "stale-control",
        "appended",
    ]


async def test_a_repeated_request_gets_the_first_answer(app: Connection, door: str) -> None:
    """Idempotency is looked up before the version: the retry was decided at a newer one."""
    chain, section = await begun(app)
    same = token()
    first = await send(door, app, chain.command(chain.event(section), idempotency=same))
    before = await counts(app)

    again = await send(door, app, chain.command(chain.event(section), idempotency=same))

    assert again.code is OutcomeCode.REPLAYED
    assert (again.stream_id, again.first_version, again.last_version, again.first_position) == (
        first.stream_id,
        first.first_version,
        first.last_version,
        first.first_position,
    )
    assert await counts(app) == before


async def test_a_repeated_registration_finds_the_first_person(app: Connection, door: str) -> None:
    same = token()
    first, second = Chain(), Chain()
    await send(door, app, first.command(first.event(), idempotency=same))

    again = await send(door, app, second.command(second.event(), idempotency=same))

    assert (again.code, again.stream_id) == (OutcomeCode.REPLAYED, first.stream_id)


async def test_a_request_of_the_previous_period_is_known_again(app: Connection, door: str) -> None:
    chain = Chain()
    await send(door, app, chain.command(chain.event(), idempotency=token(b"old" * 8)))
    renewed = token(key_previous=b"old" * 8, fingerprint=b"new hmac", fingerprint_previous=b"same")

    again = await send(door, app, chain.command(chain.event(), idempotency=renewed))

    assert (again.code, again.first_version) == (OutcomeCode.REPLAYED, 1)


@pytest.mark.parametrize("previous", [False, True], ids=["this period", "previous period"])
async def test_a_key_used_for_another_request_is_refused(
    app: Connection, door: str, previous: bool
) -> None:
    chain, _ = await begun(app)
    used = os.urandom(16)
    await send(door, app, chain.command(chain.event(), idempotency=token(used)))
    other = (
        token(key_previous=used, fingerprint_previous=b"other")
        if previous
        else token(used, fingerprint=b"other")
    )

    outcome = await send(door, app, chain.command(chain.event(), idempotency=other))

    assert outcome.code is OutcomeCode.KEY_REUSED
    assert (outcome.first_version, outcome.first_position) == (None, None)


async def test_of_two_answers_that_of_this_period_counts(app: Connection, door: str) -> None:
    """Two processes whose clocks differ at the change of a period can each store one."""
    old, new, chain = os.urandom(16), os.urandom(16), Chain()
    await send(door, app, chain.command(chain.event(), idempotency=token(old)))
    await send(door, app, chain.command(chain.event(), idempotency=token(new)))
    both = token(new, key_previous=old, fingerprint_previous=b"same")

    again = await send(door, app, chain.command(chain.event(), idempotency=both))

    assert (again.code, again.first_version) == (OutcomeCode.REPLAYED, 2)


async def test_a_loser_does_not_use_its_idempotency_key_up(app: Connection, door: str) -> None:
    chain, _ = await begun(app)
    same = token()
    lost = await send(
        door,
        app,
        Chain(chain.stream_id).command(
            Chain(chain.stream_id).event(), expected=0, idempotency=same
        ),
    )

    won = await send(door, app, chain.command(chain.event(), idempotency=same))

    assert (lost.code, won.code) == (OutcomeCode.VERSION_CONFLICT, OutcomeCode.APPENDED)


@pytest.mark.parametrize("seconds", [-6, 6])
async def test_a_clock_that_is_five_seconds_off_is_refused(
    app: Connection, door: str, seconds: int
) -> None:
    chain = Chain().back(timedelta(seconds=seconds))

    outcome = await send(door, app, chain.simple())

    assert outcome.code is OutcomeCode.STALE_CLOCK


@pytest.mark.parametrize("seconds", [-3, 3])
async def test_a_clock_within_five_seconds_is_good_enough(
    app: Connection, door: str, seconds: int
) -> None:
    outcome = await send(door, app, Chain().back(timedelta(seconds=seconds)).simple())

    assert outcome.code is OutcomeCode.APPENDED


async def test_time_never_runs_backwards_in_a_stream(app: Connection, door: str) -> None:
    chain = Chain().back(timedelta(seconds=2))
    await send(door, app, chain.simple())

    outcome = await send(door, app, chain.back(timedelta(seconds=1)).simple())

    assert outcome.code is OutcomeCode.STALE_CLOCK


async def test_nor_between_two_events_of_one_command(app: Connection) -> None:
    chain = Chain().back(timedelta(seconds=2))
    first = chain.event()
    second = chain.back(timedelta(seconds=1)).event()

    [outcome] = await append(app, chain.command(first, second))

    assert outcome.code is OutcomeCode.STALE_CLOCK


@pytest.mark.parametrize("state", ["draining", "destroying", "destroyed", None])
async def test_a_key_under_an_epoch_that_is_leaving_is_refused(
    connect: Connect, app: Connection, door: str, state: str | None
) -> None:
    owner = await connect("ledger_migrator")
    if state:
        wrapped = None if state == "destroyed" else b"\x00"
        await owner.execute("INSERT INTO ledger.key_epoch VALUES (2, $1, $2)", wrapped, state)
    before = await counts(app)
    chain, key_id = Chain(), uuid4()
    event = chain.event(Section(key_id, opens=True))

    outcome = await send(door, app, chain.command(event, keys=[new_key(key_id, epoch=2)]))

    assert outcome.code is OutcomeCode.STALE_EPOCH
    assert await counts(app) == before
    if state:
        await owner.execute("DELETE FROM ledger.key_epoch WHERE epoch = 2")


@pytest.mark.parametrize("releases", [False, True])
async def test_a_token_of_an_epoch_that_is_leaving_is_refused(
    app: Connection, releases: bool
) -> None:
    one = claim(b"token", epoch=7)
    if releases:
        one = type(one)("email", b"token", 7, release=True)

    [outcome] = await append(app, Chain().command(identifiers=[one]))

    assert outcome.code is OutcomeCode.STALE_EPOCH


async def test_a_second_key_and_a_second_section_under_it(app: Connection, door: str) -> None:
    chain, section = await begun(app)
    fresh = uuid4()
    event = chain.event(
        section,
        Section(fresh, "participation", opens=True),
        Section(fresh, "participation"),
    )

    outcome = await send(door, app, chain.command(event, keys=[new_key(fresh, "participation")]))

    assert outcome.code is OutcomeCode.APPENDED
    rows = await app.fetch(
        "SELECT section FROM ledger.sealed WHERE stream_id = $1 AND version = 2 ORDER BY section",
        chain.stream_id,
    )
    assert [row["section"] for row in rows] == [0, 1, 2]


async def test_an_identifier_belongs_to_its_first_subject(app: Connection) -> None:
    one = os.urandom(16)
    first, second = Chain(), Chain()
    await append(app, first.command(first.event(), identifiers=[claim(one)]))
    before = await counts(app)

    [outcome] = await append(app, second.command(second.event(), identifiers=[claim(one)]))

    assert outcome.code is OutcomeCode.IDENTIFIER_TAKEN
    assert await counts(app) == before


async def test_two_kinds_of_identifier_do_not_collide(app: Connection) -> None:
    one = os.urandom(16)
    first, second = Chain(), Chain()

    outcomes = await append(
        app,
        first.command(identifiers=[claim(one)]),
        second.command(identifiers=[claim(one, kind="phone")]),
    )

    assert {outcome.code for outcome in outcomes} == {OutcomeCode.APPENDED}


async def test_a_subject_may_claim_its_own_again(app: Connection) -> None:
    one = os.urandom(16)
    chain = Chain()
    await append(app, chain.command(chain.event(), identifiers=[claim(one)]))

    [outcome] = await append(app, chain.command(chain.event(), identifiers=[claim(one)]))

    assert outcome.code is OutcomeCode.APPENDED
    assert await holders(app, one) == [chain.stream_id]


async def test_the_second_claim_of_a_token_in_one_batch_loses(app: Connection) -> None:
    one = os.urandom(16)
    chains = [Chain() for _ in range(3)]

    outcomes = await append(
        app, *(chain.command(chain.event(), identifiers=[claim(one)]) for chain in chains)
    )

    assert [outcome.code.value for outcome in outcomes] == [
        "appended",
        "identifier-taken",
        "identifier-taken",
    ]
    assert await holders(app, one) == [chains[0].stream_id]


async def test_who_loses_otherwise_takes_no_token_from_the_next(app: Connection) -> None:
    one = os.urandom(16)
    chain, _ = await begun(app)
    other = Chain()
    stale = Chain(chain.stream_id)

    outcomes = await append(
        app,
        stale.command(stale.event(), identifiers=[claim(one)]),
        other.command(other.event(), identifiers=[claim(one)]),
    )

    assert [outcome.code.value for outcome in outcomes] == ["version-conflict", "appended"]


async def test_a_released_token_is_free(app: Connection) -> None:
    one, two = os.urandom(16), os.urandom(16)
    first, second = Chain(), Chain()
    await append(app, first.command(first.event(), identifiers=[claim(one), claim(two)]))
    await append(app, first.command(first.event(), identifiers=[release(one)]))

    [outcome] = await append(app, second.command(second.event(), identifiers=[claim(one)]))

    assert outcome.code is OutcomeCode.APPENDED
    assert await holders(app, one) == [second.stream_id]
    assert await holders(app, two) == [first.stream_id]


async def test_nobody_releases_another_subjects_token(app: Connection) -> None:
    one = os.urandom(16)
    first, second = Chain(), Chain()
    await append(app, first.command(first.event(), identifiers=[claim(one)]))

    [outcome] = await append(app, second.command(second.event(), identifiers=[release(one)]))

    assert outcome.code is OutcomeCode.APPENDED
    assert await holders(app, one) == [first.stream_id]


async def test_a_release_and_a_claim_of_one_command_leave_the_claim(app: Connection) -> None:
    one = os.urandom(16)
    chain = Chain()
    await append(app, chain.command(chain.event(), identifiers=[claim(one)]))

    await append(app, chain.command(chain.event(), identifiers=[release(one), claim(one)]))

    assert await holders(app, one) == [chain.stream_id]


async def test_a_suppression_twice_is_one(app: Connection) -> None:
    chain, one = Chain(), os.urandom(16)

    for _ in range(2):
        [outcome] = await append(
            app, chain.command(chain.event(), suppressions=[("newsletter", one)])
        )
        assert outcome.code is OutcomeCode.APPENDED

    rows = await app.fetch("SELECT purpose FROM ledger.suppressions WHERE token = $1", one)
    assert [row["purpose"] for row in rows] == ["newsletter"]


def laden(chain: Chain, **changes: int) -> Append:
    """A command that writes to every table."""
    key_id = uuid4()
    return chain.command(
        chain.event(Section(key_id, opens=True)),
        keys=[new_key(key_id)],
        identifiers=[claim(os.urandom(8))],
        suppressions=[("newsletter", os.urandom(8))],
        idempotency=token(),
        **changes,
    )


async def test_a_group_wins_as_one(app: Connection) -> None:
    before = await counts(app)

    outcomes = await append(
        app, laden(Chain()), laden(Chain()), laden(Chain()), groups=[1, 1, None]
    )

    assert {outcome.code for outcome in outcomes} == {OutcomeCode.APPENDED}
    assert await counts(app) == {name: count + 3 for name, count in before.items()}


async def test_a_group_loses_as_one_and_leaves_nothing(app: Connection) -> None:
    """No position, key, token, suppression or idempotency row of a loser stays behind."""
    before = await counts(app)

    outcomes = await append(
        app,
        laden(Chain()),
        laden(Chain()),
        laden(Chain(), expected=4),
        laden(Chain()),
        groups=[1, 2, 2, None],
    )

    assert [outcome.code.value for outcome in outcomes] == [
        "appended",
        "group-refused",
        "version-conflict",
        "appended",
    ]
    position = before["events"]
    assert [outcome.first_position for outcome in outcomes] == [position, None, None, position + 1]
    assert await counts(app) == {name: count + 2 for name, count in before.items()}


async def test_a_group_loses_with_a_taken_identifier_too(app: Connection) -> None:
    held, one, two, mark = Chain(), Chain(), Chain(), os.urandom(16)
    await append(app, held.command(held.event(), identifiers=[claim(mark)]))

    outcomes = await append(
        app,
        one.command(one.event()),
        two.command(two.event(), identifiers=[claim(mark)]),
        groups=[1, 1],
    )

    assert [o.code.value for o in outcomes] == ["group-refused", "identifier-taken"]


async def test_a_replayed_member_refuses_its_group(app: Connection) -> None:
    same, first = token(), Chain()
    await append(app, first.command(first.event(), idempotency=same))
    again, other = Chain(), Chain()

    outcomes = await append(
        app,
        again.command(again.event(), idempotency=same),
        other.command(other.event()),
        groups=[1, 1],
    )

    assert [o.code.value for o in outcomes] == ["replayed", "group-refused"]
