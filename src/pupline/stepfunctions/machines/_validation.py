"""ValidateStateMachineDefinition."""

from pupline.asl import diagnostics
from pupline.stepfunctions._call import Answer, Call, Parameters

_MOST = 100
"""Diagnostics in one answer, as on AWS."""


def validate_state_machine_definition(call: Call, parameters: Parameters) -> Answer:
    """ValidateStateMachineDefinition. Warnings alone do not fail."""
    del call
    severities = ("ERROR", "WARNING") if parameters.get("severity") == "WARNING" else ("ERROR",)
    found = diagnostics(parameters["definition"], parameters.get("type", "STANDARD"))
    chosen = [diagnostic for diagnostic in found if diagnostic["severity"] in severities]
    limit = parameters.get("maxResults") or _MOST
    return {
        "result": "FAIL" if any(diagnostic["severity"] == "ERROR" for diagnostic in found) else "OK",
        "diagnostics": chosen[:limit],
        "truncated": len(chosen) > limit,
    }
