"""Ingesting on a stack: listed here, started once under its name, awaited, redriven, reported; and read afterwards."""

import io
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.hooks import HierarchicalEmitter
from pyarrow import parquet

from pupline.asl import Result, execute
from pupline.aws import S3Store
from pupline.backends import Note, StackBackend, has_parquet
from pupline.backends.stack import _ingest
from pupline.backends.stack._polling import Timer
from pupline.bulk import IngestReport, IngestRequest, IngestStarted, ItemsListed
from pupline.errors import ConfigurationError, PuplineError, StorageError
from pupline.lambdas import ingest_batch, summarise_ingest
from pupline.tasks.records import AuditRecord
from tests.aws.aws_handlers import Context, cold_start, serve_from_memory
from tests.backends.stack_fakes import BULK_ARN, FILES, FakeStack, VirtualTimer, machine
from tests.backends.stack_fixtures import fake_stack

pytestmark = pytest.mark.aws

IMAGES = "https://images.example/breeds/"
PATHS = ["pug/plain.jpg", "pug/real.png", "pug/gone.jpg", "pug/gif.jpg", "pug/plain.jpg"]
SUMMARY = "datasets/urls/runs/r1/summary.json"
PARQUET = "datasets/urls/metadata/parquet/run=r1/part-00000.parquet"
LINES = "datasets/urls/metadata/jsonl/run=r1/part-00000000-0.jsonl"


class Kennel:
    """A stack that can ingest, and a command on it."""

    def __init__(self, stack: FakeStack, folder: Path) -> None:
        self.stack = stack
        self.broken = False
        self.urls = folder / "urls.txt"
        self.urls.write_text("".join(f"{IMAGES}{path}\n" for path in PATHS))
        self.heard: list[Any] = []
        self.clock = VirtualTimer()
        stack.states.ingest = self.run_machine

    def run_machine(self, name: str, given: Any) -> Result:
        """BulkIngest in memory, its functions over moto."""
        s3 = boto3.client("s3")
        tasks = {
            "IngestBatch": self.batch,
            "SummariseIngest": lambda event: summarise_ingest.handler(event, Context()),
            "arn:aws:states:::s3:getObject": lambda asked: s3.get_object(Bucket="dogs", Key=asked["Key"])[
                "Body"
            ].read(),
            "arn:aws:states:::s3:putObject": lambda _: None,
            "arn:aws:states:::sns:publish": lambda _: {"MessageId": "1"},
        }
        with cold_start():
            return execute(machine(FILES[BULK_ARN]), given, tasks=tasks, name=name, start=time.time())

    def batch(self, event: Any) -> Any:
        """IngestBatch, unless the bucket is broken."""
        if self.broken:
            raise StorageError("no room")
        return ingest_batch.handler(event, Context())

    def ingest(self, **asked: Any) -> IngestReport:
        """The command."""
        request = IngestRequest(source=str(self.urls), **{"run_id": "r1", **asked})
        backend = StackBackend("pupline", Timer(self.clock.now, self.clock.sleep))
        return backend.ingest(request, self.heard.append, workflow=True)


@pytest.fixture
def kennel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Kennel]:
    """The stack `pupline`, whose functions get their images from memory."""
    monkeypatch.setenv("DOG_BUCKET", "dogs")
    monkeypatch.setenv("DDB_TABLE", "DogImageUploads")
    monkeypatch.setenv("MEMO_TABLE", "DogImageMemos")
    serve_from_memory(monkeypatch)
    with fake_stack(monkeypatch, tmp_path) as stack:
        yield Kennel(stack, tmp_path)


def object_at(key: str) -> bytes:
    """What the bucket holds."""
    body: bytes = boto3.client("s3").get_object(Bucket="dogs", Key=key)["Body"].read()
    return body


