"""A fuzzer over paths, intrinsic functions, JSONata, rules and whole definitions: only errors of ours may come out."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.asl import DefinitionError, StateMachine, TaskError, execute
from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.jsonpath import compile_intrinsic, compile_path, compile_reference_path, compile_template
from pupline.asl.states._choice_rule import compile_rule
from pupline.asl.validation import problems
from pupline.choice_rules import OPERATORS
from pupline.json_values import dumps

FUZZ = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

INPUT: dict[str, Any] = {"a": {"b": [1, None, "x", {"c": True}]}, "n": -1.5, "s": "A,b", "e": [], "o": {}}
STATES = {"input": INPUT, "context": {}, "result": [INPUT], "errorOutput": {"Error": "E", "Cause": "C"}}


def scope() -> Scope:
    """A scope with something of every type."""
    return Scope(INPUT, {"State": {"Name": "X"}}, {"v": 5, "l": [[1], [2]], "z": None}, STATES, random.Random(0))


def survives(compile_it: Callable[[], Callable[[Scope], Any]]) -> None:
    """Compiling and evaluating end in a JSON value, or in one of our two errors; the input is as before."""
    before = json.dumps(INPUT)
    caught = None
    try:
        dumps(compile_it()(scope()))
    except (SyntaxProblem, EvaluationError) as error:
        caught = error
    assert caught is None or str(caught)
    assert json.dumps(INPUT) == before


def words(text: str) -> list[str]:
    """The words of a text, and a space."""
    return [" ", *text.split()]


def joined(tokens: list[str], most: int = 12) -> st.SearchStrategy[str]:
    """Texts of a language's tokens, in any order: near enough to its grammar to get deep into a parser."""
    return st.lists(st.sampled_from(tokens) | st.text(max_size=2), max_size=most).map("".join)


PATH = words(r"""
$ $$ $v . .. * a b n [ ] [*] [0] [-1] [0:2] ['a'] [?( )] @ @.c == != < =~ /x.*/i && || ! ( ) 'x' 1 null in
length() .keys()
""")
INTRINSIC = words(r"""
States. Format Array MathAdd StringToJson JsonToString ArrayRange Hash UUID StringSplit Base64Decode
States.Array( States.Format( ( ) , ' '{}' '\{' $.a $.n $v $ 1 -1 1e308 true null \
""")
JSONATA = words(r"""
$ $$ $v $l $z $states $states.input . a b [ ] ( ) { } : , ; := function($x){ $x } $sum $map $string $partition
$range $parse $eval $now() ~> | ? and or in = != < + - * / % & ^( > .. @$i #$i ** 'x' " 1 1e9 null true /a+/ `
""")


@FUZZ
@given(joined(PATH), st.sampled_from(["InputPath", "x.$", "Variable", "SecondsPath"]))
def test_no_path_crashes(text: str, field: str) -> None:
    """Any text as a path."""
    survives(lambda: compile_path(text, field=field))
    survives(lambda: lambda scope: compile_reference_path(text, field=field).put(scope.input, 1))


@FUZZ
@given(joined(INTRINSIC), st.booleans())
def test_no_intrinsic_crashes(text: str, prefixed: bool) -> None:
    """Any text as an intrinsic function call."""
    survives(lambda: compile_intrinsic(f"States.Array({text})" if prefixed else text, field="x.$"))


@FUZZ
@given(joined(JSONATA))
def test_no_jsonata_crashes(text: str) -> None:
    """Any text as a JSONata expression."""
    survives(lambda: compile_jsonata_value(["{% " + text + " %}"], location="Output"))


NAMED = words(r"""
sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad
match contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round
abs sqrt power random boolean not map zip filter single reduce sift keys lookup append exists spread merge
reverse each error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl
decodeUrlComponent decodeUrl eval toMillis fromMillis clone now millis partition range hash uuid parse
""")
ARGUMENTS = words(r"""
$v $l $z $gone $states.input $states.input.a.b 'x' '' '#0.00' '[Y0001]' 1 -1 0.5 1e300 null true [] [1,2]
['a','b'] {} {'a':1} /a/ function($x){$x} function($x,$y){$x} $sum
""")


