"""SIGKILL of the real server: nothing acknowledged is lost, and everything unfinished continues."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.stepfunctions.api_client import create, described_when, ended, event_types, start, task

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.crash]

TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"  # noqa: S105 - a Resource
FUNCTIONS = """
import json, pathlib, time
def keep(event):
    path = pathlib.Path("tokens")
    path.mkdir(exist_ok=True)
    (path / event["id"]).write_text(event["token"])
def slow(event):
    time.sleep(0.05)
    return event
"""


@contextmanager
def server(directory: Path) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """(client, process) of a real server on that data; killed at the end."""
    command = [sys.executable, "-m", "pupline", "asl", "serve", "--port", "0", "--json", "--data", "data", "--quiet"]
    command += ["--function", "Keep=functions:keep", "--function", "Slow=functions:slow"]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
            keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
            client = boto3.client("stepfunctions", endpoint_url=url, region_name="us-east-1", config=config, **keys)
            yield client, process
        finally:
            process.send_signal(signal.SIGKILL)


def waiting_state(name: str) -> dict[str, Any]:
    """A Task that waits for a token, which the function writes to a file of that name."""
    arguments = {"FunctionName": "Keep", "Payload": {"id": name, "token.$": "$$.Task.Token"}}
    return {"Type": "Task", "Resource": TOKEN, "Parameters": arguments, "End": True}


def token(directory: Path, name: str) -> str:
    """The token that the function got."""
    path, deadline = directory / "tokens" / name, time.monotonic() + 10
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return path.read_text()


def test_what_waits_when_the_server_is_killed_continues(tmp_path: Path) -> None:
    """A token, a worker's task, a nested execution, a Wait and a stop request, across two kills."""
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    with server(tmp_path) as (client, _):
        activity = client.create_activity(name="a")["activityArn"]
        child = create(client, "child", T=waiting_state("of-child"))
        nested = {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": child},
            "OutputPath": "$.Output",
            "End": True,
        }
        machines = {
            "token": create(client, "token", T=waiting_state("of-token")),
            "taken": create(client, "taken", A={"Type": "Task", "Resource": activity, "End": True}),
            "parent": create(client, "parent", N=nested),
            "wait": create(client, "wait", W={"Type": "Wait", "Seconds": 2, "End": True}),
            "forever": create(client, "forever", W={"Type": "Wait", "Seconds": 86_400, "End": True}),
        }
        arns = {name: start(client, machine, {"of": name}) for name, machine in machines.items()}
        taken = client.get_activity_task(activityArn=activity, workerName="w")
        waiting = start(client, machines["taken"], {"of": "waiting"})
        described_when(client, arns["parent"], lambda _: "TaskSubmitted" in event_types(client, arns["parent"]))
        described_when(client, arns["token"], lambda _: "TaskSubmitted" in event_types(client, arns["token"]))
        begun = {name: client.describe_execution(executionArn=arn)["startDate"] for name, arn in arns.items()}
    with server(tmp_path) as (client, _):
        for name, arn in arns.items():
            assert client.describe_execution(executionArn=arn)["startDate"] == begun[name]
        client.send_task_success(taskToken=token(tmp_path, "of-token"), output='"by token"')
        client.stop_execution(executionArn=arns["forever"], error="Stopped")
    with server(tmp_path) as (client, _):
        assert ended(client, arns["token"])["output"] == '"by token"'
        assert ended(client, arns["forever"])["error"] == "Stopped"
        assert json.loads(ended(client, arns["wait"])["output"]) == {"of": "wait"}
        assert event_types(client, arns["taken"]).count("ActivityStarted") == 1
        client.send_task_success(taskToken=taken["taskToken"], output='"by worker"')
        assert ended(client, arns["taken"])["output"] == '"by worker"'
        second = client.get_activity_task(activityArn=activity)
        assert json.loads(second["input"]) == {"of": "waiting"}
        client.send_task_success(taskToken=second["taskToken"], output="1")
        assert ended(client, waiting)["status"] == "SUCCEEDED"
        client.send_task_success(taskToken=token(tmp_path, "of-child"), output='"by child"')
        assert ended(client, arns["parent"])["output"] == '"by child"'
        assert len(client.list_executions(stateMachineArn=child)["executions"]) == 1


def test_acknowledged_starts_survive_kills_at_any_instant(tmp_path: Path) -> None:
    """Of executions that several clients start while the server is killed again and again, all end, once each."""
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    acknowledged: dict[str, Any] = {}
    machine = ""
    for number, seconds in enumerate((0.15, 0.4, 0.7)):
        with server(tmp_path) as (client, process):
            machine = machine or create(
                client, "m", S={**task("Slow"), "End": False, "Next": "W"}, W={"Type": "Pass", "End": True}
            )
            threads = [
                threading.Thread(target=_start_until_killed, args=(client, machine, f"{number}-{k}", acknowledged))
                for k in range(4)
            ]
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join()
    assert acknowledged
    with server(tmp_path) as (client, _):
        while client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            time.sleep(0.05)
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
        listed = [one for page in pages for one in page["executions"]]
        found = {one["executionArn"]: one["startDate"] for one in listed if one["status"] == "SUCCEEDED"}
        assert len(found) == len(listed)
        assert acknowledged.items() <= found.items()
        for arn in [*acknowledged][::50]:
            assert event_types(client, arn).count("LambdaFunctionSucceeded") == 1


def _start_until_killed(client: Any, machine: str, prefix: str, acknowledged: dict[str, Any]) -> None:
    for number in range(10_000):
        try:
            found = client.start_execution(stateMachineArn=machine, name=f"{prefix}-{number}", input="{}")
        except (BotoCoreError, ClientError):
            return
        acknowledged[found["executionArn"]] = found["startDate"]
