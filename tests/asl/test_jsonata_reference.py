"""JSONata as its reference implementation 2.0.6 has it, which AWS runs: values, codes and messages.

The results are those of that implementation, or of AWS where the two differ.
"""

import itertools
import json
import re
from typing import Any

import pytest

from pupline.asl import DefinitionError, StateMachine, execute
from pupline.asl._errors import EvaluationError
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value

INPUT: dict[str, Any] = {
    "s": "some Text",
    "n": 42.5,
    "big": 9_223_372_036_854_775_807,
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}],
}


def run(expression: str) -> tuple[Any, str]:
    """(value, "") of an expression, or (None, the cause of its failure after the field)."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": f"{{% {expression} %}}"}, "End": True}
    result = execute(StateMachine.parse({"StartAt": "S", "States": {"S": state}}), INPUT)
    if result.status == "SUCCEEDED":
        return result.output["v"], ""
    assert result.error == "States.QueryEvaluationError"
    return None, str(result.cause).split("specified for the field 'Output/v' ", 1)[1]


VALUES = [
    # numbers are doubles
    ("1 / 0", "Infinity"),
    ("[1 / 0, -1 / 0]", ["Infinity", "-Infinity"]),
    ("1e308 * 10", "Infinity"),
    ("5.5 % 2", 1.5),
    ("0.1 + 0.2", 0.30000000000000004),
    ("9007199254740993 + 0", 9_007_199_254_740_992),
    ("$string($states.input.big)", "9223372036854775807"),
    ("$string($parse('9223372036854775808'))", "9223372036854776000"),
    ("$string(999999999999999868928)", "999999999999999900000"),
    ("$states.input.big", 9_223_372_036_854_775_807),
    ("$sum([0.1, 0.2, 0.3])", 0.6000000000000001),
    ("$average([1, 2])", 1.5),
    ("[0.5, 1.5, 2.5, -2.5].$round($)", [0, 2, 2, -2]),
    ("$round(12345.678, -2)", 12_300),
    ("$round(4.525, 2)", 4.52),
    ("$number('0x1F') + $number('0b101') + $number('0o17')", 51),
    ("$number('1e3')", 1000),
    ("$formatBase(-255, 16)", "-ff"),
    ("$parseInteger('seven', 'w')", 7),
    ("$parseInteger('no number', 'w')", "NaN"),
    ("$floor(1e308 * 10)", "Infinity"),
    # texts
    ("$string(1e21)", "1e+21"),
    ("$string(1e20)", "100000000000000000000"),
    ("$string(1e-7)", "1e-7"),
    ("$string(1e-6)", "0.000001"),
    ("$string(1/3)", "0.333333333333333"),
    ("[7] & 1e20", "[7]100000000000000000000"),
    ("$string({'a': [1, {}], 'b': null}, true)", '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": null\n}'),
    ("$string([$sum, 1])", '["",1]'),
    ("$length('😀a')", 2),
    ("$substring('😀abc', -3, 2)", "ab"),
    ("$substring('abc', 1.9)", "bc"),
    ("$substring('abc', $states.input.gone)", "abc"),
    ("$lowercase('Straße')", "straße"),
    ("$pad('x', -3, '-')", "--x"),
    ("$split('a, b ,c', /\\s*,\\s*/)", ["a", "b", "c"]),
    ("$split('a,b,c', ',', 2)", ["a", "b"]),
    ("$split('abc', /$/)", ["abc", ""]),
    # regular expressions of ECMAScript
    ("$match('2026-01', /(?<y>\\d{4})-(?<m>\\d\\d)/).groups", ["2026", "01"]),
    ("$contains('\u0661', /\\d/)", False),
    ("$contains('é', /\\w/)", False),
    ("$contains('É', /é/i)", True),
    ("$contains('a\n', /a$/)", False),
    ("$contains('a\u2028b', /a.b/)", False),
    ("$contains('a]', /[\\]]/)", True),
    ("$contains('a', /[^]/)", True),
    ("$match('ab', /(a)|(b)/).groups", ["a", None, None, "b"]),
    ("$replace('a1b22', /(\\w)(\\d+)/, '$2$1$$')", "1a$22b$"),
    ("$replace('abc', /b/, '[$0]')", "a[b]c"),
    ("$replace('abc', /(b)/, '$12')", "ab2c"),
    ("$replace('abc', /b/, '$w')", "a$wc"),
    ("$replace('a.b.c', '.', '$1', 1)", "a$1b.c"),
    ("$replace('abc', /[ac]/, function($m) { $uppercase($m.match) & $m.start })", "A0bC2"),
    # dates
    ("$toMillis('2026-01')", 1_767_225_600_000),
    ("$toMillis('2026')", 1_767_225_600_000),
    ("$toMillis('2026-02-30')", 1_772_409_600_000),
    ("$toMillis('2026-01-02T03:04:05')", 1_767_323_045_000),
    ("$toMillis('2026-01-02T03:04:05.123456Z')", 1_767_323_045_123),
    ("$toMillis('2026-01-02T03:04:05+05:30')", 1_767_303_245_000),
    ("$toMillis('2026-01-02T03:04:05-0530')", 1_767_342_845_000),
    ("$toMillis('2026-01-02T24:00:00Z')", 1_767_398_400_000),
    ("$toMillis('0000')", -62_167_219_200_000),
    ("$toMillis('2026-13')", "NaN"),
    ("$toMillis('02/01/2026', '[D01]/[M01]/[Y0001]')", 1_767_312_000_000),
    # arrays and functions
    ("$sort(['b', 'a', 'C'])", ["C", "a", "b"]),
    ("$sort($states.input.rows, function($a, $b) { $a.k > $b.k }).v", [1, 3, 2]),
    ("$map([1e20, 1e21], $string)", ["100000000000000000000", "1e+21"]),
    ("$map(['a', 'b'], $uppercase)", ["A", "B"]),
    ("$filter([0, 1, ''], $boolean)", 1),
    ("true and $exists($states.input.n)", True),
    # AWS's own
    ("$random(42)", 0.7275636800328681),
    ("$random(0)", 0.730967787376657),
    ("$random(7.9)", 0.7306990420600421),
    ("$partition([1, 2, 3])", [[1, 2, 3]]),
    ("$parse('[1.0, 1e2, 1.5]')", [1, 100, 1.5]),
    ("$parse('9223372036854775808') > 9e18", True),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[row[0][:40] for row in VALUES])
def test_expressions_give_the_values_of_the_reference(expression: str, expected: Any) -> None:
    """Each expression gives the reference implementation's value, to the last digit and with the same type."""
    value, cause = run(expression)
    assert (json.dumps(value), cause) == (json.dumps(expected), "")


