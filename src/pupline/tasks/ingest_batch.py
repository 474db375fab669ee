"""IngestBatch: some items of a dataset, fetched, inspected, stored and audited. The work of BulkIngest's children.

A batch may be tried again at any point: by Retry, by a Map Run's redrive, or because Express executions run at least
once. This order of writes gives the second attempt the result of the first:

1. the images, each created under its own name and owned by its item's execution;
2. the round's metadata part, created and never overwritten. THIS DECIDES the outcome of each item: an attempt that
   finds the part uses it, and fetches nothing;
3. the audit records, made from the part, each added unless it is there;
4. the claim of the first alert, under the execution of the alerting item;
5. the round's result, which SummariseIngest reads. An attempt that finds the result returns it, and does nothing else.

So a run that is started again, or another Map Run, costs one read for each finished round.

A batch may wait for concurrency, and be left for another Map Run. That takes none of its time: what a round had no time
for is in the next one, with as many attempts as before.
"""

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from pupline.errors import StorageError, TaskFailure, count_failed
from pupline.http import HttpClient
from pupline.json_values import JSON
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.batch_fetch import (
    MIN_ROUND_SECONDS,
    BatchFetcher,
    DeferredItem,
    HostThrottle,
    RobotsCache,
    RoundEnd,
    map_in_threads,
)
from pupline.tasks.batch_input import BatchItem, BatchRound
from pupline.tasks.digest import AlertTally, first_alert
from pupline.tasks.failure_lines import failure_lines
from pupline.tasks.image_storage import ImageStorage, ImageToStore, store_image
from pupline.tasks.ingest_item import RecordBuilder, fetch_failed
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchedImage, FetchOutcome, StoredImage
from pupline.tasks.layout import JSON_LINES
from pupline.tasks.metadata import ItemRow, columns_of, lines_of
from pupline.tasks.ports import AuditTable, Clock, ObjectToCreate, WriteOnceStore
from pupline.tasks.records import AuditRecord
from pupline.tasks.round_result import result_of, rows_of
from pupline.tasks.task_input import TaskInput
from pupline.tasks.verification import verification_of
from pupline.text import timestamp

BATCH_SECONDS = 200
"""How long the rounds of a batch may take, with the pauses that hosts ask for, but not its waiting for concurrency.

Items that were not requested in this time, because other hosts took it, have as long again.
"""

CHILD_SECONDS = 300
"""How long an Express execution may take, from its StartTime."""

ENDING_SECONDS = 70
"""For the last requests of a round, storing and recording, after it has begun its last request."""

THROTTLED_SECONDS = 25
"""The longest that a child waits for concurrency before a later round: IngestBatch's throttling Retrier in all."""

_DEFAULT_PAUSE_SECONDS = 30
"""Before the next round, where the attempt that knew the pauses of the hosts was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchServices:
    """What the task works with. clock: for records. monotonic: for durations. concurrency: parallel requests.

    alert_rules: those of the workflow's file.
    """

    client: HttpClient
    robots: RobotsCache
    storage: ImageStorage
    table: AuditTable
    clock: Clock
    alert_rules: AlertRules
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    concurrency: int = 8
    rules: IngestRules = field(default_factory=IngestRules)


@dataclass(slots=True)
class RoundResult:
    """The result of one round. deferred: (index, attempts so far) of the items for the next round.

    verification: how many items were verified, changed and gone. seconds: its duration, 0 where an earlier attempt
    decided it. failure_lines: of failures.jsonl, so that SummariseIngest needs no other object than the result.
    """

    records: Sequence[AuditRecord]
    verification: Counter[str]
    deferred: list[tuple[int, int]]
    wait_seconds: int
    part_key: str | None
    failure_lines: str = ""
    alerts: AlertTally = field(default_factory=AlertTally)
    first_alert: dict[str, Any] | None = None
    seconds: float = 0.0

    def as_json(self, told_to: str | None, ended_at: float) -> dict[str, Any]:
        """The object in the bucket. told_to: the workflow's execution, or Map Run, that publishes the first alert."""
        outcomes: Counter[str] = Counter(record.outcome for record in self.records)
        return {
            "outcomes": dict(outcomes),
            "reasons": dict(Counter(record.reason for record in self.records)),
            "verification": dict(self.verification),
            "bytes": sum(record.size_bytes or 0 for record in self.records if record.outcome == "stored"),
            "failures": count_failed(outcomes),
            "failure_lines": self.failure_lines,
            "alerts": self.alerts.as_dict(),
            "first_alert": self.first_alert,
            "part": self.part_key,
            "again": [list(pair) for pair in self.deferred],
            "wait_seconds": self.wait_seconds,
            "seconds": self.seconds,
            "told_to": told_to,
            "ended_at": ended_at,
        }


