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


def test_a_lookup_without_a_thread_is_a_trouble_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is not blamed, and the slots of the lookups are free afterwards."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    resolver = _network.Resolver(lambda _host, _port: ["192.0.2.1"])
    for _ in range(_network.MAX_LOOKUPS + 1):
        with pytest.raises(LocalTrouble, match="thread"):
            resolver.addresses("h", 80, Deadline(5, lambda: 0.0, "http://h/"))
