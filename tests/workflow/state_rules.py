"""What must hold of the states of any of our workflow files."""

from typing import Any

LAMBDA_TRANSIENT = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}


def check_task(task: dict[str, Any], longest_seconds: int) -> None:
    """It is bounded by TimeoutSeconds, is retried with back-off, full jitter and a cap, and catches everything."""
    assert 0 < task["TimeoutSeconds"] <= longest_seconds
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    for retrier in task["Retry"]:
        assert (retrier["JitterStrategy"], retrier["BackoffRate"]) == ("FULL", 2)
        assert 0 < retrier["IntervalSeconds"] <= retrier["MaxDelaySeconds"] <= 60
        assert 0 < retrier["MaxAttempts"] <= 10
        assert not {"States.ALL", "States.TaskFailed"} & set(retrier["ErrorEquals"])
    assert "States.Timeout" in {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    if "lambda" in task["Resource"]:
        assert set(task["Retry"][0]["ErrorEquals"]) >= LAMBDA_TRANSIENT


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