def _unreported(_: dict[str, Any]) -> None:
    """The listener of callers that need no more than the answer."""


def ingest_batch(
    event: TaskInput,
    services: BatchServices,
    seconds: float = math.inf,
    report: Callable[[dict[str, Any]], None] = _unreported,
) -> dict[str, JSON]:
    """Work one round of a batch; the workflow's state after it.

    event: `batch` (`BatchInput` with run, dataset, source, rate, heed_robots; `Items`, each `index` and `item`, a line
    of the manifest) and `started`, the child execution's StartTime, where that sets an end to it. seconds: the time
    left for this invocation. report: gets the round's result, as it is in the bucket, unless an earlier call stored it.
    Returns: `outcomes` of the batch so far; `unfinished`, and then `batch` for the next round with the remaining items,
    `wait_seconds` before it, and `leave` if the child has no time for it; `alerting`, and then `first_alert` (subject,
    message, attributes), if this round has the run's first alert. Repeating a round returns the same.
    Raises: InvalidInput; StorageError and ConfigurationError when the bucket or the table cannot be used. A failed item
    raises nothing: it is recorded.
    """
    batch, result = _first_to_do(BatchRound.from_input(event), services)
    if result is None and _seconds_left(batch, services) < MIN_ROUND_SECONDS:
        untouched: dict[str, JSON] = {"outcomes": dict(batch.before), "unfinished": True, "alerting": False}
        return untouched | {"wait_seconds": _DEFAULT_PAUSE_SECONDS, "leave": True, "batch": batch.as_json()}
    if result is None:
        result = _work(batch, services, seconds)
        report(result)
    return _answer(batch, result, services)


def _answer(batch: BatchRound, result: Mapping[str, Any], services: BatchServices) -> dict[str, JSON]:
    outcomes = Counter(batch.before)
    outcomes.update(result["outcomes"])
    # An execution that was started to do what is missing finds results of another one, and must not repeat its alert.
    alerting = result["first_alert"] is not None and _is_ours(result, batch)
    answer: dict[str, JSON] = {
        "outcomes": dict(outcomes),
        "unfinished": bool(result["again"]),
        "alerting": alerting,
    }
    if alerting:
        answer["first_alert"] = result["first_alert"]
    if result["again"]:
        wait = _remaining_wait(result, services)
        answer |= {"wait_seconds": wait, "batch": _next_round(batch, result).as_json()}
        if wait + THROTTLED_SECONDS + MIN_ROUND_SECONDS > _seconds_left(batch, services):
            answer["leave"] = True
    return answer


def _first_to_do(batch: BatchRound, services: BatchServices) -> tuple[BatchRound, dict[str, Any] | None]:
    """The first round that this child has to work or to wait for, and its result where there is one.

    Rounds that another Map Run or execution finished are skipped, once the pause after them is over.
    """
    while (found := _read(services, batch.result_key)) is not None:
        result = result_of(found, batch.result_key)
        if not result["again"] or _is_ours(result, batch) or "ended_at" not in result:
            return batch, result
        if result["ended_at"] + result["wait_seconds"] > services.clock.now():
            return batch, result
        batch = _next_round(batch, result)
    return batch, None


