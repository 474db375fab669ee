"""The child executions of one Map Run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pupline.asl import _history as history
from pupline.asl._fork import Fork
from pupline.asl._thread import NO_VARIABLES, Frame, Thread
from pupline.asl.states._base import State
from pupline.asl.states._map_run import MapRun, child_record
from pupline.errors import THRESHOLD_EXCEEDED
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl.states._distributed_map import DistributedMapState

#: Children at a time when MaxConcurrency is 0 or more than this: AWS's own bound for Express children.
MAX_RUNNING = 1_000

_RUN_REDRIVEN = history.named("MapRunRedriven", "mapRunArn", "redriveCount")

NO_RESULT = object()
"""The place of a child that has no result, in the results of a run."""


class Plan:
    """What one attempt has found out before it runs: its numbers and evaluated fields."""

    __slots__ = ("batch", "batch_input", "count", "limit", "max_items", "percentage", "reader", "value", "writer")

    def __init__(self, value: AnyJSON, limit: int) -> None:
        self.value = value
        self.limit = limit
        self.count: float | None = None
        self.percentage: float | None = None
        self.max_items: float = 0
        self.reader: AnyJSON = None
        self.writer: AnyJSON = None
        self.batch: tuple[int, int] | None = None
        self.batch_input: AnyJSON = None


class RunFork(Fork):
    """The child executions of one Map Run."""

    __slots__ = ("failures", "inputs", "plan", "prefix", "records", "run", "sizes", "state", "waits")

    def __init__(self, state: DistributedMapState, parent: Thread, plan: Plan, run: MapRun) -> None:
        super().__init__(parent, 0)
        self.state = state
        self.plan = plan
        self.run = run
        self.prefix = parent.command_id(state.key)
        self.inputs: Iterator[tuple[AnyJSON, int]] = iter(())
        self.sizes: dict[int, int] = {}
        self.records: dict[str, dict[int, AnyJSON]] = {"SUCCEEDED": {}, "FAILED": {}}
        self.failures: set[int] = set()
        self.waits = False

    def begin(self, execution: Execution, items: list[AnyJSON]) -> State | None:
        """Run the items; a step of the parent."""
        if self.plan.max_items:
            items = items[: int(self.plan.max_items)]
        self.run.items.total = self.run.items.pending = len(items)
        self.inputs = self.state.inputs(execution, self.parent, self.plan, items)
        return self.fill(execution, self.parent)

    def fill(self, execution: Execution, parent: Thread) -> State | None:
        """Start children until the limit is reached; end the run when there are none left."""
        self.waits = False
        limit = min(self.plan.limit or MAX_RUNNING, MAX_RUNNING)
        while len(self.live) < limit:
            following = next(self.inputs, None)
            if following is None:
                return self.state.all_ended(execution, parent, self) if not self.live else None
            self._start(execution, *following)
        return None

    def _start(self, execution: Execution, value: AnyJSON, size: int) -> None:
        index = len(self.results)
        self.results.append(NO_RESULT)
        if size != 1:  # batches only: a run over many items keeps no number for each
            self.sizes[index] = size
        self._count(size, "pending", "running", start=True)
        self._begin(execution, index, value)

    def _begin(self, execution: Execution, index: int, value: AnyJSON) -> None:
        name = f"{self.run.id}-{index}"
        frame = Frame(name, value, f"{execution.machine_name}/{self.run.label}", execution.now)
        frame.events.append((history.EXECUTION_STARTED, 0, execution.now, value, None))
        child = Thread(frame, value, f"{self.prefix}/{index}/", NO_VARIABLES, 0)
        child.fork = self
        child.index = index
        self.live[index] = child
        execution.make_ready(child, self.state.first.enter)

    def _count(self, size: int, before: str, after: str, *, start: bool = False) -> None:
        run = self.run
        if start:
            run.executions.total += 1
            run.executions.pending += 1
        for counts, step in ((run.items, size), (run.executions, 1)):
            setattr(counts, before, getattr(counts, before) - step)
            setattr(counts, after, getattr(counts, after) + step)

    def succeeded(self, execution: Execution, child: Thread) -> None:
        """Keep the output, forget the child."""
        self.results[child.index] = child.value
        self._ended(execution, child, "succeeded", {"Output": dumps(child.value), "Status": "SUCCEEDED"})
        self._go_on(execution)

    def failed(self, execution: Execution, child: Thread, error: str | None, cause: str | None) -> None:
        """Count the failure; over the tolerated threshold the run fails."""
        self.dead[child.index] = child
        self.failures.add(child.index)
        self._ended(execution, child, "failed", {"Error": error, "Cause": cause, "Status": "FAILED"})
        if self._exceeded():
            self.stop(execution, 0)
            execution.make_ready(self.parent, self._fail_over_threshold)
        else:
            self._go_on(execution)

    def _ended(self, execution: Execution, child: Thread, how: str, ending: dict[str, AnyJSON]) -> None:
        del self.live[child.index]
        self._count(self.sizes.get(child.index, 1), "running", how)
        if self.plan.writer is not None:
            machine, name = execution.machine_arn, child.frame.name
            record = child_record(
                arn=f"{machine.replace(':stateMachine:', ':execution:')}/{self.run.label}:{name}",
                machine_arn=f"{machine}/{self.run.label}",
                name=name,
                input=child.frame.input,
                start=child.frame.start,
                stop=execution.now,
                ending=ending,
            )
            self.records[how.upper()][child.index] = record

    def _go_on(self, execution: Execution) -> None:
        if not self.waits:  # one step is enough for all children that end before it runs
            self.waits = True
            execution.make_ready(self.parent, self.fill)

    def _exceeded(self) -> bool:
        """Whether more items have failed than ToleratedFailureCount or ...Percentage allow; by default none may."""
        failed, plan = self.run.items.failed, self.plan
        if plan.count is None and plan.percentage is None:
            return failed > 0
        if plan.count is not None and failed > plan.count:
            return True
        return plan.percentage is not None and 100 * failed > plan.percentage * self.run.items.total

    def _fail_over_threshold(self, execution: Execution, parent: Thread) -> State | None:
        cause = "The specified tolerated failure threshold was exceeded"
        return self.state.run_failed(execution, parent, self, THRESHOLD_EXCEEDED, cause)

    def stop(self, execution: Execution, cause: int) -> None:  # noqa: ARG002 - they write no events
        """Stop all children; their own histories end with them."""
        self.freeze(execution)

    def freeze(self, execution: Execution) -> None:
        """Stop all children; the run is aborted, unless it has failed."""
        super().freeze(execution)
        self.run.end("ABORTED", execution.now)

    def first(self, index: int) -> State:  # noqa: ARG002 - the same for all
        """The first state of the item processor."""
        return self.state.first

    def revive(self, execution: Execution, last: int) -> None:
        """Redrive the children that did not succeed, then start those that were never started."""
        run, parent = self.run, self.parent
        run.redrive()
        parent.events.append((_RUN_REDRIVEN, last, execution.now, run.arn, run.redrive_count))
        parent.last = len(parent.events)
        for index in self.dead:
            how = "failed" if index in self.failures else "aborted"
            self._count(self.sizes.get(index, 1), how, "running")
            self.records["FAILED"].pop(index, None)
        self.failures.clear()
        if self.state.express:
            self._restart(execution)
        else:
            for thread in self.dead.values():
                thread.frame.events.append((history.EXECUTION_REDRIVEN, thread.last, execution.now, run.redrive_count))
            super().revive(execution, 0)
        execution.make_ready(parent, self.fill)

    def _restart(self, execution: Execution) -> None:
        """Begin the children that did not succeed from their first state, as AWS does with Express executions.

        What they ask for has the ids it had at first: to whoever goes by them, such as a topic, it is the same again.
        """
        self.parent.child, self.parent.wreck = self, None
        inputs = {index: thread.frame.input for index, thread in sorted(self.dead.items())}
        self.dead.clear()
        for index, value in inputs.items():
            self._begin(execution, index, value)
