"""Diagnostics: the reason and what was meant, one for each mistake, and warnings that a careful reviewer would give."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import DefinitionError, Diagnostic, StateMachine, _service_models, diagnose, validate_definition
from pupline.asl.validation import _arguments, _resources

LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:Fetch"
INVOKE = "arn:aws:states:::lambda:invoke"
PASS: dict[str, Any] = {"Type": "Pass", "End": True}
TASK: dict[str, Any] = {"Type": "Task", "Resource": LAMBDA, "End": True}


def one(state: dict[str, Any], **machine: Any) -> dict[str, Any]:
    """A machine of a single state, X."""
    return {"StartAt": "X", "States": {"X": state}, **machine}


def jsonata(state: dict[str, Any]) -> dict[str, Any]:
    """A machine of a single state, X, in JSONata."""
    return one(state, QueryLanguage="JSONata")


def choice(rule: dict[str, Any]) -> dict[str, Any]:
    """A machine whose first state is a Choice with one rule."""
    return {"StartAt": "X", "States": {"X": {"Type": "Choice", "Choices": [rule]}, "End": {"Type": "Succeed"}}}


def call(resource: str, parameters: Any = None) -> dict[str, Any]:
    """A machine of one Task that calls a service."""
    given = {} if parameters is None else {"Parameters": parameters}
    return one({"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "End": True, **given})


def only(definition: Any, severity: str = "ERROR") -> Diagnostic:
    """The one diagnostic of a definition."""
    found = diagnose(definition)
    assert [each.severity for each in found] == [severity], found
    return found[0]


def states(**own: Any) -> dict[str, Any]:
    """A machine that begins at the first of its states."""
    return {"StartAt": next(iter(own)), "States": own}


MISTAKES: list[tuple[Any, str, str]] = [
    # a state that was meant, and nothing about its being unreachable
    (states(Start={"Type": "Pass", "Next": "Chrage"}, Charge=PASS), "$.States.Start.Next", "Did you mean 'Charge'?"),
    ({"StartAt": "strat", "States": {"Start": {"Type": "Pass", "Next": "Charge"}, "Charge": PASS}}, "$.StartAt",
     "Did you mean 'Start'?"),
    ({"StartAt": "Nothing like it", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": PASS}}, "$.StartAt", ""),
    (states(Start={**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "Reprot"}]}, Report=PASS),
     "$.States.Start.Catch[0].Next", "Did you mean 'Report'?"),
    (states(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "B"}], "Default": "Elsewere"},
            B=PASS, Elsewhere=PASS), "$.States.A.Default", "Did you mean 'Elsewhere'?"),
    (states(A={"Type": "Pass", "Next": "Nowhere"}), "$.States.A.Next", ""),
    (states(A={"Type": "Pass", "Nxet": "B"}, B=PASS), "$.States.A.Nxet", "Did you mean 'Next'?"),
    (states(A={"Type": "Pass"}, B=PASS), "$.States.A", ""),
    (states(A={**TASK, "Catch": [{"ErrorEquals": ["E"], "Nxt": "B"}]}, B=PASS), "$.States.A.Catch[0].Nxt",
     "Did you mean 'Next'?"),
    (states(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "B"}], "Defualt": "C"},
            B=PASS, C=PASS), "$.States.A.Defualt", "Did you mean 'Default'?"),
    (states(A=PASS, B=PASS), "$.States.B", ""),
    (states(A={"Type": "Parallel", "Branches": [states(I={"Type": "Pass", "Next": "B"})], "Next": "B"}, B=PASS),
     "$.States.A.Branches[0].States.I.Next", "outside this branch"),
    # fields
    (one({**TASK, "Retry": [{"ErrorEquals": "E"}]}), "$.States.X.Retry[0].ErrorEquals", "Write it in brackets"),
    (one({"Type": "Pass", "End": "yes"}), "$.States.X.End", "Write true, without quotes."),
    (one({"Type": "Task", "Resurce": LAMBDA, "End": True}), "$.States.X.Resurce", "Did you mean 'Resource'?"),
    (one({**PASS, "Seconds": 5}), "$.States.X.Seconds", "It is a field of Wait states."),
    (one({**PASS, "Retry": []}), "$.States.X.Retry", "It is a field of Task, Parallel and Map states."),
    (one({**TASK, "MaxAttempts": 3}), "$.States.X.MaxAttempts", "It is a field of a Retrier or Catcher"),
    (one({"type": "Pass", "End": True}), "$.States.X.type", "Did you mean 'Type'?"),
    (one({"Type": "Taks", "Resource": LAMBDA, "End": True}), "$.States.X.Type", "Did you mean 'Task'?"),
    (one({"Type": "Mapp", "End": True}), "$.States.X.Type", "Did you mean 'Map'?"),
    ({"Startat": "X", "States": {"X": PASS}}, "$.Startat", "Did you mean 'StartAt'?"),
    ({"StartAt": "X", "States": {"X": PASS, "QueryLanguage": "JSONPath"}}, "$.States.QueryLanguage",
     "This field belongs next to States"),
    (one({**TASK, "Retry": [{"ErrorEqual": ["E"]}]}), "$.States.X.Retry[0].ErrorEqual", "Did you mean 'ErrorEquals'?"),
    # query languages
    (jsonata({"Type": "Wait", "SecondsPath": "$.s", "End": True}), "$.States.X.SecondsPath",
     "In JSONata, use 'Seconds'."),
    (states(A={"Type": "Pass", "Output": "{% 1 %}", "Next": "B"}, B={**TASK, "Arguments": {"a": "{% 1 %}"}}),
     "$.States.A.Output", 'Set "QueryLanguage": "JSONata" for the whole state machine.'),
    (one(PASS, QueryLanguage="Jsonata"), "$.QueryLanguage", "Did you mean 'JSONata'?"),
    # Choice
    (choice({"Variable": "$.a", "StringEqual": "x", "Next": "End"}), "$.States.X.Choices[0].StringEqual",
     "Did you mean 'StringEquals'?"),
    (choice({"Variable": "$.a", "NumericEquals": "$.b", "Next": "End"}), "$.States.X.Choices[0].NumericEquals",
     "A path belongs in 'NumericEqualsPath'."),
    (choice({"Adn": [{"Variable": "$.a", "IsNull": True}], "Next": "End"}), "$.States.X.Choices[0].Adn",
     "Did you mean 'And'?"),
    (choice({"Condition": "{% true %}", "Next": "End"}), "$.States.X.Choices[0].Condition",
     "It is for states whose query language is JSONata."),
    (choice({"Condition": "$states.input.a", "Next": "End"}) | {"QueryLanguage": "JSONata"},
     "$.States.X.Choices[0].Condition", "between {% and %}"),
    # expressions
    (one({**PASS, "Parameters": {"x.$": "States.Fromat('{}', $.a)"}}), "$.States.X.Parameters['x.$']",
     "Unknown intrinsic function 'States.Fromat'; did you mean 'States.Format'?"),
    (one({**PASS, "Parameters": {"x.$": "$.a[?(@.b ==]"}}), "$.States.X.Parameters['x.$']", "(at character 14 of "),
    (one({**PASS, "InputPath": "input"}), "$.States.X.InputPath", "A path starts with '$'"),
    (one({**TASK, "TimeoutSeconds": "$.t"}), "$.States.X.TimeoutSeconds", "the field whose name ends in Path"),
    (one({**TASK, "TimeoutSeconds": "30"}), "$.States.X.TimeoutSeconds", "Write it without the quotes."),
    (jsonata({**PASS, "Output": "{% $states.input.(a b) %}"}), "$.States.X.Output", "It is at character "),
    (jsonata({**PASS, "Output": "{% $states.inptu %}"}), "$.States.X.Output", "Did you mean '$states.input'?"),
    (jsonata({**PASS, "Output": "{% $states.item %}"}), "$.States.X.Output", "$states.context.Map.Item.Value"),
    (jsonata({**TASK, "Arguments": "{% $states.result %}"}), "$.States.X.Arguments", "It exists in Output and Assign"),
    (jsonata({**TASK, "Output": "{% $states.errorOutput %}"}), "$.States.X.Output", "Output and Assign of a Catcher"),
    (jsonata({**PASS, "Output": {"a": "{% $states.input"}}), "$.States.X.Output.a", "does not end with '%}'"),
    (jsonata({**PASS, "Output": {"a": "$x %}"}}), "$.States.X.Output.a", "does not begin with '{%'"),
    (jsonata({**PASS, "Output": " {% 1 %}"}), "$.States.X.Output", "Remove the blanks"),
    (jsonata({"Type": "Wait", "Seconds": "{% 1", "End": True}), "$.States.X.Seconds", "does not end with '%}'"),
    # integrations
    (call("lamda:invoke", {"FunctionName": "f"}), "$.States.X.Resource", "Did you mean 'lambda'?"),
    (call("dynamodb:putItm", {}), "$.States.X.Resource", "Did you mean 'putItem'?"),
    (call("dynamodb:query", {}), "$.States.X.Resource", "use arn:aws:states:::aws-sdk:dynamodb:query"),
    (call("sns:publish.sync", {}), "$.States.X.Resource", "sns has only .waitForTaskToken."),
    (call("ecs:runTask.synk", {}), "$.States.X.Resource", "Did you mean '.sync'?"),
    (call("states:startExecution.sync2", {}), "$.States.X.Resource", "Did you mean '.sync:2'?"),
    (call("aws-sdk:batch:submitJob.sync", {}), "$.States.X.Resource", "cannot run a job"),
    (call("aws-sdk:DynamoDB:putItem", {}), "$.States.X.Resource", "in lower case"),
    (one({**TASK, "Resource": "Fetch"}), "$.States.X.Resource", "A Resource is an ARN"),
    (call("lambda:invoke", {"Payload.$": "$"}), "$.States.X.Parameters", ""),
    (call("lambda:invoke", {"FunctionNam": "f"}), "$.States.X.Parameters.FunctionNam", "Did you mean 'FunctionName'?"),
    (call("lambda:invoke.waitForTaskToken", {"FunctionName": "f", "TaskToken.$": "$$.Task.Token"})
     | {"TimeoutSeconds": 9}, "$.States.X.Parameters['TaskToken.$']", "Put the token into the Payload."),
    (call("sns:publish", {"Message": "m"}), "$.States.X.Parameters", ""),
    (call("sns:publish", {"TopicArn": "t", "MessageAttributes": {}}), "$.States.X.Parameters", ""),
    (call("sqs:sendMessage", {"QueueUrl": "q"}), "$.States.X.Parameters", ""),
    (call("dynamodb:putItem", {"tableName": "t", "Item": {}}), "$.States.X.Parameters.tableName",
     "Did you mean 'TableName'?"),
    (call("dynamodb:updateItem", {"TableName": "t", "Keys": {}}), "$.States.X.Parameters.Keys", "Did you mean 'Key'?"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("definition", "place", "hint"), MISTAKES, ids=[f"{row[1]} {row[2]}"[:60] for row in MISTAKES])
def test_one_mistake_is_one_problem(definition: Any, place: str, hint: str) -> None:
    """It is told once, at its exact place, with what AWS does not say."""
    found = only(definition)
    assert found.exact_path == place
    assert hint in found.hint


def test_the_message_is_aws_s_and_the_hint_is_apart() -> None:
    """CreateStateMachine's text stays word for word; the hint goes with the problem, and into the traceback."""
    definition = one({**PASS, "Parameters": {"x.$": "nope"}})
    message = "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call"
    with pytest.raises(DefinitionError) as caught:
        StateMachine.parse(definition)
    assert str(caught.value) == (
        f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {message} at /States/X/Parameters'"
    )
    [(path, text)] = caught.value.problems
    assert path == "$.States.X.Parameters"
    assert text.startswith(f"SCHEMA_VALIDATION_FAILED: {message}. A path starts with '$'")
    assert caught.value.__notes__ == [
        "$.States.X.Parameters['x.$']: A path starts with '$'; no '$' found (at character 1 of 'nope')."
    ]


