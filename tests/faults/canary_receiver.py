"""Another controller on this machine, for the canary: shows its challenge, takes a package."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyrage  # type: ignore[import-untyped]  # it has no types


@dataclass(slots=True)
class OtherController:
    """What it serves by path, and what it was sent."""

    port: int
    identity: Any
    served: dict[str, bytes] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The public half of its key."""
        return str(self.identity.to_public())

    def show(self, path: str, sealed: str) -> None:
        """Opens a challenge and serves it."""
        self.served[path] = bytes(pyrage.decrypt(sealed.encode(), [self.identity]))

    def opened(self) -> bytes:
        """The last package, as only this controller can read it."""
        return bytes(pyrage.decrypt(self.taken[-1], [self.identity]))


@contextmanager
def other_controller() -> Iterator[OtherController]:
    """Runs until the end of the block."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = other.served.get(self.path)
            self._answer(404 if found is None else 200, found or b"")

        def do_POST(self) -> None:
            other.taken.append(self.rfile.read(int(self.headers["content-length"])))
            self._answer(200, b"")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    other = OtherController(server.server_address[1], pyrage.x25519.Identity.generate())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield other
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
