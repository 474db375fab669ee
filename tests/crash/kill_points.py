"""Runs a program's work again and again, killed at the N-th step towards the disk, for every N; then finishes it.

For programs, not tests: it forks, which a process with threads (pytest's) must not. One JSON object per N on stdout:
{"point": N, "killed": true, "step": "link", "before": [problems], "after": [problems]}. Steps are counted on both sides
of every fsync, link, unlink, mkdir, syncfs and COMMIT. What is on the disk is judged from outside, with sqlite3 and os
alone.
"""

import itertools
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Trial:
    """What is killed and judged; each is given a data directory of its own for every N.

    run: does all that is left to do. before: what is wrong after a kill; after: what is wrong when a second run ended.
    """

    run: Callable[[Path], None]
    before: Callable[[Path], list[str]]
    after: Callable[[Path], list[str]]


def kill_at_every_step(base: Path, trial: Trial, arm: Callable[[int, int], None] | None = None) -> None:
    """Kill at step 1, 2, 3, ... until a run gets through. arm: instead of `kill_at`, in the process to be killed."""
    for point in itertools.count(1):
        data_dir = base / str(point)
        data_dir.mkdir()
        status, step = _killed(trial, data_dir, partial(arm or kill_at, point))
        before = trial.before(data_dir)
        finish = in_child(partial(trial.run, data_dir))
        after = trial.after(data_dir) if finish == 0 else [f"the second run ended with {finish}"]
        is_killed = status == -signal.SIGKILL
        print(json.dumps({"point": point, "killed": is_killed, "step": step, "before": before, "after": after}))  # noqa: T201
        shutil.rmtree(data_dir)
        if not is_killed:
            return


def _killed(trial: Trial, data_dir: Path, arm: Callable[[int], None]) -> tuple[int, str]:
    """How the run ended, and at which step it was killed, if it was."""
    reader, writer = os.pipe()

    def armed() -> None:
        arm(writer)
        trial.run(data_dir)

    status = in_child(armed)
    os.close(writer)
    step = os.read(reader, 100).decode()
    os.close(reader)
    return status, step


def kill_at(point: int, report: int) -> None:
    """From now on, die by SIGKILL at the given step; its name goes to the descriptor `report`."""
    numbers = itertools.count(1)
    lock = threading.Lock()

    def step(name: str) -> None:
        with lock:
            if next(numbers) == point:
                os.write(report, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def around(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            step(f"before {name}")
            result = call(*args, **kwargs)
            step(f"after {name}")
            return result

        return wrapped

    for name in ("fsync", "link", "unlink", "mkdir", "syncfs"):
        if hasattr(os, name):
            setattr(os, name, around(name, getattr(os, name)))

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *args)
            step("before COMMIT")
            result = super().execute(sql, *args)
            step("after COMMIT")
            return result

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **kwargs: connect(*args, factory=Connection, **kwargs)  # type: ignore[assignment]


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked process; how it ended (negative: the signal)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def rows(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds, by a connection that has nothing to do with pupline."""
    path = data_dir / "pupline.sqlite"
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'objects'").fetchone():
            return []
        return connection.execute(query).fetchall()
    finally:
        connection.close()
