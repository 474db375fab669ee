"""The Lambda function SummariseIngest."""

from typing import Any

from pupline.json_values import JSON
from pupline.lambdas._invocation import logged_invocation, made_at_init, text_at
from pupline.lambdas._metrics import run_metrics
from pupline.lambdas._runtime import SystemClock, metrics_namespace
from pupline.lambdas._summary_wiring import summary_services
from pupline.tasks.summarise_ingest import summarise_ingest
from pupline.tasks.task_input import TaskInput, checked_input, moment_or_none

_LAST_SECONDS = 60
"""Of an invocation, for requests under way and the last writes."""


def handler(event: TaskInput, context: Any) -> dict[str, JSON]:
    """The Lambda entry point."""
    with logged_invocation(handler, context) as facts:
        facts |= {name: text_at(checked_input(event), name) for name in ("execution", "run", "dataset")}
        seconds = context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
        answer = summarise_ingest(event, summary_services(), seconds)
        facts |= {name: answer[name] for name in ("items", "done", "failed", "outcomes") if name in answer}
        facts["outcome"] = "unfinished" if answer.get("more") else "complete" if answer["complete"] else "incomplete"
        if (namespace := metrics_namespace()) and answer.get("complete"):
            facts |= run_metrics(answer, moment_or_none(event, "started"), namespace, SystemClock().now())
        return answer


made_at_init(summary_services, "DOG_BUCKET")
