"""A Map Run: the progress of a Distributed Map, counted as DescribeMapRun counts, and the files of a ResultWriter."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pupline.asl._commands import file_text
from pupline.json_values import AnyJSON, loads

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._facts import MapRunUpdated
    from pupline.asl.states._child_executions import MapRunFork, Plan

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


@dataclass(frozen=True, slots=True)
class ChildFailure:
    """How a child execution failed. index: of its item or batch, from 0. state: in which it was."""

    index: int
    state: str | None
    error: str | None
    cause: str | None


class MapRun:
    """One Map Run. `arn` ends in `/<Label or a UUID>:<UUID>`; both are drawn from the execution's own randomness.

    plan: its limits. fork: its child executions while it runs. redrive_time: None before the first redrive.
    first_failure: of its child executions.
    """

    __slots__ = ("arn", "executions", "first_failure", "fork", "id", "items", "label", "max_concurrency",
                 "plan", "redrive_count", "redrive_time", "start_time",
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
        self.redrive_time: float | None = None
        self.plan: Plan | None = None
        self.fork: MapRunFork | None = None
        self.first_failure: ChildFailure | None = None
        self.start_time = now
        self.stop_time: float | None = None

    def describe(self) -> dict[str, AnyJSON]:
        """The Map Run in the shape of DescribeMapRun; times in seconds since the epoch."""
        plan = self.plan
        return {
            "mapRunArn": self.arn,
            "status": self.status,
            "startDate": self.start_time,
            "stopDate": self.stop_time,
            "maxConcurrency": self.max_concurrency,
            "toleratedFailurePercentage": float((plan and plan.percentage) or 0),
            "toleratedFailureCount": int((plan and plan.count) or 0),
            "redriveCount": self.redrive_count,
            "itemCounts": self.items.describe(),
            "executionCounts": self.executions.describe(),
        }

    def update(self, execution: Execution, update: MapRunUpdated) -> None:
        """Change the limits, if it is this run and it has not ended."""
        if self.arn == update.arn and self.fork is not None:
            self.fork.update(execution, update)

    def redrive(self, fork: MapRunFork, now: float) -> None:
        """Set the run to RUNNING again; the caller moves the counts of the children that run again."""
        self.fork = fork
        self.status, self.stop_time, self.redrive_time = "RUNNING", None, now
        self.redrive_count += 1

    def end(self, status: MapRunStatus, now: float) -> None:
        """Set the final status; running children count as aborted, and others stay pending."""
        self.status, self.stop_time, self.fork = status, now, None
        for counts in (self.items, self.executions):
            counts.aborted += counts.running
            counts.running = 0


def child_arn(machine_arn: str, run: MapRun, name: str) -> str:
    """The ARN of a child execution."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}/{run.label}:{name}"


def exceeds_tolerance(failed: int, total: int, *, count: float | None, percentage: float | None) -> bool:
    """Whether more of `total` items have failed than ToleratedFailureCount or ...Percentage allow; none by default."""
    if count is None and percentage is None:
        return failed > 0
    if count is not None and failed > count:
        return True
    return percentage is not None and 100 * failed > percentage * total


def _uuid(source: random.Random) -> uuid.UUID:
    return uuid.UUID(int=source.getrandbits(128), version=4)


def flattened(outputs: list[AnyJSON]) -> list[AnyJSON]:
    """The outputs, with the elements of those that are arrays."""
    return [item for output in outputs for item in (output if isinstance(output, list) else [output])]


def transformed(records: list[AnyJSON], transformation: str) -> list[AnyJSON]:
    """The records of successful children as WriterConfig's Transformation wants them: NONE, COMPACT or FLATTEN."""
    if transformation == "NONE":
        return records
    outputs = [loads(record["Output"]) for record in records]
    return flattened(outputs) if transformation == "FLATTEN" else outputs


def result_files(
    run: MapRun, bucket: AnyJSON, prefix: str, records: dict[str, list[AnyJSON]], *, suffix: str = "json"
) -> dict[str, AnyJSON]:
    """File name -> content: the records by status, and the manifest that lists them. suffix: json, or jsonl."""
    files: dict[str, AnyJSON] = {f"{status}_0.{suffix}": rows for status, rows in records.items() if rows}
    listed: dict[str, list[AnyJSON]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, rows in records.items():
        if rows:
            name = f"{status}_0.{suffix}"
            size = len(file_text(name, rows).encode("utf-8", "surrogatepass"))
            listed[status].append({"Key": f"{prefix}{name}", "Size": size})
    files["manifest.json"] = {"DestinationBucket": bucket, "MapRunArn": run.arn, "ResultFiles": listed}
    return files
