"""`pupline ingest --workflow` on a stack: the list is made here, BulkIngest does the rest there.

The run's name is the execution's, and so its idempotency key: the same command with the same --run-id waits for, or
redrives, the execution that is there.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pupline.aws import S3Store
from pupline.backends._manifest import list_source
from pupline.backends._redrive import UNSUCCESSFUL
from pupline.backends.machine import BulkReport
from pupline.backends.machine._bulk import (
    ENDED_IN_FAIL_STATE,
    BulkListener,
    check_for_workflow,
    check_options,
    execution_input,
    named,
)
from pupline.backends.stack._account import Account, aws_errors, error_code
from pupline.backends.stack._stack import BUCKET, BULK_MACHINE, Stack
from pupline.backends.stack._watch import Timer, Watch
from pupline.bulk import IngestRequest, IngestStarted, RunFiles, write_parquet
from pupline.errors import ConfigurationError, PuplineError
from pupline.json_values import JSON
from pupline.local import SystemClock
from pupline.sources import ImageSource, piped_for_now
from pupline.tasks.ingest_summary import summary_bytes, with_files
from pupline.tasks.layout import JSON_LINES, manifest_key, summary_key
from pupline.tasks.summarise_ingest import SummaryServices, current_summary
from pupline.text import printable

_CONCURRENCY = 8
"""Reads from the bucket at the same time."""

_NO_SUCH_EXECUTION = "ExecutionDoesNotExist"


def ingest_on_stack(
    stack: str, request: IngestRequest, listener: BulkListener, timer: Timer | None = None
) -> BulkReport:
    """Have the stack ingest everything that the source names; wait for the end, which Ctrl-C ends without harm.

    Images are fetched by the stack's functions: from public origins, and those that its parameter AllowOrigins names.
    Raises: ConfigurationError; BackendUnavailable; PuplineError when the source cannot be listed.
    """
    check_options(request)
    with piped_for_now(str(request.source)) as at_hand:
        return _ingest(stack, replace(request, source=at_hand), listener, timer)


def _ingest(stack: str, request: IngestRequest, listener: BulkListener, timer: Timer | None) -> BulkReport:
    source = check_for_workflow(request)
    if source.sample:
        raise ConfigurationError(f"{source.name} is served on this machine alone; leave out --backend, or name an API")
    account, asked = Account.of_environment(), named(request, source)
    return _StackIngest(account, Stack.find(account, stack), asked, source, listener).run(timer or Timer())


class _StackIngest:
    """One run on a stack."""

    def __init__(
        self, account: Account, stack: Stack, request: IngestRequest, source: ImageSource, listener: BulkListener
    ) -> None:
        self._stack = stack
        self._request = request
        self._source = source
        self._listener = listener
        self._run_id = str(request.run_id)
        self._dataset = str(request.dataset)
        self._states = account.client("stepfunctions")
        self._store = S3Store(account.client("s3"), stack.resource(BUCKET))
        self._machine = stack.resource(BULK_MACHINE)

    def run(self, timer: Timer) -> BulkReport:
        """Start or go on, wait, report."""
        there = self._latest()
        ended = there is not None and there["status"] == "SUCCEEDED"
        self._listener(IngestStarted(self._run_id, self._dataset, there is not None, ended=ended))
        name = self._begun(there)
        watch = Watch(self._described, timer)
        watch.add(name)
        try:
            ended = None
            while ended is None:
                ended = watch.look()
            return self._with_parquet(self._report(ended, interrupted=False))
        except KeyboardInterrupt:
            return self._report(self._described(name), interrupted=True)

    def _latest(self) -> Mapping[str, Any] | None:
        """The run's newest execution, if it has one; all that were started for it have names in a row."""
        found, number = self._found(self._run_id), 1
        while found is not None and found.get("error") in ENDED_IN_FAIL_STATE:
            again = self._found(f"{self._run_id}-again-{number}")
            if again is None:
                break
            found, number = again, number + 1
        return found

    def _begun(self, there: Mapping[str, Any] | None) -> str:
        """The execution to wait for: started, redriven, or left as it is."""
        if there is None:
            return self._started(self._run_id, self._listed())
        given = json.loads(there["input"])
        self._check_same(given)
        if there.get("error") in ENDED_IN_FAIL_STATE:
            number = int(there["name"].rpartition("-again-")[2]) if "-again-" in there["name"] else 0
            return self._started(f"{self._run_id}-again-{number + 1}", given)
        if there["status"] in UNSUCCESSFUL and there.get("redriveStatus") == "REDRIVABLE":
            with aws_errors(f"redriving {there['name']}"):
                self._states.redrive_execution(executionArn=there["executionArn"])
        return str(there["name"])

    def _check_same(self, given: Mapping[str, Any]) -> None:
        if (given.get("source"), given.get("dataset")) != (self._source.name, self._dataset):
            raise ConfigurationError(
                f"the run '{self._run_id}' was begun with another source or dataset; repeat it with the same ones, or "
                "give another --run-id"
            )

    def _listed(self) -> dict[str, JSON]:
        """The execution's input, once the manifest is in the bucket."""
        with tempfile.TemporaryDirectory(prefix="pupline-") as folder:
            path = Path(folder) / "manifest.jsonl"
            manifest = list_source(path, self._source, self._request, self._object, self._listener)
            self._store.put(manifest_key(self._dataset, self._run_id), path, JSON_LINES)
        return execution_input(self._run_id, self._request, self._source, manifest)

    def _object(self, url: str) -> bytes:
        """An object of the stack's bucket, for lists named `s3://bucket/key`."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if bucket != self._stack.resource(BUCKET):
            raise ConfigurationError(f"{printable(url)}: lists are read from the stack's own bucket only")
        try:
            return self._store.read(key)
        except KeyError as err:
            raise ConfigurationError(f"{printable(url)}: there is no such object") from err

    def _started(self, name: str, given: Mapping[str, JSON]) -> str:
        with aws_errors(f"starting {name}"):
            self._states.start_execution(stateMachineArn=self._machine, name=name, input=json.dumps(given))
        return name

    def _described(self, name: str) -> Mapping[str, Any]:
        found = self._found(name)
        if found is None:
            raise PuplineError(f"the execution {printable(name)} is not there any more")
        return found

    def _found(self, name: str) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError

        arn = f"{self._machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
        with aws_errors(f"looking at the execution {printable(name)}"):
            try:
                described: Mapping[str, Any] = self._states.describe_execution(executionArn=arn)
            except ClientError as err:
                if error_code(err) == _NO_SUCH_EXECUTION:
                    return None
                raise
        return described

    def _report(self, ended: Mapping[str, Any], *, interrupted: bool) -> BulkReport:
        given = json.loads(ended["input"])
        return BulkReport(
            run_id=self._run_id,
            dataset=self._dataset,
            status=ended["status"],
            items=int(given.get("items") or 0),
            error=ended.get("error"),
            cause=ended.get("cause"),
            interrupted=interrupted,
            undelivered=None,
            summary=self._summary(given, ended["status"]),
            listing_trouble=given.get("trouble"),
        )

    def _summary(self, given: Mapping[str, Any], status: str) -> Mapping[str, Any]:
        """summary.json, where this execution has written it; else what the batches tell by now."""
        try:
            written: Mapping[str, Any] = json.loads(self._store.read(summary_key(self._dataset, self._run_id)))
        except KeyError:
            written = {}
        if written and status != "RUNNING":
            return written
        services = SummaryServices(store=self._store, clock=SystemClock(), concurrency=_CONCURRENCY)
        return {**current_summary(given, services), "status": status}

    def _with_parquet(self, report: BulkReport) -> BulkReport:
        """The report once the run's Parquet is there, which its functions cannot write; or why it is not.

        The summary that names it comes last. So what a killed command left is made anew; what is whole is not, unless
        the run may have gone on since.
        """
        if report.has_parquet and report.status == "SUCCEEDED":
            return report
        try:
            summary = with_files(report.summary, self._parquet())
            if report.summary["files"]:  # there is a summary.json
                key = summary_key(self._dataset, self._run_id)
                self._store.put(key, summary_bytes(summary), "application/json")
        except (PuplineError, OSError) as err:
            return replace(report, trouble=str(err))
        return replace(report, summary=summary)

    def _parquet(self) -> Sequence[str]:
        with tempfile.TemporaryDirectory(prefix="pupline-") as folder:
            return write_parquet(RunFiles(self._store, Path(folder), self._dataset, self._run_id), _CONCURRENCY)
