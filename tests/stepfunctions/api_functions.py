"""Functions that the tests name with --function."""

import os
import threading
import warnings
from typing import Any

CALLS: dict[str, int] = {}
GATE = threading.Event()
TOKENS: list[str] = []


def double(event: Any) -> Any:
    """Twice a number."""
    return event["n"] * 2


def fail(event: Any) -> Any:
    """Fails, saying with what."""
    raise ValueError(f"no {event}")


def fail_once(event: Any) -> Any:
    """Fails at the first call of each id."""
    count = CALLS[event["id"]] = CALLS.get(event["id"], 0) + 1
    if count == 1:
        raise ValueError("the first call")
    return count


def wait_for_gate(event: Any) -> Any:
    """Returns when the test opens the gate."""
    GATE.wait(20)
    return event


def keep_token(event: Any) -> None:
    """Notes the token that it was called with."""
    TOKENS.append(event["token"])


def leave(_event: Any) -> None:
    """Ends the program, as far as a thread can."""
    raise SystemExit(3)


def interrupt(_event: Any) -> None:
    """Fails as on Ctrl-C."""
    raise KeyboardInterrupt


def fork(_event: Any) -> int:
    """Returns in two processes; in the first once the second has ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks where there are threads
        child = os.fork()
    return os.waitpid(child, 0)[1] if child else 1
