"""JSONata in states: results, AWS's error texts, its extra functions, and the bounds on hostile expressions."""

import contextlib
import json
import random
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import StateMachine, execute
from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value, expression_text, unexpected_type

INPUT: dict[str, Any] = {
    "n": 7, "none": None, "one": [5], "empty": [], "numbers": [1, 2, 3], "name": "Rex", "yes": True, "half": 1.5,
    "dogs": [{"name": "Rex", "age": 3}, {"name": "Bo", "age": None}], "nulls": [1, None, 3], "matrix": [[1]],
}  # fmt: skip
STATES = {"input": INPUT, "context": {"Execution": {"Name": "run"}}, "result": {"Payload": {"ok": True}}}
VARIABLES = {"x": 7, "nothing": None, "order": {"id": 1, "lines": [{"price": 2}, {"price": 3}]}}


def evaluate(value: Any, *, location: str = "Output", seed: int = 1, variables: Any = VARIABLES) -> Any:
    """The result of a JSON value that holds JSONata."""
    context = {"State": {"EnteredTime": "2024-01-02T03:04:05.678Z"}}
    scope = Scope(INPUT, context, variables, STATES, random.Random(seed))
    return compile_jsonata_value(value, location=location)(scope)


def run(text: str, *, seed: int = 1) -> Any:
    """The result of one expression; text: without `{%` and `%}`."""
    return evaluate(f"{{% {text} %}}", seed=seed)


def failure(text: str, location: str = "Output/v") -> EvaluationError:
    """How an expression fails."""
    with pytest.raises(EvaluationError) as caught:
        evaluate(f"{{% {text} %}}", location=location)
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == location
    return caught.value


