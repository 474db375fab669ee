"""Names of state machines, executions and activities."""

import re

from pupline.stepfunctions._errors import ApiError

_NAME = re.compile(r"[^\x00-\x20\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/\ud800-\udfff\ufffe\uffff]+")
"""What AWS allows (API reference, CreateStateMachine). The model bounds the length."""


def check_name(name: str) -> None:
    """Raises: ApiError (InvalidName)."""
    if not _NAME.fullmatch(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")
