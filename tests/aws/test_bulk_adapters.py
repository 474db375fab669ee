"""What the adapters do for bulk: records in groups, derived files over what was there, listings; and what it costs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter
from moto import mock_aws

from pupline.aws import DynamoDBAuditTable, S3Store, dynamodb_client, from_attributes, s3_client
from pupline.aws._dynamodb import BATCH_ATTEMPTS, BATCH_SECONDS, WRITES_AT_ONCE
from pupline.cost import PRICES_USD
from pupline.cost._requests import BATCH_GETS, BATCH_PUTS
from pupline.errors import ConfigurationError, NotFound, StorageError
from pupline.http import HttpClient, Response
from pupline.lambdas import ingest_batch
from pupline.tasks.records import AuditRecord
from tests.aws.aws_handlers import Context, cold_start
from tests.aws.aws_image_api import JPEG
from tests.shared.memo_table import create_audit_table, create_memo_table

RECORD = AuditRecord(
    image_name="dogs/a.jpg",
    upload_timestamp="2026-01-31T12:00:00.000Z",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    execution="r1-00000000",
)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with a bucket and the table; its credentials open nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "DOG_BUCKET": "dogs",
        "DDB_TABLE": "T",
        "MEMO_TABLE": "M",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="dogs")
        create_memo_table("M")
        create_audit_table("T")
        yield


def records(count: int) -> list[AuditRecord]:
    """So many, each of its own execution."""
    return [replace(RECORD, execution=f"r1-{number:08d}") for number in range(count)]


def items() -> list[dict[str, Any]]:
    """What is in the table."""
    return [from_attributes(item) for item in boto3.client("dynamodb").scan(TableName="T")["Items"]]


class UnsteadyTable:
    """A client of DynamoDB that refuses records before it takes them. refusals: how often, by execution."""

    def __init__(self, refusals: dict[str, int], code: str = "ThrottlingException") -> None:
        self.taken: list[str] = []
        self.asked: Counter[str] = Counter()
        self._refusals = refusals
        self._code = code

    def put_item(self, **given: Any) -> None:
        """As the real one."""
        assert given["ConditionExpression"] == "attribute_not_exists(image_name)"
        execution = given["Item"]["execution"]["S"]
        self.asked[execution] += 1
        if self.asked[execution] <= self._refusals.get(execution, 0):
            raise ClientError({"Error": {"Code": self._code, "Message": "m"}}, "PutItem")
        self.taken.append(execution)


def test_records_of_a_batch_stay_out_of_the_index() -> None:
    """All of them are written; again changes nothing; none has a day."""
    table = DynamoDBAuditTable(dynamodb_client(), "T")
    for _ in range(2):
        table.put_many(records(60))
    assert sorted(item["execution"] for item in items()) == [record.execution for record in records(60)]
    assert not [item for item in items() if "upload_day" in item]
    table.put_many([])


def test_what_dynamodb_refuses_is_sent_again() -> None:
    """After a pause that grows; only what was refused."""
    client, slept = UnsteadyTable({"r1-00000001": 2}), list[float]()
    DynamoDBAuditTable(client, "T", slept.append).put_many(records(3))
    assert sorted(client.taken) == [record.execution for record in records(3)]
    assert client.asked == {"r1-00000000": 1, "r1-00000001": 3, "r1-00000002": 1}
    assert slept == [0.1, 0.2]


def test_a_table_that_takes_nothing_is_a_storage_error() -> None:
    """After some attempts, with how many were left: the workflow tries the batch again."""
    client, slept = UnsteadyTable({"r1-00000000": 9}), list[float]()
    with pytest.raises(StorageError, match=r"dogs/a.jpg of r1-00000000 .*: m; 1 of 2 records of the batch were not"):
        DynamoDBAuditTable(client, "T", slept.append).put_many(records(2))
    assert client.taken == ["r1-00000001"]
    assert client.asked["r1-00000000"] == BATCH_ATTEMPTS
    assert slept == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_writing_a_batch_ends_in_time() -> None:
    """A table that answers too slowly does not use up the function's time: what is left is for the next attempt."""
    client = UnsteadyTable({record.execution: 1 for record in records(100)})
    now = iter(range(1_000))
    with pytest.raises(StorageError, match="100 of 100 records"):
        DynamoDBAuditTable(client, "T", lambda _: None, lambda: next(now)).put_many(records(100))
    assert client.asked.total() <= BATCH_SECONDS


