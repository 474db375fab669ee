"""BulkIngest on this machine: from a list to its summary, killed, interrupted, redriven, and looked at from outside."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from pupline.backends import (
    BatchDone,
    MachineBackend,
    RedriveSelection,
    Stopping,
    WorkflowRunner,
    _bulk_ingest,
    has_parquet,
)
from pupline.backends.machine import _ingest
from pupline.backends.machine._ingest import ingest_through_workflow
from pupline.bulk import IngestReport, IngestRequest, ItemsListed
from pupline.errors import ConfigurationError, PuplineError, StorageError
from pupline.local import LocalBackend
from pupline.local.bucket import LocalBucket
from pupline.tasks.ports import ObjectToCreate, StoredObject
from pupline.tasks.records import AuditRecord
from tests.shared.batch_world import jpeg
from tests.shared.functions_fakes import picture
from tests.shared.image_host import ImageHost, image_host

pytestmark = pytest.mark.slow

IMAGES = 23
PNGS = (3, 4, 15)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five images in a batch, so that a few images are several batches; no patience after a signal."""
    monkeypatch.setattr(_ingest, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(_bulk_ingest, "MAX_ITEMS", 5)


@pytest.fixture
def host() -> Iterator[ImageHost]:
    """Images `/0.jpg` and so on; some are PNGs."""
    png = picture("PNG")
    bodies = {f"/{number}.jpg": jpeg(number) for number in range(IMAGES)}
    bodies |= {f"/{number}.jpg": png + bytes([number]) for number in PNGS}
    with image_host(bodies) as running:
        yield running


def listed(host: ImageHost, folder: Path, extra: tuple[str, ...] = ()) -> Path:
    """The list of all images; some stand there twice."""
    path = folder / "urls.txt"
    names = [f"{number}.jpg" for number in range(IMAGES)]
    path.write_text("".join(f"{host.origin}/{name}\n" for name in [*names, *names[:3], *extra]))
    return path


def request_for(host: ImageHost, folder: Path, extra: tuple[str, ...] = (), **asked: Any) -> IngestRequest:
    """The command of these tests."""
    source = str(listed(host, folder, extra))
    return IngestRequest(source=source, dataset="dogs", run_id="r1", allow_origins=(host.origin,), **asked)


def run(host: ImageHost, folder: Path, extra: tuple[str, ...] = (), **asked: Any) -> tuple[IngestReport, list[Any]]:
    """Run it; the report and what was heard."""
    heard: list[Any] = []
    return ingest_through_workflow(folder / "data", request_for(host, folder, extra, **asked), heard.append), heard


def check(host: ImageHost, folder: Path) -> None:
    """Every image once: as served, one record, one row; the first alert and one digest; nothing half done."""
    with LocalBackend.open(folder / "data", exclusive=True) as backend:
        bucket = backend.bucket()
        records = sorted(backend.audit.records(), key=lambda record: record.execution)
        assert [record.execution for record in records] == [f"r1-{index:08d}" for index in range(IMAGES)]
        assert {(record.outcome, record.reason) for record in records} == {("stored", "accepted")}
        stored = {one.key: bucket.read(one.key) for one in bucket.objects("html/")}
        assert stored == {f"html/dogs{path}": body for path, body in host.bodies.items()}
        rows = [row for key in bucket.keys("datasets/dogs/metadata/jsonl/") for row in lines(bucket.read(key))]
        by_index = sorted(rows, key=lambda row: int(row["index"]))
        assert [AuditRecord.from_item(row) for row in by_index] == records
        assert [found["execution"] for found in table_of(bucket)] == [record.execution for record in records]
        first, digest = [alert for alert, _ in backend.topic.alerts()]
        assert first.message.startswith("A PNG file was detected and processed: dogs/")
        assert digest.subject == f"{len(PNGS) - 1} more alerts of a bulk ingest"
    assert not list((folder / "data" / "tmp").iterdir())


def lines(body: bytes) -> list[dict[str, Any]]:
    """JSON Lines."""
    return [json.loads(line) for line in body.split(b"\n") if line]


def table_of(bucket: LocalBucket) -> list[dict[str, Any]]:
    """The rows of the run's Parquet, whose only part its summary names."""
    (key,) = bucket.keys("datasets/dogs/metadata/parquet/")
    assert key in json.loads(bucket.read("datasets/dogs/runs/r1/summary.json"))["files"]
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(bucket.read(key))).to_pylist()
    return rows


