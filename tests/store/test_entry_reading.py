"""Entries are read many at once as they read alone, whatever stands beside them."""

from itertools import pairwise
from random import Random
from uuid import uuid4

import pytest

from app.store.entry_reading import Reading, read_entries
from app.store.integrity import FIRST_STREAM, LAST_STREAM, StreamRange
from app.store.log_verification import shared_out
from tests.store.chains import Chain, Section

FLIPS = 300


def entries() -> list[bytes]:
    """Of one person: without seals, and with one and two."""
    person, key = Chain(), uuid4()
    events = [person.event(Section(key, opens=True)), person.event(), person.event(Section(key))]
    return [event.entry for event in events]


def alone(given: list[bytes]) -> list[Reading | None]:
    return [reading for entry in given for reading in read_entries([entry])]


def test_what_is_in_order_reads_the_same_beside_others() -> None:
    given = entries()

    found = read_entries(given)

    assert list(found) == alone(given)
    assert all(reading is not None and reading[2] for reading in found)


def test_a_flipped_bit_is_found_beside_others_as_it_is_alone() -> None:
    random, given = Random(7), entries()
    for _ in range(FLIPS):
        changed = list(given)
        which = random.randrange(len(changed))
        entry = bytearray(changed[which])
        entry[random.randrange(len(entry))] ^= 1 << random.randrange(8)
        changed[which] = bytes(entry)

        assert list(read_entries(changed)) == alone(changed)


@pytest.mark.parametrize("at", [1, -1, -3])
def test_lines_that_go_on_in_the_next_entry_are_malformed(at: int) -> None:
    """Joined they have the same bytes as before."""
    first, second, third = entries()

    found = read_entries([first + second[:at], second[at:], third])

    assert (found[0], found[1]) == (None, None)


def test_a_line_given_to_the_neighbour_is_malformed() -> None:
    first, second, third = entries()
    core, seals, _ = second.split(b"\n")

    found = read_entries([first + core + b"\n", seals + b"\n", third])

    assert (found[0], found[1]) == (None, None)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 64])
def test_the_ranges_of_all_processes_are_all_streams(workers: int) -> None:
    mine, others = shared_out(StreamRange(since=9), workers)

    ranges = [*([] if mine is None else [mine]), *others]

    assert (ranges[0].first, ranges[-1].last) == (FIRST_STREAM, LAST_STREAM)
    assert all(two.first.int == one.last.int + 1 for one, two in pairwise(ranges))
    assert {one.since for one in ranges} == {9}
    assert len(others) == workers - 1
