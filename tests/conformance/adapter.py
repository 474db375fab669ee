"""The engine behind the interface of the conformance corpus: `run(case)` returns status, output, error, cause, events.

Everything runs in this process and in virtual time. A Lambda function is given as source: it is executed here, and its
`time.sleep` only moves the virtual clock. It serves the corpus's own runner and `test_conformance.py`.
"""

import heapq
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from pupline.asl import (
    CancelCommand,
    DefinitionError,
    Execution,
    Fact,
    InvokeTask,
    ItemsRead,
    ReadItems,
    StartTimer,
    StateMachine,
    TaskError,
    TaskFailed,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    TestStateError,
    TestStateRequest,
    TimerFired,
    WriteResults,
    lambda_error,
    run_test_state,
)
from pupline.asl._state_machine import MachineType
from pupline.asl.driver import answer_of
from pupline.asl.validation import diagnostics, variable_references

sys.path.insert(0, str(Path(__file__).parents[2]))  # the corpus's runner loads this file alone

from tests.conformance import services

START = 1_800_000_000.0
ACCOUNT = "111111111111"
CONTEXT: dict[str, Any] = {"Execution": {"RoleArn": "sfn_role_arn"}}


def skip(case: dict[str, Any]) -> str | None:
    """The reason for not running a case, or None: some need parts of the service that the engine does not have."""
    if case["kind"] == "api_error":
        return "accounts, names and log groups belong to the service, not to the engine"
    return None


def run(case: dict[str, Any]) -> dict[str, Any]:
    """The engine's result for a case, in the shape that the corpus's comparer reads."""
    kind = case["kind"]
    if kind == "validate":
        return {"validate": _validate(case)}
    if kind == "variable_references":
        return {"variable_references": {"variableReferences": variable_references(_parsed(case["definition"]))}}
    if kind == "create_error":
        return _create(_with_activity(case["definition"]), case.get("type") or "STANDARD")
    if kind == "test_state":
        return _api(case)
    return _execution(case)


def _parsed(definition: Any) -> Any:
    return json.loads(definition) if isinstance(definition, str) else definition


def _with_activity(definition: Any) -> Any:
    """The corpus calls the ARN of an activity `activity_arn`."""
    if isinstance(definition, str):
        return definition
    return json.loads(json.dumps(definition).replace("activity_arn", services.ACTIVITY_ARN))


def _create(definition: Any, machine_type: MachineType) -> dict[str, Any]:
    try:
        StateMachine.parse(definition, type=machine_type)
    except DefinitionError as error:
        return {"create_error": {"code": "InvalidDefinition", "message": str(error)}}
    return {}


def _validate(case: dict[str, Any]) -> dict[str, Any]:
    found = diagnostics(case["definition"], case.get("type") or "STANDARD")
    return {"result": "FAIL" if found else "OK", "diagnostics": found}


def _api(case: dict[str, Any]) -> dict[str, Any]:
    request = case["request"]
    tasks = {}
    for name, task in (case.get("tasks") or {}).items():
        function = _lambda(task)
        tasks[name] = tasks[task["arn"]] = lambda event, function=function: function(event)[0]
    asked = TestStateRequest(
        definition=_parsed(request["definition"]),
        input=json.loads(request.get("input", "{}")),
        state_name=request.get("stateName"),
        inspection_level=request.get("inspectionLevel", "INFO"),
        context=json.loads(request["context"]) if "context" in request else None,
        variables=json.loads(request["variables"]) if "variables" in request else None,
        mock=request.get("mock"),
        state_configuration=request.get("stateConfiguration") or {},
        role_arn=request.get("roleArn"),
        reveal_secrets=request.get("revealSecrets", False),
        tasks=tasks,
    )
    try:
        return {"test_state": run_test_state(asked)}
    except TestStateError as error:
        return {"api_error": {"code": error.code, "message": error.message}}


def _execution(case: dict[str, Any]) -> dict[str, Any]:
    try:
        machine = StateMachine.parse(_with_activity(case["definition"]), type=case.get("type") or "STANDARD")
    except DefinitionError as error:
        return {"status": "CREATE_FAILED", "error": "InvalidDefinition", "cause": str(error), "events": None}
    given = {} if case.get("input_omitted") else case["input"]
    context = CONTEXT
    if (
        "express_async" in case["id"]
    ):  # AWS shows RedriveCount to these, not to synchronous ones, and we have only one kind
        context = {"Execution": {**CONTEXT["Execution"], "RedriveCount": 0}}
    execution = Execution(machine, given, name=str(uuid.uuid4()), now=START, context=context)
    world = World(execution, case)
    world.run()
    return {
        "status": execution.status,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
        "events": execution.history,
        "names": world.services.names,
    }


