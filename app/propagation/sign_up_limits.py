"""How often one network, one address and everybody together may sign up (API4, API6; S19).

It is kept in the memory of one process, by keyed tokens. Nothing of it is written down, so several
processes allow as many times more. The key dies with the process, and what is remembered with the
day.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from app.clock import random_bytes
from app.vault.mac import Mac
from app.vault.sealing import KEY_SIZE_BYTES

REMEMBERED_MAX: Final = 100_000
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_NETWORK_PREFIX: Final = 64
"""Whoever has one IPv6 address has this whole network of them."""


class SignUpLimits:
    """The generic cell rate algorithm: each caller has a time before which it came too often."""

    def __init__(self, *, hourly_max: int, daily_max: int, total_max: int) -> None:
        self._networks = _Cells(HOUR, hourly_max)
        self._everybody = _Cells(HOUR, total_max)
        self._addresses = _Cells(DAY, daily_max)

    def admits_network(self, client: str, now: datetime) -> bool:
        """Whether one more sign-up from this network is taken.

        What a network has too many of counts for nobody else; many networks are stopped together.
        """
        return self._networks.admits(_network(client), now) and self._everybody.admits("", now)

    def admits_address(self, address: str, now: datetime) -> bool:
        """Whether the address gets one more message; whoever asks is not told."""
        return self._addresses.admits(address, now)


class _Cells:
    """One limit. Owned by one event loop."""

    def __init__(self, period: timedelta, count_max: int) -> None:
        self._mac = Mac(random_bytes(KEY_SIZE_BYTES))
        self._period = period
        self._step = period / count_max
        self._full: OrderedDict[bytes, datetime] = OrderedDict()

    def admits(self, name: str, now: datetime) -> bool:
        token = self._mac.digest(name.encode())
        full = max(self._full.get(token, now), now)
        if full + self._step > now + self._period:
            return False
        self._full[token] = full + self._step
        self._full.move_to_end(token)
        while len(self._full) > REMEMBERED_MAX or next(iter(self._full.values())) < now:
            self._full.popitem(last=False)
        return True


def _network(client: str) -> str:
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)  # on a socket of both kinds: not one network for all
    if isinstance(address, IPv6Address):
        return str(int(address) >> (128 - _NETWORK_PREFIX))
    return client
