"""The pool of daemon threads."""

import threading

import pytest

from pupline.stepfunctions.tasks._pool import DaemonPool


def test_a_call_that_hangs_holds_up_no_other() -> None:
    """As long as there are threads; then calls wait for one that is free."""
    pool, gate, seen = DaemonPool(3), threading.Event(), threading.Semaphore(0)
    for _ in range(2):
        pool.submit(gate.wait)
    for _ in range(20):
        pool.submit(seen.release)
    assert all(seen.acquire(timeout=5) for _ in range(20))
    pool.submit(gate.wait)
    pool.submit(seen.release)
    assert not seen.acquire(timeout=0.05)
    gate.set()
    assert seen.acquire(timeout=5)
    pool.close()
    pool.submit(seen.release)
    assert not seen.acquire(timeout=0.05)


def test_without_a_thread_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system starts no further thread, the others make the call; where there is none, it is refused."""

    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool, gate, seen = DaemonPool(3), threading.Event(), threading.Semaphore(0)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            pool.submit(seen.release)
    pool.submit(gate.wait)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        pool.submit(seen.release)
    gate.set()
    assert seen.acquire(timeout=5)
    assert not seen.acquire(timeout=0.05)
    pool.close()
