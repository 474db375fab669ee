"""Discarding runs: what only they need goes, what others need stays, and so do the audit records."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pupline.errors import ConfigurationError
from pupline.local import (
    DiscardCounts,
    DiscardedRun,
    GroupRow,
    LocalBackend,
    QualityRow,
    RunKind,
    check_run_kind,
)
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.records import AuditRecord
from tests.local.committer_fakes import Source

REX = "http://127.0.0.1/rex.jpg"
BELLA = "http://127.0.0.1/bella.jpg"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory."""
    with LocalBackend.open(tmp_path, exclusive=True) as opened:
        yield opened


def an_ingest(backend: LocalBackend, run_id: str, dataset: str, **bodies: bytes) -> DiscardedRun:
    """A finished run with these images, its summary and a shard."""
    source = Source(backend, run_id, dataset)
    urls = [f"http://127.0.0.1/{name}.jpg" for name in bodies]
    source.list_urls(*urls)
    source.take_in(
        *(source.fetched(at, url, body) for at, (url, body) in enumerate(zip(urls, bodies.values(), strict=True)))
    )
    backend.ingests.end(source.run.ingest_id, "SUCCEEDED")
    for key in (f"runs/{run_id}/summary.json", f"shards/run={run_id}/00000.tar"):
        backend.bucket().put(f"datasets/{dataset}/{key}", key.encode(), "application/json")
    return DiscardedRun(
        run_id=run_id, kind=RunKind.BULK_INGEST, dataset=dataset, source="test", began_at=source.run.created_at
    )


def discard(backend: LocalBackend, *runs: DiscardedRun) -> DiscardCounts:
    """Discard them; what was planned is what was done."""
    planned = backend.discards.plan(runs)
    backend.discards.begin(runs)
    done = backend.discards.finish()
    assert replace(planned, runs=done.runs) == done
    return done


def files(backend: LocalBackend) -> set[str]:
    """The paths in the bucket, empty folders included."""
    root = backend.bucket().root
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() or not any(path.iterdir())}


def test_a_run_goes_with_its_images_outputs_and_rows(backend: LocalBackend) -> None:
    """Nothing of it is left but its records, whose name stays taken."""
    run = an_ingest(backend, "monday", "dogs", rex=b"rex", bella=b"bella!")
    counts = discard(backend, run)
    assert (counts.images, counts.outputs, counts.kept, counts.changed) == (2, 2, 0, 0)
    assert files(backend) == set()
    assert list(backend.ingests.all()) == []
    left = "SELECT key FROM objects UNION ALL SELECT url FROM ingest_items UNION ALL SELECT name FROM memo"
    assert backend.database.rows(left) == []
    assert [record.execution for record in backend.audit.records()] == ["monday-00000000", "monday-00000001"]
    assert [one.run_id for one in backend.discards.all()] == ["monday"]
    assert backend.discards.unfinished() == []
    with pytest.raises(ConfigurationError, match="'monday' was discarded"):
        check_run_kind(backend.database, "monday", RunKind.BULK_INGEST)
    assert backend.database.damage() is None


def test_an_image_that_another_dataset_needs_stays_until_that_goes_too(backend: LocalBackend) -> None:
    """Whoever stored it: the last run that names it takes it along."""
    dogs = an_ingest(backend, "monday", "dogs", rex=b"rex", bella=b"bella!")
    pets = an_ingest(backend, "tuesday", "pets", rex=b"rex")
    assert discard(backend, dogs).kept == 1
    assert {path for path in files(backend) if path.startswith("html")} == {"html/dogs/rex.jpg"}
    assert discard(backend, pets).images == 1
    assert files(backend) == set()


def test_all_runs_of_a_dataset_go_together(backend: LocalBackend) -> None:
    """With everything below its folder."""
    first = an_ingest(backend, "monday", "dogs", rex=b"rex")
    second = an_ingest(backend, "tuesday", "dogs", rex=b"rex", bella=b"bella!")
    backend.bucket().put("datasets/dogs/quality/quality.jsonl", b"{}", "application/x-ndjson")
    backend.bucket().put("datasets/dogs-2/quality/quality.jsonl", b"{}", "application/x-ndjson")
    both = [
        DiscardedRun(run_id=run.run_id, kind=run.kind, dataset="dogs", source="test", began_at=1.0, is_dataset=True)
        for run in (first, second)
    ]
    assert discard(backend, *both).images == 2
    assert files(backend) == {"datasets/dogs-2/quality/quality.jsonl"}


def test_a_decision_is_about_one_image_of_one_dataset(backend: LocalBackend) -> None:
    """None where nobody decided."""
    quality = backend.quality()
    quality.decide("dogs", ["1"], "keep")
    asked = [("dogs", "1"), ("dogs", "2"), ("cats", "1")]
    assert [quality.decision_about(*one) for one in asked] == ["keep", None, None]


