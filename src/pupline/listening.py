"""A listening port with a bounded number of connections, each in a thread of its own.

A leaf: every room may import it. It loads `http.server`, so import it only where it is used.
"""

import errno
import ipaddress
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from pupline.errors import ConfigurationError
from pupline.text import printable


class LimitedServer(ThreadingHTTPServer):
    """An HTTP server that keeps its open connections, to limit their number and to close them all.

    name: the host name of the server. Beyond `max_connections`, a new connection is closed at once.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], *, name: str, max_connections: int
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._name = name
        self._max_connections = max_connections
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's query to the name service, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self._name, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or close it when there are too many."""
        with self._changed:
            self._connections.add(request)
            crowded = len(self._connections) > self._max_connections
        if crowded:
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self.process_without_thread(request, client_address)

    def process_without_thread(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - for subclasses
        """Handle a connection where the system starts no more threads: close it."""
        self.shutdown_request(request)

    def close_request(self, request: Any) -> None:
        """Close the connection and forget it."""
        super().close_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that has gone, or is too slow."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def stop(self, seconds: float) -> None:
        """Accept no more connections, close the open ones, and wait so long for their threads."""
        self.shutdown()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):  # the client has closed it
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, timeout=seconds)
        self.server_close()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a port that is bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unusable_address(error: OSError, address: tuple[str, int]) -> ConfigurationError:
    """What an address that cannot be bound means, and what to do."""
    host, port = printable(address[0], 100), address[1]
    if error.errno == errno.EADDRINUSE:
        text = (
            f"port {port} of {host} is in use by another program: end that one, or give another --port (0: a free one)"
        )
    elif error.errno == errno.EACCES:
        text = f"port {port} is reserved for the administrator: give a --port above 1023"
    elif error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        text = f"{host} is not an address of this machine: give another --host"
    else:
        text = f"port {port} of {host} cannot be used: {error.strerror}"
    return ConfigurationError(text)
