"""The user's functions that answer Tasks, with their output and tracebacks on stderr."""

import contextlib
import functools
import sys
import traceback
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from pupline.asl import Answers, StateMachine, TaskError, caller_of, states_of
from pupline.cli._output import message
from pupline.errors import ConfigurationError
from pupline.imported_functions import functions_from
from pupline.text import nearest, printable


@dataclass(frozen=True)
class Functions:
    """Functions by state, and by everything else: a function's name, a Resource, a placeholder."""

    states: Mapping[str, Any]
    tasks: Mapping[str, Any]


def load_functions(options: Sequence[str], machine: StateMachine, more: Mapping[str, Any]) -> Functions:
    """The functions of --function, and after them `more`.

    Raises: ConfigurationError, also for a name that the machine does not have.
    """
    with output_on_stderr():
        found = {name: _checked(name, function) for name, function in functions_from(options).items()}
    names = {name for state, _ in states_of(machine.definition) for name in (state, f"{state}.ItemReader")}
    names |= {f"{state}.ResultWriter" for state, _ in states_of(machine.definition)}
    resources = list(_resources(machine))
    tasks = {name: function for name, function in found.items() if name not in names}
    for name in tasks:
        is_there = any(Answers(tasks={name: True}).for_resource(resource) is True for resource in resources)
        if not is_there and "" not in resources:
            near = nearest(name, [*names, *resources])
            hint = f"did you mean {printable(near)!r}?" if near else f"it calls {printable(', '.join(resources), 500)}"
            raise ConfigurationError(
                f"--function {printable(name)}: there is no state, function or Resource of that name; {hint}"
            )
    return Functions(
        {name: function for name, function in found.items() if name in names},
        ChainMap(tasks, cast("MutableMapping[str, Any]", more)) if more else tasks,  # nothing is written to it
    )


def _resources(machine: StateMachine) -> Iterator[str]:
    """What the machine calls; "" for a Lambda function whose name is computed."""
    for _, state in states_of(machine.definition):
        if state["Type"] == "Task":
            arguments = state.get("Parameters") or state.get("Arguments") or {}
            resource: str = state["Resource"]
            if resource.endswith(":lambda:invoke"):
                name = arguments.get("FunctionName", "") if isinstance(arguments, dict) else ""
                yield "" if not isinstance(name, str) or name.startswith("{%") else name
            yield resource
        for part in ("ItemReader", "ResultWriter"):
            if part in state and "Resource" in state[part]:
                yield state[part]["Resource"]


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it is called, if its parameters fit. Raises: ConfigurationError."""
    try:
        caller_of(function)
    except ConfigurationError as error:
        raise ConfigurationError(f"--function {printable(name)}: {error}") from error
    return _reporting(function)


def _reporting(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with the traceback of an exception on stderr: the history has it only as the Cause.

    A handler that exits ends its call, as in Lambda, and not this process.
    """

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        try:
            return function(*arguments, **named)
        except TaskError:
            raise
        except SystemExit as stop:
            raise TaskError("Runtime.ExitError", f"Runtime exited with error: exit status {stop.code or 0}") from stop
        except Exception as error:
            _show(error)
            raise

    return call


def _show(error: Exception) -> None:
    """Print a traceback that begins in the user's code."""
    frames: TracebackType | None = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    for line in text.splitlines():
        message(printable(line, 2000))


@contextlib.contextmanager
def output_on_stderr() -> Iterator[None]:
    """What functions print goes to stderr: stdout is for the results."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
