"""A Distributed Map over the local buckets, driven durably."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import StateMachine
from pupline.local import BUCKET, DriverSettings, ExecutionFinished, Invocation, LocalBackend, StartRequest
from pupline.tasks.ports import ObjectToCreate
from tests.local.local_fakes import InlineRuntime, VirtualClock, machine, task


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory."""
    with LocalBackend.open(tmp_path, exclusive=True, clock=VirtualClock()) as opened:
        yield opened


def store(backend: LocalBackend, key: str, body: bytes) -> None:
    """Put an object into the bucket."""
    backend.bucket().create(ObjectToCreate(key, body, hashlib.sha256(body).hexdigest(), "text/plain", "test"))


def bulk(**fields: Any) -> StateMachine:
    """A Distributed Map that doubles `n` of each item."""
    state: Any = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Double",
            "States": {"Double": task("Double")},
        },
        "End": True,
        **fields,
    }
    return machine({"Bulk": state})


def reader(operation: str, config: dict[str, Any] | None = None, **parameters: Any) -> Any:
    """An ItemReader over the bucket."""
    found: Any = {"Resource": f"arn:aws:states:::s3:{operation}", "Parameters": {"Bucket": BUCKET, **parameters}}
    return found | ({"ReaderConfig": config} if config else {})


def run(backend: LocalBackend, definition: StateMachine) -> ExecutionFinished:
    """How an execution of it ends."""
    ended: list[ExecutionFinished] = []

    def double(event: Any, _invocation: Invocation) -> Any:
        return int(event["n"]) * 2 if "n" in event else event["Key"]

    settings = DriverSettings(
        machine=definition,
        runtime=InlineRuntime({"Double": double}),
        topic=backend.topic,
        clock=backend.clock,
        listener=lambda event: ended.append(event) if isinstance(event, ExecutionFinished) else None,
    )
    backend.driver(settings).drive([StartRequest("bulk", {})])
    return ended[0]


def test_items_are_read_from_an_object(backend: LocalBackend) -> None:
    """CSV rows of an object in the bucket are the items."""
    store(backend, "manifest.csv", b"n\n1\n2\n3\n")
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    ended = run(backend, bulk(ItemReader=reader("getObject", config, Key="manifest.csv")))
    assert (ended.status, ended.output) == ("SUCCEEDED", [2, 4, 6])


def test_the_listing_of_a_prefix_is_items_too(backend: LocalBackend) -> None:
    """listObjectsV2 gives the objects below the prefix, in the order of their keys."""
    for key in ("html/b.jpg", "html/a.jpg", "other/c.jpg"):
        store(backend, key, b"x")
    ended = run(backend, bulk(ItemReader=reader("listObjectsV2", Prefix="html/")))
    assert ended.output == ["html/a.jpg", "html/b.jpg"]


def test_results_are_written_to_the_bucket(backend: LocalBackend) -> None:
    """The ResultWriter's manifest and results are objects under its prefix; the history replays with them."""
    store(backend, "manifest.jsonl", b'{"n": 1}\n{"n": 2}\n')
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": BUCKET, "Prefix": "results"}}
    ended = run(
        backend, bulk(ItemReader=reader("getObject", {"InputType": "JSONL"}, Key="manifest.jsonl"), ResultWriter=writer)
    )
    output: Any = ended.output
    details = output["ResultWriterDetails"]
    manifest = json.loads(backend.bucket().read(details["Key"]))
    [results] = manifest["ResultFiles"]["SUCCEEDED"]
    written = json.loads(backend.bucket().read(results["Key"]))
    assert sorted(one["Output"] for one in written) == ["2", "4"]
    assert backend.journal.history("bulk")[-1]["type"] == "ExecutionSucceeded"


def test_a_missing_object_fails_the_map_run(backend: LocalBackend) -> None:
    """States.ItemReaderFailed, with the key in the cause."""
    ended = run(backend, bulk(ItemReader=reader("getObject", {"InputType": "JSON"}, Key="none.json")))
    assert (ended.status, ended.error) == ("FAILED", "States.ItemReaderFailed")
    assert "none.json" in (ended.cause or "")


def test_an_object_without_items_fails_the_map_run(backend: LocalBackend) -> None:
    """A body that is not what InputType says is told as such."""
    store(backend, "bad.json", b'{"not": "a list"}')
    ended = run(backend, bulk(ItemReader=reader("getObject", {"InputType": "JSON"}, Key="bad.json")))
    assert (ended.status, ended.error) == ("FAILED", "States.ItemReaderFailed")
