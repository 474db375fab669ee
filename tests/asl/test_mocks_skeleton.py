"""A file of mocks to begin with: a case for the happy path, and one for each Catcher and Retrier."""

from typing import Any

import pytest

from pupline.asl import Coverage, StateMachine, Unexpected, execute, mocks_skeleton, parse_mocks

pytest.importorskip("botocore")

BUSY = {"ErrorEquals": ["Busy"], "MaxAttempts": 2}
NEVER = {"ErrorEquals": ["Fatal"], "MaxAttempts": 0}


def task(resource: str, **more: Any) -> dict[str, Any]:
    """A Task with this Resource."""
    return {"Type": "Task", "Resource": resource, **more}


def catch(*errors: str) -> dict[str, Any]:
    """A Catcher of these errors."""
    return {"ErrorEquals": list(errors), "Next": "Undo"}


BRANCHES = [
    {"StartAt": "Look up", "States": {"Look up": task("arn:aws:states:::dynamodb:getItem", End=True)}},
    {"StartAt": "Send", "States": {"Send": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", End=True)}},
]
MACHINE: dict[str, Any] = {
    "StartAt": "Charge",
    "States": {
        "Charge": task(
            "arn:aws:states:::lambda:invoke",
            Parameters={"FunctionName": "charge"},
            Retry=[BUSY, NEVER, {"ErrorEquals": ["States.ALL"]}],
            Catch=[catch("Busy", "Fatal"), catch("States.ALL")],
            Next="Both",
        ),
        "Both": {"Type": "Parallel", "Branches": BRANCHES, "Catch": [catch("States.ALL")], "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {"Work": task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "f"}, End=True)},
            },
            "End": True,
        },
        "Undo": task("arn:aws:lambda:us-east-1:123456789012:function:undo", End=True),
    },
}


def test_every_case_runs_and_together_they_cover_the_machine() -> None:
    """Each case reaches the Catcher or Retrier that it is named after."""
    machine = StateMachine.parse(MACHINE)
    value = mocks_skeleton(MACHINE, "Orders")
    mocks = parse_mocks(value, MACHINE)
    coverage = Coverage(machine)
    results = {}
    for name in mocks.names:
        found = execute(machine, {}, states=mocks.case(name).states, default=Unexpected(), name=name)
        coverage.add(found)
        results[name] = found.status
    retries, catches = ["ChargeRetry0", "ChargeRetry1", "ChargeRetry2"], ["ChargeCatch0", "ChargeCatch1", "BothCatch0"]
    assert results == dict.fromkeys(["HappyPath", *retries, *catches], "SUCCEEDED")
    assert coverage.never_taken == []


def test_responses_come_from_the_api_models() -> None:
    """A sample has the members of the operation's output, with values of their types, and no token of another page."""
    responses = mocks_skeleton(MACHINE, "Orders")["MockedResponses"]

    def first(name: str) -> Any:
        return responses[name]["0"]["Return"]

    assert first("ChargeSuccess") == {"ExecutedVersion": "$LATEST", "Payload": {}, "StatusCode": 200}
    assert first("LookUpSuccess") == {"Item": {"key": {"S": "s"}}}
    assert first("SendSuccess") == {}
    assert first("UndoSuccess") == {"StatusCode": 200, "Payload": {}}
    assert responses["EachItems"] == {"0": {"Return": [{}]}}
    assert responses["ChargeCatch1"] == {
        "0-3": {"Throw": {"Error": "MockedError", "Cause": "mocked"}},
        "4": {"Return": first("ChargeSuccess")},
    }


@pytest.mark.parametrize(
    ("resource", "member", "value"),
    [
        ("arn:aws:states:::states:startExecution.sync:2", "Output", {}),
        ("arn:aws:states:::glue:startJobRun.sync", "JobRunState", "SUCCEEDED"),
        ("arn:aws:states:::batch:submitJob.sync", "Status", "SUCCEEDED"),
        ("arn:aws:states:::aws-sdk:sfn:describeExecution", "Status", "SUCCEEDED"),
        ("arn:aws:states:::aws-sdk:comprehend:detectSentiment", "Sentiment", "POSITIVE"),
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", "TrainingJobStatus", "Completed"),
    ],
)
def test_a_sample_is_of_something_that_has_succeeded(resource: str, member: str, value: Any) -> None:
    """Where a status has several values, the sample has one of success; `.sync` returns the job that has ended."""
    definition = {"StartAt": "Do it", "States": {"Do it": task(resource, End=True)}}
    response = mocks_skeleton(definition, "M")["MockedResponses"]["DoItSuccess"]["0"]["Return"]
    assert response[member] == value


def test_case_names_stay_apart() -> None:
    """States whose names differ only in signs have responses of their own."""
    two = {"A b": task("arn:aws:states:::sqs:sendMessage", Next="A-b"), "A-b": task("${F}", End=True)}
    happy = mocks_skeleton({"StartAt": "A b", "States": two}, "M")["StateMachines"]["M"]["TestCases"]["HappyPath"]
    assert happy == {"A b": "ABSuccess", "A-b": "AB_2Success"}
