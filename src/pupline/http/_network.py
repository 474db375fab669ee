"""The outside as the client sees it: names, connections, TLS and clocks, each replaceable in a test."""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pupline.errors import EXHAUSTED, ConnectionFailed, local_trouble
from pupline.http._deadline import Deadline, Resolve

if TYPE_CHECKING:
    import ssl

# Connects to an (address, port) within so many seconds, or raises OSError.
Connect = Callable[[str, int, float], socket.socket]

# A name with dozens of addresses does not deserve dozens of attempts.
MAX_ADDRESSES_TRIED = 8


def resolve(host: str, port: int) -> list[str]:
    """The addresses the system gives for `host`. Raises: OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
    """A connection to a numeric address. Raises: OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def tls_context() -> "ssl.SSLContext":
    """The system's certificate authorities, host names checked."""
    import ssl

    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Network:
    """What an HttpClient touches of the world."""

    resolve: Resolve = resolve
    connect: Connect = connect
    tls_context: "Callable[[], ssl.SSLContext]" = tls_context
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


def connect_first(network: Network, addresses: Sequence[str], port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first of `addresses` that answers; each gets its share of the time left.

    Raises: ConnectionFailed, RequestTimeout; LocalTrouble where this machine has nothing left to connect with.
    """
    tried = addresses[:MAX_ADDRESSES_TRIED]
    failures: list[str] = []
    cause: OSError | None = None
    for number, address in enumerate(tried):
        share = deadline.remaining(f"connecting to {address}") / (len(tried) - number)
        try:
            return network.connect(address, port, share)
        except OSError as err:
            if err.errno in EXHAUSTED and (trouble := local_trouble(err)):
                raise trouble from err
            failures.append(f"{address} port {port}: {err.strerror or err}")
            cause = err
    if isinstance(cause, TimeoutError):
        raise deadline.passed(f"connecting to {tried[-1]}") from cause
    raise ConnectionFailed(
        f"{deadline.url}: no connection ({'; '.join(failures)}); check that the server runs and is reachable"
    ) from cause
