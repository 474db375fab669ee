"""The hostile server: every host of every scenario, the image API that names them, and good hosts between them."""

import json
import re
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from tests.hostile.certificates import Certificates
from tests.hostile.internet import Internet
from tests.hostile.scenario import API, GOOD, LONGEST_SECONDS, SHARED, Behaviour, Scenario, Visit, answer, picture

_PORTS = (80, 443, 8080)
_MAX_HEAD_BYTES = 65_536


class HostileServer:
    """Serves while it is open. visits: image requests by host and path. trespasses: where nothing should have come."""

    def __init__(self, scenarios: Sequence[Scenario], internet: Internet, certificates: Certificates | None) -> None:
        self.visits: Counter[tuple[str, str]] = Counter()
        self.trespasses: list[str] = []
        self._scenarios = {scenario.name: scenario for scenario in scenarios}
        self._images = iter(scenarios)
        self._internet = internet
        self._certificates = certificates
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._is_over = False
        self._listen()
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._acceptor.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):  # just closed, or taken over by TLS
                    sock.shutdown(socket.SHUT_RDWR)

    @property
    def origins(self) -> dict[str, str]:
        """All hosts."""
        return {label: self._internet.origin(label) for label in self._internet.labels}

    def _listen(self) -> None:
        internet = self._internet
        places = [("", port) for port in _PORTS] if internet.has_names else [("127.0.0.1", 0)] * len(internet.labels)
        for number, place in enumerate(places):
            listener = socket.create_server(place, backlog=256)
            label = None
            if not internet.has_names:
                label = internet.labels[number]
                internet.ports[label] = listener.getsockname()[1]
            self._selector.register(listener, selectors.EVENT_READ, label)

    def _accept(self) -> None:
        by_address = {self._internet.address(label): label for label in self._internet.labels}
        while not self._is_over:
            for key, _ in self._selector.select(0.05):
                sock, _ = key.fileobj.accept()  # type: ignore[union-attr]
                address, port = sock.getsockname()
                label = key.data or (by_address.get(address) if port != 8080 else None)
                with self._lock:
                    self._open.add(sock)
                threading.Thread(target=self._connection, args=(sock, label, f"{address}:{port}"), daemon=True).start()

    def _connection(self, sock: socket.socket, label: str | None, place: str) -> None:
        try:
            if label is None:
                self.trespasses.append(place)
            else:
                with self._secured(sock, label) as secured:
                    while self._serve_one(secured, label):
                        pass
        except OSError:
            pass  # the client went away, as it should from most of these
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _secured(self, sock: socket.socket, label: str) -> socket.socket:
        scenario = self._scenarios.get(label)
        if self._certificates is None or scenario is None or scenario.tls is None:
            return sock
        sock.settimeout(LONGEST_SECONDS)
        if scenario.tls != "plain":
            return self._certificates.wrapped(sock, scenario.tls)
        sock.recv(65536)
        assert callable(scenario.does)
        scenario.does(Visit(sock, scenario.target, 0, self.origins))
        raise ConnectionAbortedError  # there is no HTTP in it

    def _serve_one(self, sock: socket.socket, label: str) -> bool:
        """Serve a request; whether the connection stays open."""
        sock.settimeout(LONGEST_SECONDS)
        path = _path_of(_request_on(sock))
        label = self._scenario_of(path) if label == SHARED and path else label
        behaviour = self._behaviour(label, path)
        if path is None or behaviour is None:
            return False
        with self._lock:
            nth = self.visits[label, path]
            self.visits[label, path] += 1
        if isinstance(behaviour, bytes):
            sock.sendall(behaviour)
            return True
        behaviour(Visit(sock, path, nth, self.origins))
        return False

    def _scenario_of(self, path: str) -> str:
        """Whose path this is, where all scenarios are on one host."""
        name = path.partition("?")[0].removeprefix("/").removesuffix(".jpg")
        return re.sub("^good-[0-9]+-", "", name) if name != "robots.txt" else SHARED

    def _behaviour(self, label: str, path: str | None) -> Behaviour | None:
        scenario = self._scenarios.get(label)
        if path is None:
            return None
        if path.startswith("/good-") or (label == GOOD and path != "/robots.txt"):
            return answer(picture(f"{label}{path}"), "Content-Type: image/jpeg")
        if label == API and path == "/api/breeds/image/random":
            return self._random_image()
        if path == "/robots.txt":
            return scenario.robots if scenario and scenario.robots else answer(b"", status="404 Not Found")
        return scenario.does if scenario else answer(b"", status="404 Not Found")

    def _random_image(self) -> bytes:
        with self._lock:
            scenario = next(self._images, None)
        if scenario is None:
            return answer(b"", status="404 Not Found")
        url = self.origins[scenario.name] + scenario.target
        return answer(json.dumps({"status": "success", "message": url}).encode(), "Content-Type: application/json")


def _request_on(sock: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _MAX_HEAD_BYTES:
        piece = sock.recv(65536)
        if not piece:
            return b""
        received += piece
    return received


def _path_of(request: bytes) -> str | None:
    words = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return words[1] if len(words) == 3 and words[0] == "GET" else None
