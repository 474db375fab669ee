"""State machines through boto3."""

import json
from typing import Any

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
ROLE = "arn:aws:iam::123456789012:role/any"


def test_a_created_machine_is_described_as_it_was_given(client: Any) -> None:
    """DescribeStateMachine has the definition's text, with AWS's defaults for what was not given."""
    arn = client.create_state_machine(name="as-given", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    assert arn == "arn:aws:states:eu-west-1:123456789012:stateMachine:as-given"
    described = client.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["roleArn"], described["type"]) == (PASS, ROLE, "STANDARD")
    assert described["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
