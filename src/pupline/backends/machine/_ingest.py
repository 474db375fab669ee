"""A source ingested through BulkIngest on this machine: listed into a manifest, then driven like any execution.

Killed before the manifest is there, the same command lists again; killed later, it resumes the execution.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pupline.backends._bulk_ingest import (
    BulkExecution,
    Pace,
    check_options,
    execution_input,
    name_after,
    report_of,
    with_names,
)
from pupline.backends._manifest import write_manifest
from pupline.backends._port import BulkListener, Note, Stopping
from pupline.backends.machine._bulk_functions import BulkFunctions
from pupline.backends.machine._workflow import BULK_NAME, load_workflow
from pupline.bulk import (
    IngestReport,
    IngestRequest,
    IngestStarted,
    ItemsListed,
    RunFiles,
    checked_source,
    complete_summary,
    has_parquet,
    save_piped_list,
    stored_list_reader,
    with_alert_rules,
    write_parquet,
)
from pupline.errors import ConfigurationError, PuplineError
from pupline.json_values import JSON
from pupline.local import (
    Deliverer,
    DriverSettings,
    ExecutionRow,
    LambdaRuntime,
    LocalBackend,
    RedriveRequest,
    RunKind,
    StartRequest,
    check_run_kind,
    kind_of_settings,
    stopping_on_signals,
)
from pupline.sources import ImageSource, Pages, is_piped
from pupline.tasks.layout import JSON_LINES, manifest_key, summary_key

GRACE_SECONDS = 1.0
"""How long batches that send no more requests may take to end after Ctrl-C; what is cut off is done again."""


def ingest_through_workflow(data_dir: Path, request: IngestRequest, listener: BulkListener) -> IngestReport:
    """Run BulkIngest over all items of the source, or resume the run of that id.

    A run that failed is redriven, one that has ended is reported. Raises: ConfigurationError;
    StorageError; PuplineError when the source cannot be listed.
    """
    check_options(request)
    if request.alert_rules is None:
        request = with_alert_rules(request)
    if not is_piped(str(request.source)):  # before a directory is made for nothing
        checked_source(request)
    with ExitStack() as stack:
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
        request = save_piped_list(request, backend.data_dir)
        named, source = with_names(request)
        if backend.undeleted:
            listener(Note(f"pupline: {backend.undeleted}"))
        if request.run_id is None:
            named = replace(named, run_id=_unfinished(backend, named) or named.run_id)
        check_run_kind(backend.database, str(named.run_id), RunKind.WORKFLOW_INGEST)
        kept = backend.runs.open(str(named.run_id), named.as_json()).settings
        if not IngestRequest.from_json(kept).is_same_command(named):
            raise ConfigurationError(
                f"the run '{named.run_id}' was started with another source, dataset or count; repeat it with the same"
                " ones, or give another --run-id"
            )
        if request.workflow_file not in {None, kept.get("workflow_file")}:
            raise ConfigurationError(
                f"the run '{named.run_id}' was started with another workflow file; repeat it with the same one, or give"
                " another --run-id"
            )
        named = replace(IngestRequest.from_json(kept), proxy=request.proxy)
        try:
            return _WorkflowIngest(backend, named, source, listener).run(stack)
        except PuplineError:  # such as a list that cannot be read: without an execution there is nothing to resume
            backend.runs.drop_empty(str(named.run_id))
            raise


def _unfinished(backend: LocalBackend, request: IngestRequest) -> str | None:
    """The newest run of the same command that has not ended: it may have been killed while it listed, or later."""
    for run in reversed(backend.runs.all()):
        if kind_of_settings(run.settings) is not RunKind.WORKFLOW_INGEST or run.stopped_at is not None:
            continue
        newest = next(backend.journal.executions(run_id=run.run_id), None)
        is_unfinished = newest is None or newest.status == "RUNNING"
        if is_unfinished and IngestRequest.from_json(run.settings).is_same_command(request):
            return run.run_id
    return None


class _WorkflowIngest:
    """One run in this process."""

    def __init__(
        self, backend: LocalBackend, request: IngestRequest, source: ImageSource, listener: BulkListener
    ) -> None:
        self._backend = backend
        self._request = request
        self._source = source
        self._listener = listener
        self._run_id = str(request.run_id)
        self._dataset = str(request.dataset)
        self._functions = BulkFunctions(backend, listener, request.proxy)

    def run(self, stack: ExitStack) -> IngestReport:
        """Drive it to its end, or to an interruption."""
        stack.callback(self._functions.close)
        newest = self._newest()
        ended = newest is not None and newest.status == "SUCCEEDED"
        self._listener(IngestStarted(self._run_id, self._dataset, newest is not None, ended=ended))
        given: dict[str, Any] = json.loads(newest.input) if newest else self._listed()
        if newest is not None:
            self._listener(ItemsListed(given["items"], given["items"], complete=True))
        deliverer = self._backend.deliverer()
        deliverer.start()
        stack.callback(deliverer.close)
        interrupted = self._drive(newest, given, deliverer, stack)
        deliverer.close()
        return replace(self._report(given, interrupted=interrupted), undelivered=deliverer.pending())

    def _newest(self) -> ExecutionRow | None:
        return next(self._backend.journal.executions(run_id=self._run_id), None)

    def _listed(self) -> dict[str, JSON]:
        """The execution's input, once the manifest is in the bucket."""
        folder = self._backend.data_dir / "tmp"
        folder.mkdir(exist_ok=True)
        client = self._functions.services(self._request).client
        pages = Pages.of_source(client, self._source, stored_list_reader(self._backend))
        with tempfile.TemporaryDirectory(prefix="manifest-", dir=folder) as directory:
            path = Path(directory) / "manifest.jsonl"
            manifest = write_manifest(path, self._source, self._request, pages, self._listener)
            self._backend.bucket().put(manifest_key(self._dataset, self._run_id), path, JSON_LINES)
        return execution_input(self._request, self._source, manifest)

    def _drive(
        self, newest: ExecutionRow | None, given: dict[str, JSON], deliverer: Deliverer, stack: ExitStack
    ) -> bool:
        """Whether it was interrupted."""
        runtime = LambdaRuntime(self._functions.by_name(), concurrency=Pace.of(self._request, self._source).batches)
        stack.callback(runtime.close)
        driver = self._backend.driver(
            DriverSettings(
                machine=load_workflow(BULK_NAME, self._request.workflow_file),
                runtime=runtime,
                topic=self._backend.topic,
                clock=self._backend.clock,
                grace_seconds=GRACE_SECONDS,
                alerted=deliverer.notify,
            )
        )

        def stop() -> None:
            self._functions.stop()
            driver.stop_starting()
            self._listener(Stopping())

        with stopping_on_signals(stop):
            return driver.drive(self._work(newest, given), resume=False).interrupted

    def _work(self, newest: ExecutionRow | None, given: dict[str, JSON]) -> Iterator[StartRequest | RedriveRequest]:
        if newest is None:
            yield StartRequest(self._run_id, given, self._run_id, 1)
        elif _execution(newest).ended_in_fail_state:
            yield StartRequest(name_after(newest.name), given, self._run_id, (newest.run_index or 0) + 1)
        elif _execution(newest).needs_redrive:
            yield RedriveRequest(newest.name)
        else:
            yield StartRequest(newest.name, given, self._run_id, newest.run_index)

    def _report(self, given: Mapping[str, Any], *, interrupted: bool) -> IngestReport:
        newest = self._newest()
        execution = _execution(newest) if newest else BulkExecution(self._run_id, "RUNNING", given)
        if execution.status == "RUNNING":
            summary: Mapping[str, Any] = self._functions.current_summary(given)
        else:
            if execution.status != "SUCCEEDED":  # it may have failed before it could write its summary
                self._functions.summarise(given)
            summary = json.loads(self._backend.bucket().read(summary_key(self._dataset, self._run_id)))
        report = report_of(self._request, execution, summary, interrupted=interrupted)
        return report if execution.status == "RUNNING" or has_parquet(summary) else self._with_parquet(report)

    def _with_parquet(self, report: IngestReport) -> IngestReport:
        """The report once the run has its Parquet, where the extra package was missing when it ended; or why not."""
        files = RunFiles.of(self._backend, self._dataset, self._run_id)
        summary, trouble = complete_summary(report.summary, files, partial(write_parquet, files))
        return replace(report, summary=summary, parquet_trouble=trouble)


def _execution(row: ExecutionRow) -> BulkExecution:
    return BulkExecution(row.name, row.status, json.loads(row.input), row.error, row.cause)
