"""A deployed stack: its resources, from CloudFormation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pupline.backends.stack._account import Account, aws_errors, error_code, error_message, pages
from pupline.errors import ConfigurationError
from pupline.text import printable

MACHINE = "DogUploaderPipeline"
BULK_MACHINE = "BulkIngest"
TABLE = "DogImageUploads"
BUCKET = "ImageBucket"
TOPIC = "PNGAlertTopic"
SCHEDULE = "Schedule"
DEAD_LETTERS = "DeadLetterQueue"
UNDELIVERED = "UndeliveredAlerts"
UNDELIVERED_ALARMS = "UndeliveredAlarms"
ALARM_TOPIC = "AlarmTopic"
KEY = "Key"
MEMOS = "Memos"
FUNCTIONS = ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB", "IngestBatch", "SummariseIngest")

TYPES = {
    MACHINE: "AWS::StepFunctions::StateMachine",
    BULK_MACHINE: "AWS::StepFunctions::StateMachine",
    TABLE: "AWS::DynamoDB::Table",
    BUCKET: "AWS::S3::Bucket",
    TOPIC: "AWS::SNS::Topic",
    SCHEDULE: "AWS::Scheduler::Schedule",
    DEAD_LETTERS: "AWS::SQS::Queue",
    UNDELIVERED: "AWS::SQS::Queue",
    UNDELIVERED_ALARMS: "AWS::SQS::Queue",
    ALARM_TOPIC: "AWS::SNS::Topic",
    KEY: "AWS::KMS::Key",
    MEMOS: "AWS::DynamoDB::Table",
    **dict.fromkeys(FUNCTIONS, "AWS::Lambda::Function"),
}
"""The resources that commands need: logical name in template.yaml to type."""


KEEPS_NOTHING = (
    f"{MACHINE} is Express: Step Functions keeps none of its executions, so they cannot be listed, shown, redriven or"
    " stopped"
)


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack. status: CloudFormation's, such as `UPDATE_COMPLETE`. resources: logical name to physical id.

    parameters: name to value. types: logical name to type, such as `AWS::SQS::Queue`.
    The physical id of a state machine or topic is its ARN; of a table, bucket, schedule or function its name; of a
    queue its URL.
    """

    name: str
    region: str
    status: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def find(cls, account: Account, name: str) -> "Stack":
        """The stack of that name, in the account's region. Raises: ConfigurationError when there is none."""
        from botocore.exceptions import ClientError

        client, doing = account.client("cloudformation"), f"looking for the stack {printable(name)}"
        with aws_errors(doing):
            try:
                found = client.describe_stacks(StackName=name)["Stacks"][0]
            except ClientError as err:
                if error_code(err) != "ValidationError":
                    raise
                raise ConfigurationError(
                    f"there is no stack '{printable(name)}' in {account.region} ({error_message(err)});"
                    " deploy it with sam build and sam deploy, or check AWS_PROFILE and AWS_DEFAULT_REGION"
                ) from err
        resources: dict[str, str] = {}
        types: dict[str, str] = {}
        for page in pages(client, "list_stack_resources", doing, StackName=name):
            for one in page["StackResourceSummaries"]:
                if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE":
                    resources[one["LogicalResourceId"]] = one["PhysicalResourceId"]
                    types[one["LogicalResourceId"]] = one["ResourceType"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
        parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", ())}
        return cls(name, account.region, found["StackStatus"], outputs, resources, parameters, types)

    def resource(self, logical_name: str) -> str:
        """The physical id of one of `TYPES`. Raises: ConfigurationError when the stack has none (yet)."""
        found = self.resources.get(logical_name)
        if found is None:
            raise ConfigurationError(
                f"the stack '{printable(self.name)}' ({self.status}) has no {logical_name} ({TYPES[logical_name]});"
                " is it pupline's, and is its deployment complete?"
            )
        return found

    def of_type(self, kind: str) -> dict[str, str]:
        """The physical ids of the resources of a type, by logical name."""
        return {name: physical for name, physical in self.resources.items() if self.types.get(name) == kind}

    @property
    def is_express(self) -> bool:
        """Whether DogUploaderPipeline is Express: Step Functions keeps none of its executions."""
        return self.parameters.get("WorkflowType") == "EXPRESS"

    @property
    def most_batches(self) -> int | None:
        """Batches of bulk ingestion that may run at the same time; None where the stack sets no limit."""
        chosen = self.outputs.get("BulkConcurrency") or self.parameters.get("BulkConcurrency", "")
        return int(chosen) or None if chosen.isascii() and chosen.isdigit() else None

    @property
    def machines(self) -> list[str]:
        """The ARNs of the state machines whose executions Step Functions keeps.

        A stack that an older version deployed has no BulkIngest. Raises: ConfigurationError without a
        DogUploaderPipeline.
        """
        pipeline, bulk = self.resource(MACHINE), self.resources.get(BULK_MACHINE)
        return [*([] if self.is_express else [pipeline]), *([bulk] if bulk else [])]


def execution_arn(machine: str, name: str) -> str:
    """The ARN of a state machine's execution of that name."""
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
