"""The result of one execution, as `pupline run` prints it."""

import json
from dataclasses import dataclass
from typing import Any

from pupline.errors import Outcome
from pupline.tasks.layout import summary_key
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.tasks.records import UNKNOWN_IMAGE, AuditRecord


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """One execution that has ended, with its audit record.

    record: None where the audit itself failed, and for BulkIngest, which has a record for each image. outcome: None for
    a BulkIngest that succeeded. error, cause: of a failed execution, the cause as one line for people. summary: the
    key of the summary.json of a BulkIngest that succeeded.
    """

    execution: str
    status: str
    outcome: Outcome | None
    error: str | None
    cause: str | None
    record: AuditRecord | None
    summary: str | None = None

    @property
    def image_name(self) -> str | None:
        """The image's name, None where none was ever known."""
        known = self.record is not None and self.record.image_name != UNKNOWN_IMAGE
        return self.record.image_name if known and self.record else None

    @property
    def alerted(self) -> bool:
        """Whether the alert branch was taken."""
        return self.record is not None and self.record.alert_triggered

    def as_dict(self) -> dict[str, Any]:
        """The JSON object that `pupline run --json` prints."""
        record = self.record
        return {
            "execution": self.execution,
            "status": self.status,
            "outcome": self.outcome,
            "reason": record.reason if record else self.outcome and "internal_error",
            "image_name": self.image_name,
            "image_url": record.image_url if record else None,
            "file_type": record.file_type if record else None,
            "alert_triggered": self.alerted,
            "error": self.error,
            "cause": self.cause,
        }


def result_of(
    execution: str,
    status: str,
    error: str | None,
    cause: str | None,
    record: AuditRecord | None,
    execution_input: str | None = None,
) -> ExecutionResult:
    """The result of an ended execution and its record. execution_input: JSON; it says where a BulkIngest's summary is.

    Raises: ValueError for an input that is not JSON, which is damage.
    """
    outcome: Outcome | None = record.outcome if record else None if status == "SUCCEEDED" else "failed"
    summary = None
    if outcome is None and execution_input is not None:
        match json.loads(execution_input):
            case {"dataset": str(dataset), "run": str(run)}:
                summary = summary_key(dataset, run)
    return ExecutionResult(execution, status, outcome, error, readable_cause(cause), record, summary)
