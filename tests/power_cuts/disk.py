"""A model of a disk: what programs see now, and what a power cut leaves in any case.

It promises what POSIX does, and nothing of what a journalling file system adds: `fsync` puts the bytes of one file on
the disk but not its name; `fsync` of a directory puts the names in it, but neither the bytes behind them nor the name
of the directory itself; `syncfs` puts everything. A call counts from its end, and covers what had ended when it began.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(slots=True)
class Change:
    """A change of a file that is not on the disk yet: bytes at an offset, or, with `data` None, the size `offset`."""

    at: int
    offset: int
    data: bytes | None

    def apply(self, content: bytearray) -> None:
        """Make the change in `content`."""
        if self.data is None:
            del content[self.offset :]
            content.extend(bytes(self.offset - len(content)))
        else:
            if len(content) < self.offset:
                content.extend(bytes(self.offset - len(content)))
            content[self.offset : self.offset + len(self.data)] = self.data


@dataclass(slots=True, eq=False)
class File:
    """A file: its bytes on the disk, and the changes since."""

    on_disk: bytes = b""
    changes: list[Change] = field(default_factory=list)

    def sync(self, before: int) -> None:
        """Put the changes on the disk that had been made `before`."""
        content = bytearray(self.on_disk)
        while self.changes and self.changes[0].at < before:
            self.changes.pop(0).apply(content)
        self.on_disk = bytes(content)

    def content(self) -> bytes:
        """What a program reads now."""
        content = bytearray(self.on_disk)
        for change in self.changes:
            change.apply(content)
        return bytes(content)

    def size(self) -> int:
        """The bytes that a program finds now."""
        size = len(self.on_disk)
        for change in self.changes:
            size = change.offset if change.data is None else max(size, change.offset + len(change.data))
        return size


Node: TypeAlias = "File | Directory"


@dataclass(slots=True)
class Naming:
    """A name given or taken (`node` None) that is not on the disk yet. number: of the change, over all directories."""

    at: int
    number: int
    name: str
    node: "Node | None"


@dataclass(slots=True, eq=False)
class Directory:
    """A directory: its names on the disk, and the changes since."""

    on_disk: dict[str, Node] = field(default_factory=dict)
    changes: list[Naming] = field(default_factory=list)
    now: dict[str, Node] = field(default_factory=dict)

    def sync(self, before: int) -> None:
        """Put the names on the disk that had been changed `before`."""
        while self.changes and self.changes[0].at < before:
            change = self.changes.pop(0)
            if change.node is None:
                self.on_disk.pop(change.name, None)
            else:
                self.on_disk[change.name] = change.node


class Disk:
    """The files below one directory, which is on the disk itself. Paths are relative to it, with `/`."""

    def __init__(self) -> None:
        self.root = Directory()
        self.names = 0
        self.committed_names = 0
        """How many changes of names a journalling file system has on the disk: it keeps their order."""

    @classmethod
    def of(cls, root: Path) -> "Disk":
        """What is below a directory, all of it on the disk."""
        disk = cls()
        disk.root = _directory_of(root, {})
        return disk

    def find(self, path: str) -> Node:
        """What has that name now. Raises: KeyError."""
        node: Node = self.root
        for part in filter(None, path.split("/")):
            if not isinstance(node, Directory):
                raise KeyError(path)
            node = node.now[part]
        return node

    def file(self, path: str) -> File:
        """The file of that name. Raises: KeyError."""
        found = self.find(path)
        assert isinstance(found, File), path
        return found

    def folder(self, path: str) -> Directory:
        """The directory of that name. Raises: KeyError."""
        found = self.find(path)
        assert isinstance(found, Directory), path
        return found

    def set_name(self, at: int, path: str, node: "Node | None") -> None:
        """Give `path` to the node, or to nothing."""
        above, name = os.path.split(path)
        folder = self.folder(above)
        if node is None:
            folder.now.pop(name, None)
        else:
            folder.now[name] = node
        self.names += 1
        folder.changes.append(Naming(at, self.names, name, node))

    def has(self, path: str) -> bool:
        """Whether something has that name now."""
        try:
            self.find(path)
        except KeyError:
            return False
        return True

    def sync(self, node: Node, before: int) -> None:
        """What `fsync` promises; a journalling file system puts all earlier changes of names on the disk, too."""
        earlier = [one.number for folder in self.folders() for one in folder.changes if one.at < before]
        self.committed_names = max([self.committed_names, *earlier])
        node.sync(before)

    def sync_all(self, before: int) -> None:
        """What `syncfs` promises."""
        self.sync(self.root, before)
        for node in list(self.nodes()):
            node.sync(before)

    def nodes(self) -> Iterator[Node]:
        """Everything that has a name now, had one on the disk, or may have one after a power cut."""
        seen: set[int] = set()
        waiting: list[Node] = [self.root]
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            if isinstance(node, Directory):
                waiting += [*node.now.values(), *node.on_disk.values()]
                waiting += [change.node for change in node.changes if change.node]

    def folders(self) -> Iterator[Directory]:
        """The directories among the nodes."""
        return (node for node in self.nodes() if isinstance(node, Directory))


def _directory_of(path: Path, files: dict[int, File]) -> Directory:
    """files: those that were found, by their inode: a file may have several names."""
    names: dict[str, Node] = {}
    for found in path.iterdir():
        if found.is_dir():
            names[found.name] = _directory_of(found, files)
        else:
            names[found.name] = files.setdefault(found.stat().st_ino, File(found.read_bytes()))
    return Directory(on_disk=dict(names), now=names)
