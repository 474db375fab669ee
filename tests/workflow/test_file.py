"""The workflow file: what must hold of it as it is written, whoever runs it."""

import inspect
import re
from typing import Any

import pytest

from pupline import errors
from tests.workflow.state_rules import BRIEFLY, check_all_reached, check_task
from tests.workflow.workflow_runs import DEFINITION, FILE, STATES

TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
RETRYABLE = {cls.__name__ for _, cls in inspect.getmembers(errors, inspect.isclass) if getattr(cls, "retryable", False)}
REFUSALS = {cls.__name__ for cls in errors.Refusal.__subclasses__()}


def test_the_states_that_users_know_are_there() -> None:
    """Names are a contract: people know them from the console."""
    known = {"FetchAndUploadDogImage", "CheckIfPNG", "AlertPNG", "PublishPNGAlert", "LogToDynamoDB", "SuccessState"}
    assert known <= set(STATES)


def test_nothing_of_an_account_is_in_the_file() -> None:
    """ARNs come as placeholders; only those that are to be filled are there; no partition."""
    text = FILE.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == {
        "FetchAndUploadDogImageArn",
        "AlertPNGArn",
        "LogToDynamoDBArn",
        "PNGAlertTopicArn",
        "BrieflyRetried",
        "aws",
    }
    assert not re.search(r"\d{12}|arn:aws", text)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_bounded_retried_and_caught(name: str) -> None:
    """TimeoutSeconds; back-off with full jitter and a cap; a Catch for everything."""
    check_task(TASKS[name], 120)


def test_the_fetching_state_retries_just_our_transient_errors() -> None:
    """The names of errors.py and of the file agree: what may pass is retried, a refusal is refused, nothing else."""
    fetch = STATES["FetchAndUploadDogImage"]
    ours = {name for retrier in fetch["Retry"] for name in retrier["ErrorEquals"] if "." not in name}
    assert ours == RETRYABLE
    refused = [catcher for catcher in fetch["Catch"] if catcher["Next"] == "ImageRefused"]
    assert set(refused[0]["ErrorEquals"]) == REFUSALS
    assert STATES["ImageRefused"]["Parameters"]["outcome"] == "refused"


def longest_seconds(state: dict[str, Any]) -> float:
    """The longest that a visit to a state can take: all attempts time out and every delay is the longest."""
    if state["Type"] == "Wait":
        return 60
    if state["Type"] != "Task":
        return 0
    total = float(state["TimeoutSeconds"])
    for retrier in (one for one in state["Retry"] if one["ErrorEquals"] != [BRIEFLY]):
        delays = [
            min(retrier["MaxDelaySeconds"], retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt)
            for attempt in range(retrier["MaxAttempts"])
        ]
        total += sum(delays) + len(delays) * state["TimeoutSeconds"]
    return total


def test_the_machines_own_timeout_never_comes_before_the_record() -> None:
    """TimeoutSeconds of the machine ends an execution without a record, so it is longer than all that can happen."""
    most = re.search(r"retry_after_waits >= (\d+)", STATES["CheckRetryAfter"]["Choices"][0]["Condition"])
    assert most
    waits = int(most[1])
    fetching = (waits + 1) * longest_seconds(STATES["FetchAndUploadDogImage"]) + waits * 60
    others = sum(longest_seconds(STATES[name]) for name in ("AlertPNG", "PublishPNGAlert", "LogToDynamoDB"))
    assert fetching + others < DEFINITION["TimeoutSeconds"] <= 1.5 * (fetching + others)


def test_every_state_can_be_reached_and_ends() -> None:
    """No state is left over, and each has a Next, an End or is terminal."""
    check_all_reached(STATES, DEFINITION["StartAt"])


def test_every_rule_of_the_check_is_guarded() -> None:
    """A Choice whose Variable selects nothing fails the execution, and nothing catches that: IsPresent comes first."""
    for rule in STATES["CheckIfPNG"]["Choices"]:
        asked: set[str] = set()
        for condition in rule["And"]:
            if condition.get("IsPresent") is True:
                asked.add(condition["Variable"])
            else:
                parts = condition.get("Or", [condition])
                absent = {part["Variable"] for part in parts if part.get("IsPresent") is False}
                used = {part["Variable"] for part in parts} - absent
                assert used <= asked
