"""Map Runs through boto3: described, listed, updated while they run; their children."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiServer, ApiSettings, serving
from tests.stepfunctions import api_functions
from tests.stepfunctions.api_client import create, described_when, ended, event_types, start, task
from tests.stepfunctions.test_executions import PLACE, error_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server, with functions."""
    names = {"Double": "double", "Gate": "wait_for_gate", "FailOnce": "fail_once"}
    settings = ApiSettings(functions={name: f"{PLACE}:{function}" for name, function in names.items()})
    data: Path = tmp_path_factory.mktemp("api")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0), settings) as opened:
        yield opened


def mapped(client: Any, name: str, function: str, **fields: Any) -> str:
    """A machine whose Distributed Map calls a function for each item."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Each", "States": {"Each": task(function)}}
    return create(client, name, All={"Type": "Map", "Label": "L", "ItemProcessor": processor, "End": True, **fields})


def test_a_map_run_and_its_children(client: Any) -> None:
    """Counts, the list of children, and a child described with its history."""
    arn = start(client, mapped(client, "counted", "Double"), [{"n": 1}, {"n": 2}, {"n": 3}])
    assert ended(client, arn)["output"] == "[2,4,6]"
    (run,) = client.list_map_runs(executionArn=arn)["mapRuns"]
    described = client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert run["mapRunArn"].startswith("arn:aws:states:eu-west-1:123456789012:mapRun:counted/L:")
    assert (described["status"], described["executionArn"]) == ("SUCCEEDED", arn)
    assert described["itemCounts"]["succeeded"] == described["executionCounts"]["total"] == 3
    pages = client.get_paginator("list_executions").paginate(
        mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 2}
    )
    children = [one for page in pages for one in page["executions"]]
    found = [client.describe_execution(executionArn=one["executionArn"]) for one in children]
    assert [one["input"] for one in found] == ['{"n":3}', '{"n":2}', '{"n":1}']
    assert {one["mapRunArn"] for one in found} == {run["mapRunArn"]}
    assert event_types(client, children[0]["executionArn"])[-1] == "ExecutionSucceeded"
    definition = client.describe_state_machine_for_execution(executionArn=children[0]["executionArn"])
    assert (definition["label"], definition["mapRunArn"]) == ("L", run["mapRunArn"])
    assert client.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")["executions"] == []


def test_the_concurrency_is_raised_while_it_runs(client: Any) -> None:
    """More children begin at once."""
    api_functions.GATE.clear()
    arn = start(client, mapped(client, "raised", "Gate", MaxConcurrency=1), [1, 2, 3])
    described_when(client, arn, lambda _found: client.list_map_runs(executionArn=arn)["mapRuns"])
    map_run = client.list_map_runs(executionArn=arn)["mapRuns"][0]["mapRunArn"]
    assert client.describe_map_run(mapRunArn=map_run)["executionCounts"]["running"] == 1
    client.update_map_run(mapRunArn=map_run, maxConcurrency=3, toleratedFailurePercentage=10)
    described = client.describe_map_run(mapRunArn=map_run)
    assert (described["maxConcurrency"], described["executionCounts"]["running"]) == (3, 3)
    assert described["toleratedFailurePercentage"] == 10
    api_functions.GATE.set()
    assert ended(client, arn)["output"] == "[1,2,3]"


def test_a_failed_map_run_is_redriven(client: Any) -> None:
    """With its execution: only the failed children run again."""
    arn = start(client, mapped(client, "again", "FailOnce"), [{"id": "m1"}, {"id": "m2"}])
    assert ended(client, arn)["error"] == "States.ExceedToleratedFailureThreshold"
    client.redrive_execution(executionArn=arn)
    found = ended(client, arn)
    while found["status"] != "SUCCEEDED":  # the second child was stopped before it had failed
        client.redrive_execution(executionArn=arn)
        found = ended(client, arn)
    (run,) = client.list_map_runs(executionArn=arn)["mapRuns"]
    described = client.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (described["redriveCount"] >= 1, "redriveDate" in described, json.loads(found["output"])) == (
        *(True, True),
        [2, 2],
    )


def test_an_unknown_map_run(client: Any) -> None:
    """Every operation says so."""
    arn = "arn:aws:states:eu-west-1:123456789012:mapRun:none/L:none"
    for call in (client.describe_map_run, client.update_map_run, client.list_executions):
        assert error_of(lambda call=call: call(mapRunArn=arn))[0] == "ResourceNotFound"