def test_a_dataset_takes_its_groups_and_decisions_along(backend: LocalBackend) -> None:
    """A run alone does not, nor does another dataset; what was found in the images stays with their bytes."""
    run, cats = an_ingest(backend, "monday", "dogs", rex=b"rex"), an_ingest(backend, "cats", "cats", tom=b"tom")
    quality = backend.quality()
    for dataset in ("dogs", "cats"):
        quality.add_groups(dataset, "rule", [GroupRow("1", "1", 0)])
        quality.decide(dataset, ["1"], "keep")
    quality.save([QualityRow("1", "v", "d", {"blur": 0.5})])
    discard(backend, cats)
    assert quality.decisions("cats") == {"1": "keep"}
    discard(backend, replace(run, is_dataset=True))
    assert (quality.groups("dogs", "rule"), quality.decisions("dogs")) == ([], {})
    assert len(quality.groups("cats", "rule")) == 1
    assert [row.findings for row in quality.find(["1"])] == [{"blur": 0.5}]


def test_an_image_that_an_execution_or_no_run_needs_stays(backend: LocalBackend) -> None:
    """Records of single images count, and those that doctor --repair made."""
    for number, execution in enumerate(("single-00001", "doctor-repair")):
        body = f"body {number}".encode()
        run = an_ingest(backend, f"day-{number}", "dogs", **{f"image{number}": body})
        [record] = [one for one in backend.audit.records() if one.execution.startswith(f"day-{number}")]
        backend.audit.put(
            AuditRecord(
                image_name=record.image_name,
                upload_timestamp="2026-01-02T03:04:05Z",
                alert_triggered=False,
                outcome="duplicate",
                reason="same_content",
                sha256=record.sha256,
                execution=execution,
            )
        )
        assert discard(backend, run).kept == 1
    assert files(backend) == {"html/dogs/image0.jpg", "html/dogs/image1.jpg"}


def test_a_run_whose_name_begins_alike_keeps_its_images(backend: LocalBackend) -> None:
    """`day` is not `day-1`, whose executions begin with the same text."""
    run = an_ingest(backend, "day", "dogs", rex=b"rex")
    an_ingest(backend, "day-1", "dogs", bella=b"bella!")
    backend.database.write(
        lambda connection: connection.execute("INSERT INTO memo VALUES ('day-1-00000000/lost', '1')")
    )
    discard(backend, run)
    assert {path for path in files(backend) if "shards" not in path and "runs" not in path} == {"html/dogs/bella.jpg"}
    assert backend.database.rows("SELECT name FROM memo") == [("day-1-00000000/lost",)]


def test_files_of_others_stay(backend: LocalBackend) -> None:
    """A file that was replaced since, and one that was never pupline's."""
    run = an_ingest(backend, "monday", "dogs", rex=b"rex", bella=b"bella!")
    folder = backend.bucket().root / "html" / "dogs"
    (folder / "rex.jpg").write_bytes(b"my own picture")
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / "bella.jpg").unlink()
    backend.discards.begin([run])
    counts = backend.discards.finish()
    assert (counts.images, counts.changed) == (0, 1)
    assert files(backend) == {"html/dogs/rex.jpg", "html/dogs/notes.txt"}


def test_the_next_start_finishes_what_was_begun(backend: LocalBackend) -> None:
    """And until then the run is not one that could be resumed."""
    run = an_ingest(backend, "monday", "dogs", rex=b"rex")
    backend.ingests.reopen(backend.ingests.get("monday").ingest_id)
    backend.discards.begin([run])
    assert backend.ingests.unfinished("dogs") is None
    backend.close()
    with LocalBackend.open(backend.data_dir, exclusive=True) as again:
        assert again.discards.unfinished() == []
        assert files(again) == set()


def test_single_images_go_with_their_journal(backend: LocalBackend) -> None:
    """A run of executions has rows of another kind; definitions that nothing needs go with them."""
    backend.runs.open("runs", {"source": "sample"}, 1)
    for index in (1, 2):
        name = f"runs-{index:05}"
        body = f"picture {index}".encode()
        digest = hashlib.sha256(body).hexdigest()
        backend.bucket().create(ObjectToCreate(f"html/{name}.jpg", body, digest, "image/jpeg", name))
        backend.audit.put(
            AuditRecord(
                image_name=f"{name}.jpg",
                upload_timestamp="2026-01-02T03:04:05Z",
                alert_triggered=False,
                outcome="stored",
                reason="accepted",
                sha256=digest,
                execution=name,
            )
        )
        backend.write_once.remember(f"{name}/object", digest)

    def journal(connection: sqlite3.Connection) -> None:
        definition = "INSERT INTO definitions (digest, name, type, definition) VALUES (?, 'm', 'STANDARD', '{}')"
        execution = (
            "INSERT INTO executions (name, run_id, digest, status, input, start_time)"
            " VALUES (?, ?, ?, 'SUCCEEDED', '1', 1)"
        )
        for digest, run_id in (("mine", "runs"), ("other", "other")):
            connection.execute(definition, (digest,))
            connection.execute(execution, (f"{run_id}-00001", run_id, digest))

    backend.runs.open("other", {"source": "sample"}, 1)
    backend.database.write(journal)
    run = DiscardedRun(run_id="runs", kind=RunKind.WORKFLOW_RUN, dataset=None, source="sample", began_at=1.0)
    assert discard(backend, run).images == 2
    assert files(backend) == set()
    assert [one.run_id for one in backend.runs.all()] == ["other"]
    assert backend.database.rows("SELECT digest FROM definitions") == [("other",)]
    assert backend.database.rows("SELECT * FROM memo") == []
