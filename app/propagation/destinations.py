"""Where a webhook may go: to a public name over https, never into a network of ours (S20).

The name is resolved at each delivery, every address is examined, and the connection is made to an
address that was examined: a name that answers differently the second time gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from app.domain.decider import Refusal

URL_LENGTH_MAX: Final = 2_000
ADDRESSES_MAX: Final = 4
RESOLVE_TIMEOUT_S: Final = 5.0
HTTPS_PORT: Final = 443
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})

_URL = re.compile(
    r"(https?)://([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?((?:/[!-\"$-\[\]-~]*)?(?:\?[!-\"$-\[\]-~]*)?)"
)
"""Visible ASCII without `#` and `\\`, which readers of URLs disagree on; no user, no address."""
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOP = re.compile(r"[a-z]{2,63}")
_LOCAL = frozenset({"localhost", "local", "internal", "arpa", "onion", "lan", "home", "corp"})

_CLOSED: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23"),
        *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9"),
        "ff00::/8",
    )
)
"""Private, shared, local, documentation and multicast ranges, and IPv6 that carries IPv4."""

Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""Every address of a name; OSError when it has none."""


class DestinationRefused(Refusal):
    """Deliveries do not go there; `reason` says which rule of this module is why."""

    code = "destination-refused"
    rules = ("S20",)


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that was taken apart once: nobody reads it again in another way."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query; it may hold a secret of the receiver."""


class Destinations:
    """The rules of one service. ``hosts`` are the only ones allowed, where there are any."""

    def __init__(
        self, resolve: Resolve, *, hosts: frozenset[str] = frozenset(), loopback: bool = False
    ) -> None:
        self._resolve = resolve
        self._hosts = hosts
        self._loopback = loopback

    def parse(self, url: str) -> Destination:
        """The parts of an acceptable URL; DestinationRefused for every other text."""
        match = _URL.fullmatch(url) if len(url) <= URL_LENGTH_MAX else None
        if match is None:
            raise DestinationRefused(reason="url")
        scheme, host, port = match[1], match[2].lower(), int(match[3] or 0)
        target = match[4] if match[4].startswith("/") else f"/{match[4]}"
        if self._loopback and host in LOOPBACK:
            return Destination(scheme, host, port or (443 if scheme == "https" else 80), target)
        if scheme != "https":
            raise DestinationRefused(reason="scheme")
        if port not in (0, HTTPS_PORT):
            raise DestinationRefused(reason="port")
        if self._hosts and host not in self._hosts:
            raise DestinationRefused(reason="host-not-listed")
        if not _is_public_name(host) and host not in self._hosts:
            raise DestinationRefused(reason="host")
        return Destination(scheme, host, HTTPS_PORT, target)

    async def addresses(self, destination: Destination) -> tuple[str, ...]:
        """The addresses to connect to; DestinationRefused if a single one is not public."""
        found = await self._resolved(destination)
        local = self._loopback and destination.host in LOOPBACK
        if not local and not all(is_public(address) for address in found):
            raise DestinationRefused(reason="address")
        return found[:ADDRESSES_MAX]

    async def _resolved(self, destination: Destination) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await self._resolve(destination.host, destination.port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise DestinationRefused(reason="unresolved")
        return found


class NamedDestinations(Destinations):
    """Places that the operator named in a setting: these URLs and no other, wherever they are.

    A sibling deployment or an authority may stand in a private network, on any port. Nobody who
    calls the service can add to them, and no answer leads elsewhere.
    """

    def __init__(self, resolve: Resolve, urls: Iterable[str]) -> None:
        super().__init__(resolve)
        self._named = {url: named_destination(url) for url in urls}

    def parse(self, url: str) -> Destination:
        """Its parts; DestinationRefused for a URL that was not named."""
        try:
            return self._named[url]
        except KeyError:
            raise DestinationRefused(reason="host-not-listed") from None

    async def addresses(self, destination: Destination) -> tuple[str, ...]:
        """All that the name has."""
        return (await self._resolved(destination))[:ADDRESSES_MAX]


def named_destination(url: str) -> Destination:
    """The parts of an operator's http or https URL; DestinationRefused for every other text."""
    match = _URL.fullmatch(url) if len(url) <= URL_LENGTH_MAX else None
    if match is None or int(match[3] or 1) not in range(1, 65536):
        raise DestinationRefused(reason="url")
    target = match[4] if match[4].startswith("/") else f"/{match[4]}"
    port = int(match[3] or (HTTPS_PORT if match[1] == "https" else 80))
    return Destination(match[1], match[2].lower(), port, target)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and means nothing but itself."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (ip.scope_id or ip.ipv4_mapped or ip.sixtofour or ip.teredo):
        return False
    return ip.is_global and not any(ip in network for network in _CLOSED)


def _is_public_name(host: str) -> bool:
    """Two labels or more, the last one letters: no number in any notation passes for a name.

    Names in other scripts look like other names; they pass only when they are listed.
    """
    *labels, top = host.split(".")
    return (
        bool(labels)
        and _TOP.fullmatch(top) is not None
        and top not in _LOCAL
        and all(_LABEL.fullmatch(one) and not one.startswith("xn--") for one in labels)
    )


async def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address that this machine's resolver knows, in its order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
