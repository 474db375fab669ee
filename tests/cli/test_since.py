"""The --since option: one parser for every command that has it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.text import time_named, timestamp

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-28", "2026-02-28T00:00:00+00:00"),
        ("2026-02-28T10:00:00Z", "2026-02-28T10:00:00+00:00"),
        ("2026-02-28T10:00:00.5+02:00", "2026-02-28T08:00:00.500000+00:00"),
        ("2026-02-28 10:00", "2026-02-28T10:00:00+00:00"),
        ("30s", "2026-03-01T12:29:30+00:00"),
        ("2h", "2026-03-01T10:30:00+00:00"),
        ("2h ago", "2026-03-01T10:30:00+00:00"),
        ("7d", "2026-02-22T12:30:00+00:00"),
        ("2w", "2026-02-15T12:30:00+00:00"),
        ("today", "2026-03-01T00:00:00+00:00"),
        ("Yesterday", "2026-02-28T00:00:00+00:00"),
    ],
)
def test_times_are_utc(text: str, moment: str) -> None:
    """A date begins at midnight UTC, an age ends now."""
    assert time_named(text, NOW) == datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("text", ["", "tomorrow", "2h30m", "-2h", "2 dogs", "2026-13-01", "9" * 30 + "h", "٢h"])
def test_anything_else_is_not_a_time(text: str) -> None:
    """The command then says what could be written."""
    assert time_named(text, NOW) is None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "999999d"])
def test_a_time_outside_of_the_calendar_is_none(text: str) -> None:
    """No output could write it."""
    assert time_named(text, NOW) is None


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    """It is a time that can be written, or None."""
    found = time_named(text, NOW)
    assert found is None or timestamp(found)
