"""The translated template with its references resolved as in one made-up account, to look at what is deployed."""

import fnmatch
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "aws-tools" / "bin"
MINISTACK = ROOT / ".venv" / "ministack" / "bin"
MISSING = (
    None
    if (TOOLS / "cfn-lint").exists() and MINISTACK.exists()
    else "the template's checkers are not installed; run `make aws-tools`"
)

ACCOUNT = {
    "AWS::AccountId": "111122223333",
    "AWS::Region": "eu-central-1",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "pupline",
}
ARN = "arn:aws:{service}:eu-central-1:111122223333:{rest}"
ARNS = {
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::111122223333:policy/{name}",
    "AWS::Lambda::Function": ARN.format(service="lambda", rest="function:{name}"),
    "AWS::StepFunctions::StateMachine": ARN.format(service="states", rest="stateMachine:{name}"),
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::DynamoDB::Table": ARN.format(service="dynamodb", rest="table/{name}"),
    "AWS::SNS::Topic": ARN.format(service="sns", rest="{name}"),
    "AWS::SQS::Queue": ARN.format(service="sqs", rest="{name}"),
    "AWS::KMS::Key": ARN.format(service="kms", rest="key/{name}"),
    "AWS::Logs::LogGroup": ARN.format(service="logs", rest="log-group:{name}:*"),
}
NO_VALUE = {"Ref": "AWS::NoValue"}
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::StepFunctions::StateMachine", "AWS::SNS::Topic"}


def tool(name: str, *arguments: str, tools: Path = TOOLS) -> subprocess.CompletedProcess[str]:
    """Run one of the pinned tools at the project's root."""
    command = [str(tools / name), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "eu-central-1", "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@cache
def template() -> dict[str, Any]:
    """The translated template."""
    done = tool("python", "tools/translate_template.py", "translated", tools=MINISTACK)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def resources() -> dict[str, dict[str, Any]]:
    """Every resource, with references resolved and parameters at their defaults."""
    return {name: resolved(resource) for name, resource in template()["Resources"].items()}


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by logical name."""
    return {name: found["Properties"] for name, found in resources().items() if found["Type"] == kind}


def resolved(value: Any) -> Any:
    """`value` without Ref, Fn::GetAtt, Fn::Sub and Fn::If; what is AWS::NoValue is left out."""
    if isinstance(value, list):
        return [resolved(item) for item in value if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return reference(value["Ref"])
    if "Fn::GetAtt" in value:
        name, attribute = value["Fn::GetAtt"]
        return attribute_of(name, attribute)
    if "Fn::FindInMap" in value:
        name, first, second = resolved(value["Fn::FindInMap"])
        return template()["Mappings"][name][first][second]
    if "Fn::Sub" in value:
        text, own = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        return re.sub(r"\$\{([^}]+)\}", lambda match: substituted(match[1], own), text)
    chosen = {name: chosen_of(item) for name, item in value.items()}
    return {name: resolved(item) for name, item in chosen.items() if item != NO_VALUE}


def chosen_of(value: Any) -> Any:
    """The branch of an Fn::If, or the value."""
    if not isinstance(value, dict) or "Fn::If" not in value:
        return value
    condition, yes, no = value["Fn::If"]
    return chosen_of(yes if holds_by_default(template()["Conditions"][condition]) else no)


def holds_by_default(condition: Mapping[str, Any]) -> bool:
    """Whether a condition is met with parameters at their defaults. Knows Fn::Equals and Fn::Not."""
    if "Fn::Not" in condition:
        return not holds_by_default(condition["Fn::Not"][0])
    left, right = resolved(condition["Fn::Equals"])
    return bool(left == right)


def substituted(name: str, own: Mapping[str, Any]) -> str:
    """What `${name}` stands for, in a Fn::Sub with variables of its own; `${!name}` for the text `${name}`."""
    if name.startswith("!"):
        return f"${{{name[1:]}}}"
    if name in own:
        return str(resolved(own[name]))
    return str(attribute_of(*name.split(".", 1)) if "." in name else reference(name))


def reference(name: str) -> Any:
    """What `!Ref name` stands for."""
    if name in ACCOUNT:
        return ACCOUNT[name]
    if name in template()["Parameters"]:
        return template()["Parameters"][name]["Default"]
    return attribute_of(name, "Arn") if template()["Resources"][name]["Type"] in REF_IS_ARN else physical_name(name)


def attribute_of(name: str, attribute: str) -> str:
    """What `!GetAtt name.attribute` stands for."""
    if attribute != "Arn":
        return physical_name(name)
    return ARNS[template()["Resources"][name]["Type"]].format(name=physical_name(name))


def physical_name(name: str) -> str:
    """The name the template gives, or else the logical one."""
    properties = template()["Resources"][name].get("Properties", {})
    given = (properties.get(key) for key in NAME_PROPERTIES)
    return str(resolved(next((found for found in given if found), name)))


NAME_PROPERTIES = (
    "FunctionName",
    "StateMachineName",
    "RoleName",
    "TableName",
    "TopicName",
    "QueueName",
    "LogGroupName",
)


def policies(role: str) -> dict[str, dict[str, Any]]:
    """The documents of a role's policies, its own and those attached to it, by name."""
    found = of_type("AWS::IAM::Role")[role]
    attached = [arn.rpartition("/")[2] for arn in found.get("ManagedPolicyArns", ())]
    return {
        **{policy["PolicyName"]: policy["PolicyDocument"] for policy in found.get("Policies", ())},
        **{name: of_type("AWS::IAM::ManagedPolicy")[name]["PolicyDocument"] for name in attached},
    }


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of a role's policies, each with lists of actions and resources."""
    return [
        {**statement, "Action": as_list(statement["Action"]), "Resource": as_list(statement["Resource"])}
        for document in policies(role).values()
        for statement in document["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    """IAM lets one stand for a list of one."""
    return value if isinstance(value, list) else [value]


def allowed(found: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether statements allow an action on a resource. Knows Allow, wildcards, and some conditions."""
    return any(
        statement["Effect"] == "Allow"
        and any(matches(pattern, action) for pattern in statement["Action"])
        and any(matches(pattern, resource) for pattern in statement["Resource"])
        and all(holds(condition, context) for condition in conditions(statement))
        for statement in found
    )


def conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Operator, key and values of each condition."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, value in keys.items():
            yield operator, key, as_list(value)


def holds(condition: tuple[str, str, list[str]], context: Mapping[str, str]) -> bool:
    """Whether a condition is met."""
    operator, key, values = condition
    known = {"StringEquals", "StringLike", "ForAllValues:StringLike"}
    assert operator in known, f"this test knows no {operator}; teach it"
    if operator.startswith("ForAllValues:") and key not in context:
        return True
    given = context.get(key, "")
    return given in values if operator == "StringEquals" else any(matches(value, given) for value in values)


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` and `?`."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
