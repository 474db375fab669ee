"""The pool of daemon threads."""

import threading

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
