"""IngestBatch: some items of a dataset, fetched, judged, stored and audited. The work of BulkIngest's children.

A batch may be tried again at any point, by Retry, by a Map Run's redrive, or because Express executions run at least
once. This order of writes makes the second attempt end as the first one would have:

1. the images, each created under a name of its own, owned by its item's execution;
2. the round's metadata part, created and never overwritten. THIS DECIDES what became of each item: an attempt that
   finds it there takes it as it is, and fetches nothing;
3. the audit records, made from the part: writing them again writes the same;
4. the first alert is claimed, under the name of the item that alerts;
5. the round's result, which SummariseIngest reads. An attempt that finds it there returns it, and does nothing else.

So a whole run that is started again costs one read for each batch that was done.
"""

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from pupline.errors import StorageError, TaskFailure, count_failed
from pupline.http import HttpClient
from pupline.json_values import JSON
from pupline.tasks.batch_fetch import DeferredItem, Fetching, HostThrottle, RobotsCache, in_threads
from pupline.tasks.batch_input import BatchItem, BatchRound
from pupline.tasks.digest import AlertedImage, AlertTally, first_alert
from pupline.tasks.image_storage import ImageStorage, ImageToStore, store_image
from pupline.tasks.ingest_item import IngestRules, RecordBuilder, fetch_failed
from pupline.tasks.items import FetchedImage, FetchOutcome, StoredImage
from pupline.tasks.layout import JSON_LINES
from pupline.tasks.metadata import ItemRow, columns_of, lines_of
from pupline.tasks.ports import AuditTable, Clock, ObjectToCreate, WriteOnceStore
from pupline.tasks.records import AuditRecord
from pupline.tasks.task_input import TaskInput
from pupline.text import timestamp

BATCH_SECONDS = 200
"""From a batch's start until nothing more is begun: an Express execution has 300, of which the last requests, storing
and recording need some. Where nothing ends a batch from outside, it is the time that its rounds and waits may take."""

_UNKNOWN_PAUSE_SECONDS = 30
"""Before the next round, where the attempt that knew the hosts' wishes was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchServices:
    """What the task works with. clock: for records. monotonic: for durations. concurrency: requests at once."""

    client: HttpClient
    robots: RobotsCache
    storage: ImageStorage
    table: AuditTable
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    concurrency: int = 8
    rules: IngestRules = field(default_factory=IngestRules)


@dataclass(slots=True)
class RoundResult:
    """What came of one round. again: (index, attempts before) of the items that another round shall try.

    seconds: that it took, as far as that is known.
    """

    records: Sequence[AuditRecord]
    again: list[tuple[int, int]]
    wait_seconds: int
    part_key: str | None
    alerts: AlertTally = field(default_factory=AlertTally)
    first_alert: dict[str, Any] | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As it is kept in the bucket."""
        outcomes: Counter[str] = Counter(record.outcome for record in self.records)
        return {
            "outcomes": dict(outcomes),
            "reasons": dict(Counter(record.reason for record in self.records)),
            "bytes": sum(record.size_bytes or 0 for record in self.records if record.outcome == "stored"),
            "failures": count_failed(outcomes),
            "alerts": self.alerts.as_dict(),
            "first_alert": self.first_alert,
            "part": self.part_key,
            "again": [list(pair) for pair in self.again],
            "wait_seconds": self.wait_seconds,
            "seconds": self.seconds,
        }


def ingest_batch(event: TaskInput, services: BatchServices, seconds: float = math.inf) -> dict[str, JSON]:
    """One round of a batch; the workflow's state after it.

    event: `batch` (`BatchInput` with run, dataset, source, rate, heed_robots; `Items`, each `index` and `item`, a line
    of the manifest) and `started`, the child execution's StartTime, where that sets an end to it. seconds: that this
    invocation may take.
    Gives: `outcomes` of the batch so far; `unfinished`, and then `batch` for the next round with the items that are
    left, after `wait_seconds`; `alerting`, and then `first_alert` (subject, message, attributes), if this round has the
    run's first alert. Doing it again for the same round gives the same.
    Raises: InvalidInput; StorageError and ConfigurationError when the bucket or the table cannot be used. An item that
    cannot be had raises nothing: it is recorded.
    """
    asked = BatchRound.from_event(event)
    done = _read(services, asked.result_key)
    result: dict[str, Any] = json.loads(done) if done else _work(asked, services, seconds)
    return _answer(asked, result, event)


