"""TestState: one state, run alone, with each stage of its data flow shown.

As at AWS, a Task's answer can be mocked; Map and Parallel states can only be tested with a mock, because what they
hold is not run. The answer has the shape of AWS's API: `status` (SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR),
`output`, `error`, `cause`, `nextState`, and at the levels DEBUG and TRACE `inspectionData`, all JSON values as text.

A Task's mocked result is checked against the API model of its service, as `fieldValidationMode` says.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pupline.asl._commands import InvokeTask, StartTimer
from pupline.asl._context import ACCOUNT_ID, REGION
from pupline.asl._execution import Execution
from pupline.asl._facts import TaskFailed, TaskSucceeded, TimerFired
from pupline.asl._state_machine import StateMachine
from pupline.asl._thread import Thread
from pupline.asl.driver import DEFAULT_START, Task, answer_of
from pupline.asl.states import DistributedMapState, MapState, State, TaskState, exceeds_tolerance
from pupline.asl.test_state._inspection import inspection_data
from pupline.asl.test_state._mock_models import problem_of
from pupline.asl.validation import create_error, problems
from pupline.errors import THRESHOLD_EXCEEDED, PuplineError
from pupline.json_values import AnyJSON, dumps, loads
from pupline.text import timestamp

_NAME = "StateName"
_MOCKABLE = ("Task", "Map", "Parallel")
_EXECUTION_FIELDS = ("Id", "Input", "StartTime", "Name", "RoleArn", "RedriveCount", "RedriveTime")


class TestStateError(PuplineError):
    """The request is refused; `code` is AWS's: InvalidDefinition or ValidationException."""

    __test__ = False  # no test class, whatever its name says

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class TestStateRequest:
    """What TestState is asked; the fields are those of AWS's request.

    definition: of a state, or of a machine with `state_name`. input: a JSON value. context, variables: objects or None.
    mock: {"result": JSON text, "fieldValidationMode": STRICT, PRESENT or NONE}, {"errorOutput": {"error": ...,
    "cause": ...}}, or None: `tasks` are called.
    state_configuration: retrierRetryCount, errorCausedByState, mapIterationFailureCount, mapItemReaderData (JSON text).
    """

    __test__ = False  # no test class, whatever its name says

    definition: dict[str, AnyJSON]
    input: AnyJSON = field(default_factory=dict)
    state_name: str | None = None
    inspection_level: Literal["INFO", "DEBUG", "TRACE"] = "INFO"
    context: dict[str, AnyJSON] | None = None
    variables: dict[str, AnyJSON] | None = None
    mock: dict[str, AnyJSON] | None = None
    state_configuration: dict[str, AnyJSON] = field(default_factory=dict)
    role_arn: str | None = None
    reveal_secrets: bool = False
    tasks: Mapping[str, Task] = field(default_factory=dict)


def run_test_state(request: TestStateRequest) -> dict[str, AnyJSON]:
    """AWS's answer to a TestState request. Raises TestStateError for a request that AWS refuses."""
    definition, language = _state_definition(request)
    wrapped = {"QueryLanguage": language, **_wrapped(definition)}
    _refuse_problems(wrapped)
    _check_mock(request, definition)
    _check_context(request.context)
    machine = StateMachine.parse(wrapped)
    state = machine.start
    if isinstance(state, TaskState):
        if request.mock is not None:
            state.integration.submits = True  # a mocked result is the whole result: nothing is wrapped around it
    elif request.mock is not None:
        machine.start = _MockedFork(state, request)
    probe = Probe(machine, request, state)
    probe.run()
    return _answer(probe, request)


# ---------------------------------------------------------------- the definition


def _state_definition(request: TestStateRequest) -> tuple[dict[str, AnyJSON], str]:
    """The state alone, and the query language of its machine."""
    definition = request.definition
    if "States" not in definition:
        return definition, "JSONPath"
    _refuse_problems(definition)
    for name, state in _all_states(definition):
        if name == request.state_name:
            return state, definition.get("QueryLanguage", "JSONPath")
    raise TestStateError("ValidationException", "State not found in definition")


def _all_states(definition: dict[str, AnyJSON]) -> Iterator[tuple[str, dict[str, AnyJSON]]]:
    for name, state in definition["States"].items():
        yield name, state
        nested = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for inner in nested:
            if inner:
                yield from _all_states(inner)


def _wrapped(definition: dict[str, AnyJSON]) -> dict[str, AnyJSON]:
    """A machine of the state alone; the states it leads to are empty."""
    rules = [*definition.get("Choices", ()), *definition.get("Catch", ())]
    targets = [definition.get("Next"), definition.get("Default"), *(rule.get("Next") for rule in rules)]
    stubs = {name: {"Type": "Succeed"} for name in targets if isinstance(name, str)}
    return {"StartAt": _NAME, "States": {**stubs, _NAME: definition}}


