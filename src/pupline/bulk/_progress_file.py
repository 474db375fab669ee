"""How a running ingest is doing, in a small file that other processes read: its pace, and what its hosts are doing.

The counts of a run are in the database. What only its process knows is written here about once a second, with a
rename, so that a reader sees all of it or none. It is for people to look at: a crash may lose it.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pupline.bulk._request import HostPaused

FILE_NAME = "ingest-progress.json"
MAX_HOSTS = 100
_PACE_SECONDS = 20.0
_STALE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """One host of a running ingest. queued: requests that wait for it. limit: requests at a time, None for any number.

    paused_seconds: that are left of a pause, 0.0 without one; why: for people. is_away: it does not answer.
    good: responses without trouble.
    """

    origin: str
    in_flight: int
    queued: int
    limit: int | None
    paused_seconds: float
    is_away: bool
    good: int
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """What a process has done so far. finished: images; bytes: received. hosts: how many there are in all."""

    finished: int
    bytes: int
    hosts: int


class ProgressFile:
    """Writes the file of one run, and removes it at the end of the `with` block."""

    def __init__(self, data_dir: Path, run: str, now: Callable[[], float]) -> None:
        """now: seconds since the epoch."""
        self._path = data_dir / FILE_NAME
        self._temporary = self._path.with_name(f"{FILE_NAME}.new")
        self._run = run
        self._now = now
        self._began_at = now()
        self._paces: deque[tuple[float, int, int]] = deque()
        self._why: dict[str, str] = {}

    def __enter__(self) -> "ProgressFile":
        return self

    def __exit__(self, *_error: object) -> None:
        for path in (self._path, self._temporary):  # the second one is there where a rename failed
            with suppress(OSError):  # the next run replaces it
                path.unlink(missing_ok=True)

    def paused(self, event: HostPaused) -> None:
        """Remember why a host is paused."""
        self._why[event.host] = event.why

    def write(self, pace: Pace, hosts: Sequence[HostState]) -> None:
        """Replace the file. hosts: those that matter most."""
        now = self._now()
        self._paces.append((now, pace.finished, pace.bytes))
        while len(self._paces) > 2 and now - self._paces[1][0] > _PACE_SECONDS:
            self._paces.popleft()
        begin, finished, received = self._paces[0]
        seconds = now - begin
        self._why = {one.origin: self._why[one.origin] for one in hosts if one.origin in self._why}
        found = {
            "run": self._run,
            "process": os.getpid(),
            "began_at": self._began_at,
            "at": now,
            "finished": pace.finished,
            "bytes": pace.bytes,
            "images_per_second": (pace.finished - finished) / seconds if seconds > 0 else None,
            "bytes_per_second": (pace.bytes - received) / seconds if seconds > 0 else None,
            "hosts_in_all": pace.hosts,
            "hosts": [
                {**_as_dict(one), "why": self._why.get(one.origin) if one.paused_seconds > 0 or one.is_away else None}
                for one in hosts
            ],
        }
        with suppress(OSError):  # no room for it: the run's own writes report that
            self._temporary.write_text(json.dumps(found))
            self._temporary.rename(self._path)


def progress_of(data_dir: Path, run: str, now: float) -> Mapping[str, Any] | None:
    """What the process that works on the run wrote last; None where none works on it.

    The members are those that `ProgressFile.write` gives. now: seconds since the epoch.
    """
    try:
        found = json.loads((data_dir / FILE_NAME).read_text())
        is_fresh = found["run"] == run and abs(now - float(found["at"])) < _STALE_SECONDS
        os.kill(int(found["process"]), 0)
    except PermissionError:  # of another user
        return found if is_fresh else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return found if is_fresh else None


def _as_dict(host: HostState) -> dict[str, Any]:
    """`dataclasses.asdict` would take longer than all the rest."""
    return {name: getattr(host, name) for name in HostState.__slots__}
