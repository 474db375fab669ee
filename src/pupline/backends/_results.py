"""What became of one execution, as `pupline run` tells it."""

from dataclasses import dataclass
from typing import Any

from pupline.errors import Outcome
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.tasks.records import UNKNOWN_IMAGE, AuditRecord


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """One execution that has ended, with its audit record (None only where the audit itself failed).

    status: the execution's. error, cause: of a failed one, the cause as one line for people.
    """

    execution: str
    status: str
    outcome: Outcome
    error: str | None
    cause: str | None
    record: AuditRecord | None

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
            "reason": record.reason if record else "internal_error",
            "image_name": self.image_name,
            "image_url": record.image_url if record else None,
            "file_type": record.file_type if record else None,
            "alert_triggered": self.alerted,
            "error": self.error,
            "cause": self.cause,
        }


def result_of(
    execution: str, status: str, error: str | None, cause: str | None, record: AuditRecord | None
) -> ExecutionResult:
    """The result of an ended execution and its record."""
    outcome: Outcome = record.outcome if record else "failed"
    return ExecutionResult(execution, status, outcome, error, readable_cause(cause), record)
