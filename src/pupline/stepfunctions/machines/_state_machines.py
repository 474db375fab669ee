"""CreateStateMachine and DescribeStateMachine."""

from typing import Any

from pupline.asl import DefinitionError, StateMachine
from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.machines._names import check_name
from pupline.stepfunctions.store import Revision, StoredMachine


def create_state_machine(call: Call, parameters: Parameters) -> Answer:
    """CreateStateMachine. A repeated request gets the answer of the first."""
    name, machine_type = parameters["name"], parameters.get("type", "STANDARD")
    check_name(name)
    check_definition(parameters["definition"], machine_type)
    wanted = StoredMachine(
        arn=call.arn("stateMachine", name),
        name=name,
        type=machine_type,
        status="ACTIVE",
        created_at=call.now,
        last_version=0,
        revision=Revision(parameters["definition"], parameters["roleArn"], _settings(parameters), None, call.now),
    )
    stored = call.store.machines.create(wanted)
    if (stored.type, stored.revision.definition) != (wanted.type, wanted.revision.definition):
        raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{wanted.arn}'")
    return {"stateMachineArn": stored.arn, "creationDate": stored.created_at}


def describe_state_machine(call: Call, parameters: Parameters) -> Answer:
    """DescribeStateMachine."""
    arn = parameters["stateMachineArn"]
    parse_arn(arn, "stateMachine")
    machine = call.store.machines.find(arn)
    if machine is None:
        raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    revision = machine.revision
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "status": machine.status,
        "definition": revision.definition,
        "roleArn": revision.role_arn,
        "type": machine.type,
        "creationDate": revision.at,
        "revisionId": revision.revision_id,
        **revision.settings,
    }


def check_definition(text: str, machine_type: str) -> StateMachine:
    """The machine of a definition. Raises: ApiError (InvalidDefinition)."""
    try:
        return StateMachine.parse(text, type="EXPRESS" if machine_type == "EXPRESS" else "STANDARD")
    except DefinitionError as error:
        raise ApiError("InvalidDefinition", str(error)) from error


def _settings(parameters: Parameters) -> dict[str, Any]:
    """The configurations of a machine, with AWS's defaults."""
    logging = {"level": "OFF", "includeExecutionData": False, **parameters.get("loggingConfiguration", {})}
    tracing = {"enabled": False, **parameters.get("tracingConfiguration", {})}
    encryption = parameters.get("encryptionConfiguration", {"type": "AWS_OWNED_KEY"})
    return {"loggingConfiguration": logging, "tracingConfiguration": tracing, "encryptionConfiguration": encryption}