def test_a_list_is_ingested_and_reported(kennel: Kennel) -> None:
    """Each URL once; the report is what summary.json says; the list is in the bucket."""
    report = kennel.ingest(concurrency=16, rate=4)
    assert (report.status, report.counts.items, report.counts.done, report.failed) == ("SUCCEEDED", 4, 4, 1)
    assert report.counts.outcomes == {"stored": 3, "failed": 1}
    assert report.summary == json.loads(object_at(SUMMARY))
    assert (report.folder, report.counts.alerts, report.undelivered) == ("datasets/urls/", 2, 0)
    assert kennel.heard[0] == IngestStarted("r1", "urls", resumed=False)
    assert kennel.heard[-1] == ItemsListed(4, kennel.heard[-1].total, complete=True)
    lines = object_at("datasets/urls/runs/r1/manifest.jsonl").splitlines()
    assert [json.loads(line)["url"] for line in lines] == [IMAGES + path for path in PATHS[:4]]
    given = json.loads(kennel.stack.states.run("r1", BULK_ARN).input)
    assert (given["concurrency"], given["rate"], given["batch_size"], given["items"]) == (2, 2.0, 100, 4)


@pytest.mark.parametrize(
    ("outputs", "parameters", "batches"),
    [
        ({"BulkConcurrency": "4"}, {"BulkConcurrency": "4"}, 4),
        ({}, {"BulkConcurrency": "3"}, 3),  # deployed by an earlier version
        ({"BulkConcurrency": "1000"}, {"BulkConcurrency": "0"}, 8),
        ({}, {}, 8),
    ],
)
def test_the_command_keeps_to_the_stacks_limit(
    kennel: Kennel, outputs: dict[str, str], parameters: dict[str, str], batches: int
) -> None:
    """It asks for no more batches at once than may run, and says so where that is fewer than it was told."""
    kennel.stack.outputs, kennel.stack.parameters = outputs, parameters
    assert kennel.ingest(concurrency=64).status == "SUCCEEDED"
    assert json.loads(kennel.stack.states.run("r1", BULK_ARN).input)["concurrency"] == batches
    notes = [heard.text for heard in kennel.heard if isinstance(heard, Note)]
    assert len(notes) == (batches < 8)
    assert all(f"at most {batches} batches" in note and "BulkConcurrency" in note for note in notes)


def test_the_parquet_is_made_after_the_end(kennel: Kennel) -> None:
    """Row by row what the batches wrote and the table holds; the summary in the bucket names it, itself last."""
    report = kennel.ingest()
    rows = parquet.read_table(io.BytesIO(object_at(PARQUET))).to_pylist()
    lines = [json.loads(line) for line in object_at(LINES).splitlines()]
    assert [json.loads(json.dumps(row, default=stamp)) for row in rows] == lines
    records = list(StackBackend("pupline").records(run="r1"))
    assert [AuditRecord.from_item(line) for line in lines] == records
    assert (has_parquet(report.summary), report.parquet_trouble) == (True, None)
    assert json.loads(object_at(SUMMARY))["files"] == [
        "datasets/urls/runs/r1/manifest.jsonl",
        "datasets/urls/runs/r1/failures.jsonl",
        PARQUET,
        SUMMARY,
    ]


def stamp(when: datetime) -> str:
    """A time as lines have it."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_denied_parquet_is_reported_and_written_by_the_next_command(
    kennel: Kennel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ingest has not failed for that; a complete Parquet is not written again."""
    put = S3Store.put
    keys: list[str] = []

    def denied(self: S3Store, key: str, body: bytes | Path, content_type: str) -> str:
        if "/parquet/" in key:
            raise ConfigurationError(f"storing s3://dogs/{key}: AccessDenied: Access Denied")
        return put(self, key, body, content_type)

    def noted(self: S3Store, key: str, body: bytes | Path, content_type: str) -> str:
        keys.append(key)
        return put(self, key, body, content_type)

    monkeypatch.setattr(S3Store, "put", denied)
    first = kennel.ingest()
    assert (first.status, has_parquet(first.summary)) == ("SUCCEEDED", False)
    assert first.parquet_trouble == f"storing s3://dogs/{PARQUET}: AccessDenied: Access Denied"
    monkeypatch.setattr(S3Store, "put", noted)
    assert has_parquet(kennel.ingest().summary)
    assert has_parquet(kennel.ingest().summary)
    assert keys == [PARQUET, SUMMARY]


