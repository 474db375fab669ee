"""A definition as a graph: states and the transitions between them, in nested scopes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

START, END = "\x00start", "\x00end"
"""Of the machine itself; no state has such a name, as the engine allows no control characters in one."""

MOST_STATES = 2_000
"""States that are drawn; a definition of 1 MB may have ten times as many, which nobody could see."""

_DEEPEST = 24
"""Boxes around a state; deeper ones are drawn as one node."""

TransitionKind = Literal["next", "choice", "default", "catch", "end"]


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition between two states of one scope. label: what it takes, in full; empty for a Next."""

    source: str
    target: str
    kind: TransitionKind
    label: str = ""


@dataclass(slots=True)
class State:
    """A state. caption: its type, or what a Task calls. scopes: its branches, or item processor, if drawn inside."""

    name: str
    kind: str
    caption: str
    is_distributed: bool = False
    scopes: list["Scope"] = field(default_factory=list)


@dataclass(slots=True)
class Scope:
    """The states of a machine, a branch or an item processor."""

    first: str
    states: dict[str, State]
    transitions: list[Transition]

    def walk(self) -> Iterator[State]:
        """All states, those inside others after them."""
        waiting = list(reversed(self.states.values()))
        while waiting:
            state = waiting.pop()
            yield state
            waiting += [inner for scope in reversed(state.scopes) for inner in reversed(scope.states.values())]


def machine_of(definition: Mapping[str, Any]) -> Scope:
    """The graph of a definition, with Start and End.

    What does not look like a definition is left out: a state that is not an object, a transition to no state.
    """
    left = [MOST_STATES]
    scope = _scope(definition, 0, left, set())
    ends = [name for name, state in scope.states.items() if _ends(definition["States"][name])]
    scope.transitions += [Transition(name, END, "end") for name in ends]
    if scope.first in scope.states:
        scope.transitions.insert(0, Transition(START, scope.first, "next"))
    return scope


def count_states(definition: Any, depth: int = 0) -> int:
    """The number of states, those inside others included."""
    states = definition.get("States") if isinstance(definition, dict) and depth < _DEEPEST * 4 else None
    if not isinstance(states, dict):
        return 0
    inner = (part for state in states.values() if isinstance(state, dict) for part in _machines(state))
    return len(states) + sum(count_states(part, depth + 1) for part in inner)


def _machines(state: Mapping[str, Any]) -> list[Any]:
    branches = state.get("Branches")
    parts = list(branches) if isinstance(branches, list) else []
    return parts + [state[part] for part in ("ItemProcessor", "Iterator") if part in state]


def _scope(definition: Any, depth: int, left: list[int], seen: set[str]) -> Scope:
    found = definition.get("States") if isinstance(definition, Mapping) else None
    states: dict[str, State] = {}
    for name, state in (found if isinstance(found, dict) else {}).items():
        if isinstance(state, dict) and left[0] > 0 and name not in seen:
            left[0] -= 1
            seen.add(name)
            states[name] = _state(name, state, depth, left, seen)
    first = str(definition.get("StartAt", "")) if isinstance(definition, Mapping) else ""
    transitions = (
        [one for name in states for one in _transitions(name, found[name]) if one.target in states]
        if isinstance(found, dict)
        else []
    )
    return Scope(first, states, list(dict.fromkeys(transitions)))


