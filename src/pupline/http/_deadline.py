"""One deadline for all that a request waits for."""

import os
import threading
from collections.abc import Callable, Sequence

from pupline.errors import ConnectionFailed, RequestTimeout, local_trouble
from pupline.text import plain_number, printable

Resolve = Callable[[str, int], Sequence[str]]

# Lookups that a dead name server keeps in the air, per client; more wait for their turn, within their own deadlines.
MAX_LOOKUPS = 64


class Deadline:
    """The moment by which a whole request must be over, and what errors call the request.

    url: what is asked for, or anything whose text that is; it is turned into text only for an error.
    """

    __slots__ = ("_asked", "_at", "_here", "_monotonic", "_timeout_seconds")

    def __init__(self, timeout_seconds: float, monotonic: Callable[[], float], url: object) -> None:
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._at = monotonic() + timeout_seconds
        self._asked = self._here = url

    @property
    def url(self) -> str:
        """The URL that is asked for now, fit for a message, with the one that redirected to it."""
        here = printable(str(self._here))
        return here if self._here is self._asked else f"{here} (redirected from {printable(str(self._asked))})"

    def redirected(self, url: object) -> None:
        """The request goes on at `url`."""
        self._here = url

    def called(self, name: object) -> "Deadline":
        """The same moment, for a part of the request that errors call by another name."""
        same = Deadline(self._timeout_seconds, self._monotonic, name)
        same._at = self._at
        return same

    def sooner(self, timeout_seconds: float) -> "Deadline":
        """A deadline in `timeout_seconds`, or this one, whichever is earlier, for the same request."""
        early = Deadline(timeout_seconds, self._monotonic, self._here)
        return early if early._at < self._at else self

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._at <= self._monotonic()

    def remaining(self, doing: str) -> float:
        """The seconds left, above 0, for `doing`. Raises: RequestTimeout when there are none."""
        left = self._at - self._monotonic()
        if left <= 0:
            raise self.passed(doing)
        return left

    def passed(self, doing: str) -> RequestTimeout:
        """The error to raise when time ran out while `doing`."""
        return RequestTimeout(
            f"{self.url}: not done after {plain_number(self._timeout_seconds)} s, while {doing}; "
            "try again later, or allow more time with --timeout"
        )


class BoundedResolver:
    """Name lookups that end at a deadline: `getaddrinfo` knows no time-out, so each runs in a thread of its own.

    A thread whose lookup comes too late is left to end by itself, as nothing can interrupt it; it is a daemon, so it
    does not hold up the end of the process either.
    """

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._turns = threading.BoundedSemaphore(MAX_LOOKUPS)

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """The addresses of `host`, each once, in the resolver's order.

        Raises: ConnectionFailed, RequestTimeout; LocalTrouble where this machine has nothing left to ask with.
        """
        doing = f"looking up {host}"
        if not self._turns.acquire(timeout=deadline.remaining(doing)):
            raise deadline.passed(doing)
        lookup = _Lookup(self._resolve, host, port, self._turns)
        try:
            lookup.start()
        except RuntimeError as err:  # the system gives no more threads
            self._turns.release()
            raise local_trouble(err) or err from err
        if not lookup.finished.wait(deadline.remaining(doing)):
            raise deadline.passed(doing)
        if not lookup.found:
            _check_descriptors()
            why = lookup.error.strerror if lookup.error and lookup.error.strerror else "no address found"
            raise ConnectionFailed(
                f"{deadline.url}: the name {host} was not resolved ({why}); check the name and the network"
            ) from lookup.error
        return list(dict.fromkeys(lookup.found))


def _check_descriptors() -> None:
    """Raise LocalTrouble where nothing can be opened: the system's resolver then says that the name is not known."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as err:
        if trouble := local_trouble(err):
            raise trouble from err


class _Lookup(threading.Thread):
    def __init__(self, resolve: Resolve, host: str, port: int, turns: threading.BoundedSemaphore) -> None:
        super().__init__(name=f"lookup-{host}", daemon=True)
        self._resolve = resolve
        self._where = (host, port)
        self._turns = turns
        self.finished = threading.Event()
        self.found: Sequence[str] = ()
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            self.found = self._resolve(*self._where)
        except OSError as err:
            self.error = err
        finally:
            self._turns.release()
            self.finished.set()
