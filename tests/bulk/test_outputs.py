"""Files of a run: manifest, failures, summary, and all of them again when it is resumed."""

import errno
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk import summaries
from pupline.bulk._alerts import RunAlerts
from pupline.bulk._outputs import OutputOptions, RunOutputs, write_outputs
from pupline.bulk._outputs_ahead import OutputsAhead
from pupline.bulk._run_stats import RunStats
from pupline.errors import StorageError
from pupline.local import ListedPage, LocalBackend, NewIngest, finished_items
from pupline.local.bucket import LocalBucket
from pupline.tasks.items import FetchFailed, SourceItem
from pupline.tasks.metadata import columns_of
from pupline.tasks.records import AuditRecord
from tests.shared.item_rows import stored_rows
from tests.shared.run_world import FOLDER, LOST, REFUSED, RUN, World
from tests.shared.workflow_rules import RULES

STATS = RunStats(status="SUCCEEDED", ended_at=1_795_366_810.5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A run without items, in a fresh data directory."""
    with LocalBackend.open(tmp_path / "data", exclusive=True) as backend:
        yield World(backend)


def test_every_item_is_in_the_manifest_and_every_record_in_the_metadata(world: World) -> None:
    """The manifest names all in order; the Parquet rows are the audit's records, field by field."""
    world.list_items(4)
    world.finish({3: b"three", 0: b"zero", 1: LOST, 2: b"zero"})
    world.write()
    assert world.read("manifest.jsonl") == [
        {"index": n, "url": f"https://cdn.example/{n}.jpg", "title": f"Rex {n} 🐕\u2028"} for n in range(4)
    ]
    rows = world.parquet_rows()
    records = sorted(world.backend.audit.records(), key=lambda record: record.execution)
    stamps = [row.pop("upload_timestamp").isoformat(timespec="milliseconds") for row in rows]
    assert stamps == [record.upload_timestamp.replace("Z", "+00:00") for record in records]
    found = [AuditRecord.from_item(row | {"upload_timestamp": ""}) for row in rows]
    assert found == [AuditRecord.from_item(record.as_dict() | {"upload_timestamp": ""}) for record in records]


def test_columns_from_the_tables_are_those_of_the_rows(world: World) -> None:
    """The columns have the same values as the rows, whatever the source says of the items."""
    told: list[dict[str, Any]] = [
        {},
        {"labels": ("hound", "afghan"), "license": "CC0", "creator": "é\x00\u2028", "id": "7", "sha1": "a" * 40},
        {"title": "", "width": 3, "alt": "null", "landing": "https://x.example/", "attribution": '"\\'},
    ]
    items = [SourceItem(url=f"https://cdn.example/{n}.jpg", **facts) for n, facts in enumerate(told)]
    world.backend.ingests.add_page(world.ingest.ingest_id, ListedPage(items, position=None, listed=True))
    world.finish({0: b"zero", 1: LOST, 2: b"two"})
    (page,) = finished_items(world.backend.database, world.ingest)
    rows = stored_rows(world.backend, world.ingest.run_id)
    assert [list(values) for values in page.columns] == [list(values) for values in columns_of(rows, "dogs")]
    assert [json.loads(text or "{}") for text in page.facts] == [
        {name: value for name, value in item.as_dict().items() if name != "url"} for item in items
    ]


def test_failures_say_what_and_why_and_are_a_list_to_try_again(world: World) -> None:
    """Failed and refused items only, each with its manifest line and the reason; hostile causes stay one line."""
    world.list_items(3)
    world.finish({0: b"zero", 1: LOST, 2: REFUSED})
    world.write()
    first, second = world.read("failures.jsonl")
    assert first == {
        "index": 1,
        "url": "https://cdn.example/1.jpg",
        "title": "Rex 1 🐕\u2028",
        "outcome": "failed",
        "reason": "not_found",
        "error": "NotFound",
        "cause": "it answered 404 🐶\\n",
        "attempts": 2,
    }
    assert (second["index"], second["outcome"]) == (2, "refused")


def test_the_summary_counts_what_happened(world: World) -> None:
    """Counts by outcome and reason, speed of the process that ended it, and every file that was written."""
    world.list_items(4)
    world.finish({0: b"zero", 1: LOST, 2: b"zero", 3: b"three"})
    summary = world.write(shard_size=2, sidecars=True)
    assert summary["outcomes"] == {"stored": 2, "duplicate": 1, "failed": 1}
    assert (summary["listed"], summary["done"], summary["total"], summary["listed_complete"]) == (4, 4, 4, True)
    assert (summary["images_per_second"], summary["cpu_us_per_image"], summary["bytes_stored"]) == (2.0, 125_000.0, 9)
    assert (summary["status"], summary["ended_at"]) == ("SUCCEEDED", "2026-11-22T17:00:10.500Z")
    assert summary["files"][-1] == FOLDER + "summary.json"
    assert all(world.backend.bucket().read(key) is not None for key in summary["files"])
    assert f"datasets/dogs/shards/run={RUN}/00001.tar" in summary["files"]
    assert world.backend.bucket().read(f"datasets/dogs/sidecars/run={RUN}/dogs/0.jpg.json")


def test_a_run_without_items_leaves_empty_files(world: World) -> None:
    """Nothing was listed: the files are there all the same, and nothing is divided by nothing."""
    world.list_items(0)
    summary = world.write(finished=0)
    assert (summary["listed"], summary["images_per_second"], summary["cpu_us_per_image"]) == (0, 0.0, None)
    assert world.read("manifest.jsonl") == world.read("failures.jsonl") == world.parquet_rows() == []


def test_a_run_that_goes_on_writes_all_anew(world: World) -> None:
    """Stopped by tolerance, then resumed: the manifest names pending items too, and the second end replaces it all."""
    world.list_items(4)
    world.finish({0: LOST, 2: b"two"})
    world.write(status="FAILED", finished=2)
    assert [line["index"] for line in world.read("manifest.jsonl")] == [0, 1, 2, 3]
    assert [row["index"] for row in world.parquet_rows()] == [0, 2]
    world.ingest = world.backend.ingests.reopen(world.ingest.ingest_id)
    world.finish({1: b"one", 3: LOST})
    summary = world.write(finished=2)
    assert [row["index"] for row in world.parquet_rows()] == [0, 1, 2, 3]
    assert [line["index"] for line in world.read("failures.jsonl")] == [0, 3]
    assert (summary["done"], summary["finished"], summary["bytes_per_second"]) == (4, 2, None)


def test_listing_that_went_on_after_the_caller_looked_is_told(world: World) -> None:
    """The summary is made from the run as it is in the journal, not from an old look at it."""
    old = world.ingest
    world.list_items(2)
    world.finish({0: b"zero", 1: b"one"})
    world.ingest = old
    assert world.write()["total"] == 2


def test_files_written_while_the_run_goes_on_are_those_of_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, in the listing's order, whatever ended first, with the alerts that only the digest sends."""
    for module in ("pupline.local.ingests._columns", "pupline.bulk._outputs"):
        monkeypatch.setattr(f"{module}.PAGE_ROWS", 2)
    world.list_items(8)
    ends: list[dict[int, bytes | FetchFailed]] = [
        {1: LOST, 4: b"four"},
        {0: b"png"},
        {2: b"two", 3: b"png 3"},
        {5: REFUSED, 7: b"seven"},
    ]
    with closing(RunOutputs(world.backend, RUN)) as outputs:
        written = []
        for ended in ends:
            world.finish(ended)
            outputs.advance()
            written.append(outputs.items)
        RunAlerts(world.backend, world.ingest, RULES).publish_digest()
        outputs.finish(STATS, OutputOptions())
    assert written == [0, 2, 4, 6]
    first = world.bodies()
    write_outputs(world.backend, RUN, STATS, OutputOptions())
    assert first == world.bodies()
    assert [row["alert_sent"] for row in world.parquet_rows()] == [True, None, None, True, None, None, None]
    assert [line["index"] for line in world.read("manifest.jsonl")] == list(range(8))


def test_a_thread_that_fails_leaves_its_work_to_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk was full for a moment while the run went on: no row is lost, no temporary file stays."""
    world.list_items(1)
    world.finish({0: b"zero"})
    failing = threading.Event()

    def fail(_outputs: RunOutputs, _is_over: object) -> None:
        failing.set()
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(RunOutputs, "advance", fail)
    with closing(OutputsAhead(world.backend, RUN)) as ahead:
        ahead.more_done()
        assert failing.wait(10)
        with closing(ahead.take()) as outputs:
            outputs.finish(STATS, OutputOptions())
    assert [row["index"] for row in world.parquet_rows()] == [0]
    assert list((world.backend.data_dir / "tmp").glob("outputs-*")) == []


def test_an_interrupted_run_leaves_no_file_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written while it went on is dropped: the process that continues the run writes it again."""
    for module in ("pupline.local.ingests._columns", "pupline.bulk._outputs"):
        monkeypatch.setattr(f"{module}.PAGE_ROWS", 1)
    world.list_items(2)
    world.finish({0: b"zero"})
    with closing(OutputsAhead(world.backend, RUN)) as ahead:
        ahead.more_done()
    assert list((world.backend.data_dir / "tmp").glob("outputs-*")) == []
    assert list(world.backend.bucket().keys("datasets/")) == []


def test_trouble_on_the_way_leaves_no_half_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills while files are put: the error is raised, no summary claims success, no temporary file is left."""
    world.list_items(2)
    world.finish({0: b"zero", 1: b"one"})
    put = LocalBucket.put

    def full(bucket: LocalBucket, key: str, body: bytes | Path, content_type: str) -> str:
        if "/parquet/" in key:
            raise StorageError("no room to store an object")
        return put(bucket, key, body, content_type)

    monkeypatch.setattr(LocalBucket, "put", full)
    with pytest.raises(StorageError, match="no room"):
        world.write()
    with pytest.raises(KeyError):
        world.backend.bucket().read(FOLDER + "summary.json")
    assert list((world.backend.data_dir / "tmp").glob("outputs-*")) == []


def test_summaries_come_newest_first_and_tell_unfinished_runs_too(world: World) -> None:
    """The summary of an ended run is its summary.json; while it runs, or where that is gone, the journal's."""
    world.list_items(1)
    world.finish({0: b"zero"})
    world.write()
    other = NewIngest(run_id="b-run", dataset="cats", source="cats.txt", settings={})
    world.backend.ingests.open(other)
    newest, oldest = summaries(world.backend)
    assert (newest["run"], newest["status"], newest["seconds"], newest["listed"]) == ("b-run", "RUNNING", None, 0)
    assert oldest == world.read("summary.json")
    assert [summary["run"] for summary in summaries(world.backend, "dogs")] == [RUN]
    assert set(oldest) - set(newest) == {"files", "shards_missing"}
    (world.backend.bucket().root / FOLDER / "summary.json").unlink()
    (told,) = summaries(world.backend, "dogs")
    assert (told["run"], told["status"], told["outcomes"], told["seconds"]) == (RUN, "SUCCEEDED", {"stored": 1}, None)


def test_runs_of_the_state_machine_are_told_by_their_files(world: World) -> None:
    """They are in no table: their summary is summary.json in the bucket, if it is theirs."""
    bucket = world.backend.bucket()
    told = {"run": "machine", "dataset": "dogs", "status": "SUCCEEDED", "began_at": "2099-01-01T00:00:00.000Z"}
    bucket.put("datasets/dogs/runs/machine/summary.json", json.dumps(told).encode(), "application/json")
    bucket.put("datasets/dogs/runs/foreign/summary.json", json.dumps(told).encode(), "application/json")
    bucket.put("datasets/dogs/runs/broken/summary.json", b"{", "application/json")
    assert [summary["run"] for summary in summaries(world.backend, "dogs")] == ["machine", RUN]
    assert [summary["run"] for summary in summaries(world.backend, "cats")] == []
