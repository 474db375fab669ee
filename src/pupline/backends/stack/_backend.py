"""A deployed stack behind the port `Backend`, driven through AWS's own APIs."""

import os
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pupline.aws import S3Store
from pupline.backends._port import (
    AuditExport,
    BulkListener,
    Check,
    Note,
    RedriveSelection,
    Refused,
    RunListener,
    RunReport,
    RunRequest,
    RunStarted,
)
from pupline.backends._redrive import UNSUCCESSFUL, redrivable
from pupline.backends.stack._account import Account
from pupline.backends.stack._bulk_records import BulkRecords
from pupline.backends.stack._datasets import summaries
from pupline.backends.stack._doctor import examine_stack
from pupline.backends.stack._executions import Description, Executions
from pupline.backends.stack._history import published_alert
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._records import Records, recorded_since
from pupline.backends.stack._runner import StackRunner
from pupline.backends.stack._runs import datasets_of, stack_runs
from pupline.backends.stack._stack import BUCKET, KEEPS_NOTHING, MACHINE, TABLE, TOPIC, Stack
from pupline.errors import ConfigurationError
from pupline.http import Proxy
from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.pages import Pages
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
from pupline.tasks.run_ids import check_run_id, new_run_id
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.bulk import IngestReport, IngestRequest
    from pupline.local import QualityTable


