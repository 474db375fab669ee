"""The bill of each design."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from pupline.asl import StateMachine
from pupline.cost._assumptions import DEPLOYED_MB
from pupline.cost._bill import Bill, BillLine
from pupline.cost._paths import FETCH, RETRY_AFTER_SECONDS, WorkflowPaths, bulk_transitions
from pupline.cost._query import CostQuery, SingleFlow
from pupline.cost._requests import (
    BATCH_GETS,
    BATCH_PUTS,
    CLAIM_WRITES,
    INTENT_WRITES,
    KEYS_PER_LIST,
    PICKED_READS,
    PICKED_WRITES,
    RECORD_WRITES,
    RESULT_GETS,
    RUN_GETS,
    RUN_PUTS,
    SUMMARY_GETS,
)
from pupline.cost._schedule import BulkSchedule
from pupline.cost._throttling import THROTTLED

_EXPRESS_MB = 64
_EXPRESS_STEP_MS = 100
_KEY_SECONDS = 300
"""How long services keep a data key before they ask KMS again, as Step Functions, S3 and DynamoDB do."""

_KEY_USERS = 6
"""Pairs of a service and a caller, each with a data key of its own: state machine, functions, bucket, tables, topic."""

DEPLOYED_EVENTS = True
"""Whether the bucket's events go to EventBridge, which are billed whether or not a rule listens."""

_TRACED_A_SECOND = 1
_TRACED_BEYOND = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Workflows:
    """The state machines of the stack: DogUploaderPipeline, as each WorkflowType, and BulkIngest.

    express: None where a user's own workflow cannot be Express. bulk_transitions: of the parent execution of one run.
    """

    standard: WorkflowPaths
    express: WorkflowPaths | None
    bulk_transitions: int

    @classmethod
    def of(cls, standard: StateMachine, express: StateMachine | None, bulk: StateMachine) -> "Workflows":
        """Of the machines, as AWS runs them."""
        return cls(WorkflowPaths(standard), WorkflowPaths(express) if express else None, bulk_transitions(bulk))

    def flows(self, query: CostQuery) -> tuple[SingleFlow, SingleFlow | None]:
        """The usage of one execution per image, Standard and Express."""
        express = SingleFlow.of(query, self.express) if self.express else None
        return SingleFlow.of(query, self.standard), express


def bills(workflows: Workflows, query: CostQuery) -> list[Bill]:
    """The designs: those of this stack, then the bare ones, from the most convenient to the minimum."""
    deployed = replace(query, assumptions=query.assumptions.as_deployed())
    standard, express = workflows.flows(deployed)
    return [
        Bill.of(
            (
                "stack",
                "Standard",
                "this stack: Standard, random images",
                "each choice and each download remembered, the audit indexed by day",
            ),
            BillLine("standard_transition", standard.transitions),
            *_single_image_lines(standard),
            *_stack_lines(standard),
        ),
        *([_express_stack_bill(express)] if express else []),
        Bill.of(
            (
                "bulk",
                "BulkIngest",
                f"this stack: BulkIngest, {query.batch:,} images per invocation",
                f"{query.batches:,} children, safe to repeat; one digest of all alerts",
            ),
            *_bulk_lines(workflows.bulk_transitions, deployed),
        ),
        *_bare_bills(workflows, query),
    ]


def _express_stack_bill(flow: SingleFlow) -> Bill:
    return Bill.of(
        (
            "stack_express",
            "Express",
            "this stack: WorkflowType EXPRESS, random images",
            "the same, five minutes at most; no history but the log, no redrive",
        ),
        *_express_lines(flow),
        *_single_image_lines(flow),
        *_stack_lines(flow),
    )


def _bare_bills(workflows: Workflows, query: CostQuery) -> list[Bill]:
    """What the designs are compared with: nothing is remembered, nothing indexed, nothing measured."""
    standard, express = workflows.flows(query)
    plain, alert = standard.paths.plain.transitions, standard.paths.alert.transitions
    with_alert = f" ({alert} with an alert)" if query.assumptions.alerts else ""
    return [
        Bill.of(
            (
                "standard",
                "bare Standard",
                f"one Standard execution per image, {plain} transitions{with_alert}",
                "images named by URL, no index",
            ),
            BillLine("standard_transition", standard.transitions),
            *_single_image_lines(standard),
        ),
        *([_bare_express_bill(express)] if express else []),
        Bill.of(
            (
                "map",
                "bare Map",
                f"Distributed Map, Express children, {query.batch:,} images per invocation",
                f"{query.batches:,} children; alerts as one digest of each",
            ),
            *_map_lines(query),
        ),
        Bill.of(
            ("floor", "floor", "floor: one PUT and one write per image", "nothing else at all"),
            *_minimum_lines(query),
        ),
    ]


def _bare_express_bill(flow: SingleFlow) -> Bill:
    words = ("express", "bare Express", "the same as Express", "no history, no redrive")
    return Bill.of(words, *_express_lines(flow), *_single_image_lines(flow))


def _minimum_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """What every design needs. S3 bills a PUT whose name is taken, too, and the request for what is there."""
    given = query.assumptions
    return (
        BillLine("s3_put", query.images * (1 - given.failed + given.renamed)),
        BillLine("s3_get", query.images * given.conflicts),
        BillLine("dynamodb_write", query.images * Decimal(query.write_units)),
    )


def _single_image_lines(flow: SingleFlow) -> tuple[BillLine, ...]:
    """What one execution per image needs besides the execution."""
    given, calls = flow.query.assumptions, flow.invocations
    gb_ms = sum((count * given.gb_ms(name) for name, count in calls.items()), Decimal(0))
    requests = sum(calls.values(), Decimal(0))
    return (
        *_minimum_lines(flow.query),
        BillLine("lambda_gb_second", gb_ms / 1000),
        BillLine("lambda_request", requests),
        _logs(flow.query, calls),
        *_alert_lines(flow.query, flow.publishes),
    )


