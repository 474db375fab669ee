"""Least privilege: each role can do what its work needs, and nothing else that was tried."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.aws.aws_handlers import drive_handlers
from tests.aws.aws_template import MISSING, allowed, attribute_of, statements
from tests.shared.memo_table import create_memo_table
from tests.shared.needed_tools import needs

pytestmark = needs(MISSING)

Call = tuple[str, str, dict[str, str]]
"""Action, resource, and what conditions see."""

HERE = "eu-central-1:111122223333"
BUCKET = "arn:aws:s3:::ImageBucket"
KEY = f"arn:aws:kms:{HERE}:key/Key"
DEAD_LETTERS = f"arn:aws:sqs:{HERE}:pupline-dead-letters"
TABLE = f"arn:aws:dynamodb:{HERE}:table"
S3_OBJECT_ACTIONS = {"PutObject": "s3:PutObject", "GetObject": "s3:GetObject", "HeadObject": "s3:GetObject"}
STATE_MACHINE: list[Call] = [
    *(
        (f"logs:{action}", "*", {})
        for action in (
            "CreateLogDelivery",
            "GetLogDelivery",
            "UpdateLogDelivery",
            "DeleteLogDelivery",
            "ListLogDeliveries",
            "PutResourcePolicy",
            "DescribeResourcePolicies",
            "DescribeLogGroups",
        )
    ),
    *(
        (f"xray:{action}", "*", {})
        for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
    ),
]
"""Documented by AWS as what a state machine needs to log and to trace."""


def encrypted_history(*machines: str) -> list[Call]:
    """What Step Functions does with the key for a state machine's data, and for what is delivered to its log."""
    contexts = [
        {"kms:EncryptionContext:aws:states:stateMachineArn": f"arn:aws:states:{HERE}:stateMachine:{name}"}
        for name in machines
    ]
    return [
        *((action, KEY, context) for context in contexts for action in ("kms:GenerateDataKey", "kms:Decrypt")),
        ("kms:GenerateDataKey", KEY, {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:{HERE}:*"}),
    ]


def by_lambda(function: str, *, encrypted: bool = True) -> list[Call]:
    """What Lambda itself does as the function's role: logs, traces, and reading an environment that is encrypted."""
    logs = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{function}:log-stream:2026/01/31/x"
    return [
        ("logs:CreateLogStream", logs, {}),
        ("logs:PutLogEvents", logs, {}),
        ("xray:PutTraceSegments", "*", {}),
        ("xray:PutTelemetryRecords", "*", {}),
        *([("kms:Decrypt", KEY, via("lambda"))] if encrypted else []),
    ]


def via(service: str) -> dict[str, str]:
    """What the key's conditions see when a service uses it on behalf of a role."""
    return {"kms:ViaService": f"{service}.eu-central-1.amazonaws.com"}


def by_storage(service: str) -> list[Call]:
    """What a service does with the key as a role that writes to it and reads from it."""
    return [("kms:GenerateDataKey", KEY, via(service)), ("kms:Decrypt", KEY, via(service))]


def needed() -> dict[str, list[Call]]:
    """What each role's work needs. The functions' own calls are not in this list: they are recorded."""
    functions = ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB")
    return {
        "FetchAndUploadDogImageRole": by_lambda("FetchAndUploadDogImage") + by_storage("s3") + by_storage("dynamodb"),
        "AlertPNGRole": by_lambda("AlertPNG", encrypted=False),
        "LogToDynamoDBRole": by_lambda("LogToDynamoDB") + by_storage("dynamodb"),
        "IngestBatchRole": by_lambda("IngestBatch") + by_storage("s3") + by_storage("dynamodb"),
        "SummariseIngestRole": [
            *by_lambda("SummariseIngest"),
            *by_storage("s3"),
            # Results of earlier versions have their failures in the part; a completion whose answer was lost is seen
            # at the object.
            ("s3:GetObject", f"{BUCKET}/datasets/dogs/metadata/jsonl/run=r1/part-00000000-0.jsonl", {}),
            ("s3:GetObject", f"{BUCKET}/datasets/dogs/runs/r1/failures.jsonl", {}),
        ],
        "ScheduleRole": [
            ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:DogUploaderPipeline", {}),
            ("sqs:SendMessage", DEAD_LETTERS, {}),
            *by_storage("sqs"),
        ],
        "PipelineRole": [
            *(("lambda:InvokeFunction", attribute_of(name, "Arn"), {}) for name in functions),
            ("sns:Publish", f"arn:aws:sns:{HERE}:png-alert-topic", {}),
            *by_storage("sns"),
            *encrypted_history("DogUploaderPipeline"),
            *STATE_MACHINE,
        ],
        "BulkRole": bulk_calls(),
    }


def bulk_calls() -> list[Call]:
    """What a Distributed Map does for itself, as AWS documents it, and what BulkIngest's tasks do."""
    child = "BulkIngest/IngestBatches"
    results = f"{BUCKET}/datasets/dogs/runs/r1/results/x/manifest.json"
    machine = f"arn:aws:states:{HERE}"
    return [
        *(("lambda:InvokeFunction", attribute_of(name, "Arn"), {}) for name in ("IngestBatch", "SummariseIngest")),
        ("sns:Publish", f"arn:aws:sns:{HERE}:png-alert-topic", {}),
        *by_storage("sns"),
        *by_storage("s3"),
        *encrypted_history("BulkIngest", "BulkIngest/IngestBatches"),
        ("states:StartExecution", f"{machine}:stateMachine:BulkIngest", {}),
        *(
            (f"states:{action}", f"{machine}:{execution}", {})
            for action in ("DescribeExecution", "RedriveExecution", "StopExecution")
            for execution in ("execution:BulkIngest:r1", f"execution:{child}:x", f"express:{child}:x:y")
        ),
        ("s3:GetObject", f"{BUCKET}/datasets/dogs/runs/r1/manifest.jsonl", {}),
        *(
            (f"s3:{action}", results, {})
            for action in ("PutObject", "ListMultipartUploadParts", "AbortMultipartUpload")
        ),
        *STATE_MACHINE,
    ]


ROLES = [
    "FetchAndUploadDogImageRole",
    "AlertPNGRole",
    "LogToDynamoDBRole",
    "ScheduleRole",
    "PipelineRole",
    "IngestBatchRole",
    "SummariseIngestRole",
    "BulkRole",
]


class Recorded:
    """The AWS calls made so far, by the role that was at work."""

    def __init__(self) -> None:
        self.calls: dict[str, list[Call]] = {}
        self._at_work = ""

    def working(self, role: str) -> None:
        """From now on calls are this role's."""
        self._at_work = role
        self.calls.setdefault(role, [])

    def note(self, action: str, resource: str, **context: str) -> None:
        """A call."""
        self.calls[self._at_work].append(
            (action, resource, {name.replace("_", ":"): context[name] for name in context})
        )


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """The AWS calls that the handlers make, by role, on every way an image can take to its place."""
    from botocore.hooks import HierarchicalEmitter

    found = Recorded()
    emit = HierarchicalEmitter.emit

    def listening(self: Any, event: str, **given: Any) -> Any:
        service, operation = event.split(".")[1:3] if event.startswith("provide-client-params.") else ("", "")
        if service == "s3" and operation in S3_OBJECT_ACTIONS:
            found.note(S3_OBJECT_ACTIONS[operation], f"{BUCKET}/{given['params']['Key']}")
        elif service == "s3" and operation == "ListObjectsV2":
            found.note("s3:ListBucket", BUCKET, s3_prefix=given["params"]["Prefix"])
        elif service == "dynamodb" and operation != "CreateTable":
            params = given["params"]
            (key, *_) = (params.get("Item") or params["Key"]).values()
            found.note(f"dynamodb:{operation}", f"{TABLE}/{params['TableName']}", dynamodb_LeadingKeys=key["S"])
        return emit(self, event, **given)

    monkeypatch.setattr(HierarchicalEmitter, "emit", listening)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DOG_BUCKET": "ImageBucket",
        "DDB_TABLE": "DogImageUploads",
        "MEMO_TABLE": "DogImageMemos",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="ImageBucket")
        create_memo_table("DogImageMemos")
        boto3.client("dynamodb").create_table(
            TableName="DogImageUploads",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("image_name", "execution")
            ],
            KeySchema=[
                {"AttributeName": "image_name", "KeyType": "HASH"},
                {"AttributeName": "execution", "KeyType": "RANGE"},
            ],
        )
        yield found


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_its_work_needs(role: str) -> None:
    """Every needed action on the very resource is allowed."""
    found = statements(role)
    assert [call for call in needed()[role] if not allowed(found, *call)] == []


