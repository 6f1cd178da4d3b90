"""From where a request really comes, behind proxies that are trusted (RFC 7239).

What a proxy appends stands at the right; everything to the left of the last trusted one was said by
whoever called it, and is believed by nobody.
"""

from ipaddress import ip_address
from typing import Final

from starlette.requests import Request

from app.service import Proxies

UNKNOWN: Final = "unknown"
HOPS_MAX: Final = 32
"""Of a longer list the left part is not read."""


def client_address(request: Request, proxies: Proxies) -> str:
    """The address of the nearest host that is not a trusted proxy.

    The header is read only where the connection itself comes from a trusted proxy. An entry that is
    no address ends the reading: then the last proxy stands for whoever is behind it.
    """
    nearest = request.client.host if request.client else UNKNOWN
    if not _is_trusted(nearest, proxies):
        return nearest
    hops = ",".join(request.headers.getlist(proxies.header)).split(",")
    for hop in reversed(hops[-HOPS_MAX:]):
        address = _address(hop, proxies.header)
        if address is None:
            return nearest
        nearest = address
        if not _is_trusted(nearest, proxies):
            return nearest
    return nearest


def _is_trusted(host: str, proxies: Proxies) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in proxies.networks)


def _address(hop: str, header: str) -> str | None:
    """The address in one element of the list, without its port; None where there is none."""
    text = hop.strip()
    if header == "forwarded":
        pairs = (pair.partition("=") for pair in text.split(";"))
        text = next((value for name, _, value in pairs if name.strip().lower() == "for"), "")
        text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