def test_unreadable_lines_are_reported(kennel: Kennel, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers as if the objects did not exist."""
    read = S3Store.read

    def hidden(self: S3Store, key: str) -> bytes:
        if "/jsonl/" in key:
            raise KeyError(key)
        return read(self, key)

    kennel.ingest()
    boto3.client("s3").delete_object(Bucket="dogs", Key=SUMMARY)
    monkeypatch.setattr(S3Store, "read", hidden)
    assert kennel.ingest().parquet_trouble == f"{LINES} may not be read, or is not there any more"


def test_an_interrupted_parquet_is_made_by_the_same_command(kennel: Kennel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it is uploaded: the execution has ended, the command has not."""
    put = S3Store.put

    def interrupted(self: S3Store, key: str, body: bytes | Path, content_type: str) -> str:
        if "/parquet/" in key:
            raise KeyboardInterrupt
        return put(self, key, body, content_type)

    monkeypatch.setattr(S3Store, "put", interrupted)
    report = kennel.ingest()
    assert (report.interrupted, report.status, has_parquet(report.summary)) == (True, "SUCCEEDED", False)
    monkeypatch.setattr(S3Store, "put", put)
    assert has_parquet(kennel.ingest().summary)


def test_the_same_run_again_is_reported_and_not_started(kennel: Kennel) -> None:
    """Its name is its idempotency key."""
    first = kennel.ingest()
    assert kennel.ingest() == first
    assert kennel.stack.states.count("StartExecution") == 1
    with pytest.raises(ConfigurationError, match="the run 'r1' was started with another source or dataset"):
        kennel.ingest(dataset="cats")


def test_a_run_that_failed_at_its_batches_is_redriven(kennel: Kennel) -> None:
    """The same command resumes it; until then the report has what is known without a summary."""
    kennel.broken = True
    report = kennel.ingest()
    assert (report.status, report.error, report.counts.done) == ("FAILED", "States.ExceedToleratedFailureThreshold", 0)
    assert not report.tolerance_exceeded
    assert (report.summary["status"], report.summary["error"]) == ("FAILED", "BatchesMissing")
    assert parquet.read_table(io.BytesIO(object_at(PARQUET))).num_rows == 0
    kennel.broken = False
    again = kennel.ingest()
    assert (again.status, again.counts.done) == ("SUCCEEDED", 4)
    assert parquet.read_table(io.BytesIO(object_at(PARQUET))).num_rows == 4
    assert (kennel.stack.states.count("StartExecution"), kennel.stack.states.count("RedriveExecution")) == (1, 1)


def test_a_run_that_can_no_longer_be_redriven_is_continued_by_another_execution(kennel: Kennel) -> None:
    """After 14 days, or when the history is full, the same command starts what does the missing batches."""
    kennel.broken = True
    kennel.ingest()
    kennel.stack.states.run("r1", BULK_ARN).ended_days_ago = 15
    kennel.broken = False
    again = kennel.ingest()
    assert (again.status, again.counts.done) == ("SUCCEEDED", 4)
    assert kennel.ingest() == again
    assert (kennel.stack.states.count("StartExecution"), kennel.stack.states.count("RedriveExecution")) == (2, 0)


def test_more_failures_than_tolerated_are_reported_as_such(kennel: Kennel) -> None:
    """Not a batch that could not work, but images."""
    report = kennel.ingest(tolerate=10)
    assert (report.status, report.tolerance_exceeded, report.counts.done) == ("FAILED", True, 4)


def test_waiting_can_be_interrupted(kennel: Kennel) -> None:
    """The execution continues; the report says how far it is."""
    kennel.stack.states.looks = 5

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt(seconds)

    kennel.clock.sleep = interrupt  # type: ignore[method-assign]
    report = kennel.ingest()
    assert (report.interrupted, report.status) == (True, "RUNNING")
    assert report.summary["status"] == "RUNNING"
    assert not any(isinstance(event, Note) for event in kennel.heard)


def test_whoever_interrupts_a_large_run_need_not_wait_for_its_count(
    kennel: Kennel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what goes on, and what a second Ctrl-C leaves out."""
    monkeypatch.setattr(_ingest, "_COUNTED_SOON", 0)
    kennel.stack.states.looks = 5

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt(seconds)

    kennel.clock.sleep = interrupt  # type: ignore[method-assign]
    assert kennel.ingest().interrupted
    (note,) = [event.text for event in kennel.heard if isinstance(event, Note)]
    assert note.startswith("The execution goes on. Counting what is done takes minutes; Ctrl-C leaves that out.")
    assert note.endswith("the same command and --run-id r1")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"shard_size": 10}, "--shards is for ingests without --workflow"),
        ({"incremental": True}, "--incremental is for ingests without --workflow"),
        ({"count": 100_000_000}, "--count: 100,000,000 images are more than the 25,000,000 that one run"),
        ({"workers": 2}, "--workers is for"),
        ({"source": "sample"}, "served on this machine only"),
        ({"dataset": "a/b"}, "cannot be a folder's name"),
    ],
)
def test_a_request_that_a_stack_cannot_do_is_refused_first(kennel: Kennel, asked: dict[str, Any], words: str) -> None:
    """One line with the next step; nothing starts."""
    source = {"source": str(kennel.urls), **asked}
    with pytest.raises(ConfigurationError, match=words):
        StackBackend("pupline").ingest(IngestRequest(**source), kennel.heard.append, workflow=True)
    assert kennel.stack.states.count("StartExecution") == 0


def test_a_stack_without_the_machine_says_so(kennel: Kennel) -> None:
    """It was deployed by an older version."""
    del kennel.stack.resources["BulkIngest"]
    with pytest.raises(ConfigurationError, match="has no BulkIngest"):
        kennel.ingest()


def test_the_audit_has_bulk_records_in_their_place(kennel: Kennel) -> None:
    """They are not in the index by day; the reader puts them between the others by their time."""
    kennel.ingest()
    table = boto3.resource("dynamodb").Table("DogImageUploads")
    for execution, stamp in (("early-00001", "2020-01-01T00:00:00.000Z"), ("late-00001", "2999-01-01T00:00:00.000Z")):
        single = {"image_name": "x.jpg", "execution": execution, "upload_timestamp": stamp, "upload_day": stamp[:10]}
        table.put_item(Item={**single, "alert_triggered": False, "outcome": "stored", "reason": "accepted"})
    reader = StackBackend("pupline", page_size=2)
    found = [record.execution for record in reader.records()]
    assert (found[0], found[-1], len(found)) == ("early-00001", "late-00001", 6)
    assert sorted(found[1:-1]) == [f"r1-{index:08d}" for index in range(4)]


def test_the_records_of_one_run_come_in_its_order(kennel: Kennel) -> None:
    """Of that run alone, though another one's name begins alike."""
    kennel.ingest()
    kennel.ingest(run_id="r12")
    kennel.ingest(run_id="r1-2")
    reader = StackBackend("pupline", page_size=3)
    assert [record.execution for record in reader.records(run="r1")] == [f"r1-{index:08d}" for index in range(4)]


@pytest.fixture
def table_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What is asked of DynamoDB from now on, by operation."""
    found: Counter[str] = Counter()
    emit = HierarchicalEmitter.emit

    def listening(self: Any, event: str, **given: Any) -> Any:
        if event.startswith("provide-client-params.dynamodb."):
            found[event.rpartition(".")[2]] += 1
        return emit(self, event, **given)

    monkeypatch.setattr(HierarchicalEmitter, "emit", listening)
    return found


def test_bulk_records_are_found_without_a_scan(kennel: Kennel, table_calls: Counter[str]) -> None:
    """Of a run, of one item, of a dataset, and of a time: from the rows in the bucket, equal to those of the table."""
    kennel.ingest()
    kennel.ingest(run_id="r2")
    everything = list(StackBackend("pupline").records())
    kennel.ingest(run_id="c1", dataset="cats")
    assert table_calls["Scan"]
    table_calls.clear()
    reader = StackBackend("pupline")
    of_run = list(reader.records(run="r1"))
    by_name = sorted(everything, key=lambda record: record.execution)
    assert of_run == [record for record in by_name if record.execution.startswith("r1-")]
    assert [list(reader.records(execution=record.execution)) for record in of_run] == [[record] for record in of_run]
    assert sorted(reader.records(since=time.time() - 3600), key=lambda record: record.execution)[4:] == by_name
    of_dataset = list(reader.records(dataset="urls"))
    assert [one.upload_timestamp for one in of_dataset] == [one.upload_timestamp for one in everything]
    assert sorted(of_dataset, key=lambda record: record.execution) == by_name
    assert list(reader.records(since=time.time() + 3600)) == []
    assert not table_calls["Scan"]


def test_bulk_records_outlive_the_rows_in_the_bucket(kennel: Kennel, table_calls: Counter[str]) -> None:
    """Where the dataset's files were deleted, a scan of the table still finds the records."""
    kennel.ingest()
    before = list(StackBackend("pupline").records(run="r1"))
    boto3.client("s3").delete_object(Bucket="dogs", Key=LINES)
    reader = StackBackend("pupline")
    assert list(reader.records(run="r1")) == before
    assert list(reader.records(execution="r1-00000002")) == [before[2]]
    assert table_calls["Scan"]


def test_records_need_no_permission_for_the_bucket(kennel: Kennel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it may not be listed, the table answers, with each record once."""
    kennel.ingest()
    reader = StackBackend("pupline")
    before = list(reader.records(run="r1"))

    def denied(*_: Any) -> Iterator[str]:
        raise ConfigurationError("listing s3://dogs/datasets/: not allowed")

    monkeypatch.setattr("pupline.backends.stack._bulk_records.folders", denied)
    assert list(reader.records(run="r1")) == before
    assert list(reader.records(execution="r1-00000002")) == [before[2]]
    assert len(list(reader.records(since=0))) == len(list(reader.records(dataset="urls"))) == 4


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"execution": "r1-00000001"}'])
def test_a_row_that_is_not_a_record_is_named(kennel: Kennel, line: bytes) -> None:
    """With its object: nothing is left out without a word."""
    kennel.ingest()
    boto3.client("s3").put_object(Bucket="dogs", Key=LINES, Body=line)
    with pytest.raises(PuplineError, match=f"a line of s3://dogs/{LINES} is not"):
        list(StackBackend("pupline").records(run="r1"))


def test_runs_are_listed_by_their_summaries(kennel: Kennel) -> None:
    """Newest first, of all datasets or of one; a run without a summary, or with a damaged one, is left out."""
    kennel.ingest()
    kennel.ingest(run_id="r2")
    kennel.ingest(run_id="c1", dataset="cats")
    s3 = boto3.client("s3")
    s3.put_object(Bucket="dogs", Key="datasets/urls/runs/r3/manifest.jsonl", Body=b"")
    s3.put_object(Bucket="dogs", Key="datasets/urls/runs/r4/summary.json", Body=b"{")
    reader = StackBackend("pupline")
    assert [found["run"] for found in reader.ingests()] == ["c1", "r2", "r1"]
    assert [found["run"] for found in reader.ingests(dataset="urls")] == ["r2", "r1"]
    assert list(reader.ingests(dataset="none")) == []
