"""Map in DISTRIBUTED mode: a Map Run of child executions.

The children run inside the same core, so one journal holds them, but each has its own history, variables and Context
Object. A child's history is dropped when it ends; a run over 100,000 items holds the items, the results, and the
children that are running.

The parent's history has only the start and the end of the Map Run. MapStateSucceeded and MapStateExited point at
MapRunSucceeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pupline.asl import _history as history
from pupline.asl._commands import ReadItems, WriteResults
from pupline.asl._errors import NOT_SUPPORTED, SyntaxProblem
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._facts import Fact, ItemsRead, TaskFailed
from pupline.asl._texts import MAX_PAYLOAD_BYTES
from pupline.asl._thread import Thread
from pupline.asl.states._base import State
from pupline.asl.states._batches import batches
from pupline.asl.states._child_executions import NO_RESULT, MapRunFork, Plan
from pupline.asl.states._map import STARTED, SUCCEEDED, MapState
from pupline.asl.states._map_run import MapRun, flattened, result_files, transformed
from pupline.asl.states._numbers import Number
from pupline.asl.states._resource import in_one_partition
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution

_RUN_STARTED = history.named("MapRunStarted", "mapRunArn")
_RUN_SUCCEEDED = history.EventKind("MapRunSucceeded")
_RUN_FAILED = history.failure("MapRunFailed")

ITEM_READER_FAILED = "States.ItemReaderFailed"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"

#: Path in the state -> the values that are supported there.
_SUPPORTED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("ItemReader", "Resource"): ("arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2"),
    ("ResultWriter", "Resource"): ("arn:aws:states:::s3:putObject",),
}


def _refuse_unsupported(definition: dict[str, AnyJSON]) -> None:
    for path, values in _SUPPORTED.items():
        found: AnyJSON = definition
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str):
            found = in_one_partition(found)
        if found is not None and found not in values:
            wanted = f"use {' or '.join(values)}"
            raise SyntaxProblem(f"{path[-1]} {dumps(found)} is not supported; {wanted}", path, NOT_SUPPORTED)


def _resource_of(place: dict[str, AnyJSON]) -> str | None:
    arn: str | None = place.get("Resource")
    return None if arn is None else in_one_partition(arn)


class DistributedMapState(MapState):
    """Map with ProcessorConfig Mode DISTRIBUTED."""

    __slots__ = ("batch_bytes", "batch_input", "batch_items", "count", "express", "json_lines", "keeps_records",
                 "label", "max_items", "percentage", "reader", "reader_config", "reader_resource", "transformation",
                 "writer", "writer_resource")  # fmt: skip

    def __init__(
        self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool, compile_branch: Callable[..., State]
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
        self.reader_resource = _resource_of(reader)
        self.reader = self._arguments(reader, "ItemReader")
        self.max_items = Number("MaxItems", config, jsonata=jsonata, signed=True)
        self.reader_config = self.compile_value(
            {key: value for key, value in config.items() if not key.startswith("MaxItems")}, "ItemReader/ReaderConfig"
        )
        batcher = definition.get("ItemBatcher") or {}
        self.batch_items = Number("MaxItemsPerBatch", batcher, jsonata=jsonata) if batcher else None
        self.batch_bytes = Number("MaxInputBytesPerBatch", batcher, jsonata=jsonata)
        self.batch_input: Evaluate | None = None
        if "BatchInput" in batcher:
            self.batch_input = self.compile_value(batcher["BatchInput"], "ItemBatcher/BatchInput")
        writer = definition.get("ResultWriter") or {}
        config = writer.get("WriterConfig") or {}
        self.json_lines = config.get("OutputType") == "JSONL"
        # With a bucket the default is NONE: all about each child. Without one it is COMPACT: only the outputs.
        default = "NONE" if "Resource" in writer else "COMPACT"
        self.transformation: str = config.get("Transformation", default)
        self.keeps_records = "Resource" in writer or self.transformation == "NONE"
        self.writer_resource = _resource_of(writer)
        self.writer = self._arguments(writer, "ResultWriter")

    def _arguments(self, part: dict[str, AnyJSON], where: str) -> Evaluate:
        field = "Arguments" if self.jsonata else "Parameters"
        return self.compile_value(part.get(field) or {}, f"{where}/{field}")

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Start a Map Run; its items are read first when there is an ItemReader."""
        scope = self.input_scope(execution, thread)
        plan = Plan(scope.input, int(self.max_concurrency.value(scope) or 0))
        items = None if self.reader_resource is not None else self.item_list(scope)
        thread.write(STARTED, execution.now, 0 if items is None else len(items))
        self._evaluate(scope, plan)
        command_id = thread.command_id(self.key)
        source = execution.seeded(f"{command_id}/map-run")
        run = MapRun(execution.machine_arn, self.label, source, execution.now, plan.limit)
        execution.map_runs.append(run)
        thread.write(_RUN_STARTED, execution.now, run.arn)
        fork = MapRunFork(self, thread, plan, run)
        if items is not None:
            return fork.begin(execution, items)
        if plan.max_items < 0:
            return self.run_failed(execution, thread, fork, ITEM_READER_FAILED, "field MaxItems must be positive")
        assert self.reader_resource is not None  # noqa: S101 - items is None
        arguments, config = plan.reader
        attempt = self._count_call(execution, "ItemReader")
        command = ReadItems(f"{command_id}/items", self.name, self.reader_resource, arguments, config, attempt)
        execution.command(command, self._items_read, thread)
        return None

    def _count_call(self, execution: Execution, part: str) -> int:
        """How often this part of the state has been called before."""
        calls, key = execution.calls, f"{self.name}.{part}"
        calls[key] = attempt = calls.get(key, -1) + 1
        return attempt

    def plan(self, scope: Scope) -> Plan:
        """What a Map Run that starts in this scope does."""
        plan = Plan(scope.input, int(self.max_concurrency.value(scope) or 0))
        self._evaluate(scope, plan)
        return plan

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
        assert isinstance(fork, MapRunFork)  # noqa: S101 - `start` has made it
        if isinstance(fact, TaskFailed):
            return self.run_failed(execution, thread, fork, ITEM_READER_FAILED, fact.cause)
        if not isinstance(fact, ItemsRead):
            raise execution.unexpected_fact(fact)
        return fork.begin(execution, fact.items)

    def inputs(
        self, execution: Execution, thread: Thread, plan: Plan, items: list[AnyJSON]
    ) -> Iterator[tuple[AnyJSON, int]]:
        """(input, number of items) of each child execution, evaluated when it starts."""
        values = (self.item_value(execution, thread, plan.value, index, item) for index, item in enumerate(items))
        if plan.batch is None:
            return ((value, 1) for value in values)
        max_items, max_bytes = plan.batch
        common = {} if self.batch_input is None else {"BatchInput": plan.batch_input}
        return batches(values, common, max_items=max_items, max_bytes=max_bytes)

    def all_ended(self, execution: Execution, thread: Thread, fork: MapRunFork) -> State | None:
        """End the run, or write its results first when there is a ResultWriter."""
        if self.writer_resource is None:
            return self._run_succeeded(execution, thread, fork, self._results(fork))
        arguments, prefix = fork.plan.writer, _results_prefix(fork)
        records = {status: list(rows.values()) for status, rows in fork.records.items()}
        records["SUCCEEDED"] = transformed(records["SUCCEEDED"], self.transformation)
        files = result_files(
            fork.run, arguments.get("Bucket"), prefix, records, suffix="jsonl" if self.json_lines else "json"
        )
        command_id = f"{thread.command_id(self.key)}/results"
        attempt = self._count_call(execution, "ResultWriter")
        command = WriteResults(command_id, self.name, self.writer_resource, arguments, prefix, files, attempt)
        execution.command(command, self._results_written, thread)
        return None

    def _results(self, fork: MapRunFork) -> list[AnyJSON]:
        """The state's result: the outputs, flattened or not, or the records of the children, in the items' order."""
        if self.transformation == "NONE":
            rows = {index: row for records in fork.records.values() for index, row in records.items()}
            return [rows[index] for index in sorted(rows)]
        results = [each for each in fork.results if each is not NO_RESULT]
        return flattened(results) if self.transformation == "FLATTEN" else results

    def _results_written(self, execution: Execution, thread: Thread, fact: Fact) -> State | None:
        thread.waiting = None
        fork = thread.child
        assert isinstance(fork, MapRunFork)  # noqa: S101 - `start` has made it
        if isinstance(fact, TaskFailed):
            return self.run_failed(execution, thread, fork, RESULT_WRITER_FAILED, fact.cause)
        arguments, run = fork.plan.writer, fork.run
        run.items.written = run.items.succeeded + run.items.failed
        run.executions.written = run.executions.succeeded + run.executions.failed
        details = {"Bucket": arguments.get("Bucket"), "Key": f"{_results_prefix(fork)}manifest.json"}
        return self._run_succeeded(execution, thread, fork, {"MapRunArn": run.arn, "ResultWriterDetails": details})

    def _run_succeeded(self, execution: Execution, thread: Thread, fork: MapRunFork, result: AnyJSON) -> State | None:
        fork.run.end("SUCCEEDED", execution.now)
        thread.child = None
        thread.write(_RUN_SUCCEEDED, execution.now)
        thread.events.append((SUCCEEDED, thread.last, execution.now))
        return self.finish(execution, thread, result)

    def run_failed(
        self, execution: Execution, thread: Thread, fork: MapRunFork, error: str, cause: str | None
    ) -> State | None:
        """Write MapRunFailed; then Retry and Catch apply."""
        fork.run.end("FAILED", execution.now)
        thread.child = None
        thread.write(_RUN_FAILED, execution.now, error, cause)
        return execution.state_failed(thread, error, cause)


def _results_prefix(fork: MapRunFork) -> str:
    """The prefix of the result files: AWS makes a folder for each Map Run."""
    folder = str(fork.plan.writer.get("Prefix") or "").rstrip("/")
    return f"{folder}/{fork.run.id}/" if folder else f"{fork.run.id}/"
