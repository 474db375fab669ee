"""A dataset through BulkIngest on this machine: listed into a manifest, then driven like any execution.

The run's name is the execution's. Killed before the manifest is there, the same command lists again; killed later, it
goes on with the execution: batches that were done answer from their results.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from pupline.backends._manifest import Manifest, write_manifest
from pupline.backends._redrive import UNSUCCESSFUL
from pupline.backends.machine._bulk_functions import BatchDone, BulkFunctions, Pace
from pupline.backends.machine._workflow import BULK_NAME, load_workflow
from pupline.bulk import (
    IngestRequest,
    IngestStarted,
    ItemsListed,
    ListingNote,
    checked_dataset,
    checked_source,
    save_piped_list,
    stored_list_reader,
)
from pupline.errors import THRESHOLD_EXCEEDED, ConfigurationError, PuplineError, count_failed, count_unaccepted
from pupline.json_values import JSON
from pupline.local import (
    Deliverer,
    DriverSettings,
    ExecutionRow,
    LambdaRuntime,
    LocalBackend,
    RedriveRequest,
    StartRequest,
    StopRequested,
    UndeletedFiles,
    stopping_on_signals,
)
from pupline.sources import ImageSource, Pages, is_piped
from pupline.tasks.layout import JSON_LINES, dataset_folder, manifest_key, partition, summary_key
from pupline.tasks.run_ids import new_run_id

GRACE_SECONDS = 1.0
"""How long batches may take to end after Ctrl-C, when they ask for nothing more; what is cut off is done again."""


ENDED_IN_FAIL_STATE = frozenset({"BatchesMissing", "SummaryFailed"})
"""Errors of executions that have work left and cannot be redriven: another one does what is missing."""

BulkEvent: TypeAlias = "IngestStarted | ItemsListed | ListingNote | BatchDone | StopRequested | UndeletedFiles"
BulkListener: TypeAlias = Callable[[BulkEvent], None]
"""Hears BatchDone from the functions' threads, one at a time, all else in the thread that called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkReport:
    """What became of a run. status: its execution's; RUNNING when it was interrupted.

    items: in the manifest. outcomes, reasons, alerts, bytes, summary: from summary.json, empty where there is none yet.
    error, cause: of an execution that failed. folder: `datasets/<dataset>/` in the bucket. undelivered: alerts still in
    the outbox; None where that cannot be known. trouble: why there is no Parquet of a run that has ended.
    listing_trouble: why its items are not all that the source has.
    """

    run_id: str
    dataset: str
    status: str
    items: int
    error: str | None
    cause: str | None
    interrupted: bool
    undelivered: int | None
    summary: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None
    listing_trouble: str | None = None

    @property
    def folder(self) -> str:
        """Everything about the dataset is below this key."""
        return dataset_folder(self.dataset)

    @property
    def outcomes(self) -> Counter[str]:
        """Items by outcome."""
        return Counter(self.summary.get("outcomes", {}))

    @property
    def reasons(self) -> Counter[str]:
        """Items by reason."""
        return Counter(self.summary.get("reasons", {}))

    @property
    def alerts(self) -> int:
        """Images that alerted."""
        return int(self.summary.get("alerts", 0))

    @property
    def bytes(self) -> int:
        """Of what was stored."""
        return int(self.summary.get("bytes_stored", 0))

    @property
    def has_parquet(self) -> bool:
        """Whether its metadata is there as Parquet too, as far as the summary knows."""
        folder = partition("metadata/parquet", self.dataset, self.run_id)
        return any(key.startswith(folder) for key in self.summary.get("files", ()))

    @property
    def done(self) -> int:
        """Items that have ended."""
        return self.outcomes.total()

    @property
    def failed(self) -> int:
        """Items that gave no image."""
        return count_failed(self.outcomes)

    @property
    def unhad(self) -> int:
        """How many items have no image in the dataset: quarantined, refused or failed."""
        return count_unaccepted(self.outcomes)

    @property
    def tolerance_exceeded(self) -> bool:
        """Whether more images failed than were tolerated: the summary says so, not a batch that could not work."""
        return self.error == THRESHOLD_EXCEEDED == self.summary.get("error")


