"""Many different intact JPEGs of about 70 kB, the same in every run, for the bulk benchmarks."""

import io
import os
import random
import struct
from pathlib import Path

from PIL import Image

from benchmarks.measure import BUILD

BASES = 50
"""Pictures that are encoded. A comment makes each file different, so that no downloader can skip known bytes."""


def served_directory(count: int) -> Path:
    """A directory with `00000000.jpg` to `count` - 1, read into the page cache. Made once and kept under build/."""
    directory = BUILD / f"bench-pictures-{count}"
    if not (directory / ".complete").exists():
        _write(directory, count)
        (directory / ".complete").touch()
    for number in range(count):
        (directory / name(number)).read_bytes()
    return directory


def name(number: int) -> str:
    """The file name of a picture."""
    return f"{number:08}.jpg"


def _write(directory: Path, count: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    bases = [_encoded(number) for number in range(min(BASES, count))]
    for number in range(count):
        (directory / name(number)).write_bytes(_commented(bases[number % len(bases)], number))
    os.sync()


def _encoded(number: int) -> bytes:
    """640 x 480: soft shapes under noise, which gives the entropy-coded part a photograph's size."""
    random_bytes = random.Random(number).randbytes
    shapes = Image.frombytes("RGB", (80, 60), random_bytes(80 * 60 * 3)).resize((640, 480), Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", (640, 480), random_bytes(640 * 480 * 3))
    file = io.BytesIO()
    Image.blend(shapes, noise, 0.11).save(file, "JPEG", quality=76)
    return file.getvalue()


def _commented(plain: bytes, number: int) -> bytes:
    comment = b"pupline-%08d" % number
    return plain[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + plain[2:]
