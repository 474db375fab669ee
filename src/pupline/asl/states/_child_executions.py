"""The child executions of one Map Run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pupline.asl import _history as history
from pupline.asl._errors import DataLimitExceeded
from pupline.asl._facts import MapRunUpdated
from pupline.asl._fork import Fork
from pupline.asl._thread import NO_VARIABLES, Frame, Thread
from pupline.asl.states._base import State
from pupline.asl.states._map_run import ChildFailure, MapRun, child_arn, exceeds_tolerance
from pupline.errors import THRESHOLD_EXCEEDED
from pupline.json_values import AnyJSON, dumps
from pupline.text import timestamp

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl.states._distributed_map import DistributedMapState

#: Children at a time when MaxConcurrency is 0 or more than this: AWS's own bound for Express children.
MAX_RUNNING = 1_000

_RUN_REDRIVEN = history.named("MapRunRedriven", "mapRunArn", "redriveCount")

NO_RESULT = object()
"""Stands in the results of a run for a child that has none."""


@dataclass(slots=True)
class Plan:
    """The evaluated fields of one attempt. value: `$` of the ItemSelector. batch: at most (items, bytes)."""

    value: AnyJSON
    limit: int
    count: float | None = None
    percentage: float | None = None
    max_items: float = 0
    reader: AnyJSON = None
    writer: AnyJSON = None
    batch: tuple[int, int] | None = None
    batch_input: AnyJSON = None


class MapRunFork(Fork["DistributedMapState"]):
    """The child executions of one Map Run."""

    __slots__ = ("failures", "inputs", "plan", "prefix", "records", "run", "sizes", "will_fill")

    def __init__(self, state: DistributedMapState, parent: Thread, plan: Plan, run: MapRun) -> None:
        super().__init__(state, parent, 0)
        self.plan = plan
        self.run = run
        run.fork, run.plan = self, plan
        self.prefix = parent.command_id(state.key)
        self.inputs: Iterator[tuple[AnyJSON, int]] = iter(())
        self.sizes: dict[int, int] = {}
        self.records: dict[str, dict[int, AnyJSON]] = {"SUCCEEDED": {}, "FAILED": {}}
        self.failures: set[int] = set()
        self.will_fill = False

    def begin(self, execution: Execution, items: list[AnyJSON]) -> State | None:
        """Run the items; a step of the parent."""
        if self.plan.max_items:
            items = items[: int(self.plan.max_items)]
        self.run.items.total = self.run.items.pending = len(items)
        self.inputs = self.state.inputs(execution, self.parent, self.plan, items)
        return self.fill(execution, self.parent)

    def fill(self, execution: Execution, parent: Thread) -> State | None:
        """Start children until the limit is reached; end the run when none are left."""
        self.will_fill = False
        if self.run.status != "RUNNING":  # too many have failed since this step was planned
            return None
        limit = min(self.plan.limit or MAX_RUNNING, MAX_RUNNING)
        while len(self.running) < limit:
            following = next(self.inputs, None)
            if following is None:
                return self.state.all_ended(execution, parent, self) if not self.running else None
            if execution.texts.exceeds_quota(following[0]):  # StartExecution would refuse it
                self.stop(execution, 0)
                problem = DataLimitExceeded(self.state.name)
                return self.state.run_failed(execution, parent, self, problem.error, problem.cause)
            self._start(execution, *following)
        return None

    def _start(self, execution: Execution, value: AnyJSON, size: int) -> None:
        index = len(self.results)
        self.results.append(NO_RESULT)
        if size != 1:  # batches only, so that a run over many items does not keep a number for each
            self.sizes[index] = size
        self.run.executions.total += 1
        self.run.executions.pending += 1
        self._count(size, "pending", "running")
        self._begin(execution, index, value)

    def _begin(self, execution: Execution, index: int, value: AnyJSON) -> None:
        name = f"{self.run.id}-{index}"
        most = execution.max_events(express=self.state.express)
        frame = Frame(name, value, f"{execution.machine_name}/{self.run.label}", execution.now, most)
        frame.events.append((history.EXECUTION_STARTED, 0, execution.now, value, None))
        child = Thread(frame, value, f"{self.prefix}/{index}/", NO_VARIABLES, 0)
        child.fork = self
        child.index = index
        self.running[index] = child
        execution.child_changed(self.run, child, "RUNNING")
        execution.make_ready(child, self.state.first.enter)

    def _count(self, size: int, before: str, after: str) -> None:
        """Move a child of `size` items from one status to another."""
        for counts, step in ((self.run.items, size), (self.run.executions, 1)):
            setattr(counts, before, getattr(counts, before) - step)
            setattr(counts, after, getattr(counts, after) + step)

    def succeeded(self, execution: Execution, child: Thread) -> None:
        """Keep the output and drop the child."""
        self.results[child.index] = child.value
        execution.child_changed(self.run, child, "SUCCEEDED", child.value)
        self._ended(execution, child, "succeeded", {"Output": dumps(child.value), "Status": "SUCCEEDED"})
        self._fill_later(execution)

    def failed(self, execution: Execution, child: Thread, error: str | None, cause: str | None) -> None:
        """Count the failure; over the tolerated threshold, fail the run."""
        self.unsuccessful[child.index] = child
        self.failures.add(child.index)
        if self.run.first_failure is None:
            state = None if child.state is None else child.state.name
            self.run.first_failure = ChildFailure(child.index, state, error, cause)
        execution.child_changed(self.run, child, "FAILED", error, cause)
        self._ended(execution, child, "failed", {"Error": error, "Cause": cause, "Status": "FAILED"})
        self._continue(execution)

    def _continue(self, execution: Execution) -> None:
        """Start more children, unless too many have failed."""
        plan, items = self.plan, self.run.items
        if exceeds_tolerance(items.failed, items.total, count=plan.count, percentage=plan.percentage):
            self.stop(execution, 0)
            execution.make_ready(self.parent, self._fail_over_threshold)
        else:
            self._fill_later(execution)

    def update(self, execution: Execution, update: MapRunUpdated) -> None:
        """Change the limits of the run. Children that run go on."""
        plan = self.plan
        if update.max_concurrency is not None:
            plan.limit = self.run.max_concurrency = update.max_concurrency
        if update.tolerated_failure_count is not None:
            plan.count = update.tolerated_failure_count
        if update.tolerated_failure_percentage is not None:
            plan.percentage = update.tolerated_failure_percentage
        if self.running:  # else its items are being read or its results written, or it has ended
            self._continue(execution)

    def _ended(self, execution: Execution, child: Thread, status: str, ending: dict[str, AnyJSON]) -> None:
        del self.running[child.index]
        execution.taken |= history.states_entered(child.events)
        self._count(self.sizes.get(child.index, 1), "running", status)
        if self.state.keeps_records:
            machine, name = execution.machine_arn, child.frame.name
            self.records[status.upper()][child.index] = {  # one entry of SUCCEEDED_0.json or FAILED_0.json
                "ExecutionArn": child_arn(machine, self.run, name),
                "Input": dumps(child.frame.input),
                "InputDetails": {"Included": True},
                "Name": name,
                "StartDate": timestamp(child.frame.start),
                "StateMachineArn": f"{machine}/{self.run.label}",
                "StopDate": timestamp(execution.now),
                **ending,
            }

    def _fill_later(self, execution: Execution) -> None:
        if not self.will_fill:  # one step is enough for all children that end before it runs
            self.will_fill = True
            execution.make_ready(self.parent, self.fill)

    def _fail_over_threshold(self, execution: Execution, parent: Thread) -> State | None:
        cause = "The specified tolerated failure threshold was exceeded"
        return self.state.run_failed(execution, parent, self, THRESHOLD_EXCEEDED, cause)

    def stop(self, execution: Execution, cause: int) -> None:  # noqa: ARG002 - they write no events
        """Stop all children; their own histories end with them."""
        self.freeze(execution)

    def freeze(self, execution: Execution) -> None:
        """Stop all children; the run is aborted, unless it has failed."""
        for child in self.running.values():
            execution.child_changed(self.run, child, "ABORTED", None, None)
            execution.taken |= history.states_entered(child.events)
        super().freeze(execution)
        self.run.end("ABORTED", execution.now)

    def first(self, index: int) -> State:  # noqa: ARG002 - the same for all
        """The first state of the item processor."""
        return self.state.first

    def resume(self, execution: Execution, last: int) -> None:
        """Redrive the children that did not succeed, then start those that were never started."""
        run, parent = self.run, self.parent
        run.redrive(self, execution.now)
        parent.last = last
        parent.write(_RUN_REDRIVEN, execution.now, run.arn, run.redrive_count)
        for index in self.unsuccessful:
            status = "failed" if index in self.failures else "aborted"
            self._count(self.sizes.get(index, 1), status, "running")
            self.records["FAILED"].pop(index, None)
        self.failures.clear()
        if self.state.express:
            self._restart(execution)
        else:
            for thread in self.unsuccessful.values():
                events = thread.frame.events
                events.append((history.EXECUTION_REDRIVEN, len(events), execution.now, run.redrive_count))
                execution.child_changed(run, thread, "RUNNING")
            super().resume(execution, 0)
        execution.make_ready(parent, self.fill)

    def _restart(self, execution: Execution) -> None:
        """Begin the children that did not succeed from their first state, as AWS does with Express executions.

        Their commands have the same ids as before, so that a topic recognises a message that it has already got.
        """
        self.parent.child, self.parent.failed_fork = self, None
        inputs = {index: thread.frame.input for index, thread in sorted(self.unsuccessful.items())}
        self.unsuccessful.clear()
        for index, value in inputs.items():
            self._begin(execution, index, value)
