"""Every other service: the driver's callable gets the arguments, its answer is the result, unchanged.

`arn:aws:states:::sns:publish` and its like (optimised integrations) and `arn:aws:states:::aws-sdk:dynamodb:putItem`.
Which of them a driver can really call is the driver's to say.
"""

import re

from pupline.asl.states._integrations.base import Integration

_RESOURCE = re.compile(
    r"arn:aws(?:-[a-z-]+)?:states:[^:]*:[^:]*:((?:aws-sdk:)?[a-z0-9-]+):([A-Za-z][A-Za-z0-9]*(?:\.\w+(?::\d+)?)?)"
)


def find(resource: str) -> Integration | None:
    """The integration, when `resource` has the form of a service integration."""
    match = _RESOURCE.fullmatch(resource)
    if match is None or match[1] == "activity":
        return None
    return Integration(resource, match[1], match[2])
