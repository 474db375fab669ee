"""The alerts of a bulk run in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.tasks.digest import AlertedImage, AlertTally, digest_of, first_alert

REASONS = ["png_content", "png_name", "extension_mismatch", "not_an_image", "damaged_image", "too_many_pixels"]
IMAGES = st.builds(
    AlertedImage,
    st.text(min_size=1, max_size=300),
    st.sampled_from(["png", "gif", "html", None]),
    st.lists(st.sampled_from(REASONS), min_size=1, unique=True).map(tuple),
)


def pngs(count: int) -> list[AlertedImage]:
    """So many PNGs."""
    return [AlertedImage(f"dogs/{number}.png", "png", ("png_content", "png_name")) for number in range(count)]


def test_a_digest_counts_all_and_names_the_first_twenty() -> None:
    """Counts by kind, then twenty names, then how many more there are."""
    others = [AlertedImage("dogs/x.jpg", "html", ("not_an_image", "extension_mismatch"))]
    digest = digest_of([*pngs(142), *others], "run-1", "dogs")
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
    digest = digest_of(pngs(1), "run-1", "dogs")
    assert digest.subject == "1 more alert of a bulk ingest"
    assert digest.message.splitlines()[-1] == "  dogs/0.png (png_content)"


def test_a_filter_for_single_alerts_lets_a_digest_pass() -> None:
    """Each value of `reason` and `file_type` there was is in the attribute's array."""
    digest = digest_of([*pngs(1), AlertedImage("dogs/a.jpg", None, ("damaged_image",))], "run-1", "dogs")
    assert json.loads(digest.attributes["reason"]) == ["png_content", "quarantined"]
    assert json.loads(digest.attributes["file_type"]) == ["png", "unknown"]
    assert (digest.attributes["run"], digest.attributes["dataset"]) == ("run-1", "dogs")


def test_no_alert_makes_no_digest() -> None:
    """Nobody gets a message about nothing."""
    assert AlertTally().digest("run-1", "dogs") is None
    with pytest.raises(ValueError, match="at least one alert"):
        digest_of([], "run-1", "dogs")


@pytest.mark.parametrize(
    ("image", "subject", "words", "reason"),
    [
        (
            AlertedImage("dogs/a.jpg", "png", ("png_content", "extension_mismatch")),
            "PNG file detected",
            "A PNG file was detected and processed: dogs/a.jpg",
            "png_content",
        ),
        (
            AlertedImage("dogs/a.png", "html", ("png_name", "extension_mismatch", "not_an_image")),
            "File quarantined instead of stored as an image",
            "A file was quarantined instead of stored as an image: dogs/a.png (content: html)",
            "quarantined",
        ),
        (
            AlertedImage("dogs/a.png", "jpg", ("png_name", "extension_mismatch")),
            "File named .png is not a PNG",
            "A file named as a PNG was processed, but its content is jpg: dogs/a.png",
            "png_name",
        ),
        (
            AlertedImage("dogs/a.jpg", "gif", ("extension_mismatch",)),
            "File extension contradicts the content",
            "A file extension contradicts the content, which is gif: dogs/a.jpg",
            "extension_mismatch",
        ),
    ],
)
def test_the_first_alert_has_a_single_ones_words(image: AlertedImage, subject: str, words: str, reason: str) -> None:
    """Kind and words as CheckIfPNG chooses them, and a second line about the digest."""
    alert = first_alert(image, "run-1", "dogs")
    assert (alert.subject, alert.message.splitlines()[0]) == (subject, words)
    assert "digest" in alert.message.splitlines()[1]
    assert (alert.attributes["reason"], alert.attributes["image_name"]) == (reason, image.image_name)


@given(st.lists(IMAGES, min_size=1, max_size=60), st.integers(0, 60))
def test_tallies_of_parts_give_the_digest_of_the_whole(images: list[AlertedImage], cut: int) -> None:
    """Counted in two batches, told as JSON and added, it is the same message; SNS accepts its subject."""
    whole = AlertTally()
    for part in (images[:cut], images[cut:]):
        tally = AlertTally()
        for image in part:
            tally.add(image)
        whole.add_all(AlertTally.from_dict(json.loads(json.dumps(tally.as_dict()))))
    digest = digest_of(images, "run-1", "dogs")
    assert whole.digest("run-1", "dogs") == digest
    assert digest.subject.isascii()
    assert len(digest.subject) <= 100
    assert len(digest.message.encode()) < 65_536
    assert all("\x1b" not in line for line in digest.message.splitlines())
