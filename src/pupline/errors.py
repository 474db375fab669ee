"""Every error pupline raises on purpose, on one page.

Split by who must act. A `DefinitionError` (see `pupline.asl`) is for whoever wrote the state machine, a
`ConfigurationError` for whoever runs pupline, and a `TaskFailure` for the workflow itself: its class name is the Error
Name that `Retry` and `Catch` match, on AWS and on one machine alike, so these names are a contract. Anything else that
escapes is a bug of ours.

Each `TaskFailure` class says what its execution's audit record will hold (`outcome`, `reason`); `reason_of` gives that
from the bare name, which is all the workflow's failure path has.
"""

import errno
import json
from collections.abc import Mapping
from typing import ClassVar, Literal

Outcome = Literal["stored", "duplicate", "quarantined", "refused", "failed"]

FAILING_OUTCOMES: frozenset[Outcome] = frozenset({"failed", "refused"})
"""Of items that gave no image at all."""

UNACCEPTED_OUTCOMES: frozenset[Outcome] = FAILING_OUTCOMES | {"quarantined"}
"""Of items without an image that was accepted."""

THRESHOLD_EXCEEDED = "States.ExceedToleratedFailureThreshold"
"""The Error Name of a Distributed Map, and so of every run, of which more items failed than were tolerated."""

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
    "hash_mismatch",
    "source_error",
    "invalid_input",
    "storage_error",
    "stopped",
    "internal_error",
]


class PuplineError(Exception):
    """The root of all errors raised on purpose."""


class ConfigurationError(PuplineError):
    """What the operator configured or typed cannot work: exit code 2 and one clear line."""


class BackendUnavailable(PuplineError):
    """A deployed stack could not be asked, or could not answer now; the same command may work in a moment."""


class ReplayMismatch(PuplineError):
    """The journal does not fit what the definition or the engine asks for now: going on would be a guess."""


class TaskFailure(PuplineError):
    """A function could not do its work; the class name is the Error Name that Retry and Catch see.

    details: facts about it, such as the `source_url` that was asked. Its text is the message alone, or with details a
    JSON object of the message and them, because the Cause is all that a Catcher is given.
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
        """Whether another attempt may go better: at once, or after the pause that a RetryAfter asks for."""
        return self.retryable

    def __str__(self) -> str:
        return json.dumps({"message": self.message, **self.details}) if self.details else self.message


class Refusal(TaskFailure):
    """Pupline could have gone on, and will not: a rule of safety says no. Never retried."""

    outcome: ClassVar[Outcome] = "refused"


class BlockedAddress(Refusal):
    """The host is, or resolves to, an address or origin that an image API has no business naming."""

    reason: ClassVar[Reason] = "blocked_address"


class InvalidUrl(Refusal):
    """The URL is malformed, spelt to deceive, or of another scheme than http and https."""

    reason: ClassVar[Reason] = "invalid_url"


class TooLarge(Refusal):
    """The body, or the header block, is larger than the limit."""

    reason: ClassVar[Reason] = "too_large"


class TooManyRedirects(Refusal):
    """More redirects than the limit, or a loop of them."""

    reason: ClassVar[Reason] = "too_many_redirects"


class RobotsDisallowed(Refusal):
    """The host's robots.txt, or the answer's X-Robots-Tag, does not want the image collected."""

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
    """Looking at the body raised an error that says nothing about it: our mistake, or too much memory was needed."""


class InspectionTimeout(TaskFailure):
    """The body was there, but what it is was not found out within the deadline: not retried, it would not be."""

    reason: ClassVar[Reason] = "timeout"


class IncompleteBody(TaskFailure):
    """The body ended before its Content-Length, or before its last chunk."""

    reason: ClassVar[Reason] = "incomplete_body"
    retryable: ClassVar[bool] = True


class ServerError(TaskFailure):
    """The server answered 500, 502, 503, 504 or a like status of a network in front, without a usable Retry-After."""

    reason: ClassVar[Reason] = "server_error"
    retryable: ClassVar[bool] = True


class TooManyRequests(TaskFailure):
    """The server answered 429 without a usable Retry-After."""

    reason: ClassVar[Reason] = "rate_limited"
    retryable: ClassVar[bool] = True


class RetryAfter(TaskFailure):
    """The server asked, by Retry-After, to come back in `seconds` (0 to 60): a Wait state of the workflow does that.

    `retry_after_seconds` is among its details: the Wait state needs the number.
    """

    reason: ClassVar[Reason] = "rate_limited"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.details["retry_after_seconds"] = seconds

    @property
    def is_transient(self) -> bool:
        """It may; the pause is not a Retrier's to choose, so it is not `retryable`."""
        return True


