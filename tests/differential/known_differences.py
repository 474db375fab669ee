"""Where other interpreters are known to differ from ours, each with a case that shows it and why ours is right.

A difference that no longer shows fails its test: then it is taken off the list, and the random machines go there again.
Unless another source is named, it is AWS's own behaviour, as recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.differential.differential_machines import Case
from tools.peers import Outcome

MOTO = "moto"
NODE = "aws-local-stepfunctions"

GIVEN = {"n": 3, "s": "a,b", "list": [{"x": 1}, 2], "none": [], "obj": {"x": 1, "deep": "Zoë"}, "flag": False}


@dataclass(frozen=True)
class Difference:
    """case: shows it. theirs: how it ends there (the cause is not compared). why: the reason.

    left_out: words of the vocabulary that lead there; random machines for this peer are made without them.
    territory: texts; where all are in the definition or our history, a random execution went there and is not compared.
    """

    peer: str
    title: str
    why: str
    case: Case
    theirs: Outcome
    left_out: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    territory: tuple[str, ...] = ()


def _one(state: dict[str, Any], **more: dict[str, Any]) -> Case:
    """A machine that begins with `state`, which ends it unless it says otherwise."""
    ends = state["Type"] in ("Choice", "Succeed", "Fail") or "Next" in state
    first = state if ends else {**state, "End": True}
    return Case({"StartAt": "First", "States": {"First": first, **more}}, GIVEN, {})


def _pass(text: str) -> Case:
    """One Pass state that computes `text`, a path or an intrinsic function."""
    return _one({"Type": "Pass", "Parameters": {"k.$": text}})


def _failed(error: str | None = "States.Runtime") -> Outcome:
    return Outcome("FAILED", error=error)


def _succeeded(output: Any) -> Outcome:
    return Outcome("SUCCEEDED", output)


_MERGE = "States.JsonMerge($.obj, States.StringToJson('{\"y\": 9}'), false)"
_UNIQUE = "States.ArrayUnique(States.Array($.n, 1, 'a', 'a', $.n))"
_DONE = {"Type": "Succeed"}
_TOLD = {"Type": "Fail", "Error": "Told", "Cause": "to fail"}
_CAUGHT = {"Type": "Pass", "Parameters": {"error.$": "$.caught.Error"}, "End": True}
_NO_MATCH = _one({"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 0, "Next": "Done"}]}, Done=_DONE)
_ONTO_A_NUMBER = _one(
    {"Type": "Pass", "OutputPath": "$.n", "Next": "Second"},
    Second={"Type": "Pass", "Result": 1, "ResultPath": "$.x", "End": True},
)


def _catching(names: str, inner: dict[str, Any]) -> Case:
    """A Map of one state, whose error is caught by `names`."""
    state = _map_of(inner)
    catch = [{"ErrorEquals": [names], "ResultPath": "$.caught", "Next": "Caught"}]
    return _one({**state, "Catch": catch, "Next": "Done"}, Caught=_CAUGHT, Done=_DONE)


def _map_of(inner: dict[str, Any]) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Inner", "States": {"Inner": inner}}
    return {"Type": "Map", "ItemsPath": "$.list", "ItemProcessor": processor}


def _choosing(rule: dict[str, Any]) -> Case:
    """Told when the rule holds, else success."""
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Told"}], "Default": "Done"}
    return _one(choice, Told=_TOLD, Done=_DONE)


DIFFERENCES = [
    Difference(
        MOTO,
        "a ResultPath into a number, a string or a list",
        "The Error Name is States.ResultPathMatchFailure (States Language, Errors).",
        _ONTO_A_NUMBER,
        _failed(),
        territory=("States.ResultPathMatchFailure",),
    ),
    Difference(
        MOTO,
        "an intrinsic function that fails",
        "The Error Name is States.IntrinsicFailure (States Language, Errors).",
        _pass("States.ArrayGetItem($.list, 7)"),
        _failed(),
        territory=("States.IntrinsicFailure",),
    ),
    Difference(
        MOTO,
        "an index past the end in a payload template",
        "It gives null.",
        _pass("$.none[0]"),
        _failed(),
    ),
    Difference(
        MOTO,
        "a filter that selects nothing",
        "An indefinite path gives an empty list.",
        _pass("$.list[?(@.x > 1)]"),
        _failed(),
        left_out={"paths": ("$.list[?(@.x > 1)]",)},
    ),
    Difference(
        MOTO,
        "a descent that finds nothing",
        "An indefinite path gives an empty list.",
        _pass("$..no"),
        _failed(),
        left_out={"paths": ("$..x",)},
    ),
    Difference(
        MOTO,
        "a slice from the end that selects nothing",
        "An indefinite path gives an empty list.",
        _pass("$.none[-1:]"),
        _failed(),
        left_out={"paths": ("$.list[-1:]",)},
    ),
    Difference(
        MOTO,
        "a Choice whose Variable selects nothing",
        "It fails the execution; only IsPresent may ask for what is not there.",
        _choosing({"Variable": "$.no.way", "StringEquals": "a"}),
        _succeeded(GIVEN),
        territory=("condition path references an invalid value",),
    ),
    Difference(
        MOTO,
        "States.ArrayContains of true and 1",
        "They are different values; in Python they are equal.",
        _pass("States.ArrayContains(States.Array(true), 1)"),
        _succeeded({"k": True}),
        left_out={"intrinsics": ("States.ArrayContains($.list, $.n)",)},
    ),
    Difference(
        MOTO,
        "several names in one bracket",
        "They give an object with these names (Jayway JsonPath, which AWS uses).",
        _pass("$.obj['x','deep']"),
        _succeeded({"k": [1, "Zoë"]}),
        left_out={"paths": ("$.obj['x','deep']",)},
    ),
    Difference(
        MOTO,
        "States.ArrayUnique of objects",
        "Any values may be compared.",
        _pass("States.ArrayUnique($.list)"),
        _failed(),
        left_out={"intrinsics": ("States.ArrayUnique($.list)",)},
    ),
    Difference(
        MOTO,
        "States.ArrayRange downwards",
        "The step may be negative (Developer Guide, States.ArrayRange).",
        _pass("States.ArrayRange(5, -3, -2)"),
        _failed(),
        left_out={"intrinsics": ("States.ArrayRange(5, -3, -2)",)},
    ),
    Difference(
        MOTO,
        "States.JsonToString of letters beyond ASCII",
        "They are kept as they are.",
        _pass("States.JsonToString($.obj)"),
        _succeeded({"k": '{"x":1,"deep":"Zo\\u00eb"}'}),
        territory=("States.JsonToString", "Zoë"),
    ),
    Difference(
        MOTO,
        "null as an argument of an intrinsic function",
        "It is an argument like any other (States Language, Intrinsic Functions).",
        _pass("States.Array($.n, null)"),
        _succeeded({"k": [3]}),
        left_out={"intrinsics": ("States.Array($.n, null)",)},
    ),
    Difference(
        MOTO,
        "an escaped quote in an intrinsic function",
        "A backslash before it makes it a character like any other (States Language, Intrinsic Functions).",
        _pass("States.Format('it\\'s {}', $.s)"),
        _succeeded({"k": "it\\\\"}),
        left_out={"intrinsics": ("States.Format('it\\'s {}', $.s)",)},
    ),
    Difference(
        MOTO,
        "States.ArrayUnique of a list with repetitions",
        "Of equal values the last one keeps its place.",
        _pass(_UNIQUE),
        _succeeded({"k": [3, 1, "a"]}),
        left_out={"intrinsics": (_UNIQUE,)},
    ),
    Difference(
        MOTO,
        "States.Runtime under a Catch of States.ALL",
        "States.Runtime cannot be caught.",
        _catching("States.ALL", {"Type": "Pass", "InputPath": "$.no.way", "End": True}),
        _succeeded({"error": "States.Runtime"}),
        territory=('"States.ALL"', "ExecutionFailed", "States.Runtime"),
    ),
    Difference(
        NODE,
        "a Result that JavaScript takes for nothing",
        "Result may be any JSON value, null, false, 0 and the empty string too (States Language, Pass State).",
        _one({"Type": "Pass", "Result": 0}),
        _succeeded(GIVEN),
        left_out={"scalars": (None, False, 0, "")},
    ),
    Difference(
        NODE,
        "a path to a value that JavaScript takes for nothing",
        "It is there, whatever its value.",
        _one({"Type": "Pass", "OutputPath": "$.flag", "Next": "Second"}, Second={"Type": "Succeed", "InputPath": "$"}),
        _failed(),
    ),
    Difference(
        NODE,
        "an indefinite path that selects nothing",
        "It gives an empty list.",
        _pass("$.list[*].y"),
        _failed(),
        left_out={"paths": ("$.list[*]", "$.list[*].x", "$.list[0:2]", "$.list[-1:]", "$..x", "$.list[?(@.x > 1)]")},
    ),
    Difference(
        NODE,
        "an index past the end in a payload template",
        "It gives null.",
        _pass("$.none[0]"),
        _failed(),
    ),
    Difference(
        NODE,
        "$$.State",
        "The Context Object names the state (Developer Guide, Context object).",
        _pass("$$.State.Name"),
        _failed(),
        left_out={"paths": ("$$.State.Name",)},
    ),
    Difference(
        NODE,
        "$$.Execution within a Map",
        "The Context Object has it everywhere (Developer Guide, Context object).",
        _one(_map_of({"Type": "Pass", "Parameters": {"k.$": "$$.Execution.Input.n"}, "End": True})),
        _failed(),
        left_out={"paths": ("$$.Execution.Input.n", "$$.Execution.Input")},
    ),
    Difference(
        NODE,
        "States.ArrayUnique of a list with repetitions",
        "Of equal values the last one keeps its place.",
        _pass(_UNIQUE),
        _succeeded({"k": [3, 1, "a"]}),
        left_out={"intrinsics": (_UNIQUE,)},
    ),
    Difference(
        NODE,
        "several names in one bracket",
        "Jayway JsonPath, which AWS uses, has them.",
        _one({"Type": "Pass", "InputPath": "$.obj['x','deep']"}),
        Outcome("REFUSED"),
        left_out={"paths": ("$.obj['x','deep']",)},
    ),
    Difference(
        NODE,
        "States.Format of an object",
        "It is printed as Java prints a map.",
        _pass("States.Format('{}', $.obj)"),
        _failed(),
        left_out={"intrinsics": ("States.Format('{}', $.obj)",)},
    ),
    Difference(
        NODE,
        "States.StringSplit at several characters",
        "Each character of the second argument is a delimiter.",
        _pass("States.StringSplit('a-b,c', '-,')"),
        _succeeded({"k": ["a-b,c"]}),
        left_out={"intrinsics": ("States.StringSplit('a-b,c', '-,')",)},
    ),
    Difference(
        NODE,
        "States.JsonMerge before another use of its first argument",
        "It gives a new object and changes nothing.",
        _one({"Type": "Pass", "Parameters": {"k.$": _MERGE, "rest.$": "$.obj"}}),
        _succeeded({"k": {"x": 1, "deep": "Zoë", "y": 9}, "rest": {"x": 1, "deep": "Zoë", "y": 9}}),
        left_out={"intrinsics": (_MERGE,)},
    ),
    Difference(
        NODE,
        "a Fail state without Error",
        "Nothing is defaulted.",
        _one({"Type": "Fail"}),
        _failed("FailStateError"),
        left_out={"ends": ({"Type": "Fail"},)},
    ),
    Difference(
        NODE,
        "an intrinsic function as CausePath",
        "ErrorPath and CausePath may be intrinsic functions (States Language, Fail State).",
        _one({"Type": "Fail", "ErrorPath": "$.s", "CausePath": "States.Format('n is {}', $.n)"}),
        _failed(),
        left_out={"ends": ({"Type": "Fail", "ErrorPath": "$.s", "CausePath": "States.Format('n is {}', $.n)"},)},
    ),
    Difference(
        NODE,
        "a Catch of States.TaskFailed",
        "It matches every error but States.Timeout (Developer Guide, Error names).",
        _catching("States.TaskFailed", _TOLD),
        _failed("Told"),
        left_out={"catches": ("States.TaskFailed",)},
    ),
    Difference(
        NODE,
        "IsNumeric: false, and its like",
        "It holds for what is no number.",
        _choosing({"Variable": "$.s", "IsNumeric": False}),
        _succeeded(GIVEN),
        left_out={
            "comparisons": (
                *[{"Variable": "$.s", f"Is{name}": False} for name in ("Numeric", "Null", "Timestamp")],
                {"Variable": "$.list", "IsString": False},
            )
        },
    ),
    Difference(
        NODE,
        "no rule matches and there is no Default",
        "AWS fails with States.Runtime, though the States Language names States.NoChoiceMatched.",
        _NO_MATCH,
        _failed("States.NoChoiceMatched"),
        territory=("does not point to a next state",),
    ),
    Difference(
        NODE,
        'ResultPath: "$"',
        "It replaces the input (States Language, ResultPath).",
        _one({"Type": "Pass", "Result": {"x": 1}, "ResultPath": "$"}),
        _succeeded({**GIVEN, "$": {"x": 1}}),
        left_out={"result_paths": ("$",)},
    ),
]
