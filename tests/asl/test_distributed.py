"""Distributed Map: reading, batching, tolerating, writing, counting."""

import csv
import json
from typing import Any

import pytest

from pupline.asl import (
    DefinitionError,
    Execution,
    InvokeTask,
    ItemReaderError,
    ItemsRead,
    ReadItems,
    StateMachine,
    TaskError,
    TaskFailed,
    TaskSucceeded,
    WriteResults,
    execute,
    parse_items,
)

NOW = 1_800_000_000.0
READER: dict[str, Any] = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSON"},
    "Parameters": {"Bucket": "b", "Key.$": "$.key"},
}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "runs"}}
WORK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload", "End": True}


def mapped(**more: Any) -> StateMachine:
    """A machine of one Distributed Map whose children call `f`."""
    work = {**WORK, "Parameters": {"FunctionName": "f", "Payload.$": "$"}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    processor = {"ProcessorConfig": config, "StartAt": "Work", "States": {"Work": work}}
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **more}
    return StateMachine.parse({"StartAt": "All", "States": {"All": state}})


def odd_fails(event: Any) -> Any:
    """Fails for odd numbers."""
    if event % 2:
        raise TaskError("Odd", str(event))
    return event


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 1}, "FAILED"),
    ],
)
def test_a_run_fails_when_more_items_fail_than_tolerated(tolerance: dict[str, Any], status: str) -> None:
    """Either limit fails the run; without any, one failed item does."""
    result = execute(mapped(**tolerance), [0, 1, 2, 3], tasks={"f": odd_fails})
    assert result.status == status
    if status == "FAILED":
        assert result.error == "States.ExceedToleratedFailureThreshold"
        assert "MapRunFailed" in [event["type"] for event in result.history]
    else:
        assert result.output == [0, 2]
        counts = result.execution.map_runs[0].describe()["itemCounts"]
        assert (counts["total"], counts["succeeded"], counts["failed"], counts["running"]) == (4, 2, 2, 0)


def test_the_last_child_can_fail_the_run_in_the_same_step_as_others_succeed() -> None:
    """Children that never wait end in one step; a failure among them still counts."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Work",
        "States": {"Work": {"Type": "Pass", "InputPath": "$.n", "End": True}},
    }
    state = {"Type": "Map", "ItemProcessor": processor, "End": True}
    machine = StateMachine.parse({"StartAt": "All", "States": {"All": state}})
    result = execute(machine, [{"n": 1}, {"m": 1}])
    assert (result.status, result.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    run = result.execution.map_runs[0]
    assert run.first_failure is not None
    assert (run.status, run.first_failure.index, run.first_failure.state) == ("FAILED", 1, "Work")


def test_batches_hold_items_and_their_common_input() -> None:
    """MaxItemsPerBatch cuts; BatchInput goes with every batch; counts are of items, and of executions."""
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"common.$": "$.x"}}
    machine = mapped(ItemsPath="$.items", ItemBatcher=batcher)
    result = execute(machine, {"x": 9, "items": [1, 2, 3]}, tasks={"f": lambda event: event})
    assert result.output == [
        {"BatchInput": {"common": 9}, "Items": [1, 2]},
        {"BatchInput": {"common": 9}, "Items": [3]},
    ]
    run = result.execution.map_runs[0].describe()
    assert (run["itemCounts"]["succeeded"], run["executionCounts"]["succeeded"]) == (3, 2)


def test_batches_are_cut_by_bytes() -> None:
    """MaxInputBytesPerBatch bounds the JSON text of a child's whole input."""
    machine = mapped(ItemBatcher={"MaxInputBytesPerBatch": 40})
    result = execute(machine, ["0123456789"] * 5, tasks={"f": lambda event: event})
    assert [len(batch["Items"]) for batch in result.output] == [2, 2, 1]
    assert all(len(json.dumps(batch, separators=(",", ":"))) <= 40 for batch in result.output)


def test_items_are_read_by_the_driver() -> None:
    """The ItemReader is a command with evaluated arguments; MaxItems cuts what was read; length is 0 in the history."""
    machine = mapped(ItemReader={**READER, "ReaderConfig": {"InputType": "JSON", "MaxItems": 2}})
    execution = Execution(machine, {"key": "k.json"}, name="e", now=NOW)
    (command,) = execution.commands()
    config = {"InputType": "JSON", "MaxItems": 2}
    assert command == ReadItems("All@1#0/items", "All", READER["Resource"], {"Bucket": "b", "Key": "k.json"}, config)
    execution.receive(ItemsRead(command.id, ["a", "b", "c"]), now=NOW)
    calls = [each for each in execution.commands() if isinstance(each, InvokeTask)]
    assert [call.payload for call in calls] == ["a", "b"]
    for call in calls:
        execution.receive(TaskSucceeded(call.id, call.payload), now=NOW)
    assert execution.output == ["a", "b"]
    started = next(event for event in execution.history if event["type"] == "MapStateStarted")
    assert started["mapStateStartedEventDetails"] == {"length": 0}


