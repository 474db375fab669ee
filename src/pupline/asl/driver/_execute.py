"""Run an execution to its end in memory, in virtual time: a Wait costs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypedDict, Unpack

from pupline.asl._execution import Execution
from pupline.asl._input import measured_input
from pupline.asl._state_machine import StateMachine
from pupline.asl.driver._answers import NOTHING, AnswerableCommand, Answers, nothing_answers, unanswered_result
from pupline.asl.driver._outcome import CommandResult, Delayed
from pupline.asl.driver._result import Result
from pupline.asl.driver._simulation import run_simulation
from pupline.asl.driver._unanswered import refuse_unanswered, refuse_unknown_states
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, NotJSON, json_copy

Task: TypeAlias = Callable[[Any], Any]

#: 1 January 2026, 00:00 UTC: the default start of virtual time.
DEFAULT_START = 1_767_225_600.0


class Options(TypedDict, total=False):
    """The options of `execute`. Each answer may be a callable, data, or a list by attempt: see `Answers`.

    tasks: a Task's resource -> its answer. For Lambda the key is the function's name or ARN, however the state names
    the function, with or without a version or alias, and a callable gets the payload; for other integrations the key
    is the resource ARN and a callable gets the arguments. It returns a JSON value, or bytes (the payload as sent, JSON
    text), or raises TaskError(error, cause); any other exception fails the task as the Lambda runtime would.
    An ItemReader's callable returns the object's bytes or text, or an array; a ResultWriter's is called for each file,
    with Key and Body (JSON text) among its arguments.
    states: a state's name -> its answer, whatever its resource, also in the machines that this one starts.
    default: the answer for all others. machines: a machine's ARN or name -> the machine, for startExecution.
    name: of the execution; a random one by default. context: parts that override the Context Object's.
    start: seconds since the epoch.
    wait: called with the execution and a number of seconds before so much of its time passes, such as for a Wait or a
    Retrier. Without it time passes at once.
    """

    tasks: Mapping[str, Any] | None
    states: Mapping[str, Any] | None
    default: Any
    machines: Mapping[str, StateMachine] | None
    name: str | None
    context: dict[str, AnyJSON] | None
    start: float
    wait: Callable[[Execution, float], None] | None


def execute(machine: StateMachine, input: AnyJSON, **options: Unpack[Options]) -> Result:  # noqa: A002 - the API's word
    """Run `machine` on `input` to its end. `Options` describes tasks, states, default, name, context and start.

    A callable that takes longer than its state's TimeoutSeconds of real time has timed out. One with a time-out of less
    than 30 seconds is then left running in its own thread. In virtual time, calls take no time.

    With `tasks` alone, a Lambda function that is not among them fails with Lambda.ResourceNotFoundException. With
    `states` or `default`, everything must have an answer.

    Raises: InvalidExecutionInput for an input that StartExecution refuses: one that is not JSON, or too large. KeyError
    when another integration's resource is not in `tasks`. NothingAnswers, before the start, for what
    nothing answers. AnswersUsedUp when a state is called more often than its list has answers. ConfigurationError for
    a state that does not exist, and for an execution that waits for what never comes.
    """
    answers = Answers(
        tasks=options.get("tasks"),
        states=options.get("states"),
        default=options.get("default", NOTHING),
        machines=options.get("machines"),
    )
    if "states" in options or "default" in options or "machines" in options:
        machines = [machine, *(answers.machines or {}).values()]
        refuse_unknown_states(answers.states, machines)
        for each in machines:
            refuse_unanswered(each, answers)
    name, start = options.get("name") or os.urandom(16).hex(), options.get("start", DEFAULT_START)
    context = options.get("context")
    if context is not None:
        try:
            context = json_copy(context)
        except NotJSON as problem:
            raise ConfigurationError(f"the context is not JSON: {problem}") from problem
    given, texts = measured_input(input)
    execution = Execution(machine, given, name=name, now=start, context=context, texts=texts)
    if execution.status != "RUNNING":
        return _result(execution)
    runs = run_simulation(execution, answers, options.get("wait"))
    return _result(execution, tuple([_result(run.execution) for run in runs]) if runs else ())


def _result(execution: Execution, nested: tuple[Result, ...] = ()) -> Result:
    return Result(execution.status, execution.output, execution.error, execution.cause, execution, nested)


def answer_of(command: AnswerableCommand, tasks: Mapping[str, Any]) -> CommandResult:
    """The fact from the answer for the command's resource; a later answer is given at once.

    A missing Lambda function fails the task, as on AWS; any other missing resource raises KeyError.
    """
    answers = Answers(tasks=tasks)
    answer = answers.find(command)
    result = unanswered_result(command, answers) if answer is NOTHING else answers.result(command, answer)
    if isinstance(result, Delayed):
        if result.fact is None:
            raise nothing_answers(command)
        return result.fact
    return result
