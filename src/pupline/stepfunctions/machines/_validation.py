"""ValidateStateMachineDefinition."""

from pupline.asl import validate_definition
from pupline.stepfunctions._call import Answer, Call, Parameters


def validate_state_machine_definition(call: Call, parameters: Parameters) -> Answer:
    """ValidateStateMachineDefinition. Warnings alone do not fail."""
    del call
    return validate_definition(
        parameters["definition"],
        parameters.get("type", "STANDARD"),
        parameters.get("severity", "ERROR"),
        parameters.get("maxResults", 0),
    )
