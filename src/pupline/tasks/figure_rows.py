"""What figures need of audit records: fewer columns than a record has, for a pass over a million of them."""

from typing import NamedTuple, TypeAlias

from pupline.errors import Outcome, Reason
from pupline.tasks.records import AuditRecord


class FigureRow(NamedTuple):
    """The fields of an `AuditRecord` that figures count, of a row of a database."""

    image_name: str
    upload_timestamp: str
    file_type: str | None
    alert_triggered: bool
    outcome: Outcome
    reason: Reason
    alert_sent: bool | None
    source: str | None
    source_url: str | None
    sha256: str | None
    size_bytes: int | None
    breed: str | None
    execution: str
    error: str | None
    cause: str | None
    known_fields: int
    alert_reasons: tuple[str, ...]


FigureRecord: TypeAlias = AuditRecord | FigureRow
