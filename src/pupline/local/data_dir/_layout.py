"""The layout of a data directory, checked before anything in it is opened, written or removed."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

DATABASE_NAME = "pupline.sqlite"
BUCKET = "dog-images"
REPAIRED_NAME = f"{DATABASE_NAME}.repaired"
"""A database that a repair has made but not yet renamed."""

_DATABASE = {f"{DATABASE_NAME}{end}": stat.S_IFREG for end in ("", "-wal", "-shm", "-journal")}
_ALL: Mapping[str, int] = {
    "lock": stat.S_IFREG,
    "tmp": stat.S_IFDIR,
    "buckets": stat.S_IFDIR,
    f"buckets/{BUCKET}": stat.S_IFDIR,
    **_DATABASE,
}
_USES = {"lock": "its lock", "tmp": "files that are being written", "buckets": "stored objects"}
_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def layout_problem(data_dir: Path, *, database_only: bool = False) -> str | None:
    """A file of the wrong kind in the place of one of pupline's, as a message with what to do; None when there is none.

    Symbolic links are not followed: nothing outside the data directory is written or removed.
    """
    for name, kind in (_DATABASE if database_only else _ALL).items():
        path = data_dir / name
        try:
            found = stat.S_IFMT(os.lstat(path).st_mode)
        except OSError:  # missing, or not readable: opening it will say so
            continue
        if found != kind:
            is_what = kind_of(found)
            use = _USES.get(name.partition("/")[0], "its database")
            return f"{path} is {is_what}; pupline needs {_KINDS[kind]} there, for {use}: move it away"
    return None


def kind_of(mode: int) -> str:
    """`a pipe` for the st_mode of one."""
    return _KINDS.get(stat.S_IFMT(mode), "something unknown")
