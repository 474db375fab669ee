"""The alerts of a bulk run in words."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import Reason
from pupline.tasks.digest import AlertTally, Digest, first_alert
from pupline.tasks.records import AuditRecord
from tests.shared.workflow_rules import RULES

QUARANTINED: tuple[Reason, ...] = ("not_an_image", "damaged_image", "too_many_pixels")
REASONS = ["png_content", "png_name", "extension_mismatch", *QUARANTINED]


def alerting(name: str, file_type: str | None, reasons: tuple[str, ...]) -> AuditRecord:
    """A record with these alert reasons."""
    problem = next((reason for reason in QUARANTINED if reason in reasons), None)
    return AuditRecord(
        image_name=name,
        file_type=file_type,
        alert_reasons=reasons,
        alert_triggered=True,
        upload_timestamp="2026-01-02T03:04:05.000Z",
        outcome="quarantined" if problem else "stored",
        reason=problem or "accepted",
        execution="run-1-00000000",
    )


def digest_of(records: Iterable[AuditRecord]) -> Digest:
    """The digest of these records' alerts."""
    tally = AlertTally()
    for record in records:
        tally.add(record, RULES)
    digest = tally.digest("run-1", "dogs")
    assert digest is not None
    return digest


IMAGES = st.builds(
    alerting,
    st.text(min_size=1, max_size=300),
    st.sampled_from(["png", "gif", "html", None]),
    st.lists(st.sampled_from(REASONS), min_size=1, unique=True).map(tuple),
)


def pngs(count: int) -> list[AuditRecord]:
    """So many PNGs."""
    return [alerting(f"dogs/{number}.png", "png", ("png_content", "png_name")) for number in range(count)]


def test_a_digest_counts_all_and_names_the_first_twenty() -> None:
    """Counts by kind, then twenty names, then how many more there are."""
    others = [alerting("dogs/x.jpg", "html", ("not_an_image", "extension_mismatch"))]
    digest = digest_of([*pngs(142), *others])
    assert digest.subject == "143 more alerts of a bulk ingest"
    lines = digest.message.splitlines()
    assert lines[:3] == [
        "143 more images of the dataset dogs alerted in the run run-1:",
        "      142  PNG files",
        "        1  quarantined instead of stored as an image",
    ]
    assert lines[4] == "  dogs/0.png (png_content)"
    assert lines[23:] == ["  dogs/19.png (png_content)", "  and 123 more"]


def test_a_digest_of_few_names_them_all() -> None:
    """Nothing is said of more where there are none."""
    digest = digest_of(pngs(1))
    assert digest.subject == "1 more alert of a bulk ingest"
    assert digest.message.splitlines()[-1] == "  dogs/0.png (png_content)"


def test_a_filter_for_single_alerts_lets_a_digest_pass() -> None:
    """Each value of `reason` and `file_type` there was is in the attribute's array."""
    digest = digest_of([*pngs(1), alerting("dogs/a.jpg", None, ("damaged_image",))])
    assert json.loads(digest.attributes["reason"]) == ["png_content", "quarantined"]
    assert json.loads(digest.attributes["file_type"]) == ["png", "unknown"]
    assert (digest.attributes["run"], digest.attributes["dataset"]) == ("run-1", "dogs")


def test_no_alert_makes_no_digest() -> None:
    """Nobody gets a message about nothing."""
    assert AlertTally().digest("run-1", "dogs") is None


@pytest.mark.parametrize(
    ("image", "subject", "words", "reason"),
    [
        (
            alerting("dogs/a.jpg", "png", ("png_content", "extension_mismatch")),
            "PNG file detected",
            "A PNG file was detected and processed: dogs/a.jpg",
            "png_content",
        ),
        (
            alerting("dogs/a.png", "html", ("png_name", "extension_mismatch", "not_an_image")),
            "File quarantined instead of stored as an image",
            "A file was quarantined instead of stored as an image: dogs/a.png (content: html)",
            "quarantined",
        ),
        (
            alerting("dogs/a.png", "jpg", ("png_name", "extension_mismatch")),
            "File named .png is not a PNG",
            "A file named as a PNG was processed, but its content is jpg: dogs/a.png",
            "png_name",
        ),
        (
            alerting("dogs/a.jpg", "gif", ("extension_mismatch",)),
            "File extension contradicts the content",
            "A file extension contradicts the content, which is gif: dogs/a.jpg",
            "extension_mismatch",
        ),
    ],
)
def test_the_first_alert_has_a_single_ones_words(image: AuditRecord, subject: str, words: str, reason: str) -> None:
    """Kind and words as CheckIfPNG chooses them, and a second line about the digest."""
    alert = first_alert(image, "run-1", "dogs", RULES)
    assert (alert.subject, alert.message.splitlines()[0]) == (subject, words)
    assert "digest" in alert.message.splitlines()[1]
    assert (alert.attributes["reason"], alert.attributes["image_name"]) == (reason, image.image_name)


@given(st.lists(IMAGES, min_size=1, max_size=60), st.integers(0, 60))
def test_tallies_of_parts_give_the_digest_of_the_whole(images: list[AuditRecord], cut: int) -> None:
    """Counted in two batches, told as JSON and added, it is the same message; SNS accepts its subject."""
    whole = AlertTally()
    for part in (images[:cut], images[cut:]):
        tally = AlertTally()
        for image in part:
            tally.add(image, RULES)
        whole.add_all(AlertTally.from_dict(json.loads(json.dumps(tally.as_dict()))))
    digest = digest_of(images)
    assert whole.digest("run-1", "dogs") == digest
    assert digest.subject.isascii()
    assert len(digest.subject) <= 100
    assert len(digest.message.encode()) < 65_536
    assert all("\x1b" not in line for line in digest.message.splitlines())