def _is_ours(result: Mapping[str, Any], batch: BatchRound) -> bool:
    return bool(result["told_to"] == batch.run.workflow_execution)


def _remaining_wait(result: Mapping[str, Any], services: BatchServices) -> int:
    """Seconds, at least one, until the next round may begin."""
    wait: int = result["wait_seconds"]
    passed = services.clock.now() - result.get("ended_at", math.inf)
    return max(1, wait - int(max(passed, 0))) if wait else 1


def _seconds_left(batch: BatchRound, services: BatchServices) -> float:
    """Until the child execution may begin no further request."""
    if batch.started is None:
        return math.inf
    return batch.started + CHILD_SECONDS - ENDING_SECONDS - services.clock.now()


def _work(batch: BatchRound, services: BatchServices, seconds: float) -> dict[str, Any]:
    result = _earlier_decision(batch, services) or _decide(batch, services, seconds)
    services.table.put_many(result.records)
    _claim_alerts(batch, result, services.storage.write_once, services.alert_rules)
    stored = result.as_json(batch.run.workflow_execution, services.clock.now())
    _create(services, batch, batch.result_key, json.dumps(stored).encode(), "application/json")
    return stored


def _earlier_decision(batch: BatchRound, services: BatchServices) -> RoundResult | None:
    """The round as an earlier attempt decided it, None where none did."""
    part = _read(services, batch.part_key)
    if part is None:
        return None
    rows = rows_of(part, batch.part_key)
    ended = {row["index"] for row in rows}
    deferred = [(item.index, item.attempt + 1) for item in batch.items if item.index not in ended]
    records = [AuditRecord.from_item(row) for row in rows]
    verification = Counter(filter(None, (row.get("verification") for row in rows)))
    return RoundResult(
        records=records,
        verification=verification,
        deferred=deferred,
        wait_seconds=_DEFAULT_PAUSE_SECONDS if deferred else 0,
        part_key=batch.part_key,
        failure_lines=failure_lines(rows),
    )


def _decide(batch: BatchRound, services: BatchServices, seconds: float) -> RoundResult:
    """Fetch and store the items, then write the part, unless another attempt was faster."""
    began = services.monotonic()
    # Only rounds that have ended report their duration: the time of a killed attempt does not count.
    time_of_batch = BATCH_SECONDS - batch.spent
    time_of_round = min(time_of_batch, seconds, _seconds_left(batch, services))
    worker = _ItemWorker(batch, services, RoundEnd(began + time_of_round, began + time_of_batch))
    concurrency = min(services.concurrency, batch.run.requests or services.concurrency)
    # First those that were tried less often: a host that stalls on the others may answer for them.
    items = sorted(batch.items, key=lambda item: item.attempt)
    results = map_in_threads(worker.work, items, concurrency)
    rows = sorted((one for one in results if isinstance(one, ItemRow)), key=lambda row: row.index)
    deferred = [one for one in results if isinstance(one, DeferredItem)]
    body = b""
    if rows:
        lines = lines_of(columns_of(rows, batch.run.dataset))
        body = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        if not _create(services, batch, batch.part_key, body, JSON_LINES):
            decided = _earlier_decision(batch, services)
            assert decided is not None  # noqa: S101 - the part exists: it was not overwritten
            return decided
    return RoundResult(
        records=[row.record for row in rows],
        verification=Counter(row.verification for row in rows if row.verification),
        deferred=[(one.item.index, one.item.attempt) for one in deferred],
        wait_seconds=max((one.seconds for one in deferred), default=0),
        part_key=batch.part_key if rows else None,
        failure_lines=failure_lines(rows_of(body, batch.part_key)),
        seconds=round(services.monotonic() - began, 3),
    )


