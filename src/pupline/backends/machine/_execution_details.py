"""Executions in the journal with their Map Runs and child executions, which a replay of their facts gives."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pupline.backends._map_children import processor_of
from pupline.errors import NoSuchName
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.text import printable

if TYPE_CHECKING:  # the engine is loaded when an execution is replayed, not where lists are read
    from pupline.asl import ChildExecution, DetailedExecution
    from pupline.local import ExecutionRow, Journal


def execution_details(journal: "Journal", row: "ExecutionRow") -> ExecutionDetails:
    """One execution. Raises: ReplayMismatch."""
    core = journal.detailed(row)
    return ExecutionDetails(
        row=execution_summary(row),
        definition=core.machine.definition,
        input=json.loads(row.input),
        output=None if row.output is None else json.loads(row.output),
        history=core.history,
        map_runs=[run.describe() for run in core.map_runs],
    )


def execution_summary(row: "ExecutionRow") -> ExecutionSummary:
    """The row of a list."""
    return ExecutionSummary(row.name, row.status, row.run_id, row.start_time, row.stop_time, row.error, row.cause)


def child_summaries(journal: "Journal", row: "ExecutionRow") -> Iterator[ExecutionSummary]:
    """The child executions of its Map Runs that began, in the order of their items."""
    return (_summary(child, row) for child in _children(journal.detailed(row)))


def child_details(journal: "Journal", row: "ExecutionRow", child: str) -> ExecutionDetails:
    """One child execution, by its name or ARN. Raises: NoSuchName."""
    core = journal.detailed(row)
    found = next((each for each in _children(core) if child in (each.name, each.arn)), None)
    if found is None:
        raise NoSuchName(
            f"the execution '{printable(row.name)}' has no child execution '{printable(child)}';"
            f" list them with: pupline executions {printable(row.name)} --children"
        )
    history = found.history
    return ExecutionDetails(
        row=_summary(found, row),
        definition=processor_of(core.machine.definition, history),
        input=found.input,
        output=found.output,
        history=history,
    )


def _children(core: "DetailedExecution") -> "Iterator[ChildExecution]":
    for children in core.children.values():
        yield from (children[index] for index in sorted(children))


def _summary(child: "ChildExecution", row: "ExecutionRow") -> ExecutionSummary:
    times = child.start_time, child.stop_time
    return ExecutionSummary(child.name, child.status, row.run_id, *times, child.error, child.cause)
