"""Executions per second of pupline's engine: in memory, and durable."""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.builds import Form, forms
from benchmarks.measure import BUILD, Figure, isolated, rate
from benchmarks.workloads import FIVE_STATES, FUNCTIONS, GIVEN, pipeline, pipeline_tasks
from pupline.asl import StateMachine, execute
from pupline.json_values import JSON
from pupline.local import DriverSettings, Invocation, LambdaRuntime, LocalBackend, StartRequest

MEMORY = "in memory, history as JSON"
DURABLE = "durable"

_IN_FLIGHT = 256
_FEW = 8
"""A second figure with few executions in flight, where fewer facts share a commit."""


def rates(what: str, workload: str) -> list[Figure]:
    """In memory and durable, each in its own process; first as the peers are compared with it."""
    return [figure for form in forms() for figure in _rates_of(form, what, workload)]


def _rates_of(form: Form, what: str, workload: str) -> list[Figure]:
    with form.in_new_processes():
        per_second, events = isolated(in_memory, workload)
        durable, few = (isolated(durably, workload, in_flight) for in_flight in (_IN_FLIGHT, _FEW))
    note = f"SQLite WAL, synchronous=FULL; {_IN_FLIGHT} in flight ({few:,.0f}/s with {_FEW})"
    return [
        Figure(what, f"pupline {MEMORY}, {form.name}", per_second, "/s", f"{events} events each, one core"),
        Figure(what, f"pupline {DURABLE}, {form.name}", durable, "/s", note),
    ]


def in_memory(workload: str) -> tuple[float, int]:
    """Executions per second with the whole history converted to the output of GetExecutionHistory, and its length."""
    definition, given = _definition(workload)
    machine, tasks = StateMachine.parse(definition), pipeline_tasks()
    result = execute(machine, given, tasks=tasks)
    assert result.status == "SUCCEEDED", result.cause
    return rate(lambda: execute(machine, given, tasks=tasks).history), len(result.history)


def durably(workload: str, in_flight: int, seconds: float = 4.0) -> float:
    """Durable executions per second, from the first start to the last commit. Another connection counts them."""
    definition, given = _definition(workload)
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        data = Path(directory)
        _, first = _drive(data, definition, given, in_flight, 500, "warm")
        count = max(500, int(500 / first * seconds))
        finished, taken = _drive(data, definition, given, in_flight, count, "bench")
        assert finished == count
        with sqlite3.connect(data / "pupline.sqlite") as other:
            (kept,) = other.execute("SELECT count(*) FROM executions WHERE status = 'SUCCEEDED'").fetchone()
        assert kept == count + 500
    return count / taken


def _drive(
    data: Path, definition: dict[str, Any], given: JSON, in_flight: int, count: int, prefix: str
) -> tuple[int, float]:
    with LocalBackend.open(data, exclusive=True) as backend:
        runtime = LambdaRuntime({name: _stub(answer) for name, answer in FUNCTIONS.items()}, concurrency=4)
        settings = DriverSettings(
            machine=StateMachine.parse(definition),
            runtime=runtime,
            topic=backend.topic,
            clock=backend.clock,
            concurrency=in_flight,
        )
        driver = backend.driver(settings)
        start = time.perf_counter()
        result = driver.drive(StartRequest(f"{prefix}-{number}", given) for number in range(count))
        taken = time.perf_counter() - start
        runtime.close()
    return result.finished.get("SUCCEEDED", 0), taken


def _stub(answer: JSON) -> Callable[[JSON, Invocation], JSON]:
    return lambda _event, _invocation: answer


def _definition(workload: str) -> tuple[dict[str, Any], Any]:
    return (pipeline(), {}) if workload == "pipeline" else (FIVE_STATES, GIVEN)
