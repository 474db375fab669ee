"""A target of the fuzzer, and the result of one call."""

import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECONDS: Final = 1.0
"""CPU seconds allowed for one call."""

SPARE_BYTES: Final = 96 * 1024 * 1024
BYTES_PER_BYTE: Final = 64
"""Memory allowed for one call: a fixed part, and a part per byte of input."""

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A parser to be fuzzed.

    run: called with each input; its assertions must hold. seeds: the first inputs. words: tokens of the format.
    errors: exceptions that it may raise. most: bytes of an input.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    errors: tuple[type[Exception], ...] = ()
    words: tuple[bytes, ...] = ()
    most: int = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call. outcome: its kind, to recognise new ones. problem: what is wrong, or None."""

    kind: str
    problem: str | None = None


def tried(target: Target, data: bytes) -> Outcome:
    """Call the target with `data`."""
    before, began = _peak_bytes(), time.process_time()
    kind, problem = _called(target, data)
    seconds, grown = time.process_time() - began, _peak_bytes() - before
    if problem is None and grown > SPARE_BYTES + BYTES_PER_BYTE * len(data):
        problem = f"memory: {grown:,} bytes for an input of {len(data):,}"  # which takes time as well
    if problem is None and seconds > SECONDS:
        began = time.process_time()
        _called(target, data)  # again: the first call of a kind may import a library
        seconds = min(seconds, time.process_time() - began)
        if seconds > SECONDS:
            problem = f"slow: {seconds:.1f} s of CPU time for {len(data):,} bytes"
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
    """Where the error was raised: identifies the reason even if the message quotes the input."""
    frame = traceback.extract_tb(err.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
