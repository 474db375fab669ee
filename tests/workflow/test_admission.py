"""Admission: work beyond the concurrency of a function waits its turn, and none is lost.

The figures (intervals, rates, attempts, waits) are those of the workflow files, and the engine adds the jitter.
"""

import json
from datetime import datetime
from functools import partial
from typing import Any, Literal

import pytest

from pupline.tasks.ingest_batch import CHILD_SECONDS, ingest_batch
from pupline.tasks.summarise_ingest import SummaryServices, summarise_ingest
from tests.shared.batch_world import HOST, BatchClock, BatchWorld, jpeg
from tests.workflow import bulk_runs, workflow_runs
from tests.workflow.concurrency import Account, Concurrency

Kind = Literal["STANDARD", "EXPRESS"]

slow = partial(pytest.param, marks=pytest.mark.slow)

FETCH_SECONDS = 1.0
LOG_SECONDS = 0.05
"""As the cost command assumes."""


def fetched(event: Any, _: float) -> tuple[float, Any]:
    """An image; every tenth execution's is a PNG and alerts."""
    is_png = event["Name"].endswith("0")
    return FETCH_SECONDS, {**workflow_runs.IMAGE, "file_type": "png"} if is_png else workflow_runs.IMAGE


def burst(starts: int, reserved: int, quota: int, seed: str, kind: Kind = "STANDARD") -> tuple[Account, float]:
    """So many executions of DogUploaderPipeline, a hundred started in each second, and when all have ended.

    reserved: concurrency of FetchAndUploadDogImage, 0 where it shares the account's quota with the other functions.
    """
    shared = Concurrency(quota)
    fetching = Concurrency(reserved) if reserved else shared
    account = Account(
        {
            "FetchAndUploadDogImage": (fetching, fetched),
            "AlertPNG": (shared, lambda *_: (LOG_SECONDS, {})),
            "LogToDynamoDB": (shared, lambda *_: (LOG_SECONDS, {})),
        }
    )
    for number in range(starts):
        account.start(workflow_runs.machine(kind), f"{seed}-{number}", {}, number / 100)
    return account, account.run()


@pytest.mark.parametrize(
    ("starts", "reserved", "quota", "seed"),
    [
        (100, 5, 1000, "a"),
        (100, 0, 10, "b"),
        slow(2000, 5, 1000, "c"),
        slow(500, 0, 10, "d"),
    ],
)
def test_a_burst_loses_no_image(starts: int, reserved: int, quota: int, seed: str) -> None:
    """All end well soon after the work is done, each after few more transitions than the four of an image alone."""
    account, seconds = burst(starts, reserved, quota, seed)
    assert account.statuses() == {"SUCCEEDED": starts}
    assert seconds < starts * (FETCH_SECONDS + LOG_SECONDS) / (reserved or quota) + 240
    assert account.attempts.total() <= 10 * starts


@pytest.mark.parametrize(("starts", "reserved", "quota"), [(120, 5, 1000), slow(200, 0, 10)])
def test_a_small_burst_of_express_executions_loses_no_image(starts: int, reserved: int, quota: int) -> None:
    """About 30 for each unit of concurrency fit into the minute and a half in which an execution queues."""
    account, seconds = burst(starts, reserved, quota, "x", "EXPRESS")
    assert account.statuses() == {"SUCCEEDED": starts}
    assert seconds < 120


class Kennel:
    """Runs of BulkIngest that share a stack: the real functions over fakes, paced so that a batch takes its time.

    SummariseIngest takes its concurrency from the same few units, as in an account with no more than those.
    longest_child: seconds from a child's StartTime to the end of its last invocation.
    """

    def __init__(self, limit: int) -> None:
        self.world = BatchWorld()
        self.limit = limit
        self.longest_child = 0.0
        self.concurrency = Concurrency(limit)
        self.account = Account(
            {"IngestBatch": (self.concurrency, self._batch), "SummariseIngest": (self.concurrency, self._summary)},
            self.world.store.read,
        )

    def start(self, run: str, batches: int, size: int, rate: float) -> None:
        """Start a run of so many batches of `size` images, `rate` in a second."""
        urls = [f"{HOST}{run}/{number}.jpg" for number in range(batches * size)]
        self.world.pages.update({url: [jpeg(number)] for number, url in enumerate(urls)})
        manifest = "".join(json.dumps({"url": url}) + "\n" for url in urls)
        self.world.store.put(f"datasets/{run}/runs/{run}/manifest.jsonl", manifest.encode(), "")
        given = {"dataset": run, "batch_size": size, "rate": rate, "items": len(urls), "heed_robots": False}
        self.account.start(bulk_runs.machine(self.limit), run, given)

    def _batch(self, event: Any, now: float) -> tuple[float, Any]:
        clock = self.world.clock = BatchClock(now)
        answer = json.loads(json.dumps(ingest_batch(event, self.world.services, 225)))
        clock.sleep(1)  # for the last image
        started = datetime.fromisoformat(event["started"]).timestamp()
        self.longest_child = max(self.longest_child, clock.now() - started)
        return clock.now() - now, answer

    def _summary(self, event: Any, now: float) -> tuple[float, Any]:
        self.world.clock = BatchClock(now)
        services = SummaryServices(store=self.world.store, clock=self.world.clock, concurrency=1)
        return 1.0, json.loads(json.dumps(summarise_ingest(event, services)))


@pytest.mark.parametrize(
    ("runs", "batches", "size", "rate", "batch_seconds", "seed"),
    [
        (1, 20, 7, 1 / 5, 31, "a"),
        (2, 10, 7, 1 / 5, 31, "b"),
        (2, 4, 10, 1 / 20, 181, "c"),
        slow(2, 50, 7, 1 / 5, 31, "d"),
        slow(3, 25, 7, 1 / 5, 31, "e"),
        slow(5, 15, 7, 1 / 5, 31, "f"),
        slow(5, 8, 10, 1 / 20, 181, "g"),
        slow(5, 4, 10, 1 / 20, 181, "h"),
        slow(5, 1, 10, 1 / 20, 181, "i"),
    ],
)
def test_runs_that_share_a_stack_lose_no_image(
    runs: int, batches: int, size: int, rate: float, batch_seconds: float, seed: str
) -> None:
    """However many at once: each image is fetched once and stored, and no child outlives its five minutes."""
    kennel = Kennel(4)
    for number in range(runs):
        kennel.start(f"{seed}{number}", batches, size, rate)
    seconds = kennel.account.run()
    assert kennel.account.statuses() == {"SUCCEEDED": runs}
    assert {record.outcome for record in kennel.world.records} == {"stored"}
    assert len(kennel.world.records) == kennel.world.web.asked.total() == runs * batches * size
    assert kennel.longest_child < CHILD_SECONDS - 30
    assert seconds < 1.2 * runs * batches * batch_seconds / 4 + 2 * CHILD_SECONDS
    assert kennel.concurrency.refused == 0 or runs > 1
