"""Versions of state machines: published, listed, deleted."""

from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions._targets import QualifiedArn, deleting, find_machine, no_machine, parse_machine_arn
from pupline.stepfunctions.store import StoredMachine, StoredVersion

_INITIAL = "INITIAL"
"""The name that PublishStateMachineVersion has for the revision of a machine that was never updated."""

_LATEST = 1 << 62


def check_description(parameters: Parameters) -> None:
    """Raises: ApiError (ValidationException) for a description of a version that is not published."""
    if parameters.get("versionDescription") is not None and not parameters.get("publish"):
        raise invalid("Version description can only be set when publish is true")


def has_other_description(call: Call, machine_arn: str, parameters: Parameters) -> bool:
    """Whether the newest version, if there is one, is described otherwise than a repeated CreateStateMachine does."""
    described = parameters.get("versionDescription")
    newest = [] if described is None else call.store.machines.versions(machine_arn, _LATEST, 1)
    found = [call.store.machines.version(machine_arn, number) for number, _ in newest]
    return any(version is not None and version.description != described for version in found)


def published(call: Call, machine_arn: str, parameters: Parameters) -> StoredVersion | None:
    """The version that a create or an update publishes, None when it does not."""
    if not parameters.get("publish"):
        return None
    return _publish(call, machine_arn, parameters.get("versionDescription"))


def publish_state_machine_version(call: Call, parameters: Parameters) -> Answer:
    """PublishStateMachineVersion. A repeated request gets the answer of the first."""
    arn = parse_machine_arn(parameters["stateMachineArn"])
    refuse_label(arn)
    if arn.qualifier is not None or find_machine(call, arn.machine_arn) is None:
        raise no_machine(parameters["stateMachineArn"])
    version = _publish(call, arn.machine_arn, parameters.get("description"), parameters.get("revisionId"))
    return {"stateMachineVersionArn": version.arn, "creationDate": version.created_at}


def _publish(call: Call, machine_arn: str, description: str | None, revision_id: str | None = None) -> StoredVersion:
    def allow(machine: StoredMachine) -> None:
        if machine.status == "DELETING":
            raise deleting(machine_arn)
        current = machine.revision.revision_id or _INITIAL
        if revision_id not in (None, current):
            raise ApiError(
                "ConflictException",
                f"Failed to publish the State Machine version for revision {revision_id}. The current State Machine "
                f"revision is {current}.",
            )

    version = call.store.machines.publish(machine_arn, description, call.now, allow)
    if version is None:
        raise no_machine(machine_arn)
    return version


def list_state_machine_versions(call: Call, parameters: Parameters) -> Answer:
    """ListStateMachineVersions, the newest first."""
    arn = parse_machine_arn(parameters["stateMachineArn"])
    if arn.qualifier is not None or find_machine(call, arn.machine_arn) is None:
        raise no_machine(parameters["stateMachineArn"])
    machines = call.store.machines
    found, token = page_of(
        "ListStateMachineVersions",
        parameters,
        lambda before, limit: machines.versions(arn.machine_arn, int(before or _LATEST), limit),
        lambda version: str(version[0]),
    )
    items = [{"stateMachineVersionArn": f"{arn.machine_arn}:{number}", "creationDate": at} for number, at in found]
    return {"stateMachineVersions": items, "nextToken": token}


def delete_state_machine_version(call: Call, parameters: Parameters) -> Answer:
    """DeleteStateMachineVersion. One that does not exist is deleted already."""
    arn = parse_machine_arn(parameters["stateMachineVersionArn"])
    if arn.version is None:
        text = f"Invalid Arn: '{parameters['stateMachineVersionArn']}' is not the ARN of a version"
        raise ApiError("InvalidArn", text)
    is_here = call.is_here(arn.machine_arn)
    aliases = call.store.machines.remove_version(arn.machine_arn, arn.version) if is_here else ()
    if aliases:
        raise ApiError(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this "
            f"version: [{', '.join(aliases)}]",
        )
    return {}


def refuse_label(arn: QualifiedArn) -> None:
    """Raises: ApiError (ValidationException) for the ARN of a Distributed Map's child machine."""
    if arn.label is not None:
        raise invalid("This operation does not support labeled ARNs", "API_DOES_NOT_SUPPORT_LABELED_ARNS")
