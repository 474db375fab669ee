"""What must hold of the states of any of our workflow files."""

from typing import Any

THROTTLED = "Lambda.TooManyRequestsException"
LAMBDA_FAULTS = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}
BRIEFLY = "Lambda.${BrieflyRetried}"
"""In Express executions also THROTTLED, and the first Retrier that names an error handles it."""

THROTTLING = {THROTTLED, "SNS.ThrottledException", "SNS.KMSThrottlingException"}
"""Errors that say when to try again, not that anything is wrong."""


def check_task(task: dict[str, Any], longest_seconds: int) -> None:
    """It is bounded by TimeoutSeconds, is retried with back-off, full jitter and a cap, and catches everything."""
    assert 0 < task["TimeoutSeconds"] <= longest_seconds
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    for retrier in task["Retry"]:
        assert (retrier["JitterStrategy"], retrier["BackoffRate"]) == ("FULL", 2)
        assert 0 < retrier["IntervalSeconds"] <= retrier["MaxDelaySeconds"] <= 120
        assert not {"States.ALL", "States.TaskFailed"} & set(retrier["ErrorEquals"])
        if not (THROTTLING | {BRIEFLY}) & set(retrier["ErrorEquals"]):
            assert 0 < retrier["MaxAttempts"] <= 10
            assert retrier["MaxDelaySeconds"] <= 60
    assert "States.Timeout" in {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    if "lambda" in task["Resource"]:
        retriers = [one for one in task["Retry"] if one["ErrorEquals"] != [BRIEFLY]]
        assert retriers[0]["ErrorEquals"] == [THROTTLED]
        assert set(retriers[1]["ErrorEquals"]) >= LAMBDA_FAULTS


def longest_wait(retrier: dict[str, Any]) -> float:
    """The sum of its longest delays, in seconds."""
    interval, rate, longest = (retrier[name] for name in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds"))
    return float(sum(min(longest, interval * rate**attempt) for attempt in range(retrier["MaxAttempts"])))


def check_all_reached(states: dict[str, Any], start: str) -> None:
    """No state is left over, and each has a Next, an End or is terminal."""
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states[name]
        targets = [state.get("Next"), state.get("Default"), *[rule["Next"] for rule in state.get("Choices", [])]]
        waiting += [target for target in [*targets, *[c["Next"] for c in state.get("Catch", [])]] if target]
        assert state["Type"] in ("Succeed", "Fail") or state.get("End") or any(targets)
    assert reached == set(states)
