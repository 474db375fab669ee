"""The States Language: definitions, paths, intrinsic functions, JSONata, timestamps, and the items of a Map."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fuzzing.target import Target
from pupline.asl import DefinitionError, ItemReaderError, ReadItems, StateMachine, execute, read_items
from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl._timestamp import epoch_seconds
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.jsonpath import compile_intrinsic, compile_path
from pupline.json_values import dumps

_INPUT: dict[str, Any] = {
    "a": {"b": [1, None, "x", {"c": True}]},
    "n": -1.5,
    "s": "A,b" + "a" * 200,
    "list": [{"k": f"v{number}", "n": number} for number in range(50)],
}
_STATES = {"input": _INPUT, "context": {}, "result": [_INPUT], "errorOutput": {"Error": "E", "Cause": "C"}}
_ERRORS = (SyntaxProblem, EvaluationError)


def _evaluated(compile_it: Callable[[str], Callable[[Scope], Any]]) -> Callable[[bytes], str]:
    def run(data: bytes) -> str:
        expression = compile_it(data.decode("utf-8", "replace"))
        scope = Scope(_INPUT, {"State": {"Name": "X"}}, {"v": 5, "l": [[1], [2]]}, _STATES, random.Random(0))
        found = expression(scope)
        dumps(found)
        return type(found).__name__

    return run


def _machine(data: bytes) -> str:
    """A definition, parsed and, if valid, run for a while."""
    machine = StateMachine.parse(data.decode("utf-8", "replace"))
    if any(word in data for word in (b"Wait", b"Map", b"Retry")):  # may rightly take long
        return "parsed"
    visited = _MOST_TASKS

    def task(payload: Any) -> Any:
        nonlocal visited
        visited -= 1
        if visited < 0:
            raise _Enough
        return payload

    tasks = dict.fromkeys(("f", "arn:aws:states:::sns:publish"), task)
    try:
        return execute(machine, _INPUT, tasks=tasks).status
    except (_Enough, KeyError):  # a legal endless loop, or a resource without a callable
        return "left"


class _Enough(Exception):
    """The machine has run long enough."""


_MOST_TASKS = 200

_PATHS = (
    b"$.a.b[?(@.c == true)]",
    b"$..n",
    b"$.list[0:5].k",
    b"$.list[?(@.n > 3 && @.k =~ /v1.*/)]",
    b"$['a']['b'][-1:]",
    b"$.list.[(@.length-1)].['k','n']",
    b" $.list[?(@.k==v1 || @.n != null)].${k} ",
)
_OF_PATHS = (
    *(
        b"$",
        b"$.",
        b"..",
        b"*",
        b"[",
        b"]",
        b"[*]",
        b"[?(",
        b"@",
        b"@.",
        b")]",
        b"==",
        b"=~",
        b"/x.*/i",
        b"&&",
        b"||",
        b"!",
    ),
    *(b".[", b"(@.length-1)", b"${x}", b"null", b" "),
    *(b"'", b'"', b"(", b")", b".length()", b"1", b"-1", b":", b",", b"in", b"$$", b"$v", b"\\", b"(a+)+"),
)
_INTRINSICS = (
    b"States.Format('{} of {}', $.n, 'x')",
    b"States.ArrayPartition($.list, 4)",
    b"States.MathAdd($.n, 1)",
    b"States.StringSplit($.s, ',')",
    b"States.JsonMerge($.a, $.a, false)",
    b"States.Base64Decode('aGk=')",
    b"States.ArrayRange(1, 9, 2)",
    b"States.StringToJson('[1]')",
)
_OF_INTRINSICS = (
    b"States.",
    b"Array(",
    b"Format(",
    b"UUID()",
    b"Hash('x','MD5')",
    b"'{}'",
    b"\\'",
    b",",
    b"(",
    b")",
    b"1e308",
    b"$.",
)
_EXPRESSIONS = (
    b"$states.input.list[n > 3].k",
    b"$map($states.input.list, function($x){ $x.n * 2 })",
    b"$sum($states.input.list.n) & 'x'",
    b"{'a': $states.input.a, 'b': [1..10]}",
    b"$replace($states.input.s, /a+/, 'b')",
    b"( $f := function($n){ $n = 0 ? 0 : $f($n - 1) }; $f(5) )",
    b"$states.input.list^(>n)[0]",
    b"$fromMillis(0, '[Y]-[M01]-[D01]')",
    b"$formatNumber(12.5, '#,##0.00')",
)
_OF_EXPRESSIONS = (
    *(
        b"$",
        b"$states.input",
        b".",
        b"..",
        b"[",
        b"]",
        b"(",
        b")",
        b"{",
        b"}",
        b"function($x){",
        b"~>",
        b"|",
        b"?",
        b":",
        b":=",
    ),
    *(
        b"$sort(",
        b"$reduce(",
        b"$string(",
        b"$eval(",
        b"$match(",
        b"/a+/",
        b"&",
        b"^(",
        b"@$i",
        b"#$i",
        b"%",
        b"**",
        b"1e9",
        b"'",
    ),
)


def definitions() -> list[bytes]:
    """The seeds of definitions: the project's own, and small ones."""
    files = sorted((Path(__file__).parents[1] / "statemachine").glob("*.json"))
    small = b"""{"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"x.$": "$.n"}, "ResultPath": "$.p", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.p.x", "NumericLessThan": 0, "Next": "C"}], "Default": "D"},
        "C": {"Type": "Task", "Resource": "f", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "D"}], "Next": "D"},
        "D": {"Type": "Parallel", "End": true,
            "Branches": [{"StartAt": "E", "States": {"E": {"Type": "Succeed"}}}]}}}"""
    jsonata = b"""{"QueryLanguage": "JSONata", "StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"v": "{% $states.input.n %}"}, "Output": {"y": "{% $v %}"}, "Next": "B"},
        "B": {"Type": "Fail", "Error": "{% 'E' %}", "Cause": "c"}}}"""
    return [*(path.read_bytes() for path in files), small, jsonata]


