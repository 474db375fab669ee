"""`pupline audit --export`: the whole table into the bucket, for Athena."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from pupline.aws import DynamoDBAuditTable, dynamodb_client, from_attributes
from pupline.backends import AuditExport, Note, StackBackend
from pupline.backends.stack._polling import Timer
from pupline.errors import PuplineError
from pupline.tasks.records import AuditRecord
from tests.backends.stack_fakes import FakeStack, VirtualTimer
from tests.backends.stack_fixtures import fake_stack
from tests.cli.conftest import pupline
from tests.contract.port_contracts import a_record

pytestmark = pytest.mark.aws


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStack]:
    """The stack `pupline`, with a record of a single image and two of a batch, which can be exported."""
    with fake_stack(monkeypatch, tmp_path) as stack:
        boto3.client("dynamodb").update_continuous_backups(
            TableName="DogImageUploads", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        table = DynamoDBAuditTable(dynamodb_client(), "DogImageUploads")
        table.put(a_record())
        table.put_many([a_record(f"{number}.jpg", f"bulk-{number:08d}") for number in range(2)])
        yield stack


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Makes the calls for exports get these descriptions in turn; the arguments of the calls."""
    call = BaseClient._make_api_call

    def give(*descriptions: dict[str, Any]) -> list[dict[str, Any]]:
        left, asked = list(descriptions), list[dict[str, Any]]()

        def answer(self: Any, operation: str, given: dict[str, Any]) -> Any:
            if operation not in {"ExportTableToPointInTime", "DescribeExport"}:
                return call(self, operation, given)
            asked.append(given)
            return {"ExportDescription": {"ExportArn": "arn:aws:dynamodb:r:1:table/T/export/0169-ab", **left.pop(0)}}

        monkeypatch.setattr(BaseClient, "_make_api_call", answer)
        return asked

    return give


def export() -> tuple[AuditExport, list[str], float]:
    """What the backend answers and says, and how long it waits."""
    heard, timer = list[Note](), VirtualTimer()
    found = StackBackend("pupline", Timer(timer.now, timer.sleep)).export_audit(heard.append)
    return found, [note.text for note in heard], timer.now()


def test_every_record_is_exported(deployed: FakeStack) -> None:  # noqa: ARG001
    """Single images and bulk, each a line with `Item`, below the prefix that the Glue table reads."""
    found, (said,), _ = export()
    assert found.records == 3
    assert found.location == f"s3://dogs/audit/AWSDynamoDB/{found.export}/data/"
    assert f"Export {found.export} has started" in said
    s3 = boto3.client("s3")
    (key,) = (one["Key"] for one in s3.list_objects_v2(Bucket="dogs", Prefix="audit/AWSDynamoDB/")["Contents"])
    lines = gzip.decompress(s3.get_object(Bucket="dogs", Key=key)["Body"].read()).splitlines()
    records = [AuditRecord.from_item(from_attributes(json.loads(line)["Item"])) for line in lines]
    assert sorted(record.execution for record in records) == ["bulk-00000000", "bulk-00000001", "run-00001"]
    assert a_record() in records


def test_an_export_is_encrypted_and_waited_for(
    deployed: FakeStack, answers: Callable[..., list[dict[str, Any]]]
) -> None:
    """With the stack's key; a table is asked for once, and its description every ten seconds."""
    running = {"ExportStatus": "IN_PROGRESS"}
    asked = answers(running, running, {"ExportStatus": "COMPLETED", "ItemCount": 7, "BilledSizeBytes": 4_900})
    found, _, waited = export()
    assert found == AuditExport("0169-ab", "s3://dogs/audit/AWSDynamoDB/0169-ab/data/", 7, 4_900)
    assert asked[0].items() >= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": deployed.resources["Key"][1]}.items()
    assert (len(asked), waited) == (3, 20.0)


def test_an_export_that_fails_says_why(deployed: FakeStack, answers: Callable[..., Any]) -> None:  # noqa: ARG001
    """As DynamoDB does."""
    answers({"ExportStatus": "FAILED", "FailureCode": "S3AccessDenied", "FailureMessage": "no\nentry"})
    with pytest.raises(PuplineError, match=r"exporting the table DogImageUploads: S3AccessDenied: no\\nentry"):
        export()


def test_the_command_says_how_to_ask(deployed: FakeStack, answers: Callable[..., Any]) -> None:  # noqa: ARG001
    """The export's name for the query, or all of it as JSON; it takes no filters."""
    on_stack = ["audit", "--backend", "aws", "--stack", "pupline", "--export"]
    done = {"ExportStatus": "COMPLETED", "ItemCount": 7, "BilledSizeBytes": 4_900}
    answers(done, done)
    told = pupline(*on_stack)
    assert told.stdout.splitlines() == [
        "7 records (4.9 kB) in s3://dogs/audit/AWSDynamoDB/0169-ab/data/",
        "Ask Athena, in the table records, WHERE export = '0169-ab'; docs/queries.md has the queries",
    ]
    (answer,) = pupline(*on_stack, "--json").rows
    assert answer == {"export": "0169-ab", "location": answer["location"], "records": 7, "bytes": 4_900}
    refused = pupline(*on_stack, "--outcome", "failed")
    assert (refused.code, "--export takes all records" in refused.stderr) == (2, True)


def test_one_machine_has_other_ways(tmp_path: Path) -> None:
    """It says which."""
    refused = pupline("audit", "--export", "--data", tmp_path)
    assert refused.code == 2
    assert "on one machine use --csv or --json" in refused.stderr
