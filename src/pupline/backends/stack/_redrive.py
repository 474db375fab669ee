"""`pupline redrive` on a stack: executions go on from the step that did not succeed, as RedriveExecution does it."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pupline.backends._redrive import UNSUCCESSFUL, Ended, why_not_redriven
from pupline.backends.stack._account import aws_errors, error_code, error_message
from pupline.backends.stack._reader import StackReader, parsed


@dataclass(frozen=True, slots=True)
class NotRedriven:
    """An execution that was left as it is. reason: why, for people."""

    execution: str
    reason: str


class StackRedrive:
    """Redrives executions one by one, and keeps those that it left alone."""

    def __init__(self, reader: StackReader) -> None:
        self._reader = reader
        self.left: list[NotRedriven] = []

    def failed(self, run: str | None = None) -> Iterator[str]:
        """The names of all executions that failed, timed out or were aborted, newest first."""
        for status in UNSUCCESSFUL:
            yield from (row.name for row in self._reader.executions(status=status, run=run))

    def redrive(self, names: Iterable[str]) -> Iterator[str]:
        """Redrive each, and give the names of those that run again; why others do not is in `left`.

        Raises: ConfigurationError for a name that is none.
        """
        for name in names:
            reason = self._why_not(name) or self._redriven(name)
            if reason is None:
                yield name
            else:
                self.left.append(NotRedriven(name, reason))

    def _why_not(self, name: str) -> str | None:
        described = self._reader.describe(name)
        events = self._reader.history(described["name"], newest_first=True)
        options = f" --backend aws --stack {shlex.quote(self._reader.stack.name)}"
        reason = why_not_redriven(Ended(described["status"], parsed(described.get("input")), events, options))
        if reason is None and described.get("redriveStatus", "REDRIVABLE") != "REDRIVABLE":
            return f"Step Functions cannot: {described.get('redriveStatusReason') or described['redriveStatus']}"
        return reason

    def _redriven(self, name: str) -> str | None:
        """Redrive it; why Step Functions will not, if it will not."""
        from botocore.exceptions import ClientError

        with aws_errors(f"redriving {name}"):
            try:
                self._reader.states.redrive_execution(executionArn=self._reader.stack.execution_arn(name))
            except ClientError as err:
                if error_code(err) != "ExecutionNotRedrivable":
                    raise
                return f"Step Functions will not: {error_message(err)}"
        return None
