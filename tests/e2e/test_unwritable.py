"""A data directory that cannot be written is read all the same; what cannot be done there is one line."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.shared.installed import PUPLINE

pytestmark = pytest.mark.long

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
FULL = 'mount -t tmpfs -o size=200k none "$0" && { dd if=/dev/zero of="$0/fill" bs=4k 2>/dev/null; exec "$@"; }'


def within(script: str, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`pupline ARGUMENTS` where a file system of its own is mounted at `place`, for this command alone."""
    command = ["unshare", "--mount", "sh", "-c", script, str(place), PUPLINE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def may_mount(place: Path) -> bool:
    """Whether this machine lets the tests mount anything."""
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(place), "true"]
    return (
        shutil.which("unshare") is not None and not subprocess.run(command, capture_output=True, check=False).returncode
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a run of three, whose WAL still holds a row, as after a kill."""
    if not may_mount(tmp_path):
        pytest.skip("no file systems can be mounted here")
    made = tmp_path / "made"
    command = [PUPLINE, "run", "--source", "sample", "--count", "3", "--run-id", "r", "--data", str(made)]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    connection = sqlite3.connect(made / "pupline.sqlite", isolation_level=None)
    connection.execute("UPDATE executions SET name = 'only-in-the-wal' WHERE name = 'r-00003'")
    copy = tmp_path / "data"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("*-shm"))
    connection.close()
    return copy


READING = [("audit",), ("alerts",), ("executions",), ("executions", "r-00001"), ("insights",), ("audit", "--json")]


@pytest.mark.parametrize("wal", ["with a WAL", "without"])
def test_reading_commands_read_what_cannot_be_written(data: Path, wal: str) -> None:
    """All of it, also what is in the WAL alone; the directory stays as it is, byte for byte."""
    if wal == "without":
        connection = sqlite3.connect(data / "pupline.sqlite")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    before = {path: path.read_bytes() for path in data.iterdir() if path.is_file()}
    for command in READING if wal == "with a WAL" else READING[:2]:
        done = within(READ_ONLY, data, *command, "--data", str(data))
        assert done.returncode == 0, (command, done.stderr)
        assert done.stderr == "" or "Traceback" not in done.stderr
    assert "only-in-the-wal" in within(READ_ONLY, data, "executions", "--data", str(data)).stdout
    doctor = within(READ_ONLY, data, "doctor", "--data", str(data)).stdout
    assert "3 audit records" in doctor
    assert {path: path.read_bytes() for path in data.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--source", "sample"),
        ("resume",),
        ("ingest", "sample"),
        ("ingest", "sample", "--workflow"),
        ("subscribe", "console"),
        ("prune", "--older-than", "1d"),
    ],
    ids=" ".join,
)
def test_commands_that_write_say_that_they_cannot(data: Path, command: tuple[str, ...]) -> None:
    """One line that says what to do."""
    done = within(READ_ONLY, data, *command, "--data", str(data))
    assert done.returncode in {1, 2}
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "read-only" in done.stderr or "cannot be written" in done.stderr


@pytest.mark.parametrize("command", [("run", "--source", "sample"), ("ingest", "sample"), ("subscribe", "console")])
def test_a_disk_without_a_byte_is_one_line(data: Path, command: tuple[str, ...]) -> None:
    """Also the lock's process id is a byte too many."""
    disk = data.parent / "disk"
    disk.mkdir()
    done = within(FULL, disk, *command, "--data", str(disk))
    assert done.returncode in {1, 2}
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "room" in done.stderr


def test_another_users_directory_is_read_where_its_files_may_be(data: Path) -> None:
    """With the right to read and no other, all reading commands work; without it there is one line."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become somebody else")
    as_nobody = 'mount --bind "$0" /mnt && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@" --data /mnt'
    refused = within(as_nobody, data, "audit")
    if "Permission denied" in refused.stderr and "pupline:" not in refused.stderr:
        pytest.skip("this interpreter is root's alone")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused.stderr
    for path in [data, *data.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert "only-in-the-wal" in within(as_nobody, data, "executions").stdout
    for command in ("audit", "alerts", "insights"):
        done = within(as_nobody, data, command)
        assert done.returncode == 0, done.stderr
