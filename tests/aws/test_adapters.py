"""The AWS adapters: what they send, what they make of AWS's errors, and objects that others wrote."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from moto import mock_aws

from pupline.aws import (
    DynamoDBAuditTable,
    DynamoDBWriteOnceStore,
    S3Store,
    dynamodb_client,
    s3_client,
)
from pupline.aws._clients import ATTEMPTS, storage_errors
from pupline.aws._dynamodb import to_attributes
from pupline.errors import ConfigurationError, InvalidInput, StorageError
from pupline.tasks.ports import NoSuchUpload, ObjectToCreate
from pupline.tasks.records import AuditRecord

BODY = b"woof"
DIGEST = sha256(BODY).hexdigest()
RECORD = AuditRecord(
    image_name="a.jpg",
    upload_timestamp="2026-01-31T12:00:00.000Z",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    execution="run-1",
    size_bytes=4,
)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that open nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def bucket() -> Iterator[Any]:
    """An S3 client in an account with the bucket `dogs`."""
    with mock_aws():
        client = s3_client()
        client.create_bucket(Bucket="dogs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


def an_object(owner: str = "run-1") -> ObjectToCreate:
    """An object to create."""
    return ObjectToCreate("html/ä b.jpg", BODY, DIGEST, "image/jpeg", owner)


def test_an_object_is_put_conditionally_and_checked() -> None:
    """If-None-Match keeps what is there, the checksum makes S3 verify what arrived."""
    client = s3_client()
    with Stubber(client) as stub:
        stub.add_response(
            "put_object",
            {},
            {
                "Bucket": "dogs",
                "Key": "html/ä b.jpg",
                "Body": BODY,
                "ContentType": "image/jpeg",
                "ChecksumSHA256": b64encode(bytes.fromhex(DIGEST)).decode(),
                "IfNoneMatch": "*",
                "Metadata": {"sha256": DIGEST, "owner": "run-%C3%BC"},
            },
        )
        held = S3Store(client, "dogs").create(an_object("run-ü"))
    assert held.url == "https://dogs.s3.eu-central-1.amazonaws.com/html/%C3%A4%20b.jpg"


@pytest.mark.parametrize(
    "region",
    ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "us-iso-east-1", "us-isob-east-1"],
)
def test_the_recorded_url_is_in_the_domain_of_its_partition(region: str) -> None:
    """As botocore knows it: `amazonaws.com.cn` in China."""
    client = boto3.client("s3", region_name=region)
    parts = urlsplit(client.meta.endpoint_url)
    domain = str(parts.hostname).removeprefix("s3.").removeprefix(f"{region}.")
    assert S3Store(client, "dogs").url("html/rex.jpg") == f"https://dogs.s3.{region}.{domain}/html/rex.jpg"


def test_a_record_is_put_conditionally_with_its_day() -> None:
    """Nothing is overwritten, and the index by day finds the record."""
    client = dynamodb_client()
    with Stubber(client) as stub:
        expected = {
            "TableName": "T",
            "Item": ANY,
            "ConditionExpression": "attribute_not_exists(image_name)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        stub.add_response("put_item", {}, expected)
        sent: dict[str, Any] = {}
        client.meta.events.register("before-parameter-build.dynamodb.PutItem", lambda params, **_: sent.update(params))
        assert DynamoDBAuditTable(client, "T").put(RECORD) == RECORD
    assert sent["Item"]["upload_day"] == {"S": "2026-01-31"}
    assert sent["Item"]["size_bytes"] == {"N": "4"}
    assert sent["Item"]["alert_triggered"] == {"BOOL": False}


@pytest.mark.parametrize("with_checksum", [False, True])
def test_an_object_that_somebody_else_put_is_recognised(bucket: Any, with_checksum: bool) -> None:
    """Without our metadata the bytes are compared by S3's checksum, or by reading them."""
    options = {"ChecksumAlgorithm": "SHA256"} if with_checksum else {}
    bucket.put_object(Bucket="dogs", Key="html/ä b.jpg", Body=BODY, **options)
    held = S3Store(bucket, "dogs").create(an_object())
    assert (held.sha256, held.owner) == (DIGEST, "")


def aws_answer(status: int, code: str) -> Any:
    """What botocore gets for an error of S3."""
    content = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    facts = {"status_code": status, "headers": {}, "content": content, "raw": None, "text": ""}
    return type("Answer", (), facts)()


