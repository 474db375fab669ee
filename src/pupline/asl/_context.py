"""The Context Object, `$$` and `$states.context`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pupline.json_values import AnyJSON
from pupline.text import timestamp

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Frame, Thread

#: The account and region of a machine without AWS; the `context` of an execution can override them.
ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/pupline"


def state_machine_arn(name: str) -> str:
    """The ARN of a local state machine."""
    return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{name}"


def execution_arn(machine_type: str, machine_arn: str, name: str) -> str:
    """The ARN of an execution; those of Express ones end in an id of the run, as on AWS."""
    if machine_type == "EXPRESS":
        run = uuid.uuid5(uuid.NAMESPACE_URL, f"{machine_arn}:{name}")
        return f"{machine_arn.replace(':stateMachine:', ':express:')}:{name}:{run}"
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def context_object(execution: Execution, thread: Thread, overrides: dict[str, AnyJSON]) -> dict[str, AnyJSON]:
    """The Context Object for the thread's current state.

    overrides: {"Execution": {...}, "StateMachine": {...}, ...}; each part is merged over ours, key by key.
    """
    base = thread.frame.context
    if base is None:
        base = thread.frame.context = _merge(_constant_parts(execution, thread.frame), overrides)
    state: dict[str, AnyJSON] = {}
    if thread.state is not None:
        state = {"Name": thread.state.name, "EnteredTime": timestamp(thread.entered_time)}
        if thread.state.counts_retries:
            state["RetryCount"] = sum(thread.retries) if thread.retries else 0
    context = {**base, "State": state}
    if thread.item is not None:
        context["Map"] = {"Item": {"Index": thread.item[0], "Value": thread.item[1]}}
    if thread.token is not None:
        context["Task"] = {"Token": thread.token}
    if overrides:
        context.update((key, overrides[key]) for key in ("State", "Task") if key in overrides)
    return context


def _constant_parts(execution: Execution, frame: Frame) -> dict[str, AnyJSON]:
    """The parts that do not change during an execution: Execution and StateMachine.

    Express executions have another form of ARN, and no RedriveCount, as they cannot be redriven. The order of the keys
    is AWS's; it is visible when the Context Object is turned into text.
    """
    arn = execution.machine_arn + frame.machine.removeprefix(execution.machine_name)
    name, start = frame.name, timestamp(frame.start)
    parts: dict[str, AnyJSON] = {"Id": execution_arn(execution.machine.type, arn, name), "Input": frame.input}
    if execution.machine.type == "EXPRESS":
        parts |= {"Name": name, "RoleArn": ROLE_ARN, "StartTime": start}
    else:
        parts |= {"StartTime": start, "Name": name, "RoleArn": ROLE_ARN, "RedriveCount": execution.redrive_count}
    return {"Execution": parts, "StateMachine": {"Id": arn, "Name": frame.machine}}


def _merge(base: dict[str, AnyJSON], overrides: dict[str, AnyJSON]) -> dict[str, AnyJSON]:
    """`base` updated with `overrides`, objects key by key; neither is changed."""
    found = dict(base)
    for key, value in overrides.items():
        own = found.get(key)
        found[key] = _merge(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return found
