"""Ranges of people by id, so that a question about everybody is asked of a part of them at a time.

Ids are random: their first byte cuts people into 256 ranges of one size.
"""

from collections.abc import Iterable, Iterator, Sized
from itertools import groupby
from typing import Final
from uuid import UUID

RANGES: Final = 256


def people_of(first: int, last: int) -> tuple[UUID, UUID]:
    """The least and the greatest id of some ranges that follow each other."""
    return UUID(int=first << 120), UUID(int=((last + 1) << 120) - 1)


def runs_of(numbers: Iterable[int], size_max: int) -> Iterator[tuple[int, int]]:
    """First and last of ranges that follow each other, so many at the most."""
    for _, group in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        found = [one for _, one in group]
        for start in range(0, len(found), size_max):
            run = found[start : start + size_max]
            yield run[0], run[-1]


def spans_after(after: UUID, *, wanted: int, found: Sized) -> Iterator[tuple[UUID, UUID]]:
    """Spans of ids behind one, until ``found`` has as many as are wanted, or all was looked at.

    The first is short and mostly enough; the next as long as the first lets expect, twice over.
    """
    first, size = after.int + 1, 1 << 120
    while first < 1 << 128 and len(found) < wanted:
        before = len(found)
        end = min(first + size, 1 << 128)
        yield UUID(int=first), UUID(int=end - 1)
        met = len(found) - before
        size = 2 * (wanted // met) * size if met else 1 << 128
        first = end
