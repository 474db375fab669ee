"""Paths and Reference Paths: selected values, invalid paths, and AWS's texts for missing values."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl._errors import EvaluationError, SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonpath import compile_path, compile_reference_path, reference_problem

DOCUMENT: dict[str, Any] = {
    "a": {"b": {"c": 1}, "null": None},
    "items": [{"v": 1, "s": 0}, {"v": 2, "s": "0"}, {"v": 3}],
    "name": "Rex",
    'Test\\""Name"': "odd",
    "it's": {"dotted.name": 1},
    "matrix": [[1, 2], [3]],
    "ns:tag-1": {"@type": "t", "$id": 5},
    "calls": {"length()": "a field"},
    "dogs": [
        {"n": 1, "breed": "hound", "born": "2024-01-01", "good": True},
        {"n": 2, "breed": "basset hound", "born": "2024-02-01", "good": False},
        {"n": 3, "breed": None},
    ],
}
CONTEXT = {"Execution": {"Name": "run-1"}}
VARIABLES = {"dog": {"name": "Lassie", "legs": [1, 2, 3, 4]}}


def scope(document: Any = DOCUMENT) -> Scope:
    """A scope over a document, with a Context Object and a variable `$dog`."""
    return Scope(document, CONTEXT, VARIABLES)


def select(path: str, document: Any = DOCUMENT, field: str = "InputPath") -> Any:
    """What a path in a field selects from a document."""
    return compile_path(path, field=field)(scope(document))


SELECTED = [
    ("$", DOCUMENT, "the whole input"),
    ("$.a.b", {"c": 1}, "a field of a field"),
    ("$.a.b.c", 1, "three deep"),
    ("$['a'][\"b\"]", {"c": 1}, "brackets with either quote"),
    ("$.a.null", None, "null is a value, not something missing"),
    ("$['it\\'s']['dotted.name']", 1, "an escaped quote, and dots inside quotes"),
    ('$[\'Test\\""Name"\']', "odd", "a backslash before another character stands for itself, as on AWS"),
    ("$.ns:tag-1.@type", "t", "colons, dashes and at signs belong to names"),
    ("$.ns:tag-1.$id", 5, "and dollar signs"),
    ("$.items[1].v", 2, "an index"),
    ("$.matrix[0][1]", 2, "an index of an index"),
    ("$.items[*].v", [1, 2, 3], "a wildcard gives a list"),
    ("$.items[1:].v", [2, 3], "a slice with a start"),
    ("$.items[:1].v", [1], "a slice with an end"),
    ("$.items[-2:].v", [2, 3], "a slice from the end"),
    ("$.items[0,2].v", [1, 3], "several indices"),
    ("$['name','gone']", {"name": "Rex"}, "several names as the last step give an object of those that are there"),
    ("$..v", [1, 2, 3], "all descendants of a name, in document order"),
    ("$.a.*", [{"c": 1}, None], "a wildcard over an object"),
    ("$.items[?(@.s)].v", [1, 2], "a filter on existence"),
    ("$.items[?(@.s == 0)].v", [1, 2], "a number equals the string that spells it, as in Jayway"),
    ("$.items[?(@.s === 0)].v", [1], "unless types must agree"),
    ("$.items[?(@.v > 1 && !(@.s))].v", [3], "and, not"),
    ("$.items[?(@.v == 1 || @.v == 3)].v", [1, 3], "or"),
    ("$.items[?(@.v in [1, 3])].v", [1, 3], "membership"),
    ("$.items[?(@.v >= $.a.b.c)].v", [1, 2, 3], "a filter may look at the whole input"),
    ("$.items[?(@.v == $dog.legs[1])].v", [2], "and at variables"),
    ("$.matrix[?(@ contains 3)]", [[3]], "contains"),
    ("$.items[?(@.v in [1, 3] && @.v nin [3])].v", [1], "lists, as newer versions of the library have them"),
    ("$.items[(@.length-1)]", {"v": 3}, "the last element, as AWS has it"),
    ("$.items[( @.size() - 3 )].v", 1, "and an earlier one"),
    ("$.items[*].v.sum()", [], "a function is a field's name, which no element has"),
    ("$.calls.length()", "a field", "and here there is such a field"),
    ("$.a.['b'].['c']", 1, "a dot before a bracket, as AWS's documentation has it"),
    ("$.items.[1].v", 2, "and before an index"),
    ("$.items.[*].v", [1, 2, 3], "before a wildcard"),
    ("$.items.[?(@.v > 1)].v", [2, 3], "before a filter"),
    ("$.items..['v']", [1, 2, 3], "and after two dots"),
    ("$.items.[*].['v','s']", [{"v": 1, "s": 0}, {"v": 2, "s": "0"}, {"v": 3}], "several names of each element"),
    ("$..['v','s']", [{"v": 1, "s": 0}, {"v": 2, "s": "0"}], "of those descendants that have them all"),
    (" $.a.b\t", {"c": 1}, "blanks around a path"),
    ("$[ 'a' ][ 'b' ].c", 1, "and in brackets"),
    ("$.items[0:-1]", [], "a slice with two bounds does not count from the end, as in AWS's library"),
    ("$.dogs[?(@.breed==hound)].n", [1], "a text without quotes"),
    ("$.dogs[?(@.breed == basset hound)].n", [2], "which may have blanks"),
    ("$.dogs[?(hound == @.breed)].n", [1], "on either side"),
    ("$.dogs[?(@.breed == hound || @.n == 3)].n", [1, 3], "and ends before && and ||"),
    ("$.dogs[?(@.born == 2024-02-01)].n", [2], "a date is a text"),
    ("$.dogs[?(@.born > 2024-01-15)].n", [2], "and texts have an order"),
    ("$.dogs[?(@.n == '2')].n", [2], "a number equals the text that spells it"),
    ("$.dogs[?(@.n >= 2.0)].n", [2, 3], "whatever the spelling"),
    ("$.dogs[?(@.good == true)].n", [1], "a boolean equals the word"),
    ("$.dogs[?(@.good != true)].n", [2], "and a missing one differs from nothing"),
    ("$.dogs[?(@.breed == null)].n", [3], "null is a word"),
    ("$.dogs[?(@.breed)].n", [1, 2], "null does not exist"),
    ("$.dogs[?(!@.breed)].n", [3], "so that its negation holds"),
    ("$.dogs[?(@.good)].n", [1, 2], "but false exists"),
    ("$.dogs[?(@.breed =~ /BASSET.*/i)].n", [2], "a regular expression matches the whole text"),
    ("$.dogs[?(@.n == hound || @.n != hound)].n", [], "what cannot be compared is neither equal nor unequal"),
    ("$$.Execution.Name", "run-1", "the Context Object"),
    ("$dog.name", "Lassie", "a variable"),
    ("$dog", VARIABLES["dog"], "a whole variable"),
    ("$.none[*]", [], "an indefinite path over something missing gives an empty list"),
    ("$.name[1:5].x", [], "and over something that is no array"),
    ("$.none..x", [], "and with a descent"),
]


@pytest.mark.parametrize(("path", "expected", "why"), SELECTED, ids=[row[0] for row in SELECTED])
def test_paths_select_as_jayway_does(path: str, expected: Any, why: str) -> None:
    """Each path selects what AWS's JSONPath library would."""
    assert select(path) == expected, why


