"""The checks of a Task state: its Resource, what it calls and with which arguments, and its time limits."""

from pupline.asl.states import not_recognized, read_resource
from pupline.asl.validation._expressions import check_jsonata, check_template
from pupline.asl.validation._report import Place

_MAX_SECONDS = 99_999_999


def check_task(place: Place) -> None:
    """All fields that only a Task has."""
    place.required("Resource")
    _check_resource(place)
    timeout = place.integer("TimeoutSeconds", least=1, most=_MAX_SECONDS)
    heartbeat = place.integer("HeartbeatSeconds", least=1, most=_MAX_SECONDS)
    if timeout is not None and heartbeat is not None and heartbeat >= timeout:
        place.add_problem("HeartbeatSeconds must be smaller than TimeoutSeconds", "HeartbeatSeconds")
    if place.language == "JSONPath":
        for name in ("TimeoutSecondsPath", "HeartbeatSecondsPath"):
            place.path_field(name, reference=True)
    credentials = place.object("Credentials")
    if credentials is not None:
        if not any(name in credentials.value for name in ("RoleArn", "RoleArn.$")):
            # AWS words this one as it words missing arguments.
            credentials.add_problem("The field 'RoleArn' is required but was missing")
        if place.language == "JSONata":
            check_jsonata(place, "Credentials")
        else:
            check_template(place, "Credentials")


def _check_resource(place: Place) -> None:
    arn = place.text("Resource")
    if arn is None:
        return
    resource = read_resource(arn)
    express = place.report.machine_type == "EXPRESS"
    if resource is None:
        place.add_problem(not_recognized(arn), "Resource")
    elif express and resource.kind == "activity":
        place.add_problem("Express state machine does not support Activity ARN", "Resource")
    elif express and resource.pattern:
        pattern = resource.pattern.removesuffix(":2")
        place.add_problem(f"Express state machine does not support '{pattern}' service integration ", "Resource")
