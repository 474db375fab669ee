"""A real HTTP proxy on 127.0.0.1, which knows names that no resolver has."""

import select
import socket
from collections.abc import Mapping
from contextlib import suppress

from tests.shared.threaded_server import ThreadedServer

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 tiny\r\n\r\n"


class TinyProxy(ThreadedServer):
    """Tunnels, and fetches whole URLs, for the hosts that it knows; others give 502.

    routes: `host:port` to the port on 127.0.0.1 that stands for it. refusal: what every request gets instead.
    credentials: the value of Proxy-Authorization without which a request gets 407. heads: the requests, as they came.
    """

    def __init__(
        self,
        routes: Mapping[str, int],
        *,
        refusal: bytes = b"",
        credentials: str | None = None,
        established: bytes = ESTABLISHED,
    ) -> None:
        super().__init__()
        self._routes = routes
        self._refusal = refusal
        self._credentials = credentials
        self._established = established
        self.heads: list[str] = []
        self.authority = f"127.0.0.1:{self.port}"
        self.url = self.origin

    @property
    def connections(self) -> int:
        """How many clients have connected."""
        return len(self._threads)

    def targets(self, method: str = "GET") -> list[str]:
        """What was asked for, in order."""
        return [head.split(" ")[1] for head in self.heads if head.startswith(f"{method} ")]

    def handle(self, sock: socket.socket, number: int) -> None:
        """Answer the requests of one connection, or relay it."""
        del number
        with sock, suppress(OSError):
            sock.settimeout(5)
            while self._answer(sock):
                pass

    def _answer(self, sock: socket.socket) -> bool:
        """Whether another request may come on this connection."""
        head = _head(sock)
        if not head:
            return False
        self.heads.append(head)
        method, target = head.split(" ")[:2]
        if self._credentials and f"\r\nProxy-Authorization: {self._credentials}\r\n" not in head:
            sock.sendall(b'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
            return False
        if self._refusal:
            sock.sendall(self._refusal)
            return False
        authority, _, path = target.removeprefix("http://").partition("/")
        port = self._routes.get(authority if ":" in authority else f"{authority}:80")
        if port is None:
            sock.sendall(b"HTTP/1.1 502 No such host\r\nContent-Length: 0\r\n\r\n")
            return True
        with socket.create_connection(("127.0.0.1", port), 5) as server:
            if method == "CONNECT":
                sock.sendall(self._established)
                _relay(sock, server)
                return False
            rest = head.partition("\r\n")[2].replace("Connection: keep-alive", "Connection: close")
            server.sendall(f"{method} /{path} HTTP/1.1\r\n{rest}".encode())
            while piece := server.recv(65536):
                sock.sendall(piece)
        return True


def _head(sock: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = sock.recv(65536)
        if not piece:
            return ""
        received += piece
    return received.decode("latin-1")


def _relay(one: socket.socket, other: socket.socket) -> None:
    ways = {one: other, other: one}
    while True:
        readable, _, _ = select.select([one, other], [], [], 5)
        if not readable:
            return
        for sock in readable:
            piece = sock.recv(65536)
            if not piece:
                return
            ways[sock].sendall(piece)
