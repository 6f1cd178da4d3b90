"""`pdledger requests` against a running service and its workers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cli.answers import ExitCode
from tests.cli.conftest import Call, prepared
from tests.cli.services import running
from tests.conftest import Database

Settings = dict[str, str]
PATH = "/v1/rights-requests"


@pytest.fixture
def aim(database: Database, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a command that speaks to a service with its workers."""
    settings = prepared(database, tmp_path)
    with running("serve", errors=tmp_path / "log", **settings) as started:
        yield settings | {"LEDGER_PORT": started.welcome["url"].rpartition(":")[2]}


def ask(aim: Settings, **body: str) -> str:
    """A request that a stranger sent by e-mail; it is on the register when this returns."""
    key = (Path(aim["LEDGER_HOME"]) / "first-key").read_text().strip()
    headers = {"authorization": f"Bearer {key}", "idempotency-key": str(uuid4())}
    url = f"http://127.0.0.1:{aim['LEDGER_PORT']}"
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        made = client.post(PATH, json={"right": "access", "channel": "email", **body})
        assert made.status_code == 201, made.text
        query: dict[str, Any] = {"min_position": made.json()["position"]}
        for path in (PATH, "/v1/deadlines"):
            waited = client.get(path, params=query, headers={"purpose": "rights_requests"})
            assert waited.status_code == 200, waited.text
    return str(made.json()["rights_request"]["request"])


@pytest.mark.clause("L23")
def test_the_desk_sees_who_waits_and_until_when(call: Call, aim: Settings) -> None:
    """Ids and days on the terminal; what was written only where it is asked for."""
    empty = call("requests", "list", **aim)
    request = ask(aim, text="Do you know me?")
    listed = call("requests", "list", **aim)
    told = call("requests", "list", "--all", "--json", **aim).document["requests"]
    shown = call("requests", "show", request, **aim)
    whole = call("requests", "show", request, "--json", **aim).document["request"]
    nobody = call("requests", "show", str(uuid4()), "--json", **aim)

    assert "Nobody waits" in empty.out
    assert request in listed.out
    assert "days left  access, received" in listed.out
    assert [one["request"] for one in told] == [request]
    assert "next: verify" in shown.out
    assert "know me" not in shown.out + listed.out
    assert [one["text"] for one in whole["letters"]] == ["Do you know me?"]
    assert nobody.exit_code == ExitCode.REFUSED
    assert nobody.document["failed"]["code"] == "rights-request-unknown"
