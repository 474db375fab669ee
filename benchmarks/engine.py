"""Speed of the States Language engine in memory, on one core: `python -m benchmarks.engine`.

Each figure is the best of three runs. Every execution keeps its full history; "history shown" also turns it into the
JSON of GetExecutionHistory.
"""

import platform
import resource
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pupline.asl import Execution, StateMachine, execute

FIVE_STATES = {
    "StartAt": "Mark",
    "States": {
        "Mark": {"Type": "Pass", "Result": {"seen": True}, "ResultPath": "$.mark", "Next": "IsSmall"},
        "IsSmall": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": 10, "Next": "Select"}],
            "Default": "Select",
        },
        "Select": {"Type": "Pass", "Parameters": {"n.$": "$.n", "name.$": "$.name"}, "Next": "IsKnown"},
        "IsKnown": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.name", "StringEquals": "nobody", "Next": "Done"}],
            "Default": "Done",
        },
        "Done": {"Type": "Pass", "End": True},
    },
}
FIVE_STATES_JSONATA = {
    "QueryLanguage": "JSONata",
    "StartAt": "Mark",
    "States": {
        "Mark": {"Type": "Pass", "Output": {"n": "{% $states.input.n %}", "seen": True}, "Next": "IsSmall"},
        "IsSmall": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n < 10 %}", "Next": "Add"}],
            "Default": "Add",
        },
        "Add": {"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}, "Next": "IsKnown"},
        "IsKnown": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.n = 0 %}", "Next": "Done"}],
            "Default": "Done",
        },
        "Done": {"Type": "Pass", "End": True},
    },
}
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
PIPELINE = Path(__file__).resolve().parent.parent / "statemachine" / "dog_uploader_pipeline.asl.json"

GIVEN = {"n": 3, "name": "rex", "tags": ["a", "b"]}


def main() -> None:
    """Measure and print the table."""
    print(f"Python {platform.python_version()}, {platform.machine()}, one core")
    five = StateMachine.parse(FIVE_STATES)
    print_rate("five Pass/Choice states", 20_000, lambda: execute(five, GIVEN, name="b"))
    print_rate("the same, history shown", 5_000, lambda: execute(five, GIVEN, name="b").history)
    jsonata = StateMachine.parse(FIVE_STATES_JSONATA)
    print_rate("five states in JSONata", 500, lambda: execute(jsonata, GIVEN, name="b"))
    pipeline, tasks = pipeline_machine()
    print_rate("the pipeline, stub tasks", 5_000, lambda: execute(pipeline, {}, tasks=tasks, name="b"))
    for items in (1_000, 20_000, 100_000):
        print_map(items, "INLINE")
        print_map(items, "DISTRIBUTED")
    for states in (100, 1_000):
        print_chain(states)
    print_waiting(20_000)


def seconds_of(work: Callable[[], object]) -> float:
    """The best of three runs."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def print_rate(what: str, count: int, run: Callable[[], object]) -> None:
    """Executions per second of `run`."""

    def many() -> None:
        for _ in range(count):
            run()

    seconds = seconds_of(many)
    print(f"{what:34} {count / seconds:12,.0f} executions/s  {1e6 * seconds / count:8.1f} us each")


def pipeline_machine() -> tuple[StateMachine, dict[str, Callable[[Any], Any]]]:
    """The pipeline's own workflow, its placeholders filled, and functions that return immediately."""
    text = PIPELINE.read_text(encoding="utf-8")
    for name in ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB"):
        text = text.replace("${" + name + "Arn}", name)
    text = text.replace("${AlertTopicArn}", "arn:aws:sns:us-east-1:000000000000:alerts")
    image: dict[str, Any] = {
        "status": "success",
        "uploaded_image": "rex.jpg",
        "image_url": "file:///rex.jpg",
        "file_type": "jpg",
    }
    image |= {"outcome": "stored", "reason": "accepted", "image_name": "rex.jpg", "alert_reasons": []}
    tasks: dict[str, Callable[[Any], Any]] = {
        "FetchAndUploadDogImage": lambda event: {**image, "execution": event.get("Name")},
        "AlertPNG": lambda event: {"status": "alert", "message": "a PNG", "image": event},
        "LogToDynamoDB": lambda _: {"status": "success", "logged_item": {}},
        "arn:aws:states:::sns:publish": lambda _: {"MessageId": "m"},
    }
    return StateMachine.parse(text), tasks


def print_map(items: int, mode: str) -> None:
    """A Map whose items pass one state each: time and memory per item."""
    config = {"Mode": mode, **({"ExecutionType": "EXPRESS"} if mode == "DISTRIBUTED" else {})}
    processor = {
        "ProcessorConfig": config,
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "Result": 1, "End": True}},
    }
    state = {"Type": "Map", "ItemProcessor": processor, "ResultPath": None, "OutputPath": None, "End": True}
    machine = StateMachine.parse({"StartAt": "All", "States": {"All": state}})
    given = list(range(items)) if items < 30_000 else [0] * items
    seconds = seconds_of(lambda: execute(machine, given, name="b"))
    tracemalloc.start()
    result = execute(machine, given, name="b")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.status == "SUCCEEDED", result.cause
    rate = f"{items / seconds:12,.0f} items/s"
    print(f"{f'Map of {items:,} items, {mode}':34} {rate}       {seconds:8.3f} s, {peak / items:,.0f} bytes an item")


def print_chain(states: int) -> None:
    """A chain of Pass states, whose cost per state must not grow with their number."""
    chain = {
        f"S{n}": {"Type": "Pass", "Result": n, "ResultPath": f"$.r{n % 5}", "Next": f"S{n + 1}"} for n in range(states)
    }
    machine = StateMachine.parse({"StartAt": "S0", "States": {**chain, f"S{states}": {"Type": "Succeed"}}})
    assert execute(machine, {"small": 1}, name="b").status == "SUCCEEDED"
    seconds = seconds_of(lambda: execute(machine, {"small": 1}, name="b"))
    print(f"{f'a chain of {states:,} states':34} {1e6 * seconds / states:12.1f} us a state")


def print_waiting(count: int) -> None:
    """Memory of waiting executions."""
    machine = StateMachine.parse(WAIT)
    tracemalloc.start()
    waiting = [Execution(machine, {"n": n}, name=f"e{n}", now=0.0) for n in range(count)]
    commands = [each.commands() for each in waiting]
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(commands) == count
    print(f"{f'{count:,} waiting executions':34} {held / count:12,.0f} bytes each")
    print(f"{'peak resident memory':34} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:12,.0f} MB")


if __name__ == "__main__":
    main()
