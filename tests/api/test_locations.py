"""Whatever is made and has an address of its own is answered with it (RFC 9110, 15.3.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.rights.people import CONTACT

READING = {"purpose": "rights_requests"}


def _breach() -> dict[str, Any]:
    known = datetime.now(UTC) - timedelta(seconds=1)
    return {
        "nature": ["confidentiality"],
        "recipient": "azavista",
        "from": "2020-01-01T00:00:00Z",
        "aware_at": known.isoformat(),
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/subjects",
            {
                "source": "registration_form",
                "obtained": [{"purpose": "event_logistics", "data": CONTACT}],
            },
        ),
        ("/v1/rights-requests", {"right": "access", "channel": "post"}),
        ("/v1/breaches", _breach()),
    ],
)
async def test_what_was_made_is_read_where_the_answer_says(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    """A request that is repeated names the one of its first execution."""
    key = {"idempotency-key": str(uuid4())}

    made = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    read = await client.get(made.headers["location"], headers=READING)

    assert made.status_code == 201, made.text
    assert made.headers["location"].startswith(f"{path}/")
    assert again.headers["location"] == made.headers["location"]
    assert read.status_code == 200, read.text
