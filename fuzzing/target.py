"""What a target of the fuzzer is, and what one call of it comes to."""

import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECONDS: Final = 1.0
"""CPU time that one call may take."""

SPARE_BYTES: Final = 96 * 1024 * 1024
BYTES_PER_BYTE: Final = 64
"""Memory that one call may take: this much, and for each byte of its input."""

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A parser to be fuzzed.

    run: what is called with an input; what it asserts has to hold. seeds: inputs to begin with. words: what inputs are
    made of. errors: exceptions that it may raise. most: bytes of an input.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    errors: tuple[type[Exception], ...] = ()
    words: tuple[bytes, ...] = ()
    most: int = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to. outcome: its kind, for telling new ones. problem: what is wrong with it, or None."""

    kind: str
    problem: str | None = None


def tried(target: Target, data: bytes) -> Outcome:
    """Call the target with `data`."""
    before, began = _peak_bytes(), time.process_time()
    kind, problem = _called(target, data)
    seconds, grown = time.process_time() - began, _peak_bytes() - before
    if problem is None and seconds > SECONDS:
        began = time.process_time()
        _called(target, data)  # once more: the first call of a kind may import a library
        seconds = min(seconds, time.process_time() - began)
        if seconds > SECONDS:
            problem = f"slow: {seconds:.1f} s of CPU time for {len(data):,} bytes"
    if problem is None and grown > SPARE_BYTES + BYTES_PER_BYTE * len(data):
        problem = f"memory: {grown:,} bytes for an input of {len(data):,}"
    return Outcome(kind, problem)


def _called(target: Target, data: bytes) -> tuple[str, str | None]:
    try:
        result = target.run(data)
    except target.errors as err:
        return f"{type(err).__name__} {_place_of(err)}", None
    except Exception as err:
        return type(err).__name__, f"exception: {''.join(traceback.format_exception(err))[-3000:]}"
    return f"{type(result).__name__} {result if isinstance(result, str) else ''}"[:80], None


def _place_of(err: Exception) -> str:
    """Where it was raised: what tells one reason from another, whatever of the input the message quotes."""
    frame = traceback.extract_tb(err.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
