"""`pupline cost`: what a number of images costs on AWS."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options, was_typed
from pupline.cli._command import Command
from pupline.cli._numbers import NumberRange, large_count
from pupline.cli._options import json_option
from pupline.cli._output import message, print_json
from pupline.cli._workflow_option import own_workflow
from pupline.errors import ConfigurationError

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.cost import Alternative, Assumptions, Bill, BillLine, CostQuery, Estimate

_ORDER = ("stack", "standard", "express", "bulk", "map", "floor", "stack_express")
"""Of designs in --json: programs may count on the places of those that were there first."""

_PERCENT = NumberRange(0, 100)


@click.command(cls=Command)
@click.option(
    "--images",
    metavar="NUMBER",
    callback=large_count,
    default="1000000",
    show_default=True,
    help="How many, such as 50000, 1_000_000, 1M or 1e9.",
)
@click.option("--batch", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Images per invocation.")
@click.option("--alerts", type=_PERCENT, help="Percent of images that alert. [default: 0, or the audit's]")
@click.option("--rate-limited", type=_PERCENT, default=0, show_default=True, help="Percent asked once to wait.")
@click.option(
    "--start-rate",
    type=NumberRange(0.001, 100_000),
    default=10,
    show_default=True,
    help="Executions started a second, one for each image.",
)
@click.option(
    "--fetch-concurrency",
    type=click.IntRange(0, 100_000),
    default=0,
    show_default=True,
    help="Reserved concurrency of FetchAndUploadDogImage, or the account's; 0 for no limit.",
)
@click.option(
    "--bulk-concurrency", type=click.IntRange(1, 10_000), default=4, show_default=True, help="Batches at the same time."
)
@click.option(
    "--host-rate", type=NumberRange(0.001, 10**9), help="Images a second that all hosts allow. [default: no limit]"
)
@click.option("--from-audit", is_flag=True, help="Take shares and mean sizes from the audit instead of assuming them.")
@backend_options
@json_option
def cost(
    from_audit: bool,
    alerts: float | None,
    rate_limited: float,
    host_rate: float | None,
    backend: "Backend",
    as_json: bool,
    **numbers: Any,
) -> int:
    """The bill for a number of images, by design, at list prices of one region, without free tier.

    Transitions, invocations and retries are counted by running the workflow's file; seconds and log bytes are assumed.
    With --from-audit the shares of alerts, duplicates and failures and the mean sizes come from the audit records.
    For BulkIngest it also says how many runs and hours that takes, and what limits it.
    """
    from pupline.cli._cost_table import show
    from pupline.cost import CostQuery

    assumed = _assumptions(backend, from_audit=from_audit)
    if alerts is not None:
        assumed = replace(assumed, alerts=Decimal(str(alerts)) / 100)
    assumed = replace(assumed, rate_limited=Decimal(str(rate_limited)) / 100)
    if assumed.shares > 1:
        raise click.UsageError("alerts, failures and images asked to wait come to more than 100 percent")
    query = CostQuery(assumptions=assumed, host_rate=host_rate or float("inf"), **numbers)
    _check_batches(query)
    estimate = _estimate(query)
    if as_json:
        for bill in sorted(estimate.bills, key=lambda bill: _ORDER.index(bill.design)):
            print_json(_as_dict(bill, estimate))
    else:
        show(estimate)
    return 0


def _assumptions(backend: "Backend", *, from_audit: bool) -> "Assumptions":
    from pupline.cost import Assumptions

    if not from_audit:
        if was_typed("--backend") or was_typed("--stack"):
            raise click.UsageError("--backend and --stack name the audit to count: they go with --from-audit")
        return Assumptions()
    counted = Assumptions().counted(backend.records())
    if not counted.records:
        message("The audit is empty: nothing was counted, everything is assumed.")
    return counted


def _check_batches(query: "CostQuery") -> None:
    """Say so where a batch would take longer than it has."""
    from pupline.cost import BATCH_SECONDS

    if query.batch_ms > BATCH_SECONDS * 1000:
        message(
            f"A batch of {query.batch_images:,} images would take {query.batch_ms / 1000:,.0f} s, but has"
            f" {BATCH_SECONDS} s: give a smaller --batch, or fewer batches at the same time with --bulk-concurrency."
        )


def _estimate(query: "CostQuery") -> "Estimate":
    from pupline.backends import BULK_NAME, load_workflow
    from pupline.cost import Estimate, Workflows

    chosen = own_workflow(None)
    standard = load_workflow(chosen=chosen)
    try:
        express = load_workflow(chosen=chosen, is_express=True)
    except ConfigurationError:
        express = None
        message("The workflow cannot be Express, so there is no such design.")
    return Estimate.of(Workflows.of(standard, express, load_workflow(BULK_NAME, chosen)), query)


def _as_dict(bill: "Bill", estimate: "Estimate") -> dict[str, Any]:
    from pupline.cost import PRICES_AS_OF, PRICES_REGION, percent_by_service, questions

    query = estimate.query
    shares = percent_by_service(bill)
    return {
        "design": bill.design,
        "title": bill.title,
        "note": bill.note,
        "images": query.images,
        "batch": query.batch,
        "total_usd": float(bill.usd),
        "items": [_line(item) for item in bill.items],
        "records_counted": query.assumptions.records,
        "prices_as_of": PRICES_AS_OF,
        "region": PRICES_REGION,
        "services": [
            {"service": service, "usd": round(float(usd), 6), "percent": shares[service]}
            for service, usd in bill.by_service().items()
        ],
        "tracing_and_events": [_line(item) for item in bill.around],
        "total_with_tracing_and_events_usd": float(bill.usd_with_around),
        "usd_per_million": round(float(bill.usd) / query.images * 1_000_000, 6),
        **_schedule(bill, estimate),
        "each_month": [_line(item) for item in estimate.monthly],
        "questions": [{"way": way, "usd": round(float(usd), 6)} for way, usd in questions(query).items()],
    }


def _line(item: "BillLine") -> dict[str, Any]:
    from pupline.cost import PRICES_USD

    return {
        "item": item.price,
        "quantity": float(item.quantity),
        "unit_usd": float(PRICES_USD[item.price]),
        "usd": round(float(item.usd), 6),
    }


def _schedule(bill: "Bill", estimate: "Estimate") -> dict[str, Any]:
    """Fields of the designs of this stack: how long they take, and why; nothing for the bare ones."""
    query, bulk = estimate.query, estimate.bulk
    flow = {"stack": estimate.standard, "stack_express": estimate.express}.get(bill.design)
    if flow is not None:
        return {
            "hours": round(flow.seconds / 3600, 3),
            "start_rate": query.start_rate,
            "fetch_concurrency": query.fetch_concurrency,
            "throttled_attempts_per_image": round(flow.throttled.retries, 3),
            "lost_to_throttling_percent": round(flow.throttled.lost * 100, 3),
        }
    if bill.design != "bulk":
        return {}
    return {
        "hours": round(bulk.seconds / 3600, 3),
        "runs": bulk.plan.runs,
        "batches": bulk.plan.batches,
        "bulk_concurrency": query.bulk_concurrency,
        "images_per_second": round(bulk.images_per_second, 3),
        "limited_by": bulk.ceiling,
        "alternatives": [_alternative(bill, other) for bill, other in estimate.alternatives],
        "ceilings": {name: round(rate, 3) for name, rate in bulk.rates.items() if rate != float("inf")},
    }


def _alternative(bill: "Bill", other: "Alternative") -> dict[str, Any]:
    return {
        "bulk_concurrency": other.query.bulk_concurrency,
        "images_per_second": round(other.schedule.images_per_second, 3),
        "hours": round(other.schedule.seconds / 3600, 3),
        "total_usd": float(bill.usd),
        "up_to": other.until,
        "when_grown": other.is_warm,
    }