def test_a_list_becomes_a_dataset(host: ImageHost, tmp_path: Path) -> None:
    """The report, what was heard on the way, the summary, and everything in its place."""
    report, heard = run(host, tmp_path)
    counts = report.counts
    assert (report.status, counts.items, counts.done, report.failed, counts.alerts) == ("SUCCEEDED", 23, 23, 0, 3)
    assert sum(sum(event.outcomes.values()) for event in heard if isinstance(event, BatchDone)) == IMAGES
    check(host, tmp_path)
    assert host.asked["/robots.txt"] == 1
    assert report.summary["run"] == "r1"
    assert has_parquet(report.summary)
    assert report.summary["files"] == [
        "datasets/dogs/runs/r1/manifest.jsonl",
        "datasets/dogs/runs/r1/failures.jsonl",
        "datasets/dogs/metadata/parquet/run=r1/part-00000.parquet",
        "datasets/dogs/runs/r1/summary.json",
    ]


def test_more_pixels_than_allowed_are_quarantined(host: ImageHost, tmp_path: Path) -> None:
    """The workflow's batches have the limit that the command was given."""
    report, _ = run(host, tmp_path, max_pixels=10)
    assert report.counts.outcomes == {"quarantined": IMAGES}


def test_the_same_run_again_asks_for_nothing(host: ImageHost, tmp_path: Path) -> None:
    """It has ended: it is reported. Another command under its name is refused."""
    first, _ = run(host, tmp_path)
    asked = dict(host.asked)
    again, _ = run(host, tmp_path)
    assert (again, dict(host.asked)) == (first, asked)
    with pytest.raises(ConfigurationError, match="the run 'r1' was started with another source, dataset or count"):
        run(host, tmp_path, count=2)


def test_whoever_goes_on_hears_how_many_images_there_are(host: ImageHost, tmp_path: Path) -> None:
    """The listing is complete by then: nobody is told that none is listed."""
    first, _ = run(host, tmp_path)
    _, events = run(host, tmp_path)
    assert [event for event in events if isinstance(event, ItemsListed)] == [
        ItemsListed(first.counts.items, first.counts.items, complete=True)
    ]


PROGRAM = """
import sys
from pathlib import Path
from pupline.bulk import IngestRequest
from pupline.backends import _bulk_ingest
from pupline.backends.machine import _ingest
_ingest.GRACE_SECONDS = 0.1
_bulk_ingest.MAX_ITEMS = 5
source, data, origin = sys.argv[1:]
request = IngestRequest(source=source, dataset="dogs", run_id="r1", allow_origins=(origin,), concurrency=4)
report = _ingest.ingest_through_workflow(Path(data), request, lambda event: None)
print(report.status, report.interrupted)
"""


def in_a_process(host: ImageHost, folder: Path, program: str = PROGRAM) -> "subprocess.Popen[str]":
    """The same command in a process of its own."""
    arguments = [str(listed(host, folder)), str(folder / "data"), host.origin]
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_again_and_again_it_ends_the_same(host: ImageHost, tmp_path: Path) -> None:
    """SIGKILL at the 2nd, 9th, 12th and 22nd request; then it goes on to its end, and nothing is there twice."""
    for number in (2, 9, 12, 22):
        process = in_a_process(host, tmp_path)
        host.asked.clear()

        def kill(asked: int, number: int = number, process: "subprocess.Popen[str]" = process) -> None:
            if asked == number:
                process.kill()

        host.heard = kill
        process.communicate(timeout=60)
        host.heard = lambda _: None
    report, _ = run(host, tmp_path)
    assert (report.status, report.counts.done) == ("SUCCEEDED", IMAGES)
    check(host, tmp_path)


