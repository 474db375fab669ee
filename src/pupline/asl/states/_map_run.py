"""A Map Run: the progress of a Distributed Map, counted as DescribeMapRun counts, and the files of a ResultWriter."""

from __future__ import annotations

import random
import uuid
from typing import Literal

from pupline.json_values import AnyJSON, dumps

MapRunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
_COUNTS = ("total", "pending", "running", "succeeded", "failed", "timedOut", "aborted", "resultsWritten")


class Counts:
    """The number of items, or of child executions, in each status."""

    __slots__ = ("failed", "pending", "running", "succeeded", "total", "written", "aborted")  # noqa: RUF023 - AWS's order

    def __init__(self) -> None:
        self.total = self.pending = self.running = self.succeeded = self.failed = self.aborted = self.written = 0

    def describe(self) -> dict[str, AnyJSON]:
        """The counts under DescribeMapRun's names."""
        values = (self.total, self.pending, self.running, self.succeeded, self.failed, 0, self.aborted, self.written)
        return dict(zip(_COUNTS, values, strict=True))


class MapRun:
    """One Map Run. `arn` ends in `/<Label or a UUID>:<UUID>`; both are drawn from the execution's own randomness."""

    __slots__ = ("arn", "executions", "id", "items", "label", "max_concurrency", "redrive_count", "start_time",
                 "status", "stop_time")  # fmt: skip

    def __init__(
        self, machine_arn: str, label: str | None, source: random.Random, now: float, max_concurrency: int
    ) -> None:
        self.label = label or str(_uuid(source))
        self.id = str(_uuid(source))
        self.arn = f"{machine_arn.replace(':stateMachine:', ':mapRun:')}/{self.label}:{self.id}"
        self.status: MapRunStatus = "RUNNING"
        self.items = Counts()
        self.executions = Counts()
        self.max_concurrency = max_concurrency
        self.redrive_count = 0
        self.start_time = now
        self.stop_time: float | None = None

    def describe(self) -> dict[str, AnyJSON]:
        """The Map Run in the shape of DescribeMapRun; times in seconds since the epoch."""
        return {
            "mapRunArn": self.arn,
            "status": self.status,
            "startDate": self.start_time,
            "stopDate": self.stop_time,
            "maxConcurrency": self.max_concurrency,
            "redriveCount": self.redrive_count,
            "itemCounts": self.items.describe(),
            "executionCounts": self.executions.describe(),
        }

    def redrive(self) -> None:
        """Set the run to RUNNING again; the caller moves the counts of the children that run again."""
        self.status, self.stop_time = "RUNNING", None
        self.redrive_count += 1

    def end(self, status: MapRunStatus, now: float) -> None:
        """Set the final status; running children count as aborted, and others stay pending."""
        self.status, self.stop_time = status, now
        for counts in (self.items, self.executions):
            counts.aborted += counts.running
            counts.running = 0


def exceeds_tolerance(failed: int, total: int, *, count: float | None, percentage: float | None) -> bool:
    """Whether more of `total` items have failed than ToleratedFailureCount or ...Percentage allow; none by default."""
    if count is None and percentage is None:
        return failed > 0
    if count is not None and failed > count:
        return True
    return percentage is not None and 100 * failed > percentage * total


def _uuid(source: random.Random) -> uuid.UUID:
    return uuid.UUID(int=source.getrandbits(128), version=4)


def result_files(run: MapRun, bucket: AnyJSON, prefix: str, records: dict[str, list[AnyJSON]]) -> dict[str, AnyJSON]:
    """File name -> content: the records by status, and the manifest that lists them."""
    files: dict[str, AnyJSON] = {f"{status}_0.json": rows for status, rows in records.items() if rows}
    listed: dict[str, list[AnyJSON]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, rows in records.items():
        if rows:
            size = len(dumps(rows).encode("utf-8", "surrogatepass"))
            listed[status].append({"Key": f"{prefix}{status}_0.json", "Size": size})
    files["manifest.json"] = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": listed}
    return files
