"""Thumbnails that were made, and images that cannot have one, as files in the data directory. It may be deleted.

    <data>/thumbnails/<version>/<first two hex digits>/<sha256>.jpg    a thumbnail
    <data>/thumbnails/<version>/<first two hex digits>/<sha256>.json   why there is none

Names come from hashes alone. A file is written aside and renamed, so a kill leaves nothing half; one that a power
failure cut is not used. Each folder of the 256 has a share of the space: what is oldest in it goes first.
"""

import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

VERSION = "1"
"""Changes with the size and the encoding of thumbnails."""

MAX_BYTES = 1 << 30
"""Of all files: some 70,000 thumbnails."""

_MAX_FILE = 1 << 20
_FOLDERS = 256
_ABANDONED_SECONDS = 3600.0
_PASSING_SECONDS = 86_400.0
_PASSING = frozenset({"timeout", "crashed", "memory"})
"""Reasons that may be the machine's, not the image's: forgotten after a day."""

_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why an image has no thumbnail. reason: a decoder's, or one of the console's own. detail: for people."""

    reason: str
    detail: str


class ThumbnailCache:
    """decoder: the version of the library that decodes; what another one could not decode is tried again."""

    def __init__(self, data_dir: Path, decoder: str, max_bytes: int = MAX_BYTES) -> None:
        self._data_dir = data_dir
        self._decoder = decoder
        self._share = max_bytes // _FOLDERS

    def find(self, sha256: str) -> bytes | Undecodable | None:
        """The JPEG, or why there is none; None where nothing is known. Raises: nothing."""
        try:
            with self._folder(sha256, create=False) as folder:
                jpeg = _read(f"{sha256}.jpg", folder)
                if jpeg is not None and jpeg.startswith(_JPEG_START) and jpeg.endswith(_JPEG_END):
                    return jpeg
                return self._failure(_read(f"{sha256}.json", folder))
        except OSError:
            return None

    def save(self, sha256: str, found: bytes | Undecodable) -> None:
        """Keep it, as far as the directory can be written: a cache that cannot is no reason to show nothing."""
        if isinstance(found, bytes):
            name, body = f"{sha256}.jpg", found
        else:
            facts = {"reason": found.reason, "detail": found.detail, "decoder": self._decoder, "at": time.time()}
            name, body = f"{sha256}.json", json.dumps(facts).encode()
        with suppress(OSError), self._folder(sha256, create=True) as folder:
            _write(name, body, folder)
            self._evict(folder)

    def _failure(self, body: bytes | None) -> Undecodable | None:
        try:
            facts = json.loads(body or b"")
            found = Undecodable(str(facts["reason"]), str(facts["detail"]))
            is_old = found.reason in _PASSING and time.time() - float(facts["at"]) > _PASSING_SECONDS
            return None if is_old or facts["decoder"] != self._decoder else found
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def _evict(self, folder: int) -> None:
        """Remove the oldest files above the folder's share, and what killed processes left."""
        found = []
        for name in os.listdir(folder):
            with suppress(OSError):
                facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if name.startswith(".") and time.time() - facts.st_mtime > _ABANDONED_SECONDS:
                    os.unlink(name, dir_fd=folder)
                elif not name.startswith("."):
                    found.append((facts.st_mtime, name, facts.st_size))
        total = sum(size for _, _, size in found)
        for _, name, size in sorted(found):
            if total <= self._share:
                return
            os.unlink(name, dir_fd=folder)
            total -= size

    @contextmanager
    def _folder(self, sha256: str, *, create: bool) -> Iterator[int]:
        """An open descriptor of the folder, reached without following a symbolic link in the data directory."""
        current = os.open(self._data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in ("thumbnails", VERSION, sha256[:2]):
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=current)
                below = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)


def _read(name: str, folder: int) -> bytes | None:
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
        facts = os.fstat(descriptor)
        return file.read(_MAX_FILE) if stat.S_ISREG(facts.st_mode) and facts.st_size <= _MAX_FILE else None


def _write(name: str, body: bytes, folder: int) -> None:
    temporary = f".{secrets.token_hex(8)}"
    with open(os.open(temporary, _NEW, 0o644, dir_fd=folder), "wb") as file:  # noqa: PTH123 - it is a descriptor
        try:
            file.write(body)
            file.flush()
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
