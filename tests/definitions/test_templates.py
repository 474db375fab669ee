"""State machines in SAM, CloudFormation and Serverless Framework files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import StateMachine, execute
from pupline.definitions import (
    LoadedDefinition,
    UnreadableDefinition,
    load_definition,
    load_definitions,
    template_functions,
)
from pupline.errors import ConfigurationError

Load = Callable[..., LoadedDefinition]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a template of this text; spec and values as in `load_definition`."""

    def load(text: str | dict[str, Any], resource: str = "", name: str = "template.yaml", **values: str) -> Any:
        file = tmp_path / name
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        return load_definition(f"{file}#{resource}" if resource else file, values)

    return load


ONE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}

SAM = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Retries: {Type: Number, Default: 3}
  Stage: {Type: String}
Globals:
  Function: {Runtime: python3.12, Handler: app.handler, Environment: {Variables: {LEVEL: info, STAGE: !Ref Stage}}}
Resources:
  Pay:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/pay, FunctionName: !Sub "${Stage}-pay", Environment: {Variables: {LEVEL: debug}}}
  Orders: {Type: AWS::DynamoDB::Table, Properties: {TableName: orders}}
  News: {Type: AWS::SNS::Topic}
  Order:
    Type: AWS::Serverless::StateMachine
    Properties:
      Type: EXPRESS
      Definition:
        StartAt: Pay
        States:
          Pay:
            Type: Task
            Resource: !GetAtt Pay.Arn
            Retry: [{ErrorEquals: [States.ALL], MaxAttempts: !Ref Retries}]
            Next: Put
          Put:
            Type: Task
            Resource: arn:aws:states:::dynamodb:putItem
            Parameters: {TableName: "${Table}", Item: {id: {S.$: $.id}, topic: {S: "${Topic}"}, who: {S: "${Who}"}}}
            End: true
      DefinitionSubstitutions: {Table: !Ref Orders, Topic: !Ref News}
"""


def test_a_definition_of_a_sam_template(load: Load) -> None:
    """References have stand-ins: a function its logical id, a table its own name; what is not known stays."""
    found = load(SAM)
    states = found.definition["States"]
    assert (found.type, found.resource, found.placeholders) == ("EXPRESS", "Order", ("Who",))
    assert states["Pay"]["Resource"] == "arn:aws:lambda:us-east-1:123456789012:function:Pay"
    assert states["Pay"]["Retry"][0]["MaxAttempts"] == 3
    assert states["Put"]["Parameters"]["TableName"] == "orders"
    assert states["Put"]["Parameters"]["Item"]["topic"]["S"] == "arn:aws:sns:us-east-1:123456789012:News"
    assert load(SAM, Who="me", Table="t").definition["States"]["Put"]["Parameters"]["Item"]["who"] == {"S": "me"}


def test_its_functions_run_by_their_logical_ids(load: Load) -> None:
    """A definition copied from a template runs: the function's key is its logical id."""
    found = load(SAM)
    machine = StateMachine.parse(found.definition, type=found.type)
    tasks = {"Pay": lambda event: event, "arn:aws:states:::dynamodb:putItem": lambda _: {"done": True}}
    assert execute(machine, {"id": "1"}, tasks=tasks).status == "SUCCEEDED"


def test_its_functions_have_code_and_environment(load: Load, tmp_path: Path) -> None:
    """With what Globals adds."""
    load(SAM)
    [pay] = template_functions(tmp_path / "template.yaml").values()
    assert (pay.logical_id, pay.name, pay.handler, pay.runtime) == ("Pay", "${Stage}-pay", "app.handler", "python3.12")
    assert pay.code == tmp_path / "src" / "pay"
    assert pay.environment == {"LEVEL": "debug", "STAGE": "${Stage}"}


@pytest.mark.parametrize(
    ("path", "line"),
    [("$.States.Pay", 20), ("$.States.Pay.Resource", 22), ("$.States.Pay.Retry[0].MaxAttempts", 23), ("$.None", 17)],
)
def test_positions_are_those_in_the_template(load: Load, path: str, line: int) -> None:
    """Also of values that a function gives."""
    position = load(SAM).position(path)
    assert position is not None
    assert position.line == line


