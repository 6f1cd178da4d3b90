"""No subscription reaches into a network of ours, whatever the notation (S20, OWASP ASVS 1.3.6)."""

import asyncio
from collections.abc import Mapping

import pytest

from app.propagation.destinations import (
    ADDRESSES_MAX,
    DestinationRefused,
    Destinations,
    is_public,
    system_resolve,
)

PUBLIC = "93.184.215.14"
ADDRESSES = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255"),
    *("100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3"),
    *("127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"),
    *("192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1"),
    *("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::ffff:93.184.215.14"),
    *("64:ff9b::7f00:1", "64:ff9b::5db8:d70e", "64:ff9b:1::1", "100::1"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::"),
    *("2002:5db8:d70e::", "3fff::1", "5f00::1", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("ff02::1", "2130706433", "0x7f.1", "127.1"),
    *("017700000001", "localhost"),
]
URLS = {
    "scheme": ["http://tool.example.org/", "http://tool.example.org:443/"],
    "port": ["https://tool.example.org:80/", "https://tool.example.org:8443/hook"],
    "host": [
        *("https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://0x7f000001/"),
        *("https://2130706433/", "https://017700000001/", "https://0/", "https://1.1.1.1/"),
        *("https://169.254.169.254/latest/meta-data/", "https://localhost/", "https://ledger/"),
        *("https://db.internal/", "https://printer.local/", "https://tool.localhost/"),
        *("https://1.0.0.127.in-addr.arpa/", "https://tool.example.org./", "https://.org/"),
        *("https://-tool.example.org/", "https://a..org/", "https://xn--tol-hoa1a.example.org/"),
        *("https://tool.1/", "https://127.0.0.1.0x1/", "https://tool.example.xn--p1ai/"),
    ],
    "url": [
        *("", "tool.example.org", "//tool.example.org/", "ftp://tool.example.org/"),
        *("file:///etc/passwd", "gopher://tool.example.org/", "javascript:alert(1)"),
        *("https://user@tool.example.org/", "https://tool.example.org@127.0.0.1/"),
        *("https://127.0.0.1\\@tool.example.org/", "https://tool.example.org\\.evil.example/"),
        *("https://tool.example.org#@127.0.0.1/", "https://tool.example.org/#x"),
        *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/"),
        *("https://tool.example.org/ x", "https://tool.example.org/\r\nhost: x", "https:///x"),
        *("https://t\u043eol.example.org/", "https://①②⑦.⓪.⓪.①/", "https://tool。example。org/"),
        *("https://tool.example.org:x/", "https://tool.example.org:/", "https:tool.example.org"),
        *("HTTPS://tool.example.org/", f"https://tool.example.org/{'x' * 2_000}"),
        *("https://tool.example.org:443:443/", "https://tool%2eexample.org/"),
    ],
}


def resolving(*addresses: str) -> Destinations:
    """Destinations where every name has these addresses."""

    async def resolve(_host: str, _port: int) -> tuple[str, ...]:
        return addresses

    return Destinations(resolve)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_address_of_ours_is_public_alone_or_beside_a_public_one(address: str) -> None:
    for found in ((address,), (PUBLIC, address), (address, PUBLIC)):
        destinations = resolving(*found)
        with pytest.raises(DestinationRefused) as refused:
            await destinations.addresses(destinations.parse("https://tool.example.org/"))
        assert refused.value.facts == {"reason": "address"}

    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450::1"])
async def test_what_is_public_passes(address: str) -> None:
    destinations = resolving(address)

    assert await destinations.addresses(destinations.parse("https://tool.example.org")) == (
        address,
    )


@pytest.mark.parametrize(
    ("reason", "url"), [(reason, url) for reason, urls in URLS.items() for url in urls]
)
def test_a_url_is_refused_before_anybody_is_asked(reason: str, url: str) -> None:
    with pytest.raises(DestinationRefused) as refused:
        resolving(PUBLIC).parse(url)

    assert refused.value.facts == {"reason": reason}


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://tool.example.org", "/"),
        ("https://TOOL.example.org:443/hooks?key=a:b@c", "/hooks?key=a:b@c"),
        ("https://a-1.b2.example.org?x", "/?x"),
    ],
)
def test_a_url_is_taken_apart_once(url: str, target: str) -> None:
    destination = resolving(PUBLIC).parse(url)

    assert destination.host == destination.host.lower()
    assert (destination.scheme, destination.port, destination.target) == ("https", 443, target)
    assert target not in repr(destination) or target == "/"


async def test_a_name_without_an_address_is_refused() -> None:
    async def nowhere(_host: str, _port: int) -> tuple[str, ...]:
        raise OSError

    async def silent(_host: str, _port: int) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    for resolve in (nowhere, silent):
        destinations = Destinations(resolve)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("app.propagation.destinations.RESOLVE_TIMEOUT_S", 0.01)
            with pytest.raises(DestinationRefused) as refused:
                await destinations.addresses(destinations.parse("https://tool.example.org/"))
        assert refused.value.facts == {"reason": "unresolved"}


async def test_only_listed_hosts_where_there_is_a_list() -> None:
    found: Mapping[str, tuple[str, ...]] = {"listed.example.org": (PUBLIC,)}

    async def resolve(host: str, _port: int) -> tuple[str, ...]:
        return found[host]

    destinations = Destinations(
        resolve, hosts=frozenset({"listed.example.org", "xn--tol-hoa1a.example.org"})
    )
    with pytest.raises(DestinationRefused) as refused:
        destinations.parse("https://other.example.org/")

    assert refused.value.facts == {"reason": "host-not-listed"}
    assert destinations.parse("https://xn--tol-hoa1a.example.org/").port == 443
    assert await destinations.addresses(destinations.parse("https://Listed.example.org/"))


async def test_this_machine_is_reached_only_where_that_is_switched_on() -> None:
    destinations = Destinations(system_resolve, loopback=True)

    local = destinations.parse("http://127.0.0.1:8123/hook")

    assert (local.scheme, local.port) == ("http", 8123)
    assert await destinations.addresses(local) == ("127.0.0.1",)
    for url in ("http://10.0.0.1/", "http://tool.example.org/", "http://127.0.0.2/"):
        with pytest.raises(DestinationRefused):
            destinations.parse(url)


async def test_a_public_name_with_many_addresses_is_tried_on_some() -> None:
    destinations = resolving(*(f"93.184.215.{n}" for n in range(1, 30)))

    found = await destinations.addresses(destinations.parse("https://tool.example.org/"))

    assert len(found) == ADDRESSES_MAX
