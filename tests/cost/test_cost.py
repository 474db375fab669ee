"""The bill: known sums, what is counted, and what it is counted from."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.cost import PerImage, bill, per_image, transitions_in
from pupline.records import AuditRecord

FLOOR = PerImage(puts=1, gets=0, writes=1, log_bytes=0, size_bytes=0, fetch_gb_seconds=0.25, log_gb_seconds=0.05)
"""One PUT and one write per image, 256 MB for 1 s to fetch it and 0.2 s to log it."""

STORED = AuditRecord(
    image_name="a.jpg",
    upload_timestamp="2026-01-31T12:00:00.000Z",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    source="dog-ceo",
    sha256="0" * 64,
    size_bytes=1000,
    execution="run-1",
)


def test_a_million_one_by_one() -> None:
    """Worked out by hand: 100.00 transitions, 5.00 PUT, 0.63 writes, 4.00 + 0.40 Lambda."""
    assert bill(1_000_000, FLOOR).dollars == pytest.approx(110.03, abs=0.01)


def test_a_million_in_batches() -> None:
    """Worked out by hand: 0.25 transitions, 0.01 + 0.07 Express, 0.47 Lambda, 5.00 PUT, 0.63 writes."""
    assert bill(1_000_000, FLOOR, batch=100).dollars == pytest.approx(6.43, abs=0.01)


def test_the_shipped_pipeline_is_billed_with_all_it_does() -> None:
    """Three PUTs, a GET, an index and logs per random image: the default leaves nothing out."""
    found = {(line.service, line.what): round(line.dollars, 2) for line in bill(1_000_000).lines}
    assert found == {
        ("Step Functions", "state transitions"): 100.00,
        ("Lambda", "requests"): 0.40,
        ("Lambda", "GB-seconds"): 7.33,
        ("SNS", "alerts"): 0.0,
        ("S3", "PUT requests"): 15.00,
        ("S3", "GET requests"): 0.40,
        ("DynamoDB", "write units"): 1.25,
        ("CloudWatch", "GB of logs"): 0.70,
    }


def test_averages_come_from_what_was_counted() -> None:
    """Half of them alerted, one a duplicate by URL, one refused: each took its own share."""
    records = [
        STORED,
        replace(STORED, alert_triggered=True, reason="renamed", execution="run-2"),
        replace(STORED, alert_triggered=True, outcome="duplicate", source="image_url", execution="run-3"),
        replace(STORED, outcome="refused", sha256=None, size_bytes=None, source="image_url", execution="run-4"),
    ]
    found = per_image(records)
    assert (found.alerts, found.transitions, found.invocations) == (0.5, 5.5, 2.5)
    assert (found.puts, found.gets, found.size_bytes) == ((6 + 1 + 2) / 4, (2 + 2) / 4, 500)
    assert per_image(records, transitions=40).transitions == 10


def test_retries_are_transitions_too() -> None:
    """Each state entered, and each attempt of a task after its first."""
    types = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskFailed", "TaskScheduled", "TaskSucceeded"]
    types += ["TaskStateExited", "ChoiceStateEntered", "SucceedStateEntered", "ExecutionSucceeded"]
    assert transitions_in([{"type": kind} for kind in types]) == 4


def test_nothing_counted_gives_no_averages() -> None:
    """Rather than a division by zero, a word on what to do."""
    with pytest.raises(ValueError, match="run some images first"):
        per_image([])


@pytest.mark.parametrize(("images", "batch"), [(-1, None), (1, 0), (1, -5)])
def test_senseless_numbers_are_refused(images: int, batch: int | None) -> None:
    """Negative images, batches of none."""
    with pytest.raises(ValueError, match="give 0 or more images"):
        bill(images, batch=batch)


@given(st.integers(0, 10**7), st.integers(1, 1000))
def test_batches_never_cost_more(images: int, batch: int) -> None:
    """For the work itself, bulk is at most as dear as one by one, whatever the batch."""
    assert bill(images, batch=batch).dollars <= bill(images).dollars + 1e-9


@given(st.integers(0, 10**7))
def test_the_bill_grows_with_the_images(images: int) -> None:
    """And nothing but the monthly part is left without any."""
    assert bill(images + 1).dollars > bill(images).dollars
    assert bill(0).dollars == 0
    assert bill(0).dollars_per_month == pytest.approx(7.3)
