"""How a callable is called for a Task: the same rule wherever a function answers one.

By its parameters:

- One parameter gets the arguments: the payload of a Lambda function, else the integration's arguments.
- Two are those of a Lambda handler: the payload, and a context object.
- Three are the state's name, the attempt, and the arguments.
- A parameter with one of the names in `NAMES` gets the value of that name, wherever it stands.

Parameters with a default of their own, `*args` and `**kwargs` get nothing, unless they have one of the names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final, TypeAlias

from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON

NAMES: Final = ("state_name", "attempt", "arguments", "resource", "task_token", "context")
"""Names of parameters, which are also the attributes of a `Call`."""

_THREE: Final = ("state_name", "attempt", "arguments")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context object of a Lambda handler, without what belongs to AWS's runtime.

    remaining_seconds: of the state's TimeoutSeconds, or Lambda's 15 minutes.
    """

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    remaining_seconds: float = 900.0
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    log_group_name: str = ""
    log_stream_name: str = ""
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that the call may take. Calls take no time here, so it is the whole of them."""
        return int(self.remaining_seconds * 1000)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a Task's resource.

    attempt: how often the state was called before in this execution, Retry, loops and iterations included.
    arguments: the payload of a Lambda function, else the integration's arguments.
    resource: the function's name or ARN, else the integration's ARN, or the activity's.
    task_token: of `.waitForTaskToken` and activities, else None.
    context: for the second parameter of a Lambda handler.
    """

    state_name: str
    attempt: int
    arguments: AnyJSON
    resource: str
    task_token: str | None = None
    context: LambdaContext | None = None


Caller: TypeAlias = Callable[[Call], Any]


def call_function(function: Callable[..., Any], call: Call) -> Any:
    """The result of `function`, called by the rule of this module. Raises ConfigurationError as `caller_of` does."""
    caller = caller_of(function)
    return function(call.arguments) if caller is None else caller(call)


def caller_of(function: Callable[..., Any]) -> Caller | None:
    """A function of a `Call`, which calls `function` by the rule; None when it takes the arguments and nothing else.

    Raises: ConfigurationError when the parameters do not fit the rule.
    """
    if type(function) is FunctionType and _takes_one(function):
        return None
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some callables written in C do not show their parameters
        return None
    positional, named = _attributes(function, parameters)
    if positional == ["arguments"] and not named:
        return None
    return lambda call: function(
        *(getattr(call, name) for name in positional), **{name: getattr(call, name) for name in named}
    )


def _takes_one(function: FunctionType) -> bool:
    """Whether a function has one parameter, without a name of the rule: the usual case, and quick to see."""
    code = function.__code__
    plain = not code.co_kwonlyargcount and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return plain and code.co_argcount == 1 and code.co_varnames[0] not in NAMES


def _attributes(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> tuple[list[str], list[str]]:
    """The attributes of the Call for the positional parameters, and for those given by keyword."""
    wanted = [each for each in parameters if each.name in NAMES or _is_required(each)]
    positional = [each for each in wanted if each.kind in _POSITIONAL and _is_required(each)]
    keywords = [each.name for each in wanted if each not in positional and each.kind is not each.POSITIONAL_ONLY]
    unknown = [name for name in keywords if name not in NAMES]
    names = [each.name for each in positional]
    if not names and any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return ["arguments"], keywords
    if len(names) == len(_THREE) and _fit(names, _THREE):
        return [*_THREE], keywords
    others = [name for name in names if name not in NAMES]
    given = dict(zip(others, ("arguments", "context"), strict=False))
    if unknown or len(others) > len(given) or not {*given.values()}.isdisjoint([*names, *keywords]):
        shown = getattr(function, "__qualname__", repr(function))
        raise ConfigurationError(
            f"{shown} cannot be called for a Task: it has the parameters {', '.join([*names, *unknown])}; use (event), "
            f"(event, context), (state_name, attempt, arguments), or the names {', '.join(NAMES)}"
        )
    return [given.get(name, name) for name in names], keywords


def _is_required(parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return not variable and parameter.default is inspect.Parameter.empty


def _fit(names: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether each name that has a meaning stands where `wanted` has it."""
    return all(name not in NAMES or name == place for name, place in zip(names, wanted, strict=True))
