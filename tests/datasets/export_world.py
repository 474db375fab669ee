"""A bucket with the metadata of a dataset's runs, written as an ingest leaves them, and exports of it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pupline.datasets import ExportDirectory, ExportHeader, ExportReport, ExportRequest, export_dataset
from pupline.local import LocalBackend, LocalBucket
from pupline.tasks.metadata import METADATA_COLUMNS
from pupline.tasks.ports import ErasableStore, ObjectToCreate
from tests.shared.memory_bucket import MemoryBucket

DATASET = "dogs"


def metadata_row(name: str, body: bytes, **given: Any) -> dict[str, Any]:
    """A row of a stored JPEG with these bytes: every column, null without a value, as in JSON Lines."""
    plain = {
        "execution": f"r-{name}",
        "index": 0,
        "dataset": DATASET,
        "source": "urls.txt",
        "source_url": f"https://cdn.example/{name}",
        "url": f"https://cdn.example/{name}",
        "labels": [],
        "image_name": f"{DATASET}/{name}",
        "key": f"html/{DATASET}/{name}",
        "file_type": "jpg",
        "size_bytes": len(body),
        "width": 640,
        "height": 480,
        "sha256": hashlib.sha256(body).hexdigest(),
        "outcome": "stored",
        "reason": "accepted",
        "upload_timestamp": "2026-11-22T17:00:00.000Z",
    }
    return {column.name: None for column in METADATA_COLUMNS} | plain | given


@dataclass
class DogBucket:
    """A bucket, and what to export of it. root: of a directory's files."""

    store: ErasableStore
    root: Path | None = None
    summaries: list[dict[str, Any]] = field(default_factory=list)

    def add_image(self, name: str, body: bytes, **given: Any) -> dict[str, Any]:
        """Store an image; its row."""
        row = metadata_row(name, body, **given)
        content = ObjectToCreate(row["key"], body, hashlib.sha256(body).hexdigest(), "image/jpeg", "r-0")
        self.store.create(content)
        return row

    def add_run(self, run: str, *rows: dict[str, Any], status: str = "SUCCEEDED", done: int | None = None) -> None:
        """Write the metadata of a run, and know its summary."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.store.put(f"datasets/{DATASET}/metadata/jsonl/run={run}/part-00000.jsonl", lines.encode(), "text/plain")
        self.summaries.append({"run": run, "status": status, "done": len(rows) if done is None else done})

    def add_images(self, run: str, *names: str, **given: Any) -> None:
        """A run that stored an image of its own bytes under each name."""
        self.add_run(run, *(self.add_image(name, name.encode(), **given) for name in names))

    def add_quality(self, columns: Mapping[str, Mapping[str, Any]]) -> None:
        """Publish what the quality pass found, by the names of images stored by `add_images`."""
        rows = [{"sha256": hashlib.sha256(name.encode()).hexdigest(), **found} for name, found in columns.items()]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.store.put(f"datasets/{DATASET}/quality/quality.jsonl", lines.encode(), "text/plain")

    def export(self, to: Path, *, link: bool = True, **given: Any) -> ExportReport:
        """Export to a directory."""
        runs = given.get("runs")
        summaries = tuple(one for one in self.summaries if not runs or one["run"] in runs)
        request = ExportRequest(dataset=DATASET, summaries=summaries, **given)
        with ExportDirectory(to, ExportHeader(DATASET, request.format), link=link) as target:
            return export_dataset(self.store, request, target)


@contextmanager
def dog_directory(data_dir: Path) -> Iterator[DogBucket]:
    """A bucket that is a directory."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        bucket: LocalBucket = backend.bucket()
        yield DogBucket(bucket, bucket.root)


def dog_memory() -> DogBucket:
    """A bucket in memory, as one in S3 is: without files."""
    return DogBucket(MemoryBucket())


def files_of(root: Path) -> dict[str, bytes]:
    """The files of an export, without its own state, by path."""
    found = (path for path in root.rglob("*") if path.is_file() and ".pupline-export" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def rows_of(root: Path, path: str = "train/metadata.jsonl") -> list[dict[str, Any]]:
    """The rows of a table of an export."""
    return [json.loads(line) for line in (root / path).read_text().splitlines()]
