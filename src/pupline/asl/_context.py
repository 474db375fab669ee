"""The Context Object, `$$` and `$states.context`."""

import uuid

from pupline.json_values import AnyJSON
from pupline.text import timestamp

#: The account and region of a machine without AWS; the `context` of an execution can override them.
ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/pupline"


def state_machine_arn(name: str) -> str:
    """The ARN of a local state machine."""
    return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{name}"


def execution_context(
    *,
    machine: str,
    name: str,
    input: AnyJSON,  # noqa: A002 - the Context Object's word
    start: float,
    redrives: int,
    express: bool,
    overrides: AnyJSON,
) -> dict[str, AnyJSON]:
    """The parts that do not change during an execution: Execution and StateMachine.

    express: Express executions have another form of ARN, and no RedriveCount, as they cannot be redriven.
    overrides: {"Execution": {...}, "StateMachine": {...}, ...}; each part is merged over ours, key by key.
    The order of the keys is AWS's; it is visible when the Context Object is turned into text.
    """
    arn = state_machine_arn(machine)
    execution: dict[str, AnyJSON]
    if express:
        run = uuid.uuid5(uuid.NAMESPACE_URL, f"{arn}:{name}")
        execution = {"Id": f"{arn.replace(':stateMachine:', ':express:')}:{name}:{run}", "Input": input, "Name": name}
        execution |= {"RoleArn": ROLE_ARN, "StartTime": timestamp(start)}
    else:
        execution = {"Id": f"{arn.replace(':stateMachine:', ':execution:')}:{name}", "Input": input}
        execution |= {"StartTime": timestamp(start), "Name": name, "RoleArn": ROLE_ARN}
        execution["RedriveCount"] = redrives
    return merged({"Execution": execution, "StateMachine": {"Id": arn, "Name": machine}}, overrides)


def merged(base: dict[str, AnyJSON], overrides: AnyJSON) -> dict[str, AnyJSON]:
    """`base` updated with `overrides`, objects key by key; neither is changed."""
    if not overrides:
        return base
    found = dict(base)
    for key, value in overrides.items():
        mine = found.get(key)
        found[key] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return found
