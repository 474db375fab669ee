"""All errors that pupline raises on purpose.

They are split by who must act: on a `DefinitionError` (see `pupline.asl`) the author of the state machine, on a
`ConfigurationError` the operator, and on a `TaskFailure` the workflow: its class name is the Error Name that `Retry`
and `Catch` match, on AWS and on one machine, so these names are a contract. Any other exception is a bug of ours.

Each `TaskFailure` class has the `outcome` and `reason` of the audit record. `reason_of` finds the reason by the name,
which is all that the workflow's failure path has.
"""

import errno
import json
from collections.abc import Mapping
from typing import ClassVar, Literal

Outcome = Literal["stored", "duplicate", "quarantined", "refused", "failed"]

FAILING_OUTCOMES: frozenset[Outcome] = frozenset({"failed", "refused"})
"""Of items without any image."""

ACCEPTED_OUTCOMES: frozenset[Outcome] = frozenset({"stored", "duplicate"})
"""Of items with an accepted image."""

UNACCEPTED_OUTCOMES: frozenset[Outcome] = FAILING_OUTCOMES | {"quarantined"}
"""Of items without an accepted image."""

THRESHOLD_EXCEEDED = "States.ExceedToleratedFailureThreshold"
"""The Error Name of a Distributed Map, and so of every run, with more failed items than tolerated."""

Reason = Literal[
    # stored
    "accepted",
    "renamed",
    # duplicate
    "same_content",
    "not_modified",
    # quarantined
    "not_an_image",
    "damaged_image",
    "too_many_pixels",
    "hash_mismatch",
    # refused
    "blocked_address",
    "invalid_url",
    "too_large",
    "too_many_redirects",
    "robots_disallowed",
    # failed
    "not_found",
    "http_error",
    "server_error",
    "rate_limited",
    "timeout",
    "connection_error",
    "incomplete_body",
    "source_error",
    "invalid_input",
    "storage_error",
    "stopped",
    "internal_error",
]


class PuplineError(Exception):
    """The base class of all errors raised on purpose."""


class ConfigurationError(PuplineError):
    """An option or a setting that cannot work: exit code 2 and one clear line."""


class NoSuchName(ConfigurationError):
    """No execution or run has the name that was given."""


class DirectoryInUse(ConfigurationError):
    """Another process holds the data directory."""


class BackendUnavailable(PuplineError):
    """A deployed stack cannot be reached now; the same command may work in a moment."""


class ReplayMismatch(PuplineError):
    """The journal does not match the definition or the engine: to continue would be a guess."""


class TaskFailure(PuplineError):
    """A task failed; the class name is the Error Name that Retry and Catch match.

    details: facts such as the `source_url`. The text is the message, or with details a JSON object of both, because a
    Catcher gets nothing but the Cause.
    """

    outcome: ClassVar[Outcome] = "failed"
    reason: ClassVar[Reason] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, str | int] = {}

    @property
    def is_transient(self) -> bool:
        """Whether another attempt may succeed, at once or after the pause that the server asked for."""
        return self.retryable

    def __str__(self) -> str:
        return json.dumps({"message": self.message, **self.details}) if self.details else self.message


class Refusal(TaskFailure):
    """A safety rule forbids it. Never retried."""

    outcome: ClassVar[Outcome] = "refused"


class BlockedAddress(Refusal):
    """The host is, or resolves to, an address or origin that is not public and not allowed."""

    reason: ClassVar[Reason] = "blocked_address"


class InvalidUrl(Refusal):
    """The URL is malformed or deceptive, or has another scheme than http and https."""

    reason: ClassVar[Reason] = "invalid_url"


class TooLarge(Refusal):
    """The body, or the header block, is larger than the limit."""

    reason: ClassVar[Reason] = "too_large"


class TooManyRedirects(Refusal):
    """More redirects than the limit, or a redirect loop."""

    reason: ClassVar[Reason] = "too_many_redirects"


class RobotsDisallowed(Refusal):
    """The host's robots.txt, or the X-Robots-Tag of the response, disallows the image."""

    reason: ClassVar[Reason] = "robots_disallowed"


