"""One bulk run in a data directory whose items end as a test says: what comes after it has real tables to read."""

import hashlib
import io
import json
from typing import Any

from pyarrow import parquet

from pupline.bulk._outputs import OutputOptions, write_outputs
from pupline.bulk._run_stats import RunStats
from pupline.local import Arrival, GroupCommitter, IngestRow, ListedPage, LocalBackend, NewIngest
from pupline.tasks.ingest_item import RecordBuilder
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, SourceItem
from tests.shared.workflow_rules import RULES

RUN = "20261122-170000-ab12"
FOLDER = f"datasets/dogs/runs/{RUN}/"
LOST = FetchFailed(outcome="failed", reason="not_found", error="NotFound", cause="it answered 404 🐶\\n")
REFUSED = FetchFailed(outcome="refused", reason="too_large", error="BodyTooLarge", cause="over 20 MB")


class World:
    """One run in a data directory, whose items end as the test says."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend = backend
        new = NewIngest(run_id=RUN, dataset="dogs", source="urls.txt", settings={})
        self.ingest: IngestRow = backend.ingests.open(new)

    def list_items(self, count: int, *, listed: bool = True) -> None:
        """Name `count` items."""
        items = [SourceItem(url=f"https://cdn.example/{n}.jpg", title=f"Rex {n} 🐕\u2028") for n in range(count)]
        self.backend.ingests.add_page(
            self.ingest.ingest_id, ListedPage(items, position=None, listed=listed, total=count)
        )

    def finish(self, fetch_outcomes: dict[int, bytes | FetchFailed]) -> None:
        """End these items: with bytes, or without."""
        record_of = RecordBuilder("urls.txt", "dogs", RULES)
        committer = GroupCommitter(self.backend.ingests, self.ingest, record_of, lambda _: None)
        items = dict(self.backend.ingests.items(self.ingest.ingest_id))
        committer.take(
            [self._arrival(index, items[index], fetch_outcome) for index, fetch_outcome in fetch_outcomes.items()]
        )
        committer.close()

    def write(self, *, status: str = "SUCCEEDED", finished: int = 4, **options: Any) -> dict[str, Any]:
        """Write the outputs and end the run. Its summary."""
        stats = RunStats(status=status, ended_at=1_795_366_810.5, seconds=2.0, cpu_seconds=0.5, finished=finished)
        write_outputs(self.backend, RUN, stats, OutputOptions(**options))
        self.backend.ingests.end(self.ingest.ingest_id, status)
        summary: dict[str, Any] = self.read("summary.json")
        return summary

    def read(self, name: str) -> Any:
        """A file of the run's folder: JSON, or the objects of its lines."""
        text = self.backend.bucket().read(FOLDER + name).decode()
        return json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.split("\n")[:-1]]

    def bodies(self) -> dict[str, bytes]:
        """All files of the run, by key."""
        bucket = self.backend.bucket()
        return {key: bucket.read(key) for key in bucket.keys("datasets/")}

    def parquet_rows(self) -> list[dict[str, Any]]:
        """The rows of all parts."""
        keys = self.backend.bucket().keys("datasets/dogs/metadata/parquet/")
        bodies = [self.backend.bucket().read(key) for key in keys]
        return [row for body in bodies for row in parquet.read_table(io.BytesIO(body)).to_pylist()]

    def _arrival(self, index: int, item: SourceItem, fetch_outcome: bytes | FetchFailed) -> Arrival:
        times = {"attempts": 2, "began_at": 1_795_366_800.0, "ended_at": 1_795_366_801.0}
        if isinstance(fetch_outcome, FetchFailed):
            return Arrival(index=index, item=item, fetch_outcome=fetch_outcome, path=None, **times)  # type: ignore[arg-type]
        path = self.backend.data_dir / "tmp" / f"ingest-1-{index}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(fetch_outcome)
        return Arrival(index=index, item=item, fetch_outcome=_fetched(index, fetch_outcome), path=str(path), **times)  # type: ignore[arg-type]


def _fetched(index: int, body: bytes) -> FetchOutcome:
    return FetchedImage(
        name=f"{index}.jpg",
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        file_type="png" if body.startswith(b"png") else "jpg",
        width=1,
        height=1,
        problem=None,
        content_type="image/jpeg",
        name_extension="jpg",
    )
