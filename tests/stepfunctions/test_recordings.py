"""Recorded calls of AWS's API, made through boto3: the answers and the errors must be AWS's.

The corpus lies beside the project and is only read; where it is absent these tests are skipped.
"""

import json
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance import adapter
from tests.conformance.test_conformance import EXCEPTIONS, compare  # noqa: F401 - a fixture
from tests.stepfunctions.conftest import ROLE

KINDS = ("api_errors", "create_errors", "test_state", "validate", "variable_references")
CASES = {area: sorted((adapter.corpus() / "cases" / area).glob("*.json")) for area in KINDS}

NOT_HERE = {
    "sfn_api.test_create_duplicate": "a machine of the name must exist before",
    "sfn_api.test_invalid_start_execution": "executions have tests of their own",
    "sfn_api.test_start_execution_idempotent": "executions have tests of their own",
    "sfn_api_logs.test_deleted_log_group": "log groups are not looked at",
}
"""Beginnings of case ids -> why they are not called here."""


def answered(client: Any, case: dict[str, Any]) -> dict[str, Any]:
    """What the API says, in the shape that the corpus's comparer reads."""
    kind, definition = case["kind"], case.get("definition")
    text = definition if isinstance(definition, str) else json.dumps(definition)
    text = text.replace("activity_arn", "arn:aws:states:us-east-1:111111111111:activity:corpus")
    try:
        if kind == "validate":
            found = client.validate_state_machine_definition(definition=text, type=case["type"])
            return {"validate": found}
        if kind == "test_state":
            request = case["request"]
            given = request["definition"]
            found = client.test_state(
                **{**request, "definition": given if isinstance(given, str) else json.dumps(given)}
            )
            return {"test_state": found}
        if kind == "api_error":
            return called(client, case["request"])
        name = case["sha1"]
        created = client.create_state_machine(
            name=name, definition=text, roleArn=ROLE, type=case.get("type") or "STANDARD"
        )
        found = client.describe_state_machine(stateMachineArn=created["stateMachineArn"])
        return {"variable_references": {"variableReferences": found.get("variableReferences", {})}}
    except ClientError as error:
        said = {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        return {"create_error" if kind == "create_error" else "api_error": said}


def called(client: Any, request: dict[str, Any]) -> dict[str, Any]:
    """A recorded call, on a machine that is there."""
    parameters = dict(request["kwargs"])
    if "roleArn" in parameters:
        parameters["roleArn"] = ROLE
    if "stateMachineArn" in parameters:
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        created = client.create_state_machine(name="recorded", definition=definition, roleArn=ROLE)
        parameters["stateMachineArn"] = created["stateMachineArn"]
    return dict(getattr(client, request["operation"])(**parameters))


def reason_of(case: dict[str, Any], reasons: dict[str, str]) -> str | None:
    """Why a case is an exception, if it is one."""
    return next((reason for start, reason in reasons.items() if case["id"].startswith(start)), None)


@pytest.mark.slow  # a second
@pytest.mark.parametrize("area", KINDS)
def test_the_recorded_calls_agree(area: str, client: Any, compare: ModuleType) -> None:  # noqa: F811 - a fixture
    """Each recorded answer is given, and each recorded error in AWS's words, except for those that are listed."""
    if not CASES[area]:
        pytest.skip("the conformance corpus is not beside this project")
    wrong = []
    for path in CASES[area]:
        case = json.loads(path.read_text())
        if reason_of(case, {**NOT_HERE, **EXCEPTIONS}) is None and not case.get("tasks"):
            verdict = compare.compare(case, json.loads(json.dumps(answered(client, case), default=str)))
            if not verdict["l1c"] or verdict["l3"] is False:
                wrong.append(f"{case['id']}: {(verdict['why'] or ['no reason given'])[0]}")
    assert not wrong, "\n".join(wrong)
