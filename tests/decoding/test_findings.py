"""The check of decoders' replies."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.decoding._findings import are_valid

_GOOD: dict[str, Any] = {
    **dict.fromkeys(("width", "height", "orientation"), 3),
    **dict.fromkeys(("low_information", "has_exif", "has_gps"), True),
    **dict.fromkeys(("aspect", "sharpness", "blur", "brightness", "darkness", "contrast", "single_colour"), 0.5),
    "phash": "0" * 16,
}


@pytest.mark.parametrize(
    "reply",
    [_GOOD, _GOOD | {"camera": "Canon"}, {"undecodable": "damaged", "detail": "x"}, {"jpeg": "AAAA"}],
)
def test_replies_of_ours_are_valid(reply: dict[str, Any]) -> None:
    """Findings, failures and thumbnails."""
    assert are_valid(reply)


@settings(max_examples=60)
@given(
    st.sampled_from([*_GOOD, "camera", "undecodable", "detail", "jpeg", "new"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.just("x" * 999),
)
def test_a_strange_reply_is_not_valid(name: str, value: Any) -> None:
    """A value of another kind is refused, and so are unknown and missing names; nothing is raised."""
    numbers = isinstance(value, int | float) and not isinstance(value, bool)
    if are_valid(_GOOD | {name: value}):
        assert name in _GOOD or name == "camera"
        assert isinstance(value, str) or numbers or name in {"low_information", "has_exif", "has_gps"}
    assert not are_valid({key: found for key, found in _GOOD.items() if key != name}) or name not in _GOOD
