"""Lists that can be read only once (standard input, pipes, sockets, terminals) are kept as files first.

So a resumed run finds its list again, and the beginning of a list can be inspected before it is read.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final, cast

from pupline.errors import ConfigurationError, StorageError
from pupline.files import fsync_directory
from pupline.text import printable

STANDARD_INPUT: Final = "-"

_CHUNK: Final = 1024 * 1024
_PIPED = re.compile(
    r"(?P<file>-|/dev/stdin|/dev/fd/[0-9]+|/proc/(?:self|thread-self|[0-9]+)/fd/[0-9]+)(?P<column>#[^#/]+)?"
)


def is_piped(value: str) -> bool:
    """Whether `value`, maybe with a column, names a list that can be read only once."""
    if _PIPED.fullmatch(value):
        return True
    file = _split(value)[0]
    try:
        mode = os.stat(file).st_mode  # noqa: PTH116 - a name that no path can have is not a pipe
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def keep_piped(value: str, lists: Path, spare: Path) -> str:
    """The name of a file below `lists` with the whole list that `value` names; with its column.

    Equal lists share a file. spare: a folder on the same disk for the unfinished file.
    Raises: ConfigurationError for a list that cannot be read; StorageError for one that cannot be kept.
    """
    file, column = _split(value)
    try:
        for needed in (lists, spare):
            needed.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="list-", dir=spare) as folder:
            part = Path(folder) / "list"
            digest = _copied(file, part)
            kept = lists.absolute() / digest[:16] / _name(file)
            kept.parent.mkdir(exist_ok=True)
            if not kept.exists():  # a run may be reading it
                part.replace(kept)
            _made_durable(kept.parent, lists)
    except OSError as err:
        raise StorageError(f"{lists}: the list cannot be kept: {err.strerror}") from err
    return f"{kept}{column}"


@contextmanager
def piped_for_now(value: str) -> Iterator[str]:
    """`value`, or the name of a temporary file with a list that can be read only once."""
    if not is_piped(value):
        yield value
        return
    with TemporaryDirectory(prefix="pupline-") as folder:
        yield keep_piped(value, Path(folder) / "lists", Path(folder))


def _split(value: str) -> tuple[str, str]:
    found = re.fullmatch(r"(?P<file>.+?)(?P<column>#[^#/]+)?", value, re.DOTALL)
    if found is None or os.path.exists(value):  # noqa: PTH110 - as above
        return value, ""
    return found["file"], found["column"] or ""


def _name(file: str) -> str:
    """The name of the list in records: the pipe's own name, if it has one."""
    if file in (STANDARD_INPUT, "/dev/stdin"):
        return "stdin"
    return "pipe" if _PIPED.fullmatch(file) else Path(file).name


def _copied(file: str, part: Path) -> str:
    """Copy `file` to `part`; its SHA-256 in hexadecimal."""
    digest = sha256()
    with _opened(file) as stream, part.open("wb") as out:
        while chunk := _read(stream, file):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _read(stream: IO[bytes], file: str) -> bytes:
    try:
        return stream.read(_CHUNK)
    except OSError as err:
        raise ConfigurationError(f"list {printable(file)}: it cannot be read: {err.strerror}") from err


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == STANDARD_INPUT:
        if sys.stdin is None:
            raise ConfigurationError("list -: standard input is closed; name a file, or pipe the list in")
        yield cast(IO[bytes], sys.stdin.buffer)
        return
    try:
        stream = open(file, "rb")  # noqa: SIM115, PTH123 - closed below
    except OSError as err:
        raise ConfigurationError(f"list {printable(file)}: it cannot be read: {err.strerror}") from err
    with stream:
        yield stream


def _made_durable(*folders: Path) -> None:
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            fsync_directory(handle)
        finally:
            os.close(handle)
