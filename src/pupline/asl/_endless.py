"""Why an execution did not end by itself, seen from its history: a loop, retries, or a Map with too many items."""

from collections.abc import Iterator, Sequence

from pupline.asl._limits import HISTORY_FULL
from pupline.json_values import AnyJSON
from pupline.text import printable

_LONGEST_CYCLE = 400
_REPEATS = 3
"""Rounds that make a cycle a loop."""

_MANY_ATTEMPTS = 100
_SHOWN = 12
"""State names that a message shows."""


def endless_loop(history: Sequence[dict[str, AnyJSON]]) -> str | None:
    """A sentence that says what would have gone on forever, such as "this loop never ends with these answers: A → B →
    A"; None when the execution ended by itself, or no repetition is seen.

    history: the events as GetExecutionHistory returns them, oldest first, all of them.
    """
    if not history or not _was_cut_off(history[-1]):
        return None
    names: list[str] = []
    attempts, iteration = 0, None
    for event in _chain(history):
        kind = event["type"]
        if kind.endswith("StateEntered"):
            names.append(event["stateEnteredEventDetails"]["name"])
        elif kind in ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled") and not names:
            attempts += 1
        elif kind == "MapIterationStarted":
            iteration = event["mapIterationStartedEventDetails"]
            break
    cycle = _cycle(names)
    if cycle is not None:
        return f"this loop never ends with these answers: {_arrows(cycle)}"
    if names and attempts >= _MANY_ATTEMPTS:
        return f"the retries of {printable(names[0])} never end with these answers: {attempts:,} attempts"
    if iteration is not None and history[-1]["type"] == "ExecutionFailed":
        state = printable(iteration["name"])
        return f"the Map state {state} writes too many events for one history; use Mode DISTRIBUTED or ItemBatcher"
    return None


def _was_cut_off(last: dict[str, AnyJSON]) -> bool:
    if last["type"] == "ExecutionTimedOut":
        return True
    details = last.get("executionFailedEventDetails") or {}
    return bool(last["type"] == "ExecutionFailed" and details.get("cause") == HISTORY_FULL)


def _chain(history: Sequence[dict[str, AnyJSON]]) -> Iterator[dict[str, AnyJSON]]:
    """The events of the thread that wrote last, newest first: other branches and iterations are left out."""
    at = history[-1]["previousEventId"]
    while at > 0:
        event = history[at - 1]
        yield event
        at = min(event["previousEventId"], at - 1)


def _cycle(names: list[str]) -> list[str] | None:
    """The shortest sequence of names that the newest ones repeat, oldest first, from the name that came first.

    names: newest first.
    """
    for length in range(1, min(_LONGEST_CYCLE, len(names) // _REPEATS) + 1):
        if all(names[:length] == names[length * n : length * (n + 1)] for n in range(1, _REPEATS)):
            cycle = names[:length][::-1]
            first = min(range(length), key=lambda at: -_oldest(names, cycle[at]))
            return cycle[first:] + cycle[:first]
    return None


def _oldest(names: list[str], name: str) -> int:
    return len(names) - 1 - names[::-1].index(name)


def _arrows(cycle: list[str]) -> str:
    shown = [printable(name) for name in cycle[:_SHOWN]]
    if len(cycle) > _SHOWN:
        shown.append(f"… ({len(cycle) - _SHOWN} more)")
    return " → ".join([*shown, shown[0]])
