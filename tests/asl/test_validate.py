"""Validation: every rule of the language has a definition that breaks it, and is reported with place and words."""

import copy
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl.validation import as_problems, create_error, diagnostics, inspect, problems, variable_references

LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:Fetch"
INVOKE = "arn:aws:states:::lambda:invoke"

VALID: dict[str, Any] = {
    "Comment": "Every kind of state",
    "StartAt": "Look",
    "TimeoutSeconds": 60,
    "States": {
        "Look": {
            "Type": "Choice",
            "Choices": [
                {"And": [{"Variable": "$.a", "IsPresent": True}, {"Not": {"Variable": "$.a", "IsNull": True}}],
                 "Next": "Fan", "Assign": {"seen.$": "$.a"}},
                {"Variable": "$$.Execution.Name", "StringMatches": "x*", "Next": "Stop"},
            ],
            "Default": "Call",
        },
        "Call": {
            "Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"},
            "ResultSelector": {"x.$": "$.Payload"}, "ResultPath": "$.r", "InputPath": "$", "OutputPath": None,
            "TimeoutSeconds": 30, "HeartbeatSeconds": 10, "Credentials": {"RoleArn.$": "$.role"},
            "Retry": [{"ErrorEquals": ["A", "B"], "IntervalSeconds": 2, "MaxAttempts": 0, "BackoffRate": 1.5,
                       "MaxDelaySeconds": 9, "JitterStrategy": "FULL"}, {"ErrorEquals": ["States.ALL"]}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Pause", "ResultPath": "$.e",
                       "Assign": {"e.$": "$.Cause"}}],
            "Next": "Fan",
        },
        "Fan": {
            "Type": "Parallel", "Next": "Each",
            "Branches": [{"StartAt": "B1", "States": {"B1": {"Type": "Pass", "End": True}}}],
        },
        "Each": {
            "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "Next": "Pause",
            "ItemSelector": {"i.$": "$$.Map.Item.Value"},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "One",
                              "States": {"One": {"Type": "Task", "Resource": LAMBDA, "End": True}}},
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$seen.delay", "Next": "New language"},
        "New language": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.a %}", "Next": "Done"},
        "Done": {"Type": "Succeed"},
        "Stop": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "States.Format('{}', $.cause)"},
    },
}  # fmt: skip


def found(definition: Any, kind: str = "STANDARD") -> list[tuple[str, str]]:
    """Problems as (AWS's location, message)."""
    errors = [each for each in inspect(definition, kind).errors if not each.consequence]
    return [(each.location or "", message) for each, (_, message) in zip(errors, as_problems(errors), strict=True)]


def one(state: dict[str, Any], **machine: Any) -> dict[str, Any]:
    """A machine of a single state, X."""
    return {"StartAt": "X", "States": {"X": state}, **machine}


def test_a_valid_machine_has_no_problems() -> None:
    """A machine with every kind of state is fine, and looking at it leaves it alone."""
    before = json.dumps(VALID)
    assert problems(VALID) == []
    assert json.dumps(VALID) == before


SCHEMA = "SCHEMA_VALIDATION_FAILED: "
PASS: dict[str, Any] = {"Type": "Pass", "End": True}
TASK: dict[str, Any] = {"Type": "Task", "Resource": LAMBDA, "End": True}
WAIT: dict[str, Any] = {"Type": "Wait", "End": True}
INLINE: dict[str, Any] = {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "I", "States": {"I": PASS}}}
RULE: dict[str, Any] = {"Variable": "$.a", "IsNull": True, "Next": "End"}


def choice(rule: dict[str, Any]) -> dict[str, Any]:
    """A machine whose first state is a Choice with one rule."""
    return {"StartAt": "X", "States": {"X": {"Type": "Choice", "Choices": [rule]}, "End": {"Type": "Succeed"}}}


def retry(**fields: Any) -> dict[str, Any]:
    """A machine of one Task with one Retrier."""
    return one({**TASK, "Retry": [{"ErrorEquals": ["E"], **fields}]})


