"""IngestBatch and SummariseIngest on this machine: the same code as on AWS, over the local ports."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from pupline.backends._bulk_ingest import MAX_THREADS, Pace
from pupline.backends._port import BatchDone
from pupline.bulk import (
    IngestRequest,
    RunFiles,
    alert_rules_of,
    checked_source,
    fetch_policy,
    origin_refusal,
    write_parquet,
)
from pupline.errors import TaskFailure
from pupline.http import FetchPolicy, HttpClient, Origin, Proxy
from pupline.local import Invocation, LocalBackend
from pupline.parquet import why_unavailable
from pupline.sources import ImageSource
from pupline.tasks.batch_fetch import RobotsCache
from pupline.tasks.batch_input import IngestRun
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.ingest_batch import BatchServices, ingest_batch
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.summarise_ingest import SummaryServices, current_summary, summarise_ingest


class Stopped(BaseException):
    """Ctrl-C: no more requests are sent. Not an Exception, so that it is not taken for the function's failure."""


class Admission:
    """What one run may request: only from origins of the source, and nothing once it is stopped."""

    def __init__(self, policy: FetchPolicy, source: ImageSource, stopping: threading.Event) -> None:
        self._policy = policy
        self._source = source
        self._stopping = stopping
        self._verdicts: dict[Origin, TaskFailure | None] = {}

    def check(self, origin: Origin) -> None:
        """Raises: BlockedAddress for an origin that is not the source's; Stopped."""
        if self._stopping.is_set():
            raise Stopped
        if origin not in self._verdicts:
            self._verdicts[origin] = origin_refusal(self._source, self._policy, origin)
        refusal = self._verdicts[origin]
        if refusal is not None:
            raise refusal


class BulkFunctions:
    """The functions of BulkIngest, for any run: its services are made at the first call and kept until `close`."""

    def __init__(
        self, backend: LocalBackend, listener: Callable[[BatchDone], None] = lambda _: None, proxy: Proxy | None = None
    ) -> None:
        self._backend = backend
        self._proxy = proxy
        self._listener = listener
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._services: dict[IngestRequest, BatchServices] = {}
        self._open = ExitStack()

    def by_name(self) -> dict[str, Callable[[Any, Invocation], Any]]:
        """The callables of the local Lambda runtime, by function name."""
        return {"IngestBatch": self._ingest_batch, "SummariseIngest": lambda event, _: self.summarise(event)}

    def services(self, request: IngestRequest) -> BatchServices:
        """The services of the run's batches. Raises: ConfigurationError."""
        with self._lock:
            if request not in self._services:
                self._services[request] = self._make_services(request)
            return self._services[request]

    def summarise(self, event: Any) -> dict[str, Any]:
        """The answer of SummariseIngest."""
        return summarise_ingest(event, self._summary_services)

    def current_summary(self, event: Any) -> dict[str, Any]:
        """The summary that a run which has not ended would have now; nothing is written."""
        return current_summary(event, self._summary_services)

    @property
    def _summary_services(self) -> SummaryServices:
        store, clock = self._backend.bucket(), self._backend.clock
        return SummaryServices(store=store, clock=clock, concurrency=2, tables=self._tables)

    def _tables(self, run: IngestRun) -> Sequence[str]:
        """Write Parquet of the run's metadata; its keys, none without the extra package. Raises: StorageError."""
        return write_parquet(RunFiles.of(self._backend, run.dataset, run.run)) if why_unavailable() is None else ()

    def stop(self) -> None:
        """Make batches send no more requests. Safe in a signal handler."""
        self._stopping.set()

    def close(self) -> None:
        """Stop the sample servers that were started, and close connections."""
        self.stop()
        self._open.close()

    def _make_services(self, request: IngestRequest) -> BatchServices:
        source = checked_source(request)
        policy = fetch_policy(source, replace(request, proxy=self._proxy), self._open)
        admission = Admission(policy, source, self._stopping)
        client = HttpClient(policy, idle_connections=MAX_THREADS * 4, admit=admission.check)
        self._open.callback(client.close)
        return BatchServices(
            client=client,
            robots=RobotsCache(client),
            storage=ImageStorage(self._backend.bucket(), self._backend.write_once),
            table=self._backend.audit,
            clock=self._backend.clock,
            alert_rules=alert_rules_of(request),
            sleep=partial(_slept, self._stopping),
            monotonic=self._backend.clock.working_time,
            concurrency=Pace.of(request, source).threads,
            rules=IngestRules(request.max_pixels, timeout_seconds=request.timeout_seconds),
        )

    def _ingest_batch(self, event: Any, invocation: Invocation) -> Any:
        # Without `started`: no batch is ended here after five minutes, and the time since then may be a night in which
        # the machine slept.
        given = {name: value for name, value in event.items() if name != "started"}
        answer: dict[str, Any] = ingest_batch(given, self.services(IngestRequest.from_json(invocation.settings)))
        if not answer["unfinished"]:
            with self._lock:
                self._listener(BatchDone(answer["outcomes"]))
        return answer


def _slept(stopping: threading.Event, seconds: float) -> None:
    if stopping.wait(seconds):
        raise Stopped
