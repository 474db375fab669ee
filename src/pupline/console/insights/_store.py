"""The figures, remembered until the data changes.

Up to some ten thousand records they are counted while the request waits. A million take longer than anyone waits, and
much memory: `pupline insights --json` counts them in a process of its own, and the page says so meanwhile. Figures of
data that keeps changing are counted again when ten times the time that the last count took has passed.
"""

import json
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pupline.console.web import Console, Problem
from pupline.errors import BackendUnavailable
from pupline.insights import Selection
from pupline.local import DATABASE_NAME
from pupline.text import printable, timestamp

Figures = Mapping[str, Any]

_FEW_RECORDS = 20_000
_PATIENCE_SECONDS = 0.7
_KEPT = 24
_WAITING = 6
_REST = 10.0
_NICE = "import os, runpy, sys; os.nice(10); sys.argv[0] = 'pupline'; runpy.run_module('pupline', run_name='__main__')"
"""The command with a low priority: an ingest comes first."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of one selection. at: when they were counted. seconds: how long that took."""

    figures: Figures
    at: float
    seconds: float
    stamp: object


@dataclass(slots=True)
class _Count:
    """A count under way."""

    done: threading.Event = field(default_factory=threading.Event)
    result: Counted | None = None
    trouble: Problem | None = None


class FigureStore:
    """The figures of one console. Any thread may ask."""

    def __init__(self, console: Console, compute: Callable[[Selection], Figures]) -> None:
        """compute: counts few records in this process."""
        self._console = console
        self._compute = compute
        self._lock = threading.Lock()
        self._known: OrderedDict[Selection, Counted] = OrderedDict()
        self._counts: dict[Selection, _Count] = {}
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        console.on_close(self.close)

    def find(self, selection: Selection, records: int, patience: float = _PATIENCE_SECONDS) -> Counted | None:
        """The figures; older ones while newer ones are counted; None where the first count is still under way.

        records: how many there are, about. Raises: Problem when too much is being counted, or counting failed.
        """
        stamp = self._stamp()
        with self._lock:
            known = self._known.get(selection)
            if known is not None:
                self._known.move_to_end(selection)
                if known.stamp == stamp or time.time() - known.at < known.seconds * _REST:
                    return known
        if records <= _FEW_RECORDS:
            return self._remember(selection, stamp, self._compute)
        count = self._started(selection, stamp)
        count.done.wait(patience)
        if count.trouble is not None:
            raise count.trouble
        return count.result or known

    def known(self, selection: Selection) -> Counted | None:
        """The figures that were counted last, if they were; nothing is counted."""
        with self._lock:
            return self._known.get(selection)

    def close(self) -> None:
        """Stop counting."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()

    def _remember(self, selection: Selection, stamp: object, compute: Callable[[Selection], Figures]) -> Counted:
        began = time.monotonic()
        figures = compute(selection)
        counted = Counted(figures, time.time(), time.monotonic() - began, stamp)
        with self._lock:
            self._known[selection] = counted
            self._known.move_to_end(selection)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return counted

    def _started(self, selection: Selection, stamp: object) -> _Count:
        with self._lock:
            count = self._counts.get(selection)
            if count is not None:
                return count
            if len(self._counts) >= _WAITING:
                raise Problem(503, "busy", "other figures are being counted; try again in a moment")
            count = self._counts[selection] = _Count()
        worker = threading.Thread(
            target=self._work, args=(selection, stamp, count), name="pupline-figures", daemon=True
        )
        try:
            worker.start()
        except RuntimeError:  # no further thread: nobody else must wait for it
            with self._lock:
                del self._counts[selection]
            raise
        return count

    def _work(self, selection: Selection, stamp: object, count: _Count) -> None:
        try:
            with self._one_at_a_time:
                count.result = self._remember(selection, stamp, self._by_command)
        except (OSError, ValueError, BackendUnavailable) as error:
            count.trouble = Problem(503, "unavailable", f"the figures could not be counted: {printable(str(error))}")
        finally:
            with self._lock:
                del self._counts[selection]
            count.done.set()

    def _by_command(self, selection: Selection) -> Figures:
        """What the command prints. Raises: OSError, ValueError, BackendUnavailable."""
        command = [sys.executable, "-P", "-c", _NICE, *command_of(selection), *self._console.settings.arguments]
        with self._lock:
            if self._closed:
                raise BackendUnavailable("the console is stopping")
            process = self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - no shell
        output, errors = process.communicate()
        if process.returncode != 0:
            raise BackendUnavailable(errors.decode("utf-8", "replace").strip() or f"exit code {process.returncode}")
        found: Figures = json.loads(output)
        return found

    def _stamp(self) -> object:
        """Changes whenever the data may have changed; on a stack, every minute."""
        settings = self._console.settings
        if settings.stack is not None:
            return int(time.time() // 60)
        database = settings.data_dir / DATABASE_NAME
        found: list[tuple[int, int, int]] = []
        for path in (database, database.with_name(f"{DATABASE_NAME}-wal")):
            with suppress(OSError):
                facts = path.stat()
                if facts.st_size:
                    found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns))
        return tuple(found)


def command_of(selection: Selection) -> list[str]:
    """The arguments of pupline that print the figures of a selection."""
    options = {
        "run": selection.run,
        "dataset": selection.dataset,
        "since": None if selection.since is None else timestamp(max(selection.since, 0.0)),
        "until": None if selection.until is None else timestamp(max(selection.until, 0.0)),
    }
    return ["insights", "--json", *[f"--{name}={value}" for name, value in options.items() if value is not None]]