def run_bulk_workflow(data_dir: Path, request: IngestRequest, listener: BulkListener) -> BulkReport:
    """Run BulkIngest over everything that the source names, or go on with the run of that id.

    A run that failed is redriven, one that has ended is reported. Raises: ConfigurationError; DefinitionError;
    StorageError; PuplineError when the source cannot be listed.
    """
    check_options(request)
    if not is_piped(str(request.source)):  # before a directory is made for nothing
        check_for_workflow(request)
    with ExitStack() as stack:
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
        request = save_piped_list(request, backend.data_dir)
        source = check_for_workflow(request)
        if backend.undeleted:
            listener(backend.undeleted)
        opened = _opened(backend, request, source)
        try:
            return _BulkRun(backend, replace(opened, proxy=request.proxy), source, listener).run(stack)
        except PuplineError:  # a list that cannot be read, say: without an execution there is nothing to go on with
            backend.runs.drop_empty(str(opened.run_id))
            raise


def check_for_workflow(request: IngestRequest) -> ImageSource:
    """The source, when the workflow can do what is asked. Raises: ConfigurationError."""
    check_options(request)
    return checked_source(request)


def check_options(request: IngestRequest) -> None:
    """Refuse what is for the direct way only. Raises: ConfigurationError."""
    for name, option in _NOT_HERE.items():
        if getattr(request, name):
            raise ConfigurationError(
                f"{option} is for ingests without --workflow; {_INSTEAD.get(name, 'leave it out')}"
            )


_NOT_HERE = {
    "retry_failed": "--retry-failed",
    "incremental": "--incremental",
    "stop_after_known": "--stop-after-known",
    "resume": "--resume",
    "shard_size": "--shards",
    "sidecars": "--sidecars",
    "workers": "--workers",
}
_INSTEAD = {
    "resume": "repeat the command with the same --run-id",
    "retry_failed": "ingest the run's failures.jsonl, which is a list of URLs",
}


def execution_input(run_id: str, request: IngestRequest, source: ImageSource, manifest: Manifest) -> dict[str, JSON]:
    """BulkIngest's input for a run whose manifest is where it belongs."""
    pace = Pace.of(request, source)
    return {
        "run": run_id,
        "dataset": request.dataset,
        "source": source.name,
        "manifest": {"key": manifest_key(str(request.dataset), run_id)},
        "items": manifest.items,
        "trouble": manifest.trouble,
        "batch_size": pace.items,
        "concurrency": pace.batches,
        "rate": pace.rate or 0,
        "requests": pace.threads,
        "heed_robots": request.heed_robots,
        "tolerate": 100 if request.tolerate is None else _plain(float(request.tolerate)),
    }


def _plain(number: float) -> float:
    """5 rather than 5.0, as people write it: it stands in messages."""
    return int(number) if number.is_integer() else number


def named(request: IngestRequest, source: ImageSource) -> IngestRequest:
    """The request with its run and its dataset named. Raises: ConfigurationError."""
    dataset = checked_dataset(request.dataset or source.dataset)
    return replace(request, run_id=request.run_id or new_run_id(), dataset=dataset)


def _opened(backend: LocalBackend, request: IngestRequest, source: ImageSource) -> IngestRequest:
    """The request as it is kept under the run's id. Raises: ConfigurationError."""
    asked = named(request, source)
    if request.run_id is None:
        asked = replace(asked, run_id=_unfinished(backend, asked) or asked.run_id)
    kept = backend.runs.open(str(asked.run_id), asked.as_json()).settings
    if "dataset" not in kept or not IngestRequest.from_json(kept).is_same_command(asked):
        raise ConfigurationError(
            f"the run '{asked.run_id}' was begun with another source, dataset or count; repeat it with the same ones, "
            "or give another --run-id"
        )
    return IngestRequest.from_json(kept)


