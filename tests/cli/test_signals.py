"""Ctrl-C and SIGTERM end a command that hangs, at the second signal at the latest."""

import contextlib
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# Each says that it is there, and then does not come to an end by itself.
HANGS = {
    "a cleanup that takes Ctrl-C for something else": """
while True:
    try:
        say()
        time.sleep(60)
    except KeyboardInterrupt:
        pass
""",
    "a lock that is never free, whose waiter heeds no signal": """
unheeded()
lock = threading.Lock()
lock.acquire()
say()
lock.acquire()
""",
    "a thread that never ends, and is waited for": """
thread = threading.Thread(target=threading.Event().wait)
thread.start()
unheeded()
say()
""",
}
PROGRAM = """
import signal, sys, threading, time
from pupline.cli import _signals
_signals.PATIENCE_SECONDS = float(sys.argv[1])
def say():
    print("here", flush=True)
def unheeded():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
_signals.end_on_signals()
"""


def started(hang: str, patience: float) -> subprocess.Popen[str]:
    """A process that hangs in this way, and has said that it is about to."""
    words = [sys.executable, "-c", PROGRAM + HANGS[hang], str(patience)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"
    return child


@pytest.mark.parametrize("hang", HANGS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_what_hangs(hang: str, number: signal.Signals) -> None:
    """After a moment for its cleanup, whatever it is at: exit code 130, in one line."""
    with started(hang, 0.05) as child:
        while child.poll() is None:  # two that arrive together are one
            child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.1)
        _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors.strip()) == (130, "pupline: interrupted")


@pytest.mark.long
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_is_enough(second: signal.Signals) -> None:
    """Of whatever kind it is."""
    with started("a cleanup that takes Ctrl-C for something else", 0.05) as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        child.send_signal(second)
        assert child.wait(30) == 130


def test_the_third_signal_does_not_wait() -> None:
    """Who asks three times wants no cleanup."""
    with started("a cleanup that takes Ctrl-C for something else", 3600) as child:
        for _ in range(2):
            child.send_signal(signal.SIGINT)
            assert child.stdout is not None
            assert child.stdout.readline() == "here\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 130
