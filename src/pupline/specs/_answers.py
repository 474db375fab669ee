"""What an API says of an error: its own words, whether the error passes, and what to do about a refused key."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pupline.errors import SourceError, TaskFailure
from pupline.http import pause_failure
from pupline.json_values import JSON
from pupline.specs._plain_text import plain_text
from pupline.specs._spec import AuthSpec, SourceSpec
from pupline.text import printable

_ERROR_FIELDS: Final = (
    *("message", "error", "errors", "error_description", "detail", "title", "description", "info"),
    *("status", "code", "reason"),
)
"""Where APIs commonly say what went wrong."""

_MAX_WORDS: Final = 200
_MAX_SAID: Final = 5
_REFUSED: Final = frozenset({401, 403})


def check_ok(spec: SourceSpec, page: JSON, clean: Callable[[str], str] = str) -> None:
    """Raises: SourceError, with the API's own words, where `page` is an error by the spec's `ok`.

    clean: removes secrets from those words, before they are cut.
    """
    if spec.ok is not None and not spec.ok.search(page):
        raise SourceError(
            f"the API says that it could not answer ({error_words(page, clean)}); ok is {printable(spec.ok.text)}"
        )


def check_transient(
    spec: SourceSpec, page: JSON, headers: Mapping[str, str], url: str, clean: Callable[[str], str] = str
) -> None:
    """Raises: RetryAfter, LongRetryAfter or TooManyRequests where `page` is an error that passes, by `retry_if`."""
    if spec.retry_if is not None and spec.retry_if.search(page):
        answered = f"{clean(printable(url))}: the API answered with an error that passes ({error_words(page, clean)})"
        raise pause_failure(answered, headers, time.time())


def error_words(page: JSON, clean: Callable[[str], str] = str) -> str:
    """An error's own words, short and on one line; else the page itself."""
    if not isinstance(page, dict):
        return printable(clean(json.dumps(page, ensure_ascii=False)), 120)
    found: dict[str, Any] = {name: page[name] for name in _ERROR_FIELDS if name in page} or page
    if isinstance(errors := found.get("errors"), list) and (said := list(_said(errors))):
        found = {**found, "errors": said[:_MAX_SAID]}  # GraphQL's have much besides their messages
    return printable(clean(json.dumps(found, ensure_ascii=False)), _MAX_WORDS)


def quoted_error(page: JSON, clean: Callable[[str], str] = str) -> str:
    """`; the API says: ...` where a page has words about an error, else nothing."""
    words = (
        "; ".join(dict.fromkeys(_said(page))) if isinstance(page, dict) and {"error", "errors"} & page.keys() else ""
    )
    return f"; the API says: {printable(clean(words), _MAX_WORDS)}" if words else ""


def explain(failure: TaskFailure, clean: Callable[[str], str], advice: str) -> None:
    """Complete the message of a failed request for a page: with the API's words, without secrets.

    advice: what to do where the key was refused (401, 403).
    """
    answer = failure.details.pop("answer", "")
    words = _words_of(answer) if isinstance(answer, str) else ""
    message = failure.message
    if failure.details.get("status") in _REFUSED and advice:
        message = f"{message.partition('; only 200')[0]}; {advice}"
    if words:
        message += f"; the API says: {printable(clean(words), _MAX_WORDS)}"
    failure.message = clean(message)
    failure.args = (failure.message,)


def key_advice(auth: AuthSpec, *, has_key: bool) -> str:
    """What to do where an API refuses a request with 401 or 403."""
    if auth.kind == "none":
        return "the API refuses the request: if it has keys, describe one under [auth] in the spec"
    where = " and ".join(_place(reference) for reference in (auth.client_id, auth.secret) if reference)
    if has_key:
        return f"the API refuses the key: check {where}"
    return f"the API wants a key, and none was sent: set {where}"


def _place(reference: str) -> str:
    kind, _, where = reference.partition(":")
    where = printable(where.partition("#")[0])
    return {"env": f"the environment variable {where}", "file": f"the file {where}"}.get(kind, f"the secret {where}")


def _words_of(answer: str) -> str:
    """The words in the body of an error: of JSON or HTML, else the text itself."""
    try:
        page = json.loads(answer)
    except (ValueError, RecursionError):
        return plain_text(answer)
    return "; ".join(dict.fromkeys(_said(page))) or (plain_text(answer) if page else "")


def _said(value: Any, depth: int = 3) -> Iterator[str]:
    """The texts that say what went wrong."""
    if isinstance(value, str) and value.strip():
        yield " ".join(value.split())
    elif isinstance(value, list) and depth:
        for one in value[:_MAX_SAID]:
            yield from _said(one, depth - 1)
    elif isinstance(value, dict) and depth:
        for name in _ERROR_FIELDS:
            yield from _said(value.get(name), depth - 1)
