"""Executions of a pipeline that is Express: started and awaited by StartSyncExecution, which runs each at most once.

Step Functions keeps neither their names nor their histories. What a run has done already is in the audit table.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from pupline.backends._port import RunListener, RunReport, RunRequest, RunStarted
from pupline.backends._results import ExecutionResult, result_of
from pupline.backends.stack._account import Account, aws_errors
from pupline.backends.stack._executions import Description, parsed
from pupline.backends.stack._history import logged_in_output
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._records import Records
from pupline.errors import FAILING_OUTCOMES, ConfigurationError, InvalidInput, PuplineError
from pupline.json_values import JSON
from pupline.tasks.log_to_dynamodb import record_of
from pupline.tasks.records import AuditRecord
from pupline.tasks.run_ids import execution_name
from pupline.tasks.task_input import BY_URL

_LONGEST_SECONDS = 300
"""Of an Express execution."""


class AnswerLost(PuplineError):
    """An execution may be running, and nobody will say how it ends."""


class SyncStarter:
    """Starts Express executions and waits for their ends. Thread-safe, for as many threads as `connections`."""

    def __init__(self, account: Account, connections: int, timer: Timer) -> None:
        endpoint = account.client("stepfunctions").meta.endpoint_url
        self._timer = timer
        # botocore would repeat a start whose answer was lost, and with that the execution.
        self._client = account.client(
            "stepfunctions",
            read_timeout=_LONGEST_SECONDS + 30,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=connections,
            tcp_keepalive=True,
            # AWS has a host of its own for this call, `sync-states...`; an endpoint that somebody chose has not.
            inject_host_prefix=str(urlsplit(endpoint).hostname).startswith("states"),
        )

    def run(self, machine: str, name: str, given: Mapping[str, JSON]) -> Description:
        """StartSyncExecution's answer, once the execution has ended, however it did.

        Repeated only where AWS did not start it: an error in answer means that. Raises: BackendUnavailable after
        minutes; AnswerLost; ConfigurationError.
        """
        arguments = {"stateMachineArn": machine, "name": name, "input": json.dumps(dict(given))}
        return self._timer.patiently(partial(self._start, name, arguments))

    def _start(self, name: str, arguments: Mapping[str, str]) -> Description:
        from botocore import exceptions

        with aws_errors(f"starting {name}"):
            try:
                answer: Description = self._client.start_sync_execution(**arguments)
            except (
                exceptions.ConnectTimeoutError,
                exceptions.EndpointConnectionError,
                exceptions.ProxyConnectionError,
            ):
                raise  # it was not asked
            except (exceptions.HTTPClientError, exceptions.IncompleteReadError) as err:
                raise AnswerLost(f"{name}: the connection was lost while it ran ({err}); it goes on in AWS") from err
        return answer


@dataclass(slots=True)
class ExpressRunner:
    """Runs what a run lacks. The listener gets each result once."""

    starter: SyncStarter
    records: Records
    listener: RunListener
    _ended: "SimpleQueue[ExecutionResult | Exception]" = field(default_factory=SimpleQueue)
    _finished: int = 0
    _failed: int = 0

    def run(self, machine: str, run_id: str, request: RunRequest) -> RunReport:
        """Start the executions of the run that have no audit record, and wait for all of them.

        Ctrl-C stops starting and waiting; what runs continues. After an error nothing more is started, and what runs is
        waited for. Raises: ConfigurationError, also when the run was started with another image; PuplineError.
        """
        self.listener(RunStarted(request.count))
        interrupted = False
        try:
            done = self._tell_again(run_id, request) if request.run_id else frozenset()
            missing = (index for index in range(1, request.count + 1) if index not in done)
            self._run_all(machine, run_id, missing, request)
        except KeyboardInterrupt:
            interrupted = True
        return RunReport(run_id, self._finished, self._failed, interrupted=interrupted)

    def _tell_again(self, run_id: str, request: RunRequest) -> frozenset[int]:
        """The indexes of the run's executions that have a record; their results are sent."""
        done: set[int] = set()
        for record in self.records.single_of_run(run_id):
            name = record.execution
            index = int(name.rpartition("-")[2])
            if index in done or not (1 <= index <= request.count and name == execution_name(run_id, index)):
                continue
            wanted = request.settings.input_of(index).get("image_url")
            given = record.source_url if record.source == BY_URL else None
            if record.source is not None and wanted != given:
                raise ConfigurationError(
                    f"the run '{run_id}' was started with other settings ({name} has the image {record.source_url});"
                    " repeat it with the same ones, or give another --run-id"
                )
            done.add(index)
            self._send(_result_of_record(name, record))
        return frozenset(done)

    def _run_all(self, machine: str, run_id: str, missing: Iterator[int], request: RunRequest) -> None:
        running, trouble = 0, None
        while True:
            while running < request.concurrency and trouble is None and (index := next(missing, None)) is not None:
                name = execution_name(run_id, index)
                arguments = (machine, name, request.settings.input_of(index))
                # A daemon: after Ctrl-C nobody waits for it.
                threading.Thread(target=self._run_one, args=arguments, name=f"pupline-{name}", daemon=True).start()
                running += 1
            if not running:
                break
            ended = self._ended.get()
            running -= 1
            if isinstance(ended, ExecutionResult):
                self._send(ended)
            else:
                trouble = trouble or ended
        if trouble is not None:
            raise trouble

    def _run_one(self, machine: str, name: str, given: Mapping[str, JSON]) -> None:
        """Called in a thread of its own; any error is raised where the result is taken."""
        try:
            self._ended.put(self._result(name, self.starter.run(machine, name, given), given))
        except Exception as err:  # noqa: BLE001 - whatever it is, the main thread raises it
            self._ended.put(err)

    def _result(self, name: str, answer: Description, given: Mapping[str, JSON]) -> ExecutionResult:
        status, error, cause = str(answer["status"]), answer.get("error"), answer.get("cause")
        if status == "SUCCEEDED":
            record = logged_in_output(parsed(answer.get("output")), name)
        else:
            record = self._failure_record(name, error, cause, given)
        return result_of(name, status, error, cause, record)

    def _failure_record(
        self, name: str, error: str | None, cause: str | None, given: Mapping[str, JSON]
    ) -> AuditRecord | None:
        """The record of a failure: LogToDynamoDB gave the image a name by these facts. None where it wrote none."""
        facts: dict[str, Any] = {"execution": name, "input": dict(given), "error": {"Error": error, "Cause": cause}}
        try:
            image_name = record_of(facts, "").image_name
        except InvalidInput:
            return None
        return self.records.of_execution(image_name, name)

    def _send(self, result: ExecutionResult) -> None:
        self._finished += 1
        self._failed += result.status != "SUCCEEDED"
        self.listener(result)


def _result_of_record(name: str, record: AuditRecord) -> ExecutionResult:
    """The result of an execution of which only the record is left."""
    status = "FAILED" if record.outcome in FAILING_OUTCOMES else "SUCCEEDED"
    return result_of(name, status, record.error, record.cause, record)