def cloudformation(definition: str, more: str = "") -> str:
    """A template whose machine has this property for its definition."""
    return (
        "Parameters: {N: {Type: Number, Default: 7}, Env: {Type: String, Default: dev}, "
        "Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /shop/function}, Given: {Type: String}}\n"
        "Conditions: {IsProd: !Equals [!Ref Env, prod]}\n"
        "Mappings: {Sizes: {dev: {Max: 1}, prod: {Max: 9}}}\n"
        "Resources:\n"
        "  Pay: {Type: AWS::Lambda::Function}\n"
        "  Machine:\n"
        "    Type: AWS::StepFunctions::StateMachine\n"
        "    Properties:\n"
        f"      {definition}\n{more}"
        "  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Pay, Name: live}}\n"
        "  Nested: {Type: AWS::CloudFormation::Stack}\n"
        "  Jobs: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub '${Env}-jobs'}}\n"
    )


SUB = """DefinitionString: !Sub |
        {
          "StartAt": "Pay",
          "States": {
            "Pay": {"Type": "Task", "Resource": "${Pay.Arn}", "TimeoutSeconds": ${N}, "Comment": "${!Kept} ${Nope}",
              "End": true}
          }
        }"""


def test_a_definition_string_with_fn_sub(load: Load) -> None:
    """References may stand without quotes; an escaped one is left for DefinitionSubstitutions."""
    found = load(cloudformation(SUB, "      DefinitionSubstitutions: {Kept: filled}\n"))
    pay = found.definition["States"]["Pay"]
    assert pay["Resource"] == "arn:aws:lambda:us-east-1:123456789012:function:Pay"
    assert (pay["TimeoutSeconds"], pay["Comment"]) == (7, "filled ${Nope}")
    assert found.position("$.States.Pay.End") == (14, 22)
    assert found.position("$.States.Pay") == (13, 13)


@pytest.mark.parametrize(
    "definition",
    [
        f"DefinitionString: '{json.dumps(ONE)}'",
        f"Definition: {json.dumps(ONE)}",
        f"Definition: !If [IsProd, {{}}, {json.dumps(ONE)}]",
        f"DefinitionString: !Sub ['{json.dumps(ONE).replace('Pass', '${Kind}')}', {{Kind: Pass}}]",
        """DefinitionString: !Join ['', ['{"StartAt": "A", "States": {"A": {"Type": "', Pass, '", "End": true}}}']]""",
        f"DefinitionString: {{'Fn::ToJsonString': {json.dumps(ONE)}}}",
        f"DefinitionString: !Sub '{json.dumps(ONE)}'",
        "DefinitionS3Location: machine.asl.json",
        "DefinitionUri: machine.asl.json",
        "DefinitionUri: !Sub ${AWS::NoSuch}machine.asl.json",
        "Definition: {'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: machine.asl.json}}}",
    ],
)
def test_every_form_of_a_definition(load: Load, tmp_path: Path, definition: str) -> None:
    """Objects, texts, functions, files."""
    (tmp_path / "machine.asl.json").write_text(json.dumps(ONE))
    text = cloudformation(definition.replace("${AWS::NoSuch}", ""))
    assert load(text).definition == ONE
    assert load(text, "Machine").type == "STANDARD"


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("!Ref N", 7),
        ("!Sub '${N}-${Env}'", "7-dev"),
        ("!Sub ['${A}${Env}', {A: !Ref N}]", "7dev"),
        ("!Join ['-', [a, !Ref Env]]", "a-dev"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!FindInMap [Sizes, !Ref Env, Max]", 1),
        ("!If [IsProd, 1, 2]", 2),
        ("!Base64 abc", "YWJj"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Sub 'arn:${AWS::Partition}:states:::sqs:sendMessage'", "arn:aws:states:::sqs:sendMessage"),
        ("!Ref Nope", "${Nope}"),
        ("!GetAtt Nope.Arn", "${Nope.Arn}"),
        ("!ImportValue other-stack", "${other-stack}"),
        ("!GetAZs ''", "${Fn::GetAZs}"),
        ("!Ref Given", "${Given}"),
        ("!Ref Stored", "${Stored}"),
        ("!ImportValue {'Fn::Sub': '${Given}-arn'}", "${Given-arn}"),
        ("'{{resolve:ssm:/shop/function:1}}'", "${resolve.ssm./shop/function.1}"),
        ("!GetAtt Nested.Outputs.PayArn", "${Nested.Outputs.PayArn}"),
        ("!Ref Live", "arn:aws:lambda:us-east-1:123456789012:function:Pay:live"),
        ("!Sub '${Pay.Alias}'", "arn:aws:lambda:us-east-1:123456789012:function:Pay"),
        ("!Ref Pay.Version", "arn:aws:lambda:us-east-1:123456789012:function:Pay"),
        ("!Ref Jobs", "https://sqs.us-east-1.amazonaws.com/123456789012/dev-jobs"),
        ("!GetAtt Jobs.QueueName", "dev-jobs"),
        ("!Ref AWS::NoValue", None),
        ("[1, !Ref AWS::NoValue, 2]", [1, 2]),
        ("!Ref Machine", "arn:aws:states:us-east-1:123456789012:stateMachine:Machine"),
        ("!Ref Pay", "Pay"),
        ("yes", "yes"),
    ],
)
def test_every_function(load: Load, function: str, value: object) -> None:
    """With the parameters' defaults; a placeholder for what only a deployment knows."""
    assert load(cloudformation(f"Definition: {{x: {function}}}")).definition.get("x") == value