def _state(name: str, state: Mapping[str, Any], depth: int, left: list[int], seen: set[str]) -> State:
    kind = str(state.get("Type", ""))
    processor = state.get("ItemProcessor", state.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    distributed = kind == "Map" and isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"
    scopes: list[Scope] = []
    if depth < _DEEPEST and not distributed and kind in ("Map", "Parallel"):
        scopes = [_scope(part, depth + 1, left, seen) for part in _machines(state)]
    return State(name, kind, _caption(kind, state, distributed), distributed, [one for one in scopes if one.states])


def _ends(state: Mapping[str, Any]) -> bool:
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail")


def _transitions(name: str, state: Mapping[str, Any]) -> Iterator[Transition]:
    """In the order in which they are drawn from left to right."""
    for rule in _objects(state.get("Choices")):
        yield Transition(name, str(rule.get("Next", "")), "choice", condition_text(rule))
    if "Default" in state:
        yield Transition(name, str(state["Default"]), "default", "Default")
    if "Next" in state:
        yield Transition(name, str(state["Next"]), "next")
    for catcher in _objects(state.get("Catch")):
        errors = catcher.get("ErrorEquals")
        names = ", ".join(str(error) for error in errors) if isinstance(errors, list) else ""
        yield Transition(name, str(catcher.get("Next", "")), "catch", f"Catch {names}".rstrip())


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else ()


# ---- words

_SYMBOLS = {
    "Equals": "==",
    "LessThanEquals": "<=",
    "GreaterThanEquals": ">=",
    "LessThan": "<",
    "GreaterThan": ">",
    "Matches": "matches",
}
_TYPES = ("String", "Numeric", "Boolean", "Timestamp")


def condition_text(rule: Mapping[str, Any], depth: int = 0) -> str:
    """A Choice rule in few words: `$.type == "GIF" and not $.size > 10`."""
    if "Condition" in rule:
        text = str(rule["Condition"]).strip()
        return text.removeprefix("{%").removesuffix("%}").strip() if text.startswith("{%") else text
    if depth > _DEEPEST:
        return "…"
    for key, word in (("And", " and "), ("Or", " or ")):
        if key in rule:
            parts = [condition_text(one, depth + 1) for one in _objects(rule[key])]
            text = word.join(parts)
            return f"({text})" if depth and len(parts) > 1 else text
    if isinstance(rule.get("Not"), dict):
        return f"not {condition_text(rule['Not'], depth + 1)}"
    variable = str(rule.get("Variable", ""))
    for key, value in rule.items():
        if key in ("Variable", "Next", "Comment", "Assign", "Output"):
            continue
        if key.startswith("Is"):
            words = {"Null": "null", "Present": "present"}.get(key[2:], f"a {key[2:].lower()}")
            return f"{variable} is {'' if value is True else 'not '}{words}"
        operator = key.removesuffix("Path")
        for prefix in _TYPES:
            operator = operator.removeprefix(prefix)
        shown = value if key.endswith("Path") else json.dumps(value, ensure_ascii=False)
        return f"{variable} {_SYMBOLS.get(operator, operator)} {shown}"
    return variable


def _caption(kind: str, state: Mapping[str, Any], distributed: bool) -> str:
    if kind == "Task":
        return _resource_caption(str(state.get("Resource", "")))
    if kind == "Map":
        return "Distributed Map" if distributed else "Map"
    if kind == "Wait":
        seconds = state.get("Seconds")
        return f"Wait {seconds} s" if isinstance(seconds, int | float) and not isinstance(seconds, bool) else "Wait"
    return kind


def _resource_caption(resource: str) -> str:
    """`Lambda invoke`, `DynamoDB putItem`, `Lambda function`, `Activity`."""
    parts = resource.split(":")
    if resource.startswith("arn:") and len(parts) >= 7 and parts[2] == "states" and parts[4] == "":
        services = parts[5:]
        if services[0] == "aws-sdk":
            services = services[1:]
        action = services[1].partition(".")[0] if len(services) > 1 else ""
        return f"{_SERVICES.get(services[0], services[0])} {action}".rstrip()
    if ":activity:" in resource:
        return "Activity"
    if ":function:" in resource or resource.startswith("${"):
        return "Lambda function"
    return "Task"


_SERVICES = {
    "lambda": "Lambda",
    "dynamodb": "DynamoDB",
    "sns": "SNS",
    "sqs": "SQS",
    "s3": "S3",
    "states": "Step Functions",
    "sfn": "Step Functions",
    "events": "EventBridge",
    "eventbridge": "EventBridge",
    "ecs": "ECS",
    "batch": "Batch",
    "glue": "Glue",
    "athena": "Athena",
    "bedrock": "Bedrock",
    "http": "HTTP",
    "apigateway": "API Gateway",
    "sagemaker": "SageMaker",
}
