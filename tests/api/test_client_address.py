"""Where a sign-up comes from, behind proxies and not, and how many come together (C82)."""

import dataclasses
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from app.api.client_address import client_address
from app.clock import system_clock
from app.propagation.sign_up_limits import SignUpLimits
from app.service import Proxies, Service
from app.settings import Settings
from tests.serving import Api


@pytest.mark.clause("C82")
def test_many_networks_are_stopped_together() -> None:
    """A flood from everywhere is one as well; what one network has too many of counts for none."""
    limits = SignUpLimits(hourly_max=1, daily_max=1, total_max=2)
    now = system_clock()

    def admitted(*clients: str, later: timedelta = timedelta()) -> list[bool]:
        return [limits.admits_network(f"198.51.100.{client}", now + later) for client in clients]

    assert admitted("1", "1", "1", "2", "3") == [True, False, False, True, False]
    assert admitted("4", later=timedelta(minutes=31)) == [True]


@pytest.mark.clause("C82")
@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("198.51.100.7", {"x-forwarded-for": "203.0.113.9"}, "198.51.100.7"),
        ("10.0.0.1", {}, "10.0.0.1"),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "203.0.113.9"),
        ("::ffff:10.0.0.1", {"x-forwarded-for": "203.0.113.9"}, "203.0.113.9"),
        ("10.0.0.1", {"x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9:4711, 10.0.0.2"}, "203.0.113.9"),
        ("10.0.0.1", {"x-forwarded-for": "[2001:db8::7]:4711"}, "2001:db8::7"),
        ("10.0.0.1", {"x-forwarded-for": "203.0.113.9, nonsense, 10.0.0.2"}, "10.0.0.2"),
        ("10.0.0.1", {"forwarded": "for=203.0.113.9"}, "10.0.0.1"),
        ("unix", {"x-forwarded-for": "203.0.113.9"}, "unix"),
    ],
)
def test_a_header_is_believed_as_far_as_trusted_proxies_wrote_it(
    peer: str, headers: dict[str, str], expected: str
) -> None:
    """From the right: whatever stands further left anybody may have sent."""
    proxies = Proxies((ip_network("10.0.0.0/8"),))

    assert client_address(asking(peer, headers), proxies) == expected


def test_the_other_header_is_read_where_the_proxies_write_that_one() -> None:
    """RFC 7239: quoted, with a port, in any case; the first header is then anybody's."""
    proxies = Proxies((ip_network("10.0.0.0/8"),), "forwarded")
    headers = {
        "x-forwarded-for": "1.1.1.1",
        "forwarded": 'for=1.1.1.1, For="[2001:db8::7]:4711";proto=https, for=10.0.0.3',
    }

    assert client_address(asking("10.0.0.1", headers), proxies) == "2001:db8::7"


def asking(peer: str, headers: dict[str, str]) -> Request:
    """A request as it comes from a host."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (peer, 40_000), "headers": raw})


@pytest.mark.clause("C82")
async def test_people_behind_one_proxy_have_a_limit_each(service: Service, tmp_path: Path) -> None:
    """And whoever invents an address gets no other by it."""
    proxied = dataclasses.replace(
        service.correspondence,
        limits=SignUpLimits(hourly_max=1, daily_max=9, total_max=9),
        proxies=Proxies((ip_network("127.0.0.0/8"),)),
    )
    api = Api(dataclasses.replace(service, correspondence=proxied), Settings(home=tmp_path))
    async with api.anonymous() as anonymous:
        told = [
            await signed_up(anonymous, forwarded)
            for forwarded in ("203.0.113.9", "203.0.113.8", "203.0.113.99, 203.0.113.9")
        ]

    assert told == [202, 202, 429]


async def signed_up(http: httpx.AsyncClient, forwarded: str) -> int:
    """What a sign-up answers that a proxy passed on."""
    wording = (await http.get("/v1/newsletter/wording", params={"language": "sv"})).json()
    body = {"email": "asa.oberg@forvaltning.example", "wording_sha256": wording["sha256"]}
    headers = {"x-forwarded-for": forwarded}
    return (await http.post("/v1/newsletter/sign-ups", json=body, headers=headers)).status_code
