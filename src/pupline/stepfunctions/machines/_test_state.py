"""TestState."""

from typing import Any

from pupline.asl import TestStateError, TestStateRequest, run_test_state
from pupline.json_values import loads
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid


def test_state(call: Call, parameters: Parameters) -> Answer:
    """TestState: one state alone. Without a mock, a Task calls what executions here would call."""
    request = TestStateRequest(
        definition=_object(parameters, "definition", "InvalidDefinition") or {},
        input=_document(parameters, "input", "InvalidExecutionInput") if "input" in parameters else {},
        state_name=parameters.get("stateName"),
        inspection_level=parameters.get("inspectionLevel", "INFO"),
        context=_object(parameters, "context", "ValidationException"),
        variables=_object(parameters, "variables", "ValidationException"),
        mock=parameters.get("mock"),
        state_configuration=parameters.get("stateConfiguration", {}),
        role_arn=parameters.get("roleArn"),
        reveal_secrets=parameters.get("revealSecrets", False),
    )
    del call
    try:
        return run_test_state(request)
    except TestStateError as error:
        raise ApiError(error.code, error.message) from error


def _document(parameters: Parameters, name: str, code: str) -> Any:
    try:
        return loads(parameters[name])
    except (ValueError, RecursionError) as error:
        raise ApiError(code, f"The {name} must be valid JSON: {error}") from error


def _object(parameters: Parameters, name: str, code: str) -> dict[str, Any] | None:
    if name not in parameters:
        return None
    value = _document(parameters, name, code)
    if not isinstance(value, dict):
        raise invalid(f"The {name} must be a JSON object")
    return value