def test_aws_lists_consequences_too() -> None:
    """What AWS was seen to answer: targets that are missing, then what follows from them."""
    found = validate_definition(json.dumps(states(A={"Type": "Pass", "Next": "NOPE"})))
    assert found == {
        "result": "FAIL",
        "truncated": False,
        "diagnostics": [
            {"code": "MISSING_TRANSITION_TARGET", "message": "Missing 'Next' target: NOPE", "severity": "ERROR",
             "location": "/States/A/Next"},
            {"code": "MISSING_END_STATE", "message": "Workflow has no terminal state", "severity": "ERROR"},
        ],
    }  # fmt: skip


def test_a_machine_without_an_end_in_aws_s_words() -> None:
    """Unreachable states are not listed then, and a part of a machine may go round forever."""
    loop = states(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, C={"Type": "Pass", "Next": "A"})
    assert only(loop).message == "Workflow has no terminal state"
    with pytest.raises(DefinitionError, match="MISSING_END_STATE: Workflow has no terminal state at null"):
        StateMachine.parse(loop)
    inner = states(A={"Type": "Pass", "Next": "A"})
    assert only(one({"Type": "Map", "ItemProcessor": inner, "End": True}), "WARNING").code == "MISSING_END_STATE"


def test_results_are_truncated_and_warnings_asked_for() -> None:
    """As ValidateStateMachineDefinition does: 100 at most, and errors alone unless warnings are asked for."""
    bad = json.dumps({"StartAt": "S0", "States": {f"S{n}": {"Type": "Fail", "Foo": 1} for n in range(150)}})
    assert (len(validate_definition(bad)["diagnostics"]), validate_definition(bad)["truncated"]) == (100, True)
    assert len(validate_definition(bad, max_results=3)["diagnostics"]) == 3
    careless = json.dumps(one({**PASS, "Parameters": {"x": "$.a"}}))
    assert validate_definition(careless) == {"result": "OK", "diagnostics": [], "truncated": False}
    asked = validate_definition(careless, severity="WARNING")
    assert (asked["result"], [each["code"] for each in asked["diagnostics"]]) == ("OK", ["NO_DOLLAR"])


