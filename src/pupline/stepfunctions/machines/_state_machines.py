"""State machines: created, updated, described, listed, deleted."""

import sqlite3
import uuid
from dataclasses import replace

from pupline.asl import DefinitionError, StateMachine
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._names import check_name, check_role
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions._revisions import describe_revision
from pupline.stepfunctions._targets import deleting, find_machine, no_machine, parse_machine_arn, resolve
from pupline.stepfunctions.machines._configurations import NAMES, configurations
from pupline.stepfunctions.machines._tags import new_tags
from pupline.stepfunctions.machines._versions import check_description, has_other_description, published
from pupline.stepfunctions.store import Revision, StoredMachine, write_tags

_NOTHING_TO_UPDATE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
)

_NO_DEFINITION = "The definition must be specified when updating the EncryptionConfiguration"


def create_state_machine(call: Call, parameters: Parameters) -> Answer:
    """CreateStateMachine. A repeated request gets the answer of the first."""
    name, machine_type = parameters["name"], parameters.get("type", "STANDARD")
    check_name(name)
    check_role(parameters["roleArn"])
    check_description(parameters)
    check_definition(parameters["definition"], machine_type)
    revision = Revision(
        parameters["definition"], parameters["roleArn"], configurations(parameters), revision_id=None, at=call.now
    )
    arn, tags = call.arn("stateMachine", name), new_tags(parameters)
    wanted = StoredMachine(arn, name, machine_type, "ACTIVE", call.now, 0, revision)
    find_machine(call, arn)  # removes one that is deleted and has ended

    def write_more(connection: sqlite3.Connection) -> None:
        write_tags(connection, arn, tags)

    machine = call.store.machines.create(wanted, write_more)
    if machine.status == "DELETING":
        raise deleting(arn)
    if not _is_repeated(machine, wanted) or has_other_description(call, arn, parameters):
        raise ApiError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    version = published(call, arn, parameters)
    version_arn = None if version is None else version.arn
    return {"stateMachineArn": arn, "creationDate": machine.created_at, "stateMachineVersionArn": version_arn}


def _is_repeated(machine: StoredMachine, wanted: StoredMachine) -> bool:
    """Whether AWS takes the request for a repeated one: the role and the tags do not count."""
    same_role = replace(wanted.revision, role_arn=machine.revision.role_arn)
    return machine.type == wanted.type and machine.revision.is_same(same_role)


def update_state_machine(call: Call, parameters: Parameters) -> Answer:
    """UpdateStateMachine. An update that changes nothing makes no revision."""
    arn = parse_machine_arn(parameters["stateMachineArn"])
    machine = find_machine(call, arn.machine_arn)
    if machine is None or arn.qualifier is not None:
        raise no_machine(parameters["stateMachineArn"])
    if not any(name in parameters for name in ("definition", "roleArn", *NAMES)):
        raise ApiError("MissingRequiredParameter", _NOTHING_TO_UPDATE)
    check_description(parameters)
    given = {name: value for name, value in configurations(parameters).items() if name in parameters}
    if "definition" in parameters:
        check_definition(parameters["definition"], machine.type)
    elif "encryptionConfiguration" in parameters:
        raise ApiError("MissingRequiredParameter", _NO_DEFINITION)
    if "roleArn" in parameters:
        check_role(parameters["roleArn"])

    def change(present: StoredMachine) -> Revision:
        if present.status == "DELETING":
            raise deleting(present.arn)
        revision = present.revision
        changed = replace(
            revision,
            definition=parameters.get("definition", revision.definition),
            role_arn=parameters.get("roleArn", revision.role_arn),
            settings={**revision.settings, **given},
        )
        return revision if revision.is_same(changed) else replace(changed, revision_id=str(uuid.uuid4()), at=call.now)

    updated = call.store.machines.update(machine.arn, change)
    if updated is None:
        raise no_machine(machine.arn)
    version = published(call, machine.arn, parameters)
    return {
        "updateDate": call.now,
        "revisionId": updated.revision.revision_id,
        "stateMachineVersionArn": None if version is None else version.arn,
    }


def describe_state_machine(call: Call, parameters: Parameters) -> Answer:
    """DescribeStateMachine, of a machine, a version or an alias: of its version with the most weight."""
    target = resolve(call, parameters["stateMachineArn"])
    if target.alias is not None:
        number, _ = max(target.alias.routes, key=lambda route: route[1])
        target = resolve(call, f"{target.machine.arn}:{number}")
    machine, version = target.machine, target.version
    return {
        "stateMachineArn": version.arn if version else target.arn,
        "label": target.label,
        "name": machine.name,
        "status": machine.status,
        "type": machine.type,
        "creationDate": version.created_at if version else machine.created_at,
        "description": version.description if version else None,
        **describe_revision(target.revision, parameters),
    }


def list_state_machines(call: Call, parameters: Parameters) -> Answer:
    """ListStateMachines, by name."""
    prefix, machines = call.arn("stateMachine", ""), call.store.machines
    found, token = page_of(
        "ListStateMachines",
        {**parameters, "of": prefix},
        lambda after, limit: machines.page(prefix, after or "", limit),
        lambda machine: machine.name,
    )
    items = [
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "type": machine.type,
            "creationDate": machine.created_at,
        }
        for machine in found
    ]
    return {"stateMachines": items, "nextToken": token}


def delete_state_machine(call: Call, parameters: Parameters) -> Answer:
    """DeleteStateMachine. A machine with running executions stays, DELETING, until they have ended."""
    arn = parse_machine_arn(parameters["stateMachineArn"])
    if arn.qualifier is not None:
        raise invalid(f"DeleteStateMachine takes the ARN of a state machine, not '{parameters['stateMachineArn']}'")
    if find_machine(call, arn.machine_arn) is not None:
        call.store.machines.mark_deleting(arn.machine_arn)
        find_machine(call, arn.machine_arn)
    return {}


def check_definition(text: str, machine_type: str) -> StateMachine:
    """The machine of a definition. Raises: ApiError (InvalidDefinition)."""
    try:
        return StateMachine.parse(text, type="EXPRESS" if machine_type == "EXPRESS" else "STANDARD")
    except DefinitionError as error:
        raise ApiError("InvalidDefinition", str(error)) from error