class HashMismatch(TaskFailure):
    """The bytes are not those whose hash or size the source declared. Never stored."""

    reason: ClassVar[Reason] = "hash_mismatch"


class NotFound(TaskFailure):
    """The server answered 404 or 410, or the API knows no such breed."""

    reason: ClassVar[Reason] = "not_found"


class HttpError(TaskFailure):
    """Any other answer than 200 with a body: not retried.

    `status` is among its details, where the answer was HTTP at all and its status is what was wrong.
    """

    reason: ClassVar[Reason] = "http_error"


class SourceError(TaskFailure):
    """The API answered, but with an error or with something that is not of its documented shape."""

    reason: ClassVar[Reason] = "source_error"


class UnreadableAnswer(SourceError):
    """The API answered with something that is not JSON: cut short, or a page for people. It may be whole next time."""

    retryable: ClassVar[bool] = True


class InvalidInput(TaskFailure):
    """The function's event is not of the documented shape."""

    reason: ClassVar[Reason] = "invalid_input"


class StorageError(TaskFailure):
    """The object store or the audit table could not do it now (throttled, unreachable, disk full)."""

    reason: ClassVar[Reason] = "storage_error"
    retryable: ClassVar[bool] = True


class LocalTrouble(StorageError):
    """This machine cannot go on, whichever image is at hand: no room, no permission, no memory, too few descriptors.

    It is never an image's outcome. It ends the run with one line, and what is unfinished stays so, to be resumed.
    """

    retryable: ClassVar[bool] = False


class DamagedDatabase(LocalTrouble):
    """The database does not hold what was written: exit code 2, and nothing is changed before somebody looks at it."""


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
"""Numbers of system errors that are local trouble even where a network was asked."""

_SQLITE = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_IOERR": errno.EIO, "SQLITE_READONLY": errno.EROFS}


def local_trouble(err: BaseException) -> LocalTrouble | None:
    """What an error of Python or of the system tells of this machine; None where it tells of something else.

    A failed import counts where the library is there and could not be loaded into memory.
    """
    if isinstance(err, LocalTrouble):
        return err
    text = " ".join(str(err).split())
    meaning: tuple[str, str] | None = None
    if isinstance(err, MemoryError) or (isinstance(err, SystemError) and "without exception set" in text):
        meaning = _NO_MEMORY  # the other is what parts of CPython make of it, where they cannot even make a MemoryError
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
        meaning = next((_MEANINGS[number] for start, number in _SQLITE.items() if name.startswith(start)), None)
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
    """How many items gave no image. outcomes: outcome to number of items."""
    return sum(outcomes.get(outcome, 0) for outcome in FAILING_OUTCOMES)


def count_unaccepted(outcomes: Mapping[str, int]) -> int:
    """How many items gave no image that was accepted. outcomes: outcome to number of items."""
    return sum(outcomes.get(outcome, 0) for outcome in UNACCEPTED_OUTCOMES)


def reason_of(error: str) -> Reason:
    """The audit reason for an Error Name; `internal_error` for names that are not ours."""
    return _REASONS.get(error, "internal_error")
