"""The file by which a test and `faults.c` share what shall go wrong, and which calls were made. The layout is C's."""

import errno
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path

CAPACITY = 30_000
"""Calls that the log has room for; later ones are counted."""


class Need(IntFlag):
    """What a call does, which decides the errors that it may meet."""

    LOOKS = 1
    READS = 2
    WRITES = 4
    NAMES = 8
    OPENS = 16
    OPENS_TO_WRITE = 32
    SYNCS = 64
    LOCKS = 128
    MAPS = 256
    STARTS = 512


class Action(IntEnum):
    """What happens at the call."""

    NOTHING = 0
    FAIL = 1
    KILL = 2
    STOP = 3
    SHORTEN = 4


class Target(IntFlag):
    """The processes that it happens to."""

    COORDINATOR = 1
    WORKER = 2


_CHANGES = Need.NAMES | Need.OPENS_TO_WRITE
_TOUCHES = Need.LOOKS | Need.READS | Need.WRITES | Need.NAMES | Need.OPENS | Need.SYNCS
NEEDS: dict[int, Need] = {
    errno.ENOSPC: Need.WRITES | Need.NAMES | Need.SYNCS,
    errno.EDQUOT: Need.WRITES | Need.NAMES | Need.SYNCS,
    errno.EIO: _TOUCHES,
    errno.EACCES: _CHANGES | Need.OPENS | Need.LOOKS,
    errno.EPERM: _CHANGES,
    errno.EROFS: _CHANGES,
    errno.EMFILE: Need.OPENS | Need.STARTS,
    errno.ENFILE: Need.OPENS | Need.STARTS,
    errno.ENOMEM: Need.LOOKS | Need.OPENS | Need.NAMES | Need.MAPS,
}
"""An error number to the calls that meet it."""

_HEADER = struct.Struct("=6i6I")
_ENTRY = struct.Struct("=ii16s104s")
FOREVER = 2**32 - 1


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, at the calls `at` <= number < `until`, of those that can."""

    action: Action = Action.NOTHING
    error: int = 0
    targets: Target = Target.COORDINATOR | Target.WORKER
    at: int = 0
    until: int = FOREVER

    @property
    def needs(self) -> Need:
        """The calls that it can happen to."""
        if self.action is Action.FAIL:
            return NEEDS[self.error]
        return Need.WRITES if self.action is Action.SHORTEN else ~Need(0)

    def __str__(self) -> str:
        what = errno.errorcode[self.error] if self.action is Action.FAIL else self.action.name
        once = " once" if self.until != FOREVER else ""
        return f"{what}{once} at {self.at} of {self.targets!r}"


@dataclass(frozen=True)
class Call:
    """One call that was made. path: below the data directory."""

    number: int
    process: int
    needs: Need
    name: str
    path: str


class PlanFile:
    """The shared file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        size = _HEADER.size + CAPACITY * _ENTRY.size
        with path.open("ab") as file:
            file.truncate(size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)

    def arm(self, fault: Fault, coordinator: int) -> None:
        """Count from 0; from now on the fault happens."""
        header = (1, coordinator, fault.action, fault.error, fault.targets, int(fault.needs) & 0xFFFF)
        self._map[_HEADER.size :] = bytes(CAPACITY * _ENTRY.size)
        self._map[: _HEADER.size] = _HEADER.pack(*header, fault.at, fault.until, 0, 0, 0, CAPACITY)

    def disarm(self) -> None:
        """Nothing goes wrong any more, and nothing is counted."""
        self._map[:4] = bytes(4)

    @property
    def struck(self) -> Call | None:
        """The first call that went wrong, if one did."""
        *_, struck, number, _ = _HEADER.unpack(self._map[: _HEADER.size])
        return self._call(number) if struck else None

    def calls(self) -> Iterator[Call]:
        """All that were made since `arm`."""
        *_, count, _, _, _ = _HEADER.unpack(self._map[: _HEADER.size])
        return (self._call(number) for number in range(min(count, CAPACITY)))

    def _call(self, number: int) -> Call:
        start = _HEADER.size + number * _ENTRY.size
        process, needs, name, path = _ENTRY.unpack(self._map[start : start + _ENTRY.size])
        return Call(number, process, Need(needs), _text(name), _text(path))


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
