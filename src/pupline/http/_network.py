"""The network as the client sees it: names, connections, TLS and clocks, each replaceable in a test."""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pupline.errors import EXHAUSTED, ConnectionFailed, TaskFailure, local_trouble
from pupline.http._deadline import Deadline

if TYPE_CHECKING:
    import ssl

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""The addresses of a host, given its port. Raises: OSError."""

Connect: TypeAlias = Callable[[str, int, float], socket.socket]
"""Connects to an address and port within so many seconds. Raises: OSError."""

BeginConnect: TypeAlias = Callable[[str, int], socket.socket]
"""A socket that is connecting to an address and port, and can be written when that has ended. Raises: OSError."""

# Enough of the addresses of a name that has dozens.
MAX_ADDRESSES_TRIED = 8

# Lookups that a dead name server keeps running, per client; further ones wait for a slot within their own deadlines.
MAX_LOOKUPS = 64


def resolve(host: str, port: int) -> list[str]:
    """The addresses the system gives for `host`. Raises: OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def connect(address: str, port: int, timeout_seconds: float) -> socket.socket:
    """A connection to a numeric address. Raises: OSError."""
    sock = _socket_for(address)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def begin_connect(address: str, port: int) -> socket.socket:
    """A socket that is connecting to a numeric address. Raises: OSError."""
    sock = _socket_for(address)
    try:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _socket_for(address: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)


def tls_context() -> "ssl.SSLContext":
    """The system's certificate authorities, host names checked."""
    import ssl

    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Network:
    """What an HttpClient uses of the system."""

    resolve: Resolve = resolve
    connect: Connect = connect
    begin_connect: BeginConnect = begin_connect
    tls_context: "Callable[[], ssl.SSLContext]" = tls_context
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


def connect_first(network: Network, addresses: Sequence[str], port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first of `addresses` that answers; each gets its share of the time left.

    Raises: ConnectionFailed, RequestTimeout; LocalTrouble where this machine lacks the resources to connect.
    """
    tried = addresses[:MAX_ADDRESSES_TRIED]
    failures: list[str] = []
    cause: OSError | None = None
    for number, address in enumerate(tried):
        share = deadline.remaining(f"connecting to {address}") / (len(tried) - number)
        try:
            return network.connect(address, port, share)
        except OSError as err:
            _raise_if_exhausted(err)
            failures.append(f"{address} port {port}: {err.strerror or err}")
            cause = err
    if isinstance(cause, TimeoutError):
        raise deadline.timed_out(f"connecting to {tried[-1]}") from cause
    raise _no_connection("; ".join(failures), deadline) from cause


class Connecting:
    """A connection that is being made to one address, while nobody waits for it. Raises: as `connect_first`."""

    def __init__(self, network: Network, address: str, port: int, deadline: Deadline) -> None:
        self._where = f"{address} port {port}"
        self._deadline = deadline
        self._doing = f"connecting to {address}"
        deadline.remaining(self._doing)
        try:
            self._sock = network.begin_connect(address, port)
        except OSError as err:
            raise self._failure(err) from err

    def fileno(self) -> int:
        """The descriptor that can be written when the attempt has ended."""
        return self._sock.fileno()

    def close(self) -> None:
        """Give up."""
        self._sock.close()

    def connected(self) -> socket.socket | None:
        """The connection; None while it is being made. After an error it is closed."""
        try:
            self._deadline.remaining(self._doing)
            error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise self._failure(OSError(error, os.strerror(error)))
            self._sock.getpeername()
        except TaskFailure:
            self.close()
            raise
        except OSError:
            return None
        return self._sock

    def _failure(self, err: OSError) -> TaskFailure:
        _raise_if_exhausted(err)
        if isinstance(err, TimeoutError):
            return self._deadline.timed_out(self._doing)
        return _no_connection(f"{self._where}: {err.strerror or err}", self._deadline)


def _raise_if_exhausted(err: OSError) -> None:
    if err.errno in EXHAUSTED and (trouble := local_trouble(err)):
        raise trouble from err


def _no_connection(tried: str, deadline: Deadline) -> ConnectionFailed:
    return ConnectionFailed(f"{deadline.url}: no connection ({tried}); check that the server runs and is reachable")


class Resolver:
    """Name lookups that end at a deadline: `getaddrinfo` has no time-out, so each runs in a thread of its own.

    A thread whose lookup comes too late is left to end by itself, as nothing can interrupt it; as a daemon, it does
    not delay the end of the process.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._slots = threading.BoundedSemaphore(MAX_LOOKUPS)

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """The addresses of `host`, each once, in the resolver's order.

        Raises: ConnectionFailed, RequestTimeout; LocalTrouble where this machine lacks the resources to ask.
        """
        doing = f"looking up {host}"
        if not self._slots.acquire(timeout=deadline.remaining(doing)):
            raise deadline.timed_out(doing)
        lookup = _Lookup(self._resolve, host, port, self._slots)
        try:
            lookup.start()
        except RuntimeError as err:  # the system gives no more threads
            self._slots.release()
            raise local_trouble(err) or err from err
        if not lookup.finished.wait(deadline.remaining(doing)):
            raise deadline.timed_out(doing)
        if not lookup.found:
            _check_descriptors()
            why = lookup.error.strerror if lookup.error and lookup.error.strerror else "no address found"
            raise ConnectionFailed(
                f"{deadline.url}: the name {host} was not resolved ({why}); check the name and the network"
            ) from lookup.error
        return list(dict.fromkeys(lookup.found))


def _check_descriptors() -> None:
    """Raise LocalTrouble where nothing can be opened: the system's resolver reports an unknown name then."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as err:
        if trouble := local_trouble(err):
            raise trouble from err


class _Lookup(threading.Thread):
    def __init__(self, resolve: Resolve, host: str, port: int, slots: threading.BoundedSemaphore) -> None:
        super().__init__(name=f"lookup-{host}", daemon=True)
        self._resolve = resolve
        self._where = (host, port)
        self._slots = slots
        self.finished = threading.Event()
        self.found: Sequence[str] = ()
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            self.found = self._resolve(*self._where)
        except OSError as err:
            self.error = err
        finally:
            self._slots.release()
            self.finished.set()
