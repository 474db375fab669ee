"""State machines, their versions, aliases and tags, activities; validation, and one state alone."""

from collections.abc import Mapping

from pupline.stepfunctions._call import Operation
from pupline.stepfunctions.machines._state_machines import create_state_machine, describe_state_machine

__all__ = ["MACHINE_OPERATIONS"]

MACHINE_OPERATIONS: Mapping[str, Operation] = {
    "CreateStateMachine": create_state_machine,
    "DescribeStateMachine": describe_state_machine,
}
"""Operations by their name in the API."""
