"""The facts that a driver reports to an `Execution`, each answering a command by its `id`.

A durable driver writes the fact and the time to its journal, commits, and only then calls `receive`. `fact_to_json` and
`fact_from_json` are the journal's form: data, never pickles.
"""

from dataclasses import dataclass, fields
from typing import Any, TypeAlias, get_args

from pupline.json_values import AnyJSON


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """The task (or WriteResults) returned `output`.

    whole_response: the output is the response of lambda:invoke, and not the function's result alone.
    """

    id: str
    output: AnyJSON = None
    whole_response: bool = False


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """The command failed with an Error Name; `cause` is a text for people, or None.

    at_submission: a `.sync` or `.waitForTaskToken` task was not even submitted.
    """

    id: str
    error: str
    cause: str | None = None
    at_submission: bool = False


@dataclass(frozen=True, slots=True)
class TaskSubmitted:
    """A `.sync` or `.waitForTaskToken` task was submitted, or an activity's task waits for a worker.

    Its result comes later. output: the service's answer, for `.sync` and `.waitForTaskToken`.
    """

    id: str
    output: AnyJSON = None


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A worker has taken the task of an activity."""

    id: str
    worker_name: str | None = None


@dataclass(frozen=True, slots=True)
class TaskHeartbeat:
    """The task is alive: its heartbeat timer is restarted."""

    id: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer is due."""

    id: str


@dataclass(frozen=True, slots=True)
class ItemsRead:
    """The ItemReader found `items`."""

    id: str
    items: list[AnyJSON]


@dataclass(frozen=True, slots=True)
class ExecutionAborted:
    """StopExecution was called. This fact does not answer a command."""

    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionRedriven:
    """RedriveExecution was called on an execution that failed, timed out or was aborted.

    The execution is RUNNING again and repeats the commands that did not succeed. This fact does not answer a command.
    """


@dataclass(frozen=True, slots=True)
class MapRunUpdated:
    """UpdateMapRun was called on the Map Run `arn`. None leaves a value. This fact does not answer a command."""

    arn: str
    max_concurrency: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: float | None = None


Fact: TypeAlias = (
    TaskSucceeded
    | TaskFailed
    | TaskSubmitted
    | TaskStarted
    | TaskHeartbeat
    | TimerFired
    | ItemsRead
    | ExecutionAborted
    | ExecutionRedriven
    | MapRunUpdated
)

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Fact)}
_FIELDS: dict[str, tuple[str, ...]] = {
    name: tuple(field.name for field in fields(kind)) for name, kind in _KINDS.items()
}


def fact_to_json(fact: Fact) -> dict[str, AnyJSON]:
    """The fact as a JSON object: {"fact": "TaskSucceeded", "id": "Fetch@1#0", "output": {...}}."""
    kind = type(fact).__name__
    found: dict[str, AnyJSON] = {"fact": kind}
    for field in _FIELDS[kind]:
        found[field] = getattr(fact, field)
    for name in ("whole_response", "at_submission"):
        if found.get(name) is False:
            del found[name]
    return found


def fact_from_json(data: AnyJSON) -> Fact:
    """The fact that `fact_to_json` wrote. Raises ValueError, which names the value found, for anything else."""
    name = data.get("fact") if isinstance(data, dict) else data
    kind = _KINDS.get(str(name))
    if kind is None or name is data:
        raise ValueError(f"{name!r} is not a fact; expected one of {', '.join(_KINDS)}")
    try:
        fact: Fact = kind(**{name: value for name, value in data.items() if name != "fact"})
    except TypeError as err:
        raise ValueError(f"a journalled {kind.__name__} has the wrong fields: {err}") from err
    return fact
