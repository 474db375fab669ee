"""Thumbnails: made once, by few decoders, from bytes that may be anything."""

import base64
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from PIL import Image

from pupline.console.gallery._cache import ThumbnailCache, Undecodable
from pupline.console.gallery._placeholder import WORDS, drawn
from pupline.console.gallery._thumbnails import Busy, Picture, Thumbnails
from pupline.decoding._findings import REASONS
from pupline.tasks.ports import ObjectFacts
from tests.shared.pictures import encoded, picture

JPEG = b"\xff\xd8\xff small \xff\xd9"
SMALL = encoded(Image.new("RGB", (8, 8)), "PNG")
LARGE = encoded(picture(1).resize((1600, 1200)), "PNG")


@dataclass
class FakeDecoders:
    """Answers what it was told, when it may."""

    reply: dict[str, Any] = field(default_factory=lambda: {"jpeg": base64.b64encode(JPEG).decode()})
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def thumbnail(self, body: bytes, side: int) -> dict[str, Any]:
        """The reply."""
        assert side == 400
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.may_answer.wait(20)
        self.asked.append(body)
        self.at_once -= 1
        return self.reply

    def retire(self) -> None:
        """Nothing to end."""

    def close(self) -> None:
        """Let all go."""
        self.may_answer.set()


@dataclass
class Opened:
    """An object in memory."""

    body: bytes

    @property
    def facts(self) -> ObjectFacts:
        """Its size is what counts."""
        return ObjectFacts("html/a", len(self.body), "e", None, "", 0.0)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """In one piece."""
        yield self.body[start:stop]

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def _of(body: bytes) -> tuple[str, Callable[[], Opened]]:
    return hashlib.sha256(body).hexdigest(), lambda: Opened(body)


def _service(folder: Path, decoders: Any, workers: int = 2) -> Thumbnails:
    return Thumbnails(ThumbnailCache(folder, "1"), decoders, workers)


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    """The second request, also of another console, is answered from the data directory."""
    decoders = FakeDecoders()
    decoders.may_answer.set()
    sha256, opened = _of(LARGE)
    first = _service(tmp_path, decoders)
    assert first.ready(sha256, opened) is None
    assert first.make(sha256, opened).result(20) == Picture(JPEG, "image/jpeg")
    first.close()
    assert _service(tmp_path, None).ready(sha256, opened) == Picture(JPEG, "image/jpeg")
    assert decoders.asked == [LARGE]


def test_many_requests_start_few_decoders(tmp_path: Path) -> None:
    """Those for one image share the answer; the newest is served first; of too many the oldest are turned away."""
    decoders = FakeDecoders()
    service = _service(tmp_path, decoders)
    bodies = [SMALL + number.to_bytes(2) for number in range(300)]
    futures = [service.make(*_of(body)) for body in bodies]
    assert service.make(*_of(bodies[-1])) is futures[-1]
    turned_away = [future for future in futures if future.done()]
    assert turned_away
    assert all(isinstance(future.exception(), Busy) for future in turned_away)
    decoders.may_answer.set()
    assert all(isinstance(future.result(20), Picture) for future in futures if future not in turned_away)
    assert decoders.most_at_once <= 2
    assert decoders.asked.index(bodies[-1]) < len(decoders.asked) // 2  # a thread may stand still just then
    service.close()