def test_the_functions_own_calls_are_allowed(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the handlers really call, for images new, seen before, renamed and quarantined, and for records repeated."""
    drive_handlers(monkeypatch, recorded.working)
    assert {role: {action for action, *_ in calls} for role, calls in recorded.calls.items()} == {
        "FetchAndUploadDogImageRole": {"s3:PutObject", "s3:GetObject", "dynamodb:PutItem", "dynamodb:GetItem"},
        "LogToDynamoDBRole": {"dynamodb:PutItem"},
        "IngestBatchRole": {"s3:PutObject", "s3:GetObject", "dynamodb:PutItem"},
        "SummariseIngestRole": {"s3:PutObject", "s3:GetObject", "s3:ListBucket"},
    }
    for role, calls in recorded.calls.items():
        assert [call for call in calls if not allowed(statements(role), *call)] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_action_is_there_that_nothing_needs(role: str, recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any one action, or any one resource, out of a role's policy, and something it needs is denied."""
    drive_handlers(monkeypatch, recorded.working)
    calls = needed()[role] + recorded.calls.get(role, [])
    found = statements(role)
    for index, statement in enumerate(found):
        for field in ("Action", "Resource"):
            for value in statement[field]:
                poorer = deepcopy(found)
                poorer[index][field].remove(value)
                denied = [call for call in calls if not allowed(poorer, *call)]
                assert denied, f"{role}: nothing needs {value} in {statement}"


TEMPTING: list[Call] = [
    ("s3:DeleteObject", f"{BUCKET}/html/a.jpg", {}),
    ("s3:DeleteObjectVersion", f"{BUCKET}/html/a.jpg", {}),
    ("s3:PutObjectAcl", f"{BUCKET}/html/a.jpg", {}),
    ("s3:ListBucket", BUCKET, {}),
    ("s3:ListBucket", BUCKET, {"s3:prefix": "html/"}),
    ("s3:PutObject", f"{BUCKET}/datasets/dogs/runs/r1/manifest.jsonl", {}),
    ("s3:GetObject", f"{BUCKET}/datasets-of-others/x", {}),
    ("s3:PutBucketPolicy", BUCKET, {}),
    ("s3:PutObject", f"{BUCKET}/a.jpg", {}),
    ("s3:PutObject", f"{BUCKET}/htmlx/a.jpg", {}),
    ("s3:PutObject", "arn:aws:s3:::AccessLogBucket/images/x", {}),
    ("s3:GetObject", "arn:aws:s3:::AccessLogBucket/images/x", {}),
    ("s3:GetObject", "arn:aws:s3:::SomebodyElses/html/a.jpg", {}),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads", {}),
    ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads", {}),
    ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads", {}),
    ("dynamodb:Scan", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads", {}),
    ("dynamodb:Query", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads/index/by-day", {}),
    ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{HERE}:table/DogImageMemos", {}),
    ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{HERE}:table/DogImageMemos", {}),
    ("dynamodb:Scan", f"arn:aws:dynamodb:{HERE}:table/DogImageMemos", {}),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/AnotherTable", {}),
    ("dynamodb:DeleteTable", f"arn:aws:dynamodb:{HERE}:table/DogImageUploads", {}),
    ("sns:Publish", f"arn:aws:sns:{HERE}:pupline-alarms", {}),
    ("sns:Subscribe", f"arn:aws:sns:{HERE}:png-alert-topic", {}),
    ("sqs:ReceiveMessage", DEAD_LETTERS, {}),
    ("sqs:PurgeQueue", DEAD_LETTERS, {}),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:AnotherFunction", {}),
    ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{HERE}:function:AlertPNG", {}),
    ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:Another", {}),
    ("states:StopExecution", f"arn:aws:states:{HERE}:execution:DogUploaderPipeline:x", {}),
    ("kms:ScheduleKeyDeletion", KEY, {}),
    ("kms:PutKeyPolicy", KEY, {}),
    ("kms:Decrypt", KEY, {}),  # not through a service
    ("kms:GenerateDataKey", KEY, via("secretsmanager")),
    ("kms:Decrypt", f"arn:aws:kms:{HERE}:key/another", {"kms:ViaService": "sns.eu-central-1.amazonaws.com"}),
    ("logs:DeleteLogGroup", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/AlertPNG:*", {}),
    ("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/Another:log-stream:x", {}),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/StepFunctions-DogUploaderPipeline-role", {}),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/Admin", {}),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:x", {}),
    ("ec2:RunInstances", "*", {}),
]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_what_a_thief_would_try(role: str) -> None:
    """It cannot read, change or delete anything beyond its work, in this stack or outside."""
    assert [call for call in TEMPTING if allowed(statements(role), *call)] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_the_work_of_another(role: str) -> None:
    """What only one role needs, only that one may do."""
    work = {
        "FetchAndUploadDogImageRole": ("dynamodb:GetItem", f"{TABLE}/DogImageMemos"),
        "PipelineRole": ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:AlertPNG"),
        "IngestBatchRole": ("s3:PutObject", f"{BUCKET}/datasets/dogs/metadata/jsonl/run=r1/part-00000000-0.jsonl"),
        "SummariseIngestRole": ("s3:PutObject", f"{BUCKET}/datasets/dogs/runs/r1/summary.json"),
        "BulkRole": ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:IngestBatch"),
        "ScheduleRole": ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:DogUploaderPipeline"),
    }
    may = {owner for owner, (action, resource) in work.items() if allowed(statements(role), action, resource, {})}
    assert may == {role} & work.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_batch_may_claim_the_first_alert_and_remember_nothing_else(role: str) -> None:
    """What single executions chose is decided by those alone."""
    memos, put = f"{TABLE}/DogImageMemos", "dynamodb:PutItem"
    may = [
        name
        for name in ("first-alert/r1", "run-1/picked")
        if allowed(statements(role), put, memos, {"dynamodb:LeadingKeys": name})
    ]
    of_role = {"FetchAndUploadDogImageRole": ["first-alert/r1", "run-1/picked"], "IngestBatchRole": ["first-alert/r1"]}
    assert may == of_role.get(role, [])


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_record_may_write_records(role: str) -> None:
    """By PutItem, which their code makes conditional; not by a call that cannot be conditional, or that deletes."""
    actions = ("PutItem", "BatchWriteItem", "DeleteItem", "UpdateItem", "PartiQLUpdate", "PartiQLDelete")
    table = f"{TABLE}/DogImageUploads"
    may = {action for action in actions if allowed(statements(role), f"dynamodb:{action}", table, {})}
    assert may == ({"PutItem"} if role in {"LogToDynamoDBRole", "IngestBatchRole"} else set())
