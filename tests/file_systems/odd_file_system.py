"""A file system in memory that lacks what others have: hard links, or names that differ only in case or Unicode form.

It speaks the kernel's FUSE protocol (version 7.31, linux/fuse.h) over /dev/fuse, so that whatever runs on it is a plain
program. As a program, it mounts itself at a directory until its standard input ends.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

_IN = struct.Struct("<IIQQIIIHH")
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
_VALID = struct.Struct("<QIi")
_ENTRY = struct.Struct("<QQQQII")
_OPENED = struct.Struct("<QIi")
_INIT = struct.Struct("<IIIIHHIIHHI7I")
_STATFS = struct.Struct("<QQQQQIIIi6I")
_MAX_WRITE = 1 << 17
_SIZE, _MODE = 8, 1
"""Of the bits that say what a SETATTR sets."""

_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_DETACH = 2


@dataclass(slots=True)
class _Node:
    number: int
    mode: int
    links: int = 1
    body: bytearray = field(default_factory=bytearray)
    entries: dict[str, tuple[str, "_Node"]] = field(default_factory=dict)
    changed: float = field(default_factory=time.time)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    def attributes(self) -> bytes:
        seconds, rest = divmod(int(self.changed * 1e9), 10**9)
        size = len(self.body)
        moments = (seconds, seconds, seconds, rest, rest, rest)
        return _ATTRIBUTES.pack(
            self.number, size, -(-size // 512), *moments, self.mode, self.links, os.getuid(), os.getgid(), 0, 4096, 0
        )


class OddFileSystem:
    """The files, and the answers to the kernel. Methods named after opcodes get the node and the rest of the request.

    folds_names: `Rex` and `rex`, and é as one or two code points, are one name, listed decomposed. has_links: `link`.
    """

    def __init__(self, *, folds_names: bool, has_links: bool) -> None:
        self._folds_names = folds_names
        self._has_links = has_links
        self._nodes = {1: _Node(1, stat.S_IFDIR | 0o755)}

    def answer(self, request: bytes) -> bytes | None:
        """The reply to a request, None where there is none."""
        _, opcode, unique, number, *_ = _IN.unpack_from(request)
        if opcode in _SILENT:
            return None
        call = _CALLS.get(opcode, OddFileSystem._refuse)
        try:
            body = call(self, self._nodes.get(number, self._nodes[1]), request[_IN.size :])
            return struct.pack("<IiQ", 16 + len(body), 0, unique) + body
        except OSError as err:
            return struct.pack("<IiQ", 16, -(err.errno or errno.EIO), unique)

    def _init(self, _node: _Node, _rest: bytes) -> bytes:
        flags = _BIG_WRITES | _MAX_PAGES
        return _INIT.pack(7, 31, 1 << 17, flags, 12, 9, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0, *[0] * 7)

    def _lookup(self, node: _Node, rest: bytes) -> bytes:
        return self._entry(self._child(node, rest))

    def _getattr(self, node: _Node, _rest: bytes) -> bytes:
        return _VALID.pack(0, 0, 0) + node.attributes()

    def _setattr(self, node: _Node, rest: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", rest)
        if valid & _SIZE:
            del node.body[size:]
            node.body.extend(bytes(size - len(node.body)))
            node.changed = time.time()
        if valid & _MODE:
            (mode,) = struct.unpack_from("<I", rest, 68)
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return self._getattr(node, rest)

    def _mknod(self, node: _Node, rest: bytes) -> bytes:
        return self._entry(self._add(node, rest[16:], struct.unpack_from("<I", rest)[0]))

    def _mkdir(self, node: _Node, rest: bytes) -> bytes:
        (mode,) = struct.unpack_from("<I", rest)
        return self._entry(self._add(node, rest[8:], stat.S_IFDIR | mode))

    def _create(self, node: _Node, rest: bytes) -> bytes:
        _, mode = struct.unpack_from("<II", rest)
        return self._entry(self._add(node, rest[16:], stat.S_IFREG | stat.S_IMODE(mode))) + _OPENED.pack(0, 0, 0)

    def _unlink(self, node: _Node, rest: bytes) -> bytes:
        child = self._child(node, rest)
        if child.is_folder:
            raise OSError(errno.EISDIR, "it is a directory")
        return self._remove(node, rest, child)

    def _rmdir(self, node: _Node, rest: bytes) -> bytes:
        child = self._child(node, rest)
        if child.entries:
            raise OSError(errno.ENOTEMPTY, "it is not empty")
        return self._remove(node, rest, child)

    def _rename(self, node: _Node, rest: bytes, names_at: int = 8) -> bytes:
        old, new = rest[names_at:].split(b"\0")[:2]
        target = self._nodes[struct.unpack_from("<Q", rest)[0]]
        child, name = self._child(node, old), self._name(new)
        _, replaced = target.entries.get(self._key(name), ("", None))
        if replaced is not None and replaced is not child:
            if replaced.entries:
                raise OSError(errno.ENOTEMPTY, "it is not empty")
            replaced.links -= 1
        del node.entries[self._key(self._name(old))]
        target.entries[self._key(name)] = name, child
        return b""

    def _rename2(self, node: _Node, rest: bytes) -> bytes:
        if struct.unpack_from("<QI", rest)[1]:
            raise OSError(errno.EINVAL, "no flags here")
        return self._rename(node, rest, 16)

    def _link(self, node: _Node, rest: bytes) -> bytes:
        if not self._has_links:
            raise OSError(errno.EPERM, "no hard links here")
        child, name = self._nodes[struct.unpack_from("<Q", rest)[0]], self._name(rest[8:])
        if self._key(name) in node.entries:
            raise OSError(errno.EEXIST, name)
        node.entries[self._key(name)] = name, child
        child.links += 1
        return self._entry(child)

    def _open(self, _node: _Node, _rest: bytes) -> bytes:
        return _OPENED.pack(0, 0, 0)

    def _read(self, node: _Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        return bytes(node.body[offset : offset + size])

    def _write(self, node: _Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        node.body.extend(bytes(max(offset - len(node.body), 0)))
        node.body[offset : offset + size] = rest[40 : 40 + size]
        node.changed = time.time()
        return struct.pack("<II", size, 0)

    def _readdir(self, node: _Node, rest: bytes) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", rest)
        found = b""
        for place, (name, child) in enumerate(list(node.entries.values())[offset:], start=offset + 1):
            text = os.fsencode(name)
            one = struct.pack("<QQII", child.number, place, len(text), stat.S_IFMT(child.mode) >> 12) + text
            one += bytes(-len(one) % 8)
            if len(found) + len(one) > size:
                break
            found += one
        return found

    def _statfs(self, _node: _Node, _rest: bytes) -> bytes:
        return _STATFS.pack(1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, 4096, 255, 4096, 0, *[0] * 6)

    def _refuse(self, _node: _Node, _rest: bytes) -> bytes:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def _nothing(self, _node: _Node, _rest: bytes) -> bytes:
        return b""

    def _key(self, name: str) -> str:
        return unicodedata.normalize("NFD", name.casefold()) if self._folds_names else name

    def _name(self, text: bytes) -> str:
        name = os.fsdecode(text.partition(b"\0")[0])
        return unicodedata.normalize("NFD", name) if self._folds_names else name

    def _child(self, node: _Node, text: bytes) -> _Node:
        try:
            return node.entries[self._key(self._name(text))][1]
        except KeyError as err:
            raise OSError(errno.ENOENT, "no such name") from err

    def _add(self, node: _Node, text: bytes, mode: int) -> _Node:
        name = self._name(text)
        if self._key(name) in node.entries:
            raise OSError(errno.EEXIST, name)
        child = _Node(max(self._nodes) + 1, mode)
        self._nodes[child.number] = child
        node.entries[self._key(name)] = name, child
        return child

    def _remove(self, node: _Node, text: bytes, child: _Node) -> bytes:
        del node.entries[self._key(self._name(text))]
        child.links -= 1
        return b""

    def _entry(self, node: _Node) -> bytes:
        return _ENTRY.pack(node.number, 0, 0, 0, 0, 0) + node.attributes()


_Call = Callable[[OddFileSystem, _Node, bytes], bytes]
_SILENT = {2, 36, 42}
"""FORGET, INTERRUPT, BATCH_FORGET. Nothing is forgotten: a file stays while the file system does."""

_CALLS: dict[int, _Call] = {
    1: OddFileSystem._lookup,
    3: OddFileSystem._getattr,
    4: OddFileSystem._setattr,
    8: OddFileSystem._mknod,
    9: OddFileSystem._mkdir,
    10: OddFileSystem._unlink,
    11: OddFileSystem._rmdir,
    12: OddFileSystem._rename,
    13: OddFileSystem._link,
    14: OddFileSystem._open,
    15: OddFileSystem._read,
    16: OddFileSystem._write,
    17: OddFileSystem._statfs,
    26: OddFileSystem._init,
    27: OddFileSystem._open,
    28: OddFileSystem._readdir,
    35: OddFileSystem._create,
    45: OddFileSystem._rename2,
    **dict.fromkeys((18, 20, 25, 29, 30, 34, 38), OddFileSystem._nothing),
}
"""By opcode. The last ones are RELEASE, FSYNC, FLUSH, RELEASEDIR, FSYNCDIR, ACCESS and DESTROY."""


def main() -> None:
    """`python -m ... DIRECTORY [folds-names] [no-links]`: mount, say so, and serve until standard input ends."""
    place, *options = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    data = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    if libc.mount(b"odd", os.fsencode(place), b"fuse.odd", 0, data.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), place)

    def unmount_at_the_end() -> None:
        sys.stdin.read()
        libc.umount2(os.fsencode(place), _DETACH)
        os._exit(0)

    threading.Thread(target=unmount_at_the_end, daemon=True).start()
    print("mounted", flush=True)  # noqa: T201 - for the test
    files = OddFileSystem(folds_names="folds-names" in options, has_links="no-links" not in options)
    while True:
        answer = files.answer(os.read(device, _MAX_WRITE + 8192))
        if answer is not None:
            os.write(device, answer)


if __name__ == "__main__":
    main()
