"""Requests that AWS throttles, or whose answers are lost: repeated one by one, so that no image is fetched again."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import botocore_stubber

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.errors import NotFound
from pupline.http import HttpClient, Response
from pupline.lambdas import ingest_batch, summarise_ingest
from tests.aws.aws_handlers import Context, cold_start
from tests.aws.aws_image_api import JPEG
from tests.aws.test_adapters import RECORD, aws_answer
from tests.shared.memo_table import create_audit_table

IMAGES = 30
RUN = {"run": "r1", "dataset": "dogs", "source": "kennel"}
BATCH: Any = {
    "batch": {
        "BatchInput": RUN,
        "Items": [{"index": number, "item": {"url": f"https://a.example/{number}.jpg"}} for number in range(IMAGES)],
    }
}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each URL was requested, in an account with a bucket and the table, by a session of its own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DOG_BUCKET": "dogs",
        "DDB_TABLE": "T",
        "MEMO_TABLE": "M",
    }.items():
        monkeypatch.setenv(name, value)
    found: Counter[str] = Counter()

    def get(_: HttpClient, url: str, **__: Any) -> Response:
        found[url] += 1
        if url.endswith("/robots.txt"):
            raise NotFound(url)
        return Response(url, 200, {}, JPEG + url.encode(), "image/jpeg")

    monkeypatch.setattr(HttpClient, "get", get)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws(), cold_start():
        boto3.client("s3").create_bucket(Bucket="dogs")
        create_audit_table("T")
        yield found


def fail_first_attempts(*, carried_out: bool) -> Counter[str]:
    """Answer the first attempt of each request with SlowDown; how often, by operation. carried_out: but do it."""
    met: Counter[str] = Counter()

    def answer(request: Any, event_name: str, **_: Any) -> Any:
        if "attempt=1;" not in f"{request.headers['amz-sdk-request']};":
            return None
        met[event_name.rpartition(".")[2]] += 1
        if carried_out:
            botocore_stubber(event_name, request)
        return aws_answer(503, "SlowDown")

    assert boto3.DEFAULT_SESSION
    events = boto3.DEFAULT_SESSION.events
    events.register_first("before-send.s3", answer)
    events.register_first("before-send.dynamodb", answer)
    return met


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_throttled_request_fetches_no_image_again(asked: Counter[str], carried_out: bool) -> None:
    """Each is repeated alone. What the first attempt has stored is ours, and no duplicate."""
    met = fail_first_attempts(carried_out=carried_out)
    answer = ingest_batch.handler(BATCH, Context())
    assert answer["outcomes"] == {"stored": IMAGES}
    assert asked == {item["item"]["url"]: 1 for item in BATCH["batch"]["Items"]} | {"https://a.example/robots.txt": 1}
    assert met["PutObject"] == IMAGES + 2
    summary = summarise_ingest.handler({**RUN, "items": IMAGES, "tolerate": 0}, Context())
    assert (summary["done"], summary["complete"]) == (IMAGES, True)
    assert {"GetObject", "ListObjectsV2"} <= met.keys()
    found = boto3.resource("dynamodb").Table("T").scan()["Items"]
    assert Counter((item["outcome"], item["reason"]) for item in found) == {("stored", "accepted"): IMAGES}


def test_a_record_whose_answer_is_lost_is_there_once() -> None:
    """The condition fails for the second attempt, which gets the record of the first."""
    met = fail_first_attempts(carried_out=True)
    assert DynamoDBAuditTable(dynamodb_client(), "T").put(RECORD) == RECORD
    assert met == {"PutItem": 1}