@pytest.mark.parametrize(
    ("definition", "place", "words"),
    [
        ("DefinitionString: '{\"a\" 1}'", "9:31", "Expecting ':' delimiter"),
        ('DefinitionString: !Sub |\n        {\n          "a" ${N}}', "11:15", "Expecting ':' delimiter"),
        ("DefinitionUri: {Bucket: b, Key: k}", "9:7", "the definition is in S3"),
        ("DefinitionUri: s3://b/k", "9:22", "the definition is in S3"),
        ("DefinitionUri: none.json", "9:22", "No such file"),
        ("DefinitionString: !Ref Nope", "9:7", "it is ${Nope}"),
        ("RoleArn: x", "8:5", "it has none of Definition,"),
        ("Definition: !Sub [a]", "9:7", "Fn::Sub takes a list of 2"),
        ("Definition: {'Fn::Transform': Mine}", "9:7", "made by a macro"),
        ("Definition: [1]", "9:7", "a valid JSON object"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_place(load: Load, definition: str, place: str, words: str) -> None:
    """In one line."""
    with pytest.raises(UnreadableDefinition) as caught:
        load(cloudformation(definition))
    assert f"template.yaml:{place}: " in str(caught.value)
    assert words in str(caught.value)


def test_one_of_several_has_to_be_named(load: Load, tmp_path: Path) -> None:
    """The message lists them; a mistyped name gets a suggestion."""
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"Definition": ONE}}
    template = {"Resources": {"Order": machine, "Refund": machine, "Fn::ForEach::X": ["a", ["b"], {}]}}
    with pytest.raises(ConfigurationError, match=r"several state machines; name one: .*#Order, .*#Refund"):
        load(template, name="template.json")
    with pytest.raises(ConfigurationError, match=r"no state machine Refnd\. Did you mean .*#Refund\?"):
        load(template, "Refnd", name="template.json")
    with pytest.raises(ConfigurationError, match="is a template without a state machine"):
        load({"Resources": {}}, name="template.json")
    with pytest.raises(ConfigurationError, match="is not a template: leave out #A"):
        load(ONE, "A", name="machine.json")
    load(template, "Refund", name="template.json")
    names = [one.name for one in load_definitions([tmp_path / "template.json"])]
    assert names == [f"{tmp_path / 'template.json'}#{name}" for name in ("Order", "Refund")]


def test_the_projects_own_template() -> None:
    """template.yaml has two machines, whose definitions are files; the parameters say that both are STANDARD."""
    found = list(load_definitions([ROOT / "template.yaml"]))
    assert [one.resource for one in found] == ["DogUploaderPipeline", "BulkIngest"]
    for one in found:
        assert one.placeholders == ()
        StateMachine.parse(one.definition, type=one.type)


SERVERLESS = """\
service: shop
functions:
  pay-out: {handler: src/pay.handler, environment: {STAGE: "${opt:stage}"}}
stepFunctions:
  stateMachines:
    order:
      type: EXPRESS
      definition:
        StartAt: A
        States:
          A: {Type: Task, Resource: {Fn::GetAtt: [pay-out, Arn]}, Next: B}
          B: {Type: Task, Resource: !GetAtt PayDashoutLambdaFunction.Arn, End: true}
    refund:
      definition: ${file(machines.yml):refund.definition}
"""


def test_a_serverless_framework_project(load: Load, tmp_path: Path) -> None:
    """Functions by their keys, files that it names; its variables stay."""
    (tmp_path / "machines.yml").write_text(f"refund:\n  definition: {json.dumps(ONE)}\n")
    order = load(SERVERLESS, "order", "serverless.yml")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:pay-out"
    assert [state["Resource"] for state in order.definition["States"].values()] == [arn, arn]
    assert (order.type, order.position("$.States.B.End")) == ("EXPRESS", (12, 80))
    assert order.functions["pay-out"].handler == "src/pay.handler"
    refund = load(SERVERLESS, "refund", "serverless.yml")
    assert (refund.definition, refund.file.name) == (ONE, "machines.yml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("Definition: {x: " + "!Sub ['${A}${A}', {A: " * 60 + "abc" + "}]" * 60 + "}", "more than"),
        ("DefinitionString: !Sub ['[\"" + "${A}" * 20_000 + "\"]', {A: '" + "a" * 20_000 + "'}]", "more than"),
        ("Definition: {x: !Join ['" + "a" * 20_000 + "', [" + "a, " * 20_000 + "]]}", "too long"),
        ("Definition: {x: " + "[" * 300 + "]" * 300 + "}", "nested more than"),
    ],
    ids=["doubling", "multiplying", "joining", "deep"],
)
def test_a_template_cannot_ask_for_too_much(load: Load, definition: str, words: str) -> None:
    """Neither memory nor time nor the stack."""
    with pytest.raises(ConfigurationError, match=words):
        load(cloudformation(definition))