class _ItemWorker:
    """Fetches and stores the items of a round. Thread-safe."""

    def __init__(self, batch: BatchRound, services: BatchServices, end: RoundEnd) -> None:
        run = batch.run
        self._run = run
        self._clock = services.clock
        self._record_of = RecordBuilder(run.source, run.dataset, services.alert_rules)
        self._rules = replace(services.rules, heed_robots=run.heed_robots)
        self._storage = replace(services.storage, folder=f"{run.dataset}/")
        interval = 1 / run.rate if run.rate else 0.0
        self._fetcher = BatchFetcher(
            client=services.client,
            robots=services.robots,
            hosts=HostThrottle(services.monotonic, services.sleep, interval, end),
            rules=self._rules,
            monotonic=services.monotonic,
            end=end,
            jitter=random.Random(f"{run.run} {batch.name}"),  # noqa: S311 - spreads the load, keeps no secret
        )

    def work(self, item: BatchItem) -> ItemRow | DeferredItem:
        """The item's row, or the item for the next round. Raises: StorageError, ConfigurationError."""
        began_at = self._clock.now()
        fetched = self._fetcher.fetch(item)
        if isinstance(fetched, DeferredItem):
            return fetched
        if not isinstance(fetched, tuple):
            return self._row(item, began_at, fetched, None)
        new = ImageToStore(item.item, *fetched, self._run.execution(item.index))
        try:
            return self._row(item, began_at, *store_image(new, self._storage, self._rules))
        except StorageError:
            raise
        except TaskFailure as failure:  # an inspection of what an earlier attempt stored
            return self._row(item, began_at, fetch_failed(failure), None)

    def _row(
        self, item: BatchItem, began_at: float, fetch_outcome: FetchOutcome, stored: StoredImage | None
    ) -> ItemRow:
        ended_at = self._clock.now()
        execution = self._run.execution(item.index)
        image = fetch_outcome if isinstance(fetch_outcome, FetchedImage) else None
        record = self._record_of(item.item, fetch_outcome, stored, execution, timestamp(ended_at))
        return ItemRow(
            index=item.index,
            item=item.item,
            record=record,
            key=stored.key if stored else None,
            sha1=image.sha1 if image else None,
            md5=image.md5 if image else None,
            verification=verification_of(item.item, record.outcome, record.reason),
            etag=image.etag if image else None,
            last_modified=image.last_modified if image else None,
            attempts=item.attempt + 1,
            began_at=began_at,
            ended_at=ended_at,
        )


def _claim_alerts(batch: BatchRound, result: RoundResult, write_once: WriteOnceStore, rules: AlertRules) -> None:
    """Count the round's alerts. The first alert of the run is published by itself, and not counted."""
    records = [record for record in result.records if record.alert_triggered]
    if records:
        claim = records[0].execution
        if write_once.remember(f"first-alert/{batch.run.run}", claim) == claim:
            result.first_alert = first_alert(records.pop(0), batch.run.run, batch.run.dataset, rules).as_dict()
    for record in records:
        result.alerts.add(record, rules)


def _next_round(batch: BatchRound, result: Mapping[str, Any]) -> BatchRound:
    outcomes = Counter(batch.before)
    outcomes.update(result["outcomes"])
    took = result.get("seconds", 0) + result["wait_seconds"]
    following = batch.following(dict(result["again"]), outcomes, took)
    is_over = following.spent >= BATCH_SECONDS
    if is_over and any(item.attempt == 0 for item in following.items):
        return replace(following, spent=0.0)
    return following


def _read(services: BatchServices, key: str) -> bytes | None:
    try:
        return services.storage.store.read(key)
    except KeyError:
        return None


def _create(services: BatchServices, batch: BatchRound, key: str, body: bytes, content_type: str) -> bool:
    """Whether the object under `key` now has these bytes."""
    digest = sha256(body).hexdigest()
    new = ObjectToCreate(key, body, digest, content_type, f"{batch.run.run}-{batch.name}")
    return services.storage.store.create(new).sha256 == digest