KILLED_AT_THE_PARQUET = (
    """
import os
from pupline.local.bucket import LocalBucket
put = LocalBucket.put
def killed(self, key, body, content_type):
    if "/parquet/" in key:
        os.kill(os.getpid(), 9)
    return put(self, key, body, content_type)
LocalBucket.put = killed
"""
    + PROGRAM
)


def test_killed_while_the_parquet_is_written_it_is_written_anew(host: ImageHost, tmp_path: Path) -> None:
    """All images were done: the same command asks for none, and its Parquet is whole."""
    process = in_a_process(host, tmp_path, KILLED_AT_THE_PARQUET)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    host.asked.clear()
    report, _ = run(host, tmp_path)
    assert (report.status, has_parquet(report.summary), host.asked) == ("SUCCEEDED", True, {})
    check(host, tmp_path)


@pytest.mark.slow
def test_ctrl_c_ends_it_and_the_same_command_goes_on(host: ImageHost, tmp_path: Path) -> None:
    """The report says how far it is; what is under way is left to the next one."""
    process = in_a_process(host, tmp_path)
    host.heard = lambda asked: process.send_signal(signal.SIGINT) if asked == 8 else None
    out, _ = process.communicate(timeout=60)
    assert out == "RUNNING True\n"
    host.heard = lambda _: None
    assert run(host, tmp_path)[0].status == "SUCCEEDED"
    check(host, tmp_path)


def test_without_a_run_id_the_same_command_goes_on_with_its_newest_run(host: ImageHost, tmp_path: Path) -> None:
    """One that was stopped, at its batches or before it had any; not one that ended, nor another command's."""
    unnamed = replace(request_for(host, tmp_path), run_id=None)

    def begun(request: IngestRequest) -> IngestReport:
        return ingest_through_workflow(tmp_path / "data", request, lambda _: None)

    with LocalBackend.open(tmp_path / "data", exclusive=True) as backend:  # as a kill while it lists leaves it
        backend.runs.open("r1", request_for(host, tmp_path).as_json())
    host.heard = lambda asked: os.kill(os.getpid(), signal.SIGTERM) if asked == 3 else None
    stopped = begun(unnamed)
    assert (stopped.run_id, stopped.interrupted) == ("r1", True)
    host.heard = lambda _: None
    assert begun(replace(unnamed, count=2)).run_id != "r1"
    finished = begun(unnamed)
    assert (finished.run_id, finished.status) == ("r1", "SUCCEEDED")
    assert begun(unnamed).run_id != "r1"


def test_the_listener_hears_that_a_stop_was_asked(host: ImageHost, tmp_path: Path) -> None:
    """Once, when the signal comes."""
    host.heard = lambda asked: os.kill(os.getpid(), signal.SIGTERM) if asked == 3 else None
    report, heard = run(host, tmp_path)
    assert report.interrupted
    assert sum(isinstance(event, Stopping) for event in heard) == 1
    assert report.summary["status"] == "RUNNING"


def test_what_was_left_is_finished_by_whoever_drives_next(host: ImageHost, tmp_path: Path) -> None:
    """`pupline run` finishes what is unfinished, bulk executions too."""
    host.heard = lambda asked: os.kill(os.getpid(), signal.SIGTERM) if asked == 3 else None
    assert run(host, tmp_path)[0].interrupted
    host.heard = lambda _: None
    with WorkflowRunner.open(tmp_path / "data", 2, lambda _: None) as machine:
        machine.resume()
    check(host, tmp_path)


def test_a_stopped_run_is_gone_on_with_by_the_same_command(host: ImageHost, tmp_path: Path) -> None:
    """`pupline stop` aborts the execution in the middle of its batches; no image is left without its record."""
    host.heard = lambda asked: os.kill(os.getpid(), signal.SIGTERM) if asked == 9 else None
    assert run(host, tmp_path)[0].interrupted
    assert MachineBackend(tmp_path / "data").stop("r1", None, None) == "ABORTED"
    host.heard = lambda _: None
    assert run(host, tmp_path)[0].status == "SUCCEEDED"
    check(host, tmp_path)


