"""Random JSONata expressions, for the comparison with the reference implementation."""

from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import strategies as st

Text: TypeAlias = st.SearchStrategy[str]

GIVEN: dict[str, Any] = {
    "s": "some Text",
    "n": 42.5,
    "a": [1, [2, 3], {"a": 5}],
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}],
    "deep": {"a": {"b": {"c": [1, 2, {"d": None}]}}},
    "none": None,
}

TEXTS = [
    '""', '"abc"', '"Hello World"', '"é"', '"😀a"', '"  x  y "', '"0x10"', '"1e3"', '" 12 "', '"-5"', '"1.50"', '"+3"',
    '"NaN"', '"true"', '"2026-01-02"', '"2026-01"', '"2026"', '"2026-01-02T03:04:05Z"', '"2026-02-30"', '"2026-13"',
    '"2026-01-02T03:04:05.678+05:30"', '"2026-01-02 03:04:05"', '"2026-W01-1"', '"2026-01-02T03:04:05,5Z"', '"a,b,,c"',
    '"x%20y?z=1&q=é"', '"0b101"', '"Infinity"', '".5"', '"12abc"', '"a1b22c333"', "$states.input.s",
]  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "2.5", "-2.5", "3.5", "0.1", "0.3", "1e21", "1e-7", "1e20", "255", "-255",
    "12345.678", "0.5", "1.5", "-0.5", "100", "7", "0.000001", "1.0e-5", "1767225600000", "$states.input.n",
]  # fmt: skip
RANGE_ENDS = ["0", "1", "-1", "2.5", "7", "-255", "100", "1e21", "$states.input.n", '"1"', "$states.input.gone"]
ARRAYS = [
    "[]", "[1,2,3]", '["b","a","C"]', "[3,1,2]", '[1,"a",null,true]', "[[1,2],[3]]", '[{"a":1},{"a":2},{"b":3}]',
    "[null]", "[1..5]", '["10","9"]', '[1,1,2,"1"]', "$states.input.a", "$states.input.rows", "$states.input.deep",
]  # fmt: skip
OBJECTS = ["{}", '{"a":1,"b":"x"}', '{"a":{"b":[1,2]}}', '{"n":null}', '{"x":1.5e10,"y":[]}']
OTHERS = ["null", "true", "false", "$states.input.gone", "$states.input.none"]
FUNCTIONS = [
    "function($v){$v}", "function($v,$i){$v & $i}", "function($v,$i,$a){$count($a)}", "function($a,$b){$a>$b}",
    "function($a,$b){$a+$b}", "function($x){$x=1}", "function($x){$x*2}",
]  # fmt: skip
PATTERNS = [
    "/a/", "/A/i", "/[0-9]+/", "/(\\w)(\\d*)/", "/\\s+/", "/,/", "/l/", "/(?<y>\\d{4})-(?<m>\\d\\d)/", "/\\d/",
    "/(a)|(b)/", "/[^a]/", "/é/i", "/x{2,}/", "/\\bb/", "/$/",
]  # fmt: skip
REPLACEMENTS = ['"$1"', '"$0"', '"$$"', '"[$2$1]"', '"x"', '"$12"', '"$w"', 'function($m){$m.match & "!"}']

SIGNATURES = {
    "string": "v", "length": "t", "substring": "tnn?", "substringBefore": "tt", "substringAfter": "tt",
    "uppercase": "t", "lowercase": "t", "trim": "t", "contains": "tp", "split": "tpl?", "join": "at?", "match": "tr",
    "replace": "tre", "number": "v", "abs": "n", "floor": "n", "ceil": "n", "round": "nd?", "sqrt": "n", "sum": "a",
    "max": "a", "min": "a", "average": "a", "boolean": "v", "not": "v", "exists": "v", "count": "v", "append": "vv",
    "sort": "af?", "reverse": "a", "zip": "aa", "keys": "v", "lookup": "vt", "spread": "v", "merge": "a", "sift": "of",
    "each": "of", "error": "t", "type": "v", "map": "af", "filter": "af", "reduce": "afv?", "toMillis": "t",
    "formatBase": "nb?", "encodeUrl": "t", "encodeUrlComponent": "t", "decodeUrl": "t",
}  # fmt: skip
"""A letter for each argument; `?` after those that may be missing."""


def expressions() -> Text:
    """Calls, operators, paths and predicates over literals and the input."""
    plain = st.sampled_from([*TEXTS, *NUMBERS, *ARRAYS, *OBJECTS, *OTHERS])
    return st.recursive(plain, lambda inner: st.one_of(calls(inner), operators(inner), paths(inner)), max_leaves=6)


def calls(inner: Text) -> Text:
    """A call of a built-in function, mostly with arguments of the right types."""
    kinds: dict[str, Text] = {
        "t": st.sampled_from(TEXTS) | inner, "n": st.sampled_from(NUMBERS) | inner, "v": inner,
        "a": st.sampled_from(ARRAYS) | inner, "o": st.sampled_from(OBJECTS), "f": st.sampled_from(FUNCTIONS),
        "r": st.sampled_from(PATTERNS), "p": st.sampled_from(PATTERNS) | st.sampled_from(TEXTS),
        "e": st.sampled_from(REPLACEMENTS), "l": st.sampled_from(["0", "1", "2", "-1"]),
        "d": st.sampled_from(["0", "1", "2", "-1", "-2"]), "b": st.sampled_from(["2", "16", "36", "37", "1"]),
    }  # fmt: skip

    @st.composite
    def call(draw: Callable[[Text], str]) -> str:
        name = draw(st.sampled_from(sorted(SIGNATURES)))
        letters = SIGNATURES[name].replace("?", "")
        least = letters if SIGNATURES[name][-1] != "?" or draw(st.sampled_from("yn")) == "y" else letters[:-1]
        return f"${name}({', '.join(draw(kinds[letter]) for letter in least)})"

    return call()


def operators(inner: Text) -> Text:
    """Arithmetic, comparisons, concatenation, conditions, ranges."""
    binary = st.sampled_from(["+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, binary, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("[{}..{}]".format, st.sampled_from(RANGE_ENDS), st.sampled_from(RANGE_ENDS)),
        st.builds("[{}, 1]".format, inner),  # the reference evaluates several at once: which fails first is its own
    )


def paths(inner: Text) -> Text:
    """Steps, predicates, sorting and grouping over arrays."""
    steps = st.sampled_from(["a", "b", "*", "**", "a.b", "$", "(a)", '{"z":a}', "[a]", "$string()"])
    arrays = st.sampled_from(ARRAYS)
    return st.one_of(
        st.builds("{}.{}".format, arrays, steps),
        st.builds("{}[{}]".format, arrays, inner),
        st.sampled_from(["$states.input.rows^(k,>v)", "$states.input.rows{k: $sum(v)}", "$states.input.rows[v>1].k"]),
    )
