"""What `pupline cost` multiplies is what the functions do: requests, bytes of logs, metrics, and what is deployed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.hooks import HierarchicalEmitter
from moto import mock_aws

from pupline.backends import BULK_NAME, load_workflow
from pupline.cost import CostQuery, Workflows, bills
from pupline.cost._assumptions import DEPLOYED_LOG_BYTES
from pupline.cost._designs import DEPLOYED_EVENTS
from pupline.cost._monthly import DEPLOYED_ALARMS, DEPLOYED_METRICS
from pupline.errors import Outcome
from pupline.http import HttpClient, Response
from pupline.lambdas import alert_png, fetch_and_upload_dog_image, ingest_batch, log_to_dynamodb, summarise_ingest
from pupline.lambdas._metrics import record_metrics, round_metrics, run_metrics
from tests.aws.aws_handlers import cold_start
from tests.aws.aws_template import MISSING, template
from tests.cost.records import record
from tests.shared.functions_fakes import picture
from tests.shared.memo_table import create_audit_table, create_memo_table
from tests.shared.needed_tools import needs

OUTCOMES: tuple[Outcome, ...] = ("stored", "duplicate", "quarantined", "refused", "failed")
URL = "https://images.dog.ceo/breeds/hound-afghan/n02088094_1003.jpg"
PICTURES = {"JPEG": picture("JPEG"), "PNG": picture("PNG")}
PRICED = {
    "PutObject": "s3_put",
    "ListObjectsV2": "s3_put",
    "GetObject": "s3_get",
    "HeadObject": "s3_get",
    "GetItem": "dynamodb_read",
}
BY_STEP_FUNCTIONS_AND_THE_COMMAND = {"s3_put": 3, "s3_get": 1}
"""Of a run: the manifest, the two files of the ResultWriter; the ItemReader."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "DOG_BUCKET": "dogs",
    "DDB_TABLE": "DogImageUploads",
    "MEMO_TABLE": "DogImageMemos",
    "METRICS_NAMESPACE": "pupline",
    "SOURCE": "dog-ceo",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
}


class Context:
    """Lambda's context, with all that a line of the log takes from it."""

    aws_request_id = "8b9c2f60-1d9e-4c1b-9d54-0e5a6f1c2a3b"
    memory_limit_in_mb = "512"

    def __init__(self, name: str) -> None:
        self.function_name = name
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:111122223333:function:{name}"

    def get_remaining_time_in_millis(self) -> int:
        """As of a function that has just begun."""
        return 270_000


class Counted:
    """The functions, in an account that counts. asked: by the price of the request."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.asked: Counter[str] = Counter()
        self.log_bytes: dict[str, int] = {}
        self._capsys = capsys

    def call(self, name: str, event: dict[str, Any]) -> Any:
        """What a function answers; the bytes of its log are kept."""
        handlers: Mapping[str, Any] = {
            "FetchAndUploadDogImage": fetch_and_upload_dog_image.handler,
            "AlertPNG": alert_png.handler,
            "LogToDynamoDB": log_to_dynamodb.handler,
            "IngestBatch": ingest_batch.handler,
            "SummariseIngest": summarise_ingest.handler,
        }
        self._capsys.readouterr()
        answer = handlers[name](event, Context(name))
        self.log_bytes[name] = len(self._capsys.readouterr().out.encode())
        return answer

    def count(self, operation: str, params: Mapping[str, Any]) -> None:
        """One request. A record with its day is written to the index, too."""
        if operation == "PutItem":
            self.asked["dynamodb_write"] += 1 + ("upload_day" in params["Item"])
        else:
            self.asked[PRICED[operation]] += 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counted]:
    """The functions in an empty account; every image is a JPEG."""
    found = Counted(capsys)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws(), cold_start():
        boto3.client("s3").create_bucket(Bucket="dogs")
        create_memo_table("DogImageMemos")
        create_audit_table("DogImageUploads")
        emit = HierarchicalEmitter.emit

        def listening(self: Any, event: str, **given: Any) -> Any:
            if event.startswith("provide-client-params."):
                found.count(event.split(".")[2], given["params"])
            return emit(self, event, **given)

        monkeypatch.setattr(HierarchicalEmitter, "emit", listening)
        serve(monkeypatch, "JPEG")
        yield found


def serve(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Let every host answer: the API with the URL of an image, the others with one of this kind."""

    def get(_: HttpClient, url: str, **__: Any) -> Response:
        if url.startswith("https://dog.ceo/"):
            return Response(
                url, 200, {}, json.dumps({"message": URL, "status": "success"}).encode(), "application/json"
            )
        return Response(url, 200, {}, PICTURES[kind] + url.encode(), "image/jpeg")

    monkeypatch.setattr(HttpClient, "get", get)


def quantities(images: int, design: str) -> dict[str, float]:
    """The quantities of a bill."""
    workflows = Workflows.of(load_workflow(), load_workflow(is_express=True), load_workflow(BULK_NAME))
    (bill,) = [bill for bill in bills(workflows, CostQuery(images)) if bill.design == design]
    return {item.price: float(item.quantity) for item in bill.items}