FAILURES = [
    ("1 / 0 + 1", "D1001: Number out of range: null"),
    ("$string(1 / 0)", "D3001: Attempting to invoke string function on Infinity or NaN"),
    ("1 + {}", 'T2002: The right side of the "+" operator must evaluate to a number'),
    ("null < 1", 'T2010: The expressions either side of operator "<" must evaluate to numeric or string values'),
    ("1 < 'a'", 'T2009: The values 1 and "a" either side of operator "<" must be of the same data type'),
    ("$sum(['a'])", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
    ("$abs(null)", 'T0410: Argument 1 of function "abs" does not match function signature'),
    ("$map(['a'], $abs)", 'T0410: Argument 1 of function "abs" does not match function signature'),
    ("$substring('a', 1, 'b')", 'T0410: Argument 3 of function "substring" does not match function signature'),
    ("$uuid('seed')", 'T0410: Argument 1 of function "uuid" does not match function signature'),
    ("function($a)<n:n>{ $a }('x')", "T0410: Argument 1 of function undefined does not match function signature"),
    ("$reduce([1, 2], function($a) { $a })",
     "D3050: The second argument of reduce function must be a function with at least two arguments"),
    ("$single([1, 2], function($x) { true })",
     "D3138: The $single() function expected exactly 1 matching result.  Instead it matched more."),
    ("$sort([1, 'a'])",
     ("D3070: The single argument form of the sort function can only be applied to an array of strings"
      " or an array of numbers.  Use the second argument to specify a comparison function")),
    ("$number('12abc')", 'D3030: Unable to cast value to a number: "12abc"'),
    ("$number(' 12 ')", 'D3030: Unable to cast value to a number: " 12 "'),
    ("$sqrt(-1)", "D3060: The sqrt function cannot be applied to a negative number: -1"),
    ("$power(10, 400)",
     ("D3061: The power function has resulted in a value that cannot be represented as a JSON number: base=10,"
      " exponent=400")),
    ("$formatBase(1, 37)", "D3100: The radix of the formatBase function must be between 2 and 36.  It was given 37"),
    ("$formatNumber(1, 'x')", ("D3086: The sub-picture must not contain a passive character that is preceded by an"
      " active character and that is followed by another active character")),
    ("$formatInteger(1, 'Z')",
     'D3130: Formatting or parsing an integer as a sequence starting with "Z" is not supported by this implementation'),
    ("$toMillis('a', '[E]')",
     "D3133: The 'name' modifier can only be applied to months and days in the date/time picture string, not \"E\""),
    ("$toMillis('a', '[Y')", "D3135: No matching closing bracket ']' in date/time picture string"),
    ("$fromMillis(0, '[q]')", 'D3132: Unknown component specifier "q" in date/time picture string'),
    ("$split('a', 'b', -1)", "D3020: Third argument of split function must evaluate to a positive number"),
    ("$replace('a', '', 'b')", "D3010: Second argument of replace function cannot be an empty string"),
    ("$replace('a', /a/, function($m) { 1 })", "D3012: Attempted to replace a matched string with a non-string value"),
    ("$match('ab', /x*/)", "D1004: Regular expression matches zero length string"),
    ("{'a': 1, 'a': 2}", 'D1009: Multiple key definitions evaluate to same key: "a"'),
    ("true and $abs('x')", 'T0410: Argument 1 of function "and" does not match function signature'),
    ("$error()", "D3137: $error() function evaluated"),
    ("$partition([1, 2], -1)", "D3137: Second argument must be zero or greater"),
    ("$parse('')", "D3137: Invalid JSON"),
    ("$parse('{\"a\": 1, \"a\": 2}')", "D3137: Invalid JSON"),
    ("$parse('1e400')", "D3137: Invalid JSON"),
    *[
        (
            f"$toMillis('{text}')",
            f'D3110: The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given "{text}"',
        )
        for text in ("2026-01-02 03:04:05", "2026-W01-1", "2026-01-02T03:04:05,5Z", "2026-1-2", "", "nope", "20260102")
    ],
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), FAILURES, ids=[row[0][:40] for row in FAILURES])
def test_failures_have_the_code_and_message_of_the_reference(expression: str, expected: str) -> None:
    """The cause ends with the reference implementation's code and message."""
    assert run(expression) == (None, f"threw an error during evaluation. {expected}")


