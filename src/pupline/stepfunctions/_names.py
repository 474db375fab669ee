"""Names of state machines, executions and activities, and ARNs of roles."""

import re

from pupline.stepfunctions._errors import ApiError

_NAME = re.compile(r"[^\x00-\x20\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/\ud800-\udfff\ufffe\uffff]+")
"""What AWS allows (API reference, CreateStateMachine). The model bounds the length."""

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+", re.DOTALL)


def check_name(name: str) -> None:
    """Raises: ApiError (InvalidName)."""
    if not _NAME.fullmatch(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")


def check_role(arn: str) -> None:
    """Raises: ApiError (InvalidArn) for what is not the ARN of a role. Whether the role exists is not looked at."""
    if not _ROLE.fullmatch(arn):
        raise ApiError("InvalidArn", f"Invalid Role Arn: '{arn}'")
