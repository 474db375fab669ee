"""The answers that were given for a machine's Tasks, and what a driver makes of one.

An answer is looked up by the state's name in `states`, then by the resource in `tasks`, then it is `default`. It is

- a callable, called by the rule of `_calling`;
- Return, Throw, NoAnswer, Later or Unexpected;
- a list (or tuple) of answers, one for each attempt, of which the first is 0;
- any other JSON value: what the function returned, or the integration answered, at every attempt.

A callable returns a JSON value (a list is an array), bytes (the payload as sent), Return, Throw, NoAnswer or Later.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pupline.asl._commands import InvokeTask, ReadItems, WriteResults
from pupline.asl._context import ACCOUNT_ID, REGION
from pupline.asl._errors import RUNTIME
from pupline.asl._facts import ItemsRead, TaskFailed, TaskSucceeded
from pupline.asl._state_machine import StateMachine
from pupline.asl.driver._answer import (
    MARSHAL_ERROR,
    AnswersUsedUp,
    NothingAnswers,
    TaskError,
    Unexpected,
    lambda_error,
    marshal_error,
)
from pupline.asl.driver._attempts import Attempts
from pupline.asl.driver._calling import Call, Caller, LambdaContext, caller_of
from pupline.asl.driver._item_formats import ItemReaderError
from pupline.asl.driver._item_reader import read_items
from pupline.asl.driver._outcome import CommandResult, Delayed, UnreadablePayload, at_once, task_fact
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, NotJSON, copied, json_copy
from pupline.text import printable

AnswerableCommand: TypeAlias = InvokeTask | ReadItems | WriteResults

NOTHING: Final[Any] = object()
"""In the place of an answer: nothing was given."""

_PARTS: Final[dict[type, str]] = {ReadItems: ".ItemReader", WriteResults: ".ResultWriter"}


class Answers:
    """Answers by state, by resource, and for all others.

    tasks: a function's name or ARN, or another integration's Resource -> an answer.
    states: a state's name -> an answer. `Name.ItemReader` and `Name.ResultWriter` answer a Distributed Map; its name
    alone answers its ItemReader, and as a callable also its ResultWriter.
    default: an answer for every other Task.
    machines: a state machine's ARN, or its name -> the machine, for Tasks that start executions.
    """

    def __init__(
        self,
        *,
        tasks: Mapping[str, Any] | None = None,
        states: Mapping[str, Any] | None = None,
        default: Any = NOTHING,
        machines: Mapping[str, StateMachine] | None = None,
    ) -> None:
        self.tasks = {} if tasks is None else tasks
        self.states = {} if states is None else states
        self.default = default
        self.machines = machines
        self._callers: dict[int, tuple[Callable[..., Any], Caller | None]] = {}

    def find(self, command: AnswerableCommand) -> Any:
        """The answer for a command, the default included, or NOTHING."""
        found = self.given(command)
        return self.default if found is NOTHING else found

    def given(self, command: AnswerableCommand) -> Any:
        """The answer that was given for a command's state or resource, or NOTHING."""
        found = self.for_state(command.state, type(command)) if self.states else NOTHING
        return self.for_resource(command.resource) if found is NOTHING else found

    def for_state(self, state: str, kind: type[AnswerableCommand] = InvokeTask) -> Any:
        """The answer that `states` has for one kind of command of a state, or NOTHING."""
        part = _PARTS.get(kind)
        own = NOTHING if part is None else self.states.get(state + part, NOTHING)
        if own is NOTHING:
            own = self.states.get(state, NOTHING)
            if kind is WriteResults and own is not NOTHING and not callable(own):
                return None  # the items were given as data: their results need not go anywhere
        return own

    def for_resource(self, resource: str) -> Any:
        """The answer that `tasks` has for a resource, or NOTHING; a function is found by its name or ARN."""
        tasks = self.tasks
        name = function_name(resource)
        if type(tasks) is dict:
            found = tasks.get(resource, NOTHING)
            if found is NOTHING:
                found = tasks.get(name, NOTHING)
            if found is not NOTHING:
                return found
        else:  # a mapping that may create answers on demand
            for key in (resource, name):
                try:
                    return tasks[key]
                except KeyError:
                    continue
        return next((tasks[key] for key in tasks if function_name(key) == name), NOTHING)

    def result(self, command: AnswerableCommand, answer: Any, *, execution: str = "") -> CommandResult | Delayed:
        """What `answer`, which `find` gave, makes of a command; callables are called here.

        execution: its name, for the request id of Lambda's context object.
        Raises: AnswersUsedUp; NothingAnswers for Unexpected; ConfigurationError for a callable whose parameters do not
        fit, and for data that is not JSON. Any exception of a callable is a TaskFailed, SystemExit too.
        """
        if not callable(answer):
            if isinstance(answer, (list, tuple, Attempts)):
                answer = _of_attempt(command, answer)
            if isinstance(answer, Unexpected):
                raise nothing_answers(command)
        caller = self._caller_of(answer) if callable(answer) else None
        try:
            if isinstance(command, InvokeTask):
                if not callable(answer):
                    return task_fact(command, answer)
                payload = copied(command.payload)
                given = answer(payload) if caller is None else caller(_call(command, payload, execution))
                return task_fact(command, given)
            if isinstance(command, ReadItems):
                return self._items_read(command, answer, execution)
            return self._results_written(command, answer, execution)
        except TaskError as raised:
            return TaskFailed(command.id, raised.error, raised.cause)
        except (AnswersUsedUp, NothingAnswers):
            raise
        except UnreadablePayload as text:
            return TaskFailed(command.id, RUNTIME, f"The function returned a payload that is not JSON: {text}")
        except NotJSON as problem:
            if not callable(answer):
                what = f"the answer for state {printable(command.state)!r} is not a JSON value: {problem}"
                raise ConfigurationError(what) from problem
            return TaskFailed(command.id, MARSHAL_ERROR, marshal_error(problem))
        except (Exception, SystemExit) as failure:  # sys.exit() ends a function, not who called it
            if not callable(answer):
                raise
            return TaskFailed(command.id, type(failure).__name__, lambda_error(failure))

    def _items_read(self, command: ReadItems, answer: Any, execution: str) -> CommandResult:
        """The items, of one object or of all that a manifest names."""

        def call(resource: str, arguments: AnyJSON) -> Any:
            found = answer if resource == command.resource else self.for_resource(resource)
            return at_once(self._given(command, answer if found is NOTHING else found, arguments, execution))

        try:
            return ItemsRead(command.id, json_copy(read_items(command, call)))
        except (ItemReaderError, NotJSON) as failure:
            return TaskFailed(command.id, "States.ItemReaderFailed", str(failure))

    def _results_written(self, command: WriteResults, answer: Any, execution: str) -> CommandResult:
        """Call the function once for each file; data accepts them all."""
        for name in command.files:
            arguments = {**command.arguments, "Key": command.key_prefix + name, "Body": command.body(name)}
            at_once(self._given(command, answer, arguments, execution))
        return TaskSucceeded(command.id)

    def _given(self, command: ReadItems | WriteResults, answer: Any, arguments: AnyJSON, execution: str) -> Any:
        if not callable(answer):
            return answer
        caller = self._caller_of(answer)
        arguments = json_copy(arguments)
        return answer(arguments) if caller is None else caller(_call(command, arguments, execution))

    def _caller_of(self, function: Callable[..., Any]) -> Caller | None:
        known = self._callers.get(id(function))
        if known is None:
            known = self._callers[id(function)] = (function, caller_of(function))  # kept, so that its id is its own
        return known[1]


