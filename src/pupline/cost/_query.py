"""What is asked: a number of images, how fast they are started, and what else is known or assumed about them."""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from math import ceil, inf

from pupline.cost._assumptions import Assumptions
from pupline.cost._paths import FETCH, WorkflowPath, WorkflowPaths
from pupline.cost._throttling import THROTTLED, Load, Retrier, Throttling, throttling
from pupline.tasks.fetch_and_upload_dog_image import EXPRESS_FETCH_SECONDS

_WRITE_UNIT_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class CostQuery:
    """A number of images, in batches of `batch` where a design has batches.

    start_rate: executions started a second, of the designs with one for each image. fetch_concurrency: reserved for
    the function that fetches, 0 for none. bulk_concurrency: batches at the same time. host_rate: images a second that
    all hosts allow together.
    """

    images: int
    batch: int = 100
    assumptions: Assumptions = field(default_factory=Assumptions)
    start_rate: float = 10.0
    fetch_concurrency: int = 0
    bulk_concurrency: int = 4
    host_rate: float = inf

    @property
    def batches(self) -> int:
        """Batches needed, of which the last one may not be full."""
        return -(-self.images // self.batch)

    @property
    def batch_images(self) -> int:
        """Images of a batch; fewer where there are no more."""
        return min(self.batch, self.images)

    @property
    def unhindered_batch_ms(self) -> int:
        """Time of a bulk function for one batch where the hosts allow it."""
        return -(-self.assumptions.batch_ms_of_100 * self.batch_images // 100)

    @property
    def batch_ms(self) -> int:
        """Billed time of a bulk function for one batch, which may have to wait for the hosts with all others."""
        at_once = min(self.bulk_concurrency, self.batches)
        return max(self.unhindered_batch_ms, ceil(1000 * self.batch_images * at_once / self.host_rate))

    @property
    def write_units(self) -> int:
        """Write units of one record."""
        return max(1, -(-int(self.assumptions.item_bytes) // _WRITE_UNIT_BYTES))

    def batches_with(self, share: Decimal) -> Decimal:
        """The share of batches with at least one of the images of which there is this share."""
        return 1 - (1 - share) ** self.batch_images

    def load(self, longest: float) -> Load:
        """The load on the function that fetches. longest: seconds after which an execution is timed out."""
        seconds = self.assumptions.milliseconds(FETCH) / 1000
        return Load(self.images, self.start_rate, seconds, self.fetch_concurrency, longest)

    def digests(self, at_most: Decimal) -> Decimal:
        """Messages where alerts are sent as digests."""
        return min(at_most, (self.images * self.assumptions.alerts).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class SingleFlow:
    """The usage of one execution per image. throttled: what throttling adds to each."""

    query: CostQuery
    paths: WorkflowPaths
    throttled: Throttling

    @classmethod
    def of(cls, query: CostQuery, paths: WorkflowPaths) -> "SingleFlow":
        """The flow, with the images that throttling loses among the failures."""
        longest = paths.workflow.timeout_seconds or inf
        if paths.workflow.type == "EXPRESS":
            longest = EXPRESS_FETCH_SECONDS
        found = throttling(query.load(longest), Retrier.of_throttling(paths.workflow))
        if found.lost:
            query = replace(query, assumptions=_with_lost(query.assumptions, Decimal(str(found.lost))))
        return cls(query, paths, found)

    @property
    def shares(self) -> list[tuple[Decimal, WorkflowPath]]:
        """The share of images on each path; together 1."""
        given, paths = self.query.assumptions, self.paths
        failing = [
            (share, paths.lost if error == THROTTLED else paths.failure(error))
            for error, share in given.failures.items()
        ]
        special = [(given.alerts, paths.alert), (given.rate_limited, paths.rate_limited), *failing]
        # Shares that exclude each other may be given so that they come to more than one.
        plain = max(Decimal(0), 1 - sum((share for share, _ in special), Decimal(0)))
        return [(plain, paths.plain), *(one for one in special if one[0])]

    @property
    def transitions(self) -> Decimal:
        """Of all images, as Standard executions."""
        retries = self.query.images * Decimal(str(self.throttled.retries))
        return retries + self.query.images * sum((share * path.transitions for share, path in self.shares), Decimal(0))

    @property
    def invocations(self) -> dict[str, Decimal]:
        """By function. What was throttled is not billed."""
        found: dict[str, Decimal] = {}
        for share, path in self.shares:
            for name, count in path.invocations.items():
                found[name] = found.get(name, Decimal(0)) + self.query.images * share * count
        return found

    @property
    def publishes(self) -> Decimal:
        """Alerts published."""
        return self.query.images * sum((share * path.publishes for share, path in self.shares), Decimal(0))

    @property
    def milliseconds(self) -> Decimal:
        """The mean duration of an execution."""
        given, total = self.query.assumptions, Decimal(str(self.throttled.waits)) * 1000
        for share, path in self.shares:
            tasks = sum(path.invocations.values()) + path.publishes
            functions = sum(given.milliseconds(name) * count for name, count in path.invocations.items())
            total += share * (functions + tasks * given.task_overhead_ms + Decimal(str(path.waits)) * 1000)
        return total

    @property
    def seconds(self) -> float:
        """From the first start to the last, or as long as the reserved concurrency needs."""
        return self.query.images / min(self.query.start_rate, self.query.load(inf).capacity)


def _with_lost(given: Assumptions, lost: Decimal) -> Assumptions:
    """With the images whose executions gave up: what would have become of them is lost alike."""
    kept = 1 - lost
    failures = {error: share * kept for error, share in given.failures.items()}
    failures[THROTTLED] = failures.get(THROTTLED, Decimal(0)) + lost
    return replace(
        given,
        failures=failures,
        stored=given.stored * kept,
        conflicts=given.conflicts * kept,
        renamed=given.renamed * kept,
        alerts=given.alerts * kept,
        rate_limited=given.rate_limited * kept,
    )
