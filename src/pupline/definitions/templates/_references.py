"""Stand-ins for what `Ref` and `Fn::GetAtt` of a resource give on AWS.

The name of a resource is its logical id, so that a function is found under the name that the template has for it.
Where a table, queue or bucket has a name of its own in the template, that is taken.
"""

from typing import NamedTuple

from pupline.json_values import AnyJSON

REGION = "us-east-1"
ACCOUNT = "123456789012"

PSEUDO_PARAMETERS: dict[str, AnyJSON] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stack/00000000-0000-0000-0000-000000000000",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}

FUNCTION_TYPES = ("AWS::Serverless::Function", "AWS::Lambda::Function")
MACHINE_TYPES = ("AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")


QUALIFIED_TYPES = ("AWS::Lambda::Alias", "AWS::Lambda::Version")
"""Resources whose `Ref` is the ARN of a function with a qualifier."""

_OPAQUE = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::CustomResource", "AWS::Serverless::Application")


class _Shape(NamedTuple):
    """How AWS names resources of a type: `{r}` region, `{a}` account, `{n}` name. is_ref: `Ref` gives the ARN."""

    arn: str
    is_ref: bool = False
    name_property: str | None = None


_FUNCTION = _Shape("lambda:{r}:{a}:function:{n}")
_MACHINE = _Shape("states:{r}:{a}:stateMachine:{n}", is_ref=True)
_TABLE = _Shape("dynamodb:{r}:{a}:table/{n}", name_property="TableName")

# Source: AWS, "Return values" of each resource type in the CloudFormation reference.
_SHAPES = {
    **dict.fromkeys(FUNCTION_TYPES, _FUNCTION),
    **dict.fromkeys(MACHINE_TYPES, _MACHINE),
    "AWS::Batch::JobDefinition": _Shape("batch:{r}:{a}:job-definition/{n}:1", is_ref=True),
    "AWS::Batch::JobQueue": _Shape("batch:{r}:{a}:job-queue/{n}", is_ref=True),
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::ECS::Cluster": _Shape("ecs:{r}:{a}:cluster/{n}", name_property="ClusterName"),
    "AWS::ECS::TaskDefinition": _Shape("ecs:{r}:{a}:task-definition/{n}:1", is_ref=True),
    "AWS::Events::Connection": _Shape("events:{r}:{a}:connection/{n}", name_property="Name"),
    "AWS::Events::EventBus": _Shape("events:{r}:{a}:event-bus/{n}", name_property="Name"),
    "AWS::IAM::Role": _Shape("iam::{a}:role/{n}", name_property="RoleName"),
    "AWS::KMS::Key": _Shape("kms:{r}:{a}:key/{n}"),
    "AWS::Kinesis::Stream": _Shape("kinesis:{r}:{a}:stream/{n}", name_property="Name"),
    "AWS::S3::Bucket": _Shape("s3:::{n}", name_property="BucketName"),
    "AWS::SNS::Topic": _Shape("sns:{r}:{a}:{n}", is_ref=True, name_property="TopicName"),
    "AWS::SQS::Queue": _Shape("sqs:{r}:{a}:{n}", name_property="QueueName"),
    "AWS::SecretsManager::Secret": _Shape("secretsmanager:{r}:{a}:secret:{n}", is_ref=True),
    "AWS::Serverless::SimpleTable": _TABLE,
    "AWS::StepFunctions::Activity": _Shape("states:{r}:{a}:activity:{n}", is_ref=True),
    "AWS::StepFunctions::StateMachineAlias": _Shape("states:{r}:{a}:stateMachine:{n}", is_ref=True),
    "AWS::StepFunctions::StateMachineVersion": _Shape("states:{r}:{a}:stateMachine:{n}:1", is_ref=True),
}


def is_opaque(kind: str) -> bool:
    """Whether only a deployment knows what the attributes of such a resource are: outputs, custom resources."""
    return kind in _OPAQUE or kind.startswith("Custom::")


def name_property(kind: str) -> str | None:
    """The property with the name of a resource of this type, where `Ref` gives that name."""
    shape = _SHAPES.get(kind)
    return None if shape is None else shape.name_property


def ref(kind: str, name: str) -> str:
    """What `Ref` gives for a resource of a type."""
    if kind == "AWS::SQS::Queue":
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    shape = _SHAPES.get(kind)
    return arn(kind, name) if shape is not None and shape.is_ref else name


def arn(kind: str, name: str) -> str:
    """The ARN of a resource of a type."""
    parts = kind.split("::")
    service = parts[1].lower() if len(parts) == 3 else "custom"
    shape = _SHAPES.get(kind, _Shape(service + ":{r}:{a}:{n}"))
    return "arn:aws:" + shape.arn.replace("{r}", REGION).replace("{a}", ACCOUNT).replace("{n}", name)


def attribute(kind: str, name: str, named: str) -> str:
    """What `Fn::GetAtt` gives for an attribute (`named`) of a resource of a type."""
    last = named.rsplit(".", 1)[-1]
    if last.endswith("Arn") or (kind in FUNCTION_TYPES and last in ("Alias", "Version")):  # the latter two are SAM's
        return arn(kind, name)
    if last in ("Name", "QueueName", "TopicName", "StateMachineName"):
        return name
    if last == "QueueUrl":
        return ref(kind, name)
    return f"{name}.{named}"