def distributed(**fields: Any) -> dict[str, Any]:
    """A machine of one Distributed Map."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "I",
        "States": {"I": PASS},
    }
    return one({"Type": "Map", "End": True, "ItemProcessor": processor, **fields})


REF = "Value is not a Reference Path: "
EXCLUSIVE = "These fields are mutually exclusive: "

BROKEN: list[tuple[Any, str, str]] = [
    # machines
    ({}, "/", "These fields are required: [States, StartAt]"),
    ({"States": {"X": PASS}}, "/", "These fields are required: [StartAt]"),
    ({"StartAt": "X", "States": {}}, "/States", "Value cannot be empty"),
    ({"StartAt": "X", "States": []}, "/States", "Expected value of type [OBJECT]"),
    ({"StartAt": "X", "States": {"X": 5}}, "/States/X", "Expected value of type [OBJECT]"),
    (one(PASS, Foo=1), "/", "Field 'Foo' is not supported"),
    (one(PASS, TimeoutSeconds=0), "/TimeoutSeconds", "Minimum value is 1"),
    (one(PASS, TimeoutSeconds="1"), "/TimeoutSeconds", "Expected value of type [INTEGER]"),
    (one(PASS, QueryLanguage="jq"), "/QueryLanguage", "Value should be one of the following: [JSONPath, JSONata]"),
    (one(PASS, Comment=5), "/Comment", "Expected value of type [STRING]"),
    ({"StartAt": "n" * 81, "States": {"n" * 81: PASS}}, f"/States/{'n' * 81}", "A state name has at most 80"),
    # every state
    (one({}), "/States/X", "These fields are required: [Type]"),
    (one({"Type": "Nap"}), "/States/X/Type",
     "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"),
    (one({"Type": "Pass"}), "/States/X", "One of these fields is required: [Next, End]"),
    (one({**PASS, "Next": "X"}), "/States/X", f"{EXCLUSIVE}[Next, End]"),
    (one({**PASS, "End": "yes"}), "/States/X/End", "Expected value of type [BOOLEAN]"),
    (one({"Type": "Pass", "End": False}), "/States/X", "One of these fields is required: [Next, End]"),
    (one({**PASS, "Retry": []}), "/States/X", "Field 'Retry' is not supported"),
    (one({"Type": "Succeed", "Next": "X"}), "/States/X", "Field 'Next' is not supported"),
    (one({**PASS, "TimeoutSeconds": 5}), "/States/X", "Field 'TimeoutSeconds' is not supported"),
    (one({**PASS, "InputPath": "a"}), "/States/X/InputPath",
     "Value must be a valid JSONPath. A path starts with '$'; no '$' found (at character 1 of 'a')."),
    (one({**PASS, "OutputPath": 5}), "/States/X/OutputPath", "Expected value of type [STRING]"),
    (one({**PASS, "ResultPath": "$.a[*]"}), "/States/X/ResultPath", REF),
    (one({**PASS, "ResultPath": "$$.a"}), "/States/X/ResultPath", REF),
    (one({**PASS, "Parameters": {"a": [{"b.$": "nope"}]}}), "/States/X/Parameters/a[0]",
     "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"),
    (one({**PASS, "Parameters": {"b.$": "States.Nope()"}}), "/States/X/Parameters",
     "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"),
    (one({**PASS, "Assign": {"states": 1}}), "/States/X/Assign/states", "'states' is a reserved variable name"),
    (one({**PASS, "Assign": {"a-b.$": "$"}}), "/States/X/Assign/a-b.$", "'a-b' is not a valid variable name"),
    # query languages
    (one({**PASS, "Output": 1}), "/States/X",
     "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage"),
    (one({**PASS, "InputPath": "$"}, QueryLanguage="JSONata"), "/States/X",
     "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage"),
    (one({**PASS, "QueryLanguage": "JSONPath"}, QueryLanguage="JSONata"), "/States/X",
     "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"),
    # Task
    (one({"Type": "Task", "End": True}), "/States/X", "These fields are required: [Resource]"),
    (one({**TASK, "Resource": "Fetch"}), "/States/X/Resource", "The resource provided Fetch is not recognized."),
    (one({**TASK, "Resource": "arn:aws:states:::dynamodb:query"}), "/States/X/Resource",
     "The resource provided arn:aws:states:::dynamodb:query is not recognized."),
    (one({**TASK, "Resource": "arn:aws:states:::sns:publish.sync"}), "/States/X/Resource", "The resource provided "),
    (one({**TASK, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"}), "/States/X",
     f"{EXCLUSIVE}[TimeoutSeconds, TimeoutSecondsPath]"),
    (one({**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}), "/States/X/HeartbeatSeconds",
     "HeartbeatSeconds must be smaller than TimeoutSeconds"),
    (one({**TASK, "HeartbeatSecondsPath": "$.a[*]"}), "/States/X/HeartbeatSecondsPath", REF),
    (one({**TASK, "Credentials": {}}), "/States/X/Credentials", "The field 'RoleArn' is required but was missing"),
    # Wait
    (one(WAIT), "/States/X", "One of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath]"),
    (one({**WAIT, "Seconds": 1, "Timestamp": "2024-01-01T00:00:00Z"}), "/States/X", f"{EXCLUSIVE}[Seconds, Timestamp]"),
    (one({**WAIT, "Seconds": -1}), "/States/X/Seconds", "Minimum value is 0"),
    (one({**WAIT, "Seconds": 1.5}), "/States/X/Seconds", "Expected value of type [INTEGER]"),
    (one({**WAIT, "Seconds": True}), "/States/X/Seconds", "Expected value of type [INTEGER]"),
    (one({**WAIT, "Timestamp": "tomorrow"}), "/States/X/Timestamp", "String does not match RFC3339 timestamp"),
    (one({**WAIT, "SecondsPath": "5"}), "/States/X/SecondsPath", f"{REF}Reference path didn't start with '$'"),
    # Fail
    (one({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}), "/States/X", f"{EXCLUSIVE}[Error, ErrorPath]"),
    (one({"Type": "Fail", "CausePath": "e"}), "/States/X/CausePath", "The value for the field 'CausePath' must be"),
    # Choice
    (one({"Type": "Choice"}), "/States/X", "These fields are required: [Choices]"),
    (one({"Type": "Choice", "Choices": []}), "/States/X/Choices", "Value cannot be empty"),
    (choice({"Variable": "$.a", "IsNull": True}), "/States/X/Choices[0]",
     "These fields are required: [Next]"),
    (choice({**RULE, "IsString": True}), "/States/X/Choices[0]", "A rule needs exactly one comparison operator"),
    (choice({"Variable": "$.a", "Next": "End"}), "/States/X/Choices[0]",
     "A rule needs exactly one comparison operator"),
    (choice({"IsNull": True, "Next": "End"}), "/States/X/Choices[0]",
     "These fields are required: [Variable]"),
    (choice({**RULE, "Variable": "States.ArrayLength($.a)"}), "/States/X/Choices[0]/Variable",
     f"{REF}Reference path didn't start with '$'"),
    (choice({**RULE, "Variable": "$.a.length()"}), "/States/X/Choices[0]/Variable",
     f"{REF}Reference Path cannot contain function calls"),
    (choice({**RULE, "IsNull": 1}), "/States/X/Choices[0]/IsNull", "Expected value of type [BOOLEAN]"),
    (choice({"Not": RULE, "Next": "End"}), "/States/X/Choices[0]/Not", "Field 'Next' is not supported"),
    (choice({"And": [RULE | {"Next": "End"}], "Next": "End"}), "/States/X/Choices[0]/And[0]",
     "Field 'Next' is not supported"),
    (choice({"And": [], "Next": "End"}), "/States/X/Choices[0]/And", "Value cannot be empty"),
    (choice({"Variable": "$.a", "TimestampEquals": "x", "Next": "End"}), "/States/X/Choices[0]/TimestampEquals",
     "String does not match RFC3339 timestamp"),
    # Retry and Catch
    (one({**TASK, "Retry": {}}), "/States/X/Retry", "Expected value of type [ARRAY]"),
    (one({**TASK, "Retry": [{}]}), "/States/X/Retry[0]", "These fields are required: [ErrorEquals]"),
    (retry(ErrorEquals=[]), "/States/X/Retry[0]/ErrorEquals", "Value cannot be empty"),
    (retry(ErrorEquals=[5]), "/States/X/Retry[0]/ErrorEquals[0]", "Expected value of type [STRING]"),
    (retry(IntervalSeconds=0), "/States/X/Retry[0]/IntervalSeconds", "Minimum value is 1"),
    (retry(MaxAttempts=-1), "/States/X/Retry[0]/MaxAttempts", "Minimum value is 0"),
    (retry(BackoffRate=0.9), "/States/X/Retry[0]/BackoffRate", "Minimum value is 1"),
    (retry(JitterStrategy="SOME"), "/States/X/Retry[0]/JitterStrategy",
     "Value should be one of the following: [FULL, NONE]"),
    (retry(MaxDelaySeconds=0), "/States/X/Retry[0]/MaxDelaySeconds", "Minimum value is 1"),
    (retry(Next="X"), "/States/X/Retry[0]", "Field 'Next' is not supported"),
    (retry(ErrorEquals=["States.ALL", "E"]), "/States/X/Retry[0]/ErrorEquals", "'States.ALL' must appear alone"),
    (one({**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]}),
     "/States/X/Retry[0]/ErrorEquals",
     "'States.ALL' may only appear in the last element"),
    (one({**TASK, "Catch": [{"ErrorEquals": ["E"]}]}), "/States/X/Catch[0]",
     "These fields are required: [Next]"),
    (one({**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "X", "ResultPath": "x"}]}), "/States/X/Catch[0]/ResultPath",
     REF),
    # Parallel and Map
    (one({"Type": "Parallel", "End": True}), "/States/X", "These fields are required: [Branches]"),
    (one({"Type": "Parallel", "End": True, "Branches": []}), "/States/X/Branches", "Value cannot be empty"),
    (one({"Type": "Parallel", "End": True, "Branches": [{}]}), "/States/X/Branches[0]",
     "These fields are required: [States, StartAt]"),
    (one({"Type": "Parallel", "End": True, "Branches": [one(PASS)]}), "/States/X/Branches[0]/States/X",
     "DUPLICATE_STATE_NAME: Duplicate State name: X"),
    (one({"Type": "Map", "End": True}), "/States/X", "These fields are required: [ItemProcessor]"),
    (one({**INLINE, "Iterator": INLINE["ItemProcessor"]}), "/States/X", f"{EXCLUSIVE}[ItemProcessor, Iterator]"),
    (one({**INLINE, "ItemProcessor": {**INLINE["ItemProcessor"], "QueryLanguage": "JSONata"}}),
     "/States/X/ItemProcessor",
     "Field 'QueryLanguage' is not supported"),
    (one({**INLINE, "MaxConcurrency": -1}), "/States/X/MaxConcurrency", "Minimum value is 0"),
    (one({**INLINE, "ToleratedFailurePercentage": 101}), "/States/X/ToleratedFailurePercentage",
     "Maximum value is 100"),
    (one({**INLINE, "ItemReader": {"Resource": "arn:aws:states:::s3:getObject"}}), "/States/X",
     "Field 'ItemReader' is only supported when the Map's Mode is 'DISTRIBUTED'"),
    (one({**INLINE, "QueryLanguage": "JSONata", "Items": 5}), "/States/X/Items", "Expected value of type [ARRAY]"),
    (distributed(ItemReader={}), "/States/X/ItemReader", "These fields are required: [Resource]"),
    (distributed(ItemReader={"Resource": "r", "ReaderConfig": {"InputType": "XML"}}),
     "/States/X/ItemReader/ReaderConfig/InputType", "Value should be one of the following: [CSV, JSON"),
    (distributed(ItemReader={"Resource": "arn:aws:states:::s3:putObject"}), "/States/X/ItemReader/Resource",
     "The resource provided arn:aws:states:::s3:putObject is not recognized."),
    (distributed(ResultWriter={"Resource": "arn:aws:states:::s3:getObject"}), "/States/X/ResultWriter/Resource",
     "The resource provided arn:aws:states:::s3:getObject is not recognized."),
    (distributed(ItemBatcher={}), "/States/X/ItemBatcher", "One of these fields is required: [MaxItemsPerBatch"),
    (distributed(ItemBatcher={"MaxItemsPerBatch": 0}), "/States/X/ItemBatcher/MaxItemsPerBatch",
     "Minimum value is 1"),
    (distributed(Label="l" * 41), "/States/X/Label", "A label has 1 to 40 characters"),
    (distributed(Label="two words"), "/States/X/Label", "A label cannot hold the character ' '"),
    (distributed(Label="a*"), "/States/X/Label", "A label cannot hold the character '*'"),
    (distributed(Label="tail\u0085"), "/States/X/Label", "A label cannot hold the character '\\x85'"),
    # transitions
    ({"StartAt": "Y", "States": {"X": PASS}}, "/StartAt", "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y"),
    (one({"Type": "Pass", "Next": "Y"}), "/States/X/Next", "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y"),
    (one({"Type": "Choice", "Choices": [{**RULE, "Next": "X"}], "Default": "Y"}), "/States/X/Default",
     "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y"),
    (one({**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "Y"}]}), "/States/X/Catch[0]/Next",
     "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y"),
    ({"StartAt": "X", "States": {"X": PASS, "Y": PASS}}, "/States/Y",
     'MISSING_TRANSITION_TARGET: State "Y" is not reachable.'),
    (one({"Type": "Pass", "Next": "X"}), "", "MISSING_END_STATE: Workflow has no terminal state"),
    # JSONata
    (one({**PASS, "Output": {"v": "{% phone %}"}}, QueryLanguage="JSONata"), "/States/X/Output/v",
     "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported."),
    (one({**PASS, "Output": "{% $a[1,2) %}"}, QueryLanguage="JSONata"), "/States/X/Output",
     "INVALID_JSONATA_EXPRESSION: "),
    (one({**WAIT, "Seconds": "{% 1 + %}"}, QueryLanguage="JSONata"), "/States/X/Seconds",
     "INVALID_JSONATA_EXPRESSION: "),
    (one({"Type": "Choice", "Choices": [{"Condition": "yes", "Next": "X"}]}, QueryLanguage="JSONata"),
     "/States/X/Choices[0]/Condition", "Expected value of type [BOOLEAN] or a JSONata expression"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "where", "message"), BROKEN, ids=[f"{row[1]}: {row[2]}"[:70] for row in BROKEN])
def test_each_broken_rule_is_reported(definition: Any, where: str, message: str) -> None:
    """The problem is found, at its place, in AWS's words where they are known."""
    wanted = message if re.match(r"[A-Z_]+: ", message) else SCHEMA + message
    assert any(place == where and text.startswith(wanted) for place, text in found(definition)), found(definition)


