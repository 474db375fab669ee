"""TestState through boto3, without a mock: the Task calls what executions here would call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiServer, ApiSettings, serving
from tests.stepfunctions.conftest import ROLE, Refused

FUNCTIONS = """
import time
def double(event, context):
    return {"n": event["n"] * 2}
def broken(event, context):
    raise KeyError("n")
def slow(event, context):
    time.sleep(1.3)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server with three functions."""
    folder: Path = tmp_path_factory.mktemp("functions")
    (folder / "api_functions.py").write_text(FUNCTIONS)
    functions = {name.title(): f"api_functions:{name}" for name in ("double", "broken", "slow")}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        with (
            LocalBackend.open(folder / "data", exclusive=True) as backend,
            serving(backend, ("127.0.0.1", 0), ApiSettings(functions=functions)) as opened,
        ):
            yield opened


def task(function: str, **more: Any) -> dict[str, Any]:
    """A Task that calls a function."""
    arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{function}"
    return {"definition": json.dumps({"Type": "Task", "Resource": arn, "Next": "B", **more}), "roleArn": ROLE}


def test_a_task_calls_its_function(client: Any) -> None:
    """Its output and the next state are the answer; an error is the state's, by its Catcher's rules too."""
    done = client.test_state(**task("Double"), input='{"n": 21}')
    assert (done["status"], done["output"], done["nextState"]) == ("SUCCEEDED", '{"n":42}', "B")
    failed = client.test_state(**task("Broken"), input="{}")
    assert (failed["status"], failed["error"]) == ("FAILED", "KeyError")
    caught = client.test_state(**task("Broken", Catch=[{"ErrorEquals": ["KeyError"], "Next": "C"}]))
    assert (caught["status"], caught["nextState"]) == ("CAUGHT_ERROR", "C")
    again = client.test_state(**task("Broken", Retry=[{"ErrorEquals": ["States.ALL"]}]))
    assert again["status"] == "RETRIABLE"


def test_nothing_that_answers_is_the_state_s_failure(client: Any) -> None:
    """As on AWS, with a cause that says where an answer could come from."""
    found = client.test_state(**task("Unknown"))
    assert (found["status"], found["error"]) == ("FAILED", "Lambda.ResourceNotFoundException")
    assert "--function Unknown=module:callable" in found["cause"]


@pytest.mark.slow
def test_a_task_has_its_time_out(client: Any) -> None:
    """Of the state, in real time."""
    found = client.test_state(**task("Slow", TimeoutSeconds=1))
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")


def test_what_cannot_be_tested_is_refused(client: Any, refused: Refused) -> None:
    """Who would end the Task is not there; and documents must be JSON."""
    activity = {"Resource": "arn:aws:states:eu-west-1:123456789012:activity:a"}
    assert refused(client.test_state, **task("x", **activity))[0] == "ValidationException"
    token = {"Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"QueueUrl": "q"}}
    token["Parameters"]["MessageBody"] = "$$.Task.Token"  # type: ignore[index]
    assert refused(client.test_state, **task("x", **token))[0] == "ValidationException"
    assert refused(client.test_state, definition="{", roleArn=ROLE)[0] == "InvalidDefinition"
    assert refused(client.test_state, **task("Double"), input="{")[0] == "InvalidExecutionInput"
    assert refused(client.test_state, **task("Double"), variables="[]")[0] == "ValidationException"
    assert refused(client.test_state, **task("Double"), context="[1")[0] == "ValidationException"