class StackBackend:
    """Implements `pupline.backends.Backend`. page_size: of each paginated call; by default the most that AWS gives.

    Credentials and the stack are looked up at the first question. Raises: ConfigurationError where there are none;
    BackendUnavailable where AWS does not answer.
    """

    def __init__(self, name: str, timer: Timer | None = None, page_size: int | None = None) -> None:
        self.name = name
        self._timer = timer or Timer()
        self._page_size = page_size

    @cached_property
    def _account(self) -> Account:
        return Account.of_environment()

    @cached_property
    def _stack(self) -> Stack:
        return Stack.find(self._account, self.name)

    @cached_property
    def _executions(self) -> Executions:
        return Executions(self._account.client("stepfunctions"), self._stack, self._page_size)

    @cached_property
    def _records(self) -> Records:
        table = self._stack.resource(TABLE)
        bulk = BulkRecords(self._account.client("s3"), self.bucket_name)
        return Records(self._account.client("dynamodb"), table, bulk, self._page_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is held between calls."""

    @property
    def options(self) -> str:
        """The options --backend and --stack."""
        return f" --backend aws --stack {shlex.quote(self.name)}"

    @property
    def unfinished_work(self) -> str:
        """Executions that were started continue in AWS. Looks nothing up."""
        found: Stack | None = self.__dict__.get("_stack")
        command = "audit" if found is not None and found.is_express else "executions"
        return f"What was started continues in AWS. See: pupline {command}{self.options}"

    @property
    def unlisted(self) -> str | None:
        """The executions of an Express pipeline, and where their records are."""
        return f"{KEEPS_NOTHING}. See their records: pupline audit{self.options}" if self._stack.is_express else None

    @property
    def bucket_name(self) -> str:
        """The name of the stack's bucket."""
        return self._stack.resource(BUCKET)

    @property
    def exports(self) -> str:
        """A prefix in the stack's bucket."""
        return f"s3://{self.bucket_name}/exports"

    @cached_property
    def _bucket(self) -> S3Store:
        return S3Store(self._account.client("s3"), self.bucket_name)

    def bucket(self) -> ReadableStore:
        """The stack's bucket."""
        return self._bucket

    def writable_bucket(self) -> AbstractContextManager[ErasableStore]:
        """The stack's bucket; only the credentials decide what may be put."""
        return nullcontext(self._bucket)

    @contextmanager
    def quality_journal(self) -> "Iterator[QualityTable]":
        """The journal in the default data directory of this machine, or the one that PUPLINE_DATA names."""
        from pupline.local import LocalBackend

        data_dir = Path(os.environ.get("PUPLINE_DATA") or "pupline-data")
        with LocalBackend.open(data_dir, exclusive=False, create=True) as local:
            yield local.quality(f"s3://{self.bucket_name}/")

    def location(self, key: str) -> str:
        """The object's S3 URI."""
        return f"s3://{self._stack.resource(BUCKET)}/{key}"

    def folder(self, image_url: str) -> str:
        """The start of the image's URL."""
        return image_url.rpartition("/")[0]

    def records(
        self,
        *,
        run: str | None = None,
        execution: str | None = None,
        dataset: str | None = None,
        since: float | None = None,
    ) -> Iterator[AuditRecord]:
        """All audit records, oldest first; or those of one run, in the order of its executions; or of one execution.

        Only all of them take a scan of the table; `Records` says what the others take.
        """
        if execution is not None:
            found = self._records.named(execution, since)
        elif run is not None:
            found = self._records.of_run(run, since)
        elif dataset is not None:
            found = self._records.of_dataset(dataset)
        else:
            return self._records.all() if since is None else self._records.since(since)
        return found if since is None else recorded_since(found, since)

    def figure_records(
        self, *, run: str | None = None, dataset: str | None = None, since: float | None = None
    ) -> Iterator[FigureRecord]:
        """As `records`: items come whole."""
        return self.records(run=run, dataset=dataset, since=since)

    def executions(
        self, *, status: str | None = None, run: str | None = None, workflow: str | None = None
    ) -> Iterator[ExecutionSummary]:
        """Executions of all state machines of the last 90 days, newest first."""
        return self._executions.summaries(status, run, workflow)

    def execution(self, name: str) -> ExecutionDetails:
        """One execution, by its name or ARN. Raises: ConfigurationError when there is none, or more than one."""
        return self._executions.details(name)

    def execution_version(self, name: str) -> str | None:
        """The status and the end of an execution that has ended; None while it runs."""
        return self._executions.version(name)

    def child_executions(self, name: str) -> Iterator[ExecutionSummary]:
        """The child executions of an execution's Map Runs, newest first in each run."""
        return self._executions.child_summaries(name)

    def child_execution(self, name: str, child: str) -> ExecutionDetails:
        """One child execution, by its name or ARN. The history of an Express child is in CloudWatch Logs only."""
        return self._executions.child_details(name, child)

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Bulk ingests that have ended, newest first: each the JSON object of its summary.json."""
        return summaries(self._account, self._stack, dataset)

    def runs(self, *, dataset: str | None = None, run: str | None = None) -> Iterator[RunSummary]:
        """Runs of the last 90 days, newest first, as far as Step Functions and the bucket know them.

        Not known are the outcomes of `run`, which only its records have, its source, and how many were asked for.
        """
        return stack_runs(self._executions, list(self.ingests(dataset=dataset)), self.options, dataset, run)

    def run_names(self) -> Iterator[RunName]:
        """The names of the runs of the last 90 days, newest first."""
        return (RunName(run.run, run.dataset) for run in self.runs())

    def datasets(self) -> Iterator[DatasetSummary]:
        """The datasets of bulk ingests, by name, from the summary.json of each."""
        return datasets_of(self.ingests())

    def alerts(self, *, limit: int | None = None, chosen: ChosenAlert = any_alert) -> Iterator[Mapping[str, Any]]:
        """Alerts that were published, oldest first; with `limit` the newest so many, chosen by the time of the record.

        Subject, message and time come from the history of each execution, and are None when AWS has deleted it after
        90 days, and of an Express pipeline. `deliveries` is None: SNS does not report single deliveries.
        """
        sent = (
            record
            for record in self._records.single()  # bulk records never say that an alert was sent
            if record.alert_sent and chosen(record.execution, record.upload_timestamp)
        )
        yield from map(self._published, sent if limit is None else deque(sent, maxlen=limit))

    def _published(self, record: AuditRecord) -> Mapping[str, Any]:
        """The alert of an execution by its record."""
        described = None
        if not self._stack.is_express:
            described = self._executions.of_machine(self._stack.resource(MACHINE), record.execution)
        alert = published_alert(self._executions.history(described["executionArn"])) if described else None
        unknown = dict.fromkeys(("subject", "message", "published_at", "message_id"))
        return {
            "topic": self._stack.resource(TOPIC),
            **(alert or unknown),
            "image_name": record.image_name,
            "execution": record.execution,
            "deliveries": None,
        }

    @cached_property
    def pages(self) -> Pages:
        """The lists of this stack, by page."""
        from pupline.backends.stack.pages import StackPages

        return StackPages(self._account, self._stack, self._executions, self._records, self._published)

    @property
    def schedule(self) -> tuple[str, str] | None:
        """ENABLED or DISABLED, and the expression of EventBridge Scheduler; None where its template has no schedule."""
        state = self._stack.parameters.get("ScheduleState")
        return None if state is None else (state, self._stack.parameters.get("ScheduleExpression", ""))

    def run(self, request: RunRequest, listener: RunListener) -> RunReport:
        """Start what the run lacks, and wait for all of it; with the settings of the stack. Or one execution again."""
        run_id = request.run_id or new_run_id()
        check_run_id(run_id)
        if request.settings.image_url is not None and (request.settings.breed or request.settings.breeds):
            raise ConfigurationError("--image-url names one image and --breed a kind of images: give one of them")
        if request.again is not None:
            from pupline.backends.stack._running_again import run_again

            return run_again(self._executions, request.again, run_id, listener, self._timer)
        machine = self._stack.resource(MACHINE)
        again = f"If this is cut short, repeat it with --run-id {run_id}."
        listener(Note(f"Run {run_id} on the stack {printable(self.name)}. {again}"))
        if self._stack.is_express:
            from pupline.backends.stack._express import ExpressRunner, SyncStarter

            starter = SyncStarter(self._account, request.concurrency, self._timer)
            return ExpressRunner(starter, self._records, listener).run(machine, run_id, request)
        listener(RunStarted(request.count))
        return StackRunner(self._executions, listener, self._timer).run(machine, run_id, request)

    def redrive(self, request: RedriveSelection, listener: RunListener) -> RunReport:
        """Resume executions of all state machines, by RedriveExecution, and wait for them."""
        found: Iterable[Description] = map(self._executions.find, request.names)
        if not request.names:
            if self.unlisted:
                listener(Note(self.unlisted))
            found = (
                row for status in UNSUCCESSFUL for row in self._executions.listed(status, request.run, request.workflow)
            )
        chosen, refused = redrivable(map(self._executions.ended, found), self.options, listener)
        redriven = []
        for execution in chosen:
            reason = self._executions.redrive(execution.key)
            if reason is None:
                redriven.append(execution.key)
            else:
                refused.append(reason)
                listener(Refused(execution.name, f"not redriven: {reason}"))
        if not redriven:
            return RunReport(refused=tuple(refused))
        listener(RunStarted(len(redriven)))
        report = StackRunner(self._executions, listener, self._timer).wait(redriven)
        return RunReport(None, report.finished, report.failed, refused=tuple(refused), interrupted=report.interrupted)

    def stop(self, name: str, error: str | None, cause: str | None) -> str:
        """Abort an execution, by StopExecution."""
        described = self._executions.find(name)
        if described["status"] != "RUNNING":
            return f"has already ended ({described['status']})"
        self._executions.stop(described["executionArn"], error, cause)
        return str(self._executions.describe(described["executionArn"])["status"])

    def ingest(self, request: "IngestRequest", listener: BulkListener, *, workflow: bool) -> "IngestReport":
        """Ingest a source through BulkIngest."""
        if not workflow:
            raise ConfigurationError("--backend aws goes with --workflow: a stack ingests through its state machine")
        from pupline.backends.stack._ingest import StackIngest, prepared

        with prepared(request) as (named, source):
            store = self._account.client("s3")
            return StackIngest(self._stack, store, self._executions, named, source).run(listener, self._timer)

    def export_audit(self, listener: Callable[[Note], None]) -> AuditExport:
        """Export the table into the bucket, and wait for the end."""
        from pupline.backends.stack._audit_export import export_audit

        return export_audit(self._account, self._stack, self._timer, listener)

    def doctor(self, source: str, proxy: Proxy | None = None) -> list[Check]:  # noqa: ARG002 - the stack has its own
        """All checks of the stack."""
        return examine_stack(self._account, self.name)
