"""`pupline run` on a stack: executions `<run-id>-<index>` started, waited for, and told with their records."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.backends._results import result_of
from pupline.backends.machine import ExecutionResult
from pupline.backends.stack._account import aws_errors, error_code
from pupline.backends.stack._reader import StackReader
from pupline.backends.stack._stack import MACHINE
from pupline.backends.stack._watch import Timer, Watch
from pupline.errors import ConfigurationError
from pupline.json_values import JSON
from pupline.tasks.run_ids import execution_name

ResultListener = Callable[[ExecutionResult], None]


@dataclass(frozen=True, slots=True)
class StackRunRequest:
    """What `pupline run --backend aws` was asked for. input: of each execution. concurrency: executions in flight."""

    run_id: str
    count: int
    concurrency: int
    input: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackRunReport:
    """How a run ended. failed: executions that did not succeed. unfinished: still running on AWS when interrupted."""

    run_id: str
    failed: int
    unfinished: int
    interrupted: bool


class StackRun:
    """Starts executions and waits for them. The listener hears of each result once, as it is there."""

    def __init__(self, reader: StackReader, listener: ResultListener, timer: Timer | None = None) -> None:
        self._reader = reader
        self._listener = listener
        self._watch = Watch(reader.describe, timer or Timer())
        self._failed = 0

    def run(self, request: StackRunRequest) -> StackRunReport:
        """Start what the run misses, and wait for all of it. Asked again, it starts only what is missing.

        An execution's name is its idempotency key: Step Functions starts none that is there. Ctrl-C stops the starting
        and the waiting; what runs goes on.

        Raises: ConfigurationError when the run was begun with another input; BackendUnavailable.
        """
        starts = iter(range(1, request.count + 1))
        interrupted = False
        try:
            self._start(starts, request)
            while len(self._watch):
                self._look()
                self._start(starts, request)
        except KeyboardInterrupt:
            interrupted = True
        return StackRunReport(request.run_id, self._failed, len(self._watch), interrupted)

    def watch(self, names: Iterator[str], run_id: str = "") -> StackRunReport:
        """Wait for executions that run already, each of which `names` gives when it is asked for the next."""
        interrupted = False
        try:
            for name in names:
                self._watch.add(name)
            while len(self._watch):
                self._look()
        except KeyboardInterrupt:
            interrupted = True
        return StackRunReport(run_id, self._failed, len(self._watch), interrupted)

    def _start(self, indexes: Iterator[int], request: StackRunRequest) -> None:
        """Start executions until as many are in flight as may be, or none is left to start."""
        while len(self._watch) < request.concurrency and (index := next(indexes, None)) is not None:
            name = execution_name(request.run_id, index)
            ended = None if self._started(name, request) else self._ended(name, request)
            if ended:
                self._tell(ended)
            else:
                self._watch.add(name)

    def _started(self, name: str, request: StackRunRequest) -> bool:
        """Whether it runs now; False when one of this name was there that has ended, or has another input."""
        from botocore.exceptions import ClientError

        with aws_errors(f"starting {name}"):
            try:
                self._reader.states.start_execution(
                    stateMachineArn=self._reader.stack.resource(MACHINE),
                    name=name,
                    input=json.dumps(dict(request.input)),
                )
            except ClientError as err:
                if error_code(err) != "ExecutionAlreadyExists":
                    raise
                return False
        return True

    def _ended(self, name: str, request: StackRunRequest) -> Mapping[str, Any] | None:
        """The execution of that name that was there, if it has ended. Raises: ConfigurationError for another input."""
        described = self._watch.ask(name)
        given = described.get("input")
        if given is not None and json.loads(given) != dict(request.input):
            raise ConfigurationError(
                f"the run '{request.run_id}' was begun with other settings (the input of {name} is {given[:200]});"
                " repeat it with the same ones, or give another --run-id"
            )
        return None if described["status"] == "RUNNING" else described

    def _look(self) -> None:
        described = self._watch.look()
        if described:
            self._tell(described)

    def _tell(self, described: Mapping[str, Any]) -> None:
        status, name = described["status"], described["name"]
        self._failed += status != "SUCCEEDED"
        record = self._reader.logged_record(described)
        self._listener(result_of(name, status, described.get("error"), described.get("cause"), record))
