"""Creating a data directory, and refusing one whose database was lost or is half repaired."""

import fcntl
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from pupline.errors import ConfigurationError
from pupline.files import exists, sync_directory
from pupline.local.data_dir._layout import DATABASE_NAME, REPAIRED_NAME

_GET_FLAGS, _SET_FLAGS, _TOP_OF_HIERARCHY = 0x80086601, 0x40086602, 0x00020000
"""FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of 64-bit Linux, FS_TOPDIR_FL. Other systems refuse the numbers."""


def create_data_dir(data_dir: Path) -> None:
    """Create the directory unless it exists. Raises: ConfigurationError."""
    try:
        if not data_dir.is_dir():
            for folder in (*reversed(data_dir.parents), data_dir):
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    sync_directory(folder.parent)
            spread_directories(data_dir)
        elif not (data_dir / DATABASE_NAME).exists():  # its maker may have been killed before this
            with suppress(PermissionError):
                sync_directory(data_dir.parent)
    except OSError as err:
        raise ConfigurationError(f"the data directory {data_dir} cannot be created: {err.strerror}") from err


def check_data_dir(data_dir: Path) -> None:
    """Refuse a directory that must be repaired before it is opened. Raises: ConfigurationError."""
    path, repair = data_dir / DATABASE_NAME, f"pupline doctor --repair --data {shlex.quote(str(data_dir))}"
    if exists(data_dir / REPAIRED_NAME):
        raise ConfigurationError(f"a repair of {path} was interrupted; finish it with: {repair}")
    if exists(path) and path.stat().st_size:
        return
    # SQLite takes an empty file for a new database, and removes the WAL of an empty or missing one. Next to stored
    # objects, or to a WAL that may hold the latest records, it is a database that lost its contents.
    wal = path.with_name(f"{DATABASE_NAME}-wal")
    if exists(wal) and wal.stat().st_size:
        found = f"though {wal.name} holds the latest writes to it"
    elif exists(path) and (data_dir / "buckets").is_dir():
        found = "though objects are stored next to it"
    else:
        return
    raise ConfigurationError(
        f"{path} is {'empty' if exists(path) else 'gone'}, {found}. Restore it from a backup, or rebuild it from "
        f"what is left: {repair}"
    )


def spread_directories(path: Path) -> None:
    """Ask the file system to place new directories in `path` far from each other (`chattr +T`), where it can.

    ext4 places files near their directory, and is slow where many were removed in the last minutes (0.4 ms each
    instead of 0.05). This is only a hint.
    """
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            flags = bytearray(8)
            fcntl.ioctl(descriptor, _GET_FLAGS, flags)
            word = int.from_bytes(flags[:4], sys.byteorder) | _TOP_OF_HIERARCHY
            fcntl.ioctl(descriptor, _SET_FLAGS, word.to_bytes(4, sys.byteorder) + bytes(4))
        finally:
            os.close(descriptor)
