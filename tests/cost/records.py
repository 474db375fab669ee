"""Audit records to count."""

from typing import Any

from pupline.tasks.records import AuditRecord


def record(**fields: Any) -> AuditRecord:
    """A stored JPEG, with the given fields changed."""
    plain: dict[str, Any] = {
        "image_name": "a.jpg",
        "upload_timestamp": "2026-01-02T03:04:05.000Z",
        "alert_triggered": False,
        "outcome": "stored",
        "reason": "accepted",
        "execution": "r-00001",
        "size_bytes": 100_000,
    }
    return AuditRecord(**(plain | fields))
