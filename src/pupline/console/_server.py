"""The server: uvicorn on one port, with the bounds of `_protocol`, until it is interrupted."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import uvicorn

from pupline.console._app import ConsoleApp, create_app
from pupline.console._protocol import KEEP_ALIVE_SECONDS, MAX_HEAD_BYTES, BoundedProtocol
from pupline.console.security import checked_token
from pupline.console.web import ConsoleSettings
from pupline.errors import ConfigurationError
from pupline.listening import is_loopback, unusable_address
from pupline.text import printable

_BACKLOG = 128
"""Connections that wait to be accepted, and that are accepted at a time: fewer than are kept, so that a flood does not
push a new connection out before its request is read."""

_STOP_SECONDS = 3


def serve(settings: ConsoleSettings, ready: Callable[[str], None] = lambda _url: None) -> None:
    """Listen until the process is interrupted. ready: called with the URL once requests are answered.

    Raises: ConfigurationError for an address that cannot be bound, and for one that other machines reach without a
    token.
    """
    settings = _checked(settings)
    with listening(settings.host, settings.port) as listener:
        bound = replace(settings, port=listener.getsockname()[1])
        app = create_app(bound)
        server = ConsoleServer(app, lambda: ready(bound.url))
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again when it has stopped
            server.run(sockets=[listener])


def _checked(settings: ConsoleSettings) -> ConsoleSettings:
    """The settings, if others can use the console only with a token. Raises: ConfigurationError."""
    if settings.token is not None:
        return replace(settings, token=checked_token(settings.token))
    if not is_loopback(settings.host):
        raise ConfigurationError(
            f"--host {printable(settings.host, 100)} can be reached from other machines: give a token that they need, "
            "with --token-file FILE or the variable PUPLINE_CONSOLE_TOKEN"
        )
    return settings


class ConsoleServer(uvicorn.Server):
    """uvicorn's server, which says when it is ready, and ends live streams before it waits for requests to end."""

    def __init__(self, app: ConsoleApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                log_level="critical",  # it warns of every invalid request; errors of the application are logged by it
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self.app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the rest."""
        self.app.console.live.close()
        await super().shutdown(sockets)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises: ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise unusable_address(error, (host, port)) from error