def test_a_bucket_that_cannot_be_written_fails_the_run_and_a_redrive_goes_on(
    host: ImageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the Map, so that the same command redrives it; images that are stored are not asked for again."""
    create = LocalBucket.create

    def full(self: LocalBucket, new: ObjectToCreate) -> StoredObject:
        if new.key == "html/dogs/12.jpg":
            raise ConfigurationError("read-only")
        return create(self, new)

    monkeypatch.setattr(LocalBucket, "create", full)
    report, _ = run(host, tmp_path, concurrency=1)
    assert (report.status, report.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert not report.tolerance_exceeded
    assert (report.counts.done, report.summary["error"]) == (10, "BatchesMissing")
    with LocalBackend.open(tmp_path / "data", exclusive=False) as backend:
        assert [found["index"] for found in table_of(backend.bucket())] == list(range(10))
    monkeypatch.setattr(LocalBucket, "create", create)
    host.asked.clear()
    again, _ = run(host, tmp_path, concurrency=1)
    assert (again.status, again.cause) == ("SUCCEEDED", None)
    assert "/4.jpg" not in host.images_asked
    check(host, tmp_path)


def test_too_many_failures_are_told_as_such(host: ImageHost, tmp_path: Path) -> None:
    """All is done and recorded, and failures.jsonl is a list to go on with."""
    report, _ = run(host, tmp_path, ("gone.jpg", "away.jpg"), tolerate=5)
    assert (report.status, report.tolerance_exceeded, report.failed, report.counts.done) == ("FAILED", True, 2, 25)
    with LocalBackend.open(tmp_path / "data", exclusive=False) as backend:
        failures = lines(backend.bucket().read("datasets/dogs/runs/r1/failures.jsonl"))
    assert [line["url"] for line in failures] == [f"{host.origin}/gone.jpg", f"{host.origin}/away.jpg"]
    assert str(report.cause).startswith("2 of 25 images failed, more than the 5 percent tolerated")
    again, _ = run(host, tmp_path, ("gone.jpg", "away.jpg"), tolerate=5)
    assert again.tolerance_exceeded
    with MachineBackend(tmp_path / "data") as backend:
        (reason,) = backend.redrive(RedriveSelection(("r1",)), lambda _: None).refused
    assert "the Fail state ToleranceExceeded again; repeat the pupline ingest that started it" in reason


@pytest.mark.slow
def test_a_summary_that_failed_is_made_by_another_execution(
    host: ImageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redrive would only enter the Fail state again; the next execution finds all batches done."""
    put = LocalBucket.put
    monkeypatch.setattr("pupline.local._clock.SystemClock.wait_seconds", lambda *_, **__: 0.0)

    def full(self: LocalBucket, key: str, body: bytes | Path, content_type: str) -> str:
        if key.endswith("summary.json"):
            raise InputTrouble(key)
        return put(self, key, body, content_type)

    monkeypatch.setattr(LocalBucket, "put", full)
    with pytest.raises(InputTrouble):  # not even the report can write it
        run(host, tmp_path)
    monkeypatch.setattr(LocalBucket, "put", put)
    host.asked.clear()
    assert run(host, tmp_path)[0].status == "SUCCEEDED"
    assert host.asked == {}
    check(host, tmp_path)


class InputTrouble(StorageError):
    """A failure that the workflow does not know, so it is not tried again."""


def test_a_source_that_cannot_be_listed_starts_nothing(tmp_path: Path) -> None:
    """The error names the source and says that nothing was fetched."""
    with image_host({}) as host:
        asked = IngestRequest(source=f"{host.origin}/api", run_id="r1")
        with pytest.raises(PuplineError, match=r"the listing of .* stopped: .*no image was requested yet"):
            ingest_through_workflow(tmp_path / "data", asked, lambda _: None)
    with LocalBackend.open(tmp_path / "data", exclusive=False) as backend:
        assert list(backend.journal.executions()) == []


def test_the_sample_is_ingested_offline(tmp_path: Path) -> None:
    """Its API is listed and its images fetched through the built-in server."""
    report = ingest_through_workflow(tmp_path / "data", IngestRequest(source="sample"), lambda _: None)
    assert (report.status, report.dataset, report.counts.done, report.failed) == ("SUCCEEDED", "sample", 12, 0)
