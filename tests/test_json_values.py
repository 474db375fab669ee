"""JSON from outside is bounded, and strict."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import SourceError
from pupline.json_values import JSON, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_ordinary_json_is_read(value: JSON) -> None:
    """What the standard library writes is read back the same."""
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not usable JSON"),
        (b"<html>", "not usable JSON"),
        (b'{"a": 1} x', "not usable JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "1e999 is too large"),
        (b"[" + b"9" * 5000 + b"]", "a number of 5,000 digits; the limit is 4,000$"),
        (b"[-" + b"9" * 100_000 + b"]", "digits; the limit is 4,000$"),
        (b'{"a": {"b": 1, "b": 2}}', "same name twice"),
        (b'"\xff"', "not usable JSON: byte 2 is not UTF-8$"),
        ('{"a": 1}'.encode("utf-16"), "not usable JSON: byte 1 is not UTF-8$"),
        (b"[" * 33 + b"]" * 33, "more than 32 levels"),
        (b"[" * 100_000, "more than 32 levels"),
        (b'{"a":' * 100_000, "more than 32 levels"),
        (b'"' + b"x" * 4 * 1024 * 1024 + b'"', "4194306 bytes, the limit is 4194304"),
        (b'"unfinished', "not usable JSON"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_json_that_is_none_or_too_much_is_refused(body: bytes, why: str) -> None:
    """Malformed, ambiguous, oversized and deep JSON each end in one clear error."""
    with pytest.raises(SourceError, match=why) as caught:
        parse_json(body)
    assert len(str(caught.value)) < 300


def test_depth_counts_brackets_outside_of_strings_only() -> None:
    """Brackets in texts are text; 32 levels are accepted; a byte order mark is passed over."""
    assert parse_json(json.dumps("[{" * 500 + '\\"').encode()) == "[{" * 500 + '\\"'
    assert parse_json(b"[" * 32 + b"]" * 32)
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.slow
@pytest.mark.parametrize("body", [b'"' + b'\\"' * 2_000_000, b'"' * 2_000_001, b"\\" * 4_000_000], ids=["a", "b", "c"])
def test_hostile_json_takes_linear_time(body: bytes) -> None:
    """Megabytes of quotes and backslashes are seen through in well under the seconds that a quadratic scan takes."""
    started = time.process_time()
    with pytest.raises(SourceError):
        parse_json(body)
    assert time.process_time() - started < 5
