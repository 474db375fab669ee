"""Aliases of state machines."""

from typing import Any

from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions._targets import deleting, find_machine, no_machine, parse_machine_arn
from pupline.stepfunctions.machines._versions import refuse_label
from pupline.stepfunctions.store import NoVersion, StoredAlias

_ROUTING = "INVALID_ROUTING_CONFIGURATION"


def create_state_machine_alias(call: Call, parameters: Parameters) -> Answer:
    """CreateStateMachineAlias. A repeated request gets the answer of the first."""
    machine_arn, routes = _routes(call, parameters["routingConfiguration"])
    description = parameters.get("description")
    wanted = StoredAlias(machine_arn, parameters["name"], description, routes, call.now, call.now)
    try:
        alias = call.store.aliases.create(wanted)
    except NoVersion as error:
        raise _not_found() from error
    if (alias.description, alias.routes) != (description, routes):
        raise ApiError(
            "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing configuration already "
            "exists.",
        )
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created_at}


def update_state_machine_alias(call: Call, parameters: Parameters) -> Answer:
    """UpdateStateMachineAlias."""
    if "description" not in parameters and "routingConfiguration" not in parameters:
        raise invalid(
            "Either the description or the RoutingConfiguration must be specified", "MISSING_REQUIRED_PARAMETER"
        )
    alias = _existing(call, parameters["stateMachineAliasArn"])
    routes = None
    if "routingConfiguration" in parameters:
        machine_arn, routes = _routes(call, parameters["routingConfiguration"])
        if machine_arn != alias.machine_arn:
            raise _invalid_routing("Routing configuration must contain versions of the state machine of the alias.")
    try:
        is_updated = call.store.aliases.update(alias, parameters.get("description"), routes, call.now)
    except NoVersion as error:
        raise _not_found() from error
    if not is_updated:
        raise _not_found()
    return {"updateDate": call.now}


def describe_state_machine_alias(call: Call, parameters: Parameters) -> Answer:
    """DescribeStateMachineAlias."""
    alias = _existing(call, parameters["stateMachineAliasArn"])
    routing = [
        {"stateMachineVersionArn": f"{alias.machine_arn}:{number}", "weight": weight} for number, weight in alias.routes
    ]
    return {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "description": alias.description,
        "routingConfiguration": routing,
        "creationDate": alias.created_at,
        "updateDate": alias.updated_at,
    }


def list_state_machine_aliases(call: Call, parameters: Parameters) -> Answer:
    """ListStateMachineAliases, by name; with the ARN of a version, those that route to it."""
    arn = parse_machine_arn(parameters["stateMachineArn"])
    if find_machine(call, arn.machine_arn) is None or (arn.qualifier is not None and arn.version is None):
        raise no_machine(parameters["stateMachineArn"])
    aliases = call.store.aliases
    found, token = page_of(
        "ListStateMachineAliases",
        parameters,
        lambda after, limit: aliases.page(arn.machine_arn, arn.version, after or "", limit),
        lambda alias: alias.name,
    )
    items = [{"stateMachineAliasArn": alias.arn, "creationDate": alias.created_at} for alias in found]
    return {"stateMachineAliases": items, "nextToken": token}


def delete_state_machine_alias(call: Call, parameters: Parameters) -> Answer:
    """DeleteStateMachineAlias. One that does not exist is deleted already."""
    arn = parse_machine_arn(parameters["stateMachineAliasArn"])
    if arn.qualifier is None or arn.version is not None:
        raise _not_an_alias(parameters["stateMachineAliasArn"])
    if call.is_here(arn.machine_arn):
        call.store.aliases.remove(arn.machine_arn, arn.qualifier)
    return {}


def _existing(call: Call, text: str) -> StoredAlias:
    arn = parse_machine_arn(text)
    refuse_label(arn)
    if arn.qualifier is None or arn.version is not None:
        raise _not_an_alias(text)
    machine = find_machine(call, arn.machine_arn)
    alias = None if machine is None else call.store.aliases.find(arn.machine_arn, arn.qualifier)
    if alias is None:
        raise _not_found()
    return alias


def _routes(call: Call, configuration: list[dict[str, Any]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The ARN of the machine, and its routes. Raises: ApiError: ValidationException, StateMachineDeleting."""
    texts = [route["stateMachineVersionArn"] for route in configuration]
    shown, weights = f"[{', '.join(texts)}]", [route["weight"] for route in configuration]
    arns = [parse_machine_arn(text) for text in texts]
    if any(arn.version is None for arn in arns):
        raise _invalid_routing(f"Routing configuration must contain state machine version ARNs. Received: {shown}")
    if len(set(texts)) < len(texts):
        text = f"Routing configuration must contain distinct state machine version ARNs. Received: {shown}"
        raise _invalid_routing(text)
    if sum(weights) != 100:
        raise _invalid_routing(f"Sum of routing configuration weights must equal 100. Received: {weights}")
    if len({arn.machine_arn for arn in arns}) > 1:
        raise _invalid_routing(f"Routing configuration must contain versions of one state machine. Received: {shown}")
    machine = find_machine(call, arns[0].machine_arn)
    if machine is not None and machine.status == "DELETING":
        raise deleting(machine.arn)
    return arns[0].machine_arn, tuple((arn.version or 0, weight) for arn, weight in zip(arns, weights, strict=True))


def _invalid_routing(message: str) -> ApiError:
    return invalid(message, _ROUTING)


def _not_found() -> ApiError:
    return ApiError("ResourceNotFound", "Request references a resource that does not exist.")


def _not_an_alias(text: str) -> ApiError:
    return ApiError("InvalidArn", f"Invalid Arn: '{text}' is not the ARN of an alias")
