"""An ingest on one machine, from the request to the report: everything around the main loop of `_coordinator`."""

import gc
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.bulk._alert_rules import alert_rules_of, changed_rules
from pupline.bulk._alerts import RunAlerts
from pupline.bulk._coordinator import Coordinator
from pupline.bulk._lister import Lister
from pupline.bulk._outputs_ahead import OutputsAhead
from pupline.bulk._process_pool import ProcessPool
from pupline.bulk._progress_file import Pace, ProgressFile
from pupline.bulk._request import (
    HostPaused,
    IngestEvent,
    IngestListener,
    IngestReport,
    IngestRequest,
    IngestStarted,
    ItemsDone,
    ListingNote,
    MetadataWritten,
)
from pupline.bulk._run_selection import SelectedRun, select_run
from pupline.bulk._run_stats import RunStats, Stopwatch
from pupline.bulk._scheduler import Scheduler
from pupline.bulk._source_rules import (
    checked_dataset,
    checked_source,
    fetch_policy,
    host_limits,
    origin_refusal,
    save_piped_list,
    stored_list_reader,
)
from pupline.bulk._worker_process import WorkerFactory, worker_count
from pupline.bulk._worker_settings import WorkerSettings
from pupline.errors import THRESHOLD_EXCEEDED, ConfigurationError, StorageError, count_failed, local_trouble
from pupline.http import FetchPolicy
from pupline.local import Deliverer, GroupCommitter, ItemDone, LocalBackend, StopRequested, stopping_on_signals
from pupline.sources import is_piped
from pupline.tasks.ingest_item import RecordBuilder
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.layout import dataset_folder

if TYPE_CHECKING:
    from pupline.bulk._outputs import Outputs

_COLLECT_AFTER = 100_000


def run_ingest(
    data_dir: Path, request: IngestRequest, listener: IngestListener, start_worker: WorkerFactory, stopwatch: Stopwatch
) -> IngestReport:
    """What `ingest` does, with worker processes that are booting already."""
    if request.source is not None and not is_piped(request.source):
        checked_dataset(request.dataset or checked_source(request).dataset)
    may_create = not (request.resume or request.retry_failed)
    if may_create:
        alert_rules_of(request)  # before a directory is made in vain
    if not may_create and not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; give the one of the run with --data")
    with ExitStack() as stack:
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True, create=may_create))
        if backend.undeleted:
            listener(backend.undeleted)
        selected = select_run(backend, save_piped_list(request, backend.data_dir))
        try:
            return _IngestRun(backend, selected, listener, stopwatch).work(stack, start_worker)
        except ConfigurationError:  # a list that cannot be read, say: there is nothing to resume
            backend.ingests.drop_empty(selected.row.ingest_id)
            raise