REFUSED = ["", "a", "$.", "$[", "$['a", "$.a b", "$[?(", "$[?(@.a ==)]", "$..", "$.a.", "$.a..",
           "$[:]", "$ .a", "$. a", "$.a .b", "$[(@.length)]", "$[(@.a-1)]", "$[?(@.a = 1)]", "$[?(@.a =~ 'b')]",
           "$[?(a)]", "$[(@.length - -1)]", "$[(@.length-)]",
           "$.a['b',]", "$[99999999999999]", "$[?(@.a =~ /(/)]", "$[?(@.a == 'x)]", "@.a", "$" + ".a" * 300,
           "$[?(" + "(" * 99 + "@.a" + ")" * 99 + ")]", "$." + "a" * 9000]  # fmt: skip


def test_the_element_behind_the_last_is_not_there() -> None:
    """`[(@.length-0)]` can be written, and finds nothing."""
    with pytest.raises(EvaluationError, match="Index out of bounds"):
        select("$.items[(@.length-0)]")


@pytest.mark.parametrize("path", REFUSED, ids=[text[:20] for text in REFUSED])
def test_invalid_paths_are_refused(path: str) -> None:
    """An invalid path, or one over the limits, is a SyntaxProblem that quotes at most a part of it."""
    with pytest.raises(SyntaxProblem) as caught:
        compile_path(path, field="InputPath")
    assert len(caught.value.message) < 400


