"""One deadline for everything that a request waits for."""

from collections.abc import Callable

from pupline.errors import RequestTimeout
from pupline.text import plain_number, printable


class Deadline:
    """The moment by which a whole request must be done, and the text that errors begin with: its `url`.

    url: the requested URL, or any other object; its text is made only for an error.
    """

    __slots__ = ("_at", "_monotonic", "_requested", "_timeout_seconds", "_url")

    def __init__(self, timeout_seconds: float, monotonic: Callable[[], float], url: object) -> None:
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._at = monotonic() + timeout_seconds
        self._requested = self._url = url

    @property
    def url(self) -> str:
        """The URL that is requested now, fit for a message, with the one that redirected to it."""
        url = printable(str(self._url))
        return url if self._url is self._requested else f"{url} (redirected from {printable(str(self._requested))})"

    def __str__(self) -> str:
        return self.url

    def redirect(self, url: object) -> None:
        """The request continues at `url`."""
        self._url = url

    def renamed(self, name: object) -> "Deadline":
        """The same moment, for a part of the request that errors call by another name."""
        same = Deadline(self._timeout_seconds, self._monotonic, name)
        same._at = self._at
        return same

    def sooner(self, timeout_seconds: float) -> "Deadline":
        """A deadline in `timeout_seconds`, or this one, whichever is earlier, for the same request."""
        early = Deadline(timeout_seconds, self._monotonic, self._url)
        return early if early._at < self._at else self

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._at <= self._monotonic()

    def remaining(self, doing: str) -> float:
        """The seconds left, above 0, for `doing`. Raises: RequestTimeout when there are none."""
        left = self._at - self._monotonic()
        if left <= 0:
            raise self.timed_out(doing)
        return left

    def timed_out(self, doing: str) -> RequestTimeout:
        """The error to raise when time ran out while `doing`."""
        return RequestTimeout(
            f"{self.url}: not done after {plain_number(self._timeout_seconds)} s, while {doing}; "
            "try again later, or allow more time with --timeout"
        )
