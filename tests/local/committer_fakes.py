"""Items as workers bring them, for a committer without any fetching."""

import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pupline.errors import Reason
from pupline.local import Alert, Arrival, GroupCommitter, IngestRow, ItemDone, ListedPage, LocalBackend, NewIngest
from pupline.tasks.ingest_item import RecordBuilder
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, SourceItem
from pupline.tasks.records import AuditRecord
from tests.shared.workflow_rules import RULES

_NUMBERS = itertools.count()


class Source:
    """A run over some URLs, in one data directory, whose items arrive when a test says so."""

    def __init__(self, backend: LocalBackend, run_id: str = "run", dataset: str = "dogs") -> None:
        self.backend = backend
        new = NewIngest(run_id=run_id, dataset=dataset, source="test", settings={})
        self.run: IngestRow = backend.ingests.open(new)
        self.done: list[ItemDone] = []

    def list_urls(self, *urls: str) -> None:
        """Have the run name these."""
        items = [SourceItem(url=url) for url in urls]
        self.backend.ingests.add_page(self.run.ingest_id, ListedPage(items, position=None, listed=True))

    @contextmanager
    def committer(
        self,
        first_alert: Callable[[AuditRecord], Alert] | None = None,
        done: Callable[[list[ItemDone]], None] | None = None,
    ) -> Iterator[GroupCommitter]:
        """A committer, closed at the end, that notes what is done."""
        record_of = RecordBuilder(self.run.source, self.run.dataset, RULES)
        committer = GroupCommitter(
            self.backend.ingests, self.run, record_of, done or self.done.extend, first_alert=first_alert
        )
        try:
            yield committer
        finally:
            committer.close()

    def take_in(self, *arrivals: Arrival) -> list[AuditRecord]:
        """Take them in together; the records that they got, by index."""
        self.done.clear()
        with self.committer() as committer:
            committer.take(arrivals)
        return [one.record for one in sorted(self.done, key=lambda one: one.index)]

    def fetched(
        self, index: int, url: str, body: bytes, *, problem: Reason | None = None, alerts: bool = False
    ) -> Arrival:
        """An item whose bytes are in a temporary file."""
        return arrival(index, url, fetched(url, body, problem, alerts=alerts), self._aside(index, body))

    def failed(self, index: int, url: str) -> Arrival:
        """An item that the server did not have."""
        return arrival(index, url, FetchFailed(outcome="failed", reason="not_found", error="NotFound", cause="404"))

    def _aside(self, index: int, body: bytes) -> Path:
        folder = self.backend.data_dir / "tmp"
        folder.mkdir(exist_ok=True)
        path = folder / f"ingest-{self.run.run_id}-{index}-{next(_NUMBERS)}"
        path.write_bytes(body)
        return path


def fetched(url: str, body: bytes, problem: Reason | None = None, *, alerts: bool = False) -> FetchedImage:
    """What a worker says of a body. alerts: its content contradicts its name."""
    sound: str = "gif" if alerts else "jpg"
    return FetchedImage(
        name=url.rpartition("/")[2],
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        file_type=sound if problem is None else "html",
        width=1,
        height=1,
        problem=problem,
        content_type="image/jpeg",
        name_extension="jpg",
        etag='"v1"',
    )


def arrival(index: int, url: str, fetch_outcome: FetchOutcome, path: Path | None = None) -> Arrival:
    """An item that ended at the first attempt."""
    item = SourceItem(url=url)
    where = None if path is None else str(path)
    return Arrival(
        index=index, item=item, fetch_outcome=fetch_outcome, path=where, attempts=1, began_at=1.0, ended_at=2.0
    )
