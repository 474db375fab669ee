"""The fields of each type of state. Source: States Language, and AWS's "Amazon States Language" pages."""

from typing import Literal, TypeAlias

from pupline.asl.validation._suggest import in_words
from pupline.choice_rules import OPERATORS

Language: TypeAlias = Literal["JSONPath", "JSONata"]

LANGUAGES = ("JSONPath", "JSONata")

STATE_TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")

MACHINE = frozenset({"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"})
BRANCH = frozenset({"Comment", "StartAt", "States"})
PROCESSOR = BRANCH | {"ProcessorConfig"}

_EVERY = {"Type", "Comment", "QueryLanguage"}
_MOVES = {"Next", "End"}
_HANDLES = {"Retry", "Catch"}

_BOTH: dict[str, set[str]] = {
    "Pass": {*_MOVES, "Assign"},
    "Task": {*_MOVES, *_HANDLES, "Assign", "Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Choice": {"Choices", "Default", "Assign"},
    "Wait": {*_MOVES, "Assign", "Seconds", "Timestamp"},
    "Succeed": set(),
    "Fail": {"Error", "Cause"},
    "Parallel": {*_MOVES, *_HANDLES, "Assign", "Branches"},
    "Map": {
        *_MOVES, *_HANDLES, "Assign", "ItemProcessor", "Iterator", "ItemReader", "ItemSelector", "ItemBatcher",
        "ResultWriter", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage", "Label",
    },
}  # fmt: skip

_PATHS = {"InputPath", "OutputPath"}
_RESULTS = {"Parameters", "ResultSelector", "ResultPath"}

_JSONPATH: dict[str, set[str]] = {
    "Pass": {*_PATHS, "Parameters", "Result", "ResultPath"},
    "Task": {*_PATHS, *_RESULTS, "TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Choice": _PATHS,
    "Wait": {*_PATHS, "SecondsPath", "TimestampPath"},
    "Succeed": _PATHS,
    "Fail": {"ErrorPath", "CausePath"},
    "Parallel": {*_PATHS, *_RESULTS},
    "Map": {
        *_PATHS, *_RESULTS, "ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    },
}  # fmt: skip

_JSONATA: dict[str, set[str]] = {
    "Pass": {"Output"},
    "Task": {"Output", "Arguments"},
    "Choice": {"Output"},
    "Wait": {"Output"},
    "Succeed": {"Output"},
    "Fail": set(),
    "Parallel": {"Output", "Arguments"},
    "Map": {"Output", "Items"},
}

ONLY_JSONPATH = frozenset[str]().union(*_JSONPATH.values())
ONLY_JSONATA = frozenset[str]().union(*_JSONATA.values())

DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter")
"""Fields that an inline Map must not have. (It may have tolerances and a label, without effect.)"""

EXCLUSIVE: dict[str, tuple[tuple[str, str], ...]] = {
    "Task": (("TimeoutSeconds", "TimeoutSecondsPath"), ("HeartbeatSeconds", "HeartbeatSecondsPath")),
    "Fail": (("Error", "ErrorPath"), ("Cause", "CausePath")),
    "Map": (
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
        ("ItemProcessor", "Iterator"),
        ("ItemSelector", "Parameters"),
    ),
}
"""Pairs of fields of which a state may have one."""

RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
CATCHER: dict[str, frozenset[str]] = {
    "JSONPath": frozenset({"ErrorEquals", "Next", "ResultPath", "Assign", "Comment"}),
    "JSONata": frozenset({"ErrorEquals", "Next", "Output", "Assign", "Comment"}),
}


INSTEAD: dict[str, str] = {
    "Parameters": "Arguments", "ResultSelector": "Output", "ResultPath": "Output", "OutputPath": "Output",
    "ItemsPath": "Items", "Result": "Output", "SecondsPath": "Seconds", "TimestampPath": "Timestamp",
    "TimeoutSecondsPath": "TimeoutSeconds", "HeartbeatSecondsPath": "HeartbeatSeconds", "ErrorPath": "Error",
    "CausePath": "Cause", "MaxConcurrencyPath": "MaxConcurrency", "ToleratedFailureCountPath": "ToleratedFailureCount",
    "ToleratedFailurePercentagePath": "ToleratedFailurePercentage",
}  # fmt: skip
"""Field of a JSONPath state -> the field of a JSONata state that does the same."""


def allowed(kind: str, language: str) -> frozenset[str]:
    """The fields that a state of this type and query language may have."""
    own = _JSONPATH if language == "JSONPath" else _JSONATA
    return frozenset(_EVERY | _BOTH[kind] | own[kind])


def other_language(kind: str, name: str, language: str) -> bool:
    """Whether a field that is not allowed exists under the other query language only."""
    others = ONLY_JSONATA if language == "JSONPath" else ONLY_JSONPATH
    return name in others and name not in _BOTH[kind]


def explanation(kind: str, name: str, language: str) -> str:
    """Where a field that a state may not have belongs; empty for a field that does not exist."""
    types = [other for other in STATE_TYPES if other != kind and name in allowed(other, language)]
    if types:
        return f"It is a field of {in_words(types)} states."
    if name in RETRIER | CATCHER["JSONPath"]:
        return "It is a field of a Retrier or Catcher, inside Retry or Catch."
    if name in OPERATORS or name in ("Variable", "Condition", "And", "Or", "Not"):
        return "It is a field of a rule, inside the Choices of a Choice state."
    return "It is a field of the state machine." if name in MACHINE else ""


def other_language_problem(name: str, language: str) -> str:
    """AWS's message for a field that only states of the other query language have."""
    other = "JSONata" if language == "JSONPath" else "JSONPath"
    only = f"field '{name}' is only supported for the '{other}' QueryLanguage"
    return f"The QueryLanguage is set to '{language}', but {only}"
