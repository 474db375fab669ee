"""What `doctor` finds on a deployed stack that something is wrong with; each finding has its next step."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest

from pupline.backends import Check
from pupline.backends.stack._account import Account
from pupline.backends.stack._doctor import EXAMINATIONS
from pupline.backends.stack._function_checks import RUNTIME_ENDS, runtime_is_deprecated
from pupline.backends.stack._stack import Stack
from tests.backends.stack_fakes import BULK_ARN, MACHINE_ARN, FakeStack
from tests.backends.stack_fixtures import fake_stack

pytestmark = pytest.mark.aws


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStack]:
    """The stack `pupline`."""
    with fake_stack(monkeypatch, tmp_path) as stack:
        yield stack


def check(name: str) -> Check:
    """The finding of that name."""
    account = Account.of_environment()
    (examination,) = [one for one in EXAMINATIONS if one.name == name]
    return examination.check(account, Stack.find(account, "pupline"))


def schedule(state: str, target: str) -> None:
    """Change the schedule."""
    boto3.client("scheduler").update_schedule(
        Name="DogUploaderPipeline",
        ScheduleExpression="rate(1 hour)",
        State=state,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": "arn:aws:iam::123456789012:role/r"},
    )


def old_runtime(stack: FakeStack) -> None:
    """As of a stack that nobody updated for years."""
    stack.configuration["Runtime"] = "python3.8"


def not_the_parameter(stack: FakeStack) -> None:
    """Somebody changed the reservation in the console."""
    stack.parameters |= {"FetchConcurrency": "5", "BulkConcurrency": "0"}
    stack.reserved["FetchAndUploadDogImage-1A2B"] = 3


def turned_off(stack: FakeStack) -> None:
    """The emergency brake of Lambda."""
    stack.reserved["LogToDynamoDB-1A2B"] = 0


def quiet(stack: FakeStack) -> None:
    """Only errors are logged."""
    stack.configuration["LoggingConfig"] = {"ApplicationLogLevel": "ERROR", "LogGroup": "/aws/lambda/AlertPNG"}


def no_group(_: FakeStack) -> None:
    """A log group was deleted."""
    boto3.client("logs").delete_log_group(logGroupName="/aws/lambda/AlertPNG")


def no_retention(_: FakeStack) -> None:
    """Its retention was removed."""
    boto3.client("logs").delete_retention_policy(logGroupName="/aws/lambda/AlertPNG")


def no_expiry(_: FakeStack) -> None:
    """The time to live was turned off."""
    off = {"Enabled": False, "AttributeName": "expires_at"}
    boto3.client("dynamodb").update_time_to_live(TableName="DogImageMemos", TimeToLiveSpecification=off)


def key_deleted(stack: FakeStack) -> None:
    """In a week."""
    boto3.client("kms").schedule_key_deletion(KeyId=stack.resources["Key"][1], PendingWindowInDays=7)


def key_disabled(stack: FakeStack) -> None:
    """By hand."""
    boto3.client("kms").disable_key(KeyId=stack.resources["Key"][1])


def key_not_rotated(stack: FakeStack) -> None:
    """By hand."""
    boto3.client("kms").disable_key_rotation(KeyId=stack.resources["Key"][1])


def ringing(_: FakeStack) -> None:
    """Now."""
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="pupline-ExecutionsFailed", StateValue="ALARM", StateReason="7 of 9 failed"
    )


def silenced(_: FakeStack) -> None:
    """Its actions are off, as during maintenance."""
    boto3.client("cloudwatch").disable_alarm_actions(AlarmNames=["pupline-ExecutionsFailed"])


def alarm_deleted(_: FakeStack) -> None:
    """By hand."""
    boto3.client("cloudwatch").delete_alarms(AlarmNames=["pupline-ExecutionsFailed"])


def another_target(_: FakeStack) -> None:
    """It was pointed elsewhere."""
    schedule("ENABLED", BULK_ARN)


def no_target(stack: FakeStack) -> None:
    """The state machine is gone, and the schedule runs."""
    schedule("ENABLED", MACHINE_ARN)
    stack.states.fail_with["DescribeStateMachine"] = (400, "StateMachineDoesNotExist", "State Machine Does Not Exist")


def disabled(stack: FakeStack) -> None:
    """In the console."""
    stack.parameters["ScheduleState"] = "ENABLED"
    schedule("DISABLED", MACHINE_ARN)


def no_memos(_: FakeStack) -> None:
    """Their table was deleted."""
    boto3.client("dynamodb").delete_table(TableName="DogImageMemos")


Change = Callable[[FakeStack], None]
FAULTS: list[tuple[str, Change, str, str, str]] = [
    ("functions", old_runtime, "warning", "AlertPNG runs on python3.8", "PythonRuntime"),
    (
        *("functions", not_the_parameter, "warning"),
        "FetchAndUploadDogImage has 3 reserved concurrency, and the stack's FetchConcurrency is 5",
        "sam deploy",
    ),
    ("functions", turned_off, "error", "LogToDynamoDB is turned off: its reserved concurrency is 0", "sam deploy"),
    ("logs", quiet, "warning", "AlertPNG logs ERROR and above: its metrics are lost", "INFO"),
    ("logs", no_group, "error", "the log group /aws/lambda/AlertPNG is missing", "sam deploy"),
    ("logs", no_retention, "warning", "/aws/lambda/AlertPNG keeps everything forever", "sam deploy"),
    ("memo table", no_expiry, "warning", "DogImageMemos keeps memos forever", "sam deploy"),
    ("key", key_deleted, "error", "nothing can be read afterwards", "aws kms cancel-key-deletion"),
    ("key", key_disabled, "error", "the key is Disabled", "aws kms enable-key"),
    ("key", key_not_rotated, "warning", "the key is not rotated", "sam deploy"),
    ("alarms", ringing, "warning", "pupline-ExecutionsFailed is in ALARM: 7 of 9 failed", "docs/operations.md"),
    ("alarms", silenced, "warning", "the actions of pupline-ExecutionsFailed are turned off", "enable-alarm-actions"),
    ("alarms", alarm_deleted, "error", "pupline-ExecutionsFailed is missing", "sam deploy"),
    ("schedule", another_target, "error", f"it starts {BULK_ARN}, which is not", "sam deploy"),
    ("schedule", no_target, "error", "the schedule starts nothing: looking at its target", "take it out"),
    ("schedule", disabled, "warning", "DISABLED, and the stack's ScheduleState is ENABLED", "ScheduleState=DISABLED"),
    ("memo table", no_memos, "error", "looking at the table DogImageMemos: it is not there", "take it out"),
]


@pytest.mark.parametrize(
    ("name", "change", "status", "detail", "step"), FAULTS, ids=[f"{row[0]}-{row[1].__name__}" for row in FAULTS]
)
def test_a_fault_is_found(deployed: FakeStack, name: str, change: Change, status: str, detail: str, step: str) -> None:
    """By the check that looks for it, with what to do."""
    change(deployed)
    found = check(name)
    assert found.status == status
    assert detail in found.detail
    assert step in found.next_step


def test_every_fault_of_the_functions_is_told_the_worst_first(deployed: FakeStack) -> None:
    """One line for all of them, with each next step once."""
    old_runtime(deployed)
    turned_off(deployed)
    found = check("functions")
    first, *others = found.detail.split("; ")
    assert (found.status, first.split()[0], len(others)) == ("error", "LogToDynamoDB", 5)
    assert found.next_step.count("PythonRuntime") == 1


def test_a_function_that_is_gone_hides_no_other_fault(deployed: FakeStack) -> None:
    """Of the functions, nor of the logs."""
    deployed.deleted_functions = frozenset({"AlertPNG-1A2B"})
    turned_off(deployed)
    no_retention(deployed)
    found = check("functions")
    assert "LogToDynamoDB is turned off" in found.detail
    assert "looking at the function AlertPNG: it is not there" in found.detail
    assert "keeps everything forever" in check("logs").detail


@pytest.mark.parametrize(("topic", "name"), [("PNGAlertTopic", "alerts"), ("AlarmTopic", "alarm subscriptions")])
def test_a_topic_without_a_subscriber_is_told(deployed: FakeStack, topic: str, name: str) -> None:
    """Nobody gets its messages."""
    assert check(name).status == "warning"
    arn = deployed.resources[topic][1]
    boto3.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.org")
    assert check(name).status == "ok"


def test_a_check_that_is_not_allowed_names_its_permissions(deployed: FakeStack) -> None:
    """And the others go on."""
    deployed.states.fail_with["DescribeStateMachine"] = (400, "AccessDeniedException", "no")
    found = check("bulk state machine")
    assert (found.status, "not allowed" in found.detail) == ("error", True)
    assert "states:DescribeStateMachine" in found.next_step
    assert check("functions").status == "ok"


def test_looking_at_state_machines_needs_no_right_to_decrypt_them(
    deployed: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its definition, which nobody looks at, DescribeStateMachine would need kms:Decrypt."""
    asked: list[str | None] = []
    answer = deployed.states.describe_state_machine

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request.get("includedData"))
        return answer(request)

    monkeypatch.setattr(deployed.states, "describe_state_machine", describe)
    schedule("ENABLED", MACHINE_ARN)
    for name in ("state machine", "bulk state machine", "schedule"):
        assert check(name).status == "ok"
    assert asked == ["METADATA_ONLY"] * 3


def test_a_runtime_is_deprecated_from_its_day_on() -> None:
    """Those of the template are not yet; one that is not in the list never is."""
    ends = RUNTIME_ENDS["python3.11"]
    assert not runtime_is_deprecated("python3.11", date(2026, 11, 30))
    assert runtime_is_deprecated("python3.11", ends)
    assert not runtime_is_deprecated("provided.al2023", date(2999, 1, 1))