def requests_in(quantities: Mapping[str, float]) -> dict[str, float]:
    """The requests among them."""
    return {name: count for name, count in quantities.items() if name in {*PRICED.values(), "dynamodb_write"}}


@pytest.mark.slow
@pytest.mark.parametrize("given", [{}, {"breed": "hound/afghan"}])
def test_the_bill_of_an_image_has_its_requests(counted: Counted, given: dict[str, str]) -> None:
    """One execution with the real functions: each request is in the bill of either type, and its logs are as long."""
    image = counted.call("FetchAndUploadDogImage", {**given, "Name": "20261122-170000-ab12-00001"})
    logged = {"execution": "20261122-170000-ab12-00001", "image": image, "alert_triggered": False}
    counted.call("LogToDynamoDB", logged)
    for design in ("stack", "stack_express"):
        found = quantities(1, design)
        assert requests_in(found) == counted.asked
        assert found["lambda_request"] == 2
        own = sum(counted.log_bytes.values())
        assert found["logs_gb"] * 10**9 == pytest.approx(own + 2 * 480, rel=0.1)


@pytest.mark.slow
def test_the_bill_of_a_run_has_its_requests(counted: Counted) -> None:
    """A hundred images in one batch, and the summary: each request is in the bill, and its logs are as long."""
    lines = [{"index": index, "item": {"url": URL.replace("1003", str(index))}} for index in range(100)]
    run = {"run": "20261122-170000-ab12", "dataset": "dog-ceo", "source": "dog-ceo", "heed_robots": False}
    answer = counted.call("IngestBatch", {"batch": {"BatchInput": run, "Items": lines}})
    assert answer["outcomes"] == {"stored": 100}
    counted.call("SummariseIngest", {**run, "execution": run["run"], "items": 100})
    found = quantities(100, "bulk")
    assert requests_in(found) == counted.asked + Counter(BY_STEP_FUNCTIONS_AND_THE_COMMAND)
    assert found["lambda_request"] == 2
    own = sum(counted.log_bytes.values())
    assert found["logs_gb"] * 10**9 == pytest.approx(own + 2 * 480, rel=0.1)


@pytest.mark.slow
def test_lines_of_the_log_are_as_long_as_is_said(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bill takes for an invocation is near what each function logs."""
    serve(monkeypatch, "PNG")
    image = counted.call("FetchAndUploadDogImage", {"Name": "20261122-170000-ab12-00001"})
    execution = {"execution": "20261122-170000-ab12-00001", "image": image}
    counted.call("AlertPNG", {**execution, "reason": "png_content", "message": "m"})
    counted.call("LogToDynamoDB", {**execution, "alert_triggered": True, "alert_sent": True})
    run = {"run": "20261122-170000-ab12", "dataset": "dog-ceo", "source": "dog-ceo", "heed_robots": False}
    counted.call("IngestBatch", {"batch": {"BatchInput": run, "Items": [{"index": 0, "item": {"url": URL}}]}})
    for name, size in counted.log_bytes.items():
        assert size == pytest.approx(DEPLOYED_LOG_BYTES[name], rel=0.25), name


def metrics_in(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """The metrics that lines in the Embedded Metric Format add to: a name, and the values of its dimensions."""
    for line in lines:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                values = tuple(sorted((name, line[name]) for name in names))
                yield from ((metric["Name"], values) for metric in directive["Metrics"])


def test_each_metric_is_in_the_monthly_bill() -> None:
    """AWS bills a name with each combination of dimensions."""
    items = [record(outcome=outcome).as_item() for outcome in OUTCOMES]
    lines = [record_metrics(item, "pupline", 0.0) for item in items]
    result = {"outcomes": dict.fromkeys(OUTCOMES, 1), "bytes": 1, "alerts": {"kinds": {}}, "first_alert": None}
    lines += round_metrics({**result, "seconds": 1.0, "again": []}, "pupline", 0.0)
    lines.append(run_metrics({"items": 1, "failed": 0}, 0.0, "pupline", 1.0))
    assert len(set(metrics_in(lines))) == DEPLOYED_METRICS


@pytest.mark.slow
@needs(MISSING)
def test_what_the_template_deploys_is_in_the_monthly_bill() -> None:
    """Its alarms, its dashboard and its key, and whether the bucket's events go to EventBridge."""
    resources = template()["Resources"]
    kinds = Counter(resource["Type"] for resource in resources.values())
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    watched = [sum("MetricStat" in metric for metric in alarm.get("Metrics", ())) or 1 for alarm in alarms]
    assert sum(watched) == DEPLOYED_ALARMS
    assert (kinds["AWS::CloudWatch::Dashboard"], kinds["AWS::KMS::Key"]) == (1, 1)
    notifications = resources["ImageBucket"]["Properties"].get("NotificationConfiguration", {})
    assert ("EventBridgeConfiguration" in notifications) == DEPLOYED_EVENTS
