"""What a process in the foreground owes its terminal: its port, and a clean stop when told to."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from app.cli.answers import ExitCode, unavailable
from app.settings import Settings

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
UNSENT_BYTES_MAX: Final = 64_000
"""Of one connection, in the kernel; the application waits for the rest, and knows that it does."""


@contextmanager
def stopping() -> Iterator[None]:
    """Turns a signal to stop into SystemExit, so that everything held is given back in order."""
    before = {number: signal.signal(number, _stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_port(settings: Settings) -> socket.socket:
    """The port, taken before anything else is done; connections are refused until we serve."""
    return take(settings.host, settings.port, variable="LEDGER_PORT")


def take(host: str, port: int, *, variable: str) -> socket.socket:
    """The same of any port; ``variable`` is the setting that chooses another one."""
    taken = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: whoever reads nothing would hold megabytes that nobody counts.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
        taken.bind(address)
    except OSError as failure:
        if taken is not None:
            taken.close()
        raise unavailable(
            "port-unavailable",
            f"cannot listen on {host} port {port}: {failure.strerror};"
            f" {variable} chooses another port",
        ) from None
    return taken


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(ExitCode.DONE)
