"""The ports over S3 and DynamoDB keep the rules of the ports, as far as moto is AWS."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

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

pytestmark = pytest.mark.aws


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account with a bucket and a table."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3_client().create_bucket(Bucket="dogs")
        boto3.client("dynamodb").create_table(
            TableName="DogImageUploads",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "image_name", "AttributeType": "S"},
                {"AttributeName": "execution", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "image_name", "KeyType": "HASH"},
                {"AttributeName": "execution", "KeyType": "RANGE"},
            ],
        )
        create_memo_table("DogImageMemos")
        yield


class TestS3Store(ObjectStoreContract):
    """A bucket in S3."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        """The bucket."""
        return S3Store(s3_client(), "dogs")


class TestDynamoDBAuditTable(AuditTableContract):
    """A table in DynamoDB."""

    @pytest.fixture
    def table(self) -> AuditTable:
        """The table."""
        return DynamoDBAuditTable(dynamodb_client(), "DogImageUploads")


class TestDynamoDBMemo(MemoContract):
    """Items in DynamoDB."""

    @pytest.fixture
    def write_once(self) -> WriteOnceStore:
        """Memos in a table of their own."""
        return DynamoDBWriteOnceStore(dynamodb_client(), "DogImageMemos")