class ConnectionFailed(TaskFailure):
    """The name did not resolve, the connection was refused or reset, or TLS failed."""

    reason: ClassVar[Reason] = "connection_error"
    retryable: ClassVar[bool] = True


class RequestTimeout(TaskFailure):
    """The whole request took longer than its deadline, or the server answered 408 or 425."""

    reason: ClassVar[Reason] = "timeout"
    retryable: ClassVar[bool] = True


class InspectionFailed(TaskFailure):
    """The inspection of the body raised an error that says nothing about it: a bug of ours, or no memory."""


class InspectionTimeout(TaskFailure):
    """The inspection of the body did not end within the deadline. Not retried: it would take as long again."""

    reason: ClassVar[Reason] = "timeout"


class OutOfTime(TaskFailure):
    """The execution, which is Express, ends too soon for another attempt: the time left is for its record."""

    reason: ClassVar[Reason] = "timeout"


class IncompleteBody(TaskFailure):
    """The body ended before its Content-Length, or before its last chunk."""

    reason: ClassVar[Reason] = "incomplete_body"
    retryable: ClassVar[bool] = True


class ServerError(TaskFailure):
    """The server answered 500, 502, 503, 504 or a similar status of a proxy, without a usable Retry-After."""

    reason: ClassVar[Reason] = "server_error"
    retryable: ClassVar[bool] = True


class TooManyRequests(TaskFailure):
    """The server answered 429 without a usable Retry-After."""

    reason: ClassVar[Reason] = "rate_limited"
    retryable: ClassVar[bool] = True


class RetryAfter(TaskFailure):
    """The server asked for a pause of `seconds` (0 to 60) by Retry-After. A Wait state of the workflow waits.

    `retry_after_seconds` is among its details, for the Wait state.
    """

    reason: ClassVar[Reason] = "rate_limited"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.details["retry_after_seconds"] = seconds

    @property
    def is_transient(self) -> bool:
        """True. It is not `retryable`, because a Retrier would choose another pause."""
        return True


class LongRetryAfter(TaskFailure):
    """The server asked for a pause of more than a minute, up to a day: longer than an execution waits.

    `retry_after_seconds` is among its details.
    """

    reason: ClassVar[Reason] = "rate_limited"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.details["retry_after_seconds"] = seconds

    @property
    def is_transient(self) -> bool:
        """True, in another run. It is not `retryable`: a Retrier would ask again within the pause."""
        return True


class NotFound(TaskFailure):
    """The server answered 404 or 410, or the API does not have the breed."""

    reason: ClassVar[Reason] = "not_found"


class HttpError(TaskFailure):
    """Any other response than 200 with a body. Not retried.

    `status` is among its details, where the status of a valid response is the error.
    """

    reason: ClassVar[Reason] = "http_error"


class SourceError(TaskFailure):
    """The API answered with an error, or not in its documented shape."""

    reason: ClassVar[Reason] = "source_error"


class UnreadableAnswer(SourceError):
    """The API answered with something other than JSON: a cut body, or an HTML page. The next answer may be valid."""

    retryable: ClassVar[bool] = True


class InvalidInput(TaskFailure):
    """The task's input does not have the documented shape."""

    reason: ClassVar[Reason] = "invalid_input"


class StorageError(TaskFailure):
    """The object store or the audit table failed now (throttled, unreachable, disk full)."""

    reason: ClassVar[Reason] = "storage_error"
    retryable: ClassVar[bool] = True


class LocalTrouble(StorageError):
    """This machine cannot continue with any image: no space, no permission, no memory, too few descriptors.

    It is never an image's outcome. It ends the run with one line, and unfinished items can be resumed.
    """

    retryable: ClassVar[bool] = False


class DamagedDatabase(LocalTrouble):
    """The database does not have what was written: exit code 2, and nothing is changed until the operator acts."""


