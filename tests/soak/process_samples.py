"""What processes use while they run, read from /proc several times a second: memory, descriptors, files on the disk."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SECONDS = 0.1
_PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. memory, descriptors: of a process group, all its processes together. temporary: files in `tmp`."""

    images: int
    memory: int
    descriptors: int
    wal: int
    temporary: int


@dataclass
class Samples:
    """The looks at one process group from its start to its end."""

    what: str
    found: list[Sample] = field(default_factory=list)

    def most(self, name: str) -> int:
        """The largest value of a field."""
        return max((getattr(one, name) for one in self.found), default=0)

    def __str__(self) -> str:
        images = self.found[-1].images if self.found else 0
        return (
            f"{self.what:<32} {images:>7,} images  {self.most('memory') >> 20:>4} MB"
            f"  {self.most('descriptors'):>5,} descriptors  WAL {self.most('wal') / 2**20:>5.1f} MB"
            f"  {self.most('temporary'):>5} temporary files"
        )


@contextmanager
def sampling(what: str, group: int, data: Path, images: Callable[[], int]) -> Iterator[Samples]:
    """Look at a process group again and again until the block ends. images: how many have been served."""
    samples, stop = Samples(what), threading.Event()

    def look() -> None:
        while not stop.wait(_SECONDS):
            usage = [_usage(process) for process in _members(group)]
            memory, descriptors = (sum(column) for column in zip(*usage, strict=True)) if usage else (0, 0)
            wal = data / "pupline.sqlite-wal"
            temporary = data / "tmp"
            samples.found.append(
                Sample(
                    images(),
                    memory,
                    descriptors,
                    wal.stat().st_size if wal.exists() else 0,
                    sum(1 for _ in temporary.iterdir()) if temporary.exists() else 0,
                )
            )

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def _members(group: int) -> list[Path]:
    """The processes of a session, by the session in /proc/<id>/stat."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                after_name = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if after_name[3] == str(group):
                found.append(place)
    return found


def _usage(process: Path) -> tuple[int, int]:
    """Resident bytes, and open descriptors; nothing of a process that has just ended."""
    try:
        return int((process / "statm").read_text().split()[1]) * _PAGE_BYTES, sum(1 for _ in (process / "fd").iterdir())
    except OSError:
        return 0, 0
