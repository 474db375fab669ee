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


# ---- what the console shows besides


def test_the_timeline_has_hours_for_days_and_days_for_months() -> None:
    """Each point counts records, alerts, images not accepted, and the bytes of new objects."""
    near = [record(upload_timestamp=f"2026-01-31T{hour}:30:00.000Z", size_bytes=7) for hour in ("11", "12", "12")]
    short = insights_of([*near, record(upload_timestamp="2026-01-31T12:59:00.000Z", outcome="failed")]).timeline
    assert short.as_dict() == {
        "unit": "hour",
        "points": [
            {"time": "2026-01-31T11", "records": 1, "alerts": 0, "unaccepted": 0, "bytes": 7},
            {"time": "2026-01-31T12", "records": 3, "alerts": 0, "unaccepted": 1, "bytes": 14},
        ],
    }
    far = insights_of([*near, record(upload_timestamp="2026-03-01T00:00:00.000Z", alert_triggered=True)]).timeline
    assert [(point["time"], point["records"]) for point in far.as_dict()["points"]] == [
        ("2026-01-31", 3),
        ("2026-03-01", 1),
    ]
    assert far.as_dict()["points"][1]["alerts"] == 1


def test_fields_sizes_and_examples_of_alerts() -> None:
    """Fields that accepted images know; sizes in powers of two; the newest image for each reason to alert."""
    figures = insights_of(
        [
            record(size_bytes=1000, breed="corgi", alert_triggered=True, alert_reasons=("png",), execution="a"),
            record(size_bytes=1023, alert_triggered=True, alert_reasons=("png", "name"), execution="b"),
            record(size_bytes=1024, outcome="quarantined"),
            record(size_bytes=1024, outcome="duplicate"),
        ]
    )
    assert (figures.fields["breed"], figures.fields["size_bytes"]) == (1, 3)
    assert [(one.from_bytes, one.images) for one in figures.sizes] == [(512, 2), (1024, 1)]
    assert {reason: one.execution for reason, one in figures.alert_examples.items()} == {"png": "b", "name": "b"}