EXPRESS = [
    ("arn:aws:states:eu-central-1:123456789012:activity:a", "Express state machine does not support Activity ARN"),
    (f"{INVOKE}.waitForTaskToken", "Express state machine does not support '.waitForTaskToken' service integration "),
    ("arn:aws:states:::ecs:runTask.sync", "Express state machine does not support '.sync' service integration "),
    (
        "arn:aws:states:::states:startExecution.sync:2",
        "Express state machine does not support '.sync' service integration ",
    ),
]


@pytest.mark.parametrize(("resource", "message"), EXPRESS)
def test_express_machines_cannot_wait_for_others(resource: str, message: str) -> None:
    """Activities, callbacks and jobs are for Standard machines only."""
    definition = one({**TASK, "Resource": resource})
    assert found(definition) == []
    assert found(definition, "EXPRESS") == [("/States/X/Resource", SCHEMA + message)]


def test_all_problems_are_reported_at_once() -> None:
    """One look at a definition names everything that is wrong in it."""
    definition = copy.deepcopy(VALID)
    definition["States"]["Call"]["TimeoutSeconds"] = 0
    definition["States"]["Pause"]["Next"] = "Nowhere"
    definition["States"]["Each"]["ItemProcessor"]["States"]["One"]["Resource"] = "x"
    places = [place for place, _ in found(definition)]
    assert "/States/Call/TimeoutSeconds" in places
    assert "/States/Pause/Next" in places
    assert "/States/Each/ItemProcessor/States/One/Resource" in places


