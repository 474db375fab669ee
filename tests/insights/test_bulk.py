"""Insights on bulk ingestion: coverage, placeholders, reasons with an example, hosts, runs."""

import random
from typing import Any

import pytest

from pupline.insights import insights_of
from pupline.insights._url_sample import UrlSample
from pupline.tasks.records import AuditRecord

RUN = "20261122-170000-ab12"


def record(number: int, **fields: Any) -> AuditRecord:
    """A stored JPEG of its own bytes, the item `number` of the run."""
    plain: dict[str, Any] = {
        "image_name": f"dogs/{number}.jpg",
        "upload_timestamp": "2026-11-22T17:00:00.000Z",
        "file_type": "jpg",
        "alert_triggered": False,
        "outcome": "stored",
        "reason": "accepted",
        "source_url": f"https://cdn.example/{number}.jpg",
        "sha256": f"{number:064x}"[::-1],
        "size_bytes": 100,
        "execution": f"{RUN}-{number:08}",
    }
    return AuditRecord(**(plain | fields))


def summary(**fields: Any) -> dict[str, Any]:
    """The summary of a run that listed its source to the end."""
    return {"run": RUN, "dataset": "dogs", "status": "SUCCEEDED", "listed": 10_822, "listed_complete": True} | fields


def test_coverage_counts_each_address_once_over_all_runs() -> None:
    """312 of 10,822: a second run of the same addresses, with other outcomes, adds nothing."""
    again = "20261123-000000-cd34"
    first = [record(number) for number in range(312)]
    second = [
        record(number, outcome="duplicate", reason="not_modified", execution=f"{again}-{number:08}")
        for number in range(200)
    ]
    figures = insights_of([*first, *second], [summary(run=again, listed=200, listed_complete=False), summary()])
    (coverage,) = figures.datasets.coverage()
    assert (coverage.seen, coverage.available, coverage.exact) == (312, 10_822, True)
    assert coverage.share == pytest.approx(312 / 10_822)


def test_what_was_not_kept_is_not_seen() -> None:
    """Failed, refused and quarantined items are no part of what a dataset has."""
    outcomes = ["failed", "refused", "quarantined", "stored"]
    figures = insights_of([record(number, outcome=outcome) for number, outcome in enumerate(outcomes)], [summary()])
    assert figures.datasets.coverage()[0].seen == 1


@pytest.mark.parametrize(
    ("summaries", "available"),
    [
        ([summary(listed=50), summary(run="b", listed=70)], 70),
        ([summary(listed=50, listed_complete=False, total=10_822)], 10_822),
        ([summary(listed=50, listed_complete=False)], None),
        ([summary(listed=5, known=95)], 100),
        ([summary(listed=5, other_shards=95)], 100),
        ([summary(listed=8, repeated=2, total=10)], 8),
        ([summary(listed=5, repeated=2, total=10, listed_complete=False)], 8),
        ([summary(listed=500, retry_of="a"), summary(run="a", listed=400)], 400),
        ([summary(listed=None, total=None)], None),
    ],
    ids=[
        "largest-complete",
        "told-by-source",
        "unknown",
        "incremental",
        "shard",
        "repeats",
        "repeats-cut-short",
        "retry-is-no-listing",
        "workflow-nulls",
    ],
)
def test_what_a_source_has(summaries: list[dict[str, Any]], available: int | None) -> None:
    """The largest complete listing or the source's own count; a listing cut short or of failed items says nothing."""
    assert insights_of([], summaries).datasets.coverage()[0].available == available


def test_placeholders_are_bytes_that_five_addresses_share() -> None:
    """The same bytes from five addresses are a placeholder, from four merely shared; addresses count once."""
    same = {"outcome": "duplicate", "reason": "same_content", "image_name": "dogs/none.jpg", "sha256": "f" * 64}
    five = [record(number, **same) for number in range(5)]
    four = [record(number, **(same | {"sha256": "e" * 64, "image_name": "x"})) for number in range(10, 14)]
    again = [record(number, **same, execution=f"other-{number:08}") for number in range(5)]
    figures = insights_of([*five, *four, *again, record(99)], [summary(), summary(run="other")])
    (placeholder,) = figures.datasets.placeholders()
    assert (placeholder.image_name, placeholder.urls, placeholder.sha256) == ("dogs/none.jpg", 5, "f" * 64)
    assert placeholder.examples == [f"https://cdn.example/{number}.jpg" for number in (1, 2, 3)]
    assert [image.urls for image in figures.datasets.shared()] == [5, 4]


