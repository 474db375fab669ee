"""A real HTTP proxy on 127.0.0.1, which knows names that no resolver has."""

import select
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 tiny\r\n\r\n"


class TinyProxy:
    """Tunnels, and fetches whole URLs, for the hosts that it knows; others give 502.

    routes: `host:port` to the port on 127.0.0.1 that stands for it. refusal: what every request gets instead.
    credentials: the value of Proxy-Authorization without which a request gets 407. heads: the requests, as they came;
    connections: how many clients connected.
    """

    def __init__(
        self,
        routes: Mapping[str, int],
        *,
        refusal: bytes = b"",
        credentials: str | None = None,
        established: bytes = ESTABLISHED,
    ) -> None:
        self._routes = routes
        self._refusal = refusal
        self._credentials = credentials
        self._established = established
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self.heads: list[str] = []
        self.connections = 0
        self.authority = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.authority}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def targets(self, method: str = "GET") -> list[str]:
        """What was asked for, in order."""
        return [head.split(" ")[1] for head in self.heads if head.startswith(f"{method} ")]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
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