def _refuse_problems(definition: dict[str, AnyJSON]) -> None:
    found = problems(definition, "STANDARD")
    if found:
        raise TestStateError("InvalidDefinition", create_error(found))


# ---------------------------------------------------------------- the request


def _check_mock(request: TestStateRequest, definition: dict[str, AnyJSON]) -> None:
    """Raises TestStateError for a mock, or the lack of one, that does not go with the state."""
    kind, mock = definition["Type"], request.mock
    if mock is None:
        if "mapIterationFailureCount" in request.state_configuration:
            raise _invalid("TestState does not support MapIterationFailureCount when a mock is not specified.")
        if kind in ("Map", "Parallel"):
            supported = "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
            text = f"TestState API does not support Map or Parallel states. {supported}"
            raise TestStateError("InvalidDefinition", text)
        return
    if "result" in mock and "errorOutput" in mock:
        raise _invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if request.reveal_secrets:
        raise _invalid("TestState does not support RevealSecrets when a mock is specified.")
    if kind not in _MOCKABLE:
        raise _invalid(f"State type '{kind}' is not supported when a mock is specified")
    if "result" in mock:
        result = _parsed(mock["result"])
        if kind in ("Map", "Parallel") and "ResultWriter" not in definition and not isinstance(result, list):
            raise _invalid("Mocked result must be an array.")
        if kind == "Task":
            problem = problem_of(definition["Resource"], result, mock.get("fieldValidationMode", "STRICT"))
            if problem:
                raise _invalid(f"Mock result schema validation error: {problem}")


def _parsed(text: str) -> AnyJSON:
    try:
        return loads(text)
    except (ValueError, RecursionError) as err:
        raise _invalid("Mocked result must be valid JSON") from err


def _check_context(context: dict[str, AnyJSON] | None) -> None:
    """Raises TestStateError for a Context Object that AWS would not take as a mock."""
    if not context:
        return
    if "Map" in context:
        raise _invalid("Invalid Context object provided: 'Map' field is not supported when mocking a Context object")
    for key, value in (context.get("Execution") or {}).items():
        if key not in _EXECUTION_FIELDS:
            raise _invalid(f"Invalid Context object provided: Field '{key}' is not allowed")
        if key in ("Id", "Name", "RoleArn", "StartTime") and not isinstance(value, str):
            raise _invalid(f"Invalid Context object provided: Execution.{key} must be a string")


def _invalid(message: str) -> TestStateError:
    return TestStateError("ValidationException", message)


# ---------------------------------------------------------------- the run


class _MockedFork(State):
    """Stands before a Map or Parallel state: enters it, and has the mocked result or error instead of its children."""

    __slots__ = ("request", "state")

    def __init__(self, state: State, request: TestStateRequest) -> None:
        self.state = state
        self.request = request

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """The state's ...Entered, then its end."""
        state, mock = self.state, self.request.mock or {}
        state.write_entered(execution, thread)
        thread.count_visit(state.key)
        assert isinstance(execution, Probe)  # noqa: S101 - made for it alone
        if "errorOutput" in mock:
            execution.prepare_retries(thread, mock["errorOutput"]["error"])
            return execution.state_failed(thread, mock["errorOutput"]["error"], mock["errorOutput"].get("cause"))
        if isinstance(state, MapState) and self._over_threshold(execution, thread, state):
            cause = "The specified tolerated failure threshold was exceeded"
            return execution.state_failed(thread, THRESHOLD_EXCEEDED, cause)
        return state.leave(execution, thread, execution.mocked_result)

    def _over_threshold(self, execution: Execution, thread: Thread, state: MapState) -> bool:
        configuration = self.request.state_configuration
        scope = state.input_scope(execution, thread)
        reader = configuration.get("mapItemReaderData")
        failed = configuration.get("mapIterationFailureCount", 0)
        has_reader = isinstance(state, DistributedMapState) and state.reader_resource is not None
        if reader is not None:
            count = len(json.loads(reader))
        elif has_reader:
            count = 0
        else:
            count = len(state.item_list(scope))
        if failed > count:
            raise _invalid("Map iteration failure count must be less than or equal to the number of Map iterations")
        if not isinstance(state, DistributedMapState):
            return False
        tolerated, percentage = state.count.value(scope), state.percentage.value(scope)
        if tolerated is None and percentage is None:
            return False
        return exceeds_tolerance(failed, count, count=tolerated, percentage=percentage)


