"""From what an answer gives to the fact for the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from pupline.asl._commands import InvokeTask
from pupline.asl._facts import ItemsRead, TaskFailed, TaskSucceeded
from pupline.asl.driver._answer import Later, NoAnswer, Return, TaskError, Throw
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, NotJSON, json_copy, loads, refuse_nesting

_OURS = {Return, Throw, NoAnswer, Later}

CommandResult: TypeAlias = TaskSucceeded | TaskFailed | ItemsRead


@dataclass(frozen=True, slots=True)
class Delayed:
    """For Later: the driver gives `fact` after `seconds`, and heartbeats until then. Without a fact: no answer."""

    seconds: float
    fact: CommandResult | None
    heartbeat_every: float | None = None


def task_fact(command: InvokeTask, given: Any) -> CommandResult | Delayed:
    """The fact for a Task whose answer is a JSON value, bytes, Return, Throw, NoAnswer or Later."""
    if type(given) not in _OURS:
        return TaskSucceeded(command.id, _result(given))
    if isinstance(given, Return):
        return TaskSucceeded(command.id, json_copy(given.value), whole_response=True)
    if isinstance(given, Throw):
        return TaskFailed(command.id, given.error, given.cause)
    if isinstance(given, NoAnswer):
        return Delayed(0, None)
    fact = task_fact(command, given.answer)
    if isinstance(fact, Delayed):
        return Delayed(given.seconds + fact.seconds, fact.fact, given.heartbeat_every or fact.heartbeat_every)
    return Delayed(given.seconds, fact, given.heartbeat_every)


def at_once(given: Any) -> Any:
    """The value of an answer for an ItemReader or a ResultWriter: these have no time-outs, and so no later answers.

    Raises: TaskError for Throw; ConfigurationError for NoAnswer.
    """
    if isinstance(given, Throw):
        raise TaskError(given.error, given.cause)
    if isinstance(given, NoAnswer):
        raise ConfigurationError("an ItemReader or ResultWriter cannot have NoAnswer: it has no time-out")
    if isinstance(given, Later):
        return at_once(given.answer)
    return given.value if isinstance(given, Return) else given


def _result(value: AnyJSON | bytes) -> AnyJSON:
    """A copy of a function's result; bytes are its payload as sent: JSON text, or else plain text.

    Raises: NotJSON; UnreadablePayload for bytes that other parsers take for JSON.
    """
    if not isinstance(value, bytes):
        return json_copy(value)
    try:
        found = loads(value)
        refuse_nesting(found, value)
    except (NotJSON, RecursionError) as err:
        raise UnreadablePayload("it is nested too deeply") from err
    except ValueError as err:
        if _is_loose_json(value):
            raise UnreadablePayload(str(err)) from err
        return value.decode(errors="replace")
    return found


class UnreadablePayload(Exception):
    """A payload with NaN, an infinite number, or a number that is too long; the text says which."""


def _is_loose_json(value: bytes) -> bool:
    try:
        json.loads(value, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True