REASONS = [
    ("$.a b", 3, "unexpected blank; a name with blanks needs brackets and quotes, such as ['my name']"),
    ("$.a.", 4, "a path must not end with a dot"),
    ("$.a[b]", 4, "expected a quoted name, a number, '*', '?' or '(' after '['"),
    ("$.a[?(@.b = 1)]", 10, "'=' is not an operator; write '=='"),
    ("  $.a?", 5, "unexpected '?'; a name with such characters needs brackets and quotes, such as ['my-name']"),
    ("a", 0, "a path starts with '$'; no '$' found"),
]


@pytest.mark.parametrize(("path", "position", "reason"), REASONS)
def test_the_problem_of_a_path_has_a_reason_and_a_position(path: str, position: int, reason: str) -> None:
    """The reason says what is wrong in plain words; the position is an index in the text as it is written."""
    with pytest.raises(SyntaxProblem) as caught:
        compile_path(path, field="InputPath")
    assert (caught.value.position, caught.value.reason) == (position, reason)


MISSING = [
    ("$.x", "InputPath", "Invalid path '$.x' : No results for path: $['x']"),
    ("$.no.such.path", "OutputPath", "Invalid path '$.no.such.path' : Missing property in path $['no']"),
    ("$.items[9]", "InputPath", "Invalid path '$.items[9]' : Index out of bounds when evaluating path $['items'][9]"),
    ("$.items[-1]", "InputPath",
     "Invalid path '$.items[-1]' : Index out of bounds when evaluating path $['items'][-1]"),
    ("$.items.length()", "InputPath",
     "Invalid path '$.items.length()' : Property ['length()'] not found in path $['items']"),
    ("$['a','name'].b", "InputPath",
     "Invalid path '$['a','name'].b' : Multi properties can only be used as path leafs: $['a', 'name']"),
    ("$.x ", "InputPath", "Invalid path '$.x ' : No results for path: $['x']"),
    ("$.name[0]", "InputPath",
     "Invalid path '$.name[0]' : Filter: [0] can only be applied to arrays. Current context is: \"Rex\""),
    ("$.x", "SecondsPath", "The SecondsPath parameter does not reference an input value: $.x"),
    ("$.x", "Variable", "Invalid path '$.x': The choice state's condition path references an invalid value."),
    ("$gone", "Variable", "Invalid path '$gone': The choice state's condition path references an invalid value."),
]  # fmt: skip


@pytest.mark.parametrize(("path", "field", "cause"), MISSING)
def test_the_error_of_a_missing_value_depends_on_the_field(path: str, field: str, cause: str) -> None:
    """A definite path that finds nothing fails with States.Runtime and the text AWS uses for that field."""
    with pytest.raises(EvaluationError) as caught:
        select(path, field=field)
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", cause)


@pytest.mark.parametrize("field", ["value.$", "ErrorPath", "CausePath"])
def test_a_missing_value_in_a_payload_quotes_the_input(field: str) -> None:
    """In a payload template and in Fail, the cause quotes path, field and input."""
    with pytest.raises(EvaluationError) as caught:
        select("$.x", {"é": [1]}, field)
    expected = f"The JSONPath '$.x' specified for the field '{field}' could not be found in the input '{{\"é\":[1]}}'"
    assert caught.value.cause == expected