TOKEN: dict[str, Any] = {"Type": "Task", "Resource": f"{INVOKE}.waitForTaskToken", "End": True}


def scoped(config: dict[str, str], output: str) -> dict[str, Any]:
    """A Map after a state that assigns `x` and `outside`; the state in it assigns `x`, too, and gives the output."""
    inner = states(I={"Type": "Pass", "Assign": {"x": 2}, "Output": output, "End": True})
    first = {"Type": "Pass", "Assign": {"x": 1, "outside": 2}, "Next": "M"}
    fan = {"Type": "Map", "ItemProcessor": inner | {"ProcessorConfig": config}, "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "F", "States": {"F": first, "M": fan}}


WARNINGS: list[tuple[Any, str, str]] = [
    (one({**PASS, "Parameters": {"x": "$.a"}}), "NO_DOLLAR", "$.States.X.Parameters.x"),
    (one({**TASK, "ResultSelector": {"x": {"y": "$$.Execution.Id"}}}), "NO_DOLLAR", "$.States.X.ResultSelector.x.y"),
    (one({**PASS, "Parameters": {"x": "States.UUID()"}}), "NO_DOLLAR", "$.States.X.Parameters.x"),
    (one({**PASS, "Parameters": {"x": "{% $states.input %}"}}), "LITERAL_JSONATA", "$.States.X.Parameters.x"),
    (jsonata({**PASS, "Output": "Dear {% $states.input.name %}!"}), "LITERAL_JSONATA", "$.States.X.Output"),
    (jsonata({**PASS, "Output": {"x.$": "$.a"}}), "LITERAL_JSONPATH", "$.States.X.Output['x.$']"),
    (one({**PASS, "Result": {"x.$": "$.a"}}), "PASS_RESULT_IS_STATIC", "$.States.X.Result['x.$']"),
    (one({"Type": "Fail", "Cause": "$.error.Cause"}), "NO_PATH", "$.States.X.Cause"),
    (choice({"Variable": "$.a", "StringEquals": "$.b", "Next": "End"}), "NO_PATH",
     "$.States.X.Choices[0].StringEquals"),
    (one({**TASK, "Retry": [{"ErrorEquals": ["States.TaskFaild"]}]}), "UNKNOWN_ERROR_NAME",
     "$.States.X.Retry[0].ErrorEquals[0]"),
    (one({**TASK, "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestException"]}]}), "UNKNOWN_ERROR_NAME",
     "$.States.X.Retry[0].ErrorEquals[0]"),
    (jsonata({**PASS, "Output": "{% $total + 1 %}"}), "UNDEFINED_VARIABLE", "$.States.X.Output"),
    (one({**PASS, "InputPath": "$order.id"}), "UNDEFINED_VARIABLE", "$.States.X.InputPath"),
    (jsonata({**PASS, "Output": "{% $lenght('a') %}"}), "UNKNOWN_FUNCTION", "$.States.X.Output"),
    (one({**TOKEN, "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}}}), "NO_TIMEOUT",
     "$.States.X"),
    (one({**TOKEN, "TimeoutSeconds": 5, "Parameters": {"FunctionName": "f"}}), "NO_TASK_TOKEN",
     "$.States.X.Parameters"),
    (call("lambda:invoke"), "NO_ARGUMENTS", "$.States.X"),
    (one({"Type": "Wait", "Seconds": 31_536_001, "End": True}), "WAIT_TOO_LONG", "$.States.X.Seconds"),
    (one({**TASK, "Retry": [{"ErrorEquals": ["States.TaskFailed"]}, {"ErrorEquals": ["A", "B"]}]}), "NEVER_USED",
     "$.States.X.Retry[1].ErrorEquals"),
    ({"StartAt": "X", "QueryLanguage": "JSONata", "States": {
        "X": {"Type": "Choice", "Choices": [{"Condition": True, "Next": "E"}, {"Condition": "{% $states.input %}",
                                                                              "Next": "E"}]},
        "E": {"Type": "Succeed"}}}, "NEVER_USED", "$.States.X.Choices[1]"),
    (scoped({"Mode": "INLINE"}, "{% $outside %}"), "SHADOWED_VARIABLE", "$.States.M.ItemProcessor.States.I.Assign.x"),
    (scoped({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "{% $outside %}"), "UNDEFINED_VARIABLE",
     "$.States.M.ItemProcessor.States.I.Output"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "code", "place"), WARNINGS, ids=[f"{row[1]} {row[2]}"[:60] for row in WARNINGS])
def test_warnings_do_not_refuse_a_definition(definition: Any, code: str, place: str) -> None:
    """Each is told at its place, and the machine can be made all the same."""
    found = only(definition, "WARNING")
    assert (found.code, found.exact_path) == (code, place)
    StateMachine.parse(definition)


FINE: list[Any] = [
    one({**PASS, "Result": {"x": "$.a"}}),
    one({**PASS, "Parameters": {"x": "costs $.50", "y": "$", "z": "${Price}", "w": "$.${Field}"}}),
    call("events:putEvents", {"Entries": [{"Detail": {"InputPath": "$.detail"}}]}),
    jsonata({**PASS, "Output": {"greeting": "100 %}"[:3], "a": "{% ($x := 1; $x + $sum([1])) %}"}}),
    one({**TASK, "Retry": [{"ErrorEquals": ["MyError", "States.Http.StatusCode.404", "Lambda.ENOENT"]}]}),
    {
        "StartAt": "P",
        "States": {
            "P": {
                "Type": "Parallel", "End": True, "Catch": [{"ErrorEquals": ["States.RanOutOfTime"], "Next": "Q"}],
                "Branches": [states(F={"Type": "Fail", "Error": "States.RanOutOfTime"})],
            },
            "Q": {"Type": "Succeed"},
        },
    },
    states(A={"Type": "Pass", "Assign": {"n": 1}, "Next": "B"}, B={**PASS, "InputPath": "$n"}),
    {**one({**TOKEN, "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}}}), "TimeoutSeconds": 9},
    one({**TASK, "Resource": f"{INVOKE}", "Parameters": {"FunctionName.$": "$.f", "Payload.$": "$"}}),
]  # fmt: skip


@pytest.mark.parametrize("definition", FINE)
def test_what_is_right_is_not_talked_about(definition: Any) -> None:
    """Literal texts, raised errors, bound names, limits of the machine: no warning."""
    assert diagnose(definition) == []


PLACEHOLDERS: list[Any] = [
    one({**TASK, "Resource": "${Function}"}),
    one({**TASK, "Resource": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Name}"}),
    one({**TASK, "Resource": "arn:${AWS::Partition}:states:::sns:publish",
         "Parameters": {"TopicArn": "${Topic}", "Message": "m"}}),
    one({**TASK, "Resource": "arn:aws:states:::aws-sdk:${Service}:${Action}"}),
    one({**TASK, "TimeoutSeconds": "${Timeout}", "Retry": [{"ErrorEquals": ["${Error}"], "MaxAttempts": "${Most}"}]}),
    one({"Type": "Wait", "Seconds": "${Delay}", "End": True}),
    one({"Type": "Pass", "End": "${IsLast}"}),
    {"StartAt": "${First}", "States": {"X": PASS, "Y": PASS}},
    states(A={"Type": "Pass", "Next": "Pay-${Stage}"}, B=PASS),
    one({**TASK, "Retry": "${Retry}", "Parameters": {"x.$": "$.${Field}", "y.$": "${Path}"}}),
    choice({"Variable": "$.${Field}", "NumericGreaterThan": "${Most}", "Next": "End"}),
    one({"Type": "Map", "End": True, "MaxConcurrency": "${Many}", "ItemProcessor": {
        "ProcessorConfig": {"Mode": "${Mode}"}, **states(I=PASS)}}),
    jsonata({**PASS, "Output": "{% ${Number} + 1 %}"}),
    call("${Service}:putItem", {}),
]  # fmt: skip


@pytest.mark.parametrize("definition", PLACEHOLDERS)
def test_placeholders_stand_wherever_a_value_can(definition: Any) -> None:
    """A deployment fills them in; until then nothing can be said against them."""
    assert diagnose(definition) == []


def test_a_placeholder_for_a_number_must_be_filled_in_to_run() -> None:
    """The machine is valid, but cannot run; the error names the place and the placeholder."""
    with pytest.raises(
        DefinitionError, match=r"The placeholder in '\$\{Delay\}' must be filled in .* /States/X/Seconds"
    ):
        StateMachine.parse(one({"Type": "Wait", "Seconds": "${Delay}", "End": True}))


def test_diagnostics_come_in_the_order_of_the_file() -> None:
    """Whatever finds them."""
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Bad": 1, "Parameters": {"b.$": "x", "a.$": "y"}, "Next": "Nowhere"},
            "B": {"Type": "Wait", "End": True, "Seconds": -1},
            "C": {"Type": "Fail", "Worse": 1},
        },
        "Comment": 5,
    }
    paths = [each.exact_path for each in diagnose(definition)]
    assert paths == [
        "$.States.A.Bad", "$.States.A.Parameters['b.$']", "$.States.A.Parameters['a.$']", "$.States.A.Next",
        "$.States.B.Seconds", "$.States.C.Worse", "$.Comment",
    ]  # fmt: skip


SDK: list[tuple[Any, str, str]] = [
    (call("aws-sdk:dynamodb:putitemz", {}), "$.States.X.Resource", "Did you mean 'putItem'?"),
    (call("aws-sdk:dynamodb:PutItem", {}), "$.States.X.Resource", "Did you mean 'putItem'?"),
    (call("aws-sdk:dynmodb:putItem", {}), "$.States.X.Resource", "Did you mean 'dynamodb'?"),
    (call("aws-sdk:logs:putLogEvents", {}), "$.States.X.Resource", "Did you mean 'cloudwatchlogs'?"),
    (call("aws-sdk:stepfunctions:startExecution", {}), "$.States.X.Resource", "Did you mean 'sfn'?"),
    (call("aws-sdk:dynamodb:putItem", {"TableName": "t"}), "$.States.X.Parameters", ""),
    (call("aws-sdk:sfn:startExecution", {"stateMachineArn": "a"}), "$.States.X.Parameters.stateMachineArn",
     "Did you mean 'StateMachineArn'?"),
    (call("aws-sdk:sfn:startExecution", {"StateMachineArn.$": "$.a", "Nme": "n"}), "$.States.X.Parameters.Nme",
     "Did you mean 'Name'?"),
    (call("glue:startJobRun", {"JobName": "j", "JobRunID": "r", "Argument": {}}), "$.States.X.Parameters.Argument",
     "Did you mean 'Arguments'?"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "place", "hint"), SDK, ids=[f"{row[1]} {row[2]}"[:60] for row in SDK])
def test_what_the_models_of_services_know(definition: Any, place: str, hint: str) -> None:
    """Services, actions and arguments are those of botocore, in the spelling of Step Functions."""
    pytest.importorskip("botocore")
    found = only(definition)
    assert found.exact_path == place
    assert hint in found.hint


def test_arguments_that_cannot_be_known_are_not_asked_for() -> None:
    """Computed as a whole, given as a placeholder, spelled as the SDK does, or user data inside a map."""
    fine = {"TableName": "t", "Item": {"id": {"S.$": "$.id"}, "none": {"Nul": True}}}
    assert diagnose(call("aws-sdk:dynamodb:putItem", fine)) == []
    assert diagnose(call("aws-sdk:dynamodb:putItem", "${Arguments}")) == []
    assert diagnose(call("aws-sdk:rds:startDBInstance", {"DbInstanceIdentifier": "d"})) == []
    computed = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem", "End": True}
    assert diagnose(jsonata({**computed, "Arguments": "{% $states.input %}"})) == []


def test_without_botocore_nothing_is_said_about_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that need API models are left out where there are none."""
    monkeypatch.setattr("pupline.asl._service_models._loader", lambda: None)
    for cached in (_service_models.service_model, _service_models.sdk_services):
        monkeypatch.setattr(_service_models, cached.__name__, cached.__wrapped__)
        for user in (_resources, _arguments):
            monkeypatch.setattr(user, cached.__name__, cached.__wrapped__, raising=False)
    assert diagnose(call("aws-sdk:dynamodb:putitemz", {"tableName": "t"})) == []


@pytest.mark.slow
def test_no_model_is_loaded_for_functions_and_the_common_services() -> None:
    """Most definitions need none, and botocore takes longer to import than they take to check."""
    definition = states(
        A={**call("lambda:invoke", {"FunctionName": "f"})["States"]["X"], "End": False, "Next": "B"},
        B=call("sns:publish", {"TopicArn": "t", "Message": "m"})["States"]["X"],
    )
    code = f"import sys; from pupline.asl import diagnose; print(diagnose({definition!r}), 'botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


@pytest.mark.slow
def test_services_are_named_by_their_ids() -> None:
    """By AWS's rule: the service id in lower case, without blanks and a final "Service"."""
    pytest.importorskip("botocore")
    for service in ("sfn", "cloudwatchlogs", "costexplorer", "config", "lexruntime", "databasemigration", "directory"):
        assert service in _service_models.sdk_services()
        identifier = _service_models.service_model(service).service_id
        assert re.sub(r"[^a-z0-9]", "", identifier.lower()).removesuffix("service") == service


def test_the_support_page_lists_every_warning() -> None:
    """Each code in the source stands in the table of docs/asl-support.md, and no other."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "asl-support.md").read_text()
    table = page[page.index("| code | what it is about |") :].partition("\n\n")[0]
    sources = [path.read_text() for path in (root / "src/pupline/asl/validation").glob("*.py")]
    used = {code for text in sources for code in re.findall(r'warn\(\s*"([A-Z_]+)"', text)}
    used |= {code for text in sources for code in re.findall(r'Diagnostic\(\s*"([A-Z_]+)"[^)]*"WARNING"', text)}
    assert set(re.findall(r"`([A-Z_]{6,})`", table)) == used


@pytest.mark.slow
def test_thousands_of_mistakes_are_found_in_a_moment() -> None:
    """The hints compare each missing target with all states, within bounds."""
    names = [f"State number {n}" for n in range(3000)]
    own: dict[str, Any] = {name: {"Type": "Pass", "Next": f"{name}?"} for name in names}
    fields = {**PASS, **{f"Parametes{n}": 1 for n in range(5000)}}
    begin = time.monotonic()
    assert len(diagnose({"StartAt": names[0], "States": own})) == 3000
    assert len(diagnose(one(fields))) == 5000
    assert time.monotonic() - begin < 20
