"""One page into one build: its rows, the new position and who is parked, in one commit."""

from uuid import UUID

from app.projections.pages import Connection, Page, read_page
from app.projections.parking import (
    POISON,
    Build,
    Poison,
    fold_one_by_one,
    park,
    parked_among,
)
from app.projections.projection import LogLine, Projection, Writes
from app.projections.statements import as_json, batches

# The rows of a page are looked up one by one in tables of any size. A plan made while a table was
# empty, and kept, would read all of it for each.
PLAN_SQL = """
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL jit = off
"""
CLAIM_SQL = """
SELECT p.build, p.position,
       EXISTS (SELECT FROM ledger.parked_subjects s WHERE s.projection = p.projection
                  AND s.version = p.version AND s.build = p.build) AS parking
  FROM ledger.positions p
 WHERE p.projection = $1 AND p.version = $2
   AND CASE WHEN $3::int IS NULL THEN p.state = 'serving' ELSE p.build = $3 END
   FOR UPDATE OF p SKIP LOCKED
"""
MOVE_SQL = """
UPDATE ledger.positions SET position = $5, updated_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND build = $3 AND position = $4
"""


class PositionMoved(Exception):
    """The build stands elsewhere than this engine thought; nothing was written here.

    Another engine was faster, or another build serves now.
    """


async def advance(
    connection: Connection,
    projection: Projection,
    *,
    size_max: int,
    build: int | None = None,
) -> int:
    """Projects at most one page into what serves, or into ``build``; answers how many events.

    0: there was none, or another engine is at it, or there is no such build.
    """
    async with connection.transaction():
        row = await connection.fetchrow(CLAIM_SQL, projection.name, projection.version, build)
        if row is None:
            return 0
        page = await read_page(connection, [projection], row["position"], size_max=size_max)
    return await project(connection, projection, page, build=build)


async def project(
    connection: Connection, projection: Projection, page: Page, *, build: int | None = None
) -> int:
    """Projects a page that was read already, unless another engine is at it: then 0.

    PositionMoved when the build does not stand where the page begins.
    """
    if not page.lines:
        return 0
    try:
        return await _project(connection, projection, page, build, careful=False)
    except (Suspicious, *POISON):
        return await _project(connection, projection, page, build, careful=True)


class Suspicious(Exception):
    """A page's rows could not be made: its events are to be looked at one by one."""


async def _project(
    connection: Connection,
    projection: Projection,
    page: Page,
    build: int | None,
    *,
    careful: bool,
) -> int:
    async with connection.transaction():
        await connection.execute(PLAN_SQL)
        row = await connection.fetchrow(CLAIM_SQL, projection.name, projection.version, build)
        if row is None:
            return 0
        claimed = Build(projection, row["build"])
        if row["position"] != page.after:
            raise PositionMoved(f"{projection.name} is no longer at position {page.after}")
        await move(connection, claimed, page.after, page.last)
        parked = frozenset[UUID]()
        if row["parking"]:
            parked = await parked_among(connection, claimed, page.lines)
        fold = fold_one_by_one if careful else fold_together
        await park(connection, claimed, await fold(connection, claimed, page.lines, parked))
    return len(page.lines)


async def move(connection: Connection, build: Build, after: int, to: int) -> None:
    """Compare-and-set of the position, in the transaction that the caller has open."""
    if await connection.execute(MOVE_SQL, *build.key, after, to) != "UPDATE 1":
        raise PositionMoved(f"{build.projection.name} is no longer at position {after}")


async def fold_together(
    connection: Connection, build: Build, lines: tuple[LogLine, ...], parked: frozenset[UUID]
) -> list[Poison]:
    """Everybody's rows at once; who cannot be folded is answered, with what came before written."""
    poison: dict[UUID, Poison] = {}
    folded: list[LogLine] = []
    writes: list[Writes] = []
    for line in lines:
        if line.stream_id in parked or line.stream_id in poison:
            continue
        try:
            writes.append(build.projection.fold(line))
        except Exception as fault:  # noqa: BLE001  # the fault is recorded, the person parked
            poison[line.stream_id] = Poison(line, type(fault).__name__)
        else:
            folded.append(line)
    try:
        after = build.projection.fold_page(tuple(folded))
    except Exception as fault:
        raise Suspicious from fault
    for statement, rows in batches([*writes, *((write,) for write in after)]):
        await connection.execute(statement.sql_of(build.number), as_json(statement, rows))
    return list(poison.values())
