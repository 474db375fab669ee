"""One process at a time drives a data directory; the lock goes with the process."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from pupline.errors import ConfigurationError
from pupline.local import LocalBackend
from pupline.local.data_dir._lock import DirectoryLock

HOLDER = """
import sys, time
from pathlib import Path
from pupline.local import LocalBackend
with LocalBackend.open(Path(sys.argv[1]), exclusive=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    """Another process that holds the directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_and_told_who_is_first(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    """While one process holds the directory another gets one clear line; readers and subscribers go on."""
    with holder:
        with pytest.raises(ConfigurationError, match=rf"in use by another pupline \(process {holder.pid}\)"):
            LocalBackend.open(tmp_path, exclusive=True)
        with LocalBackend.open(tmp_path, exclusive=False) as reader:
            assert list(reader.audit.records()) == []
            assert reader.subscriptions.subscribe("console", "").endpoint == "stderr"
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        assert [one.protocol for one in backend.subscriptions.all()] == ["console"]


def test_with_the_variable_the_second_waits_and_says_for_whom(
    tmp_path: Path, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PUPLINE_WAIT in the environment another process waits, which it says, until the directory is free."""
    monkeypatch.setenv("PUPLINE_WAIT", "1")
    with (
        holder,
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as second,
    ):
        assert second.stderr is not None
        said = second.stderr.readline()
        assert said == f"pupline: {tmp_path} is in use by another pupline (process {holder.pid}); waiting for it\n"
        os.kill(holder.pid, signal.SIGKILL)
        output, errors = second.communicate(timeout=20)
        assert (output, errors.splitlines()[0]) == ("held\n", f"pupline: {tmp_path} is free now")


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    """After SIGKILL the directory is free at once."""
    with holder:
        os.kill(holder.pid, signal.SIGKILL)
    LocalBackend.open(tmp_path, exclusive=True).close()


PARENT = HOLDER.replace(
    'print("held", flush=True)',
    'import subprocess; worker = subprocess.Popen([sys.executable, "-c", WORKER], close_fds=False); worker.wait()',
).replace("import sys, time", 'import sys\nWORKER = \'print("at work", flush=True); input(); print("alive")\'')


def test_a_worker_does_not_keep_the_lock_of_its_killed_parent(tmp_path: Path) -> None:
    """No process that the holder starts has the lock, not even one that is given all descriptors there are."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        assert parent.stdout.readline() == "at work\n"
        parent.kill()
        parent.wait()
        LocalBackend.open(tmp_path, exclusive=True).close()
        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "alive\n"


def test_the_same_process_is_refused_too(tmp_path: Path) -> None:
    """Two drivers in one process would be as wrong as in two."""
    with LocalBackend.open(tmp_path, exclusive=True), pytest.raises(ConfigurationError, match=str(os.getpid())):
        LocalBackend.open(tmp_path, exclusive=True)


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    """A file where the directory should be is said in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be created"):
        LocalBackend.open(tmp_path / "file" / "data", exclusive=True)


def test_a_lock_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """A directory without permissions, say, is one line and no traceback."""

    def refuse(*_given: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with mock.patch("os.open", refuse), pytest.raises(ConfigurationError, match="lock cannot be opened for writing"):
        DirectoryLock(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_without_a_byte_still_locks(tmp_path: Path, number: int) -> None:
    """The process id inside is only for a message; what must be written says that there is no room."""

    def refuse(*_given: object) -> int:
        raise OSError(number, os.strerror(number))

    with mock.patch("os.pwrite", refuse):
        lock = DirectoryLock(tmp_path)
    with pytest.raises(ConfigurationError, match="in use by another pupline;"):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_file_system_without_locks_is_told_with_a_way_out(tmp_path: Path) -> None:
    """NFS without its lock service says ENOLCK: one line that says where the data directory could be instead."""
    refuse = mock.Mock(side_effect=OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)))
    with (
        mock.patch("fcntl.flock", refuse),
        pytest.raises(ConfigurationError, match=r"No locks available; if .* on a disk of this machine with --data"),
    ):
        DirectoryLock(tmp_path)
