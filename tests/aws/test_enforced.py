"""The roles where IAM is enforced: a local AWS that checks every call, over TLS, against the deployed policies."""

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from pupline.errors import ConfigurationError
from tests.aws.aws_handlers import BATCH, fetch_images, ingest_images, log_images, summarise
from tests.aws.aws_stack import local_aws
from tests.shared.needed_tools import needs
from tests.shared.self_signed import certificate_for

pytestmark = needs(local_aws.missing())

FETCH, ALERT, LOG, SCHEDULE = "FetchAndUploadDogImageRole", "AlertPNGRole", "LogToDynamoDBRole", "ScheduleRole"
BATCHES, SUMMARY = "IngestBatchRole", "SummariseIngestRole"


class Enforced:
    """A stack on an AWS that enforces IAM, and its roles."""

    def __init__(self, stack: local_aws.Stack, certificate: Path) -> None:
        self.stack = stack
        self.certificate = certificate
        listed = stack.client("cloudformation").describe_stack_resources(StackName="pupline")["StackResources"]
        self.names = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in listed}

    def environment_of(self, role: str) -> dict[str, str]:
        """What Lambda would set for a function with this role."""
        iam = self.stack.client("iam")
        # Lambda may assume it, and nobody else; for this test we stand in for Lambda.
        anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
        iam.update_assume_role_policy(RoleName=self.names[role], PolicyDocument=policy)
        arn = iam.get_role(RoleName=self.names[role])["Role"]["Arn"]
        found = self.stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="lambda")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
            "AWS_DEFAULT_REGION": local_aws.REGION,
            "AWS_ENDPOINT_URL": self.stack.endpoint,
            "AWS_CA_BUNDLE": str(self.certificate),
            "DOG_BUCKET": self.stack.outputs["ImageBucketName"],
            "DDB_TABLE": self.stack.outputs["AuditTableName"],
            "MEMO_TABLE": self.names["Memos"],
        }

    def without(self, role: str, action: str) -> Callable[[], None]:
        """Deny a role one action; the answer allows it again."""
        iam, name = self.stack.client("iam"), self.names[role]
        denied = {"Effect": "Deny", "Action": action, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
        iam.put_role_policy(RoleName=name, PolicyName="without", PolicyDocument=policy)
        return lambda: iam.delete_role_policy(RoleName=name, PolicyName="without")


@pytest.fixture(scope="module")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    """The stack, deployed."""
    directory = tmp_path_factory.mktemp("enforced")
    certificate = certificate_for(x509.IPAddress(IPv4Address("127.0.0.1")), directory)
    with local_aws.LocalAws(directory / "ministack.log", certificate=certificate) as running:
        yield Enforced(running.deploy("pupline", {}), certificate)


@pytest.fixture
def take_role(enforced: Enforced, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on this process has a role's credentials."""

    def take(role: str) -> None:
        for name, value in enforced.environment_of(role).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would keep the credentials of the role before

    return take


def test_the_functions_can_do_all_their_work(take_role: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The handlers, each with its own role: images new, known, renamed, quarantined, records written and repeated."""
    take_role(FETCH)
    images = fetch_images(monkeypatch)
    assert [image["outcome"] for image in images] == ["stored", "duplicate", "stored", "quarantined", "duplicate"]
    take_role(LOG)
    assert [found["status"] for found in log_images(images)] == ["success"] * 5


def test_the_bulk_functions_can_do_all_their_work(
    take_role: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """IngestBatch on every kind of image, known ones too, each call twice; then SummariseIngest."""
    take_role(BATCHES)
    first = ingest_images(monkeypatch, BATCH)
    assert first["outcomes"] == {"stored": 3, "duplicate": 1, "quarantined": 1, "failed": 1}
    assert ingest_images(monkeypatch, BATCH, "r2")["outcomes"] == {"duplicate": 4, "quarantined": 1, "failed": 1}
    take_role(SUMMARY)
    summary = summarise()
    assert (summary["done"], summary["failed"]) == (6, 1)


@pytest.mark.parametrize(("action", "words"), [("s3:PutObject", "AccessDenied"), ("dynamodb:PutItem", "the table")])
def test_a_batch_needs_each_of_its_actions(
    enforced: Enforced,
    take_role: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    words: str,
) -> None:
    """Take one away, and the handler says that access is denied, and to what."""
    put_back = enforced.without(BATCHES, action)
    take_role(BATCHES)
    try:
        with pytest.raises(ConfigurationError, match=words):
            ingest_images(monkeypatch, BATCH, f"without-{action[-4:]}")
    finally:
        put_back()


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject", "dynamodb:PutItem", "dynamodb:GetItem"])
def test_fetching_needs_each_of_its_actions(
    enforced: Enforced, take_role: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Take one away, and the handler says that access is denied, and to what."""
    put_back = enforced.without(FETCH, action)
    take_role(FETCH)
    try:
        with pytest.raises(ConfigurationError, match=r"(s3://|the table DogImageMemos).*(AccessDenied|403)"):
            fetch_images(monkeypatch)
    finally:
        put_back()


def test_logging_needs_its_action(enforced: Enforced, take_role: Callable[[str], None]) -> None:
    """Take it away, and the handler says that access is denied, and to what."""
    put_back = enforced.without(LOG, "dynamodb:PutItem")
    take_role(LOG)
    try:
        with pytest.raises(ConfigurationError, match="the table DogImageUploads: AccessDenied"):
            log_images([{"uploaded_image": "a.jpg"}])
    finally:
        put_back()


TEMPTATIONS: list[tuple[str, str, str, dict[str, Any]]] = [
    (FETCH, "s3", "delete_object", {"Bucket": "{bucket}", "Key": "html/plain.jpg"}),
    (FETCH, "s3", "list_objects_v2", {"Bucket": "{bucket}"}),
    (FETCH, "s3", "put_object", {"Bucket": "{bucket}", "Key": "elsewhere.jpg", "Body": b""}),
    (FETCH, "s3", "put_bucket_policy", {"Bucket": "{bucket}", "Policy": "{}"}),
    (
        FETCH,
        "dynamodb",
        "put_item",
        {"TableName": "{table}", "Item": {"image_name": {"S": "a"}, "execution": {"S": "b"}}},
    ),
    (FETCH, "sns", "publish", {"TopicArn": "{topic}", "Message": "x"}),
    (LOG, "dynamodb", "get_item", {"TableName": "{table}", "Key": {"image_name": {"S": "a"}, "execution": {"S": "b"}}}),
    (
        LOG,
        "dynamodb",
        "delete_item",
        {"TableName": "{table}", "Key": {"image_name": {"S": "a"}, "execution": {"S": "b"}}},
    ),
    (LOG, "dynamodb", "scan", {"TableName": "{table}"}),
    (LOG, "s3", "put_object", {"Bucket": "{bucket}", "Key": "html/a.jpg", "Body": b""}),
    (ALERT, "sns", "publish", {"TopicArn": "{topic}", "Message": "x"}),
    (ALERT, "s3", "get_object", {"Bucket": "{bucket}", "Key": "html/plain.jpg"}),
    (
        ALERT,
        "dynamodb",
        "put_item",
        {"TableName": "{table}", "Item": {"image_name": {"S": "a"}, "execution": {"S": "b"}}},
    ),
    (BATCHES, "s3", "list_objects_v2", {"Bucket": "{bucket}"}),
    (BATCHES, "s3", "put_object", {"Bucket": "{bucket}", "Key": "datasets/dogs/runs/r1/summary.json", "Body": b""}),
    (BATCHES, "dynamodb", "scan", {"TableName": "{table}"}),
    (SUMMARY, "s3", "list_objects_v2", {"Bucket": "{bucket}", "Prefix": "html/"}),
    (SUMMARY, "s3", "put_object", {"Bucket": "{bucket}", "Key": "html/a.jpg", "Body": b""}),
    (SCHEDULE, "stepfunctions", "delete_state_machine", {"stateMachineArn": "{machine}"}),
    (SCHEDULE, "lambda", "invoke", {"FunctionName": "AlertPNG"}),
    *((role, "iam", "list_roles", {}) for role in (FETCH, ALERT, LOG, SCHEDULE, BATCHES, SUMMARY)),
]


@pytest.mark.parametrize(("role", "service", "method", "arguments"), TEMPTATIONS)
def test_nothing_else_is_allowed(
    enforced: Enforced,
    take_role: Callable[[str], None],
    role: str,
    service: str,
    method: str,
    arguments: dict[str, Any],
) -> None:
    """Reading, deleting, listing, another role's work: denied by the policies as deployed."""
    take_role(role)
    places = {
        "{bucket}": enforced.stack.outputs["ImageBucketName"],
        "{table}": enforced.stack.outputs["AuditTableName"],
        "{topic}": enforced.stack.outputs["AlertTopicArn"],
        "{machine}": enforced.stack.outputs["StateMachineArn"],
    }
    filled = {name: places.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
    with pytest.raises(ClientError) as denied:
        getattr(boto3.client(service), method)(**filled)
    assert "AccessDenied" in denied.value.response["Error"]["Code"] or "AuthorizationError" in str(denied.value)