def test_an_address_counts_for_the_bytes_it_gave_last() -> None:
    """Where a server replaces its placeholder by the picture, the placeholder has one address less."""
    same = {"sha256": "f" * 64, "outcome": "duplicate", "reason": "same_content"}
    contents = UrlSample()
    for number in range(3):
        contents.add(record(number, **same))
    contents.add(record(2))
    contents.add(record(1))
    assert contents.shared() == []
    assert contents.urls == 3


def sampled(runs: int, capacity: int = 2_000) -> UrlSample:
    """A small sample of 40,000 addresses, a quarter of them a placeholder, that came in so many runs."""
    order = list(range(40_000))
    random.Random(5).shuffle(order)
    contents = UrlSample(capacity=capacity)
    for number in order:
        content = "f" * 64 if number % 4 == 0 else f"{number:064x}"[::-1]
        contents.add(record(number, sha256=content, execution=f"run{number % runs}-{number:08}"))
    return contents


@pytest.mark.slow
def test_a_full_sample_estimates_in_bounded_memory() -> None:
    """Beyond its capacity the sample keeps a fraction, says that it estimates, and is right within a few percent."""
    contents = sampled(runs=2)
    assert not contents.exact
    assert len(contents._content_of) <= 2_000
    assert contents.urls == pytest.approx(40_000, rel=0.1)
    assert contents.shared()[0].urls == pytest.approx(10_000, rel=0.2)
    assert len(contents._shared) == 1


@pytest.mark.slow
def test_one_run_needs_no_estimate() -> None:
    """A run asks for each address once: what it holds is counted exactly, however many there are."""
    contents = sampled(runs=1)
    assert (contents.urls, contents.exact) == (40_000, True)


@pytest.mark.slow
def test_an_estimate_stays_between_the_largest_run_and_all_runs() -> None:
    """A thousand addresses fetched again do not make it more than there can be, nor less than one run has."""
    contents = sampled(runs=1, capacity=50)
    for number in range(1_000):
        contents.add(record(number, execution=f"again-{number:08}"))
    assert 40_000 <= contents.urls <= 41_000


def test_reasons_are_ranked_with_the_newest_example() -> None:
    """Each reason comes with its count and with one address and cause to look into."""
    lost = {"outcome": "failed", "reason": "not_found", "error": "NotFound", "sha256": None, "size_bytes": None}
    records = [
        record(1, **lost, cause="https://cdn.example/1.jpg answered 404"),
        record(2, outcome="refused", reason="too_large", error="BodyTooLarge", cause="over 20 MB"),
        record(3, **lost, cause="https://cdn.example/3.jpg answered 410"),
    ]
    kinds = insights_of(records).failures.kinds()
    assert [(kind.outcome, kind.reason, kind.count) for kind in kinds] == [
        ("failed", "not_found", 2),
        ("refused", "too_large", 1),
    ]
    assert kinds[0].cause == "https://cdn.example/3.jpg answered 410"
    assert kinds[0].execution == f"{RUN}-00000003"


def test_hosts_are_told_apart_up_to_a_bound() -> None:
    """A host has its images, failures and bytes; where there are too many hosts, the rest is one line."""
    records = [record(1), record(2, outcome="failed", size_bytes=None), record(3, source_url="http://b.example:81/x?y")]
    records.append(record(4, source_url="line 9: no URL", outcome="refused", reason="invalid_url"))
    hosts = insights_of(records).failures.hosts()
    assert [(name, host.images, host.failed, host.size_bytes) for name, host in hosts.items()] == [
        ("cdn.example", 1, 1, 100),
        ("b.example:81", 1, 0, 100),
    ]
    many = insights_of(record(n, source_url=f"https://h{n}.example/a.jpg") for n in range(1_100)).failures.hosts()
    assert len(many) == 1_001
    assert many["(other hosts)"].images == 100


def test_alerts_in_a_digest_are_not_unsent() -> None:
    """Null says that a digest tells of the alert; only false says that publishing failed."""
    records = [record(n, alert_triggered=True, alert_sent=sent) for n, sent in enumerate((True, False, None, None))]
    figures = insights_of(records)
    assert (figures.alerts, figures.alerts_not_sent, figures.alerts_in_digests) == (4, 1, 2)


def test_all_of_it_is_in_the_json() -> None:
    """What people see as bars, programs get as JSON-ready values."""
    said = insights_of([record(1)], [summary(images_per_second=5_000.0, total=20_000)]).as_dict()
    expected = {"dataset": "dogs", "seen": 1, "available": 20_000, "exact": True, "repeated": 0}
    assert said["coverage"] == [expected | {"share": pytest.approx(1 / 20_000)}]
    assert said["ingests"][0]["images_per_second"] == 5_000.0
    assert said["hosts"] == {"cdn.example": {"images": 1, "failed": 0, "size_bytes": 100}}
    assert (said["failures"], said["placeholders"], said["shared_images"]) == ([], [], [])
