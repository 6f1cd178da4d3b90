"""Ranges of people by id, so that a question about everybody is asked of a part of them at a time.

Ids are random: their first byte cuts people into 256 ranges of one size.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final
from uuid import UUID

RANGES: Final = 256
EVERYBODY: Final = (UUID(int=0), UUID(int=2**128 - 1))


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


def spans_after(after: UUID) -> Iterator[tuple[UUID, UUID]]:
    """Spans of ids behind one, each twice as long as the one before: for a page, most need one."""
    first, size = after.int + 1, 1 << 120
    while first < 1 << 128:
        end = min(first + size, 1 << 128)
        yield UUID(int=first), UUID(int=end - 1)
        first, size = end, 2 * size