class Probe(Execution):
    """An execution of one state."""

    __slots__ = ("_given_context", "last_failure", "mocked_result", "request", "state", "waits_for_retry")

    def __init__(self, machine: StateMachine, request: TestStateRequest, state: State) -> None:
        self.request = request
        self.state = state
        self.waits_for_retry: StartTimer | None = None
        self.last_failure: tuple[str | None, str | None] | None = None
        self.mocked_result: AnyJSON = loads((request.mock or {}).get("result", "null"))
        self._given_context: dict[str, AnyJSON] | None = request.context
        super().__init__(machine, request.input, name=str(uuid.uuid4()), now=DEFAULT_START)

    def _begin(self) -> None:
        self._root.variables = self.request.variables or {}
        super()._begin()

    def state_failed(
        self, thread: Thread, error: str | None, cause: str | None, *, heartbeat: bool = False
    ) -> State | None:
        """Remember the failure: what is caught or retried is not the execution's own."""
        self.last_failure = (error, cause)
        return super().state_failed(thread, error, cause, heartbeat=heartbeat)

    @property
    def root(self) -> Thread:
        """The state's thread."""
        return self._root

    def context_of(self, thread: Thread) -> dict[str, AnyJSON]:
        """The mocked Context Object, or that of a synchronous Express execution, as AWS shows it here."""
        if self._given_context is not None:
            return self._given_context
        machine = f"{REGION}:{ACCOUNT_ID}"
        name = self.name
        state: dict[str, AnyJSON] = {"Name": _NAME, "EnteredTime": timestamp(self.now)}
        if self.state.counts_retries:
            state["RetryCount"] = self.request.state_configuration.get("retrierRetryCount", thread.attempt)
        return {
            "Execution": {
                "Id": f"arn:aws:states:{machine}:express:TestState:{name}",
                "Input": self.input,
                "Name": name,
                "RoleArn": self.request.role_arn,
                "StartTime": timestamp(self.start_time),
            },
            "StateMachine": {"Id": f"arn:aws:states:{machine}:stateMachine:TestState", "Name": "TestState"},
            "State": state,
        }

    def prepare_retries(self, thread: Thread, error: str) -> None:
        """Act as if the Retrier that means `error` had answered retrierRetryCount times already."""
        count = self.request.state_configuration.get("retrierRetryCount")
        catching = self.state.catching
        if count and catching is not None:
            thread.retries = [count if retrier.matches(error) else 0 for retrier in catching.retriers]

    def run(self) -> None:
        """Answer what the state asks for, until it has ended or would retry."""
        while self.status == "RUNNING":
            for command in self.commands():
                if isinstance(command, InvokeTask):
                    self._answer(command)
                elif isinstance(command, StartTimer) and command.id.endswith("/retry"):
                    self.waits_for_retry = command
                    return
                elif isinstance(command, StartTimer) and "/" not in command.id:
                    self.receive(TimerFired(command.id), now=command.due)

    def _answer(self, command: InvokeTask) -> None:
        mock = self.request.mock
        if mock is None:
            fact = answer_of(command, self.request.tasks)
        elif "result" in mock:
            fact = TaskSucceeded(command.id, self.mocked_result)
        else:
            failure = mock["errorOutput"]
            fact = TaskFailed(command.id, failure["error"], failure.get("cause"))
        if isinstance(fact, TaskFailed):
            self.prepare_retries(self._root, fact.error)
        self.receive(fact, now=self.now)


# ---------------------------------------------------------------- the answer


def _answer(probe: Probe, request: TestStateRequest) -> dict[str, AnyJSON]:
    found: dict[str, AnyJSON] = {}
    failure = _failure(probe)
    if failure is not None:
        found |= {key: value for key, value in zip(("error", "cause"), failure, strict=True) if value is not None}
    exited, following = _way_out(probe)
    if exited is not None:
        found["output"] = dumps(exited)
        if exited is probe.mocked_result and "result" in (request.mock or {}):
            found["output"] = (request.mock or {})["result"]  # as AWS, with the spaces it came with
    if following is not None:
        found["nextState"] = following
    if probe.waits_for_retry is not None:
        found["status"] = "RETRIABLE"
    elif probe.status == "SUCCEEDED":
        found["status"] = "SUCCEEDED" if failure is None else "CAUGHT_ERROR"
    else:
        found["status"] = "FAILED"
    if request.inspection_level != "INFO":
        found["inspectionData"] = inspection_data(probe, request, failure, caught=found["status"] == "CAUGHT_ERROR")
    return found


def _failure(probe: Probe) -> tuple[str | None, str | None] | None:
    if probe.status == "FAILED":
        return probe.error, probe.cause
    return probe.last_failure


def _way_out(probe: Probe) -> tuple[AnyJSON, str | None]:
    """(output, next state) of the state; both None when it has not ended well."""
    events: list[Any] = probe.root.events
    for number, event in enumerate(events):
        if event[0] is probe.state.exited:
            following = events[number + 1][0]
            name = None
            if following.type.endswith("StateEntered"):
                name = following.details(events[number + 1], dumps)["name"]
            return event[3], name
    return None, None