RESULTS: list[tuple[str, Any]] = [
    (r'"\ud83d\ude00"', "\U0001f600"),
    (r'"a\"b\\c\/\b\f\n\r\t\u00e9"', 'a"b\\c/\b\f\n\r\té'),
    ("$x", 7),
    ("$nothing", None),
    ("$order.id", 1),
    ("$order.lines.price", [2, 3]),
    ("$states.input.n", 7),
    ("$states.input.none", None),
    ("$states.input.one", [5]),
    ("$states.input.empty", []),
    ("$states.input.matrix", [[1]]),
    ("$states.input.nulls", [1, None, 3]),
    ("$states.input.nulls[1]", None),
    ("$states.input.dogs.name", ["Rex", "Bo"]),
    ("$states.input.dogs.age", [3, None]),
    ("$states.input.dogs[name = 'Bo']", {"name": "Bo", "age": None}),
    ("$states.result.Payload.ok", True),
    ("$states.context.Execution.Name", "run"),
    ("$sum($states.input.numbers) + $x", 13),
    ("6 / 2", 3),
    ("7 / 2", 3.5),
    ("5.5 % 2", 1.5),
    ("$map([5.5, -7], function($v) { $v % 2 })", [1.5, -1]),
    ("1e3", 1000),
    ("[1..3]", [1, 2, 3]),
    ("$count([1..10])", 10),
    ("[]", []),
    ("{'a': [1, null]}", {"a": [1, None]}),
    ("$map($states.input.one, function($v) { $v + 1 })", 6),
    ("$states.input.yes and $x = 7", True),
    ("'a' & $x", "a7"),
    ("$exists($states.input.gone) ? 1 : 2", 2),
    ("$exists($nothing)", True),
    ("$contains('hello$world', /^hello\\$/)", True),
    ("$variable := 1", 1),
    ("$not($states.input.yes)", False),
    ("$merge([$states.input.dogs[0], {'age': 4}])", {"name": "Rex", "age": 4}),
    ("$string($states.input.nulls)", "[1,null,3]"),
    ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
    ("$partition([1, 2, 3], 2.9)", [[1, 2], [3]]),
    ("$partition([0], 1)", [[0]]),
    ("$range(0, 10, 3)", [0, 3, 6, 9]),
    ("$range(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("$range(5, 1, -2)", [5, 3, 1]),
    ("$range(1, 9, 9)", 1),
    ("$range(-1.7, 1, 1)", [-1, 0, 1]),
    ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("$parse('[1, null, {\"a\": 1.5}]')", [1, None, {"a": 1.5}]),
    ("$now()", "2024-01-02T03:04:05.678Z"),
    ("$millis()", 1704164645678),
    ("$pad('x', 3)", "x  "),
]


@pytest.mark.parametrize(("text", "expected"), RESULTS, ids=[row[0] for row in RESULTS])
def test_expressions_give_what_aws_gives(text: str, expected: Any) -> None:
    """Each expression gives AWS's value: whole numbers stay whole, null is not undefined, single results are bare."""
    assert json.dumps(run(text)) == json.dumps(expected)


UNDEFINED = ["$gone", "$order.gone", "$states.input.gone", "$states.gone", "$states.input.n.x", "$partition([1], 0)",
             "$partition([], 1)", "$range(1, 9)", "$range(1, 9, -1)", "$hash('a')"]  # fmt: skip


@pytest.mark.parametrize("text", UNDEFINED)
def test_nothing_is_an_error(text: str) -> None:
    """An expression that returns nothing fails the state with AWS's words and the field's place."""
    cause = f"The JSONata expression '{text}' specified for the field 'Output/v' returned nothing (undefined)."
    assert failure(text).cause == cause


THROWN = [
    ("$randomSeeded(1)", "T1006: Attempted to invoke a non-function"),
    ("$eval('1')", "T1006: Attempted to invoke a non-function"),
    ("$error('boom')", "D3137: boom"),
    ("$sum('a')", "T0412: "),
    ("1 / 0 + 1", "D1001: Number out of range"),
    ("$parse('{')", "D3137: Invalid JSON"),
    ("$hash('a', 'sha1')", "D3137: Invalid hash algorithm"),
    ("1 + 'a'", "T2002: "),
    ("$number('x')", 'D3030: Unable to cast value to a number: "x"'),
]


@pytest.mark.parametrize(("text", "reason"), THROWN, ids=[row[0] for row in THROWN])
def test_errors_are_reported_with_their_code(text: str, reason: str) -> None:
    """An error during evaluation is reported with JSONata's code."""
    prefix = f"The JSONata expression '{text}' specified for the field 'Output/v' threw an error during evaluation. "
    assert failure(text).cause.startswith(prefix + reason)


@pytest.mark.parametrize("text", ["$fn := function($x){$x}", "$sum", "/a/", "[function(){1}]"])
def test_functions_are_not_valid_results(text: str) -> None:
    """A function is an unsupported result, at the top or inside."""
    expected = f"The JSONata expression '{text}' specified for the field 'Items' returned an unsupported result type."
    assert failure(text, "Items").cause == expected


HOSTILE = [
    (
        "($f := function($n) { $f($n) }; $f(1))",
        "evaluation timeout: Check for infinite loop",
    ),
    ("($f := function($n) { 1 + $f($n) }; $f(1))", "Stack overflow"),
    ("($s := function($x, $n) { $n = 0 ? $x : $s($x & $x, $n - 1) }; $s('a', 60))", "memory limit"),
    ("($s := function($x, $n) { $n = 0 ? $x : $s($append($x, $x), $n - 1) }; $count($s([1, 2], 60)))", "memory limit"),
    ("($s := function($x, $n) { $n = 0 ? $x : $s({'a': $x, 'b': $x}, $n - 1) }; $s(1, 60))", "memory limit"),
    ("($s := function($x, $n) { $n = 0 ? $x : $s([[$x], [$x]], $n - 1) }; $string($s([], 60)))", "memory limit"),
    ("($x := $pad('x', 6e6); [$x, $x])", "memory limit"),
    ("$pad('x', 1e12)", "memory limit"),
    ("$map([1..10000], function($i) { $pad('x', 1e6) })", "evaluation timeout"),
    ("($p := [1..100000]; $map([1..10000], function($i) { $reverse($p) }))", "evaluation timeout"),
    ("$replace($pad('', 1e5, 'a'), 'a', $pad('', 1e5, 'b'))", "memory limit"),
    ("$replace($pad('', 1e5, 'a'), /a/, $pad('', 1e5, 'b'))", "memory limit"),
    ("$join($split($pad('', 10000, 'a'), ''), $pad('', 1e6, 'b'))", "memory limit"),
    ("($p := $pad('', 1e6, 'x'); $map([1..10000], function($i) { $p & $i }))", "evaluation timeout"),
    ("$range(1, 360146, 1)", "memory limit"),
    ("[1..99999999]", "D2014"),
    ("[1..9999999]", "memory limit"),
    ("[1..100000].[1..1000]", "evaluation timeout"),
    ("$fromMillis(0, '[Y,9999999]')", "over 999"),
    ("$fromMillis(0, '[MNn,*-9999999]')", "over 999"),
    ("$now('[Y,9999999]')", "over 999"),
    ("$toMillis('1', '[Y,9999999]')", "over 999"),
    ("$parseInteger($pad('', 100000, 'Z'), 'A')", "memory limit"),
    ("$match('" + "a" * 60 + "!', /(a+)+$/)", ""),
    ("+".join(["1"] * 101), "Depth=101 max=100"),
    ("(" * 3000 + "1" + ")" * 3000, ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "reason"), HOSTILE, ids=[row[0][:30] for row in HOSTILE])
def test_runaway_expressions_end(text: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless loops, endless recursion and exploding values end in an error of ours, soon."""
    from pupline.asl.jsonata import _bounds as _jsonata_bounds

    monkeypatch.setattr(_jsonata_bounds, "MAX_STEPS", 60_000)
    started = time.perf_counter()
    try:
        assert reason in failure(text).cause
    except SyntaxProblem:
        assert not reason
    assert time.perf_counter() - started < 20


def test_the_limit_of_steps_grows_with_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large input allows more steps; without it, the same expression exceeds the limit."""
    from pupline.asl.jsonata import _bounds as _jsonata_bounds

    monkeypatch.setattr(_jsonata_bounds, "MAX_STEPS", 10_000)
    assert evaluate("{% $sum($v.($ * 2)) %}", variables={"v": list(range(10_000))}) == 99_990_000
    with pytest.raises(EvaluationError, match="evaluation timeout"):
        run("$sum([1..10000].($ * 2))")


def test_a_bug_is_not_an_error_of_the_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Catch must not handle it, and nobody must look for it in the definition."""
    from pupline.asl.jsonata import _library

    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(_library.Program, "evaluate", broken)
    with pytest.raises(ZeroDivisionError):
        run("$sort([2, 1], function($a, $b) { $a > $b })")


@pytest.mark.slow
def test_what_functions_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lambda that adds up a long array again and again took minutes with a few nodes."""
    from pupline.asl.jsonata import _bounds as _jsonata_bounds

    monkeypatch.setattr(_jsonata_bounds, "MAX_STEPS", 1_500)
    with pytest.raises(EvaluationError, match="evaluation timeout"):
        run("($p := [1..10000]; $map([1..40], function($i) { $sum($p) }))")


def test_distinct_is_linear() -> None:
    """30,000 different elements were 450 million comparisons; and `true` is not 1, though Python says so."""
    assert evaluate("{% $count($distinct($v)) %}", variables={"v": [*range(30_000), *range(30_000)]}) == 30_000
    mixed = [True, 1, "1", None, 1, [1], [1], {"a": 1, "b": 2}, {"b": 2, "a": 1}]
    assert evaluate("{% $distinct($v) %}", variables={"v": mixed}) == [True, 1, "1", None, [1], {"a": 1, "b": 2}]


@pytest.mark.parametrize("text", ["$x()", "$order.id(1)", "( $f := 'x'; $f(1) )", "$x ~> $order", "$map([1], 5)"])
def test_nothing_is_printed(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """jsonata-python prints to stdout when it cannot call a value; a command's JSON Lines go there."""
    with contextlib.suppress(EvaluationError, SyntaxProblem):
        run(text)
    assert capfd.readouterr() == ("", "")


def test_a_hundred_levels_are_allowed() -> None:
    """Depth is bounded where AWS bounds it: 100 levels work."""
    assert run("+".join(["1"] * 100)) == 100


SYNTAX = [
    ("$a[1,2)", "INVALID_JSONATA_EXPRESSION"),
    ("1 +", "INVALID_JSONATA_EXPRESSION"),
    ("", "INVALID_JSONATA_EXPRESSION"),
    ("'a" + "b" * 40_000 + "'", "INVALID_JSONATA_EXPRESSION"),
    ("phone", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ("phone.number", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ("{'a': phone}", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ("$map($states.input.numbers, function($v) { phone })", "UNSUPPORTED_JSONATA_EXPRESSION"),
    ("$$.input", "UNSUPPORTED_JSONATA_EXPRESSION"),
]


@pytest.mark.parametrize(("text", "code"), SYNTAX, ids=[row[0][:30] for row in SYNTAX])
def test_bad_expressions_do_not_compile(text: str, code: str) -> None:
    """Syntax errors, names at the top level and `$$` are refused when the machine is parsed, with AWS's code."""
    with pytest.raises(SyntaxProblem) as caught:
        compile_jsonata_value({"a": ["x", f"{{% {text} %}}"]}, location="Output")
    assert (caught.value.code, caught.value.path) == (code, ("a", 1))


@pytest.mark.parametrize("text", ["$o[value > 3]", "$o^(price)", "$o{name: price}", "$o.(a + b)", "$o ~> |a|{'b': c}|"])
def test_names_inside_a_path_are_allowed(text: str) -> None:
    """Only the first step of a path has no context item; predicates, sort terms and groupings have one."""
    compile_jsonata_value(f"{{% {text} %}}", location="Output")


def test_values_hold_expressions_at_any_depth() -> None:
    """Objects and arrays are walked; other strings, paths among them, are literal."""
    value = {"a": "{% $x %}", "b": [1, {"c": "{% $order.id %}"}], "d": "$.x", "e": " {% $x %} ", "f": None, "g": "{%"}
    assert evaluate(value) == {"a": 7, "b": [1, {"c": 1}], "d": "$.x", "e": " {% $x %} ", "f": None, "g": "{%"}
    assert value["a"] == "{% $x %}"


def test_a_failure_inside_a_value_names_its_place() -> None:
    """The location is the field, followed by /key and [index]."""
    with pytest.raises(EvaluationError) as caught:
        evaluate({"a": {"b": ["{% $gone %}"]}}, location="Choices[1]/Output")
    assert caught.value.location == "Choices[1]/Output/a/b[0]"


def test_constants_are_shared() -> None:
    """A value without expressions is constant, and not copied."""
    value = {"a": [1, "$.x"]}
    compiled = compile_jsonata_value(value, location="Output")
    assert compiled.constant
    assert compiled(Scope(None, {}, {})) is value


def test_variables_are_named() -> None:
    """Workflow variables do not include built-in functions, parameters and names bound in the expression."""
    text = "{% ($t := $one; $map($two.list, function($v) { $v + $t + $sum($three) }) ~> $reverse) %}"
    value = {"a": text, "b": "{% $four.x %}", "c": "{% $states.input.x %}"}
    assert compile_jsonata_value(value, location="Output").variables == {"one", "two", "three", "four"}


def test_randomness_comes_from_the_scope() -> None:
    """$uuid, $random and $shuffle give the same under the same seed, so that a replay sees the same."""
    for text in ("$uuid()", "$random()", "$shuffle([1..50])"):
        assert run(text, seed=3) == run(text, seed=3)
        assert run(text, seed=3) != run(text, seed=4)
    assert uuid.UUID(run("$uuid()")).version == 4
    assert run("$random(5)", seed=1) == run("$random(5)", seed=2)
    assert 0 <= run("$random()") < 1


def test_inputs_are_not_changed() -> None:
    """Transforms, sorts and appends work on copies."""
    before = json.dumps(INPUT)
    for text in ("$states.input ~> |dogs|{'new': 1}|", "$sort($states.input.numbers, function($a, $b) { $a < $b })",
                 "$append($states.input.numbers, 1)", "$reverse($states.input.nulls)"):  # fmt: skip
        run(text)
    assert json.dumps(INPUT) == before


def test_expression_marks() -> None:
    """A JSONata string starts with {% and ends with %}, with nothing around them."""
    assert expression_text("{% $x %}") == "$x"
    assert expression_text("{%%}") == ""
    for text in (" {% $x %}", "{% $x", "{%}", "$x", 5, None):
        assert expression_text(text) is None


def test_a_wrong_type_is_reported_with_its_value() -> None:
    """The helper for fields that need a type words it as AWS does."""
    error = unexpected_type("{% {'foo': 'bar'} %}", "Items", "array", {"foo": "bar"})
    assert error.cause == (
        "The JSONata expression '{'foo': 'bar'}' specified for the field 'Items' returned an unexpected result type. "
        "Expected 'array', but was 'object' for value: {\"foo\":\"bar\"}"
    )


@pytest.mark.slow
def test_plain_paths_do_not_import_the_library() -> None:
    """A machine whose expressions are plain paths starts without jsonata-python."""
    code = (
        "import sys; from pupline.asl._expression import Scope;"
        "from pupline.asl.jsonata import compile_jsonata_value as c;"
        "assert c('{% $states.input.a %}', location='Output')(Scope(0, {}, {}, {'input': {'a': 5}})) == 5;"
        "sys.exit('jsonata' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


names = st.sampled_from(["a", "b", "list"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("xy", max_size=2),
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=10,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(documents, st.lists(names, max_size=3))
def test_plain_paths_agree_with_the_library(document: Any, steps: list[str]) -> None:
    """The compiled lookups return the same as jsonata-python for the same path."""
    path = ".".join(["$states.input", *steps])
    scope = Scope(document, {}, {}, {"input": document})

    def outcome(text: str) -> tuple[str, Any]:
        try:
            return "value", compile_jsonata_value(text, location="Output")(scope)
        except EvaluationError as err:
            return "error", err.cause.rpartition("' ")[2]

    assert outcome(f"{{% {path} %}}") == outcome(f"{{% ({path}) %}}")


SIGNS = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "&", "and", "or"]
atoms = st.sampled_from(
    ["$v", "$w", "$gone", "$states.input.a", "$states.input.b.c", "$states.input.gone", "$states.input", "1", "0",
     "2.5", "-3", "'x'", "''", "'2'", "true", "false", "null", "$sum"]
)  # fmt: skip
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(SIGNS), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        st.tuples(st.sampled_from(["$not", "$exists"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=600)
@given(expressions, documents, documents)
def test_closures_agree_with_the_library(text: str, first: Any, second: Any) -> None:
    """Closures return the same as the library, or leave the expression to it."""
    from pupline.asl.jsonata import _library as library
    from pupline.asl.jsonata._bounds import UndefinedResult
    from pupline.asl.jsonata._fast import UNDEFINED, NeedsLibrary

    program = library.compile_program(text)
    if program.fast is None:
        return
    scope = Scope(None, {}, {"v": first, "w": second}, {"input": {"a": second, "b": first}})
    try:
        quick = program.fast(scope)
    except NeedsLibrary:
        return
    try:
        slow = program.evaluate(scope)
    except UndefinedResult:
        slow = UNDEFINED
    assert quick is slow or json.dumps(quick) == json.dumps(slow)


def test_simple_expressions_are_compiled_into_closures() -> None:
    """Comparisons, arithmetic, conditions and the like do not go through the library's tree walk."""
    from pupline.asl.jsonata import _library as library

    for text in ("$x = 5", "$states.input.n > 3 and $not($x)", "$exists($x.y) ? 'a' & $x : $x * 2", "($x)", "7 % 4"):
        assert library.compile_program(text).fast is not None, text
    for text in ("$o[a = 1]", "$sum($x)", "[1]", "{'a': 1}", "$x ~> $f", "$o.*", "$o^(a)", "-$x", "$x := 1"):
        assert library.compile_program(text).fast is None, text


def test_a_signature_that_could_run_for_hours_times_out() -> None:
    """The groups of a function's signature match the arguments as a regular expression does."""
    query = f"($f := function($a)<{'n+' * 8}:n>{{1}}; $f({'1,' * 40}'x'))"
    machine = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Output": f"{{% {query} %}}", "End": True}}}
    result = execute(StateMachine.parse({**machine, "QueryLanguage": "JSONata"}), {})
    assert result.error == "States.QueryEvaluationError"
    assert str(result.cause).endswith("Expression evaluation timeout: Check for infinite loop")
