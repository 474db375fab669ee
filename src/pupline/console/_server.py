"""The server: uvicorn on one port."""

import socket
from collections.abc import Callable

import uvicorn

from pupline.console._app import create_app
from pupline.console.web import ConsoleSettings


def serve(settings: ConsoleSettings, ready: Callable[[str], None] = lambda _url: None) -> None:
    """Listen until the process is interrupted. ready: called with the URL once the port answers."""
    app = create_app(settings)
    listener = socket.create_server((settings.host, settings.port))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=3,
    )
    with listener:
        ready(f"http://{settings.host}:{port}/")
        uvicorn.Server(config).run(sockets=[listener])
