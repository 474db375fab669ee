"""Looking at an image ends by its deadline, and whatever goes wrong in it costs that image alone."""

import threading
import time
from collections.abc import Callable

import pytest

from pupline.errors import InspectionFailed, InspectionTimeout, reason_of
from pupline.images import Inspection
from pupline.tasks import timed_inspection
from pupline.tasks.timed_inspection import inspect_within

FOUND = Inspection("jpg", is_image=True)


def looks(monkeypatch: pytest.MonkeyPatch, inspect: Callable[[bytes], Inspection]) -> None:
    """Have images looked at in this way."""
    monkeypatch.setattr(timed_inspection, "inspect", lambda body, *, max_pixels: inspect(body))  # noqa: ARG005


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look has more time than it is given."""
    monkeypatch.setattr(timed_inspection, "MIN_INSPECTION_SECONDS", 0.0)


def endless(_body: bytes) -> Inspection:
    """A walker that never comes to an end, and takes all errors that it knows for findings."""
    while True:
        try:
            for _ in range(1000):
                pass
        except Exception:  # noqa: BLE001, S112 - as a walker might
            continue


def test_a_look_that_never_ends_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any thread; the reason is a time-out, which is not retried."""
    looks(monkeypatch, endless)
    failures: list[Exception] = []

    def look() -> None:
        try:
            inspect_within(0.01, b"poison", max_pixels=1)
        except InspectionTimeout as failure:
            failures.append(failure)

    threads = [threading.Thread(target=look, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    look()
    for thread in threads:
        thread.join(30)
    assert len(failures) == 4
    assert "its 6 bytes did not end in time" in str(failures[0])
    assert (reason_of("InspectionTimeout"), InspectionTimeout.retryable) == ("timeout", False)


@pytest.mark.slow
def test_a_look_that_ends_just_in_time_interrupts_nothing_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the order of end and time-out, nothing is raised in the thread once its look has given something."""
    monkeypatch.setattr(timed_inspection, "_CHECK_SECONDS", 0.001)
    watch = timed_inspection._Watchdog()
    outcomes = set()
    for number in range(300):
        seconds = number % 10 / 5000
        end = time.monotonic() + seconds + 0.0005
        try:
            outcomes.add(watch.within(seconds, lambda end=end: _busy_until(end)))  # type: ignore[misc]
        except timed_inspection._TimeUp:
            outcomes.add("interrupted")
        _busy_until(time.monotonic() + 0.0003)
    assert outcomes == {"done", "interrupted"}


def _busy_until(end: float) -> str:
    while time.monotonic() < end:
        pass
    return "done"


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("too deep"), IndexError("x"), OverflowError("y")])
def test_an_error_in_a_look_is_the_images_own(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """It fails as internal_error; that there was no memory for it does not end the run."""

    def fail(_body: bytes) -> Inspection:
        raise error

    looks(monkeypatch, fail)
    with pytest.raises(InspectionFailed, match=type(error).__name__) as raised:
        inspect_within(9.0, b"poison", max_pixels=1)
    assert (raised.value.reason, raised.value.retryable) == ("internal_error", False)
    assert reason_of("InspectionFailed") == "internal_error"


def test_time_in_which_the_thread_did_not_compute_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy, or was suspended, ends no look: only one that computes is interrupted."""
    monkeypatch.setattr(timed_inspection, "MIN_INSPECTION_SECONDS", 0.02)
    stood_still = threading.Event()

    def stand_still(_body: bytes) -> Inspection:
        stood_still.wait(0.3)
        return FOUND

    looks(monkeypatch, stand_still)
    assert inspect_within(0.0, b"sound", max_pixels=1) is FOUND


def test_a_sound_look_gives_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that a body took is not held against it once it is there: a look has a second at least."""
    monkeypatch.setattr(timed_inspection, "MIN_INSPECTION_SECONDS", 1.0)
    looks(monkeypatch, lambda _: FOUND)
    assert inspect_within(-5.0, b"sound", max_pixels=1) is FOUND
