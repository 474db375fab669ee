"""Which executions a redrive can help, and what else helps the others."""

import json
from typing import Any

import pytest

from pupline.backends._redrive import EndedExecution, why_not_redriven


def reason(state: Any, execution_input: Any = None) -> str:
    """Why an execution that ended in a Fail state with this input is not redriven."""
    details = {"name": "FailState", "input": state if isinstance(state, str) else json.dumps(state)}
    event = {"type": "FailStateEntered", "stateEnteredEventDetails": details}
    return why_not_redriven(EndedExecution("k", "r-00001", "FAILED", execution_input or {}, [event]), " --data d") or ""


def failure(url: str, source: str = "dog-ceo") -> dict[str, Any]:
    """The Fail state's input after a failure of the fetch, with its Cause as Lambda gives it."""
    message = json.dumps({"message": "answered 404", "source": source, "source_url": url})
    cause = json.dumps({"errorMessage": message, "errorType": "NotFound"})
    return {"outcome": "failed", "error": {"Error": "NotFound", "Cause": cause}}


@pytest.mark.parametrize(
    ("state", "execution_input", "command"),
    [
        (failure("https://a.org/x y.jpg"), {}, "--image-url 'https://a.org/x y.jpg'"),
        (
            {"error": {"Error": "States.Timeout"}},
            {"image_url": "https://a.org/1.jpg"},
            "--image-url https://a.org/1.jpg",
        ),
        ({"image": {"source_url": "https://a.org/2.jpg"}, "audit_error": {}}, {}, "--image-url https://a.org/2.jpg"),
        (
            failure("http://sample.pupline.invalid/images/breeds/pug/1.jpg", "sample-hostile"),
            {},
            "--source sample-hostile --image-url http://sample.pupline.invalid/images/breeds/pug/1.jpg",
        ),
    ],
)
def test_a_known_image_is_fetched_again_by_its_url(state: Any, execution_input: Any, command: str) -> None:
    """The very image, not another random one; an image of the sample server with its source."""
    assert reason(state, execution_input).endswith(f"; fetch the image again with: pupline run {command} --data d")


@pytest.mark.parametrize(
    "state",
    [{}, [], "", "cut in the mid", {"error": {"Error": "States.Timeout"}}, {"error": "x"}, {"image": 1}, "[" * 100_000],
)
def test_an_unknown_image_needs_a_new_run(state: Any) -> None:
    """Where the Fail state's input names no image, or is cut or damaged."""
    assert reason(state, {"breed": "hound"}).endswith("; run it again from its source under a new run ID")