@FUZZ
@given(st.sampled_from(NAMED), st.lists(st.sampled_from(ARGUMENTS), max_size=4))
def test_no_jsonata_function_crashes(name: str, arguments: list[str]) -> None:
    """Every built-in function with every kind of argument."""
    text = f"${name}({', '.join(arguments)})"
    survives(lambda: compile_jsonata_value("{% " + text + " %}", location="Output"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | joined(PATH, 4) | joined(INTRINSIC, 4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "a.$", "b.$", ".$", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)


@FUZZ
@given(anything)
def test_no_template_crashes(value: Any) -> None:
    """Any value as a payload template."""
    survives(lambda: compile_template(value, field="Parameters"))


rules = st.recursive(
    st.dictionaries(st.sampled_from(["Variable", "Next", *sorted(OPERATORS)]), anything | st.just("$.n"), max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["And", "Or", "Not"]), inner | st.lists(inner, max_size=2), max_size=1
    ),
    max_leaves=4,
)


@FUZZ
@given(rules)
def test_no_rule_crashes(rule: Any) -> None:
    """Any object as a Choice rule."""
    survives(lambda: compile_rule(rule, jsonata=False))


MACHINE: dict[str, Any] = {
    "StartAt": "Look",
    "States": {
        "Look": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 0, "Next": "Call"}],
                 "Default": "Nap"},
        "Call": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 9,
            "Parameters": {"FunctionName": "f", "Payload.$": "$.a"}, "ResultSelector": {"r.$": "$.Payload"},
            "ResultPath": "$.r", "Assign": {"v.$": "$.Payload"}, "Next": "Each",
            "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1, "JitterStrategy": "FULL"}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Nap"}],
        },
        "Each": {
            "Type": "Map", "ItemsPath": "$.a.b", "MaxConcurrency": 2, "Next": "Nap",
            "ItemProcessor": {"StartAt": "I", "States": {
                "I": {"Type": "Pass", "Parameters": {"i.$": "$"}, "End": True},
            }},
        },
        "Nap": {"Type": "Wait", "Seconds": 5, "Next": "Both"},
        "Both": {"Type": "Parallel", "Next": "Data", "Branches": [
            {"StartAt": "L", "States": {"L": {"Type": "Pass", "Result": 1, "End": True}}},
            {"StartAt": "R", "States": {"R": {"Type": "Succeed"}}},
        ]},
        "Data": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"o": "{% $states.input %}"}, "Next": "Stop"},
        "Stop": {"Type": "Fail", "Error": "E", "CausePath": "States.JsonToString($)"},
    },
}  # fmt: skip

replacements = anything | st.sampled_from(
    ["Look", "Stop", "JSONata", "{% $states.input.n %}", "States.ALL", "$.a.b", "$$", 10**9]
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The machine above with up to three values, anywhere in it, replaced, removed or copied elsewhere."""
    definition = copy.deepcopy(MACHINE)
    for _ in range(draw(st.integers(1, 3))):
        node: Any = definition
        while True:
            if not node:
                break
            key = draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
            if isinstance(node[key], (dict, list)) and draw(st.integers(0, 3)):
                node = node[key]
                continue
            if draw(st.integers(0, 3)):
                node[key] = draw(replacements)
            else:
                del node[key]
            break
    return definition


def task(event: Any) -> Any:
    """A stub that fails for some payloads."""
    if isinstance(event, list):
        raise TaskError("E", "a list")
    return {"got": event}


class Everything(dict[str, Any]):
    """Tasks that know every resource: damage may have renamed it."""

    def get(self, _key: object, _default: object = None) -> Any:
        """The stub, whatever is asked for."""
        return task


@settings(FUZZ, max_examples=250)
@given(damaged(), st.sampled_from(["STANDARD", "EXPRESS"]))
def test_no_definition_crashes(definition: Any, kind: Any) -> None:
    """A damaged machine is refused with its problems, or runs to an end with a well-formed history."""
    if problems(definition, kind):
        with pytest.raises(DefinitionError, match=r"^Invalid State Machine Definition: '"):
            StateMachine.parse(definition, type=kind)
        return
    machine = StateMachine.parse(definition, type=kind)
    result = execute(machine, INPUT, tasks=Everything(f=task))
    assert result.status in ("SUCCEEDED", "FAILED", "TIMED_OUT")
    json.dumps(result.history)


@FUZZ
@given(
    joined(
        ["{", "}", "[", "]", ":", ",", '"StartAt"', '"States"', '"X"', '"Type"', '"Pass"', "1", "null", "NaN", " "], 20
    )
)
def test_no_text_crashes(text: str) -> None:
    """Any text as a definition."""
    with pytest.raises(DefinitionError) as caught:
        StateMachine.parse(text)
    assert caught.value.problems
