"""A data directory with a dataset of made pictures, and passes over it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pupline.local import LocalBackend, QualityTable
from pupline.quality import DatasetState, QualityReport, QualityRequest, examine_dataset, publish
from pupline.tasks.layout import changes_key
from tests.datasets.export_world import DATASET, DogBucket


@dataclass
class QualityWorld:
    """The dataset of `dogs`, its journal, and the lines of the last pass. read: progress that was told."""

    dogs: DogBucket
    table: QualityTable
    lines: list[Mapping[str, Any]] = field(default_factory=list)
    read: list[tuple[str, int, int | None]] = field(default_factory=list)

    def add(self, run: str, pictures: Mapping[str, bytes], **given: Any) -> None:
        """A run that stored these pictures, in this order."""
        rows = [
            self.dogs.add_image(name, body, index=at, upload_timestamp=f"2026-11-22T17:{run}:{at:02}.000Z", **given)
            for at, (name, body) in enumerate(pictures.items())
        ]
        self.dogs.add_run(run, *rows)

    def state(self, **given: Any) -> DatasetState:
        """Examine the dataset."""
        request = QualityRequest(dataset=DATASET, workers=2, **given)
        return examine_dataset(self.table, self.dogs.store, request, lambda *told: self.read.append(told))

    def run(self, **given: Any) -> QualityReport:
        """A whole pass."""
        return self.publish(self.state(**given))

    def publish(self, state: DatasetState) -> QualityReport:
        """Publish what is known."""
        self.lines.clear()
        return publish(self.table, state, lambda: nullcontext(self.dogs.store), self.lines.append)

    def line(self, name: str) -> Mapping[str, Any]:
        """The line of the picture with this name."""
        [found] = [line for line in self.lines if line["image_name"] == f"{DATASET}/{name}"]
        return found

    def groups(self) -> set[frozenset[str]]:
        """The names of the pictures in each group."""
        found: dict[str, set[str]] = {}
        for line in self.lines:
            if line["group"]:
                found.setdefault(line["group"], set()).add(str(line["image_name"]).rpartition("/")[2])
        return {frozenset(names) for names in found.values()}

    def changes(self) -> bytes:
        """The file with what became of changed images."""
        return self.dogs.store.read(changes_key(DATASET))


@contextmanager
def quality_world(data_dir: Path) -> Iterator[QualityWorld]:
    """A data directory with an empty dataset."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        bucket = backend.bucket()
        yield QualityWorld(DogBucket(bucket, bucket.root), backend.quality())
