"""A TestState request, and the reasons why AWS refuses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pupline.asl._commands import InvokeTask
from pupline.asl._facts import TaskFailed, TaskSucceeded
from pupline.asl.driver import Task
from pupline.asl.test_state._mock_models import problem_of
from pupline.asl.validation import create_error, inspect
from pupline.errors import PuplineError
from pupline.json_values import AnyJSON, loads
from pupline.text import printable

STATE_NAME = "StateName"
"""The name of a state whose definition is given without a name, and of every state in the Context Object, as on AWS."""

_MAX_NAMES = 20

_MOCKABLE = ("Task", "Map", "Parallel")
_EXECUTION_FIELDS = ("Id", "Input", "StartTime", "Name", "RoleArn", "RedriveCount", "RedriveTime")


class TestStateError(PuplineError):
    """AWS refuses the request; `code` is InvalidDefinition or ValidationException, `message` is AWS's text.

    The exception's own text adds help: the names that exist, or what to give.
    needs_mock: whether a mock is all that the request lacks.
    """

    __test__ = False  # not a test class, in spite of its name

    def __init__(self, code: str, message: str, hint: str = "", *, needs_mock: bool = False) -> None:
        super().__init__(f"{message}: {hint}" if hint else message)
        self.code = code
        self.message = message
        self.needs_mock = needs_mock


@dataclass(frozen=True, slots=True)
class TestStateRequest:
    """A TestState request; the fields are those of AWS's API.

    definition: of a state, or of a machine with `state_name`. input: a JSON value. context, variables: objects or None.
    mock: {"result": JSON text, "fieldValidationMode": STRICT, PRESENT or NONE}, {"errorOutput": {"error": ...,
    "cause": ...}}, or None to call `tasks`, or `invoke` with the command where that is given.
    state_configuration: retrierRetryCount, errorCausedByState, mapIterationFailureCount, mapItemReaderData (JSON text).
    """

    __test__ = False  # not a test class, in spite of its name

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
    invoke: Callable[[InvokeTask], TaskSucceeded | TaskFailed] | None = None


@dataclass(frozen=True, slots=True)
class TestedState:
    """machine: of the state alone, with empty states as its targets; targets: their names in it -> the real ones."""

    __test__ = False  # not a test class, in spite of its name

    machine: dict[str, AnyJSON]
    targets: dict[str, str]


def tested_state(request: TestStateRequest) -> TestedState:
    """The state under test. Raises TestStateError for a request that AWS refuses."""
    definition, language = _state_definition(request)
    alone, targets = _wrapped(request.state_name or STATE_NAME, definition)
    machine = {"QueryLanguage": language, **alone}
    _refuse_problems(machine)
    _check_mock(request, definition)
    _check_context(request.context)
    return TestedState(machine, targets)


def _state_definition(request: TestStateRequest) -> tuple[dict[str, AnyJSON], str]:
    """The state alone, and the query language of its machine."""
    definition = request.definition
    if "States" not in definition:
        return definition, "JSONPath"
    _refuse_problems(definition)
    states = dict(_all_states(definition))
    if request.state_name in states:
        return states[request.state_name], definition.get("QueryLanguage", "JSONPath")
    text = "State not found in definition"
    raise TestStateError("ValidationException", text, _names_hint(request.state_name, list(states)))


def _names_hint(wanted: str | None, names: list[str]) -> str:
    there = ", ".join(printable(name, 80) for name in names[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    if wanted is None:
        return f"name one of its states: {there}{more}"
    from difflib import get_close_matches

    near = get_close_matches(wanted, names, n=1)
    meant = f"did you mean {printable(near[0], 80)!r}? Its" if near else "its"
    return f"{printable(wanted, 80)!r}; {meant} states are {there}{more}"


def _all_states(definition: dict[str, AnyJSON]) -> Iterator[tuple[str, dict[str, AnyJSON]]]:
    for name, state in definition["States"].items():
        yield name, state
        nested = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for inner in nested:
            if inner:
                yield from _all_states(inner)


def _wrapped(name: str, definition: dict[str, AnyJSON]) -> tuple[dict[str, AnyJSON], dict[str, str]]:
    """A machine of the state alone, and the real names of the empty states that are its targets.

    They have names of their own, as a state may be its own target.
    """
    targets: dict[str, str] = {}

    def led(holder: AnyJSON) -> AnyJSON:
        """A copy of the state, a Choice Rule or a Catcher that leads to empty states."""
        if not isinstance(holder, dict):
            return holder
        changed = dict(holder)
        for move in ("Next", "Default"):
            if isinstance(holder.get(move), str):
                label = f"after {name[:40]} {len(targets)}"
                targets[label] = holder[move]
                changed[move] = label
        for group in ("Choices", "Catch"):
            if isinstance(holder.get(group), list):
                changed[group] = [led(item) for item in holder[group]]
        return changed

    state = led(definition)
    stubs = {label: {"Type": "Succeed"} for label in targets}
    return {"StartAt": name, "States": {**stubs, name: state}}, targets


def _refuse_problems(definition: dict[str, AnyJSON]) -> None:
    errors = inspect(definition).errors
    if errors:
        raise TestStateError("InvalidDefinition", create_error(errors))


def _check_mock(request: TestStateRequest, definition: dict[str, AnyJSON]) -> None:
    """Raises TestStateError for a mock that does not suit the state, or is missing."""
    kind, mock = definition["Type"], request.mock
    if mock is None:
        if "mapIterationFailureCount" in request.state_configuration:
            raise invalid_request("TestState does not support MapIterationFailureCount when a mock is not specified.")
        if kind in ("Map", "Parallel"):
            supported = "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
            text = f"TestState API does not support Map or Parallel states. {supported}"
            raise TestStateError("InvalidDefinition", text, "give a mocked result or error", needs_mock=True)
        return
    if "result" in mock and "errorOutput" in mock:
        raise invalid_request("A test mock should have only one of the following fields: [result, errorOutput].")
    if request.reveal_secrets:
        raise invalid_request("TestState does not support RevealSecrets when a mock is specified.")
    if kind not in _MOCKABLE:
        raise invalid_request(f"State type '{kind}' is not supported when a mock is specified")
    if "result" in mock:
        try:
            result = loads(mock["result"])
        except (ValueError, RecursionError) as err:
            raise invalid_request("Mocked result must be valid JSON") from err
        if kind in ("Map", "Parallel") and "ResultWriter" not in definition and not isinstance(result, list):
            raise invalid_request("Mocked result must be an array.")
        if kind == "Task":
            problem = problem_of(definition["Resource"], result, mock.get("fieldValidationMode", "STRICT"))
            if problem:
                raise invalid_request(f"Mock result schema validation error: {problem}")


def _check_context(context: dict[str, AnyJSON] | None) -> None:
    """Raises TestStateError for a Context Object that AWS does not accept as a mock."""
    if not context:
        return
    if "Map" in context:
        raise invalid_request(
            "Invalid Context object provided: 'Map' field is not supported when mocking a Context object"
        )
    for key, value in (context.get("Execution") or {}).items():
        if key not in _EXECUTION_FIELDS:
            raise invalid_request(f"Invalid Context object provided: Field '{key}' is not allowed")
        if key in ("Id", "Name", "RoleArn", "StartTime") and not isinstance(value, str):
            raise invalid_request(f"Invalid Context object provided: Execution.{key} must be a string")


def invalid_request(message: str) -> TestStateError:
    return TestStateError("ValidationException", message)
