"""Parsers of what comes from outside raise nothing but refusals, whatever they are given."""

import base64
import io
import json
from contextlib import suppress
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pupline.stepfunctions import ApiError, HostCheck
from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._documents import NotJson, read_document
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions._targets import parse_machine_arn
from pupline.stepfunctions.http._reading import BadRequest, body_length, read_body

ANY_JSON = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
SOME_BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"0", b"1", b"a", b"f", b"\r\n", b"\n", b";", b" ", b"xyz"]), max_size=30
).map(b"".join)


@given(SOME_BYTES)
@example(b"5\r\nhello\r\n0\r\n\r\n")
@example(b"5\r\nhello")
def test_any_chunked_body_is_read_or_refused(sent: bytes) -> None:
    """Never more than the limit."""
    with suppress(BadRequest):
        assert len(read_body(io.BytesIO(sent), None, 20)) <= 20


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.integers(1, 8))
def test_chunks_are_joined(chunks: list[bytes], width: int) -> None:
    """What a client sent in chunks is what it meant."""
    sent = b"".join(b"%0*x\r\n%b\r\n" % (width, len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert read_body(io.BytesIO(sent), None, 1000) == b"".join(chunks)


@given(st.lists(st.tuples(st.sampled_from(["Content-Length", "Transfer-Encoding"]), st.text(max_size=25)), max_size=3))
def test_any_length_is_a_number_or_refused(headers: list[tuple[str, str]]) -> None:
    """None means chunks."""
    message = Message()
    for name, value in headers:
        message[name] = value.replace("\r", "").replace("\n", "")
    with suppress(BadRequest):
        length = body_length(message, 1000)
        assert length is None or 0 <= length <= 1000


@given(st.text(max_size=60) | st.text("[]:.0123456789abcdeflocalhost-sync", max_size=40))
def test_any_host_is_ours_or_not(host: str) -> None:
    """The check answers."""
    assert HostCheck().accepts(host) in (True, False)


@given(st.text(max_size=80) | st.text(":/arnwsteMchi123", max_size=80).map("arn:aws:states:r:1:stateMachine:{}".format))
def test_any_arn_is_parsed_or_refused(text: str) -> None:
    """Parts put together again are the ARN."""
    with suppress(ApiError):
        assert str(parse_arn(text, "stateMachine")) == text
        parsed = parse_machine_arn(text)
        assert parsed.version is None or parsed.qualifier is not None


@pytest.mark.slow
@given(
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode())
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    )
)
def test_any_token_is_refused_but_our_own(token: str) -> None:
    """InvalidToken."""
    with suppress(ApiError):
        page_of("ListStateMachines", {"nextToken": token}, lambda _after, _limit: [""], str)
        raise AssertionError(token)


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(1, 10))
def test_pages_give_every_item_once(names: list[str], size: int) -> None:
    """In order, whatever the names are."""
    rows = sorted(names)
    found: list[str] = []
    token = None
    while True:
        parameters = {"maxResults": size} if token is None else {"maxResults": size, "nextToken": token}
        items, token = page_of(
            "ListStateMachines",
            parameters,
            lambda after, limit: [row for row in rows if after is None or row > after][:limit],
            str,
        )
        found += items
        if token is None:
            break
    assert found == rows


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", f"Unrecognized token 'not': was expecting {ANY_JSON}"),
        ("[1, x]", f"Unrecognized token 'x': was expecting {ANY_JSON}"),
        ("{'not': 'json'", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value"),
        ('{"a": 1 "b"}', "Unexpected character ('\"' (code 34)): was expecting comma to separate entries"),
        ('{"a": }', f"Unexpected character ('}}' (code 125)): expected a valid value {ANY_JSON}"),
        ('{"a": "', "Unexpected end-of-input"),
        ("[1, 2", "Unexpected end-of-input"),
        ("[" * 100_000, "the value is nested too deeply: 400 levels are the most"),
        ("[" * 401 + "]" * 401, "the value is nested too deeply: 400 levels are the most"),
        ("NaN", "NaN is not JSON"),
    ],
)
def test_what_is_not_json_is_so_in_aws_s_words(text: str, reason: str) -> None:
    """Those of Jackson, where they are known."""
    with pytest.raises(NotJson) as caught:
        read_document(text)
    assert str(caught.value) == reason


def test_a_deep_document_is_read() -> None:
    """Up to the limit; brackets in strings and siblings do not count."""
    assert read_document("[" * 400 + "]" * 400)
    assert read_document(json.dumps([["["] * 1000, [[]] * 1000]))


@given(st.text(max_size=40) | st.text('{}[]",:0-9.etrufalsn\\ ', max_size=40))
def test_any_document_is_read_or_refused(text: str) -> None:
    """NotJson, and nothing else."""
    with suppress(NotJson):
        read_document(text)
