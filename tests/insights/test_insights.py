"""What insights counts, and what it must not count twice."""

from typing import Any

from pupline.insights import insights_of
from pupline.tasks.records import AuditRecord


def record(**fields: Any) -> AuditRecord:
    """A plain stored JPEG, with the given fields changed."""
    plain: dict[str, Any] = {
        "image_name": "rex.jpg",
        "upload_timestamp": "2026-01-02T03:04:05Z",
        "file_type": "jpg",
        "alert_triggered": False,
        "outcome": "stored",
        "reason": "accepted",
        "size_bytes": 100,
        "execution": "run-1",
    }
    return AuditRecord(**(plain | fields))


def test_no_records_gives_zeros_and_no_division() -> None:
    """An empty audit has a frequency of 0, not an error."""
    insights = insights_of([])
    assert insights.alert_frequency == 0.0
    assert insights.as_dict()["first"] is None


def test_types_and_alert_frequency() -> None:
    """The type is the content's; the frequency is alerts over all records, failures included."""
    insights = insights_of(
        [
            record(),
            record(
                file_type="png",
                alert_triggered=True,
                alert_sent=True,
                alert_reasons=("png_content", "extension_mismatch"),
            ),
            record(file_type="png", alert_triggered=True, alert_sent=False, alert_reasons=("png_content",)),
            record(file_type=None, outcome="failed", reason="not_found", size_bytes=None),
        ]
    )
    assert insights.as_dict()["file_types"] == {"png": 2, "jpg": 1}
    assert insights.alert_frequency == 0.5
    assert insights.alerts_not_sent == 1
    assert insights.as_dict()["alerts_by_reason"] == {"png_content": 2, "extension_mismatch": 1}


def test_bytes_of_duplicates_are_saved_not_stored() -> None:
    """A duplicate costs no bytes, and a quarantined body is not stored as an image."""
    insights = insights_of(
        [
            record(),
            record(outcome="duplicate", reason="same_content"),
            record(outcome="quarantined", reason="not_an_image"),
        ]
    )
    assert (insights.bytes_stored, insights.bytes_saved, insights.duplicates) == (100, 100, 1)


def test_first_and_last_do_not_depend_on_order() -> None:
    """Records come in any order; the span is the same."""
    days = ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    insights = insights_of(record(upload_timestamp=day) for day in days)
    assert (insights.first, insights.last) == (days[1], days[0])
