"""A register whose answer takes too long says so, and what to do about it (A24)."""

from pathlib import Path

import asyncpg

from app.projections import PROJECTIONS
from app.projections.consents import consents
from app.projections.engine import prepare
from app.projections.profile_tables import held
from app.projections.sharing_register import register
from app.service import Service
from app.settings import Settings
from app.store.connection import connect
from tests.conftest import Database
from tests.days import today_in_brussels
from tests.serving import Api, serving

TODAY = today_in_brussels()
PATHS = (
    f"/v1/transfers/impact?on={TODAY}",
    "/v1/findings",
    "/v1/processing-records",
    "/v1/consents",
    "/v1/disclosures",
)


async def _standing(service: Service, database: Database) -> None:
    """Every projection has its tables."""
    connection = await connect(database.dsn("ledger_projector"))
    try:
        for projection in PROJECTIONS:
            await prepare(connection, projection)
    finally:
        await connection.close()
    assert await service.pool.fetchval("SELECT count(*) FROM ledger.positions")


async def test_an_answer_that_is_cut_short_is_a_problem_with_advice(
    database: Database, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(database.dsn("postgres"))
    limit = f"ALTER ROLE ledger_app IN DATABASE {database.name} SET statement_timeout = '1s'"
    await owner.execute(limit)
    async with (
        serving(database, tmp_path) as service,
        await Api(service, Settings(home=tmp_path)).client() as client,
    ):
        await _standing(service, database)
        client.headers["purpose"] = "rights_requests"
        async with owner.transaction():
            for table in (held, register, consents):
                await owner.execute(f"LOCK TABLE {table.fullname} IN ACCESS EXCLUSIVE MODE")
            slow = {path: await client.get(path) for path in PATHS}
        after = {path: (await client.get(path)).status_code for path in PATHS}
    await owner.close()

    for path, answer in slow.items():
        told = (answer.status_code, answer.json()["type"], answer.headers["retry-after"])
        assert told == (503, "/problems/answer-too-slow", "10"), path
        assert "filters" in answer.json()["detail"]
    assert set(after.values()) == {200}