def test_the_message_is_that_of_create_state_machine() -> None:
    """Problems are joined in the service's manner, each with its place."""
    definition = {"StartAt": "pass1", "States": {"pass1": {"Type": "Pass", "Next": "pass3"}, "pass2": PASS}}
    assert create_error(inspect(definition).errors) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at "
        '/States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2\''
    )


def test_places_survive_odd_names() -> None:
    """A state's name may hold dots, quotes and brackets; the JSON path quotes it, and AWS's location shows it bare."""
    name = "it's [1].a\\b"
    definition = {"StartAt": name, "States": {name: {"Type": "Pass", "End": True, "Foo": 1}}}
    (found_here,) = inspect(definition).errors
    assert found_here.path == "$.States['it\\'s [1].a\\\\b']"
    assert found_here.exact_path == "$.States['it\\'s [1].a\\\\b'].Foo"
    assert found_here.location == f"/States/{name}"


def test_inner_states_have_the_machine_s_language() -> None:
    """A Map's own language does not pass on to the states of its item processor."""
    inner = {"StartAt": "I", "States": {"I": {**PASS, "InputPath": "$"}}}
    assert found(one({"Type": "Map", "End": True, "QueryLanguage": "JSONata", "ItemProcessor": inner})) == []


NO_JSON = [
    (
        " ",
        {"code": "SCHEMA_VALIDATION_FAILED", "message": "Definition must be a valid JSON object", "severity": "ERROR"},
    ),
    (
        "[]",
        {"code": "SCHEMA_VALIDATION_FAILED", "message": "Definition must be a valid JSON object", "severity": "ERROR"},
    ),
]


