"""What one run of BulkIngest can hold on AWS, how fast runs go, and how many a number of images needs.

Each quota of AWS is from the page named with it, read in 2026; docs/scale.md has the table. The quotas are those of
us-east-1, and of an account that has not asked for more.
"""

from dataclasses import dataclass
from math import ceil

MAX_MANIFEST_BYTES = 10_000_000_000
"""Of an object that an ItemReader reads. Source: Step Functions, ItemReader."""

MAX_IMAGES_PER_RUN = 25_000_000
"""Lines of a manifest. With 400 bytes a line the manifest is full; a run of this size also keeps the summary, and what
a repeated execution reads again, to minutes."""

MAP_STARTS_PER_SECOND = 1_000
"""Express children of a Map Run. Source: Step Functions, service quotas."""

LAMBDA_CONCURRENCY = 1_000
"""Of an account, in a region; of a new account it may be 10. Source: Lambda, quotas."""

S3_PUTS_PER_SECOND = 3_500
"""Of a partition of a bucket. S3 splits partitions while the rate is high, and answers SlowDown meanwhile. Source: S3,
performance guidelines."""

DYNAMODB_WRITES_PER_SECOND = 4_000
"""Of a new table on demand; it doubles within half an hour of use. Source: DynamoDB, on-demand capacity mode."""

SUMMARY_MS_PER_BATCH = 4
"""Of SummariseIngest, for one result: 2.0 to 2.4 were measured, which leaves room for a slower processor."""

SUMMARY_SECONDS = 240
"""Of reading in one invocation of SummariseIngest; a larger run takes another."""

SUMMARY_AT_ONCE_SECONDS = 60
"""Of reading, after which the last writes have an invocation of their own."""


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """Runs of BulkIngest, one after the other, that ingest a number of images.

    batch: images of one invocation of IngestBatch, which takes `batch_seconds`. concurrency: batches at the same time.
    """

    images: int
    batch: int = 100
    concurrency: int = 4
    batch_seconds: float = 7.0

    @property
    def runs(self) -> int:
        """Executions of BulkIngest, each with a manifest of its own."""
        return -(-self.images // MAX_IMAGES_PER_RUN)

    @property
    def batches(self) -> int:
        """Child executions of all runs. The last batch of a run may not be full."""
        full, rest = divmod(self.images, MAX_IMAGES_PER_RUN)
        return full * -(-MAX_IMAGES_PER_RUN // self.batch) + -(-rest // self.batch)

    @property
    def images_per_second(self) -> float:
        """Of the batches that run at the same time."""
        return self.concurrency * self.batch / self.batch_seconds

    @property
    def summary_seconds(self) -> float:
        """Work of SummariseIngest for all runs."""
        return self.batches * SUMMARY_MS_PER_BATCH / 1000

    @property
    def summary_invocations(self) -> int:
        """Of SummariseIngest, at least one for each run."""
        full, rest = divmod(self.images, MAX_IMAGES_PER_RUN)
        return full * self._invocations(MAX_IMAGES_PER_RUN) + self._invocations(rest)

    def _invocations(self, images: int) -> int:
        """Of SummariseIngest, for one run of so many images."""
        seconds = -(-images // self.batch) * SUMMARY_MS_PER_BATCH / 1000
        if seconds < SUMMARY_AT_ONCE_SECONDS:
            return min(images, 1)
        return ceil(seconds / SUMMARY_SECONDS) + 1

    @property
    def hours(self) -> float:
        """From the first batch to the last summary."""
        return (self.batches * self.batch_seconds / self.concurrency + self.summary_seconds) / 3600
