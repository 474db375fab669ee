"""The compiled states of a machine, with their data flow, Choice rules, retries and Map Runs.

`_base` is for all states, `_catch` for those with Retry and Catch. `_choice` and `_choice_rule` evaluate Choice rules.
`_map` runs Map states inline, `_distributed_map` as a Map Run of child executions. `_resource` and `_integration`
interpret a Task's Resource.
"""

from pupline.asl.states._base import State, place_in, put_result
from pupline.asl.states._compile import compile_states
from pupline.asl.states._distributed_map import DistributedMapState
from pupline.asl.states._flow import PassState
from pupline.asl.states._map import MapState
from pupline.asl.states._map_run import MapRun, child_arn, exceeds_tolerance
from pupline.asl.states._parallel import ParallelState
from pupline.asl.states._resource import (
    Resource,
    is_reader,
    is_writer,
    not_recognized,
    optimized_actions,
    patterns_of,
    read_resource,
)
from pupline.asl.states._retry import ErrorMatcher
from pupline.asl.states._task import TaskState

__all__ = [
    "DistributedMapState",
    "ErrorMatcher",
    "MapRun",
    "MapState",
    "ParallelState",
    "PassState",
    "Resource",
    "State",
    "TaskState",
    "child_arn",
    "compile_states",
    "exceeds_tolerance",
    "is_reader",
    "is_writer",
    "not_recognized",
    "optimized_actions",
    "patterns_of",
    "place_in",
    "put_result",
    "read_resource",
]