def _stack_lines(flow: SingleFlow) -> tuple[BillLine, ...]:
    """What template.yaml adds: memos of the image picked and of the intent, the index by day; keys, traces, events."""
    query, given = flow.query, flow.query.assumptions
    fetched = query.images * (1 - given.failed)
    picked = query.images * (1 - given.failures.get(THROTTLED, Decimal(0)))
    index = (RECORD_WRITES - 1) * query.write_units * Decimal(query.images)
    return (
        BillLine("dynamodb_read", PICKED_READS * flow.invocations.get(FETCH, Decimal(0))),
        BillLine("dynamodb_write", PICKED_WRITES * picked + INTENT_WRITES * fetched + index),
        *_around_lines(Decimal(query.images), query.images * given.stored, flow.seconds),
    )


def _express_lines(flow: SingleFlow) -> tuple[BillLine, ...]:
    milliseconds = _billed_ms(flow.milliseconds)
    return (
        BillLine("express_request", Decimal(flow.query.images)),
        BillLine("express_gb_second", _express_gb_seconds(flow.query.images * milliseconds)),
    )


def _bulk_lines(parent_transitions: int, query: CostQuery) -> tuple[BillLine, ...]:
    """What runs of BulkIngest use: its calls as tests/aws counts them, its own states as its file has them.

    A batch with an image whose server asked to wait has a second round for these.
    """
    schedule, given = BulkSchedule.of(query), query.assumptions
    plan = schedule.plan
    batches, runs, summaries = Decimal(plan.batches), plan.runs, plan.summary_invocations
    again = batches * query.batches_with(given.rate_limited)
    rounds = batches + again
    lists = -(-plan.batches // KEYS_PER_LIST)
    # A second invocation for one run enters two states again: SummariseIngest, CheckComplete.
    transitions = runs * parent_transitions + 2 * (summaries - runs)
    batch_ms = (batches + batches * given.rate_limited) * query.batch_ms
    summary_ms = runs * 1_000 + Decimal(str(plan.summary_seconds)) * 1_000
    created = query.images * given.stored + rounds * BATCH_PUTS + runs * RUN_PUTS
    return (
        *_minimum_lines(query),
        BillLine("s3_put", rounds * BATCH_PUTS + lists + runs * RUN_PUTS),
        BillLine("s3_get", rounds * (BATCH_GETS + RESULT_GETS) + runs * RUN_GETS + summaries * SUMMARY_GETS),
        BillLine("standard_transition", batches + transitions),
        *_child_lines(query, batches),
        BillLine("express_gb_second", _express_gb_seconds(again * RETRY_AFTER_SECONDS * 1000)),
        BillLine("lambda_gb_second", _lambda_gb_seconds("IngestBatch", batch_ms)),
        BillLine("lambda_gb_second", _lambda_gb_seconds("SummariseIngest", summary_ms)),
        BillLine("lambda_request", rounds + summaries),
        _logs(query, {"IngestBatch": rounds, "SummariseIngest": Decimal(summaries)}),
        *_alert_lines(query, query.digests(Decimal(2 * runs))),
        BillLine("dynamodb_write", CLAIM_WRITES * batches * query.batches_with(given.alerts)),
        *_around_lines(rounds, created, schedule.seconds),
    )


def _map_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """One parent transition, one Express execution and one invocation for each batch; a digest where images alerted."""
    batches = Decimal(query.batches)
    return (
        *_minimum_lines(query),
        BillLine("standard_transition", batches),
        *_child_lines(query, batches),
        BillLine("lambda_gb_second", batches * query.assumptions.batch_mb / 1024 * query.batch_ms / 1000),
        BillLine("lambda_request", batches),
        _logs(query, {"IngestBatch": batches}),
        *_alert_lines(query, query.digests(batches)),
    )


def _child_lines(query: CostQuery, batches: Decimal) -> tuple[BillLine, ...]:
    """One Express execution for each batch."""
    milliseconds = _billed_ms(Decimal(query.batch_ms + query.assumptions.task_overhead_ms))
    return (
        BillLine("express_request", batches),
        BillLine("express_gb_second", _express_gb_seconds(batches * milliseconds)),
    )


def _around_lines(traceable: Decimal, created: Decimal, seconds: float) -> tuple[BillLine, ...]:
    """Keys, traces and events. traceable: requests that X-Ray may sample. created: objects."""
    lasting = Decimal(str(seconds))
    always = min(traceable, lasting * _TRACED_A_SECOND)
    return (
        BillLine("kms_request", _KEY_USERS * (lasting / _KEY_SECONDS).to_integral_value(ROUND_CEILING)),
        BillLine("xray_trace", always + _TRACED_BEYOND * (traceable - always)),
        BillLine("s3_event", created * DEPLOYED_EVENTS),
    )


def _logs(query: CostQuery, calls: Mapping[str, Decimal]) -> BillLine:
    return BillLine("logs_gb", query.assumptions.logged(calls, query.images) / 10**9)


def _alert_lines(query: CostQuery, publishes: Decimal) -> tuple[BillLine, ...]:
    emails = publishes * query.assumptions.emails_per_alert
    return BillLine("sns_publish", publishes), BillLine("sns_email", emails)


def _billed_ms(milliseconds: Decimal) -> Decimal:
    return (milliseconds / _EXPRESS_STEP_MS).to_integral_value(ROUND_CEILING) * _EXPRESS_STEP_MS


def _express_gb_seconds(milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * _EXPRESS_MB / 1024


def _lambda_gb_seconds(function: str, milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * DEPLOYED_MB[function] / 1024
