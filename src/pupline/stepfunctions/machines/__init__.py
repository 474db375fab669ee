"""State machines, their versions, aliases and tags, activities; validation, and one state alone."""

from collections.abc import Mapping

from pupline.stepfunctions._call import Operation
from pupline.stepfunctions.machines._activities import (
    create_activity,
    delete_activity,
    describe_activity,
    list_activities,
)
from pupline.stepfunctions.machines._aliases import (
    create_state_machine_alias,
    delete_state_machine_alias,
    describe_state_machine_alias,
    list_state_machine_aliases,
    update_state_machine_alias,
)
from pupline.stepfunctions.machines._state_machines import (
    create_state_machine,
    delete_state_machine,
    describe_state_machine,
    list_state_machines,
    update_state_machine,
)
from pupline.stepfunctions.machines._tags import list_tags_for_resource, tag_resource, untag_resource
from pupline.stepfunctions.machines._test_state import test_state
from pupline.stepfunctions.machines._validation import validate_state_machine_definition
from pupline.stepfunctions.machines._versions import (
    delete_state_machine_version,
    list_state_machine_versions,
    publish_state_machine_version,
)

__all__ = ["MACHINE_OPERATIONS"]

MACHINE_OPERATIONS: Mapping[str, Operation] = {
    "CreateActivity": create_activity,
    "CreateStateMachine": create_state_machine,
    "CreateStateMachineAlias": create_state_machine_alias,
    "DeleteActivity": delete_activity,
    "DeleteStateMachine": delete_state_machine,
    "DeleteStateMachineAlias": delete_state_machine_alias,
    "DeleteStateMachineVersion": delete_state_machine_version,
    "DescribeActivity": describe_activity,
    "DescribeStateMachine": describe_state_machine,
    "DescribeStateMachineAlias": describe_state_machine_alias,
    "ListActivities": list_activities,
    "ListStateMachineAliases": list_state_machine_aliases,
    "ListStateMachines": list_state_machines,
    "ListStateMachineVersions": list_state_machine_versions,
    "ListTagsForResource": list_tags_for_resource,
    "PublishStateMachineVersion": publish_state_machine_version,
    "TagResource": tag_resource,
    "TestState": test_state,
    "UntagResource": untag_resource,
    "UpdateStateMachine": update_state_machine,
    "UpdateStateMachineAlias": update_state_machine_alias,
    "ValidateStateMachineDefinition": validate_state_machine_definition,
}
"""Operations by their name in the API."""
