"""Decoder processes as the pass sees them: one image at a time each, within a deadline, replaced when one dies.

So an image that crashes its decoder, or hangs in it, costs only itself. It is tried a second time in a new process
before that is held against it: the machine may have been short of memory for a moment.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from pupline.decoding._findings import are_valid
from pupline.decoding._messages import EXAMINE, HELLO, THUMBNAIL, BrokenMessage, Message, receive_reply, send
from pupline.errors import ConfigurationError, LocalTrouble
from pupline.text import plain_number

MIB = 1 << 20
THUMBNAIL_SIDE = 160
"""The longer side of a small picture, by default."""

_BOOT_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_LONGEST_STEP_SECONDS = 1.0
"""The most that counts between two looks at the clock: in a longer step this machine was asleep."""

_ATTEMPTS = 2
_END_SECONDS = 1.0
_ALARM_FACTOR = 4
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "HOME")

_BOOT = """import sys
sys.path[:] = sys.argv[5:]
from pupline.decoding._decoder import main
main(*map(int, sys.argv[1:5]))
"""


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What one image may take. seconds: by the clock. memory_mib: of address space, besides the program's own."""

    seconds: float = 30.0
    memory_mib: int = 2048
    max_pixels: int = 250_000_000


class _TimedOut(Exception):
    """The decoder has not replied in time."""


class Decoders:
    """At most `count` decoder processes, which start when they are needed. Safe in several threads."""

    def __init__(
        self, count: int, limits: DecoderLimits, start: "Callable[[DecoderLimits], DecoderProcess] | None" = None
    ) -> None:
        self.count = count
        self._limits = limits
        self._start = start or DecoderProcess
        self._idle: SimpleQueue[DecoderProcess] = SimpleQueue()
        self._lock = threading.Lock()
        self._all: set[DecoderProcess] = set()
        self._closed = False

    def examine(self, body: bytes) -> dict[str, Any]:
        """What is found in the image; or `undecodable` with its reason, and `detail`.

        Raises: ConfigurationError, LocalTrouble where no decoder can be started.
        """
        return self._ask(Message(EXAMINE, body))

    def thumbnail(self, body: bytes, side: int = THUMBNAIL_SIDE) -> dict[str, Any]:
        """A small upright JPEG of the image, of its first frame: `jpeg`, in Base64; or `undecodable`.

        side: of the longer side, in pixels. Raises: as `examine`.
        """
        return self._ask(Message(THUMBNAIL, body, side))

    def pillow_version(self) -> str:
        """The version of Pillow that decodes. Raises: as `examine`."""
        decoder = self._take()
        self._idle.put(decoder)
        return str(decoder.hello.get("pillow"))

    def retire(self) -> None:
        """End the decoders that have nothing to do. New ones start when they are needed."""
        while True:
            try:
                self._discard(self._idle.get_nowait())
            except Empty:
                return

    def close(self) -> None:
        """End all decoders at once, also while they decode."""
        with self._lock:
            self._closed = True
            decoders, self._all = self._all, set()
        for decoder in decoders:
            decoder.kill()

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: Message) -> dict[str, Any]:
        for attempt in range(_ATTEMPTS):
            decoder = self._take()
            try:
                reply = _checked(decoder.ask(request))
            except _TimedOut:
                failure = {
                    "undecodable": "timeout",
                    "detail": f"decoding it takes longer than {plain_number(self._limits.seconds)} s",
                }
            except (BrokenMessage, OSError):
                failure = {"undecodable": "crashed", "detail": f"its decoder {decoder.end()}"}
            else:
                self._idle.put(decoder)
                return reply
            self._discard(decoder)
            if self._closed:
                raise LocalTrouble("decoding was stopped")
            if attempt + 1 == _ATTEMPTS:
                return failure
        raise AssertionError

    def _take(self) -> "DecoderProcess":
        try:
            return self._idle.get_nowait()
        except Empty:
            decoder = self._start(self._limits)
        with self._lock:
            if not self._closed:
                self._all.add(decoder)
                return decoder
        decoder.kill()
        raise LocalTrouble("decoding was stopped")

    def _discard(self, decoder: "DecoderProcess") -> None:
        with self._lock:
            self._all.discard(decoder)
        decoder.kill()


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    """The reply, if it can be one of ours. Raises: BrokenMessage."""
    if not are_valid(reply):
        raise BrokenMessage
    return reply


class DecoderProcess:
    """One decoder. hello: its first message, with the versions of its libraries."""

    def __init__(self, limits: DecoderLimits, clock: Callable[[], float] = time.monotonic) -> None:
        """Start it, and wait for its first message. Raises: ConfigurationError; LocalTrouble."""
        self._seconds = limits.seconds
        self._clock = clock
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno(), limits)
        ours.settimeout(_LOOK_SECONDS)
        self._sock = ours
        try:
            self.hello = receive_reply(ours, HELLO, self._deadline(_BOOT_SECONDS))
        except (BrokenMessage, OSError, _TimedOut) as err:
            raise LocalTrouble(
                f"a decoder process cannot start (it {self.end()}): look at its messages above, give "
                "more memory with --memory, or try --workers 1"
            ) from err

    def ask(self, request: Message) -> dict[str, Any]:
        """The reply to this request. Raises: _TimedOut; BrokenMessage, OSError where the decoder has ended."""
        wait = self._deadline(self._seconds)
        send(self._sock, request, wait)
        return receive_reply(self._sock, request.kind, wait)

    def end(self) -> str:
        """End it, unless it has ended; how it did, for people."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return "sent an invalid reply"
        return f"ended with signal {-code}" if code < 0 else f"ended with status {code}"

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._sock.close()

    def _deadline(self, seconds: float) -> Callable[[], None]:
        """What to call while waiting: it raises _TimedOut after so many seconds, those of a sleeping machine apart."""
        waited, looked_at = 0.0, self._clock()

        def wait() -> None:
            nonlocal waited, looked_at
            now = self._clock()
            waited += min(now - looked_at, _LONGEST_STEP_SECONDS)
            looked_at = now
            if waited > seconds:
                raise _TimedOut

        return wait


def _started(descriptor: int, limits: DecoderLimits) -> "subprocess.Popen[bytes]":
    alarm = int(limits.seconds * _ALARM_FACTOR) + 1
    numbers = (descriptor, limits.memory_mib * MIB, limits.max_pixels, alarm)
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-W", "ignore", "-c", _BOOT, *map(str, numbers), *sys.path],
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            process_group=0,  # Ctrl-C is for the pass
        )
    except OSError as err:
        raise ConfigurationError(
            f"a decoder process cannot be started ({err.strerror}); look at the limits of processes and memory, or "
            "try --workers 1"
        ) from err