@pytest.mark.parametrize(("text", "expected"), NO_JSON)
def test_a_definition_that_is_not_an_object(text: str, expected: dict[str, str]) -> None:
    """Blank texts and other JSON values are no definitions."""
    assert diagnostics(text) == [expected]


def test_a_definition_that_is_not_json_is_quoted() -> None:
    """A definition that is not JSON is reported with the place of the first wrong token."""
    (found_here,) = diagnostics("not a definition")
    where = '[Source: (String)"not a definition"; line: 1, column: 4]'
    assert (found_here["code"], found_here["location"]) == ("INVALID_JSON_DESCRIPTION", where)
    assert found_here["message"].startswith("Unrecognized token 'not': was expecting (JSON String, ")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{" * 5, '{"a": 1e999}', '{"a": NaN}', "9" * 10_000, "\x00", '{"a": "\\ud800"}']
)
def test_hostile_texts_end_in_diagnostics(text: str) -> None:
    """Too deep, unfinished, or with numbers that are none: each is a diagnostic, never a traceback."""
    assert diagnostics(text)


def test_deep_and_large_definitions_are_refused() -> None:
    """Nesting and size are bounded."""
    definition: dict[str, Any] = one(PASS)
    for number in range(45):
        definition = {
            "StartAt": f"P{number}",
            "States": {f"P{number}": {"Type": "Parallel", "End": True, "Branches": [definition]}},
        }
    assert any("nested more than" in message for _, message in problems(definition))
    deep: Any = 1
    for _ in range(3000):
        deep = [deep]
    assert problems(one({**PASS, "Result": deep}))
    assert "at most 1048576 are allowed" in problems(one({**PASS, "Result": "x" * 1_048_576}))[0][1]


