"""Growth: memory with waiting executions, time with states, memory and time with the items of a Map."""

import time
from typing import Any

from benchmarks.measure import Figure, isolated, peak_bytes
from pupline.asl import Execution, StateMachine, execute

WAITING = 100_000
STATES = (1_000, 10_000, 100_000)
ITEMS = 100_000

_WAIT: dict[str, Any] = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
_LOOP: dict[str, Any] = {
    "StartAt": "IsDone",
    "States": {
        "IsDone": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.left", "NumericGreaterThan": 0, "Next": "CountDown"}],
            "Default": "Done",
        },
        "CountDown": {"Type": "Pass", "Parameters": {"left.$": "States.MathAdd($.left, -1)"}, "Next": "IsDone"},
        "Done": {"Type": "Succeed"},
    },
}


def waiting() -> list[Figure]:
    """Memory per waiting execution, and the time to start them."""
    size, seconds = isolated(_hold, WAITING)
    what = f"{WAITING:,} executions held in a Wait"
    return [Figure(what, "memory of each", size / 1000, "kB", f"resident; all were begun in {seconds:.1f} s")]


def _hold(count: int) -> tuple[float, float]:
    machine = StateMachine.parse(_WAIT)
    before, start = peak_bytes(), time.perf_counter()
    held = [Execution(machine, {"number": number}, name=f"held-{number}", now=0.0) for number in range(count)]
    commands = [execution.commands() for execution in held]
    seconds = time.perf_counter() - start
    assert all(execution.status == "RUNNING" for execution in held)
    assert len(commands) == count
    return (peak_bytes() - before) / count, seconds


def states() -> list[Figure]:
    """Time per state visited, history included; it must not grow with their number."""
    return [
        Figure("a loop of Choice and Pass", f"{count:,} states visited", isolated(_visit, count), "us a state")
        for count in STATES
    ]


def _visit(count: int) -> float:
    machine = StateMachine.parse(_LOOP)
    _timed_visit(machine, 1_000)
    return 1e6 * min(_timed_visit(machine, count) for _ in range(3)) / count


def _timed_visit(machine: StateMachine, count: int) -> float:
    start = time.perf_counter()
    result = execute(machine, {"left": count // 2})
    assert len(result.history) > 2 * count
    assert result.status == "SUCCEEDED", result.cause
    return time.perf_counter() - start


def items() -> list[Figure]:
    """Time and memory per item of a Map, inline and distributed, for a tenth of the items and for all."""
    figures = []
    for mode in ("INLINE", "DISTRIBUTED"):
        for count in (ITEMS // 10, ITEMS):
            seconds, size = isolated(_map, mode, count)
            note = f"{1e6 * seconds / count:.1f} us per item, {count / seconds:,.0f} items/s, {seconds:.2f} s in all"
            figures.append(Figure(f"a Map of {count:,} items", mode, size, "bytes an item", note))
    return figures


def _map(mode: str, count: int) -> tuple[float, float]:
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    one = {"Type": "Pass", "Parameters": {"double.$": "States.MathAdd($, $)"}, "ResultPath": None, "End": True}
    processor = {"ProcessorConfig": config, "StartAt": "One", "States": {"One": one}}
    state = {"Type": "Map", "ItemProcessor": processor, "ResultSelector": {"count.$": "States.ArrayLength($)"}}
    machine = StateMachine.parse({"StartAt": "All", "States": {"All": {**state, "End": True}}})
    # One digit each: the array of items must stay below 256 KiB.
    given = [number % 10 for number in range(count)]
    before, start = peak_bytes(), time.perf_counter()
    result = execute(machine, given)
    seconds = time.perf_counter() - start
    assert result.status == "SUCCEEDED", result.cause
    assert result.output == {"count": count}
    return seconds, (peak_bytes() - before) / count
