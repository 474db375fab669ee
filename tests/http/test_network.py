"""What the client does with the system's sockets and threads, where they fail."""

import errno
import socket
import threading

import pytest

from pupline.errors import LocalTrouble
from pupline.http import _network
from pupline.http._deadline import Deadline


class RefusingSocket:
    """Notes its calls; no connection can be made."""

    def __init__(self, *_: object) -> None:
        self.calls: list[str] = []

    def settimeout(self, seconds: float) -> None:
        """Note it."""
        self.calls.append(f"settimeout {seconds:g}")

    def setblocking(self, is_blocking: bool) -> None:
        """Note it."""
        self.calls.append(f"setblocking {is_blocking}")

    def connect(self, _where: object) -> None:
        """Note it, and refuse."""
        self.calls.append("connect")
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def close(self) -> None:
        """Note it."""
        self.calls.append("close")


def test_a_connection_is_bounded_before_it_is_made_and_closed_if_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has a time-out, too, and a refused connection keeps no descriptor."""
    made = RefusingSocket()
    monkeypatch.setattr(socket, "socket", lambda *_: made)
    with pytest.raises(ConnectionRefusedError):
        _network.connect("192.0.2.1", 80, 3)
    assert made.calls == ["settimeout 3", "connect", "close"]


def test_a_connection_that_is_begun_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process makes many at once; one that is refused at once is closed, too."""
    made = RefusingSocket()
    monkeypatch.setattr(socket, "socket", lambda *_: made)
    with pytest.raises(ConnectionRefusedError):
        _network.begin_connect("192.0.2.1", 80)
    assert made.calls == ["setblocking False", "connect", "close"]


def test_a_connection_is_there_when_it_has_a_peer() -> None:
    """A socket without an error may still be connecting."""
    deadline = Deadline(5, lambda: 0.0, "http://h/")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        connecting = _network.Connecting(
            _network.Network(begin_connect=lambda _address, _port: sock), "127.0.0.1", 80, deadline
        )
        assert connecting.connected() is None
        sock.connect(server.getsockname())
        assert connecting.connected() is sock


def test_a_lookup_without_a_thread_is_a_trouble_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is not blamed, and the slots of the lookups are free afterwards."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    resolver = _network.Resolver(lambda _host, _port: ["192.0.2.1"])
    for _ in range(_network.MAX_LOOKUPS + 1):
        with pytest.raises(LocalTrouble, match="thread"):
            resolver.addresses("h", 80, Deadline(5, lambda: 0.0, "http://h/"))