_NO_ROOM = ("no room is left", "free some space")
_DENIED = ("permission is denied", "look at its owner and its permissions, and at those of the directories above it")
_NO_MEMORY = (
    "no memory is left",
    "raise its limit (ulimit -v, or the container's), or ask for less at once with --concurrency",
)
_NO_THREADS = (
    "the system starts no further thread",
    "raise the limits of processes and memory (ulimit -u, ulimit -v, or the container's), or lower --concurrency",
)
_MEANINGS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: _NO_ROOM,
    errno.EROFS: ("the file system is read-only", "mount it for writing, or give another data directory with --data"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EXDEV: (
        "the data directory is spread over several file systems",
        "mount the whole of it as one, not its buckets or tmp",
    ),
    errno.EMFILE: (
        "this process may open no further file",
        "raise its limit of open files (ulimit -n), or ask for less at once with --concurrency",
    ),
    errno.ENFILE: ("the system opens no further file", "close other programs, or raise its limit (fs.file-max)"),
    errno.ENOMEM: _NO_MEMORY,
    errno.EIO: ("the disk cannot be read or written", "look at the system's log: it may be failing"),
    errno.ESTALE: ("the file system has gone away", "mount it again"),
}

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Numbers of system errors that are local trouble even in a network operation."""

_SQLITE: dict[str, tuple[str, str]] = {
    "SQLITE_FULL": _NO_ROOM,
    "SQLITE_IOERR": _MEANINGS[errno.EIO],
    "SQLITE_READONLY": _MEANINGS[errno.EROFS],
    "SQLITE_NOMEM": _NO_MEMORY,
    "SQLITE_CANTOPEN": (
        "a database cannot be opened",
        "look at the limit of open files (ulimit -n), and at the room and the permissions of --data and of TMPDIR",
    ),
    "SQLITE_BUSY": ("another program holds the database", "try again when it is done"),
}


def local_trouble(err: BaseException) -> LocalTrouble | None:
    """The trouble of this machine that an error of Python or of the system shows; None for any other error.

    A failed import counts if the library exists but could not be loaded into memory.
    """
    if isinstance(err, LocalTrouble):
        return err
    text = " ".join(str(err).split())
    meaning: tuple[str, str] | None = None
    if isinstance(err, MemoryError) or (isinstance(err, SystemError) and "without exception set" in text):
        meaning = _NO_MEMORY  # parts of CPython raise the latter where they cannot allocate a MemoryError
    elif isinstance(err, RuntimeError) and "can't start new thread" in text:
        meaning = _NO_THREADS
    elif isinstance(err, ImportError) and ("failed to map segment" in text or "allocate memory" in text):
        meaning = _NO_MEMORY
    elif isinstance(err, OSError):
        meaning = _MEANINGS.get(err.errno or 0)
        text = err.strerror or text
        if err.filename is not None:
            text = f"{text}: {err.filename!r}"
    else:
        name = getattr(err, "sqlite_errorname", "")
        meaning = next((found for start, found in _SQLITE.items() if name.startswith(start)), None)
    if meaning is None:
        return None
    what, advice = meaning
    return LocalTrouble(f"{what} ({text}): {advice}" if text else f"{what}: {advice}")


def _subclasses(cls: type[TaskFailure]) -> list[type[TaskFailure]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _subclasses(child))]


_REASONS: dict[str, Reason] = {
    **{cls.__name__: cls.reason for cls in _subclasses(TaskFailure)},
    "States.Timeout": "timeout",
    "Sandbox.Timedout": "timeout",
}


def count_failed(outcomes: Mapping[str, int]) -> int:
    """How many items have no image. outcomes: number of items by outcome."""
    return sum(outcomes.get(outcome, 0) for outcome in FAILING_OUTCOMES)


def count_unaccepted(outcomes: Mapping[str, int]) -> int:
    """How many items have no accepted image. outcomes: number of items by outcome."""
    return sum(outcomes.get(outcome, 0) for outcome in UNACCEPTED_OUTCOMES)


def reason_of(error: str) -> Reason:
    """The audit reason for an Error Name; `internal_error` for names that are not ours."""
    return _REASONS.get(error, "internal_error")