def test_a_reader_that_fails_fails_the_run() -> None:
    """The cause is the driver's, the error States.ItemReaderFailed."""
    execution = Execution(mapped(ItemReader=READER), {"key": "k"}, name="e", now=NOW)
    (command,) = execution.commands()
    execution.receive(TaskFailed(command.id, "NoSuchKey", "there is no k"), now=NOW)
    assert (execution.status, execution.error, execution.cause) == (
        "FAILED",
        "States.ItemReaderFailed",
        "there is no k",
    )
    assert [event["type"] for event in execution.history[-3:]] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_results_are_written_as_files_with_a_manifest() -> None:
    """SUCCEEDED and FAILED children have a file each; the state's result tells where the manifest is."""
    machine = mapped(ResultWriter=WRITER, ToleratedFailureCount=1, Label="Run")
    execution = Execution(machine, [0, 1], name="e", now=NOW)
    for call in execution.commands():
        assert isinstance(call, InvokeTask)
        fact = TaskFailed(call.id, "Odd", "1") if call.payload else TaskSucceeded(call.id, "even")
        execution.receive(fact, now=NOW)
    (command,) = execution.commands()
    assert isinstance(command, WriteResults)
    run = execution.map_runs[0]
    assert command.key_prefix == f"runs/{run.id}/"
    assert sorted(command.files) == ["FAILED_0.json", "SUCCEEDED_0.json", "manifest.json"]
    assert command.files["manifest.json"]["ResultFiles"]["FAILED"][0]["Key"] == f"runs/{run.id}/FAILED_0.json"
    assert command.files["FAILED_0.json"][0]["Error"] == "Odd"
    execution.receive(TaskSucceeded(command.id), now=NOW)
    details = {"Bucket": "out", "Key": f"runs/{run.id}/manifest.json"}
    assert execution.output == {"MapRunArn": run.arn, "ResultWriterDetails": details}
    assert run.arn.endswith(f"/Run:{run.id}")


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"ItemReader": {**READER, "ReaderConfig": {"InputType": "TAR"}}}, "ItemReader.ReaderConfig.InputType"),
        ({"ItemReader": {**READER, "ReaderConfig": {"ManifestType": "ATHENA_DATA"}}}, "ItemReader.ReaderConfig"),
        ({"ItemReader": {**READER, "ReaderConfig": {"Transformation": "LOAD_AND_FLATTEN"}}}, "ItemReader.ReaderConfig"),
        (
            {"ItemReader": {**READER, "ReaderConfig": {"ManifestType": "S3_INVENTORY", "InputType": "CSV"}}},
            "ItemReader.ReaderConfig",
        ),
        ({"ResultWriter": {**WRITER, "WriterConfig": {"OutputType": "CSV"}}}, "ResultWriter.WriterConfig.OutputType"),
        ({"ResultWriter": {"WriterConfig": {"Transformation": "X"}}}, "ResultWriter.WriterConfig.Transformation"),
        ({"ResultWriter": {}}, "ResultWriter"),
        ({"ResultWriter": {"Resource": WRITER["Resource"], "WriterConfig": {}}}, "ResultWriter"),
    ],
)
def test_readers_and_writers_that_aws_refuses_are_refused_by_name(more: dict[str, Any], where: str) -> None:
    """The definition is refused when it is parsed, with the place of the field."""
    with pytest.raises(DefinitionError) as caught:
        mapped(**more)
    assert [path for path, _ in caught.value.problems] == [f"$.States.All.{where}"]


def test_execute_reads_and_writes_through_its_tasks() -> None:
    """The reader's callable gives the object, the writer's gets one file at a time."""
    files: dict[str, Any] = {}
    tasks = {
        "f": lambda event: event["n"],
        "arn:aws:states:::s3:getObject": lambda where: b"n\n1\n2\n" if where["Key"] == "k" else b"",
        "arn:aws:states:::s3:putObject": lambda call: files.update(
            {call["Key"].rpartition("/")[2]: json.loads(call["Body"])}
        ),
    }
    reader = {**READER, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}}
    result = execute(mapped(ItemReader=reader, ResultWriter=WRITER), {"key": "k"}, tasks=tasks)
    assert result.status == "SUCCEEDED", result.cause
    assert [row["Output"] for row in files["SUCCEEDED_0.json"]] == ['"1"', '"2"']
    assert files["manifest.json"]["ResultFiles"]["SUCCEEDED"][0]["Key"].endswith("/SUCCEEDED_0.json")