def test_several_names_must_be_the_last_step_after_a_wildcard_too() -> None:
    """AWS fails at run time, not when the machine is created."""
    with pytest.raises(EvaluationError, match="Multi properties can only be used as path leafs"):
        select("$.items[*]['v','s'].x")


def test_an_index_past_the_end_is_null_in_a_payload_only() -> None:
    """`"x.$": "$.items[9]"` is null on AWS, while the same path elsewhere fails."""
    assert select("$.items[9]", field="x.$") is None
    with pytest.raises(EvaluationError):
        select("$.items[9].v", field="x.$")


@pytest.mark.slow
def test_a_selection_that_explodes_is_stopped() -> None:
    """Many `..*` over a deep document end in an error of ours instead of filling the memory."""
    deep: Any = 0
    for _ in range(60):
        deep = {"a": deep, "b": [deep] if not isinstance(deep, dict) else []}
    with pytest.raises(EvaluationError, match="selects more than"):
        select("$" + "..*" * 12, deep)


PUT = [
    ("$", {"a": 1}, "v", "v"),
    ("$.b", {"a": 1}, 2, {"a": 1, "b": 2}),
    ("$.a", {"a": 1, "b": 2}, 9, {"a": 9, "b": 2}),
    ("$.x.y.z", {"a": 1}, None, {"a": 1, "x": {"y": {"z": None}}}),
    ("$['odd name']", {}, 1, {"odd name": 1}),
    ("$.list[1]", {"list": [1, 2, 3]}, 0, {"list": [1, 0, 3]}),
    ("$.list[0].a", {"list": [{}]}, 0, {"list": [{"a": 0}]}),
    ("$.a.['b c'].[0] ", {"a": {"b c": [1]}}, 2, {"a": {"b c": [2]}}),
]


@pytest.mark.parametrize(("path", "root", "value", "expected"), PUT)
def test_a_result_path_puts_its_value_into_a_copy(path: str, root: Any, value: Any, expected: Any) -> None:
    """ResultPath merges into a copy of the input and creates missing objects."""
    before = json.dumps(root)
    assert compile_reference_path(path, field="ResultPath").put(root, value) == expected
    assert json.dumps(root) == before


UNFIT: list[tuple[str, Any]] = [
    ("$.a", [1]),
    ("$.a", "text"),
    ("$.a", None),
    ("$.a.b", {"a": 5}),
    ("$.a[0]", {}),
    ("$.a[1]", {"a": [1]}),
    ("$[0]", {"a": 1}),
    ("$[-1]", {}),
    ("$[-1]", [1]),
]


@pytest.mark.parametrize(("path", "root"), UNFIT)
def test_a_result_path_that_does_not_fit_fails(path: str, root: Any) -> None:
    """Where an object (or an element) is needed and something else is found, it is States.ResultPathMatchFailure."""
    with pytest.raises(EvaluationError) as caught:
        compile_reference_path(path, field="ResultPath").put(root, 1)
    assert caught.value.error == "States.ResultPathMatchFailure"
    assert path in caught.value.cause


@pytest.mark.parametrize(
    "path", ["$.a[*]", "$..a", "$.a[0:1]", "$['a','b']", "$.a[?(@.b)]", "$.a.length()", "a", "$.a["]
)
def test_a_reference_path_names_one_place(path: str) -> None:
    """A Reference Path names a single place: no wildcard, slice, union, filter, descent or function."""
    assert reference_problem(path) is not None
    with pytest.raises(SyntaxProblem):
        compile_reference_path(path, field="ResultPath")


def test_a_result_path_points_into_the_input() -> None:
    """The Context Object and variables cannot be written by ResultPath."""
    for path in ("$$.a", "$dog.name"):
        with pytest.raises(SyntaxProblem, match="input"):
            compile_reference_path(path, field="ResultPath")