def test_no_more_records_are_written_at_once_than_a_client_has_connections() -> None:
    """A connection for each: urllib3 discards further ones, and each would need a new handshake."""
    assert dynamodb_client().meta.config.max_pool_connections >= WRITES_AT_ONCE


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ProvisionedThroughputExceededException", StorageError), ("AccessDeniedException", ConfigurationError)],
)
def test_an_error_of_the_table_is_one_of_ours(code: str, kind: type[Exception]) -> None:
    """What may pass is for Retry, what will not is for the operator, at once."""
    client, slept = UnsteadyTable({"r1-00000000": 9}, code), list[float]()
    with pytest.raises(kind, match=f"writing dogs/a.jpg of r1-00000000 to the table T: {code}: m"):
        DynamoDBAuditTable(client, "T", slept.append).put_many([RECORD])
    assert bool(slept) == (kind is StorageError)


def test_a_derived_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """From memory or from a file; its type is kept."""
    store = S3Store(s3_client(), "dogs")
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(b"second")
    assert store.put("a b", b"first", "text/plain") == "https://dogs.s3.us-east-1.amazonaws.com/a%20b"
    store.put("a b", path, "application/x-ndjson")
    found = boto3.client("s3").get_object(Bucket="dogs", Key="a b")
    assert (found["Body"].read(), found["ContentType"]) == (b"second", "application/x-ndjson")


@pytest.mark.parametrize("as_file", [False, True])
def test_a_bucket_that_is_not_there_is_said(tmp_path: Path, as_file: bool) -> None:
    """With what was being done, for a large file in parts too."""
    path = tmp_path / "x"
    path.write_bytes(b"x" * 9_000_000)
    with pytest.raises((ConfigurationError, StorageError), match=r"storing s3://no-dogs/k: .*NoSuchBucket"):
        S3Store(s3_client(), "no-dogs").put("k", path if as_file else b"x", "text/plain")


def test_keys_are_listed_page_by_page_in_order() -> None:
    """All below the prefix, however many, and no others."""
    s3 = boto3.client("s3")
    for number in range(1_003):
        s3.put_object(Bucket="dogs", Key=f"p/{number:05d}", Body=b"")
    s3.put_object(Bucket="dogs", Key="q/1", Body=b"")
    assert list(S3Store(s3_client(), "dogs").keys("p/")) == [f"p/{number:05d}" for number in range(1_003)]
    assert list(S3Store(s3_client(), "dogs").keys("r/")) == []


PRICED = {"PutObject": "s3_put", "GetObject": "s3_get", "HeadObject": "s3_get", "ListObjectsV2": "s3_put"}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What has to be paid for of the calls made from now on, under the names of the price table."""
    found: Counter[str] = Counter()
    emit = HierarchicalEmitter.emit
    counting = Lock()  # records are written by several threads

    def listening(self: Any, event: str, **given: Any) -> Any:
        service, operation = event.split(".")[1:3] if event.startswith("provide-client-params.") else ("", "")
        with counting:
            if service == "s3":
                found[PRICED[operation]] += 1
            elif service == "dynamodb":
                found["dynamodb_write"] += write_units(given["params"]["Item"])
        return emit(self, event, **given)

    monkeypatch.setattr(HierarchicalEmitter, "emit", listening)
    return found


def write_units(item: dict[str, Any]) -> int:
    """One for each kilobyte begun, names and values as DynamoDB counts them."""
    size = sum(len(name) + len(str(next(iter(value.values()))).encode()) for name, value in item.items())
    return -(-size // 1024)


def test_a_batch_costs_little_more_than_its_images(counted: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred images: one PUT and one write each, and two reads and two writes of S3 for the whole batch.

    All that a million costs, with the prices of the one table, is within 1.25 times the floor.
    """

    def get(_: HttpClient, url: str, **__: Any) -> Response:
        if url.endswith("/robots.txt"):
            raise NotFound(url)
        return Response(url, 200, {"etag": '"x"'}, JPEG + url.encode(), "image/jpeg")

    monkeypatch.setattr(HttpClient, "get", get)
    lines = [
        {"index": index, "item": {"url": f"https://images.dog.ceo/breeds/hound-afghan/n02088094_{index}.jpg"}}
        for index in range(100)
    ]
    given = {"run": "20261122-170000-ab12", "dataset": "dog-ceo", "source": "dog-ceo"}
    event: Any = {"batch": {"BatchInput": given, "Items": lines}}
    with cold_start():
        answer = ingest_batch.handler(event, Context())
    assert answer["outcomes"] == {"stored": 100}
    assert counted == {"s3_put": 100 + BATCH_PUTS, "s3_get": BATCH_GETS, "dynamodb_write": 100}
    calls = sum((PRICES_USD[name] * count for name, count in counted.items()), Decimal(0)) * 10_000
    floor = (PRICES_USD["s3_put"] + PRICES_USD["dynamodb_write"]) * 1_000_000
    assert calls < Decimal("1.03") * floor