def client_error(status: int, code: str) -> Any:
    """A stubbed S3 client that answers everything with this error."""
    client = s3_client()
    client.meta.events.register("before-send.s3", lambda **_: aws_answer(status, code))
    return client


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SlowDown", StorageError),
        (500, "InternalError", StorageError),
        (409, "ConditionalRequestConflict", StorageError),
        (400, "RequestTimeout", StorageError),
        (400, "BadDigest", StorageError),
        (403, "AccessDenied", ConfigurationError),
        (404, "NoSuchBucket", ConfigurationError),
    ],
)
def test_what_may_pass_is_a_storage_error(status: int, code: str, kind: type[Exception]) -> None:
    """The workflow retries StorageError; what no retry can mend is for the operator, and says what was being done."""
    with pytest.raises(kind, match=rf"storing s3://dogs/html/ä b.jpg: {code}: m"):
        S3Store(client_error(status, code), "dogs").create(an_object())


def test_a_request_is_repeated_twice_by_the_client() -> None:
    """Then the workflow repeats the task."""
    client, calls = client_error(503, "SlowDown"), []
    client.meta.events.register_first("before-send.s3", lambda **_: calls.append(1))
    with pytest.raises(StorageError, match="SlowDown"):
        S3Store(client, "dogs").create(an_object())
    assert len(calls) == ATTEMPTS == 3


def test_another_write_under_way_is_waited_for(bucket: Any) -> None:
    """S3 answers 409 to the second of two conditional writes at the same time, and asks to repeat it."""
    conflicts = [aws_answer(409, "ConditionalRequestConflict"), aws_answer(409, "ConditionalRequestConflict"), None]
    bucket.meta.events.register_first("before-send.s3.PutObject", lambda **_: conflicts.pop(0))
    assert S3Store(bucket, "dogs").create(an_object()).owner == an_object().owner
    assert conflicts == []


