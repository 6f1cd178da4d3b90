"""The server of one service process, and how it says that it serves or why it cannot."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.streams import ABORT, STOP_STREAMS
from app.cli.answers import CommandFailed, unavailable
from app.cli.logging_setup import configure_logging
from app.main import create_asgi
from app.settings import Settings
from app.store.connection import Logins

GRACE_S: Final = 2
"""For requests under way when the service is told to stop; all of it is over within 5 s."""

Announce = Callable[[int], None]
"""Called with the port once requests are answered."""


def serve(settings: Settings, logins: Logins, taken: socket.socket, announce: Announce) -> None:
    """Serves until a signal to stop; uvicorn repeats that signal when it is done (`stopping`)."""
    configure_logging(settings.log_level)
    lifespan = _Lifespan(create_asgi(settings, logins))
    config = uvicorn.Config(
        lifespan,
        loop="uvloop",
        http=AbortableProtocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        workers=1,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = AnnouncingServer(config, announce)
    try:
        server.run(sockets=[taken])
    except SystemExit:
        if server.started:
            raise
        raise _not_started(lifespan.failure) from None


class AbortableProtocol(HttpToolsProtocol):
    """Lets the application cut a connection whose client does not read what it is sent."""

    def on_message_begin(self) -> None:
        """Puts the way to do it into the scope of every request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"cut": self.transport.abort}}


class AnnouncingServer(uvicorn.Server):
    """Tells its port once it serves, and its streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen."""
        await super().startup(sockets=sockets)
        if self.started and sockets:
            self._announce(sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends every stream before it waits for requests to end."""
        stop_streams = self.lifespan.state.get(STOP_STREAMS)
        if stop_streams is not None:
            stop_streams()
        await super().shutdown(sockets=sockets)


class _Lifespan:
    """The application, and why it could not start: uvicorn knows only that it did not."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.failure: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on."""
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        except BaseException as failure:
            self.failure = failure
            raise


def _not_started(failure: BaseException | None) -> CommandFailed:
    """Why there is no service; of a library's exception the type alone."""
    reason = type(failure).__name__
    if failure is not None and type(failure).__module__.startswith("app."):
        reason = f"{reason}: {failure}"
    return unavailable("service-not-started", f"the service cannot start: {reason}")
