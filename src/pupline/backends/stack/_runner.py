"""Executions of the pipeline started and awaited on a stack; each result comes with its audit record."""

import json
from collections.abc import Iterable, Iterator
from functools import partial

from pupline.backends._port import RunListener, RunReport, RunRequest
from pupline.backends._results import result_of
from pupline.backends.stack._executions import Description, Executions
from pupline.backends.stack._polling import ExecutionPoller, Timer
from pupline.backends.stack._stack import execution_arn
from pupline.errors import ConfigurationError
from pupline.tasks.run_ids import execution_name


class StackRunner:
    """Starts executions and waits for them. The listener gets each result once."""

    def __init__(self, executions: Executions, listener: RunListener, timer: Timer) -> None:
        self._executions = executions
        self._listener = listener
        self._timer = timer
        self._poller = ExecutionPoller(executions.describe, timer)
        self._finished = 0
        self._failed = 0

    def run(self, machine: str, run_id: str, request: RunRequest) -> RunReport:
        """Start what the run lacks, and wait for all of it.

        The name of an execution is its idempotency key: Step Functions starts none that exists. Ctrl-C stops starting
        and waiting; what runs continues.

        Raises: ConfigurationError when the run was started with another input; BackendUnavailable.
        """
        indexes = iter(range(1, request.count + 1))
        interrupted = False
        try:
            self._start(machine, run_id, indexes, request)
            while len(self._poller):
                self._poll()
                self._start(machine, run_id, indexes, request)
        except KeyboardInterrupt:
            interrupted = True
        return RunReport(run_id, self._finished, self._failed, interrupted=interrupted)

    def wait(self, arns: Iterable[str]) -> RunReport:
        """Wait for executions that run already."""
        interrupted = False
        try:
            for arn in arns:
                self._poller.add(arn)
            while len(self._poller):
                self._poll()
        except KeyboardInterrupt:
            interrupted = True
        return RunReport(None, self._finished, self._failed, interrupted=interrupted)

    def _start(self, machine: str, run_id: str, indexes: Iterator[int], request: RunRequest) -> None:
        """Start executions until `concurrency` are in flight, or none is left to start."""
        while len(self._poller) < request.concurrency and (index := next(indexes, None)) is not None:
            name, wanted = execution_name(run_id, index), request.settings.input_of(index)
            arn = execution_arn(machine, name)
            if self._timer.patiently(partial(self._executions.start, machine, name, wanted)):
                self._poller.add(arn)
                continue
            described = self._poller.describe_at_rate(arn)
            given = described.get("input")
            if given is not None and json.loads(given) != wanted:
                raise ConfigurationError(
                    f"the run '{request.run_id}' was started with other settings (the input of {name} is"
                    f" {given[:200]}); repeat it with the same ones, or give another --run-id"
                )
            if described["status"] == "RUNNING":
                self._poller.add(arn)
            else:
                self._send_result(described)

    def _poll(self) -> None:
        described = self._poller.poll()
        if described:
            self._send_result(described)

    def _send_result(self, described: Description) -> None:
        status, name = described["status"], described["name"]
        self._finished += 1
        self._failed += status != "SUCCEEDED"
        record = self._executions.logged_record(described)
        error, cause = described.get("error"), described.get("cause")
        self._listener(result_of(name, status, error, cause, record, described.get("input")))
