"""One machine behind the port `Backend`."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from pupline.backends._port import (
    AuditExport,
    BulkListener,
    Check,
    DiscardReport,
    DiscardSelection,
    Note,
    RedriveSelection,
    RunListener,
    RunReport,
    RunRequest,
)
from pupline.backends._redrive import UNSUCCESSFUL, EndedExecution, redrivable
from pupline.backends.machine._bulk_events import port_event
from pupline.backends.machine._execution_details import (
    child_details,
    child_summaries,
    execution_details,
    execution_summary,
)
from pupline.bulk import IngestReport, IngestRequest, ingest, summaries
from pupline.errors import ConfigurationError
from pupline.files import exists
from pupline.http import Proxy
from pupline.local import (
    BUCKET,
    DATABASE_NAME,
    AbortRequest,
    AuditQuery,
    LocalBackend,
    QualityTable,
)
from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.layout import summary_key
from pupline.tasks.ports import (
    ChosenAlert,
    DatasetSummary,
    ErasableStore,
    ExecutionDetails,
    ExecutionSummary,
    ReadableStore,
    RunName,
    RunSummary,
    any_alert,
)
from pupline.tasks.records import AuditRecord
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.backends.machine._runner import WorkflowRunner
    from pupline.backends.machine._runs import MachineRuns
    from pupline.backends.machine._stopping import Stopper
    from pupline.local import ExecutionRow, PruneCounts
    from pupline.tasks.pages import Pages

DEFAULT_DATA_DIR = Path("pupline-data")
_REDRIVE_CONCURRENCY = 8


@contextmanager
def _runner(
    data_dir: Path,
    concurrency: int,
    listener: RunListener,
    proxy: Proxy | None = None,
    workflow_file: str | None = None,
) -> "Iterator[WorkflowRunner]":
    """A runner, imported with the engine: commands that only read need neither."""
    from pupline.backends.machine._runner import WorkflowRunner

    with WorkflowRunner.open(data_dir, concurrency, listener, proxy, workflow_file) as runner:
        yield runner


class MachineBackend:
    """Implements `pupline.backends.Backend` over a data directory.

    `resume`, `discard`, `prune` and `repair` exist here only.
    The directory is opened for reading at the first read, and for each command that runs something by that itself.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._opened = ExitStack()

    @cached_property
    def _reader(self) -> LocalBackend:
        return self._opened.enter_context(LocalBackend.open(self.data_dir, exclusive=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close. Raises: DamagedDatabase where damage caused the error."""
        self._opened.__exit__(*error)  # type: ignore[arg-type]

    def close(self) -> None:
        """Release the data directory; the next read opens it again."""
        self._opened.close()
        self.__dict__.pop("_reader", None)
        self.__dict__.pop("pages", None)

    def records(
        self,
        *,
        run: str | None = None,
        execution: str | None = None,
        dataset: str | None = None,  # noqa: ARG002 - a pass over the database costs nothing
        since: float | None = None,
    ) -> Iterator[AuditRecord]:
        """All audit records, oldest first; or those of one run, in the order of its executions; or of one execution."""
        return self._reader.audit.records(AuditQuery.of(run, execution, since))

    def figure_records(
        self, *, run: str | None = None, dataset: str | None = None, since: float | None = None
    ) -> Iterator[FigureRecord]:
        """As `records`, with fewer columns."""
        del dataset
        return self._reader.audit.figure_rows(AuditQuery.of(run, None, since))

    def executions(
        self, *, status: str | None = None, run: str | None = None, workflow: str | None = None
    ) -> Iterator[ExecutionSummary]:
        """Executions of both workflows, or of one, newest first."""
        found = self._reader.journal.executions(status=status, run_id=run, workflow=workflow)
        return map(execution_summary, found)

    def execution(self, name: str) -> ExecutionDetails:
        """One execution. Raises: ConfigurationError when there is none of that name."""
        return execution_details(self._reader.journal, self._row(self._reader, name))

    def execution_version(self, name: str) -> str:
        """The status, and how much of the execution the journal has."""
        return self._reader.journal.version(self._row(self._reader, name))

    def child_executions(self, name: str) -> Iterator[ExecutionSummary]:
        """The child executions of an execution's Map Runs that began, by run and item."""
        return child_summaries(self._reader.journal, self._row(self._reader, name))

    def child_execution(self, name: str, child: str) -> ExecutionDetails:
        """One child execution, by its name or ARN. Raises: ConfigurationError when there is none."""
        return child_details(self._reader.journal, self._row(self._reader, name), child)

    def _row(self, opened: LocalBackend, name: str, kind: str = "execution") -> "ExecutionRow":
        """The execution. Raises: ConfigurationError, which says that there is no such `kind`."""
        try:
            return opened.journal.get(name, kind)
        except ConfigurationError as error:
            for run in (name, name.rpartition("-")[0]):
                if opened.ingests.find(run):
                    raise ConfigurationError(
                        f"images of a bulk ingest have no execution; see: pupline audit --run {run}{self.options}"
                    ) from error
            raise

    def runs(self, *, dataset: str | None = None, run: str | None = None) -> Iterator[RunSummary]:
        """Runs of every kind, newest first."""
        return self._runs.all(dataset, run)

    def run_names(self) -> Iterator[RunName]:
        """The names of all runs, newest first."""
        return self._runs.names()

    def runs_if_any(self, run: str | None = None) -> Iterator[RunSummary]:
        """Runs of every kind, newest first; none in a directory without a database, which `resume` would make."""
        self._check_exists()
        return self.runs(run=run) if exists(self.data_dir / DATABASE_NAME) else iter(())

    def datasets(self) -> Iterator[DatasetSummary]:
        """The datasets that have runs, by name."""
        return self._runs.datasets()

    @property
    def _runs(self) -> "MachineRuns":
        from pupline.backends.machine._runs import MachineRuns

        return MachineRuns(self._reader, self.options)

    @cached_property
    def pages(self) -> "Pages":
        """The lists of this data directory, by page."""
        from pupline.local import INDEX_NAME, LocalPages

        return LocalPages(self._reader.database, self.data_dir / INDEX_NAME)

    def alerts(self, *, limit: int | None = None, chosen: ChosenAlert = any_alert) -> Iterator[Mapping[str, Any]]:
        """Alerts, oldest first; of the chosen ones at most the newest `limit`."""
        return self._reader.topic.listed(limit, chosen)

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Bulk ingests, newest first: each the JSON object of its summary.json, as far as it is known."""
        return summaries(self._reader, dataset)

    @property
    def options(self) -> str:
        """The option --data, unless this is the default directory."""
        return "" if self.data_dir == DEFAULT_DATA_DIR else f" --data {shlex.quote(str(self.data_dir))}"

    @property
    def unfinished_work(self) -> str:
        """Executions stay in the journal until they are resumed."""
        return f"What is unfinished is kept. Continue with: pupline resume{self.options}"

    @property
    def unlisted(self) -> None:
        """The journal has every execution."""

    @property
    def bucket_name(self) -> str:
        """The name of the bucket."""
        return BUCKET

    @property
    def exports(self) -> str:
        """A directory in the data directory: on the file system of the images, so that exports can link them."""
        return str(self.data_dir / "exports")

    def bucket(self) -> ReadableStore:
        """The bucket, to read from."""
        return self._reader.bucket()

    @contextmanager
    def writable_bucket(self) -> Iterator[ErasableStore]:
        """The bucket, with the data directory's lock."""
        self._check_exists()
        with LocalBackend.open(self.data_dir, exclusive=True, create=False) as backend:
            yield backend.bucket()

    def quality_journal(self) -> AbstractContextManager[QualityTable]:
        """The journal in this data directory."""
        return nullcontext(self._reader.quality())

    def location(self, key: str) -> str:
        """The path of the object's file."""
        path = self.data_dir.absolute() / "buckets" / BUCKET / key
        try:
            return str(path.relative_to(Path.cwd()))
        except (ValueError, FileNotFoundError):  # elsewhere, or from a directory that was removed
            return str(path)

    def folder(self, image_url: str) -> str:
        """The folder's path. The recorded URL is out of date where the data directory was moved or copied."""
        path = unquote(urlsplit(image_url).path)
        _, found, key = path.rpartition(f"/buckets/{BUCKET}/")
        return self.location(key.rpartition("/")[0]) if found else path.rpartition("/")[0]

    def run(self, request: RunRequest, listener: RunListener) -> RunReport:
        """Finish what is unfinished, then start what the run lacks. Or run one execution again, and nothing else."""
        if request.again is not None:
            from pupline.backends.machine._running_again import run_again

            return run_again(self.data_dir, request, request.again, listener)
        settings = request.settings.checked()
        if request.sample_if_offline:
            from pupline.backends.machine._doctor import online_or_sample

            settings = online_or_sample(settings, request.proxy, listener)
        workflow = settings.workflow_file
        with _runner(self.data_dir, request.concurrency, listener, request.proxy, workflow) as runner:
            return runner.run(replace(request, settings=settings))

    def resume(
        self, concurrency: int, listener: RunListener, proxy: Proxy | None = None, run: str | None = None
    ) -> RunReport:
        """Finish executions that a stopped or killed process left unfinished; of one run, if given."""
        self._check_exists()
        with _runner(self.data_dir, concurrency, listener, proxy) as runner:
            return runner.resume(run)

    def saved_ingest(self, run: str) -> IngestRequest:
        """The request of an ingest through the workflow, which repeats it. Raises: ConfigurationError."""
        row = self._reader.runs.find(run)
        if row is None:
            raise ConfigurationError(f"there is no run '{printable(run)}' here; see: pupline runs{self.options}")
        return replace(IngestRequest.from_json(row.settings), run_id=run)

    def plan_discard(self, selection: DiscardSelection) -> DiscardReport:
        """What `discard` would remove. Raises: ConfigurationError."""
        from pupline.backends.machine._discarding import plan_discard

        return plan_discard(self._reader, selection, self.options)

    def discard(self, selection: DiscardSelection, progress: Callable[[int], None]) -> DiscardReport:
        """Remove runs with what only they need; their audit records stay. What is unfinished of them ends before.

        progress: called now and then with the number of images looked at. Raises: ConfigurationError; StorageError.
        """
        from pupline.backends.machine._discarding import discard

        unfinished = self.plan_discard(selection).unfinished
        for run in unfinished:
            self._stopper.stop(run, AbortRequest(None, "discarded"))
        self.close()
        return discard(self.data_dir, selection, self.options, progress, is_ending=bool(unfinished))

    def redrive(self, request: RedriveSelection, listener: RunListener) -> RunReport:
        """Resume executions at the state that did not succeed; without names, those too that a killed process left."""
        self._check_exists()
        named = {status: self._names(request, status) for status in (*UNSUCCESSFUL, "RUNNING") if not request.names}
        left = named.pop("RUNNING", [])
        names = request.names or [name for found in named.values() for name in found]
        chosen, refused = redrivable(map(self._ended, names), self.options, listener)
        self.close()
        if not chosen and not left:
            return RunReport(refused=tuple(refused))
        with _runner(self.data_dir, _REDRIVE_CONCURRENCY, listener, request.proxy) as runner:
            report = runner.redrive([execution.name for execution in chosen], left)
        return replace(report, refused=(*refused, *report.refused))

    def _names(self, request: RedriveSelection, status: str) -> list[str]:
        return [row.name for row in self.executions(status=status, run=request.run, workflow=request.workflow)]

    def _ended(self, name: str) -> EndedExecution:
        details = self.execution(name)
        return EndedExecution(name, name, details.row.status, details.input, reversed(details.history))

    def stop(self, name: str, error: str | None, cause: str | None) -> str:
        """Abort an execution, or end a run, here, or request it of the process that is running it."""
        said = self._stopper.stop(name, AbortRequest(error, cause))
        if said is None:
            with LocalBackend.open(self.data_dir, exclusive=False) as backend:
                self._row(backend, name, "execution or run")
        return str(said)

    @property
    def _stopper(self) -> "Stopper":
        from pupline.backends.machine._stopping import Stopper

        return Stopper(self.data_dir, lambda: _runner(self.data_dir, 1, lambda _event: None))

    def ingest(self, request: IngestRequest, listener: BulkListener, *, workflow: bool) -> IngestReport:
        """Ingest a source with worker processes; or through BulkIngest."""
        if workflow:
            from pupline.backends.machine._ingest import ingest_through_workflow

            return ingest_through_workflow(self.data_dir, request, listener)
        report = ingest(self.data_dir, request, lambda event: listener(port_event(event)))
        return replace(report, summary=self._summary(report))

    def _summary(self, report: IngestReport) -> dict[str, Any]:
        written = self.data_dir / "buckets" / BUCKET / summary_key(report.dataset, report.run_id)
        if report.status != "RUNNING" and written.is_file():
            found: dict[str, Any] = json.loads(written.read_bytes())
            return found
        return {
            "run": report.run_id,
            "dataset": report.dataset,
            "status": report.status,
            "items": report.counts.items,
            "done": report.counts.done,
            "outcomes": dict(report.counts.outcomes),
            "reasons": dict(report.counts.reasons),
            "trouble": report.trouble,
            "left_out": report.left_out.total,
        }

    def export_audit(self, listener: Callable[[Note], None]) -> AuditExport:  # noqa: ARG002 - there is nothing to tell
        """Raises: ConfigurationError."""
        raise ConfigurationError("--export is for a stack (--backend aws); on one machine use --csv or --json")

    def doctor(self, source: str, proxy: Proxy | None = None) -> list[Check]:
        """All checks of this machine."""
        from pupline.backends.machine._doctor import examine

        return examine(self.data_dir, source, proxy, self.options)

    def repair(self) -> list[Check]:
        """Repair the database if it needs it; a line for each thing that was done. Raises: LocalTrouble."""
        from pupline.backends.machine._doctor_repair import repair_data_dir

        return repair_data_dir(self.data_dir)

    def prune(self, before: float, *, dry_run: bool) -> "PruneCounts":
        """Delete journals of executions that ended before `before` (seconds since the epoch), and free their space.

        Raises: StorageError.
        """
        from pupline.backends.machine._pruning import prune_data_dir

        self._check_exists()
        return prune_data_dir(self.data_dir, before, dry_run=dry_run)

    def _check_exists(self) -> None:
        if not self.data_dir.is_dir():
            raise ConfigurationError(f"there is no data directory {self.data_dir}; nothing was ever started there")