def test_children_are_separate_executions() -> None:
    """A child's Context Object is its own, outer variables are not there, and its events are not the parent's."""
    work = {"Type": "Pass", "Parameters": {"in.$": "$$.Execution.Input", "id.$": "$$.Execution.Id"}, "End": True}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Work", "States": {"Work": work}}
    state = {"Type": "Map", "Label": "L", "ItemProcessor": processor, "End": True}
    machine = StateMachine.parse({"StartAt": "All", "States": {"All": state}})
    result = execute(machine, ["x"])
    assert result.output[0]["in"] == "x"
    assert ":execution:StateMachine/L:" in result.output[0]["id"]
    assert "PassStateEntered" not in [event["type"] for event in result.history]


def test_at_most_max_concurrency_children_run() -> None:
    """The next child starts when one has ended."""
    execution = Execution(mapped(MaxConcurrency=2), [1, 2, 3], name="e", now=NOW)
    first, second = execution.commands()
    assert isinstance(first, InvokeTask)
    execution.receive(TaskSucceeded(first.id, 1), now=NOW)
    (third,) = execution.commands()
    assert third.id.startswith("All@1#0/2/")
    assert {second.id, third.id} == set(execution.waiting_ids)


@pytest.mark.parametrize(
    ("body", "config", "items"),
    [
        (b"[1, {}]", {"InputType": "JSON"}, [1, {}]),
        (b'{"a/b": {"c": [1]}}', {"InputType": "JSON", "ItemsPointer": "/a~1b/c"}, [1]),
        (b'{"n": 1}\n\n{"n": 2}\n', {"InputType": "JSONL"}, [{"n": 1}, {"n": 2}]),
        (b"a,b\n3\n4,5,6\n", {"InputType": "CSV"}, [{"a": "3", "b": ""}, {"a": "4", "b": "5"}]),
        (b"\xef\xbb\xbfa\n1\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1"}]),
        (b"1|2\n", {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"], "CSVDelimiter": "PIPE"},
         [{"x": "1", "y": "2"}]),
        (b'a\n"x\ny"\n', {"InputType": "CSV"}, [{"a": "x\ny"}]),
        (b"a\n1\n2\n3\n", {"InputType": "CSV", "MaxItems": 2}, [{"a": "1"}, {"a": "2"}]),
        (b"", {"InputType": "CSV"}, []),
    ],
)  # fmt: skip
def test_items_of_each_format(body: bytes, config: dict[str, Any], items: list[Any]) -> None:
    """JSON arrays, JSON Lines, CSV with its headers and delimiters, as AWS reads them."""
    assert parse_items(body, config) == items


@pytest.mark.parametrize(
    ("body", "config", "message"),
    [
        (b'{"a": 1}', {"InputType": "JSON"}, "Attempting to map over non-iterable node"),
        (b"[1", {"InputType": "JSON"}, "Error parsing the JSON file"),
        (b"\xff", {"InputType": "CSV"}, "Error parsing the CSV file"),
        (b"{}", {"InputType": "JSON", "ItemsPointer": "/x"}, "/x selects nothing"),
        (b"1\nx", {"InputType": "JSONL"}, "Error parsing the JSONL file"),
        (b"", {"InputType": "PARQUET"}, "Error parsing the PARQUET file"),
        (b"", {"InputType": "TAR"}, "TAR is not supported"),
        (b"1", {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}, "needs CSVHeaders"),
    ],
)
def test_an_object_without_items_is_refused(body: bytes, config: dict[str, Any], message: str) -> None:
    """The text says what is wrong with the object."""
    with pytest.raises(ItemReaderError, match=message):
        parse_items(body, config)


def test_reading_long_fields_restores_the_limit_of_csv() -> None:
    """The limit for a field of CSV is the process's; the readers of lists are bounded by it."""
    before = csv.field_size_limit()
    [item] = parse_items(b"a\n" + b"x" * 200_000, {"InputType": "CSV"})
    assert len(item["a"]) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("text", ["[NaN]", "[1e999]", "[-Infinity]", "[" * 5000, "[" + "9" * 5000 + "]"])
@pytest.mark.parametrize("kind", ["JSON", "JSONL"])
def test_json_extensions_of_python_are_refused_as_items(text: str, kind: str) -> None:
    """It could not be written into a history; the reader says so, and nothing breaks later."""
    with pytest.raises(ItemReaderError, match=f"Error parsing the {kind} file"):
        parse_items(text.encode(), {"InputType": kind})
