"""Errors of APIs: their own words, bounded and without secrets; which of them pass; what a refused key needs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import HttpError, LongRetryAfter, RetryAfter, SourceError, TooManyRequests
from pupline.specs import PageRequest, check_ok, check_transient
from pupline.specs._answers import key_advice
from pupline.text import UNSAFE
from tests.sources.recorded_apis import list_all, spec_of, spec_source

KEYED = "[auth]\nkind = 'query'\nname = 'api_key'\nfrom = 'env:KENNEL_KEY'\noptional = true"


def refused(status: int, body: Any, key: str | None = "s3cret/key") -> str:
    """The message of a request that the API answered with this status and body."""
    url = f"https://api.example.org/v1?api_key={key}"
    failure = HttpError(f"{url}: the server answered {status}; only 200 with a whole body can be used")
    failure.details.update(status=status, answer=body if isinstance(body, str) else json.dumps(body))
    advice = key_advice(spec_of(KEYED).auth, has_key=key is not None)
    PageRequest("https://api.example.org", secrets=(key,) if key else (), advice=advice).explain(failure)
    assert failure.details == {"status": status}
    assert str(failure.args[0]) == failure.message
    return failure.message


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_with_the_words_of_the_api(status: int) -> None:
    """Its variable, never its value, also where the API repeats it."""
    said = refused(status, {"error": {"message": "key s3cret/key is unknown"}})
    assert "check the environment variable KENNEL_KEY" in said
    assert said.endswith("the API says: key *** is unknown")
    assert "s3cret" not in said
    assert "none was sent: set the environment variable KENNEL_KEY" in refused(status, "", key=None)
    assert "describe one under [auth]" in key_advice(spec_of("").auth, has_key=False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"message": "no such field", "locations": []}]}, "no such field"),
        ({"message": "bad\x1b[2J\nlimit"}, "bad\\x1b[2J limit"),
        ("<html><head><title>Bad</title></head><body><p>limit is 50</p></body></html>", "Bad limit is 50"),
        ("limit is 50", "limit is 50"),
        ({"code": 7}, '{"code": 7}'),
        ("x" * 10_000, "x" * 199 + "…"),
    ],
)
def test_other_errors_are_told_in_the_words_of_the_api(body: Any, words: str) -> None:
    """JSON, HTML or text: short, on one line, safe to print."""
    assert refused(400, body).endswith(f"the API says: {words}")


@pytest.mark.parametrize("body", ["", "{}", "[]", "null"])
def test_an_api_without_words_is_not_quoted(body: str) -> None:
    """An empty object says nothing."""
    assert "the API says" not in refused(404, body)


@given(st.text(max_size=200))
def test_whatever_an_api_says_is_one_safe_line(body: str) -> None:
    """No words of its own do harm."""
    said = refused(422, body)
    assert not UNSAFE.search(said)
    assert len(said) < 500


def test_an_error_that_passes_is_one_of_time() -> None:
    """With the pause that the API asks for, up to a minute; without, as 429 is."""
    spec = spec_of("retry_if = \"error.code == 'maxlag'\"")
    page: Any = {"error": {"code": "maxlag", "info": "Waiting for db1: 6 seconds lagged"}}
    with pytest.raises(RetryAfter, match=r"6 seconds lagged.*come back in 5 s") as caught:
        check_transient(spec, page, {"retry-after": "5"}, "https://api.example.org")
    assert caught.value.seconds == 5
    for headers in ({}, {"retry-after": "soon"}):
        with pytest.raises(TooManyRequests):
            check_transient(spec, page, headers, "https://api.example.org")
    with pytest.raises(LongRetryAfter) as long:
        check_transient(spec, page, {"retry-after": "61"}, "https://api.example.org")
    assert long.value.details == {"retry_after_seconds": 61}
    check_transient(spec, {"error": {"code": "badvalue"}}, {}, "https://api.example.org")


def test_an_error_in_a_good_answer_is_told() -> None:
    """By ok, without the rest of GraphQL's errors; and without ok, where the list is missing because of it."""
    page: Any = {"data": None, "errors": [{"message": "no dogs for k3y", "extensions": {"trace": "x" * 500}}]}
    with pytest.raises(SourceError, match=r'"errors": \["no dogs for \*\*\*"\]'):
        check_ok(spec_of('ok = "!errors"'), page, lambda text: text.replace("k3y", "***"))
    with pytest.raises(SourceError, match=r"found nothing at data.items.*; the API says: no dogs for k3y"):
        list_all(spec_source("items = 'data.items'").open(), lambda _: page)
