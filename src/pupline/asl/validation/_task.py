"""The checks of a Task state: its Resource, what it calls and with which arguments, and its time limits."""

import re

from pupline.asl.states import Resource
from pupline.asl.validation._arguments import check_arguments
from pupline.asl.validation._expressions import check_jsonata, check_template
from pupline.asl.validation._report import Place
from pupline.asl.validation._resources import check_resource
from pupline.json_values import dumps

_MAX_SECONDS = 99_999_999

_TOKEN = re.compile(r"Task\.Token|\"\$\$(?:\.Task)?\"|\$states\.context(?:\.Task)?(?![\w.])|\$\{|\$states(?![\w.])")
"""The token, an object that holds it, or a placeholder that may be it."""


def check_task(place: Place) -> None:
    """All fields that only a Task has."""
    place.required("Resource")
    resource = check_resource(place)
    if resource is not None:
        check_arguments(place, resource)
        warn_about_waiting(place, resource)
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


def warn_about_waiting(place: Place, resource: Resource) -> None:
    """A Task that waits for its token: how it gets out, and how long it waits when the token is lost."""
    if resource.pattern != ".waitForTaskToken":
        return
    field = "Arguments" if place.language == "JSONata" else "Parameters"
    if field in place.value and not _TOKEN.search(dumps(place.value[field])):
        source = "$states.context.Task.Token" if place.language == "JSONata" else "$$.Task.Token"
        message = f"Nothing in {field} passes the task token on: no one can end this Task."
        place.warn("NO_TASK_TOKEN", message, field, hint=f"Pass {source}.")
    limits = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")
    if not place.report.times_out and not any(name in place.value or name in place.meant for name in limits):
        message = "Without TimeoutSeconds or HeartbeatSeconds, this Task waits for up to a year for its token."
        place.warn("NO_TIMEOUT", message)
