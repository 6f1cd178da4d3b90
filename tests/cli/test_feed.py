"""The feed of a service as it is run: hundreds who listen do not keep it, and who else gets it."""

import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.cli.answers import ExitCode
from tests.cli.conftest import Call, on_server
from tests.cli.services import Running, running
from tests.conftest import Database

LISTENERS = 300
STREAM = "GET /v1/events/stream HTTP/1.1\r\nhost: ledger\r\nauthorization: Bearer {key}\r\n\r\n"


def listening(service: Running, key: str) -> socket.socket:
    """One connection that has got the first of the stream."""
    address = urlsplit(service.welcome["url"])
    opened = socket.create_connection((address.hostname, address.port), timeout=20)
    opened.sendall(STREAM.format(key=key).encode())
    seen = b""
    while b"\nid: " not in seen:
        chunk = opened.recv(65_536)
        assert chunk, seen
        seen += chunk
    return opened


def rest(opened: socket.socket) -> bytes:
    """What comes before the end of the connection."""
    found = b""
    while chunk := opened.recv(65_536):
        found += chunk
    opened.close()
    return found


def test_hundreds_who_listen_do_not_keep_a_service_that_is_told_to_stop(
    blank_database: Database, tmp_path: Path
) -> None:
    """SIGTERM with 300 open streams: every one ends as it should, all within 5 s."""
    variables = on_server(blank_database, tmp_path / "home")
    deploying = {"LEDGER_MIGRATION_URL": blank_database.dsn("ledger_migrator")}
    with running("up", errors=tmp_path / "log", **variables, **deploying) as service:
        key = service.welcome["first_key"]
        streams = [listening(service, key) for _ in range(LISTENERS)]
        code = service.stop(signal.SIGTERM)
        ends = [rest(opened) for opened in streams]

    assert code == 0
    assert service.stop_s < 5
    assert all(end.endswith(b"0\r\n\r\n") for end in ends), "no stream is cut in the middle"
    assert b"Exception in ASGI" not in (tmp_path / "log").read_bytes()


def test_a_subscription_is_given_to_the_key_that_follows(
    server: dict[str, str], call: Call, tmp_path: Path
) -> None:
    both = ("--scope", "events:read", "--scope", "subscriptions:manage", "--json")
    first, second = (
        call("client", "add", name, *both, **server).document["client"] for name in ("old", "new")
    )
    lesser = call("client", "add", "lesser", "--scope", "events:read", "--json", **server)
    lesser_id = lesser.document["client"]["client_id"]
    local = {"LEDGER_SUBSCRIPTION_LOOPBACK": "true"}
    with running("serve", errors=tmp_path / "log", **server, **local) as service:
        made = httpx.post(
            f"{service.welcome['url']}/v1/subscriptions",
            json={"url": "http://127.0.0.1:9/hook", "types": ["consent.given"]},
            headers={"authorization": f"Bearer {first['key']}"},
        ).json()
    named = made["subscription_id"]
    refused = call("subscription", "assign", named, lesser_id, "--json", **server)
    assigned = call("subscription", "assign", named, second["client_id"], "--json", **server)
    listed = call("subscription", "list", "--json", **server)
    told = call("subscription", "list", **server)

    assert refused.exit_code == ExitCode.REFUSED
    assert refused.document["failed"]["code"] == "subscription-not-assigned"
    assert assigned.document["assigned"]["client_id"] == second["client_id"]
    [one] = listed.document["subscriptions"]
    assert (one["client_id"], one["client"], one["state"]) == (second["client_id"], "new", "active")
    assert "127.0.0.1:9" not in listed.out + told.out
    assert named in told.out
    assert "consent.given" in told.out
