"""The two costs of `pupline quality`: decoding an image, and finding its near-duplicates among a million hashes."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measure import Figure
from benchmarks.pictures import name, served_directory
from benchmarks.processes import cpu_seconds_of
from pupline.quality import DISTANCE, DecoderLimits, Decoders, Grouping, HashedImage

IMAGES, HASHES = 1_000, 1_000_000
_CORES = len(os.sched_getaffinity(0))
_DUPLICATES = 10
"""One hash in so many is near an earlier one."""


def figures(images: int = IMAGES, hashes: int = HASHES) -> list[Figure]:
    """Images examined per second, and hashes grouped per second, the last tenth of them by itself."""
    return [_examined(images), *_grouped(hashes)]


def _examined(count: int) -> Figure:
    directory = served_directory(count)
    bodies = [(directory / name(number)).read_bytes() for number in range(count)]
    with Decoders(_CORES, DecoderLimits()) as decoders, ThreadPoolExecutor(_CORES) as pool:
        list(pool.map(decoders.examine, bodies[: 2 * _CORES]))
        began, cpu = time.perf_counter(), cpu_seconds_of(os.getpid())
        found = list(pool.map(decoders.examine, bodies))
        seconds, cpu = time.perf_counter() - began, cpu_seconds_of(os.getpid()) - cpu
    assert all("phash" in one for one in found)
    note = f"{cpu / count * 1000:,.1f} ms of CPU each, {_CORES} processes"
    return Figure(
        "quality: JPEGs of 640 x 480, decoded, hashed and scored", "pupline quality", count / seconds, "images/s", note
    )


def _grouped(count: int) -> list[Figure]:
    chance = random.Random(1)
    hashes = [chance.getrandbits(64) for _ in range(count)]
    for number in range(_DUPLICATES, count, _DUPLICATES):
        near = hashes[chance.randrange(number)]
        for bit in chance.sample(range(64), DISTANCE // 2):
            near ^= 1 << bit
        hashes[number] = near
    grouping, members = Grouping(DISTANCE, count), 0
    began = last = time.perf_counter()
    for number, phash in enumerate(hashes):
        if number == count - count // 10:
            last = time.perf_counter()
        members += grouping.place(HashedImage(str(number), phash)).distance > 0
    end = time.perf_counter()
    assert members >= count // _DUPLICATES * 0.99
    what = f"quality: {count:,} hashes grouped, distance {DISTANCE}"
    return [
        Figure(what, "pupline quality", count / (end - began), "hashes/s", f"{end - began:,.0f} s in all, one core"),
        Figure(what, "the last tenth", count // 10 / (end - last), "hashes/s"),
    ]
