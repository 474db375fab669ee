"""A source ingested through BulkIngest on a stack: the list is made here, the state machine does the rest there.

The name of an execution is its idempotency key: the same command with the same --run-id waits for the execution that
exists, or redrives it.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pupline.aws import S3Store
from pupline.backends._bulk_ingest import (
    BulkExecution,
    Pace,
    check_options,
    execution_input,
    has_parquet,
    name_after,
    report_of,
    with_names,
)
from pupline.backends._manifest import list_source
from pupline.backends._port import BulkListener, Note
from pupline.backends.stack._executions import Description, Executions
from pupline.backends.stack._polling import ExecutionPoller, Timer
from pupline.backends.stack._stack import BUCKET, BULK_MACHINE, Stack, execution_arn
from pupline.bulk import IngestReport, IngestRequest, IngestStarted, RunFiles, complete_summary, write_parquet
from pupline.errors import ConfigurationError, PuplineError
from pupline.json_values import JSON
from pupline.local import SystemClock
from pupline.sources import ImageSource, piped_for_now
from pupline.tasks.ingest_summary import summary_of
from pupline.tasks.layout import JSON_LINES, manifest_key, summary_key
from pupline.tasks.summarise_ingest import BATCHES_MISSING, SummaryServices, current_summary
from pupline.text import plural, printable

_CONCURRENCY = 8
"""Reads from the bucket at the same time."""

_COUNTED_SOON = 1_000_000
"""Images whose results are read in about half a minute."""


@contextmanager
def prepared(request: IngestRequest) -> Iterator[tuple[IngestRequest, ImageSource]]:
    """The request with its run and dataset named, and its source; a piped list is a file inside the `with` block.

    Raises: ConfigurationError for what a stack cannot do.
    """
    check_options(request)
    with piped_for_now(str(request.source)) as file:
        named, source = with_names(replace(request, source=file))
        if source.sample:
            raise ConfigurationError(
                f"{source.name} is served on this machine only; leave out --backend, or name an API"
            )
        yield named, source


class StackIngest:
    """One run. Images are fetched by the stack's functions: from public origins and those in AllowOrigins."""

    def __init__(
        self, stack: Stack, s3_client: Any, executions: Executions, request: IngestRequest, source: ImageSource
    ) -> None:
        self._bucket = stack.resource(BUCKET)
        self._machine = stack.resource(BULK_MACHINE)
        self._most_batches = stack.most_batches
        self._store = S3Store(s3_client, self._bucket)
        self._executions = executions
        self._request = request
        self._source = source
        self._run_id = str(request.run_id)
        self._dataset = str(request.dataset)

    def run(self, listener: BulkListener, timer: Timer) -> IngestReport:
        """Start the run or resume it, wait for its end, report. Ctrl-C ends the waiting only."""
        newest = self._newest()
        ended = newest is not None and newest["status"] == "SUCCEEDED"
        listener(IngestStarted(self._run_id, self._dataset, newest is not None, ended=ended))
        arn = execution_arn(self._machine, self._continue(newest, listener))
        poller = ExecutionPoller(self._executions.describe, timer)
        poller.add(arn)
        try:
            described = None
            while described is None:
                described = poller.poll()
            return self._with_parquet(self._report(described, interrupted=False))
        except KeyboardInterrupt:
            described = self._executions.describe(arn)
            if int(_execution(described).input.get("items") or 0) > _COUNTED_SOON:
                listener(
                    Note(
                        "The execution goes on. Counting what is done takes minutes; Ctrl-C leaves that out. To wait"
                        f" again: the same command and --run-id {self._run_id}"
                    )
                )
            return self._report(described, interrupted=True)

    def _newest(self) -> Description | None:
        """The run's newest execution, if it has one; the names of all that were started for it are consecutive."""
        found = self._executions.of_machine(self._machine, self._run_id)
        while found is not None and _needs_another(found):
            following = self._executions.of_machine(self._machine, name_after(found["name"]))
            if following is None:
                break
            found = following
        return found

    def _continue(self, newest: Description | None, listener: BulkListener) -> str:
        """The name of the execution to wait for: it is started, redriven, or left as it is."""
        if newest is None:
            self._start(self._run_id, self._listed(listener))
            return self._run_id
        execution = _execution(newest)
        if (execution.input.get("source"), execution.input.get("dataset")) != (self._source.name, self._dataset):
            raise ConfigurationError(
                f"the run '{self._run_id}' was started with another source or dataset; repeat it with the same ones,"
                " or give another --run-id"
            )
        if _needs_another(newest):
            self._start(name_after(execution.name), execution.input)
            return name_after(execution.name)
        if execution.needs_redrive and newest.get("redriveStatus") == "REDRIVABLE":
            self._executions.redrive(newest["executionArn"])
        return execution.name

    def _start(self, name: str, given: Mapping[str, JSON]) -> None:
        if not self._executions.start(self._machine, name, given):
            raise PuplineError(f"the execution {name} was started by another command; repeat this one to wait for it")

    def _listed(self, listener: BulkListener) -> dict[str, JSON]:
        """The execution's input, once the manifest is in the bucket."""
        with tempfile.TemporaryDirectory(prefix="pupline-") as folder:
            path = Path(folder) / "manifest.jsonl"
            manifest = list_source(path, self._source, self._request, self._stored_list, listener)
            self._store.put(manifest_key(self._dataset, self._run_id), path, JSON_LINES)
        self._note_limit(listener)
        return execution_input(self._request, self._source, manifest, self._most_batches)

    def _note_limit(self, listener: BulkListener) -> None:
        wanted = Pace.of(self._request, self._source).batches
        if self._most_batches is not None and wanted > self._most_batches:
            batches = plural(self._most_batches, "batch", "batches")
            listener(
                Note(
                    f"The stack runs at most {batches} at the same time, not the {wanted} that --concurrency asks for;"
                    " deploy it with a larger BulkConcurrency for more."
                )
            )

    def _stored_list(self, url: str) -> bytes:
        """An object of the stack's bucket, for lists named `s3://bucket/key`."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if bucket != self._bucket:
            raise ConfigurationError(f"{printable(url)}: lists are read from the stack's own bucket only")
        try:
            return self._store.read(key)
        except KeyError as err:
            raise ConfigurationError(f"{printable(url)}: there is no such object") from err

    def _report(self, described: Description, *, interrupted: bool) -> IngestReport:
        execution = _execution(described)
        key = summary_key(self._dataset, self._run_id)
        try:
            summary: Mapping[str, Any] = summary_of(self._store.read(key), key) or {}
        except KeyError:
            summary = {}
        if not summary or execution.status == "RUNNING":
            services = SummaryServices(store=self._store, clock=SystemClock(), concurrency=_CONCURRENCY)
            error = None if execution.status in {"RUNNING", "SUCCEEDED"} else BATCHES_MISSING
            known = current_summary(dict(execution.input), services)
            summary = {**known, "status": execution.status, "error": error}
        return report_of(self._request, execution, summary, interrupted=interrupted)

    def _with_parquet(self, report: IngestReport) -> IngestReport:
        """The report once the run's Parquet is there, which its functions cannot write; or why it is not.

        What is complete is not made again, unless the run may have continued since.
        """
        if has_parquet(report.summary) and report.status == "SUCCEEDED":
            return report
        with tempfile.TemporaryDirectory(prefix="pupline-") as folder:
            files = RunFiles(self._store, Path(folder), self._dataset, self._run_id)
            write = partial(write_parquet, files, _CONCURRENCY)
            summary, trouble = complete_summary(report.summary, files, write)
        return replace(report, summary=summary, parquet_trouble=trouble)


def _needs_another(described: Description) -> bool:
    """Whether only another execution can do what is missing: a redrive would not, or it is too late for one.

    Step Functions redrives an execution for 14 days, and as long as its history has room for more events.
    """
    execution = _execution(described)
    return execution.ended_in_fail_state or (
        execution.needs_redrive and described.get("redriveStatus") == "NOT_REDRIVABLE"
    )


def _execution(described: Description) -> BulkExecution:
    return BulkExecution(
        name=described["name"],
        status=described["status"],
        input=json.loads(described["input"]),
        error=described.get("error"),
        cause=described.get("cause"),
    )