def test_a_body_that_breaks_off_is_read_again(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore repeats requests, but no answer whose body is under way."""
    bucket.put_object(Bucket="dogs", Key="k", Body=BODY)
    read, broken = StreamingBody.read, [True, True]

    def breaking(self: StreamingBody, amt: int | None = None) -> bytes:
        if broken:
            broken.pop()
            raise ReadTimeoutError(endpoint_url="https://dogs.example")
        return bytes(read(self, amt))

    monkeypatch.setattr(StreamingBody, "read", breaking)
    assert S3Store(bucket, "dogs").read("k") == BODY
    broken[:] = [True] * ATTEMPTS
    with pytest.raises(StorageError, match="reading s3://dogs/k: Read timeout"):
        S3Store(bucket, "dogs").read("k")


def test_not_being_allowed_to_list_means_absent() -> None:
    """Without s3:ListBucket, S3 denies access to a key that is not there."""
    with pytest.raises(KeyError):
        S3Store(client_error(403, "AccessDenied"), "dogs").read("html/a.jpg")


def test_a_lost_connection_is_a_storage_error() -> None:
    """botocore's own errors are ours too."""
    with pytest.raises(StorageError, match="storing x: Could not connect"), storage_errors("storing x"):
        raise EndpointConnectionError(endpoint_url="https://dogs.example")


def test_no_region_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to set."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(ConfigurationError, match=r"no client for dynamodb: .*; set AWS_DEFAULT_REGION"):
        dynamodb_client()


def memo(value: str, expires_at: int = 1_000_000 + 30 * 24 * 3600) -> dict[str, Any]:
    """A memo as it lies in the table."""
    return {"memo_name": {"S": "run-1/picked"}, "value": {"S": value}, "expires_at": {"N": str(expires_at)}}


def test_a_memo_is_decided_and_read_by_one_request() -> None:
    """A refused put answers with what is there, so nobody reads after it. DynamoDB deletes a memo after 30 days."""
    client = dynamodb_client()
    expected = {
        "TableName": "memos",
        "Item": memo("https://images.example/new.jpg"),
        "ConditionExpression": "attribute_not_exists(memo_name)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    store = DynamoDBWriteOnceStore(client, "memos", now=lambda: 1_000_000.5)
    with Stubber(client) as stub:
        stub.add_response("put_item", {}, expected)
        assert store.remember("run-1/picked", "https://images.example/new.jpg") == "https://images.example/new.jpg"
        stub.add_client_error(
            "put_item",
            "ConditionalCheckFailedException",
            modeled_fields={"Item": memo("https://images.example/first.jpg")},
            expected_params=expected,
        )
        assert store.remember("run-1/picked", "https://images.example/new.jpg") == "https://images.example/first.jpg"


def test_a_memo_counts_until_it_is_deleted() -> None:
    """DynamoDB deletes within days of `expires_at`: until then every attempt sees the same choice."""
    client = dynamodb_client()
    with Stubber(client) as stub:
        wanted = {"TableName": "memos", "Key": {"memo_name": {"S": "run-1/picked"}}, "ConsistentRead": True}
        stub.add_response("get_item", {"Item": memo("https://images.example/old.jpg", expires_at=1)}, wanted)
        assert DynamoDBWriteOnceStore(client, "memos").recall("run-1/picked") == "https://images.example/old.jpg"


@pytest.mark.parametrize("item", [None, {}, {"value": {"N": "1"}}, {"value": {"S": "x" * 16_385}}])
def test_what_is_not_a_memo_is_said(item: dict[str, Any] | None) -> None:
    """Somebody else's item under its name is a matter for the operator, not an error without a meaning."""
    client = dynamodb_client()
    store = DynamoDBWriteOnceStore(client, "memos")
    words = "the item run-1/picked of the table memos is not a memo of pupline; delete it"
    given = {} if item is None else {"Item": {"memo_name": {"S": "run-1/picked"}, **item}}
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ConditionalCheckFailedException", modeled_fields=given)
        with pytest.raises(ConfigurationError, match=words):
            store.remember("run-1/picked", "x")
        if item is not None:
            stub.add_response("get_item", given)
            with pytest.raises(ConfigurationError, match=words):
                store.recall("run-1/picked")


def test_what_is_not_a_record_is_said() -> None:
    """As with memos. What others add to a record, such as a score, is ignored."""
    client = dynamodb_client()
    with Stubber(client) as stub:
        table = DynamoDBAuditTable(client, "audit")
        others = [{"image_name": "a.jpg"}, {**RECORD.as_item(), "breed": {"a", "b"}}]
        for there in [*others, {**RECORD.as_item(), "score": Decimal("0.93")}]:
            found = {"Item": to_attributes(there)}
            stub.add_client_error("put_item", "ConditionalCheckFailedException", modeled_fields=found)
        for _ in others:
            with pytest.raises(
                ConfigurationError, match="in the table audit is not an audit record of pupline; delete"
            ):
                table.put(RECORD)
        assert table.put(RECORD) == RECORD


def test_a_memo_is_small() -> None:
    """What is longer than any URL that is fetched is refused before it is sent, and not retried."""
    with pytest.raises(InvalidInput, match="run-1/picked has 16,385 bytes; at most 16,384 are kept"):
        DynamoDBWriteOnceStore(dynamodb_client(), "memos").remember("run-1/picked", "x" * 16_385)


UPLOAD = "datasets/dogs/runs/r1/failures.jsonl"


@pytest.mark.parametrize("is_ours", [True, False])
def test_an_upload_whose_completion_was_not_heard_of_is_complete(is_ours: bool) -> None:
    """S3 has no such upload any more; the object's metadata tell ours from another."""
    client = s3_client()
    with Stubber(client) as s3:
        s3.add_response("create_multipart_upload", {"UploadId": "u1"})
        s3.add_client_error("complete_multipart_upload", "NoSuchUpload", http_status_code=404)
        store = S3Store(client, "dogs")
        upload = store.start_upload(UPLOAD, "application/x-ndjson")
        token = upload.partition(":")[0]
        s3.add_response("head_object", {"Metadata": {"upload": token if is_ours else "another"}})
        with nullcontext() if is_ours else pytest.raises(NoSuchUpload):
            store.complete_upload(UPLOAD, upload, [{"ETag": '"1"', "ChecksumSHA256": "c"}])


def test_a_part_of_an_upload_that_is_gone_has_its_own_error() -> None:
    """Whoever continues one begins again then."""
    client = s3_client()
    with Stubber(client) as s3:
        s3.add_client_error("upload_part", "NoSuchUpload", http_status_code=404)
        with pytest.raises(NoSuchUpload):
            S3Store(client, "dogs").upload_part(UPLOAD, "token:u1", 1, b"part")


def test_an_upload_that_is_gone_without_an_object_has_to_begin_again() -> None:
    """It was given up."""
    client = s3_client()
    with Stubber(client) as s3:
        s3.add_client_error("complete_multipart_upload", "NoSuchUpload", http_status_code=404)
        s3.add_client_error("head_object", "404", http_status_code=404)
        with pytest.raises(NoSuchUpload):
            S3Store(client, "dogs").complete_upload(UPLOAD, "token:u1", [{"ETag": '"1"', "ChecksumSHA256": "c"}])
