"""What an error of Python or of the system tells of this machine, and what it leaves to an image or a server."""

import errno
import os
import sqlite3

import pytest

from pupline.errors import LocalTrouble, StorageError, local_trouble, reason_of


def system(number: int, *path: str) -> OSError:
    """The error that the system raises with this number."""
    return OSError(number, os.strerror(number), *path)


def of_sqlite(name: str) -> sqlite3.Error:
    """The error that SQLite raises under this name."""
    err = sqlite3.OperationalError("as SQLite words it")
    err.sqlite_errorname = name
    return err


LOCAL = {
    "a full disk": (system(errno.ENOSPC, "/data/tmp/1"), "free some space"),
    "a quota": (system(errno.EDQUOT), "free some space"),
    "a limit of file sizes": (system(errno.EFBIG), "free some space"),
    "a read-only file system": (system(errno.EROFS), "mount it for writing"),
    "no permission": (system(errno.EACCES), "permissions"),
    "no permission for root": (system(errno.EPERM), "permissions"),
    "buckets mounted apart from tmp": (system(errno.EXDEV), "mount the whole of it as one"),
    "no descriptors": (system(errno.EMFILE), "ulimit -n"),
    "no descriptors in the system": (system(errno.ENFILE), "fs.file-max"),
    "a failing disk": (system(errno.EIO), "log"),
    "no memory in the kernel": (system(errno.ENOMEM), "memory"),
    "a server of files that has gone": (system(errno.ESTALE), "mount it again"),
    "no memory": (MemoryError(), "no memory is left: raise its limit"),
    "no threads": (RuntimeError("can't start new thread"), "ulimit -u"),
    "a library that finds no room": (
        ImportError("libarrow.so: failed to map segment from shared object"),
        "memory",
    ),
    "a full database": (of_sqlite("SQLITE_FULL"), "free some space"),
    "a database on a failing disk": (of_sqlite("SQLITE_IOERR_FSYNC"), "log"),
    "a database that cannot be written": (of_sqlite("SQLITE_READONLY_DBMOVED"), "read-only"),
    "local trouble itself": (LocalTrouble("as it is"), "as it is"),
}


@pytest.mark.parametrize("name", LOCAL)
def test_trouble_of_this_machine_is_told_with_a_way_out(name: str) -> None:
    """What stops every image alike is local trouble: one line that says what to do."""
    err, advice = LOCAL[name]
    found = local_trouble(err)
    assert found is not None
    assert advice in found.message
    assert "\n" not in found.message
    assert not found.retryable


OTHER = {
    "a host that refuses": system(errno.ECONNREFUSED),
    "a network that is down": system(errno.ENETUNREACH),
    "a reader that has gone": system(errno.EPIPE),
    "a file that is not there": system(errno.ENOENT, "rex.jpg"),
    "a name that is too long": system(errno.ENAMETOOLONG, "x" * 300),
    "a time-out": TimeoutError("timed out"),
    "a mistake of ours": RuntimeError("dictionary changed size during iteration"),
    "a library that is not installed": ImportError("No module named 'pyarrow'"),
    "a wrong statement": of_sqlite("SQLITE_ERROR"),
    "an answer of the object store": StorageError("throttled"),
}


@pytest.mark.parametrize("name", OTHER)
def test_everything_else_is_an_images_or_a_servers_matter(name: str) -> None:
    """A network that is down, a file that is not there and our own mistakes do not end a run."""
    assert local_trouble(OTHER[name]) is None


def test_the_file_is_named() -> None:
    """Where the system says which file it was, so does the line."""
    assert "/data/tmp/1" in str(local_trouble(system(errno.ENOSPC, "/data/tmp/1")))


def test_local_trouble_is_storage_trouble_to_a_workflow() -> None:
    """On AWS, where it is a function's error like any other, the record says storage_error."""
    assert reason_of("LocalTrouble") == "storage_error"
