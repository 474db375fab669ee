"""Decodes what is not known yet, in many processes, and saves what was found as it goes."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from typing import Any, TypeAlias

from pupline.datasets import BucketObjects, MissingImage
from pupline.decoding import Decoders
from pupline.local import QualityRow
from pupline.quality._lines import QUALITY_VERSION

Found: TypeAlias = tuple[str, Mapping[str, Any] | None]
"""The SHA-256 of an image with what was found; None where the bucket does not have it any more."""

_AHEAD = 2
"""Images for each decoder that are read or decoded at a time."""

_SAVE_EVERY = 200
_SAVE_EVERY_SECONDS = 1.0


def examine_images(
    objects: BucketObjects, images: Mapping[str, str], decoders: Decoders, save: Callable[[list[Found]], None]
) -> None:
    """Examine the images: SHA-256 to key. save: gets what was found, soon after it was, in no order.

    Where it is interrupted, what has been found by then is saved. Raises: StorageError; LocalTrouble;
    ConfigurationError; what `save` raises.
    """
    waiting: list[Found] = []
    due = time.monotonic() + _SAVE_EVERY_SECONDS
    try:
        with closing(_examined(objects, images, decoders)) as examined:
            for found in examined:
                waiting.append(found)
                if len(waiting) >= _SAVE_EVERY or time.monotonic() >= due:
                    save(waiting)
                    waiting, due = [], time.monotonic() + _SAVE_EVERY_SECONDS
    finally:
        if waiting:
            save(waiting)


def quality_rows(found: Iterable[Found], decoder: str) -> list[QualityRow]:
    """The rows for the journal; images that are missing have none."""
    return [QualityRow(sha256, QUALITY_VERSION, decoder, facts) for sha256, facts in found if facts is not None]


def thumbnails(objects: BucketObjects, images: Mapping[str, str], decoders: Decoders) -> dict[str, str]:
    """Small JPEGs in Base64 by SHA-256, of the images that can be decoded. Raises: as `examine_images`."""
    found = {}
    with ThreadPoolExecutor(decoders.count, "pupline-thumbnail") as pool:
        read = pool.map(lambda name: _one(objects, name, images[name], decoders.thumbnail), images)
        for sha256, facts in read:
            if facts and isinstance(facts.get("jpeg"), str):
                found[sha256] = facts["jpeg"]
    return found


def _examined(objects: BucketObjects, images: Mapping[str, str], decoders: Decoders) -> Generator[Found, None, None]:
    """The images as they are done."""
    left = iter(images.items())
    running: set[Future[Found]] = set()
    pool = ThreadPoolExecutor(decoders.count, "pupline-decode")
    try:
        while True:
            free = _AHEAD * decoders.count - len(running)
            running |= {pool.submit(_one, objects, name, key, decoders.examine) for name, key in islice(left, free)}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()
        if running:
            decoders.close()  # ends the threads that wait for a decoder
        pool.shutdown()


def _one(objects: BucketObjects, sha256: str, key: str, decode: Callable[[bytes], Mapping[str, Any]]) -> Found:
    image = objects.image(key, sha256)
    return sha256, None if isinstance(image, MissingImage) else decode(image.body)