def test_a_request_without_a_thread_leaves_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system starts no thread it fails, and the next one for the same image does not wait for it."""
    decoders = FakeDecoders()
    decoders.may_answer.set()
    service = _service(tmp_path, decoders)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            service.make(*_of(LARGE))
    assert service.make(*_of(LARGE)).result(20) == Picture(JPEG, "image/jpeg")
    service.close()


def no_thread(_self: threading.Thread) -> None:
    """What Python raises at a limit of the system."""
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("reason", ["damaged", "crashed", "timeout"])
def test_an_undecodable_image_is_remembered(tmp_path: Path, reason: str) -> None:
    """It costs its decoder once, also after a restart; another version of the decoder tries again."""
    decoders = FakeDecoders(reply={"undecodable": reason, "detail": "it is"})
    decoders.may_answer.set()
    sha256, opened = _of(LARGE)
    service = _service(tmp_path, decoders)
    assert service.make(sha256, opened).result(20) == Undecodable(reason, "it is")
    assert service.ready(sha256, opened) == Undecodable(reason, "it is")
    assert ThumbnailCache(tmp_path, "1").find(sha256) == Undecodable(reason, "it is")
    assert ThumbnailCache(tmp_path, "2").find(sha256) is None
    service.close()


def test_a_small_image_is_shown_itself(tmp_path: Path) -> None:
    """Where it is sound and does not move; nothing is written for it."""
    small = encoded(Image.new("RGB", (40, 30)), "PNG")
    assert _service(tmp_path, None).ready(*_of(small)) == Picture(small, "image/png")
    frames = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(frames, "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")])
    for other in (frames.getvalue(), small[:-20], b"<svg onload='alert(1)'/>", b""):
        assert _service(tmp_path, None).ready(*_of(other)) is None
    assert list(tmp_path.iterdir()) == []


def test_without_pillow_images_are_shown_up_to_a_size(tmp_path: Path) -> None:
    """And what browsers do not show, or a large one, says what to install."""
    service = _service(tmp_path, None)
    assert service.make(*_of(LARGE)).result(20) == Picture(LARGE, "image/png")
    for body in (encoded(picture(1), "TIFF"), LARGE + bytes(5_000_000)):
        found = service.make(*_of(body)).result(20)
        assert isinstance(found, Undecodable)
        assert found.reason == "no_decoder"
        assert "pupline[quality]" in found.detail
    service.close()


def test_bytes_with_another_hash_are_not_shown(tmp_path: Path) -> None:
    """What lies next to a record is its image, or no image."""
    service = _service(tmp_path, None)
    assert service.make("0" * 64, _of(LARGE)[1]).result(20) == Undecodable(
        "changed", "its SHA-256 differs from the recorded one"
    )
    service.close()


def test_other_files_never_reach_a_decoder(tmp_path: Path) -> None:
    """Only types that are accepted do."""
    decoders = FakeDecoders()
    service = _service(tmp_path, decoders)
    for body in (b"%PDF-1.7", b"<html>", b"8BPS\x00\x01", b""):
        found = service.make(*_of(body)).result(20)
        assert isinstance(found, Undecodable)
        assert found.reason == "unsupported"
    assert decoders.asked == []
    service.close()


def test_closing_turns_away_all_requests(tmp_path: Path) -> None:
    """Those that wait, and those that come later."""
    decoders = FakeDecoders()
    service = _service(tmp_path, decoders, workers=1)
    futures = [service.make(*_of(LARGE + bytes([number]))) for number in range(5)]
    service.close()
    assert all(isinstance(future.exception(20), Busy) or future.result() for future in futures)
    assert isinstance(service.make(*_of(LARGE)).exception(20), Busy)


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    """The oldest thumbnails of a folder go first."""
    cache = ThumbnailCache(tmp_path, "1", max_bytes=256 * 250)
    names = [f"ab{number:062x}" for number in range(5)]
    for number, name in enumerate(names):
        cache.save(name, JPEG + bytes(80 - len(JPEG)) + JPEG)
        [path] = tmp_path.rglob(f"{name}.jpg")
        os.utime(path, (number, number))
    cache.save(names[0], Undecodable("damaged", "x"))
    assert cache.find(names[1]) is None
    assert isinstance(cache.find(names[4]), bytes)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.*")) <= 250


def test_the_cache_follows_no_link_and_trusts_no_part(tmp_path: Path) -> None:
    """A linked folder, a linked file, a pipe and a cut file are as nothing; what they lead to stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    data = tmp_path / "data"
    data.mkdir()
    name = "ab" + "0" * 62
    (data / "thumbnails").symlink_to(outside)
    cache = ThumbnailCache(data, "1")
    cache.save(name, JPEG)
    assert cache.find(name) is None
    assert list(outside.iterdir()) == []
    (data / "thumbnails").unlink()
    cache.save(name, JPEG)
    assert cache.find(name) == JPEG
    [path] = data.rglob("*.jpg")
    path.write_bytes(JPEG[:-1])
    assert cache.find(name) is None
    path.unlink()
    os.mkfifo(path)
    assert cache.find(name) is None
    path.unlink()
    path.symlink_to("/dev/zero")
    assert cache.find(name) is None


def test_a_cache_that_cannot_be_written_shows_pictures_all_the_same(tmp_path: Path) -> None:
    """There is no directory, or no room."""
    decoders = FakeDecoders()
    decoders.may_answer.set()
    service = _service(tmp_path / "none", decoders)
    assert service.make(*_of(LARGE)).result(20) == Picture(JPEG, "image/jpeg")
    service.close()


def test_every_reason_is_drawn_in_words() -> None:
    """And text from outside is text."""
    assert set(WORDS) >= REASONS
    assert b"<script" not in drawn("damaged", "<script>alert(1)</script>")
    assert "\u202e".encode() not in drawn("damaged", "a\u202eb")
