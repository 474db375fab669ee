"""Carries out recorded calls on the model of a disk."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.power_cuts.disk import Change, Directory, Disk, File
from tests.power_cuts.strace_log import Call, Opened

_DELETED = " (deleted)"
_UNKNOWN = {"truncate", "fallocate", "sync_file_range", "copy_file_range", "splice", "openat2", "symlink", "symlinkat"}


@dataclass
class Replay:
    """The calls of one log, one after the other. root: the directory on the real disk that the model stands for."""

    root: Path
    disk: Disk = field(default_factory=Disk)
    _offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    _appending: set[tuple[str, int]] = field(default_factory=set)

    def of(self, calls: Iterable[Call]) -> "Replay":
        """Carry out all of them."""
        for call in calls:
            self.apply(call)
        return self

    def apply(self, call: Call) -> bool:
        """Carry out one call; whether it touched the disk."""
        kind = _KINDS.get(call.name)
        if kind:
            return bool(kind(self, call))
        touched = [one.path for one in call.arguments if isinstance(one, Opened) and self._inside(one.path) is not None]
        assert call.name not in _UNKNOWN or not touched, f"the model knows nothing of {call}"
        return False

    def _inside(self, path: str) -> str | None:
        """The path in the model; None for one elsewhere, and for a file that has lost its name."""
        if path.endswith(_DELETED):
            return None
        relative = os.path.relpath(path, self.root)
        return None if relative.startswith("..") else relative.removeprefix(".")

    def _paths(self, call: Call) -> list[str | None]:
        """The paths that a call names, each with the directory before it."""
        found, base = [], ""
        for one in call.arguments:
            if isinstance(one, Opened):
                base = one.path
            elif isinstance(one, bytes):
                found.append(self._inside(os.path.normpath(os.path.join(base, os.fsdecode(one)))))  # noqa: PTH118 - text
        return found

    def _open(self, call: Call) -> bool:
        path = self._inside(call.result_path)
        if path is None:
            return False
        flags = set(" ".join(call.words).replace("|", " ").split())
        if call.name == "creat":
            flags |= {"O_CREAT", "O_TRUNC"}
        self._offsets[path, call.result] = 0
        self._appending.discard((path, call.result))
        if "O_APPEND" in flags:
            self._appending.add((path, call.result))
        if "O_CREAT" in flags and not self.disk.has(path):
            self.disk.set_name(call.ended, path, File())
            return True
        if "O_TRUNC" in flags and self.disk.file(path).size():
            self.disk.file(path).changes.append(Change(call.ended, 0, None))
            return True
        return False

    def _write(self, call: Call) -> bool:
        target = call.arguments[0]
        if not isinstance(target, Opened) or (path := self._inside(target.path)) is None:
            return False
        data = b"".join(call.texts)[: call.result]
        file, place = self.disk.file(path), (path, target.number)
        if call.name.startswith("p"):
            offset = int(call.words[-1])
        else:
            offset = file.size() if place in self._appending else self._offsets[place]
            self._offsets[place] = offset + len(data)
        file.changes.append(Change(call.ended, offset, data))
        return True

    def _seek(self, call: Call) -> bool:
        target = call.arguments[0]
        if isinstance(target, Opened) and (path := self._inside(target.path)) is not None:
            self._offsets[path, target.number] = call.result
        return False

    def _truncate(self, call: Call) -> bool:
        target = call.arguments[0]
        if not isinstance(target, Opened) or (path := self._inside(target.path)) is None:
            return False
        self.disk.file(path).changes.append(Change(call.ended, int(call.words[-1]), None))
        return True

    def _sync(self, call: Call) -> bool:
        target = call.arguments[0]
        if not isinstance(target, Opened) or (path := self._inside(target.path)) is None:
            return False
        self.disk.sync(self.disk.find(path), call.began)
        return True

    def _sync_all(self, call: Call) -> bool:
        self.disk.sync_all(call.began)
        return True

    def _make_folder(self, call: Call) -> bool:
        return self._set_name(call, self._paths(call)[0], Directory())

    def _remove(self, call: Call) -> bool:
        return self._set_name(call, self._paths(call)[0], None)

    def _link(self, call: Call) -> bool:
        source, target = self._paths(call)
        return self._set_name(call, target, self.disk.find(source) if source is not None else None)

    def _rename(self, call: Call) -> bool:
        source, target = self._paths(call)
        if source is None:
            return False
        node = self.disk.find(source)
        return self._set_name(call, source, None) | self._set_name(call, target, node)

    def _set_name(self, call: Call, path: str | None, node: File | Directory | None) -> bool:
        if path is None:
            return False
        self.disk.set_name(call.ended, path, node)
        return True


_KINDS = {
    **dict.fromkeys(("open", "openat", "creat"), Replay._open),
    **dict.fromkeys(("write", "pwrite64", "writev", "pwritev"), Replay._write),
    **dict.fromkeys(("fsync", "fdatasync"), Replay._sync),
    **dict.fromkeys(("syncfs", "sync"), Replay._sync_all),
    **dict.fromkeys(("mkdir", "mkdirat"), Replay._make_folder),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), Replay._remove),
    **dict.fromkeys(("link", "linkat"), Replay._link),
    **dict.fromkeys(("rename", "renameat", "renameat2"), Replay._rename),
    "lseek": Replay._seek,
    "ftruncate": Replay._truncate,
}
