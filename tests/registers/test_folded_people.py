"""People of whom registers ask again and again: never behind, read once, no more than fit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.events.recorded import Recorded
from app.registers.people import LOOKED_AT_MAX, READ_AT_ONCE, People, looked_at
from app.registers.table import Question
from app.rights.as_of import AsOf
from app.service import Service
from app.store.event_store import EventStore
from tests.rights.people import CONTACT, post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Watched(EventStore):
    """A store that tells what it was asked for."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.pool, service.store.vault)
        self.asked: list[dict[UUID, int]] = []
        self.read: list[Recorded[Any]] = []

    async def read_after(self, known: Mapping[UUID, int]) -> list[Recorded[Any]]:
        """As ever."""
        self.asked.append(dict(known))
        self.read = await super().read_after(known)
        return self.read


async def somebody(caller: httpx.AsyncClient) -> str:
    """The path of a person who was not there before."""
    address = {"contact.email": f"{uuid4().hex}@stad.example"}
    return await register(caller, contact=CONTACT | address)


async def test_what_was_acknowledged_is_known_and_only_what_is_new_is_read(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await somebody(caller)
    known, store = UUID(person[-36:]), Watched(service)
    people = People(store)
    before = (await people.states([known]))[known]
    await people.states([known])
    again = len(store.read)
    await post(caller, f"{person}/relationships", {"kind": "member"})

    after = (await people.states([known, known]))[known]

    assert again == 0
    assert [one.version for one in store.read] == [before.version + 1]
    assert after == await service.ledger.state(known)
    assert after.version == before.version + 1


async def test_an_earlier_day_is_read_for_itself_and_a_stranger_is_nobody(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await somebody(caller)
    known, stranger = UUID(person[-36:]), uuid4()
    then = await service.store.head_position()
    await post(caller, f"{person}/relationships", {"kind": "member"})
    people = People(service.store)

    newest = await people.states([known, stranger])
    earlier = await people.states([known], AsOf(position=then, moment=None))

    assert earlier[known].version == newest[known].version - 1
    assert (await people.states([known])) == {known: newest[known]}
    assert newest[stranger].version == 0


async def test_no_more_are_kept_than_there_is_room_for(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Whoever was asked for last stays; the others are read from the first event on again."""
    first, second = [UUID((await somebody(caller))[-36:]) for _ in range(2)]
    store = Watched(service)
    people = People(store, kept_max=1)
    await people.states([first])
    states = await people.states([second])
    store.asked.clear()

    await people.states([second])
    await people.states([first])

    assert store.asked == [{second: states[second].version}, {first: 0}]


@pytest.mark.parametrize(
    ("candidates", "each", "limit", "filled_by"),
    [
        (0, 1, 10, None),
        (3, 1, 10, None),
        (3, 1, 3, None),
        (3, 1, 2, 2),
        (READ_AT_ONCE + 1, 1, READ_AT_ONCE, READ_AT_ONCE),
        (READ_AT_ONCE + 2, 1, READ_AT_ONCE + 1, READ_AT_ONCE + 1),
        (5, 2, 3, 2),
        (LOOKED_AT_MAX, 0, 10, LOOKED_AT_MAX),
        (LOOKED_AT_MAX - 1, 0, 10, None),
    ],
)
async def test_a_page_ends_with_whoever_fills_it_and_says_whether_there_is_more(
    service: Service, candidates: int, each: int, limit: int, filled_by: int | None
) -> None:
    """``filled_by``: behind the how many-th the next page begins; None where there is none."""
    some = sorted(uuid4() for _ in range(candidates))

    page = await looked_at(
        People(service.store),
        some,
        lambda one, _: [{"subject_id": one}] * each,
        question=Question(limit=limit),
        stands_at=7,
    )

    shown = candidates if filled_by is None else filled_by
    assert [row["subject_id"] for row in page.rows] == [
        one for one in some[:shown] for _ in range(each)
    ]
    assert page.following == (None if filled_by is None else str(some[filled_by - 1]))
    assert page.stands_at == 7
