"""Proves that what serves equals a rebuild: the digests of two builds at one position."""

from dataclasses import dataclass

from app.projections.cut_over import KEPT_SQL, discard
from app.projections.digest import Digest, digest_of, serving_build
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.parking import Build
from app.projections.projection import Projection
from app.projections.rebuild import Progress, load
from app.store.connection import connect

PAGE_SIZE = 2000

POSITION_SQL = """
SELECT position FROM ledger.positions WHERE projection = $1 AND version = $2 AND build = $3
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What serves, beside another build at the same position."""

    serving: Digest
    other: Digest
    with_kept: bool
    """Whether the other is the build that served before; else it was built for this."""

    @property
    def differing(self) -> tuple[int, ...]:
        """The slices in which the two differ: none, when the rebuild equals what serves."""
        return self.serving.differing(self.other)


class NothingServes(Exception):
    """The projection never ran here."""


async def compare(
    url: str, projection: Projection, *, workers: int = 1, progress: Progress | None = None
) -> Comparison:
    """Compares what serves with the build kept from before, or with one that is made for it."""
    connection = await connect(url, application="pdledger-compare")
    try:
        serving = await serving_build(connection, projection)
        if serving is None:
            raise NothingServes(projection.name)
        kept = await connection.fetchval(KEPT_SQL, projection.name, projection.version)
        if kept is not None:
            return await _compare(connection, serving, Build(projection, kept), with_kept=True)
        [run] = await load(url, [projection], workers=workers, progress=progress)
        [other] = [one for one in run.builds if one.projection is projection]
        try:
            return await _compare(connection, serving, other, with_kept=False)
        finally:
            await discard(connection, other)
    finally:
        await connection.close()


async def _compare(
    connection: Connection, serving: Build, other: Build, *, with_kept: bool
) -> Comparison:
    await _reach(connection, serving, await _position(connection, other))
    ours = await digest_of(connection, serving)
    await _reach(connection, other, ours.position)
    return Comparison(ours, await digest_of(connection, other), with_kept)


async def _reach(connection: Connection, build: Build, position: int) -> None:
    """Brings a build exactly to a position; what serves may be further already."""
    while (missing := position - await _position(connection, build)) > 0:
        await advance(
            connection, build.projection, size_max=min(missing, PAGE_SIZE), build=build.number
        )


async def _position(connection: Connection, build: Build) -> int:
    return int(await connection.fetchval(POSITION_SQL, *build.key))
