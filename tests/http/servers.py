"""Servers that misbehave on purpose, and a network that exists in memory only."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from pupline.http import FetchPolicy, HttpClient, Network, Origin
from tests.shared.threaded_server import ThreadedServer

Behaviour = bytes | Callable[[socket.socket], None]

PUBLIC = "93.184.216.34"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP answer; Content-Length is added unless the headers say how the body ends."""
    framed = any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers)
    lines = [f"HTTP/1.1 {status}", *headers, *([] if framed else [f"Content-Length: {len(body)}"]), "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def receive_request(sock: socket.socket) -> bytes:
    """All that the client sends up to the blank line."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = sock.recv(65536)
        if not piece:
            break
        received += piece
    return received


class Pieces(socket.socket):
    """A socket that gives prepared pieces, then the end; it heeds the flags by which the kernel is asked for more."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self._pieces = [piece for piece in pieces if piece]

    def arrive(self, pieces: Sequence[bytes]) -> None:
        """Further pieces come behind those that are there."""
        self._pieces += [piece for piece in pieces if piece]

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next piece, or as much of it as wanted; with MSG_WAITALL, as many pieces as it takes."""
        if flags & socket.MSG_DONTWAIT and not self._pieces:
            raise BlockingIOError
        if flags & socket.MSG_PEEK:
            return self._pieces[0][:size] if self._pieces else b""
        taken = self._next(size)
        while flags & socket.MSG_WAITALL and len(taken) < size and self._pieces:
            taken += self._next(size - len(taken))
        return taken

    def _next(self, size: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if piece[size:]:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


class RawServer(ThreadedServer):
    """A server whose n-th connection gets the n-th behaviour, and all further ones the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        super().__init__()
        self._behaviours = behaviours
        self.requests: list[bytes] = []

    def handle(self, sock: socket.socket, number: int) -> None:
        """Serve one connection."""
        self._serve(sock, self._behaviours[min(number, len(self._behaviours) - 1)])

    def _serve(self, sock: socket.socket, behaviour: Behaviour) -> None:
        with sock:
            sock.settimeout(5)
            try:
                self.requests.append(receive_request(sock))
                if callable(behaviour):
                    behaviour(sock)
                else:
                    sock.sendall(behaviour)
            except OSError:
                return  # the client went away, as it should from most of these

    def client(self, *, idle_connections: int = 0, **limits: float) -> HttpClient:
        """A client that trusts this server."""
        return client_for(self.origin, idle_connections=idle_connections, **limits)


class TalkingServer(RawServer):
    """A server whose n-th connection gets the n-th list of answers, one to each request, and is then closed.

    An empty last answer is none: the connection is closed as soon as that request is there. `talks` has the requests by
    connection.
    """

    def __init__(self, *talks: Sequence[bytes]) -> None:
        super().__init__(*[self._talk(answers) for answers in talks])
        self.talks: list[list[bytes]] = []

    def _talk(self, answers: Sequence[bytes]) -> Callable[[socket.socket], None]:
        def talk(sock: socket.socket) -> None:
            talked = [self.requests[-1]]
            self.talks.append(talked)
            sock.sendall(answers[0])
            for raw in answers[1:]:
                request = receive_request(sock)
                if not request:
                    return
                talked.append(request)
                sock.sendall(raw)

        return talk


def client_for(origin: str, *, idle_connections: int = 0, **limits: float) -> HttpClient:
    """A client that trusts one origin. Its deadline is short enough that a hanging test fails soon."""
    numbers = {"timeout_seconds": 5.0, **limits}
    return HttpClient(
        FetchPolicy(
            trusted=frozenset({Origin.parse(origin)}),
            timeout_seconds=numbers.pop("timeout_seconds"),
            **{name: int(number) for name, number in numbers.items()},  # type: ignore[arg-type]
        ),
        idle_connections=idle_connections,
    )


class FakeInternet:
    """Names, addresses and answers in memory. `connected` lists every address that was connected to."""

    def __init__(self, names: Mapping[str, Sequence[str]], pages: Mapping[str, bytes] | None = None) -> None:
        self._names = names
        self._pages = pages or {}
        self.connected: list[tuple[str, int]] = []
        self.resolved: list[str] = []
        self.requests: list[bytes] = []

    def network(self) -> Network:
        """This internet, for a client."""
        return Network(resolve=self.resolve, connect=self.connect)

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host`."""
        del port
        self.resolved.append(host)
        if host not in self._names:
            raise OSError(-2, "Name or service not known")
        return self._names[host]

    def connect(self, address: str, port: int, timeout_seconds: float) -> socket.socket:
        """A connection to a server that answers by the request's Host and path."""
        del timeout_seconds
        self.connected.append((address, port))
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,)).start()
        return ours

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            sock.settimeout(5)
            request = receive_request(sock)
            self.requests.append(request)
            if request:
                lines = request.decode().split("\r\n")
                host = next(line[6:] for line in lines if line.startswith("Host: "))
                page = f"http://{host}{lines[0].split(' ')[1]}"
                sock.sendall(self._pages.get(page, answer(b"nothing here", status="404 Not Found")))
