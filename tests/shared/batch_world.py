"""Everything that IngestBatch and SummariseIngest touch, in memory, with a clock that moves when somebody sleeps."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pupline.errors import NotFound, TaskFailure
from pupline.http import HttpClient, Response, Validators
from pupline.tasks.batch_fetch import RobotsCache
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.ingest_batch import BatchServices, ingest_batch
from pupline.tasks.records import AuditRecord
from pupline.tasks.summarise_ingest import SummaryServices, summarise_ingest
from tests.shared.functions_fakes import Crash, FakeStore, FakeTable, FakeWriteOnceStore, picture
from tests.shared.workflow_rules import RULES

HOST = "https://images.example/"
START = 1_767_225_600.0
RUN = {"run": "r1", "dataset": "dogs", "source": "kennel", "rate": 0, "heed_robots": True}


@dataclass
class BatchClock:
    """Time that passes by sleeping only; `time` alone can be set."""

    time: float = START
    ticks: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """As the port says."""
        return self.time

    def monotonic(self) -> float:
        """What nobody can set."""
        return self.ticks

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds
        self.ticks += seconds


@dataclass
class Web:
    """Serves bodies by URL, in turn where there are several; a failure is raised. What it has not is not found."""

    pages: dict[str, list[bytes | TaskFailure]]
    asked: Counter[str] = field(default_factory=Counter)

    def get(
        self,
        url: str,
        *,
        accept: str = "image/*",
        max_bytes: int | None = None,
        validators: Validators | None = None,
        truncate: bool = False,
    ) -> Response:
        """As the real client."""
        assert (accept, max_bytes is None, truncate) in {("image/*", True, False), ("text/plain", False, True)}
        assert validators is None
        self.asked[url] += 1
        turns = self.pages.get(url, [NotFound(f"{url}: 404")])
        body = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(body, TaskFailure):
            raise body
        return Response(url=url, status=200, headers={"etag": '"1"'}, body=body, content_type="image/jpeg")


@dataclass
class BatchWorld:
    """The functions and what they stand on. One thread, so that what is asked comes in order."""

    pages: dict[str, list[bytes | TaskFailure]] = field(default_factory=dict)
    crash: Crash = field(default_factory=Crash)
    concurrency: int = 1

    def __post_init__(self) -> None:
        self.store = FakeStore(self.crash)
        self.write_once = FakeWriteOnceStore(self.crash)
        self.table = FakeTable(self.crash)
        self.clock = BatchClock()
        self.web = Web(self.pages)
        self.published: list[dict[str, Any]] = []
        self.rounds: list[dict[str, Any]] = []

    @property
    def services(self) -> BatchServices:
        """IngestBatch's, as of a process that has just begun."""
        client = cast(HttpClient, self.web)
        return BatchServices(
            client=client,
            robots=RobotsCache(client),
            storage=ImageStorage(self.store, self.write_once),
            table=self.table,
            clock=self.clock,
            alert_rules=RULES,
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
            concurrency=self.concurrency,
        )

    def batch(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """One call of IngestBatch, its answer as JSON gives it back."""
        answer: dict[str, Any] = json.loads(json.dumps(ingest_batch(event, self.services, report=self.rounds.append)))
        return answer

    def all_rounds(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Round after round until the batch is finished, waiting between them as the workflow does."""
        answer = self.batch(event)
        while answer["unfinished"]:
            self.clock.sleep(answer["wait_seconds"])
            answer = self.batch({**event, "batch": answer["batch"]})
        return answer

    @property
    def summary_services(self) -> SummaryServices:
        """SummariseIngest's."""
        return SummaryServices(store=self.store, clock=self.clock, concurrency=2)

    def summary(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """One call of SummariseIngest."""
        answer: dict[str, Any] = json.loads(json.dumps(summarise_ingest(event, self.summary_services)))
        return answer

    @property
    def records(self) -> list[AuditRecord]:
        """The audit, by execution."""
        return sorted(self.table.records.values(), key=lambda record: record.execution)

    def lines(self, key: str) -> list[dict[str, Any]]:
        """The JSON Lines of an object."""
        return [json.loads(line) for line in self.store.objects[key].body.split(b"\n") if line]

    def images(self) -> list[str]:
        """The keys of what is stored as images or quarantined."""
        return [key for key in sorted(self.store.objects) if key.startswith(("html/", "quarantine/"))]


def event_of(urls: Sequence[Any], **run: Any) -> dict[str, Any]:
    """What the workflow gives IngestBatch: each of `urls` a line of the manifest, or its URL."""
    lines = [{"url": line} if isinstance(line, str) else line for line in urls]
    items = [{"index": index, "item": line} for index, line in enumerate(lines)]
    return {"batch": {"BatchInput": {**RUN, **run}, "Items": items}}


def jpeg(number: int) -> bytes:
    """A sound JPEG, another one for each number."""
    return picture("JPEG", f"#{number % 256:02x}{number // 256 % 256:02x}80") + number.to_bytes(4, "big")