def _work(asked: BatchRound, services: BatchServices, seconds: float) -> dict[str, Any]:
    result = _decided_before(asked, services) or _decide(asked, services, seconds)
    services.table.put_many(result.records)
    _claim_alerts(asked, result, services.storage.write_once)
    kept = result.as_json() | {"told_to": asked.run.told_to}
    _create(services, asked, asked.result_key, json.dumps(kept).encode(), "application/json")
    return kept


def _decided_before(asked: BatchRound, services: BatchServices) -> RoundResult | None:
    """The round as an earlier attempt decided it, if that one came so far."""
    part = _read(services, asked.part_key)
    if part is None:
        return None
    rows = [json.loads(line) for line in part.split(b"\n") if line]
    ended = {row["index"] for row in rows}
    again = [(entry.index, entry.attempt + 1) for entry in asked.entries if entry.index not in ended]
    records = [AuditRecord.from_item(row) for row in rows]
    return RoundResult(records, again, _UNKNOWN_PAUSE_SECONDS if again else 0, asked.part_key)


def _decide(asked: BatchRound, services: BatchServices, seconds: float) -> RoundResult:
    """Fetch and store; then write down what became of each item, unless somebody else was faster."""
    began = services.monotonic()
    ends = _Ends(asked, services, began + _seconds_left(asked, services.clock, seconds))
    concurrency = min(services.concurrency, asked.run.requests or services.concurrency)
    made = in_threads(ends.of, asked.entries, concurrency)
    rows = sorted((one for one in made if isinstance(one, ItemRow)), key=lambda row: row.index)
    left = [one for one in made if isinstance(one, DeferredItem)]
    if rows:
        lines = lines_of(columns_of(rows, asked.run.dataset))
        body = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        if not _create(services, asked, asked.part_key, body, JSON_LINES):
            decided = _decided_before(asked, services)
            assert decided is not None  # noqa: S101 - it has just refused to be overwritten
            return decided
    again = [(one.entry.index, one.entry.attempt) for one in left]
    wait = max((one.seconds for one in left), default=0)
    took = round(services.monotonic() - began, 3)
    return RoundResult([row.record for row in rows], again, wait, asked.part_key if rows else None, seconds=took)


def _seconds_left(asked: BatchRound, clock: Clock, seconds: float) -> float:
    """How long this round may begin something.

    What an attempt took that was killed counts against nothing: only rounds that have ended say what they took.
    """
    left = min(seconds, BATCH_SECONDS - asked.spent)
    return left if asked.started is None else min(left, asked.started + BATCH_SECONDS - clock.now())


