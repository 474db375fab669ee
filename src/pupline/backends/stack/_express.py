"""Executions of a pipeline that is Express: started and awaited by StartSyncExecution, which runs each at most once.

Step Functions keeps neither their names nor their histories. What a run has done already is in the audit table.
"""

import json
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from pupline.backends._port import RunListener, RunReport, RunRequest, RunStarted
from pupline.backends._results import ExecutionResult, result_of
from pupline.backends.stack._account import Account, aws_errors, may_pass
from pupline.backends.stack._executions import Description, parsed
from pupline.backends.stack._history import logged_in_output
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._records import Records
from pupline.errors import FAILING_OUTCOMES, BackendUnavailable, ConfigurationError, InvalidInput
from pupline.json_values import JSON
from pupline.tasks.log_to_dynamodb import record_of
from pupline.tasks.records import AuditRecord
from pupline.tasks.run_ids import execution_name
from pupline.tasks.task_input import BY_URL

_LONGEST_SECONDS = 300
"""Of an Express execution."""

_ATTEMPTS = 6
_MAX_DELAY_SECONDS = 20.0


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

        Repeated only if AWS did not start it: an error in answer means that. Raises: BackendUnavailable, also if the
        connection was lost while it ran; ConfigurationError.
        """
        from botocore.exceptions import (
            ClientError,
            ConnectionClosedError,
            ConnectTimeoutError,
            EndpointConnectionError,
            ReadTimeoutError,
        )

        arguments = {"stateMachineArn": machine, "name": name, "input": json.dumps(dict(given))}
        for attempt in range(1, _ATTEMPTS + 1):
            with aws_errors(f"starting {name}"):
                try:
                    answer: Description = self._client.start_sync_execution(**arguments)
                except (ClientError, ConnectTimeoutError, EndpointConnectionError) as err:
                    if attempt == _ATTEMPTS or not may_pass(err):
                        raise
                except (ReadTimeoutError, ConnectionClosedError) as err:
                    raise BackendUnavailable(
                        f"{name}: the connection was lost while it ran ({err}); it goes on in AWS"
                    ) from err
                else:
                    return answer
            self._timer.sleep(random.uniform(0, min(_MAX_DELAY_SECONDS, 2.0**attempt)))  # noqa: S311 - spreads the load
        raise AssertionError  # the last attempt has returned or raised


@dataclass(slots=True)
class ExpressRunner:
    """Runs what a run lacks. The listener gets each result once."""

    starter: SyncStarter
    records: Records
    listener: RunListener
    _ended: "SimpleQueue[tuple[str, Description | Exception]]" = field(default_factory=SimpleQueue)
    _finished: int = 0
    _failed: int = 0

    def run(self, machine: str, run_id: str, request: RunRequest) -> RunReport:
        """Start the executions of the run that have no audit record, and wait for all of them.

        Ctrl-C stops starting and waiting; what runs continues. After an error nothing more is started, and what runs is
        waited for. Raises: ConfigurationError, also when the run was started with another image; BackendUnavailable.
        """
        inputs = {execution_name(run_id, index): index for index in range(1, request.count + 1)}
        known = dict(self._known(run_id, request, inputs)) if request.run_id else {}
        self.listener(RunStarted(request.count, ended=len(known)))
        for name, record in known.items():
            self._send(_result_of_record(name, record))
        missing = (name for name in inputs if name not in known)
        interrupted = False
        try:
            self._run_all(machine, missing, inputs, request)
        except KeyboardInterrupt:
            interrupted = True
        return RunReport(run_id, self._finished, self._failed, interrupted=interrupted)

    def _known(self, run_id: str, request: RunRequest, inputs: Mapping[str, int]) -> Iterator[tuple[str, AuditRecord]]:
        for record in self.records.single_of_run(run_id):
            if (index := inputs.get(record.execution)) is None:
                continue
            wanted = request.settings.input_of(index).get("image_url")
            given = record.source_url if record.source == BY_URL else None
            if record.source is not None and wanted != given:
                raise ConfigurationError(
                    f"the run '{run_id}' was started with other settings ({record.execution} has the image"
                    f" {record.source_url}); repeat it with the same ones, or give another --run-id"
                )
            yield record.execution, record

    def _run_all(self, machine: str, missing: Iterator[str], inputs: Mapping[str, int], request: RunRequest) -> None:
        running, trouble = 0, None
        while True:
            while running < request.concurrency and trouble is None and (name := next(missing, None)) is not None:
                arguments = (machine, name, request.settings.input_of(inputs[name]))
                # A daemon: after Ctrl-C nobody waits for it.
                threading.Thread(target=self._run_one, args=arguments, name=f"pupline-{name}", daemon=True).start()
                running += 1
            if not running:
                break
            name, answer = self._ended.get()
            running -= 1
            if isinstance(answer, Exception):
                trouble = trouble or answer
            else:
                self._send(self._result(name, answer, request.settings.input_of(inputs[name])))
        if trouble is not None:
            raise trouble

    def _run_one(self, machine: str, name: str, given: Mapping[str, JSON]) -> None:
        """Called in a thread of its own; any error is raised where the answer is taken."""
        try:
            self._ended.put((name, self.starter.run(machine, name, given)))
        except Exception as err:  # noqa: BLE001 - whatever it is, the main thread raises it
            self._ended.put((name, err))

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
