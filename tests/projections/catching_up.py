"""Short ways to bring projections to the head of the log, and to look at what they hold."""

from app.projections import PROJECTIONS
from app.projections.digest import digest
from app.projections.engine import prepare
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.projection import Projection
from tests.projections import oracle

KNOWN = tuple(one for one in PROJECTIONS if one.name in oracle.DIGESTS)
"""Those that the oracle knows too."""

SERVING = """
SELECT position FROM ledger.positions WHERE projection = $1 AND state = 'serving'
"""


async def catch_up(connection: Connection, projection: Projection, size_max: int = 256) -> None:
    """Projects until nothing is left."""
    await prepare(connection, projection)
    while await advance(connection, projection, size_max=size_max):
        pass


async def digests(connection: Connection) -> dict[str, str]:
    """Projection -> digest of what serves."""
    return {one.name: (await digest(connection, one)).sha256 for one in KNOWN}


async def catch_up_all(connection: Connection, size_max: int = 256) -> dict[str, str]:
    """Projects everything; projection -> digest."""
    for projection in KNOWN:
        await catch_up(connection, projection, size_max)
    return await digests(connection)


async def standing(connection: Connection, projection: Projection) -> int:
    """The position of what serves."""
    return int(await connection.fetchval(SERVING, projection.name))
