"""One way in which a server can misbehave, and what must become of the image that was asked of it."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

from pupline.errors import Outcome, Reason
from tests.e2e.dog_api import jpeg

API, GOOD, SHARED = "api", "good", "shared"
"""The labels of the image API, of the host that serves a picture at every path, and of one with all scenarios."""

LONGEST_SECONDS = 20.0
"""For how long any behaviour goes on, at most: every request of the drivers has a shorter time-out."""

ATTEMPTS: Final = 5
"""Of a request that is tried again: the most of any way to fetch."""


@dataclass(slots=True)
class Visit:
    """A request for a scenario's image. nth: of all for this path, from 0. origins: of the other hosts, by label."""

    sock: socket.socket
    path: str
    nth: int
    origins: dict[str, str]

    def send(self, *pieces: bytes, pause_seconds: float = 0.0) -> None:
        """Send the pieces one after another. Raises: OSError where the client has gone."""
        ends = time.monotonic() + LONGEST_SECONDS
        for piece in pieces:
            if pause_seconds:
                time.sleep(pause_seconds)
            self.sock.sendall(piece)
            if time.monotonic() > ends:
                raise TimeoutError

    def repeat(self, piece: bytes, *, pause_seconds: float = 0.0, most_bytes: int = 64 << 20) -> None:
        """Send the piece until the client goes. Raises: OSError then, or at the end of the bytes or of the time."""
        count = most_bytes // len(piece)
        for _ in range(count):
            self.send(piece, pause_seconds=pause_seconds)
        raise TimeoutError

    def hang(self) -> None:
        """Say nothing more, until the client goes. Raises: OSError at the end of the time."""
        self.sock.settimeout(LONGEST_SECONDS)
        while self.sock.recv(65536):
            pass


Behaviour: TypeAlias = bytes | Callable[[Visit], None]
"""Bytes that answer each request on a connection that stays open; or a function, after which it is closed."""


Tls: TypeAlias = Literal[
    "proper",
    "other-name",  # with a certificate for another name
    "plain",  # not at all: the behaviour gets the client's hello for a request
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """name: also the label of its host, which no other scenario shares. does: when asked for `path`.

    outcome, reason: of the record. body: of what is stored or quarantined; None where nothing is. requests: for the
    image, at most, however it is fetched. robots: the answer to robots.txt; a 404 by default. in_bulk: outcome and
    reason where robots.txt and X-Robots-Tag are heeded, if they differ. lookups: the addresses of the name, as the
    n-th lookup gives them; its own address by default. tls: how it speaks TLS, for an https URL. kept_as: the name in
    the record. size: width and height in the record, where that is checked. is_alone: nothing else can be had of its
    host. needs_names: it means something only where there are names and addresses of its own.
    """

    name: str
    does: Behaviour
    outcome: Outcome
    reason: Reason
    body: bytes | None = None
    path: str = ""
    requests: int = 1
    robots: Behaviour | None = None
    in_bulk: tuple[Outcome, Reason] | None = None
    lookups: tuple[tuple[str, ...], ...] = ()
    tls: Tls | None = None
    kept_as: str = ""
    size: tuple[int | None, int | None] | None = None
    is_alone: bool = False
    needs_names: bool = False

    @property
    def target(self) -> str:
        """The path of its URL."""
        return self.path or f"/{self.name}.jpg"

    def expected(self, *, bulk: bool) -> tuple[Outcome, Reason]:
        """Outcome and reason of its record."""
        return self.in_bulk if bulk and self.in_bulk else (self.outcome, self.reason)


def picture(name: str, size_bytes: int = 600) -> bytes:
    """A sound JPEG, another one for each name."""
    return jpeg(Random(name).getrandbits(48), size_bytes)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole response; Content-Length is added unless the headers say how the body ends."""
    framed = any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers)
    lines = [f"HTTP/1.1 {status}", *headers, *([] if framed else [f"Content-Length: {len(body)}"]), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def closing(*pieces: bytes, pause_seconds: float = 0.0) -> Callable[[Visit], None]:
    """Sends the pieces, then closes the connection."""
    return lambda visit: visit.send(*pieces, pause_seconds=pause_seconds)


def in_turn(*behaviours: Behaviour) -> Callable[[Visit], None]:
    """The n-th request gets the n-th behaviour, all later ones the last; each on a connection of its own."""

    def serve(visit: Visit) -> None:
        behaviour = behaviours[min(visit.nth, len(behaviours) - 1)]
        if isinstance(behaviour, bytes):
            visit.send(behaviour)
        else:
            behaviour(visit)

    return serve


def accepted(name: str, does: Callable[[bytes], Behaviour], *, requests: int = 1) -> Scenario:
    """A server that is odd but right: its picture is stored. does: from the picture's bytes."""
    body = picture(name)
    return Scenario(name=name, does=does(body), outcome="stored", reason="accepted", body=body, requests=requests)


def failed(name: str, does: Behaviour, reason: Reason, *, requests: int = 1) -> Scenario:
    """A server of which nothing is stored."""
    return Scenario(name=name, does=does, outcome="failed", reason=reason, requests=requests)


def refused(name: str, does: Behaviour, reason: Reason) -> Scenario:
    """A server that breaks a safety rule: nothing is stored, and nothing tried again."""
    return Scenario(name=name, does=does, outcome="refused", reason=reason)


def flooded(name: str, does: Behaviour) -> Scenario:
    """A server that sends without end. On a busy machine the time may be over before the limit is reached."""
    return Scenario(name=name, does=does, outcome="refused", reason="too_large", requests=ATTEMPTS)
