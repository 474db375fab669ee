"""The ports over S3 and DynamoDB keep the rules of the ports, on an AWS that answers over HTTP."""

from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from pupline.aws import (
    DynamoDBAuditTable,
    DynamoDBWriteOnceStore,
    S3Store,
    dynamodb_client,
    s3_client,
)
from pupline.tasks.ports import AuditTable, ObjectStore, WriteOnceStore
from tests.contract.port_contracts import AuditTableContract, MemoContract, ObjectStoreContract
from tests.shared.memo_table import create_memo_table
from tests.shared.needed_tools import needs
from tools import local_aws

pytestmark = [
    pytest.mark.aws,
    needs(local_aws.missing()),
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a local AWS is."""
    with local_aws.LocalAws(tmp_path_factory.mktemp("contract") / "ministack.log") as running:
        yield running.endpoint


@pytest.fixture
def name(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that no other test uses; and from now on AWS is there."""
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": local_aws.REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(variable, value)
    return f"dogs-{uuid4().hex}"


@pytest.fixture
def bucket(name: str) -> str:
    """An empty bucket."""
    s3_client().create_bucket(Bucket=name)
    return name


class TestS3StoreOverHttp(ObjectStoreContract):
    """A bucket in S3."""

    @pytest.fixture
    def store(self, bucket: str) -> ObjectStore:
        """The bucket."""
        return S3Store(s3_client(), bucket)


class TestDynamoDBMemoOverHttp(MemoContract):
    """Items in DynamoDB."""

    @pytest.fixture
    def write_once(self, name: str) -> WriteOnceStore:
        """An empty table of memos."""
        create_memo_table(name)
        return DynamoDBWriteOnceStore(dynamodb_client(), name)


class TestDynamoDBAuditTableOverHttp(AuditTableContract):
    """A table in DynamoDB."""

    @pytest.fixture
    def table(self, name: str) -> AuditTable:
        """An empty table."""
        keys = {"image_name": "HASH", "execution": "RANGE"}
        boto3.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        )
        return DynamoDBAuditTable(dynamodb_client(), name)
