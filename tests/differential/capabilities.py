"""What a local Step Functions can do: questions that are put to each one, by boto3 or by a definition that it runs.

The answers are the rows of the comparison in docs/states-language.md.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.differential.differential_machines import Case
from tools.peers import Outcome

ROLE = "arn:aws:iam::123456789012:role/peer"
_DONE = {"Type": "Pass", "End": True}


@dataclass(frozen=True, slots=True)
class Language:
    """A row about the language. case: what is run; expected: how it ends on AWS."""

    row: str
    case: Case
    expected: Outcome


def _one(state: dict[str, Any], given: Any = None, **machine: Any) -> Case:
    return Case({**machine, "StartAt": "First", "States": {"First": {**state, "End": True}}}, given or {}, {})


def _map(mode: str, **more: Any) -> dict[str, Any]:
    config = {"Mode": mode} if mode == "INLINE" else {"Mode": mode, "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Inner", "States": {"Inner": _DONE}}
    return {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": processor, **more}


LANGUAGE = [
    Language(
        "intrinsic functions",
        _one({"Type": "Pass", "Parameters": {"k.$": "States.Format('{} {}', $.n, States.ArrayLength($.a))"}},
             {"n": 1, "a": [2, 3]}),
        Outcome("SUCCEEDED", {"k": "1 2"}),
    ),
    Language(
        "JSONata",
        _one({"Type": "Pass", "Output": "{% $sum($states.input.a) %}"}, {"a": [2, 3]}, QueryLanguage="JSONata"),
        Outcome("SUCCEEDED", 5),
    ),
    Language(
        "variables (Assign)",
        Case(
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"x.$": "$.n"}, "Next": "B"},
                                        "B": {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True}}},
            {"n": 7}, {},
        ),
        Outcome("SUCCEEDED", {"x": 7}),
    ),
    Language(
        "a filter in a path",
        _one({"Type": "Pass", "Parameters": {"k.$": "$.a[?(@.n > 1)].n"}}, {"a": [{"n": 1}, {"n": 2}]}),
        Outcome("SUCCEEDED", {"k": [2]}),
    ),
    Language(
        "a dot before a bracket, `$.a.['b c']`",
        _one({"Type": "Pass", "Parameters": {"k.$": "$.a.['b c']"}}, {"a": {"b c": 1}}),
        Outcome("SUCCEEDED", {"k": 1}),
    ),
    Language(
        "a missing path fails with States.Runtime",
        _one({"Type": "Pass", "Parameters": {"k.$": "$.none"}}),
        Outcome("FAILED", error="States.Runtime"),
    ),
    Language("Map, inline", _one(_map("INLINE"), {"list": [1, 2]}), Outcome("SUCCEEDED", [1, 2])),
    Language("Map, distributed", _one(_map("DISTRIBUTED"), {"list": [1, 2]}), Outcome("SUCCEEDED", [1, 2])),
    Language(
        "ItemBatcher",
        _one(_map("DISTRIBUTED", ItemBatcher={"MaxItemsPerBatch": 2}), {"list": [1, 2, 3]}),
        Outcome("SUCCEEDED", [{"Items": [1, 2]}, {"Items": [3]}]),
    ),
]  # fmt: skip


class Api:
    """boto3's client of one implementation, and what most questions need. wait: seconds for an execution to end."""

    def __init__(self, client: Any, wait: float = 10.0) -> None:
        self.client = client
        self._wait = wait
        self._count = 0

    def machine(self, definition: dict[str, Any], **more: Any) -> str:
        """The ARN of a new state machine."""
        self._count += 1
        name = f"machine-{id(self)}-{self._count}"
        made = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, **more)
        return str(made["stateMachineArn"])

    def start(self, definition: dict[str, Any], given: Any = None, **more: Any) -> str:
        """The ARN of an execution of a new state machine."""
        arn = self.machine(definition)
        started = self.client.start_execution(stateMachineArn=arn, input=json.dumps(given or {}), **more)
        return str(started["executionArn"])

    def ended(self, execution: str) -> Any:
        """DescribeExecution's answer, as soon as it has ended or the time is over."""
        until = time.monotonic() + self._wait
        while True:
            found = self.client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING" or time.monotonic() > until:
                return found
            time.sleep(0.02)

    def outcome(self, case: Case) -> Outcome:
        """How the case ends."""
        try:
            found = self.ended(self.start(case.definition, case.given))
        except Exception as err:  # noqa: BLE001 - peers raise anything
            return Outcome("REFUSED", cause=str(err))
        output = json.loads(found["output"]) if found.get("output") else None
        return Outcome(found["status"], output, found.get("error"), found.get("cause"))


PASS = {"StartAt": "First", "States": {"First": _DONE}}
FAIL = {"StartAt": "First", "States": {"First": {"Type": "Fail", "Error": "Told", "Cause": "to fail"}}}
BAD = {"StartAt": "First", "States": {"First": {"Type": "Pass", "Next": "Nowhere"}}}


def refuses_invalid(api: Api) -> bool:
    """CreateStateMachine checks the definition."""
    try:
        api.machine(BAD)
    except Exception as err:  # noqa: BLE001 - any refusal but a crash
        return "InvalidDefinition" in str(err)
    return False


