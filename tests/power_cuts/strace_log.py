"""Reads what strace recorded of some processes: which calls changed files below one directory, in order, with bytes."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = {
    *("open", "openat", "openat2", "creat", "write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek"),
    *("ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "syncfs", "sync", "sync_file_range"),
    *("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
    *("symlink", "symlinkat", "copy_file_range", "sendfile", "splice"),
}
"""Every call that changes a file, its name, or what of it is on the disk. Only SQLite's `-shm` is mapped."""

_LINE = re.compile(r"(\d+) +(.*)", re.DOTALL)
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)(?:<((?:\\x[0-9a-f]{2}|[^>])*)>)?", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_ARGUMENT = re.compile(
    r'"(?P<text>(?:\\x[0-9a-f]{2})*)"(?P<cut>\.\.\.)?'
    r"|(?P<number>\d+|AT_FDCWD)<(?P<path>(?:\\x[0-9a-f]{2}|[^>])*)>|(?P<word>[^,\s\[\]{}]+)"
)
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Opened:
    """A descriptor as an argument, with the path that it has at that moment; number -1 is the working directory."""

    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded. began, ended: lines of the log. result: its number, or the descriptor that it opened."""

    began: int
    ended: int
    name: str
    arguments: tuple["bytes | Opened | str", ...]
    result: int
    result_path: str

    @property
    def texts(self) -> list[bytes]:
        """The strings among the arguments: paths, or what was written."""
        return [one for one in self.arguments if isinstance(one, bytes)]

    @property
    def words(self) -> list[str]:
        """The numbers and flags among the arguments."""
        return [one for one in self.arguments if isinstance(one, str)]


def traced(command: Sequence[str], log: Path, kill_at: str | None = None) -> list[str]:
    """The command as strace runs it, with all its processes recorded in `log`.

    kill_at: a thread that is about to make this call is killed with its process: `fsync:5` is the fifth of a thread.
    """
    strace = shutil.which("strace") or "strace"
    options = ["-f", "-y", "-xx", "-s", str(64 << 20), "-e", f"trace={','.join(sorted(CALLS))}"]
    if kill_at:
        name, _, number = kill_at.partition(":")
        options += ["-e", f"inject={name}:signal=KILL:when={number}"]
    else:
        options.append("--seccomp-bpf")  # three times as fast, but with it strace injects nothing
    return [strace, *options, "-o", str(log), *command]


def why_not_traceable() -> str | None:
    """Why processes cannot be traced here, or None. Where CI is true, strace itself may not be missing."""
    if not shutil.which("strace"):
        assert os.environ.get("CI") != "true", "strace is not installed"
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"processes cannot be traced here: {done.stderr.strip()}"


def calls_of(log: Path) -> Iterator[Call]:
    """The calls that succeeded, in the order in which they ended.

    A call that another thread interrupted in the log is two lines; it took effect somewhere between them.
    """
    begun: dict[str, tuple[int, str]] = {}
    with log.open(encoding="ascii", errors="backslashreplace") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if not found:
                continue
            thread, text = found.groups()
            if text.endswith(_UNFINISHED):
                begun[thread] = number, text.removesuffix(_UNFINISHED)
                continue
            began = number
            if resumed := _RESUMED.match(text):
                began, before = begun.pop(thread, (number, ""))
                text = before + text[resumed.end() :]
            if (call := _CALL.match(text)) and int(call[3]) >= 0 and call[1] in CALLS:
                yield Call(began, number, call[1], _arguments(call[2]), int(call[3]), _text(call[4] or "").decode())


def _arguments(text: str) -> tuple["bytes | Opened | str", ...]:
    found: list[bytes | Opened | str] = []
    for one in _ARGUMENT.finditer(text):
        assert not one["cut"], f"strace cut a string short: {text[:80]}"
        if one["text"] is not None:
            found.append(_text(one["text"]))
        elif one["number"] is not None:
            number = -1 if one["number"] == "AT_FDCWD" else int(one["number"])
            found.append(Opened(number, _text(one["path"]).decode()))
        else:
            found.append(one["word"])
    return tuple(found)


def _text(escaped: str) -> bytes:
    """A string of strace, which with `-xx` is either all escapes or has none."""
    return bytes.fromhex(escaped.replace("\\x", "")) if escaped.startswith("\\x") else escaped.encode()