def _unfinished(backend: LocalBackend, asked: IngestRequest) -> str | None:
    """The newest run that the same command began and did not end, be it killed while it listed or later."""
    for run in reversed(backend.runs.all()):
        if "dataset" not in run.settings or not IngestRequest.from_json(run.settings).is_same_command(asked):
            continue
        newest = next(backend.journal.executions(run_id=run.run_id), None)
        return run.run_id if newest is None or newest.status == "RUNNING" else None
    return None


class _BulkRun:
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

    def run(self, stack: ExitStack) -> BulkReport:
        """Drive it to its end, unless somebody interrupts."""
        stack.callback(self._functions.close)
        there = next(self._backend.journal.executions(run_id=self._run_id), None)
        ended = there is not None and there.status == "SUCCEEDED"
        self._listener(IngestStarted(self._run_id, self._dataset, there is not None, ended=ended))
        given: dict[str, Any] = json.loads(there.input) if there else self._listed()
        if there is not None:
            self._listener(ItemsListed(given["items"], given["items"], complete=True))
        deliverer = self._backend.deliverer()
        deliverer.start()
        stack.callback(deliverer.close)
        interrupted = self._driven(there, given, deliverer, stack)
        deliverer.close()
        return self._report(given, interrupted=interrupted, undelivered=deliverer.pending())

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
        return execution_input(self._run_id, self._request, self._source, manifest)

    def _driven(
        self, there: ExecutionRow | None, given: dict[str, JSON], deliverer: Deliverer, stack: ExitStack
    ) -> bool:
        """Whether it was interrupted."""
        runtime = LambdaRuntime(self._functions.by_name(), concurrency=Pace.of(self._request, self._source).batches)
        stack.callback(runtime.close)
        settings = DriverSettings(
            machine=load_workflow(BULK_NAME),
            runtime=runtime,
            topic=self._backend.topic,
            clock=self._backend.clock,
            grace_seconds=GRACE_SECONDS,
            alerted=deliverer.notify,
        )
        driver = self._backend.driver(settings)

        def stop() -> None:
            self._functions.stop()
            driver.stop_starting()
            self._listener(StopRequested())

        with stopping_on_signals(stop):
            return driver.drive(self._work(there, given), resume=False).interrupted

    def _work(self, there: ExecutionRow | None, given: dict[str, JSON]) -> Iterator[StartRequest | RedriveRequest]:
        """The execution to begin or to go on with.

        One that failed at its batches is redriven. One that ended in a Fail state would only enter that again, so
        another execution does what is missing.
        """
        if there is None or there.error in ENDED_IN_FAIL_STATE:
            yield StartRequest(
                self._name(there), given, self._run_id, 1 if there is None else (there.run_index or 0) + 1
            )
        elif there.status in UNSUCCESSFUL:
            yield RedriveRequest(there.name)
        else:
            yield StartRequest(there.name, given, self._run_id, there.run_index)

    def _name(self, there: ExecutionRow | None) -> str:
        return self._run_id if there is None else f"{self._run_id}-again-{there.run_index}"

    def _report(self, given: Mapping[str, Any], *, interrupted: bool, undelivered: int) -> BulkReport:
        row = next(self._backend.journal.executions(run_id=self._run_id), None)
        status = row.status if row else "RUNNING"
        return BulkReport(
            run_id=self._run_id,
            dataset=self._dataset,
            status=status,
            items=int(given["items"]),
            error=row.error if row else None,
            cause=row.cause if row else None,
            interrupted=interrupted,
            undelivered=undelivered,
            summary=self._functions.so_far(given) if status == "RUNNING" else self._summary(given, status),
            listing_trouble=given.get("trouble"),
        )

    def _summary(self, given: Mapping[str, Any], status: str) -> Mapping[str, Any]:
        """summary.json; where the execution may have failed before it could write that, written now."""
        if status != "SUCCEEDED":
            self._functions.summarise(given)
        found: Mapping[str, Any] = json.loads(self._backend.bucket().read(summary_key(self._dataset, self._run_id)))
        return found
