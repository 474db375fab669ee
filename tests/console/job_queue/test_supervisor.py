"""The process between the console and a command, on a disk without room."""

import errno
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.console.job_queue import _supervisor
from pupline.console.job_queue._supervisor import supervise

# The supervisor leaves it to its end to close what it has opened.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PROGRAM = [sys.executable, "-I", "-S", "-c", "print('done')"]


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    """The job's lock, as a descriptor."""
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def failing(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The call, which finds no room so many times."""
    left = iter(range(times))

    def fails(*arguments: Any) -> Any:
        if next(left, None) is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(*arguments)

    return fails


def test_a_command_goes_on_on_a_full_disk(tmp_path: Path, lock: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """That its process ID could not be written ends nothing; how it ended is written as soon as there is room."""
    monkeypatch.setattr(_supervisor, "write_durably", failing(_supervisor.write_durably, 4))
    monkeypatch.setattr(_supervisor, "_PAUSES", (0.0,) * 5)
    supervise(tmp_path, lock, PROGRAM)
    assert (tmp_path / "head").read_text() == "done\n"
    assert json.loads((tmp_path / "result").read_text())["exit_code"] == 0


@pytest.mark.parametrize("what", ["bytes", "name"])
def test_a_command_that_could_not_begin_begins_later(
    tmp_path: Path, lock: int, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Where the mark that it has begun cannot be made durable, it has not, and the next attempt does it once."""
    fsync = os.fsync
    fails = failing(fsync, 1)

    def failing_once(descriptor: int) -> None:
        is_name = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        (fails if is_name == (what == "name") else fsync)(descriptor)

    monkeypatch.setattr(os, "fsync", failing_once)
    with pytest.raises(OSError, match="No space left"):
        supervise(tmp_path, lock, PROGRAM)
    assert not (tmp_path / "started").exists()
    supervise(tmp_path, lock, PROGRAM)
    supervise(tmp_path, lock, PROGRAM)
    assert (tmp_path / "head").read_text() == "done\n"
