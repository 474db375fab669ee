"""The objects of a bucket, read without holding more than one in memory; files, where the bucket is a directory."""

import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pupline.errors import LocalTrouble, StorageError, local_trouble
from pupline.local import LocalBucket
from pupline.tasks.ports import ObjectStore


@dataclass(frozen=True, slots=True)
class ImageBytes:
    """The bytes of an image, which have the hash of its row. path: of its file, where it is one."""

    body: bytes
    path: Path | None


@dataclass(frozen=True, slots=True)
class MissingImage:
    """An image that is not in the bucket as it was stored. problem: `gone` or `changed`."""

    key: str
    problem: str


class BucketObjects:
    """Reads a bucket; of a directory, the files themselves."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._directory = store if isinstance(store, LocalBucket) else None

    @property
    def is_directory(self) -> bool:
        """Whether the objects are files, which are read at no cost."""
        return self._directory is not None

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in order. Raises: StorageError."""
        return self._store.keys(prefix)

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of an object. Raises: KeyError where it is gone; StorageError.

        A file is read as it is, without comparing hashes: its rows are checked and counted instead.
        """
        if self._directory is None:
            yield from BytesIO(self._store.read(key))
            return
        path = self._directory.path(key)
        if path is None:
            raise KeyError(key)
        try:
            if not stat.S_ISREG(path.lstat().st_mode):  # a pipe would block, a device may be endless
                raise KeyError(key)
            with path.open("rb") as file:
                yield from file
        except (FileNotFoundError, NotADirectoryError) as err:
            raise KeyError(key) from err
        except OSError as err:
            trouble = local_trouble(err)
            raise trouble or StorageError(f"{path} cannot be read: {err.strerror}") from err

    def image(self, key: str, sha256: str) -> ImageBytes | MissingImage:
        """The image with this key and hash. Raises: StorageError where the bucket cannot be read now."""
        try:
            body = self._store.read(key)
        except KeyError:
            return MissingImage(key, "gone")
        except LocalTrouble:
            raise
        except StorageError:  # of a directory: the file was changed; of S3: it does not answer
            if self._directory is None:
                raise
            return MissingImage(key, "changed")
        if hashlib.sha256(body).hexdigest() != sha256:
            return MissingImage(key, "changed")
        return ImageBytes(body, self._directory.path(key) if self._directory else None)
