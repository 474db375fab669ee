"""What the tests of executions do again and again through boto3."""

import json
import time
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/any"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function"


def task(function: str, **fields: Any) -> dict[str, Any]:
    """A Task state that calls a function and ends the machine."""
    return {"Type": "Task", "Resource": f"{FUNCTION}:{function}", "End": True, **fields}


def create(client: Any, name: str, *, type: str = "STANDARD", **states: Any) -> str:  # noqa: A002 - the API's word
    """The ARN of a new machine that starts at the first of its states."""
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    made = client.create_state_machine(name=name, definition=definition, roleArn=ROLE, type=type)
    return str(made["stateMachineArn"])


def start(client: Any, machine: str, given: Any = None, **more: Any) -> str:
    """The ARN of a new execution."""
    text = json.dumps({} if given is None else given)
    return str(client.start_execution(stateMachineArn=machine, input=text, **more)["executionArn"])


def ended(client: Any, execution: str) -> dict[str, Any]:
    """DescribeExecution once the execution has ended."""
    return described_when(client, execution, lambda found: found["status"] != "RUNNING")


def described_when(client: Any, execution: str, condition: Any) -> dict[str, Any]:
    """DescribeExecution once the condition holds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.describe_execution(executionArn=execution)
        if condition(found):
            return found
        time.sleep(0.005)
    raise AssertionError(f"still {found}")


def event_types(client: Any, execution: str) -> list[str]:
    """The types of an execution's events."""
    return [event["type"] for event in client.get_execution_history(executionArn=execution)["events"]]
