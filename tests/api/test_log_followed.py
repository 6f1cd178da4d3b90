"""A serving process signs what it appends, by a process of its own beside it."""

from pathlib import Path

import pytest

from app.main import working
from app.service import Service
from app.settings import Settings
from tests.conftest import Database
from tests.projections.waiting import until
from tests.rights.people import register
from tests.serving import Api, logins
from tests.tlog import reference


@pytest.mark.clause("L9")
async def test_what_is_appended_is_signed_without_anybody_asking(
    api: Api, service: Service, database: Database, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, public_url="https://ledger.example/", log_level="error")
    keys_before = {one.name for one in (tmp_path / "keys").iterdir()}
    async with await api.client() as client:
        await register(client, verification=None)
        async with working(settings, logins(database), service):
            head = 1 + await service.store.head_position()

            async def signed() -> bool:
                found = await client.get("/log/proof/consistency", params={"from": 1, "to": head})
                return found.status_code == 200

            await until(signed, within_s=60)
        checkpoint = await client.get("/log/checkpoint")
        policy = (await client.get("/log/policy")).text
        [vkey] = [line.split()[1] for line in policy.splitlines() if line.startswith("log ")]
        proof = await client.get("/log/proof/inclusion", params={"position": head - 1})
        entry = await service.pool.fetchval(
            "SELECT entry FROM ledger.events ORDER BY position DESC LIMIT 1"
        )

    origin, size, _ = reference.open_checkpoint(checkpoint.content, vkey)
    assert (origin, size) == ("ledger.example/log", head)
    assert reference.open_proof(proof.content, vkey, entry) == (head - 1, head)
    assert "checkpoint.key" not in keys_before, "the service itself never makes or opens it"
    assert (tmp_path / "keys" / "checkpoint.key").is_file()
