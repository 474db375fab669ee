"""The path of an object in its bucket's directory.

A key is any text of 1 to 1,024 bytes; a path is what a file system accepts. The path is the key wherever possible. An
object gets another path, and keeps its key, when the key is not a safe path (`..`, an empty part, a part over 255
bytes), or when the path is taken: by a name that some file system considers equal (`Rex.jpg` and `rex.jpg`; é as one or
two code points), by a directory, or by a file that no table knows.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from pupline.errors import LocalTrouble
from pupline.files import fsync_directory

_PART_BYTES = 255
_CANDIDATES = 8
_ASIDE = "~"
"""Directory of objects whose key is not a safe path."""

_NO_PATH = re.compile(r"[\x00-\x1f\\\x7f]|\A~(?:/|\Z)|(?:\A|/)(?:\.\.?)?(?:/|\Z)")
"""A control character or backslash; our own directory; an empty part, or one of dots."""


def candidates(key: str) -> Iterator[str]:
    """Paths to try for `key`, in order, relative to the bucket: the key itself, then names with its hash."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    if _is_safe(key):
        yield key
        folder, slash, name = key.rpartition("/")
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        other = _fit(stem, f"~{digest[:8]}{dot}{extension}")
        if _is_safe(other):
            yield f"{folder}{slash}{other}"
    for number in range(_CANDIDATES):
        yield f"{_ASIDE}/{digest[:32]}-{number}"


@lru_cache(maxsize=2048)  # each path of a group is folded five times
def folded(path: str) -> str:
    """The same text for all spellings that a case-folding or normalising file system considers equal."""
    if path.isascii():
        return path.lower()  # the same result, faster
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def parents(path: str) -> list[str]:
    """The directories above a relative path: `a/b/c` gives `a/b` and `a`."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


@contextmanager
def directory(root: Path, relative: str, *, synced: set[str] | None) -> Iterator[int]:
    """An open descriptor of `root/relative`, reached step by step without following a symbolic link.

    synced: make missing directories, and put each name on the disk before the next, but for these paths, which are
    known to be there; None to make nothing. The set grows. The operator's `root` may contain links.
    Raises: FileNotFoundError; LocalTrouble for a link or a file on the way.
    """
    current, path = os.open(root, os.O_RDONLY | os.O_DIRECTORY), ""
    try:
        for part in filter(None, relative.split("/")):
            path = f"{path}/{part}"
            below, is_new = _step(current, part, create=synced is not None, where=root / relative)
            try:
                # One that exists may be new, too: made by a process that was killed, or by another thread a moment ago.
                if synced is not None and (is_new or path not in synced):
                    fsync_directory(current)
                    synced.add(path)
            finally:
                os.close(current)
                current = below
        yield current
    finally:
        os.close(current)


def _step(parent: int, part: str, *, create: bool, where: Path) -> tuple[int, bool]:
    """The directory, opened, and whether it was made."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(part, flags, dir_fd=parent), False
    except FileNotFoundError:
        if not create:
            raise
    except NotADirectoryError as err:  # O_DIRECTORY | O_NOFOLLOW raises it for a link, too
        raise LocalTrouble(f"'{part}' in {where} is a file or a symbolic link, not a directory: move it away") from err
    with suppress(FileExistsError):  # made by another thread
        os.mkdir(part, dir_fd=parent)
    return os.open(part, flags, dir_fd=parent), True


def _is_safe(path: str) -> bool:
    if _NO_PATH.search(path):
        return False
    return len(path.encode()) <= _PART_BYTES or all(len(part.encode()) <= _PART_BYTES for part in path.split("/"))


def _fit(stem: str, tail: str) -> str:
    """`stem` + `tail`, with the stem cut so that both fit a file name."""
    room = max(_PART_BYTES - len(tail.encode()), 0)
    return stem.encode()[:room].decode("utf-8", "ignore") + tail