def validates(api: Api) -> bool:
    """ValidateStateMachineDefinition lists what is wrong."""
    found = api.client.validate_state_machine_definition(definition=json.dumps(BAD))
    return bool(found["result"] == "FAIL" and any(each["severity"] == "ERROR" for each in found["diagnostics"]))


def tests_states(api: Api) -> bool:
    """TestState runs a state of JSONata on a mocked result."""
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f"},
        "Output": "{% $states.result.n + 1 %}",
        "End": True,
    }
    mock = {"result": json.dumps({"n": 1}), "fieldValidationMode": "NONE"}
    found = api.client.test_state(definition=json.dumps(state), roleArn=ROLE, mock=mock)
    return bool(found["output"] == "2")


def starts_once(api: Api) -> bool:
    """StartExecution with the same name and input answers with the first execution while that runs."""
    waits = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
    machine = api.machine(waits)
    arns = {api.client.start_execution(stateMachineArn=machine, name="once", input="{}")["executionArn"] for _ in "12"}
    api.client.stop_execution(executionArn=next(iter(arns)))
    return len(arns) == 1


def has_history(api: Api) -> bool:
    """GetExecutionHistory, newest first and in pages."""
    arn = api.start(PASS)
    api.ended(arn)
    page = api.client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=2)
    return [event["type"] for event in page["events"]] == ["ExecutionSucceeded", "PassStateExited"]


def runs_synchronously(api: Api) -> bool:
    """StartSyncExecution of an Express machine."""
    machine = api.machine(PASS, type="EXPRESS")
    found = api.client.start_sync_execution(stateMachineArn=machine, input='{"n":1}')
    return bool(found["status"] == "SUCCEEDED" and json.loads(found["output"]) == {"n": 1})


def redrives(api: Api) -> bool:
    """RedriveExecution of a failed execution."""
    arn = api.start(FAIL)
    api.ended(arn)
    api.client.redrive_execution(executionArn=arn)
    return bool(api.ended(arn)["redriveCount"] == 1)


def gives_activities(api: Api) -> bool:
    """An activity's worker gets the task, and its answer is the state's result."""
    activity = api.client.create_activity(name=f"activity-{id(api)}")["activityArn"]
    arn = api.start({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": activity, "End": True}}}, {"n": 1})
    task = api.client.get_activity_task(activityArn=activity)
    api.client.send_task_success(taskToken=task["taskToken"], output='{"n":2}')
    return bool(json.loads(task["input"]) == {"n": 1} and api.ended(arn).get("output") == '{"n":2}')


def has_map_runs(api: Api) -> bool:
    """ListMapRuns, DescribeMapRun, and the child executions by ListExecutions."""
    arn = api.start(_one(_map("DISTRIBUTED")).definition, {"list": [1, 2]})
    api.ended(arn)
    (run,) = api.client.list_map_runs(executionArn=arn)["mapRuns"]
    described = api.client.describe_map_run(mapRunArn=run["mapRunArn"])
    children = api.client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    return bool(described["itemCounts"]["succeeded"] == 2 and len(children) == 2)


def has_versions(api: Api) -> bool:
    """PublishStateMachineVersion, and an alias of the version that can be started."""
    machine = api.machine(PASS)
    version = api.client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = api.client.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    arn = api.client.start_execution(stateMachineArn=alias)["executionArn"]
    return bool(api.ended(arn)["stateMachineVersionArn"] == version)


def nests(api: Api) -> bool:
    """startExecution.sync:2 runs another state machine, and its output is JSON."""
    child = api.machine(PASS)
    resource = "arn:aws:states:::states:startExecution.sync:2"
    task = {"Type": "Task", "Resource": resource, "Parameters": {"StateMachineArn": child, "Input": {"n": 1}}}
    found = api.outcome(_one({**task, "OutputPath": "$.Output"}))
    return bool(found.output == {"n": 1})


def keeps_the_bounds(api: Api) -> bool:
    """An input of more than 262,144 bytes is refused, and a state's result of that size fails."""
    text = "x" * 150_000
    double = {"Type": "Pass", "Parameters": {"a.$": "$.t", "b.$": "$.t"}}
    refused = api.outcome(Case(PASS, {"t": "x" * 300_000}, {})).status
    return refused == "REFUSED" and api.outcome(_one(double, {"t": text})).error == "States.DataLimitExceeded"


API: dict[str, Callable[[Api], bool]] = {
    "invalid definitions are refused": refuses_invalid,
    "ValidateStateMachineDefinition": validates,
    "TestState with a mocked result": tests_states,
    "idempotent StartExecution": starts_once,
    "StartSyncExecution": runs_synchronously,
    "history, in pages and reversed": has_history,
    "RedriveExecution": redrives,
    "activities": gives_activities,
    "Map Runs and their child executions": has_map_runs,
    "versions and aliases": has_versions,
    "`startExecution.sync:2`": nests,
    "quotas of size": keeps_the_bounds,
}
"""Row -> question. An exception is a no."""


def can(api: Api, question: Callable[[Api], bool]) -> bool:
    """Whether an implementation answers the question as AWS does."""
    with suppress(Exception):
        return question(api)
    return False
