"""A small disk in memory that can be filled and emptied again; only root may mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PIECE = bytes(1 << 20)


@dataclass(frozen=True)
class SmallDisk:
    """A mounted disk. root: its directory. is_small: False where none could be mounted, and it is a plain directory."""

    root: Path
    is_small: bool

    def fill(self) -> None:
        """Take all the room that is left."""
        descriptor = os.open(self.root / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(descriptor, _PIECE):
                pass
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        """Give it back."""
        (self.root / "ballast").unlink()


@contextmanager
def small_disk(root: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """A disk of that size at `root`, which is made."""
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},nr_inodes=0", "none", str(root)]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield SmallDisk(root, is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(root)], check=True)
