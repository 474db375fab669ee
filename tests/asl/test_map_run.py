"""What a Map Run leaves behind: its results, transformed, and its child executions with their histories."""

import json
from typing import Any

import pytest

from pupline.asl import (
    DetailedExecution,
    ExecutionRedriven,
    InvokeTask,
    TaskFailed,
    TaskSucceeded,
    WriteResults,
    execute,
)
from tests.asl.test_distributed import NOW, WRITER, mapped, odd_fails

PUT = "arn:aws:states:::s3:putObject"


def written(config: dict[str, str]) -> dict[str, str]:
    """File name -> text, for children that answer [0], [2, 2] and fail."""
    files: dict[str, str] = {}

    def put(arguments: Any) -> Any:
        files[arguments["Key"].rpartition("/")[2]] = arguments["Body"]

    def answer(event: Any) -> Any:
        odd_fails(event)
        return [event] * (1 if event == 0 else 2)

    writer = {**WRITER, "WriterConfig": config}
    machine = mapped(ResultWriter=writer, ToleratedFailurePercentage=100)
    assert execute(machine, [0, 2, 3], tasks={"f": answer, PUT: put}).status == "SUCCEEDED"
    return files


@pytest.mark.parametrize(
    ("transformation", "outputs"), [("COMPACT", [[0], [2, 2]]), ("FLATTEN", [0, 2, 2])], ids=["compact", "flatten"]
)
def test_files_hold_only_outputs_if_so_wanted(transformation: str, outputs: list[Any]) -> None:
    """COMPACT leaves the metadata of successful children out, FLATTEN joins their arrays; failed ones stay whole."""
    files = written({"Transformation": transformation})
    assert json.loads(files["SUCCEEDED_0.json"]) == outputs
    assert json.loads(files["FAILED_0.json"])[0]["Error"] == "Odd"
    listed = json.loads(files["manifest.json"])["ResultFiles"]["SUCCEEDED"][0]
    assert listed["Size"] == len(files["SUCCEEDED_0.json"])


def test_json_lines_have_an_output_on_each_line() -> None:
    """Their files are named so, in the manifest too."""
    files = written({"OutputType": "JSONL", "Transformation": "COMPACT"})
    assert files["SUCCEEDED_0.jsonl"] == "[0]\n[2,2]\n"
    listed = json.loads(files["manifest.json"])["ResultFiles"]
    assert listed["SUCCEEDED"][0]["Key"].endswith("/SUCCEEDED_0.jsonl")
    assert listed["SUCCEEDED"][0]["Size"] == len("[0]\n[2,2]\n")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"Transformation": "COMPACT", "OutputType": "JSON"}, [[1], [2]]),
        ({"Transformation": "FLATTEN"}, [1, 2]),
        ({"OutputType": "JSON"}, [[1], [2]]),
    ],
)
def test_without_a_bucket_the_result_itself_is_transformed(config: dict[str, str], expected: list[Any]) -> None:
    """WriterConfig alone writes nothing; the default is COMPACT."""
    machine = mapped(ResultWriter={"WriterConfig": config})
    assert execute(machine, [1, 2], tasks={"f": lambda event: [event]}).output == expected


def test_without_a_transformation_the_result_tells_all_about_the_children() -> None:
    """In the order of the items, failed ones included."""
    machine = mapped(ResultWriter={"WriterConfig": {"Transformation": "NONE"}}, ToleratedFailureCount=1)
    output = execute(machine, [2, 3], tasks={"f": odd_fails}).output
    assert [(each["Status"], each.get("Output"), each.get("Error")) for each in output] == [
        ("SUCCEEDED", "2", None),
        ("FAILED", None, "Odd"),
    ]


def kinds(history: list[dict[str, Any]]) -> list[str]:
    """The types of the events."""
    return [event["type"] for event in history]


def test_children_can_be_looked_at() -> None:
    """A DetailedExecution keeps each child with its input, its end and its history, and a redrive goes on in them."""
    execution = DetailedExecution(mapped(Label="Run"), [0, 1], name="e", now=NOW)
    first, second = execution.commands()
    assert isinstance(first, InvokeTask)
    run = execution.map_runs[0]
    children = execution.children[run.arn]
    assert [child.status for child in children.values()] == ["RUNNING", "RUNNING"]
    execution.receive(TaskSucceeded(first.id, "even"), now=NOW + 1)
    execution.receive(TaskFailed(second.id, "Odd", "1"), now=NOW + 2)
    even, odd = children.values()
    assert (even.status, even.input, even.output, even.stop_time) == ("SUCCEEDED", 0, "even", NOW + 1)
    assert (odd.status, odd.error, odd.cause, odd.index, odd.item_count) == ("FAILED", "Odd", "1", 1, 1)
    assert even.arn == f"arn:aws:states:us-east-1:000000000000:execution:StateMachine/Run:{run.id}-0"
    whole = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]
    assert kinds(even.history) == [*whole, "ExecutionSucceeded"]
    assert kinds(odd.history) == [*whole[:4], "TaskFailed", "ExecutionFailed"]
    assert [event["id"] for event in odd.history] == [1, 2, 3, 4, 5, 6]

    execution.receive(ExecutionRedriven(), now=NOW + 3)
    (again,) = execution.commands()
    assert [child.status for child in children.values()] == ["SUCCEEDED", "RUNNING"]
    execution.receive(TaskSucceeded(again.id, "odd"), now=NOW + 4)
    assert execution.output == ["even", "odd"]
    assert [child.status for child in children.values()] == ["SUCCEEDED", "SUCCEEDED"]


def test_children_that_were_stopped_are_aborted() -> None:
    """When one failure too many ends the run."""
    execution = DetailedExecution(mapped(), [1, 2], name="e", now=NOW)
    first, _ = execution.commands()
    execution.receive(TaskFailed(first.id, "Odd", "1"), now=NOW)
    assert execution.status == "FAILED"
    (children,) = execution.children.values()
    assert [child.status for child in children.values()] == ["FAILED", "ABORTED"]
    assert kinds(children[1].history)[-1] == "ExecutionAborted"


def test_results_have_a_body_for_each_file() -> None:
    """What a driver writes is the file's text."""
    command = WriteResults("id", "All", PUT, {}, "", {"a.json": [1, {}], "b.jsonl": [1, {}]})
    assert (command.body("a.json"), command.body("b.jsonl")) == ("[1,{}]", "1\n{}\n")
