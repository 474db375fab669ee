"""The Lambda function IngestBatch."""

from typing import Any

from pupline.errors import InvalidInput
from pupline.json_values import JSON
from pupline.lambdas._ingest_wiring import batch_services
from pupline.lambdas._invocation import logged_invocation, made_at_init, print_line
from pupline.lambdas._metrics import round_metrics
from pupline.lambdas._runtime import SystemClock, metrics_namespace
from pupline.tasks.batch_input import BatchRound
from pupline.tasks.ingest_batch import ingest_batch
from pupline.tasks.task_input import TaskInput, checked_input


def handler(event: TaskInput, context: Any) -> dict[str, JSON]:
    """The Lambda entry point."""
    with logged_invocation(handler, context) as facts:
        if not isinstance(checked_input(event).get("batch"), dict):
            raise InvalidInput("the event has no batch; BulkIngest's child executions give one")
        batch = BatchRound.from_input(event)
        facts |= {"execution": batch.run.workflow_execution, "run": batch.run.run, "dataset": batch.run.dataset}
        facts |= {"batch": batch.name, "items": len(batch.items)}
        results: list[dict[str, Any]] = []
        seconds = context.get_remaining_time_in_millis() / 1000 - 45
        answer = ingest_batch(event, batch_services(), seconds, results.append)
        facts |= {"outcome": "unfinished" if answer["unfinished"] else "finished", "repeated": not results}
        for result in results:
            facts |= {name: result[name] for name in ("outcomes", "reasons", "wait_seconds")}
            _add_metrics(result, facts)
        return answer


def _add_metrics(result: dict[str, Any], facts: dict[str, JSON]) -> None:
    """Add the metrics of a round to the line, and print what does not fit into one object."""
    if namespace := metrics_namespace():
        first, *others = round_metrics(result, namespace, SystemClock().now())
        facts |= first
        for other in others:
            print_line(other)


made_at_init(batch_services, "DOG_BUCKET", "DDB_TABLE", "MEMO_TABLE")
