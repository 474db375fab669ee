"""Map in DISTRIBUTED mode: a Map Run of child executions.

The children run inside the same core, so one journal holds them, but each is an execution of its own: its history is
not the parent's, it does not see the parent's variables, and its Context Object is its own. A child's history is
dropped when it ends; a run over 100,000 items holds the items, the results, and the children that are running.

The parent's history has the Map Run's start and end only. MapStateSucceeded and MapStateExited point at
MapRunSucceeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pupline.asl import _history as history
from pupline.asl._commands import ReadItems, WriteResults
from pupline.asl._facts import Fact, ItemsRead, TaskFailed
from pupline.asl._failures import NOT_SUPPORTED
from pupline.asl._fork import Fork
from pupline.asl._items import batches
from pupline.asl._limits import MAX_PAYLOAD_BYTES
from pupline.asl._map_run import MapRun, child_record, result_files
from pupline.asl._thread import NO_VARIABLES, Frame, Thread
from pupline.asl._values import Scope, SyntaxProblem
from pupline.asl.jsonata.expression import compile_jsonata_value
from pupline.asl.jsonpath.template import compile_template
from pupline.asl.states._numbers import Number
from pupline.asl.states.base import Evaluate, State
from pupline.asl.states.map import SUCCEEDED, MapState
from pupline.errors import THRESHOLD_EXCEEDED
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution

#: Children at a time when MaxConcurrency is 0 or more than this: AWS's own bound for Express children.
MAX_RUNNING = 1_000

_RUN_STARTED = history.named("MapRunStarted", "mapRunArn")
_RUN_SUCCEEDED = history.plain("MapRunSucceeded")
_RUN_REDRIVEN = history.named("MapRunRedriven", "mapRunArn", "redriveCount")
_RUN_FAILED = history.failure("MapRunFailed")

ITEM_READER_FAILED = "States.ItemReaderFailed"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"


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
        self.results.append(_NOTHING)
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


_NOTHING = object()


#: Path in the state -> the values that are supported there.
_SUPPORTED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("ItemReader", "Resource"): ("arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2"),
    ("ItemReader", "ReaderConfig", "InputType"): ("JSON", "JSONL", "CSV"),
    ("ItemReader", "ReaderConfig", "Transformation"): ("NONE",),
    ("ResultWriter", "Resource"): ("arn:aws:states:::s3:putObject",),
    ("ResultWriter", "WriterConfig", "OutputType"): ("JSON",),
    ("ResultWriter", "WriterConfig", "Transformation"): ("NONE",),
}


def _refuse_unsupported(definition: dict[str, AnyJSON]) -> None:
    for path, values in _SUPPORTED.items():
        found: AnyJSON = definition
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None and found not in values:
            wanted = f"use {' or '.join(values)}"
            raise SyntaxProblem(f"{path[-1]} {dumps(found)} is not supported; {wanted}", path, NOT_SUPPORTED)


class DistributedMapState(MapState):
    """Map with ProcessorConfig Mode DISTRIBUTED."""

    __slots__ = ("batch_bytes", "batch_input", "batch_items", "count", "express", "label", "max_items", "percentage",
                 "reader", "reader_config", "reader_resource", "writer", "writer_resource")  # fmt: skip

    def __init__(
        self,
        name: str,
        definition: dict[str, AnyJSON],
        *,
        jsonata: bool,
        compile_branch: Callable[[dict[str, AnyJSON], str], State],
    ) -> None:
        super().__init__(name, definition, jsonata=jsonata, compile_branch=compile_branch)
        _refuse_unsupported(definition)
        self.label: str | None = definition.get("Label")
        processor = definition.get("ItemProcessor") or definition.get("Iterator") or {}
        self.express = (processor.get("ProcessorConfig") or {}).get("ExecutionType") == "EXPRESS"
        self.count = Number("ToleratedFailureCount", definition, jsonata=jsonata)
        self.percentage = Number("ToleratedFailurePercentage", definition, jsonata=jsonata, percentage=True)
        reader = definition.get("ItemReader") or {}
        config = reader.get("ReaderConfig") or {}
        self.reader_resource: str | None = reader.get("Resource")
        self.reader = self._arguments(reader, "ItemReader")
        self.max_items = Number("MaxItems", config, jsonata=jsonata, signed=True)
        self.reader_config = self._compile_object(
            {key: value for key, value in config.items() if not key.startswith("MaxItems")}, "ItemReader/ReaderConfig"
        )
        batcher = definition.get("ItemBatcher") or {}
        self.batch_items = Number("MaxItemsPerBatch", batcher, jsonata=jsonata) if batcher else None
        self.batch_bytes = Number("MaxInputBytesPerBatch", batcher, jsonata=jsonata)
        self.batch_input: Evaluate | None = None
        if "BatchInput" in batcher:
            self.batch_input = self._compile_object(batcher["BatchInput"], "ItemBatcher/BatchInput")
        writer = definition.get("ResultWriter") or {}
        self.writer_resource: str | None = writer.get("Resource")
        self.writer = self._arguments(writer, "ResultWriter")

    def _arguments(self, part: dict[str, AnyJSON], where: str) -> Evaluate:
        field = "Arguments" if self.jsonata else "Parameters"
        return self._compile_object(part.get(field) or {}, f"{where}/{field}")

    def _compile_object(self, value: AnyJSON, where: str) -> Evaluate:
        if self.jsonata:
            return compile_jsonata_value(value, location=where).evaluate
        return compile_template(value, field=where).evaluate

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Start a Map Run; its items are read first when there is an ItemReader."""
        scope, value = self.effective(execution, thread)
        plan = Plan(value, int(self.max_concurrency.value(scope) or 0))
        items = None if self.reader_resource is not None else self.item_list(scope, value)
        self.note_started(execution, thread, 0 if items is None else len(items))
        self._evaluate(scope, plan)
        command_id = thread.command_id(self.key)
        source = execution.seeded(f"{command_id}/map-run")
        run = MapRun(execution.machine_arn, self.label, source, execution.now, plan.limit)
        execution.map_runs.append(run)
        thread.events.append((_RUN_STARTED, thread.last, execution.now, run.arn))
        thread.last = len(thread.events)
        fork = RunFork(self, thread, plan, run)
        if items is not None:
            return fork.begin(execution, items)
        if plan.max_items < 0:
            return self.run_failed(execution, thread, fork, ITEM_READER_FAILED, "field MaxItems must be positive")
        assert self.reader_resource is not None  # noqa: S101 - items is None
        arguments, config = plan.reader
        command = ReadItems(f"{command_id}/items", self.name, self.reader_resource, arguments, config)
        execution.command(command, self._items_read, thread)
        return None

    def _evaluate(self, scope: Scope, plan: Plan) -> None:
        plan.count = self.count.value(scope)
        plan.percentage = self.percentage.value(scope)
        if self.reader_resource is not None:
            plan.max_items = self.max_items.value(scope) or 0
            config = self.reader_config(scope)
            plan.reader = (self.reader(scope), {**config, "MaxItems": plan.max_items} if plan.max_items else config)
        if self.batch_items is not None:
            limit = int(self.batch_bytes.value(scope) or 0)
            plan.batch = (int(self.batch_items.value(scope) or 0), min(limit or MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES))
            plan.batch_input = None if self.batch_input is None else self.batch_input(scope)
        if self.writer_resource is not None:
            plan.writer = self.writer(scope)

    def _items_read(self, execution: Execution, thread: Thread, fact: Fact) -> State | None:
        thread.waiting = None
        fork = thread.child
        assert isinstance(fork, RunFork)  # noqa: S101 - `start` has made it
        if isinstance(fact, TaskFailed):
            return self.run_failed(execution, thread, fork, ITEM_READER_FAILED, fact.cause)
        if not isinstance(fact, ItemsRead):
            raise execution.unexpected(fact)
        return fork.begin(execution, fact.items)

    def inputs(
        self, execution: Execution, thread: Thread, plan: Plan, items: list[AnyJSON]
    ) -> Iterator[tuple[AnyJSON, int]]:
        """(input, number of items) of each child execution, made when it is due."""
        values = (self.item_value(execution, thread, plan.value, index, item) for index, item in enumerate(items))
        if plan.batch is None:
            return ((value, 1) for value in values)
        max_items, max_bytes = plan.batch
        has_input = self.batch_input is not None
        return batches(
            values, max_items=max_items, max_bytes=max_bytes, batch_input=plan.batch_input, has_input=has_input
        )

    def all_ended(self, execution: Execution, thread: Thread, fork: RunFork) -> State | None:
        """Every item is done: write the results when a ResultWriter wants them."""
        if self.writer_resource is None:
            return self._run_succeeded(execution, thread, fork, [each for each in fork.results if each is not _NOTHING])
        arguments = fork.plan.writer
        folder = f"{arguments.get('Prefix') or ''}".rstrip("/")
        prefix = f"{folder}/{fork.run.id}/" if folder else f"{fork.run.id}/"
        files = result_files(
            fork.run, arguments.get("Bucket"), prefix, {key: list(rows.values()) for key, rows in fork.records.items()}
        )
        command_id = f"{thread.command_id(self.key)}/results"
        command = WriteResults(command_id, self.name, self.writer_resource, arguments, prefix, files)
        execution.command(command, self._results_written, thread)
        return None

    def _results_written(self, execution: Execution, thread: Thread, fact: Fact) -> State | None:
        thread.waiting = None
        fork = thread.child
        assert isinstance(fork, RunFork)  # noqa: S101 - `start` has made it
        if isinstance(fact, TaskFailed):
            return self.run_failed(execution, thread, fork, RESULT_WRITER_FAILED, fact.cause)
        arguments, run = fork.plan.writer, fork.run
        run.items.written = run.items.succeeded + run.items.failed
        run.executions.written = run.executions.succeeded + run.executions.failed
        folder = f"{arguments.get('Prefix') or ''}".rstrip("/")
        key = f"{folder}/{run.id}/manifest.json" if folder else f"{run.id}/manifest.json"
        details = {"Bucket": arguments.get("Bucket"), "Key": key}
        return self._run_succeeded(execution, thread, fork, {"MapRunArn": run.arn, "ResultWriterDetails": details})

    def _run_succeeded(self, execution: Execution, thread: Thread, fork: RunFork, result: AnyJSON) -> State | None:
        fork.run.end("SUCCEEDED", execution.now)
        thread.child = None
        thread.events.append((_RUN_SUCCEEDED, thread.last, execution.now))
        thread.last = len(thread.events)
        thread.events.append((SUCCEEDED, thread.last, execution.now))
        return self.finish(execution, thread, result)

    def run_failed(
        self, execution: Execution, thread: Thread, fork: RunFork, error: str, cause: str | None
    ) -> State | None:
        """Write MapRunFailed; Retry and Catch decide what is next."""
        fork.run.end("FAILED", execution.now)
        thread.child = None
        thread.events.append((_RUN_FAILED, thread.last, execution.now, error, cause))
        thread.last = len(thread.events)
        return execution.state_failed(thread, error, cause)