class _Ends:
    """How the items of a round end: each fetched, stored, and made into a row; or left for another round."""

    def __init__(self, asked: BatchRound, services: BatchServices, stop_at: float) -> None:
        run = asked.run
        self._run = run
        self._services = services
        self._record_of = RecordBuilder(run.source, run.dataset)
        self._rules = replace(services.rules, heed_robots=run.heed_robots)
        self._storage = replace(services.storage, folder=f"{run.dataset}/")
        interval = 1 / run.rate if run.rate else 0.0
        self._fetching = Fetching(
            client=services.client,
            robots=services.robots,
            hosts=HostThrottle(services.monotonic, services.sleep, interval, stop_at),
            rules=self._rules,
            monotonic=services.monotonic,
            stop_at=stop_at,
            jitter=random.Random(f"{run.run} {asked.name}"),  # noqa: S311 - spreads the load, keeps no secret
        )

    def of(self, entry: BatchItem) -> ItemRow | DeferredItem:
        """What becomes of one entry. Raises: StorageError, ConfigurationError."""
        began_at = self._services.clock.now()
        found = self._fetching.fetch(entry)
        if isinstance(found, DeferredItem):
            return found
        if isinstance(found, tuple):
            return self._stored_row(entry, began_at, *found)
        return self._row(entry, began_at, found, None)

    def _stored_row(self, entry: BatchItem, began_at: float, image: FetchedImage, body: bytes) -> ItemRow:
        try:
            return self._row(entry, began_at, *self._stored(entry, image, body))
        except StorageError:
            raise
        except TaskFailure as failure:  # of what an earlier attempt stored, and this one looks at
            return self._row(entry, began_at, fetch_failed(failure), None)

    def _stored(self, entry: BatchItem, image: FetchedImage, body: bytes) -> tuple[FetchedImage, StoredImage]:
        new = ImageToStore(entry.item, image, body, self._run.execution(entry.index))
        return store_image(new, self._storage, self._rules)

    def _row(
        self, entry: BatchItem, began_at: float, fetch_outcome: FetchOutcome, stored: StoredImage | None
    ) -> ItemRow:
        ended_at = self._services.clock.now()
        execution = self._run.execution(entry.index)
        image = fetch_outcome if isinstance(fetch_outcome, FetchedImage) else None
        return ItemRow(
            index=entry.index,
            item=entry.item,
            record=self._record_of(entry.item, fetch_outcome, stored, execution, timestamp(ended_at)),
            key=stored.key if stored else None,
            sha1=image.sha1 if image else None,
            etag=image.etag if image else None,
            last_modified=image.last_modified if image else None,
            attempts=entry.attempt + 1,
            began_at=began_at,
            ended_at=ended_at,
        )


def _claim_alerts(asked: BatchRound, result: RoundResult, write_once: WriteOnceStore) -> None:
    """Count the alerts; the run's very first one is told by itself, and is not among those counted."""
    alerted = [record for record in result.records if record.alert_triggered]
    if alerted:
        claim = alerted[0].execution
        if write_once.remember(f"first-alert/{asked.run.run}", claim) == claim:
            first = first_alert(_alerted(alerted.pop(0)), asked.run.run, asked.run.dataset)
            result.first_alert = first.as_dict()
    for record in alerted:
        result.alerts.add(_alerted(record))


def _alerted(record: AuditRecord) -> AlertedImage:
    return AlertedImage(record.image_name, record.file_type, record.alert_reasons)


def _answer(asked: BatchRound, result: dict[str, Any], event: TaskInput) -> dict[str, JSON]:
    outcomes = Counter(asked.before)
    outcomes.update(result["outcomes"])
    # Another execution, started to do what is missing, finds this one's results; it must not tell the alert again.
    alerting = result["first_alert"] is not None and result["told_to"] == asked.run.told_to
    answer: dict[str, JSON] = {
        "outcomes": dict(outcomes),
        "unfinished": bool(result["again"]),
        "alerting": alerting,
    }
    if alerting:
        answer["first_alert"] = result["first_alert"]
    if result["again"]:
        answer |= {"wait_seconds": result["wait_seconds"], "batch": _next_batch(asked, result, event, dict(outcomes))}
    return answer


def _next_batch(
    asked: BatchRound, result: dict[str, Any], event: TaskInput, outcomes: dict[str, JSON]
) -> dict[str, JSON]:
    attempts = dict(result["again"])
    left = [BatchItem(one.index, one.item, attempts[one.index]) for one in asked.entries if one.index in attempts]
    batch = event["batch"]
    assert isinstance(batch, dict)  # noqa: S101 - it was read
    return {
        "BatchInput": batch["BatchInput"],
        "Items": [entry.as_json() for entry in left],
        "first": asked.first,
        "round": asked.number + 1,
        "spent_seconds": asked.spent + result.get("seconds", 0) + result["wait_seconds"],
        "outcomes": outcomes,
    }


def _read(services: BatchServices, key: str) -> bytes | None:
    try:
        return services.storage.store.read(key)
    except KeyError:
        return None


def _create(services: BatchServices, asked: BatchRound, key: str, body: bytes, content_type: str) -> bool:
    """Whether `body` is now what is held under `key`."""
    digest = sha256(body).hexdigest()
    held = services.storage.store.create(
        ObjectToCreate(key, body, digest, content_type, f"{asked.run.run}-{asked.name}")
    )
    return held.sha256 == digest
