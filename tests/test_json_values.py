"""JSON from outside is bounded, and strict."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import SourceError
from pupline.json_values import JSON, UNBOUNDED, copied, dumps, most_bytes, parse_json

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


def containers(value: JSON) -> list[int]:
    """The identities of all objects and arrays in a value."""
    if not isinstance(value, dict | list):
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [id(value), *(each for item in inner for each in containers(item))]


@given(VALUES)
def test_a_copy_is_equal_and_shares_nothing(value: JSON) -> None:
    """What a function changes in its copy does not change the original."""
    copy = copied(value)
    assert dumps(copy) == dumps(value)
    assert not set(containers(copy)) & set(containers(value))


def test_a_copy_is_as_deep_as_json_may_be() -> None:
    """900 levels are copied, of which Python itself walks through the outer ones only."""
    deep: JSON = 1
    for level in range(900):
        deep = [deep] if level % 2 else {"a": deep}
    assert dumps(copied(deep)) == dumps(deep)


@given(VALUES)
def test_the_bound_of_a_text_is_not_below_its_length(value: JSON) -> None:
    """No text is longer than its bound, and the bound is at most some times as long."""
    length = len(dumps(value).encode("utf-8", "surrogatepass"))
    assert length <= most_bytes(value)
    assert most_bytes(value) <= 26 * length or most_bytes(value) >= UNBOUNDED


@pytest.mark.parametrize("text", ["\x00" * 9, "\U0001f415" * 9, '"' * 9, "\x7f\u2028", "\ud83d"], ids=ascii)
def test_the_bound_counts_the_longest_escapes(text: str) -> None:
    """Control characters become six, and characters beyond the first plane four bytes."""
    for value in (text, [text], {text: text}):
        assert len(dumps(value).encode("utf-8", "surrogatepass")) <= most_bytes(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, 1 << 65, [[float("-inf")]], {"a": object}], ids=str)
def test_what_may_not_be_json_has_no_bound(value: object) -> None:
    """Then the text is made, which says what is wrong."""
    assert most_bytes(value) >= UNBOUNDED
