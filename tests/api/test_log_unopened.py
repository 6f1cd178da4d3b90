"""Before an integrator has run there is no log to show, and that is no fault."""

import pytest

from tests.serving import Api


@pytest.mark.parametrize(
    "path",
    [
        "/log/checkpoint",
        "/log/policy",
        "/log/tile/0/000",
        "/log/tile/entries/000",
        "/log/proof/inclusion?position=0",
        "/log/proof/consistency?from=0",
    ],
)
async def test_nothing_was_signed_so_far(api: Api, path: str) -> None:
    async with await api.client() as client:
        answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/checkpoint-missing"
