"""Small random machines, with inputs and answers for their tasks, that interpreters of the language should agree on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tools.peers import Answer

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"

SCALARS: list[Any] = [None, True, False, 0, 1, 3, -7, 20, "", "a", "b,c", "10", "x.png", "Zoë"]

PATHS = [
    "$",
    "$.n",
    "$.s",
    "$.list",
    "$.obj",
    "$.obj.x",
    "$.obj.deep",
    "$.maybe",
    "$.list[0]",
    "$.list[1]",
    "$.list[*]",
    "$.list[*].x",
    "$.list[0:2]",
    "$.list[-1:]",
    "$['obj']['x']",
    "$.obj['x','deep']",
    "$..x",
    "$.list[?(@.x > 1)]",
    "$$.Execution.Input.n",
    "$$.Execution.Input",
    "$$.State.Name",
]

INTRINSICS = [
    "States.Format('{} and {}', $.n, $.s)",
    "States.Format('{}', $.obj)",
    r"States.Format('it\'s {}', $.s)",
    "States.JsonToString($.obj)",
    "States.StringToJson('[1, {\"k\": null}]')",
    "States.Array($.n, $.s, true, 'x')",
    "States.Array($.n, null)",
    "States.Array()",
    "States.ArrayPartition($.list, 2)",
    "States.ArrayContains($.list, 'a')",
    "States.ArrayContains($.list, $.n)",
    "States.ArrayRange(1, 9, 3)",
    "States.ArrayRange(5, -3, -2)",
    "States.ArrayGetItem($.list, 0)",
    "States.ArrayLength($.list)",
    "States.ArrayUnique($.list)",
    "States.ArrayUnique(States.Array($.n, 1, 'a', 'a', $.n))",
    "States.Base64Encode($.s)",
    "States.Base64Decode('ZG9n')",
    "States.Hash($.s, 'SHA-256')",
    "States.JsonMerge($.obj, States.StringToJson('{\"y\": 9}'), false)",
    "States.MathAdd($.n, 7)",
    "States.StringSplit($.s, ',')",
    "States.StringSplit('a-b,c', '-,')",
]

COMPARISONS: list[dict[str, Any]] = [
    *[{"Variable": "$.n", f"Numeric{name}": 3} for name in ("Equals", "LessThan", "GreaterThanEquals")],
    {"Variable": "$.n", "NumericEqualsPath": "$.obj.x"},
    {"Variable": "$.s", "StringEquals": "a"},
    {"Variable": "$.s", "StringLessThan": "b"},
    {"Variable": "$.s", "StringMatches": "*.png"},
    {"Variable": "$.s", "NumericEquals": 1},
    {"Variable": "$.n", "StringEquals": "1"},
    *[{"Variable": path, "IsPresent": True} for path in ("$.maybe", "$.obj.deep", "$.list[1]", "$.no.way")],
    *[{"Variable": "$.s", f"Is{name}": False} for name in ("Numeric", "Null", "Timestamp")],
    {"Variable": "$.list", "IsString": False},
    {"Variable": "$.maybe", "StringEquals": "a"},
    {"And": [{"Variable": "$.flag", "IsPresent": True}, {"Variable": "$.flag", "BooleanEquals": True}]},
]

ENDS: list[dict[str, Any]] = [
    {"Type": "Succeed"},
    {"Type": "Succeed", "InputPath": "$.obj"},
    {"Type": "Fail", "Error": "Told", "Cause": "to fail"},
    {"Type": "Fail", "ErrorPath": "$.s", "CausePath": "$.s"},
    {"Type": "Fail", "ErrorPath": "$.s", "CausePath": "States.Format('n is {}', $.n)"},
    {"Type": "Fail"},
]

RESULT_PATHS = ["$.added", "$.added", "$.obj.deep", "$.maybe", None, "$"]
CATCHES = ["States.ALL", "Boom", "States.TaskFailed"]


@dataclass(frozen=True)
class Vocabulary:
    """What random machines and inputs are made of."""

    scalars: list[Any] = field(default_factory=lambda: SCALARS)
    paths: list[str] = field(default_factory=lambda: PATHS)
    intrinsics: list[str] = field(default_factory=lambda: INTRINSICS)
    comparisons: list[dict[str, Any]] = field(default_factory=lambda: COMPARISONS)
    ends: list[dict[str, Any]] = field(default_factory=lambda: ENDS)
    result_paths: list[str | None] = field(default_factory=lambda: RESULT_PATHS)
    catches: list[str] = field(default_factory=lambda: CATCHES)

    def without(self, part: str, words: Sequence[Any]) -> "Vocabulary":
        """All but some words of one part. Raises: AssertionError for a word that is not there."""
        texts = {json.dumps(word) for word in words}
        there: list[Any] = getattr(self, part)
        assert texts <= {json.dumps(each) for each in there}, f"not all among the {part}: {texts}"
        return replace(self, **{part: [each for each in there if json.dumps(each) not in texts]})

    def elements(self) -> st.SearchStrategy[Any]:
        """What lists hold and functions answer."""
        scalar = st.sampled_from(self.scalars)
        return st.one_of(scalar, st.fixed_dictionaries({"x": st.integers(1, 5)}, optional={"y": scalar}))

    def inputs(self) -> st.SearchStrategy[Any]:
        """What the paths were made for; n, s, list and obj are always there at first."""
        scalar = st.sampled_from(self.scalars)
        return st.fixed_dictionaries(
            {
                "n": st.integers(1, 20),
                "s": st.sampled_from(["a", "a,b", "dog.png", "dog.jpg"]),
                "list": st.lists(self.elements(), min_size=2, max_size=4),
                "obj": st.fixed_dictionaries({"x": st.integers(1, 5)}, optional={"deep": scalar}),
            },
            optional={"maybe": scalar, "flag": st.just(True)},
        )


@dataclass(frozen=True)
class Case:
    """A definition, an input, and the answers of its tasks, by the name of the state."""

    definition: dict[str, Any]
    given: Any
    answers: dict[str, Answer]


@dataclass
class Builder:
    """Draws states; their names are numbered through the whole machine, as the language wants them unique."""

    draw: Any
    words: Vocabulary
    answers: dict[str, Answer] = field(default_factory=dict)
    count: int = 0

    def chain(self, depth: int) -> dict[str, Any]:
        """{"StartAt": ..., "States": ...}: one to four states in a row; a Choice leads on, or to the end."""
        names = [self._name() for _ in range(self.draw(st.integers(1, 4 if depth > 1 else 2)))]
        states: dict[str, Any] = {}
        for name, following in zip(names, [*names[1:], None], strict=True):
            states |= self._state(name, depth, following)
        return {"StartAt": names[0], "States": states}

    def _name(self) -> str:
        self.count += 1
        return f"S{self.count}"

    def _state(self, name: str, depth: int, following: str | None) -> dict[str, Any]:
        kinds = ["pass", "pass", "select", "select", "task"] + (["parallel", "map", "map"] if depth else [])
        kind = self.draw(st.sampled_from([*kinds, "choice"] if following else [*kinds, "end"]))
        if kind == "choice":
            return {name: self._choice(following)}
        if kind == "end":
            return {name: self._end()}
        state = getattr(self, f"_{kind}")(name, depth)
        caught = self._catcher(name, state)
        leads = {"Next": following} if following else {"End": True}
        return {name: {**state, **leads}, **caught}

    def _pass(self, _name: str, _depth: int) -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Pass", **self._result_path()}
        if self.draw(st.booleans()):
            state["Result"] = self.draw(self.words.elements())
        if self.draw(st.integers(0, 3)) == 0:
            state["InputPath"] = self.draw(st.sampled_from(self.words.paths))
        if self.draw(st.integers(0, 3)) == 0:
            state["OutputPath"] = self.draw(st.sampled_from(self.words.paths))
        return state

    def _select(self, _name: str, _depth: int) -> dict[str, Any]:
        drawn = self.draw(st.lists(st.sampled_from(self.words.paths + self.words.intrinsics), min_size=1, max_size=3))
        parameters: dict[str, Any] = {f"k{number}.$": text for number, text in enumerate(drawn)}
        if self.draw(st.booleans()):
            parameters = {"nested": {"list": [parameters, 1]}, "plain": self.draw(st.sampled_from(self.words.scalars))}
        return {"Type": "Pass", "Parameters": parameters, **self._result_path()}

    def _task(self, name: str, _depth: int) -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Task", "Resource": LAMBDA_INVOKE, **self._result_path()}
        state["Parameters"] = {"FunctionName": name, "Payload": {"in.$": "$"}}
        if self.draw(st.integers(0, 2)):
            self.answers[name] = Answer({"StatusCode": 200, "Payload": self.draw(self.words.elements())})
        else:
            self.answers[name] = Answer(error=self.draw(st.sampled_from(["Boom", "TooSlow"])), cause="as told")
        return {**state, "ResultSelector": {"got.$": "$.Payload"}}

    def _parallel(self, _name: str, depth: int) -> dict[str, Any]:
        branches = [self.chain(depth - 1) for _ in range(self.draw(st.integers(1, 3)))]
        return {"Type": "Parallel", "Branches": branches, **self._result_path()}

    def _map(self, _name: str, depth: int) -> dict[str, Any]:
        state: dict[str, Any] = {"Type": "Map", **self._result_path()}
        state["ItemProcessor"] = {"ProcessorConfig": {"Mode": "INLINE"}, **self.chain(depth - 1)}
        state["ItemsPath"] = self.draw(st.sampled_from(["$.list", "$$.Execution.Input.list"]))
        state["MaxConcurrency"] = 1
        if self.draw(st.booleans()):
            keys = {"n.$": "$$.Map.Item.Index", "s.$": "$.s", "list.$": "$.list", "item.$": "$$.Map.Item.Value"}
            state["ItemSelector"] = {**keys, "obj.$": "$.obj"}
        return state

    def _result_path(self) -> dict[str, Any]:
        return (
            {"ResultPath": self.draw(st.sampled_from(self.words.result_paths))} if self.draw(st.integers(0, 4)) else {}
        )

    def _catcher(self, name: str, state: dict[str, Any]) -> dict[str, Any]:
        """Gives some tasks, Parallels and Maps a Catch; returns the state that it leads to."""
        if state["Type"] == "Pass" or self.draw(st.booleans()):
            return {}
        names = [self.draw(st.sampled_from(self.words.catches))]
        state["Catch"] = [{"ErrorEquals": names, "ResultPath": "$.caught", "Next": f"{name}Caught"}]
        return {f"{name}Caught": {"Type": "Pass", "Parameters": {"error.$": "$.caught.Error"}, "End": True}}

    def _choice(self, following: str | None) -> dict[str, Any]:
        rules = [self._rule(2) for _ in range(self.draw(st.integers(1, 2)))]
        state: dict[str, Any] = {"Type": "Choice", "Choices": [{**rule, "Next": following} for rule in rules]}
        if self.draw(st.integers(0, 3)):
            state["Default"] = following
        return state

    def _rule(self, depth: int) -> dict[str, Any]:
        kind = self.draw(st.sampled_from(["plain"] * 3 + (["And", "Or", "Not"] if depth else [])))
        if kind == "plain":
            return dict(self.draw(st.sampled_from(self.words.comparisons)))
        if kind == "Not":
            return {"Not": self._rule(depth - 1)}
        return {kind: [self._rule(depth - 1) for _ in range(self.draw(st.integers(1, 2)))]}

    def _end(self) -> dict[str, Any]:
        return dict(self.draw(st.sampled_from(self.words.ends)))


@st.composite
def cases(draw: Any, words: Vocabulary) -> Case:
    """A machine two levels deep, an input and the answers of its tasks."""
    builder = Builder(draw, words)
    definition = builder.chain(2)
    return Case(definition, draw(words.inputs()), builder.answers)
