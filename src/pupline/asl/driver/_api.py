"""The Step Functions API for the Tasks of a simulation: executions that start others, and tokens that are sent back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pupline.asl._context import execution_arn
from pupline.asl._errors import InvalidExecutionInput
from pupline.asl._execution import Execution
from pupline.asl._facts import ExecutionAborted, Fact, TaskFailed, TaskHeartbeat, TaskSubmitted, TaskSucceeded
from pupline.asl._input import execution_input
from pupline.asl.driver._nested import api_failure, api_operation, api_request, api_result, child_ended, pattern_of
from pupline.asl.driver._run import Run
from pupline.asl.validation import json_problem
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, dumps, loads
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.asl._commands import InvokeTask
    from pupline.asl._state_machine import StateMachine
    from pupline.asl.driver._simulation import Simulation

MAX_DEPTH: Final = 100
"""Executions that start one another in a chain. AWS has no such limit."""

MAX_EXECUTIONS: Final = 10_000
"""Executions that one may start in all."""

_NAME: Final = re.compile(r"[^\x00-\x20\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
_INCLUDED: Final = {"included": True}

Request: TypeAlias = Mapping[str, Any]
Operation: TypeAlias = "Callable[[Run, InvokeTask, Request], dict[str, Any] | None]"


class _ApiProblem(Exception):
    """An error of the API. code: such as StateMachineDoesNotExist."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Api:
    """The operations that Tasks can call. machines: by ARN or name."""

    def __init__(self, simulation: Simulation, machines: Mapping[str, StateMachine]) -> None:
        self._simulation = simulation
        self._machines = machines
        self._by_arn: dict[str, Run] = {}
        self._operations: dict[str, Operation] = {
            "startExecution": self._start_execution,
            "startSyncExecution": self._start_sync_execution,
            "describeExecution": self._describe_execution,
            "stopExecution": self._stop_execution,
            "sendTaskSuccess": self._send_task,
            "sendTaskFailure": self._send_task,
            "sendTaskHeartbeat": self._send_task,
        }

    def call(self, run: Run, task: InvokeTask) -> bool:
        """Answer a task that calls an operation; whether it is one."""
        operation = self._operations.get(api_operation(task.integration) or "")
        if operation is None:
            return False
        try:
            answer = operation(run, task, api_request(task, run.arn))
        except _ApiProblem as problem:
            self._simulation.receive(run, api_failure(task, problem.code, problem.message))
            return True
        if answer is not None:
            response = api_result(task, answer)
            waits = pattern_of(task.integration) != ""
            fact: Fact = TaskSubmitted(task.id, response) if waits else TaskSucceeded(task.id, response)
            self._simulation.receive(run, fact)
        return True

    # ---- operations

    def _start_execution(self, run: Run, task: InvokeTask, request: Request) -> dict[str, Any]:
        child = self._open(run, request)
        if pattern_of(task.integration).startswith(".sync"):
            child.caller = (run, task)
            run.children[task.id] = child
        return {"executionArn": child.arn, "startDate": child.execution.start_time}

    def _start_sync_execution(self, run: Run, task: InvokeTask, request: Request) -> None:
        if self._machine(request)[1].type != "EXPRESS":
            text = "This operation is not supported by this type of state machine"
            raise _ApiProblem("StateMachineTypeNotSupported", text)
        child = self._open(run, request)
        child.caller = (run, task)
        run.children[task.id] = child

    def _describe_execution(self, run: Run, task: InvokeTask, request: Request) -> dict[str, Any]:  # noqa: ARG002
        return _description(self._find(request))

    def _stop_execution(self, run: Run, task: InvokeTask, request: Request) -> dict[str, Any]:  # noqa: ARG002
        found = self._find(request)
        self._simulation.receive(found, ExecutionAborted(request.get("error"), request.get("cause")))
        return {"stopDate": found.execution.stop_time}

    def _send_task(self, run: Run, task: InvokeTask, request: Request) -> dict[str, Any]:  # noqa: ARG002
        token = request.get("taskToken")
        waiting, command_id = self._simulation.tokens.get(str(token), (None, ""))
        if waiting is None:
            raise _ApiProblem("InvalidToken", "Invalid Token: 'Invalid token'")
        if not waiting.execution.is_waiting(command_id):
            raise _ApiProblem("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        self._simulation.receive(waiting, _sent_fact(task, command_id, request))
        return {}

    # ---- executions

    def _open(self, run: Run, request: Request) -> Run:
        """Start an execution, or find the one that was started by the same request and still runs."""
        arn, machine = self._machine(request)
        name, given = request["name"], request["input"]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _ApiProblem("InvalidName", f"Invalid Name: '{name}'")
        known = self._by_arn.get(execution_arn(machine.type, arn, name))
        if known is not None:
            if known.execution.status == "RUNNING" and dumps(known.execution.input) == dumps(_parsed(given)):
                return known
            raise _ApiProblem("ExecutionAlreadyExists", f"Execution Already Exists: '{known.arn}'")
        self._refuse_endless(run, arn)
        context = {"StateMachine": {"Id": arn, "Name": arn.rpartition(":")[2]}}
        try:
            parsed = execution_input(_parsed(given))
            execution = Execution(machine, parsed, name=name, now=self._simulation.now, context=context)
        except InvalidExecutionInput as problem:
            raise _ApiProblem(problem.code, str(problem)) from problem
        child = self._by_arn[execution_arn(machine.type, arn, name)] = Run(execution, run.depth + 1)
        self._simulation.add(child)
        return child

    def _machine(self, request: Request) -> tuple[str, StateMachine]:
        """(ARN, machine) that a request names, by its ARN with or without version or alias, or by its name."""
        asked = str(request.get("stateMachineArn"))
        root = self._simulation.runs[0].execution
        machines = {root.machine_arn: root.machine, **self._machines}
        unqualified = ":".join(asked.split(":")[:7])
        name = unqualified.rpartition(":")[2].removeprefix("${").removesuffix("}")
        arn = unqualified if ":stateMachine:" in unqualified else f"{root.machine_arn.rpartition(':')[0]}:{name}"
        for key in (asked, unqualified, name):
            if key in machines:
                return arn, machines[key]
        raise _ApiProblem("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{asked}'")

    def _refuse_endless(self, run: Run, arn: str) -> None:
        if run.depth < MAX_DEPTH and len(self._simulation.runs) <= MAX_EXECUTIONS:
            return
        what = f"more than {MAX_DEPTH} start one another" if run.depth >= MAX_DEPTH else f"more than {MAX_EXECUTIONS:,}"
        raise ConfigurationError(f"too many executions: {what}. The last would be of {printable(arn)}")

    def _find(self, request: Request) -> Run:
        arn = str(request.get("executionArn"))
        root = self._simulation.runs[0]
        found = root if arn == root.arn else self._by_arn.get(arn)
        if found is None:
            raise _ApiProblem("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found


def end_of(run: Run, task: InvokeTask) -> Fact:
    """The fact for the task that waits for the end of a run."""
    if api_operation(task.integration) == "startSyncExecution":
        return TaskSucceeded(task.id, dict(sorted(api_result(task, _sync_answer(run)).items())))
    return child_ended(task, _description(run))


def _parsed(text: str) -> AnyJSON:
    try:
        return loads(text)
    except (ValueError, RecursionError) as err:
        message = f"Invalid State Machine Execution Input: '{_not_json(text, err)}'"
        raise _ApiProblem("InvalidExecutionInput", message) from err


def _not_json(text: str, error: ValueError | RecursionError) -> str:
    """Why a text is not JSON, in AWS's words where they are known."""
    if isinstance(error, json.JSONDecodeError):
        return json_problem(text, error).message
    return "the value is nested too deeply, or holds a number that is not JSON"


def _sent_fact(task: InvokeTask, command_id: str, request: Request) -> Fact:
    """The fact of SendTaskSuccess, SendTaskFailure or SendTaskHeartbeat."""
    operation = api_operation(task.integration)
    if operation == "sendTaskHeartbeat":
        return TaskHeartbeat(command_id)
    if operation == "sendTaskFailure":
        return TaskFailed(command_id, request.get("error", ""), request.get("cause"))
    try:
        return TaskSucceeded(command_id, loads(request.get("output", "")))
    except (ValueError, RecursionError) as err:
        reason = _not_json(request.get("output", ""), err)
        raise _ApiProblem("InvalidOutput", f"Invalid Output: '{reason}'") from err


def _summary(run: Run) -> dict[str, Any]:
    execution = run.execution
    output = dumps(execution.output) if execution.status == "SUCCEEDED" else None
    return {
        "executionArn": run.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_time,
        "stopDate": execution.stop_time,
        "input": dumps(execution.input),
        "inputDetails": _INCLUDED,
        "output": output,
        "outputDetails": None if output is None else _INCLUDED,
        "error": execution.error,
        "cause": execution.cause,
    }


def _description(run: Run) -> dict[str, Any]:
    """DescribeExecution."""
    refusal = run.execution.redrive_refusal
    return {
        **_summary(run),
        "redriveCount": run.execution.redrive_count,
        "redriveStatus": "REDRIVABLE" if refusal is None else "NOT_REDRIVABLE",
        "redriveStatusReason": refusal,
    }


def _sync_answer(run: Run) -> dict[str, Any]:
    """The answer of StartSyncExecution. Billed are 100 ms at a time, and 64 MB."""
    execution = run.execution
    seconds = (execution.stop_time or execution.now) - execution.start_time
    billed = {"billedDurationInMilliseconds": math.ceil(seconds * 10) * 100, "billedMemoryUsedInMB": 64}
    return {**_summary(run), "billingDetails": billed}