class World:
    """Drives one execution in virtual time, with the case's functions and small fakes of services."""

    def __init__(self, execution: Execution, case: dict[str, Any]) -> None:
        self.execution = execution
        self.functions: dict[str, Callable[[Any], tuple[Any, float]]] = {}
        self.services = services.Services(case)
        self.queue: list[tuple[float, int, Fact]] = []
        self.cancelled: set[str] = set()
        self.count = 0
        for name, task in (case.get("tasks") or {}).items():
            function = _lambda(task)
            self.functions[name] = self.functions[task["arn"]] = function

    def run(self) -> None:
        """Carry out commands, then the fact that is due next, until the execution has ended."""
        execution = self.execution
        while execution.status == "RUNNING":
            for command in execution.commands():
                self.carry_out(command)
            due, _, fact = heapq.heappop(self.queue)
            if fact.id in self.cancelled:  # type: ignore[union-attr]
                continue
            execution.receive(fact, now=max(due, execution.now))

    def later(self, due: float, fact: Fact) -> None:
        """Let a fact happen at `due`."""
        self.count += 1
        heapq.heappush(self.queue, (due, self.count, fact))

    def carry_out(self, command: Any) -> None:
        """Start a command."""
        now = self.execution.now
        if isinstance(command, StartTimer):
            self.later(command.due, TimerFired(command.id))
        elif isinstance(command, CancelCommand):
            self.cancelled.add(command.id)
        elif isinstance(command, InvokeTask):
            self.invoke(command)
        elif isinstance(command, ReadItems):
            self.later(now, self.answered(command.id, lambda: ItemsRead(command.id, self.services.read(command))))
        elif isinstance(command, WriteResults):
            self.later(now, self.answered(command.id, lambda: self.services.write(command)))

    def invoke(self, command: InvokeTask) -> None:
        """Call a function, or a service's fake."""
        now = self.execution.now
        function = self.functions.get(command.resource) or self.functions.get(command.resource.rpartition(":")[2])
        if function is None and ":lambda:" in command.integration:
            self.later(now, answer_of(command, {}))
            return
        if function is None:
            self.call_service(command)
            return
        seconds = 0.0
        try:
            output, seconds = function(command.payload)
        except Exception as error:  # noqa: BLE001 - as the Lambda runtime
            self.later(now, TaskFailed(command.id, type(error).__name__, lambda_error(error, str(uuid.uuid4()))))
            return
        self.later(now + seconds, TaskSucceeded(command.id, output))

    def call_service(self, command: InvokeTask) -> None:
        """Answer at once; a task that waits for a token or a job is submitted first."""
        now = self.execution.now
        answers = self.services.call(command)
        for delay, answer in answers:
            if isinstance(answer, TaskError):
                self.later(now + delay, TaskFailed(command.id, answer.error, answer.cause))
            elif isinstance(answer, services.Submitted):
                self.later(now + delay, TaskSubmitted(command.id, answer.output))
            elif isinstance(answer, services.Started):
                self.later(now + delay, TaskStarted(command.id, answer.worker_name))
            else:
                self.later(now + delay, TaskSucceeded(command.id, answer))

    def answered(self, command_id: str, work: Callable[[], Fact]) -> Fact:
        """The fact that `work` gives, or that it failed."""
        try:
            return work()
        except TaskError as error:
            return TaskFailed(command_id, error.error, error.cause)


class _Context:
    """What the Lambda runtime hands to a function, as far as the corpus uses it."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"
    invoked_function_arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:function"


def _lambda(task: dict[str, Any]) -> Callable[[Any], tuple[Any, float]]:
    """A function of the corpus as a callable: event -> (output, seconds it slept)."""
    source = compile(task["python"], "/var/task/handler.py", "exec")
    module: dict[str, Any] = {"__name__": "handler"}
    entry = task["handler"].rpartition(".")[2]

    def call(event: Any) -> tuple[Any, float]:
        slept: list[float] = []
        with mock.patch.object(time, "sleep", slept.append):
            if entry not in module:
                exec(source, module)  # noqa: S102 - the corpus gives functions as source
            answer = module[entry](json.loads(json.dumps(event)), _Context())
        if isinstance(answer, bytes):
            text = answer.decode()
            try:
                return json.loads(text), sum(slept)
            except ValueError:
                return text, sum(slept)
        return json.loads(json.dumps(answer)), sum(slept)

    return call


def corpus() -> Path:
    """The folder of the corpus, next to the project."""
    return Path(__file__).resolve().parents[2].parent / "shared" / "conformance"