OF_DEFINITIONS = (
    *(
        b'"Type":"Pass"',
        b'"Type":"Choice"',
        b'"Type":"Parallel"',
        b'"Next":"A"',
        b'"End":true',
        b'"States":{',
        b'"StartAt":"A"',
    ),
    *(
        b'"ResultPath":"$.x"',
        b'"OutputPath":null',
        b'"x.$":"$.a"',
        b'"{% $x %}"',
        b'"Choices":[',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ),
    *(b":", b"null", b"1e999", b"-1", b"true", b'""', b"\xef\xbb\xbf", b"\\ud800", b'"Catch":[', b'"Assign":{"v":1}'),
)


def _timestamp(data: bytes) -> str:
    return str(epoch_seconds(data.decode("utf-8", "replace")) is None)


def _items(data: bytes) -> str:
    """The first byte chooses the format; an object that a manifest names is the manifest's beginning."""
    kind = ("JSON", "JSONL", "CSV", "MANIFEST", "PARQUET")[data[0] % 5 if data else 0]
    config = {"InputType": kind, "CSVHeaderLocation": "FIRST_ROW", "MaxItems": 1000}
    command = ReadItems("items", "All", "arn:aws:states:::s3:getObject", {}, config)
    objects = iter([data[1:]])
    found = read_items(command, lambda *_: next(objects, data[1:200]))
    dumps(found)
    return f"{kind} {len(found) > 0}"


_INVENTORY = (
    b'\x03{"fileFormat":"CSV","destinationBucket":"arn:aws:s3:::b","fileSchema":"Key, Size","files":[{"key":"a"}]}'
)
_OF_ITEMS = (
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\x00",
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b"\\ud800",
    b"\xff",
)

LANGUAGE: Final = (
    Target(
        "timestamp", _timestamp, lambda: (b"2016-03-14T01:59:00.50Z", b"2016-03-14T01:59+05:30"), (), (b"T", b"Z", b"9")
    ),
    Target(
        "map-items",
        _items,
        lambda: (b'\x00[1,{"a":2}]', b'\x01{"a":1}\n[]', b"\x02a,b\n1,2\n", _INVENTORY),
        (ItemReaderError,),
        _OF_ITEMS,
    ),
    Target(
        "jsonpath", _evaluated(lambda text: compile_path(text, field="x.$")), lambda: _PATHS, _ERRORS, _OF_PATHS, 10_000
    ),
    Target(
        "intrinsics",
        _evaluated(lambda text: compile_intrinsic(text, field="x.$")),
        lambda: _INTRINSICS,
        _ERRORS,
        _OF_INTRINSICS,
        12_000,
    ),
    Target(
        "jsonata",
        _evaluated(lambda text: compile_jsonata_value(["{% " + text + " %}"], location="Output")),
        lambda: _EXPRESSIONS,
        _ERRORS,
        _OF_EXPRESSIONS,
        34_000,
    ),
    Target("definition", _machine, definitions, (DefinitionError,), OF_DEFINITIONS),
)
