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
MISSING = None if (TOOLS / "cfn-lint").exists() else "the template's checkers are not installed; run `make aws-tools`"

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
    "AWS::Lambda::Function": ARN.format(service="lambda", rest="function:{name}"),
    "AWS::StepFunctions::StateMachine": ARN.format(service="states", rest="stateMachine:{name}"),
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::DynamoDB::Table": ARN.format(service="dynamodb", rest="table/{name}"),
    "AWS::SNS::Topic": ARN.format(service="sns", rest="{name}"),
    "AWS::SQS::Queue": ARN.format(service="sqs", rest="{name}"),
    "AWS::KMS::Key": ARN.format(service="kms", rest="key/{name}"),
    "AWS::Logs::LogGroup": ARN.format(service="logs", rest="log-group:{name}:*"),
}
REF_IS_ARN = {"AWS::StepFunctions::StateMachine", "AWS::SNS::Topic"}


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the pinned tools at the project's root."""
    command = [str(TOOLS / name), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "eu-central-1", "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@cache
def template() -> dict[str, Any]:
    """The translated template."""
    done = tool("python", "tools/translate_template.py")
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
    """`value` without Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return reference(value["Ref"])
    if "Fn::GetAtt" in value:
        name, attribute = value["Fn::GetAtt"]
        return attribute_of(name, attribute)
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([^}]+)\}", lambda match: substituted(match[1]), value["Fn::Sub"])
    return {name: resolved(item) for name, item in value.items()}


def substituted(name: str) -> str:
    """What `${name}` stands for."""
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


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of a role's policies, each with lists of actions and resources."""
    return [
        {**statement, "Action": as_list(statement["Action"]), "Resource": as_list(statement["Resource"])}
        for policy in of_type("AWS::IAM::Role")[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    """IAM lets one stand for a list of one."""
    return value if isinstance(value, list) else [value]


def allowed(found: list[dict[str, Any]], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether statements allow an action on a resource. Knows Allow, wildcards, StringEquals and StringLike."""
    return any(
        statement["Effect"] == "Allow"
        and any(matches(pattern, action) for pattern in statement["Action"])
        and any(matches(pattern, resource) for pattern in statement["Resource"])
        and all(holds(condition, context) for condition in conditions(statement))
        for statement in found
    )


def conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Operator, key and value of each condition."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, value in keys.items():
            yield operator, key, value


def holds(condition: tuple[str, str, str], context: Mapping[str, str]) -> bool:
    """Whether a condition is met."""
    operator, key, value = condition
    assert operator in {"StringEquals", "StringLike"}, f"this test knows no {operator}; teach it"
    return context.get(key) == value if operator == "StringEquals" else matches(value, context.get(key, ""))


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` and `?`."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
