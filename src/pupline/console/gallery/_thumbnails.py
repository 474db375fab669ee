"""Thumbnails, from the cache or made by a few decoder processes, however many are requested at once.

The newest request is served first, because its picture is on the screen now. When too many wait, the oldest is refused.
"""

import base64
import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pupline.console.gallery._cache import ThumbnailCache, Undecodable
from pupline.console.gallery._object_kinds import SHOWN_TYPES
from pupline.decoding import DecoderLimits, Decoders
from pupline.errors import PuplineError
from pupline.images import IMAGE_TYPES, Inspection, content_type_of, inspect
from pupline.tasks.ports import OpenObject

SIDE = 400
"""Pixels of a thumbnail's longer side: sharp in the gallery on a screen with two pixels for one."""

LIMITS = DecoderLimits(seconds=8.0, memory_mib=1024, max_pixels=100_000_000)

_SMALL_BYTES = 32 * 1024
_SMALL_SIDE = 1200
_SMALL_TYPES = frozenset({"jpg", "png", "gif", "webp"})
_MAX_BYTES = 64 * 1024 * 1024
_MAX_BYTES_UNDECODED = 4 * 1024 * 1024
_MAX_PIXELS_UNDECODED = 50_000_000
_MAX_WAITING = 256
_IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture that may be shown, with their Content-Type."""

    body: bytes
    media_type: str


class Busy(PuplineError):
    """Too many thumbnails are asked for at once."""


OpenPicture = Callable[[], OpenObject]
"""Opens the object with the image. Raises: KeyError; StorageError."""


def decoder_version() -> str | None:
    """The version of Pillow that is installed, if any; it is not imported for that."""
    try:
        return version("pillow")
    except PackageNotFoundError:
        return None


class Thumbnails:
    """Makes the thumbnails of one console, in at most `workers` threads, each with a decoder process."""

    def __init__(self, cache: ThumbnailCache, decoders: Decoders | None, workers: int | None = None) -> None:
        """decoders: None where there is no decoder: images are shown themselves, up to a size."""
        self._cache = cache
        self._decoders = decoders
        self._workers = workers or min(2, os.cpu_count() or 1)
        self._lock = threading.Condition()
        self._waiting: deque[tuple[str, OpenPicture]] = deque()
        self._futures: dict[str, Future[Picture | Undecodable]] = {}
        self._threads = 0
        self._closed = False

    def ready(self, sha256: str, open_picture: OpenPicture) -> Picture | Undecodable | None:
        """What was made before, or the image itself where it is small and of a safe type; None where it must be made.

        Raises: KeyError; StorageError.
        """
        cached = self._cache.find(sha256)
        if cached is not None:
            return Picture(cached, "image/jpeg") if isinstance(cached, bytes) else cached
        with open_picture() as opened:
            if opened.facts.size_bytes > _SMALL_BYTES:
                return None
            body = _body(opened)
        found = inspect(body)
        is_small = max(found.width or 0, found.height or 0) <= _SMALL_SIDE and not found.animated
        if _hash(body) != sha256 or found.problem or not is_small or found.file_type not in _SMALL_TYPES:
            return None
        return Picture(body, content_type_of(found.file_type, None))

    def make(self, sha256: str, open_picture: OpenPicture) -> "Future[Picture | Undecodable]":
        """The picture to come; for all who ask for the same one, the same. It fails with what `open_picture` raises,
        with Busy, and with LocalTrouble or ConfigurationError where no decoder can start.
        """
        turned_away = None
        with self._lock:
            known = self._futures.get(sha256)
            if known is not None:
                return known
            future: Future[Picture | Undecodable] = Future()
            if self._closed:
                future.set_exception(Busy("the console stops"))
                return future
            self._futures[sha256] = future
            self._waiting.append((sha256, open_picture))
            if len(self._waiting) > _MAX_WAITING:
                turned_away = self._waiting.popleft()[0]
            if self._threads < self._workers:
                self._start_thread()
            self._lock.notify()
        if turned_away is not None:
            self._settle(turned_away, Busy("too many thumbnails were asked for at once; try again in a moment"))
        return future

    def _start_thread(self) -> None:
        """Start another thread. Raises: RuntimeError where it would be the first one; nobody waits for it then."""
        try:
            threading.Thread(target=self._work, name="pupline-thumbnail", daemon=True).start()
        except RuntimeError:
            if self._threads == 0:
                self._futures.clear()
                self._waiting.clear()
                raise
        else:
            self._threads += 1

    def close(self) -> None:
        """End the decoders, and turn away all requests that wait."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._lock.notify_all()
            left = list(self._futures)
        if self._decoders is not None:
            self._decoders.close()
        for sha256 in left:
            self._settle(sha256, Busy("the console stops"))

    def _work(self) -> None:
        """Serve the newest request, until there has been none for a while; then the decoders have nothing to do."""
        while (wanted := self._take()) is not None:
            sha256, open_picture = wanted
            try:
                self._settle(sha256, self._made(sha256, open_picture))
            except Exception as err:  # noqa: BLE001 - whatever it is, it belongs to those who wait for the picture
                self._settle(sha256, err)
        if self._decoders is not None:
            self._decoders.retire()

    def _take(self) -> tuple[str, OpenPicture] | None:
        with self._lock:
            while not self._waiting:
                if self._closed or not self._lock.wait(_IDLE_SECONDS):
                    self._threads -= 1
                    return None
            return self._waiting.pop()

    def _settle(self, sha256: str, found: Picture | Undecodable | Exception) -> None:
        with self._lock:
            future = self._futures.pop(sha256, None)
        if future is None:
            return
        if isinstance(found, Exception):
            future.set_exception(found)
        else:
            future.set_result(found)

    def _made(self, sha256: str, open_picture: OpenPicture) -> Picture | Undecodable:
        with open_picture() as opened:
            if opened.facts.size_bytes > _MAX_BYTES:
                return Undecodable("too_large", f"{opened.facts.size_bytes:,} bytes")
            body = _body(opened)
        if _hash(body) != sha256:
            return Undecodable("changed", "its SHA-256 differs from the recorded one")
        found = inspect(body)
        if found.file_type not in IMAGE_TYPES:  # decoders get nothing that was not accepted
            return Undecodable("unsupported", found.detail)
        return self._itself(found, body) if self._decoders is None else self._decoded(sha256, body, self._decoders)

    def _decoded(self, sha256: str, body: bytes, decoders: Decoders) -> Picture | Undecodable:
        reply = decoders.thumbnail(body, SIDE)
        if "jpeg" not in reply:
            failure = Undecodable(reply["undecodable"], reply["detail"])
            self._cache.save(sha256, failure)
            return failure
        jpeg = base64.b64decode(reply["jpeg"])
        self._cache.save(sha256, jpeg)
        return Picture(jpeg, "image/jpeg")

    def _itself(self, found: Inspection, body: bytes) -> Picture | Undecodable:
        pixels = (found.width or 0) * (found.height or 0)
        if found.problem or found.file_type not in SHOWN_TYPES:
            return Undecodable("no_decoder", "pip install 'pupline[quality]'")
        if len(body) > _MAX_BYTES_UNDECODED or pixels > _MAX_PIXELS_UNDECODED:
            return Undecodable("no_decoder", f"{len(body):,} bytes; pip install 'pupline[quality]'")
        return Picture(body, content_type_of(found.file_type, None))


def _body(opened: OpenObject) -> bytes:
    return b"".join(opened.chunks(0, opened.facts.size_bytes))


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