def test_conditions_in_a_circle_do_not_hold(load: Load) -> None:
    """CloudFormation refuses them."""
    circle = "Conditions: {A: !Condition B, B: !Condition A}\n"
    text = cloudformation("Definition: {x: !If [A, 1, 2]}").replace(
        "Conditions: {IsProd: !Equals [!Ref Env, prod]}\n", circle
    )
    assert load(text).definition == {"x": 2}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "machines/link.json"])
def test_a_template_does_not_open_files_of_any_kind_outside_its_folder(tmp_path: Path, name: str) -> None:
    """A template from elsewhere must not show what is in files that have nothing to do with state machines."""
    (tmp_path / "secret").write_text(json.dumps(ONE))
    machines = tmp_path / "project" / "machines"
    machines.mkdir(parents=True)
    (machines / "link.json").symlink_to(tmp_path / "secret")
    file = tmp_path / "project" / "template.yaml"
    file.write_text(SAM_WITH_URI % name)
    with pytest.raises(ConfigurationError, match="outside the template's folder"):
        load_definition(file)


def test_a_template_may_name_definitions_elsewhere_and_any_file_in_its_folder(tmp_path: Path) -> None:
    """A template next to its definitions names them with `..`."""
    project = tmp_path / "project"
    project.mkdir()
    for place in (tmp_path / "machine.asl.JSON", project / "machine.txt"):
        place.write_text(json.dumps(ONE))
    for name in ("../machine.asl.JSON", "machine.txt"):
        (project / "template.yaml").write_text(SAM_WITH_URI % name)
        assert load_definition(project / "template.yaml").definition == ONE


def test_a_file_name_with_a_nul_character_cannot_be_read(load: Load) -> None:
    """YAML can write it; no system can open it."""
    with pytest.raises(ConfigurationError, match="its name has a NUL character"):
        load(SAM_WITH_URI % r"a\0.json")


SAM_WITH_URI = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  M:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: "%s"
"""
