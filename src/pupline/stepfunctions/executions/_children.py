"""The child executions of Map Runs. The journal has them within their parent, which is replayed to see them."""

from collections.abc import Iterator

from pupline.asl import ChildExecution
from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Call


def find_child(call: Call, arn: str) -> ChildExecution | None:
    """The child execution with this ARN, `...:execution:Machine/Label:RunId-Index`; None for any other execution."""
    resource = parse_arn(arn, "execution").resource
    machine, _, name = resource.partition(":")
    if "/" not in machine or not call.is_here(arn):
        return None
    run_id = name.rpartition("-")[0]
    prefix = arn[: -len(resource)].replace(":execution:", ":mapRun:")
    return next((child for child in children_of(call, f"{prefix}{machine}:{run_id}") if child.arn == arn), None)


def children_of(call: Call, map_run_arn: str) -> Iterator[ChildExecution]:
    """The child executions of a Map Run that began, in their order; none for an unknown run."""
    found = call.executions.journal.of_map_run(map_run_arn)
    if found is not None:
        children = call.executions.journal.replay_children(found).children.get(map_run_arn, {})
        yield from (children[index] for index in sorted(children))