@pytest.mark.parametrize("path", ["${Path}", "$.${Field}", "$.a.${Prefix}-x.b", "$.list[${Number}].a", "${Path}.a"])
def test_a_placeholder_may_stand_in_a_path(path: str) -> None:
    """It is read as a field's name, so that a definition is valid before it is filled in."""
    assert reference_problem(path) is None
    assert compile_path(path, field="InputPath").variables == frozenset()
    with pytest.raises(EvaluationError):
        select(path)


def test_a_path_knows_the_variables_that_it_reads() -> None:
    """Variables at the root and inside filters are all named."""
    assert compile_path("$dog.legs[?(@ == $wanted)]", field="InputPath").variables == {"dog", "wanted"}
    assert compile_path("$.a", field="InputPath").variables == frozenset()


names = st.text("abcdexyz_", min_size=1, max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
keys = st.one_of(names, st.integers(-1, 3), st.just("*"))


def naive(value: Any, steps: list[Any]) -> list[Any]:
    """The values that steps select, written without regard for speed."""
    if not steps:
        return [value]
    first, *rest = steps
    if first == "*":
        found = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    elif isinstance(first, int):
        found = [value[first]] if isinstance(value, list) and 0 <= first < len(value) else []
    else:
        found = [value[first]] if isinstance(value, dict) and first in value else []
    return [result for item in found for result in naive(item, rest)]


@pytest.mark.slow
@settings(max_examples=300)
@given(values, st.lists(keys, max_size=4), st.booleans(), st.sampled_from(("", ".")))
def test_random_paths_agree_with_a_naive_reading(document: Any, steps: list[Any], dotted: bool, dot: str) -> None:
    """On any document, a path of names, indices and wildcards selects what a naive walk selects."""
    text = "$"
    for step in steps:
        if isinstance(step, int) or step == "*":
            text += f"{dot}[{step}]"
        else:
            text += f".{step}" if dotted else f"{dot}['{step}']"
    expected = naive(document, steps)
    path = compile_path(text, field="InputPath")
    before = json.dumps(document)
    if "*" in steps:
        assert path(scope(document)) == expected
    elif expected:
        assert path(scope(document)) == expected[0]
    else:
        with pytest.raises(EvaluationError):
            path(scope(document))
    assert json.dumps(document) == before


@settings(max_examples=200)
@given(st.dictionaries(names, values, max_size=3), st.lists(names, min_size=1, max_size=3), values)
def test_a_path_reads_back_the_value_that_a_result_path_puts(
    root: dict[str, Any], steps: list[str], value: Any
) -> None:
    """Reading a path after putting a value there gives the value, and everything else is as before."""
    text = "$." + ".".join(steps)
    try:
        changed = compile_reference_path(text, field="ResultPath").put(root, value)
    except EvaluationError:
        return
    assert compile_path(text, field="InputPath")(scope(changed)) == value
    assert {key: item for key, item in changed.items() if key != steps[0]} == {
        key: item for key, item in root.items() if key != steps[0]
    }


texts = st.text("ab c'1.", max_size=4).map(str.strip).filter(lambda text: text and text[0] not in "'/")


@settings(max_examples=300)
@given(texts, st.none() | st.booleans() | st.integers(-3, 3) | texts | st.lists(texts, max_size=1))
def test_a_text_without_quotes_means_the_same_as_with_quotes(text: str, value: Any) -> None:
    """For every comparison and every kind of value."""
    quoted = text.replace("'", "\\'")
    for operator in ("==", "!=", "<", "<=", ">", ">="):
        plain = select(f"$[?(@.x{operator}{text})]", [{"x": value}])
        assert plain == select(f"$[?(@.x {operator} '{quoted}')]", [{"x": value}])


@settings(max_examples=300)
@given(values, values)
def test_of_two_values_at_most_one_order_holds(left: Any, right: Any) -> None:
    """Less, equal and greater exclude each other; `!=` is their opposite, for values that can be compared."""
    document = [{"l": left, "r": right}]
    holds = {operator: bool(select(f"$[?(@.l {operator} @.r)]", document)) for operator in ("<", "==", ">", "!=")}
    assert holds["<"] + holds["=="] + holds[">"] <= 1
    assert holds["!="] == (holds["<"] or holds[">"])
