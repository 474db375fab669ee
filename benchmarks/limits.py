"""Upper limits of this machine: each part of bulk ingestion alone, with as little as possible around it.

Plain sockets, no checks of responses, no queue, no names to find, no database.
"""

import ctypes
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeAlias

from benchmarks.ingesting import IMAGES, Setup, set_up
from benchmarks.measure import Figure
from benchmarks.nginx import MISSING, nginx_program
from benchmarks.pictures import name
from pupline.images import inspect

THREADS = 8
"""Connections per process."""

ROUNDS = 3
BUFFER_BYTES = 256 * 1024
GROUP = 512
"""Files synced together. Their pages are then dropped for reuse, because new pages are expensive to fault in."""

CORES = os.cpu_count() or 1

Use: TypeAlias = Callable[[bytes, int], None]


def figures(images: int = IMAGES, rounds: int = ROUNDS) -> list[Figure]:
    """The best rate of each part on all cores: fetching; plus hashing and checking; plus writing; the disk alone."""
    what = f"limits, {images:,} JPEGs of 70 kB"
    if nginx_program() is None:
        return [Figure(what, "a bare client", None, "/s", MISSING)]
    with set_up(images) as here:
        parts: list[tuple[str, Callable[[], tuple[float, float]]]] = [
            ("a bare client", lambda: _fetch(here, look=False, keep=False)),
            ("plus SHA-256 and structure", lambda: _fetch(here, look=True, keep=False)),
            ("plus a file each, synced in groups", lambda: _fetch(here, look=True, keep=True)),
            ("the disk alone: such files", lambda: _disk(here)),
        ]
        return [_figure(what, who, images, [part() for _ in range(rounds)]) for who, part in parts]


def _figure(what: str, who: str, images: int, runs: list[tuple[float, float]]) -> Figure:
    seconds, cpu = min(runs)
    note = f"{1e6 * cpu / images:.0f} us of CPU per image; best of {len(runs)}"
    return Figure(what, who, images / seconds, "/s", note)


def _fetch(here: Setup, *, look: bool, keep: bool) -> tuple[float, float]:
    """Wall and CPU seconds to fetch all pictures."""
    directory = str(here.fresh("limits-")) if keep else None
    return _on_all_cores(_client, here.images, here.server.port, look, directory)


def _disk(here: Setup) -> tuple[float, float]:
    """Wall and CPU seconds to write all pictures' bytes, from memory, durably."""
    return _on_all_cores(_writer, here.images, str(here.pictures), str(here.fresh("disk-")))


def _on_all_cores(work: Callable[..., None], count: int, *arguments: object) -> tuple[float, float]:
    """Wall and CPU seconds of `work(numbers, *arguments)` on `count` numbers, in processes that start together."""
    os.sync()
    context = get_context("spawn")
    begin = context.Barrier(CORES)
    with ProcessPoolExecutor(CORES, context, initializer=_begin, initargs=(begin,)) as pool:
        shares = [range(core, count, CORES) for core in range(CORES)]
        began, ended, cpu = zip(*pool.map(partial(_timed, work, arguments), shares), strict=True)
    return max(ended) - min(began), sum(cpu)


def _begin(barrier: threading.Barrier) -> None:
    """Wait until all processes have started."""
    barrier.wait()


def _timed(work: Callable[..., None], arguments: tuple[object, ...], numbers: range) -> tuple[float, float, float]:
    """When the work began and ended, on the clock that all processes share, and its CPU seconds."""
    began, cpu = time.monotonic(), time.process_time()
    work(numbers, *arguments)
    return began, time.monotonic(), time.process_time() - cpu


def _client(numbers: range, port: int, look: bool, directory: str | None) -> None:
    use: list[Use] = [_look] if look else []
    todo, lock = iter(numbers), threading.Lock()
    files = _Files(directory) if directory else None
    use += [files.write] if files else []
    threads = [threading.Thread(target=_connection, args=(port, todo, lock, use)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if files:
        files.sync()


def _connection(port: int, todo: Iterator[int], lock: threading.Lock, use: list[Use]) -> None:
    """Get pictures over one connection until none is left."""
    buffer = bytearray(BUFFER_BYTES)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while True:
            with lock:
                number = next(todo, None)
            if number is None:
                return
            connection.sendall(b"GET /%08d.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number)
            body = _body(connection, buffer)
            for one in use:
                one(body, number)


def _body(connection: socket.socket, buffer: bytearray) -> bytes:
    view = memoryview(buffer)
    received = connection.recv_into(view)
    while (end := buffer.find(b"\r\n\r\n", 0, received) + 4) < 4:
        received += connection.recv_into(view[received:])
    at = buffer.index(b"Content-Length: ", 0, end) + 16
    total = end + int(buffer[at : buffer.index(b"\r", at)])
    while received < total:
        received += connection.recv_into(view[received:total])
    return bytes(view[end:total])


def _look(body: bytes, _number: int) -> None:
    hashlib.sha256(body).hexdigest()
    inspect(body)


class _Files:
    """Writes files to a directory, and makes them durable in groups."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._open: list[int] = []

    def write(self, body: bytes, number: int) -> None:
        """One new file."""
        path = f"{self._directory}/{name(number)}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.write(descriptor, body)
        self._open.append(descriptor)
        if len(self._open) == GROUP:
            self.sync()

    def sync(self) -> None:
        """Make everything written so far durable."""
        group, self._open = self._open, []
        if group and ctypes.CDLL(None, use_errno=True).syncfs(group[0]):
            raise OSError(ctypes.get_errno(), "syncfs")
        for descriptor in group:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _writer(numbers: range, pictures: str, directory: str) -> None:
    files = _Files(directory)
    for number in numbers:
        with open(f"{pictures}/{name(number)}", "rb", buffering=0) as file:  # noqa: PTH123 - a Path would be measured, too
            files.write(file.read(), number)
    files.sync()