def test_variable_references() -> None:
    """Each state's own expressions count: paths, templates, intrinsics, rules, catchers and JSONata."""
    assert variable_references(VALID) == {"Pause": ["seen"]}
    machine = one(
        {**TASK, "InputPath": "$a", "Parameters": {"x.$": "States.Format('{}', $b.c)"},
         "Catch": [{"ErrorEquals": ["E"], "Next": "Y", "Assign": {"z.$": "$d"}}]}
    )  # fmt: skip
    machine["States"]["Y"] = {**PASS, "QueryLanguage": "JSONata", "Output": "{% $sum($e.f) + $states.input %}"}
    assert variable_references(machine) == {"X": ["a", "b", "d"], "Y": ["e"]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["$", "$.a", "X", "{% $x %}", "States.ALL", ""]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "Next", "Type"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The valid machine with one value, anywhere in it, replaced or removed."""
    definition = copy.deepcopy(VALID)
    node: Any = definition
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
        inner = node[key]
        if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
            node = inner
            continue
        if draw(st.booleans()):
            del node[key]
        else:
            node[key] = draw(json_values)
        return definition


@settings(max_examples=300)
@given(damaged(), st.sampled_from(["STANDARD", "EXPRESS"]))
def test_any_damage_is_reported_and_nothing_raised(definition: Any, kind: str) -> None:
    """Whatever is put anywhere in a machine, validation answers with well-formed problems at places that it names."""
    for path, message in problems(definition, kind):
        assert path == "" or path.startswith("$")
        assert re.match(r"[A-Z_]+: .", message)


@pytest.mark.slow
def test_as_many_problems_as_fit_into_a_definition_are_found_in_time() -> None:
    """The time that validation takes grows with the definition, not with its square."""
    crowd = {f"k{number}": 1 for number in range(30_000)}
    begun = time.process_time()
    found = problems({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **crowd}}})
    assert len(found) == len(crowd)
    assert time.process_time() - begun < 5
