"""How long a number of images takes through BulkIngest, in how many runs, and what decides that."""

from dataclasses import dataclass, replace
from math import ceil, inf

from pupline.cost._query import CostQuery
from pupline.cost._requests import BATCH_PUTS
from pupline.tasks.bulk_limits import (
    DYNAMODB_WRITES_PER_SECOND,
    LAMBDA_CONCURRENCY,
    MAP_STARTS_PER_SECOND,
    S3_PUTS_PER_SECOND,
    BulkPlan,
)

CONCURRENCY = "the number of batches at the same time"
BATCHES = "the number of all batches"
LAMBDA = "the account's quota of concurrent invocations"
HOSTS = "what the hosts allow"
S3 = "the PUTs of one partition of the bucket"
DYNAMODB = "the writes of a new table on demand"
CHILDREN = "the starts of child executions"


GROWING = frozenset({S3, DYNAMODB})
"""Ceilings that AWS raises while the rate is high, within half an hour or so."""


@dataclass(frozen=True, slots=True)
class BulkSchedule:
    """Runs of BulkIngest, one after the other. rates: images a second that each ceiling lets through."""

    plan: BulkPlan
    rates: dict[str, float]

    @classmethod
    def of(cls, query: CostQuery, *, is_warm: bool = False) -> "BulkSchedule":
        """The schedule of a query's images. is_warm: the bucket and the table have grown with the load."""
        concurrency = min(query.bulk_concurrency, LAMBDA_CONCURRENCY)
        per_worker = query.batch_images * 1000 / query.unhindered_batch_ms
        rates = {
            CONCURRENCY: query.bulk_concurrency * per_worker,
            HOSTS: query.host_rate,
            LAMBDA: LAMBDA_CONCURRENCY * per_worker,
            S3: S3_PUTS_PER_SECOND / (1 + BATCH_PUTS / query.batch),
            DYNAMODB: DYNAMODB_WRITES_PER_SECOND / query.write_units,
            CHILDREN: float(MAP_STARTS_PER_SECOND * query.batch),
        }
        kept = {name: rate for name, rate in rates.items() if not (is_warm and name in GROWING)}
        return cls(BulkPlan(query.images, query.batch, concurrency, query.batch_ms / 1000), kept)

    @property
    def ceiling(self) -> str:
        """The lowest of the ceilings."""
        return min(self.rates, key=lambda name: self.rates[name])

    @property
    def images_per_second(self) -> float:
        """What the lowest ceiling lets through."""
        return self.rates[self.ceiling]

    @property
    def seconds(self) -> float:
        """From the first batch to the last summary. A last batch takes its time however few its images are."""
        batches = max(self.plan.images / self.images_per_second, self.plan.batch_seconds)
        return batches + self.plan.summary_seconds


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same images with another number of batches at the same time. until: the ceiling that this reaches."""

    query: CostQuery
    schedule: BulkSchedule
    until: str
    is_warm: bool = False


def alternatives(query: CostQuery) -> list[Alternative]:
    """As many batches at the same time as the other ceilings allow, at once and when AWS has raised some of them.

    Where the hosts are the limit, as few as keep them busy: those that wait for hosts are billed. None where there is
    nothing to gain.
    """
    found: list[Alternative] = []
    before = query.bulk_concurrency
    if BulkSchedule.of(query).ceiling == HOSTS:
        enough = ceil(query.host_rate * query.unhindered_batch_ms / 1000 / query.batch)
        other = replace(query, bulk_concurrency=enough)
        return [Alternative(other, BulkSchedule.of(other), HOSTS)] if enough < before else []
    for is_warm in (False, True):
        others = BulkSchedule.of(query, is_warm=is_warm).rates | {CONCURRENCY: inf}
        until = min(others, key=lambda name: others[name])
        count = int(others[until] * query.unhindered_batch_ms / 1000 / query.batch)
        if count > query.batches:
            count, until = query.batches, BATCHES
        if count > before:
            before, other = count, replace(query, bulk_concurrency=count)
            found.append(Alternative(other, BulkSchedule.of(other, is_warm=is_warm), until, is_warm))
    return found