class _IngestRun:
    """One run in this process."""

    def __init__(
        self, backend: LocalBackend, selected: SelectedRun, listener: IngestListener, stopwatch: Stopwatch
    ) -> None:
        self._backend = backend
        self._row = selected.row
        self._request = selected.request
        self._source = selected.source
        self._is_resumed = selected.resumed
        self._has_no_source = selected.has_no_source
        self._listener = listener
        self._stopwatch = stopwatch
        self._before = backend.ingests.counts(selected.row.ingest_id)
        self._rules = alert_rules_of(selected.request)
        self._alerts = RunAlerts(backend, selected.row, self._rules)

    def work(self, stack: ExitStack, start_worker: WorkerFactory) -> IngestReport:
        """Work on the run until it ends, is stopped, or can go no further."""
        row = self._row
        has_ended = row.status == "SUCCEEDED"  # and is repeated under its own name
        self._listener(IngestStarted(row.run_id, row.dataset, self._is_resumed, self._before.outcomes, has_ended))
        if self._is_resumed and not has_ended and (note := changed_rules(self._request)):
            self._listener(ListingNote(note))
        lister = self._lister()
        stack.callback(lister.close)
        deliverer = self._backend.deliverer()
        deliverer.start()
        stack.callback(deliverer.close)
        stats, outputs, trouble = RunStats(status=row.status), None, None
        if has_ended:
            trouble = self._add_parquet()
        else:
            ahead = stack.enter_context(closing(OutputsAhead(self._backend, row.run_id)))
            stats = self._stats(self._fetch_all(lister, start_worker, ahead), lister)
            if stats.status != "RUNNING":
                outputs = self._end(stats, deliverer, ahead)
                trouble = outputs.parquet_trouble
            else:
                self._backend.ingests.note_cause(row.ingest_id, stats.cause)
        deliverer.close()
        return replace(self._report(stats, lister, outputs, deliverer.pending()), parquet_trouble=trouble)

    def _add_parquet(self) -> str | None:
        """Write the Parquet of a run that ended where the extra package was missing; why not, or None."""
        from pupline.bulk._outputs import add_parquet

        return add_parquet(self._backend, self._row.run_id)

    def _lister(self) -> Lister:
        row, request = self._row, self._request
        if row.listed:
            return Lister(self._backend.ingests, row, request, None)
        try:
            listing = self._source.open(
                count=request.count,
                position=row.position,
                read=stored_list_reader(self._backend),
                contact=request.contact,
                delimiter=request.delimiter,
            )
        except ConfigurationError as error:
            if not (self._is_resumed and row.items):
                raise
            trouble = f"{error}; to end the run with what it has: pupline stop {row.run_id}"
            if not self._has_no_source:
                raise ConfigurationError(trouble) from error
            lister = Lister(self._backend.ingests, row, request, None)  # the items that it has need no list
            lister.trouble = trouble
            return lister
        return Lister(self._backend.ingests, row, request, listing)

    def _fetch_all(self, lister: Lister, start_worker: WorkerFactory, ahead: OutputsAhead) -> Coordinator:
        """Have all items fetched and stored that can be; no worker and no thread of it is left afterwards."""
        folder = self._backend.data_dir / "tmp"
        stored: deque[Sequence[ItemDone]] = deque()
        try:
            with ExitStack() as stack, _seldom_collected():
                progress = stack.enter_context(self._progress_file())
                policy = fetch_policy(self._source, self._request, stack)
                records = RecordBuilder(self._source.name, self._row.dataset, self._rules)
                first = self._alerts.first
                committer = GroupCommitter(self._backend.ingests, self._row, records, stored.append, first_alert=first)
                stack.callback(committer.close)
                pool = self._pool(policy, folder, start_worker)
                stack.callback(pool.close)  # first: the last group is stored meanwhile
                coordinator = Coordinator(
                    ingests=self._backend.ingests,
                    ingest_id=self._row.ingest_id,
                    lister=lister,
                    scheduler=self._scheduler(policy),
                    pool=pool,
                    sink=committer,
                    stored=stored,
                    listener=partial(self._listen, progress, ahead),
                    monotonic=self._backend.clock.working_time,
                    now=self._backend.clock.now,
                    tolerate=self._request.tolerate,
                    failed=count_failed(self._before.outcomes),
                    should_end=self._should_end,
                    each_second=partial(_write_progress, progress),
                )
                with stopping_on_signals(partial(self._stop, coordinator)):
                    coordinator.run()
        finally:
            _remove_left_over(folder)
        coordinator.announce_stored()
        return coordinator

    def _progress_file(self) -> ProgressFile:
        return ProgressFile(self._backend.data_dir, self._row.run_id, self._backend.clock.now)

    def _scheduler(self, policy: FetchPolicy) -> Scheduler:
        return Scheduler(
            self._request.concurrency,
            limits=partial(host_limits, self._source, policy, self._request),
            refusal=partial(origin_refusal, self._source, policy),
            seed=self._row.run_id,
        )

    def _pool(self, policy: FetchPolicy, folder: Path, start_worker: WorkerFactory) -> ProcessPool:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as err:
            raise local_trouble(err) or StorageError(f"{folder} cannot be made: {err.strerror}; look at it") from err
        request = self._request
        settings = WorkerSettings(
            policy=replace(policy, connect_to=dict(policy.connect_to)),  # which can be pickled
            rules=IngestRules(request.max_pixels, request.heed_robots, timeout_seconds=request.timeout_seconds),
            threads=request.concurrency,
            folder=str(folder),
            coordinator=os.getpid(),
        )
        return ProcessPool(worker_count(request.concurrency, request.workers), settings, start_worker)

    def _listen(self, progress: ProgressFile, ahead: OutputsAhead, event: IngestEvent) -> None:
        if isinstance(event, HostPaused):
            progress.paused(event)
        elif isinstance(event, ItemsDone):
            ahead.more_done()
        self._listener(event)

    def _should_end(self) -> bool:
        return self._backend.ingests.stop_request(self._row.ingest_id) is not None

    def _stop(self, coordinator: Coordinator) -> None:
        coordinator.stop()
        self._listener(StopRequested())

    def _stats(self, coordinator: Coordinator, lister: Lister) -> RunStats:
        abort = self._backend.ingests.stop_request(self._row.ingest_id) if coordinator.end_requested else None
        error, cause = lister.error, lister.trouble
        if coordinator.tolerance_exceeded:
            status, error, cause = "FAILED", THRESHOLD_EXCEEDED, "more failed than --tolerate allows"
        elif abort is not None and coordinator.interrupted:
            status, error, cause = "ABORTED", abort.error, abort.cause
        elif coordinator.interrupted:
            status, cause = "RUNNING", None
        elif lister.error is not None:  # repeated, it would end in the same way
            status = "FAILED"
        else:
            status = "SUCCEEDED" if lister.complete else "RUNNING"
        return RunStats(
            status=status,
            error=error,
            cause=cause,
            trouble=lister.trouble,
            left_out=lister.left_out,
            finished=coordinator.finished,
            bytes=coordinator.bytes,
            seconds=self._stopwatch.seconds,
            cpu_seconds=self._stopwatch.cpu_seconds,
            interrupted=status == "RUNNING" and coordinator.interrupted,
            tolerance_exceeded=coordinator.tolerance_exceeded,
        )

    def _end(self, stats: RunStats, deliverer: Deliverer, ahead: OutputsAhead) -> "Outputs":
        from pupline.bulk._ending import end_run

        with closing(ahead.take()) as run_outputs:
            return end_run(
                self._alerts,
                replace(stats, ended_at=self._backend.clock.now()),
                self._request,
                run_outputs,
                progress=lambda items: self._listener(MetadataWritten(items)),
                alerted=deliverer.notify,
            )

    def _report(self, stats: RunStats, lister: Lister, outputs: "Outputs | None", undelivered: int) -> IngestReport:
        return IngestReport(
            run_id=self._row.run_id,
            dataset=self._row.dataset,
            status=stats.status,
            counts=outputs.counts if outputs else self._backend.ingests.counts(self._row.ingest_id),
            began_done=self._before.done,
            listed_complete=lister.complete and lister.trouble is None,
            listing_ended=lister.complete,
            repeated=lister.repeated,
            known=lister.known,
            other_shards=lister.other_shards,
            seconds=stats.seconds,
            cpu_seconds=stats.cpu_seconds,
            bytes=stats.bytes,
            interrupted=stats.interrupted,
            tolerance_exceeded=stats.tolerance_exceeded,
            trouble=lister.trouble,
            left_out=lister.left_out,
            columns_dropped=lister.columns_dropped,
            folder=dataset_folder(self._row.dataset),
            outputs=outputs.keys if outputs else (),
            undelivered=undelivered,
        )


def _remove_left_over(folder: Path) -> None:
    """Remove the files of workers that died, and of requests that ended too late.

    After a failure, a file that has its name in the bucket too belongs to a group that is not committed. It stays, as
    after a kill: by it the next start recognises the file in the bucket, and removes both (`bucket._recovery`).
    """
    for left in folder.glob("ingest-*"):
        with suppress(OSError):  # the next start removes them too
            if left.lstat().st_nlink == 1:
                left.unlink()


def _write_progress(progress: ProgressFile, coordinator: Coordinator) -> None:
    hosts, states = coordinator.scheduler.host_states(coordinator.monotonic())
    progress.write(Pace(coordinator.finished, coordinator.bytes, hosts), states)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Run the garbage collector less often: tens of thousands of items are held, none of them in a cycle."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