BOUNDS = [
    ("[1..900000] ~> $count()",
     "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage"),
    (" + ".join(["1"] * 200),
     "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function."),
    ("$base64decode('!!!')", "threw an internal error during evaluation."),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), BOUNDS, ids=[row[0][:20] for row in BOUNDS])
def test_bounds_and_internal_errors_have_no_code(expression: str, expected: str) -> None:
    """AWS's texts for an expression that needs too much, and for what its own library cannot do."""
    assert run(expression)[1].startswith(expected)


FUNCTIONS = (
    "abs string length substring uppercase pad split match replace number round power sqrt formatNumber formatBase"
    " formatInteger parseInteger sum max sort distinct zip keys lookup spread merge sift each map filter single reduce"
    " toMillis fromMillis base64decode decodeUrl hash parse partition range random join"
)
ARGUMENTS = ["null", "'x'", "-1.5", "1/0", "[null]", "[[1], 'a']", "{}", "function($a) { $a }", "$states.input.gone"]
OTHERS = ["", ", 'x'", ", -1", ", null", ", function($a) { $b.c }", ", '[Y', 'Z'"]
PYTHON = re.compile(r"Error\b|not supported between|NoneType|isoformat|object has no|\bint\(|<class|Python")


@pytest.mark.parametrize("name", FUNCTIONS.split())
def test_no_message_shows_python(name: str) -> None:
    """Whatever the arguments are, no text of a Python exception and no name of a Python type is in a cause."""
    scope = Scope({}, None, {}, {"input": {}})
    causes = []
    for arguments in itertools.product(ARGUMENTS, OTHERS):
        try:
            compile_jsonata_value(f"{{% ${name}({''.join(arguments)}) %}}", location="v")(scope)
        except EvaluationError as err:
            causes.append(err.cause)
    assert causes
    assert [cause for cause in causes if PYTHON.search(cause.partition("for the field")[2])] == []


@pytest.mark.parametrize(("operator", "symbol"), [("??", "?"), ("?:", ":")])
def test_operators_of_later_versions_are_refused(operator: str, symbol: str) -> None:
    """`??` and `?:` came with 2.1: AWS refuses the definition, and so does the engine, with the reason."""
    with pytest.raises(DefinitionError) as caught:
        run(f"$states.input.s {operator} 'default'")
    (problem,) = caught.value.problems
    assert f'The symbol "{symbol}" cannot be used as a unary operator' in problem[1]
    assert f"{operator} is an operator of JSONata 2.1, and Step Functions has JSONata 2.0.6" in problem[1]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["a++", "(?>a)", "(?i)a", "(?P<n>a)", "[a", "(?#x)a", "a**", "("])
def test_regular_expressions_of_python_are_refused(pattern: str) -> None:
    """What only Python's expressions have is an error of the definition."""
    with pytest.raises(DefinitionError, match="INVALID_JSONATA_EXPRESSION"):
        run(f"$match('a', /{pattern}/)")