def unanswered_result(command: AnswerableCommand, answers: Answers) -> TaskFailed:
    """What happens when nothing answers: the Lambda service's error, with an id that a replay gives again.

    Raises: KeyError for another service.
    """
    if not isinstance(command, InvokeTask) or ":lambda:" not in command.integration:
        known = ", ".join(sorted(answers.tasks)) or "none"
        what = f"state {command.state!r} calls {command.resource!r}, which is not among the tasks given: {known}"
        raise KeyError(what)
    name = command.resource
    arn = name if name.startswith("arn:") else function_arn(name)
    request = uuid.uuid5(uuid.NAMESPACE_URL, command.id)
    detail = f"Status Code: 404; Error Code: ResourceNotFoundException; Request ID: {request}; Proxy: null"
    cause = f"Function not found: {arn}:$LATEST (Service: AWSLambda; {detail})"
    return TaskFailed(command.id, "Lambda.ResourceNotFoundException", cause)


def nothing_answers(command: AnswerableCommand) -> NothingAnswers:
    """The error for a command without an answer."""
    keys = [command.state + _PARTS.get(type(command), ""), command.resource]
    return NothingAnswers(f"nothing answers {no_answer_for(command.state, keys)}")


def no_answer_for(state: str, keys: list[str]) -> str:
    """The part of a message that names a state and the keys under which it can be given an answer."""
    return f"state {printable(state)!r}: give it an answer as {' or '.join(printable(key) for key in keys)}"


def function_name(resource: str) -> str:
    """`f` for the ARN of the function f, for `f:prod`, `${f}` and `f`; another resource as it is."""
    if resource.startswith("arn:") and ":function:" not in resource:
        return resource
    name = resource.rpartition("function:")[2]
    return name[2:-1] if name.startswith("${") and name.endswith("}") else name.partition(":")[0]


def function_arn(name: str) -> str:
    """The ARN of a function on this machine."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


def _of_attempt(command: AnswerableCommand, answers: list[Any] | tuple[Any, ...] | Attempts) -> Any:
    if command.attempt < len(answers):
        return answers[command.attempt]
    count = "1 answer" if len(answers) == 1 else f"{len(answers)} answers"
    raise AnswersUsedUp(
        f"state {printable(command.state)!r} has {count}, but this is its call number {command.attempt + 1}, "
        "retries, loops and iterations included; give it another answer"
    )


def _call(command: AnswerableCommand, arguments: AnyJSON, execution: str) -> Call:
    request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{execution}\n{command.id}"))
    if not isinstance(command, InvokeTask):
        context = LambdaContext("", "", request_id)
        return Call(command.state, command.attempt, arguments, command.resource, None, context)
    name = function_name(command.resource)
    arn = command.resource if command.resource.startswith("arn:") else function_arn(name)
    seconds = 900.0 if command.timeout_seconds is None else float(command.timeout_seconds)
    context = LambdaContext(name, arn, request_id, seconds)
    return Call(command.state, command.attempt, arguments, command.resource, command.task_token, context)
