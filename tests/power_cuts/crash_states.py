"""What a disk may show after a power cut, chosen by a seed from the model, and written out as files.

Modes: `synced`, what was synced and nothing else; `written`, all that programs had written; `journalled`, as ext4:
names in their order up to some instant, and of each file the changes up to some instant, the last one torn; `posix`:
any of the unsynced names, each for itself, and any 512 bytes of the unsynced changes.
"""

import random
from pathlib import Path
from typing import Literal, TypeAlias

from tests.power_cuts.disk import Change, Directory, Disk, File, Node

Mode: TypeAlias = Literal["synced", "written", "journalled", "posix"]
MODES: tuple[Mode, ...] = ("synced", "written", "journalled", "posix")
_SECTOR = 512


class CrashState:
    """One state of the disk after the power cut."""

    def __init__(self, disk: Disk, mode: Mode, seed: str) -> None:
        self._disk = disk
        self._mode = mode
        self._chance = random.Random(seed)
        self._names_kept = self._chance.randint(disk.committed_names, disk.names)
        self._contents: dict[int, bytes] = {}
        self._paths: dict[int, Path] = {}

    def write(self, root: Path) -> None:
        """Write it below a new directory. Files with several names get hard links."""
        self._write_folder(self._disk.root, root)

    def _write_folder(self, folder: Directory, path: Path) -> None:
        path.mkdir()
        for name, node in sorted(self._names(folder).items()):
            self._write(node, path / name)

    def _write(self, node: Node, path: Path) -> None:
        if isinstance(node, Directory):
            if id(node) not in self._paths:  # renamed, and both names are there: one is enough
                self._paths[id(node)] = path
                self._write_folder(node, path)
        elif path.name.endswith("-shm"):  # it is mapped: nothing tells what of it reached the disk
            path.write_bytes(self._chance.choice([b"", bytes(32768), self._chance.randbytes(32768)]))
        elif id(node) in self._paths:
            path.hardlink_to(self._paths[id(node)])
        else:
            path.write_bytes(self._content(node))
            self._paths[id(node)] = path

    def _names(self, folder: Directory) -> dict[str, Node]:
        if self._mode == "written":
            return folder.now
        names = dict(folder.on_disk)
        if self._mode == "synced":
            return names
        for name in sorted({change.name for change in folder.changes}):
            changes = [change for change in folder.changes if change.name == name]
            if self._mode == "journalled":
                kept = sum(change.number <= self._names_kept for change in changes)
            else:
                kept = self._chance.randint(0, len(changes))
            if kept:
                node = changes[kept - 1].node
                names.pop(name, None)
                names |= {name: node} if node else {}
        return names

    def _content(self, file: File) -> bytes:
        if self._mode == "written":
            return file.content()
        content = bytearray(file.on_disk)
        if self._mode == "journalled" and file.changes:
            kept = self._chance.randint(0, len(file.changes))
            for change in file.changes[:kept]:
                change.apply(content)
            if kept < len(file.changes):
                self._apply_begin(file.changes[kept], content)
        elif self._mode == "posix":
            share = self._chance.choice((0.1, 0.5, 0.9, 1.0))
            for change in file.changes:
                self._apply_some(change, content, share)
        return bytes(content)

    def _apply_begin(self, change: Change, content: bytearray) -> None:
        """A torn change: its first sectors."""
        if change.data:
            end = self._chance.randrange(0, len(change.data) + 1, _SECTOR)
            Change(change.at, change.offset, change.data[:end]).apply(content)

    def _apply_some(self, change: Change, content: bytearray, share: float) -> None:
        """Some sectors of a change. A sector that was lost in the middle of a longer file reads as zeros."""
        if change.data is None:
            if self._chance.random() < share:
                change.apply(content)
            return
        for start in range(0, len(change.data), _SECTOR):
            if self._chance.random() < share:
                part = change.data[start : start + _SECTOR]
                Change(change.at, change.offset + start, part).apply(content)
