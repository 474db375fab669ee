"""Bulk ingestion on a local AWS: the deployed functions, bucket, table and topic, under the project's own engine.

The emulator's Distributed Map ignores ItemBatcher and ResultWriter, so it cannot run BulkIngest itself: the engine
walks through the file as it is deployed, and every call goes to the emulator. What AWS alone can show (children as
Express executions, the role of the state machine, redrive) is asserted on the translated template.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pupline.asl import StateMachine, TaskError, execute
from pupline.aws._dynamodb import from_attributes
from pupline.tasks.records import AuditRecord
from tests.aws.aws_image_api import BODIES, ImageApi, image_api
from tests.aws.aws_stack import Observed, local_aws, observe
from tests.shared.needed_tools import needs

pytestmark = needs(local_aws.missing())

PATHS = [
    "pug/plain.jpg",
    "pug/real.png",
    "hound-afghan/posing.jpg",
    "pug/gif.jpg",
    "pug/page.jpg",
    "pug/cut.jpg",
    "pug/busy.jpg",
    "pug/later.jpg",
    "pug/gone.jpg",
    "pug/wall.jpg",
    "copy/plain.jpg",
    "other/plain.jpg",
]
MANIFEST = "datasets/dogs/runs/r1/manifest.jsonl"
FILE = local_aws.ROOT / "statemachine" / "bulk_ingest.asl.json"


@pytest.fixture(scope="module")
def api() -> Iterator[ImageApi]:
    """The images."""
    with image_api() as running:
        yield running


@pytest.fixture(scope="module")
def aws(api: ImageApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The stack with a manifest in its bucket."""
    parameters = {"AllowOrigins": api.origin, "Contact": "kennel@example.org"}
    with local_aws.LocalAws(tmp_path_factory.mktemp("bulk") / "ministack.log") as running:
        observed = observe(running.deploy("pupline", parameters))
        lines = [{"index": number, "url": api.url(path), "title": path} for number, path in enumerate(PATHS)]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        observed.stack.client("s3").put_object(
            Bucket=observed.stack.outputs["ImageBucketName"], Key=MANIFEST, Body=body
        )
        yield observed


def tasks_of(observed: Observed) -> dict[str, Callable[[Any], Any]]:
    """The workflow's tasks, each carried out by the emulator."""
    stack = observed.stack
    lambdas, s3, sns = (stack.client(service) for service in ("lambda", "s3", "sns"))

    def function(name: str) -> Callable[[Any], Any]:
        def invoke(payload: Any) -> Any:
            now = {**payload, "started": datetime.now(UTC).isoformat()}  # the engine's time is virtual, theirs is not
            answer = lambdas.invoke(FunctionName=name, Payload=json.dumps(now))
            found = json.loads(answer["Payload"].read())
            if "FunctionError" in answer:
                raise TaskError(found["errorType"], json.dumps(found))
            return found

        return invoke

    return {
        "IngestBatch": function("IngestBatch"),
        "SummariseIngest": function("SummariseIngest"),
        "arn:aws:states:::s3:getObject": lambda asked: s3.get_object(**asked)["Body"].read(),
        "arn:aws:states:::s3:putObject": lambda asked: s3.put_object(
            Bucket=asked["Bucket"], Key=asked["Key"], Body=asked["Body"].encode()
        ),
        "arn:aws:states:::sns:publish": lambda asked: sns.publish(**asked),
    }


def test_a_dataset_is_ingested(aws: Observed, api: ImageApi) -> None:
    """Objects as served, one record and one row each, retries between rounds, one first alert and one digest."""
    outputs = aws.stack.outputs
    filled = {"ImageBucketName": outputs["ImageBucketName"], "PNGAlertTopicArn": outputs["AlertTopicArn"]}
    text = re.sub(r"\$\{(\w+?)\}", lambda found: filled.get(found[1], found[1].removesuffix("Arn")), FILE.read_text())
    machine = StateMachine.parse(text)
    given = {"dataset": "dogs", "source": "kennel", "batch_size": 5, "concurrency": 2}
    result = execute(machine, given, tasks=tasks_of(aws), name="r1")
    assert (result.status, result.error, result.cause) == ("SUCCEEDED", None, None)
    assert isinstance(result.output, dict)
    assert result.output["outcomes"] == {"stored": 7, "quarantined": 2, "duplicate": 1, "failed": 1, "refused": 1}

    stored = aws.objects("html/dogs/")
    assert sorted(stored.values()) == sorted(
        BODIES[path]
        for path in PATHS
        if path in BODIES and path not in ("pug/page.jpg", "pug/cut.jpg", "copy/plain.jpg")
    )
    assert aws.objects("quarantine/dogs/") == {"page.jpg": BODIES["pug/page.jpg"], "cut.jpg": BODIES["pug/cut.jpg"]}
    assert (api.asked["pug/busy.jpg"], api.asked["pug/later.jpg"]) == (2, 2)

    records = records_of(aws)
    assert [record.execution for record in records] == [f"r1-{index:08d}" for index in range(12)]
    assert [record.reason for record in records if record.outcome not in ("stored", "quarantined", "duplicate")] == [
        "not_found",
        "blocked_address",
    ]
    parts = aws.objects("datasets/dogs/metadata/jsonl/run=r1/")
    rows = [json.loads(line) for key in sorted(parts) for line in parts[key].splitlines()]
    by_index = sorted(rows, key=lambda row: int(row["index"]))
    assert [AuditRecord.from_item(row) for row in by_index] == records
    summary = json.loads(aws.objects("datasets/dogs/runs/r1/")["summary.json"])
    assert (summary["status"], summary["done"], summary["alerts"]) == ("SUCCEEDED", 12, 5)
    first, digest = sorted(aws.messages(), key=lambda message: "more images" in message)
    assert "This is the first alert of the run r1" in first
    assert digest.startswith("4 more images of the dataset dogs alerted in the run r1:")


def records_of(aws: Observed) -> list[AuditRecord]:
    """The records of the run; none is in the index by day."""
    items = aws.stack.client("dynamodb").scan(TableName=aws.stack.outputs["AuditTableName"])["Items"]
    assert not [item for item in items if "upload_day" in item]
    found = [AuditRecord.from_item(from_attributes(item)) for item in items]
    return sorted(found, key=lambda record: record.execution)


def test_the_deployed_state_machine_is_there(aws: Observed) -> None:
    """Its definition is the file with the placeholders filled."""
    states = aws.stack.client("stepfunctions")
    found = states.describe_state_machine(stateMachineArn=aws.stack.outputs["BulkStateMachineArn"])
    assert (found["name"], found["type"]) == ("BulkIngest", "STANDARD")
    definition = json.loads(found["definition"])
    assert definition["StartAt"] == "ReadInput"
    assert "${" not in found["definition"]
    reader = definition["States"]["IngestBatches"]["ItemReader"]
    assert reader["Parameters"]["Bucket"] == aws.stack.outputs["ImageBucketName"]
