"""The bills of `pupline cost` for people: the designs side by side, by service, and what the table cannot say."""

from decimal import Decimal
from typing import TYPE_CHECKING

from pupline.cli._output import cell, console, size
from pupline.cli._table import Column, show_table
from pupline.text import plain_number, plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pupline.cost import Assumptions, Bill, BulkSchedule, Estimate

_STACK = ("stack", "stack_express", "bulk")
_WORDS = {
    "standard_transition": "transitions",
    "express_request": "Express requests",
    "express_gb_second": "Express time",
    "lambda_gb_second": "Lambda time",
    "lambda_request": "Lambda requests",
    "s3_put": "PUT",
    "s3_get": "GET",
    "dynamodb_write": "writes",
    "dynamodb_read": "reads",
    "sns_publish": "SNS",
    "sns_email": "e-mail",
    "logs_gb": "logs",
    "kms_request": "KMS requests",
}
_LARGEST = 3
_SINGLE_FLOW_AT_MOST = 1_000_000
_UNITS = ((365 * 86_400, "years"), (2 * 86_400, "days"), (2 * 3_600, "hours"), (120, "minutes"))
_DIVISORS = {"years": 365 * 86_400, "days": 86_400, "hours": 3_600, "minutes": 60}


def show(estimate: "Estimate") -> None:
    """Print the table, then what each design is, how long it takes, and what is not in the total."""
    from pupline.cost import PRICES_AS_OF, PRICES_REGION, questions

    out, query = console(), estimate.query
    columns = [Column("dollars"), *(Column(bill.name, right=True, left_out=_rank(bill)) for bill in estimate.bills)]
    show_table(out, columns, _rows(estimate), plural(query.images, "image"))
    for bill in estimate.bills:
        title = bill.title.removeprefix(f"{bill.name}: ")
        out.print(f"{bill.name}: {title}; {bill.note}. {_largest(bill)}.")
    out.print()
    out.print(f"List prices of {PRICES_REGION}, {PRICES_AS_OF}, without free tier. {_basis(query.assumptions)}")
    _show_single_flow(out, estimate)
    _show_bulk(out, estimate)
    _show_months(out, estimate)
    ways = "; ".join(f"${_tenths(usd)} for {way}" for way, usd in questions(query).items())
    out.print(f"Asking for all of these records: {ways}.")


def duration(seconds: float) -> str:
    """Seconds for people: `45 seconds`, `3.4 minutes`, `28 hours`, `203 days`, `3.2 years`."""
    unit = next((name for least, name in _UNITS if seconds >= least), None)
    if unit is None:
        return f"{seconds:.0f} seconds"
    amount = seconds / _DIVISORS[unit]
    return f"{amount:,.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def _rank(bill: "Bill") -> int:
    """Bare designs leave the table first where it is too narrow."""
    return 0 if bill.design in _STACK else 1


def _rows(estimate: "Estimate") -> "list[list[Text]]":
    bills = estimate.bills
    services = list(dict.fromkeys(service for bill in bills for service in bill.by_service()))
    rows = [[cell(name), *(cell(_money(bill.by_service().get(name))) for bill in bills)] for name in services]
    rows.append([cell("total", "bold"), *(cell(f"${bill.usd:,}", "bold") for bill in bills)])
    around = [_money(bill.usd_with_around if bill.around else None) for bill in bills]
    rows.append([cell("with tracing, events"), *map(cell, around)])
    times = {"stack": estimate.standard.seconds, "bulk": estimate.bulk.seconds}
    if estimate.express:
        times["stack_express"] = estimate.express.seconds
    rows.append([cell("time"), *(cell(duration(times[b.design]) if b.design in times else "") for b in bills)])
    return rows


def _largest(bill: "Bill") -> str:
    from pupline.cost import to_cents

    ranked = sorted(bill.items, key=lambda item: -item.usd)[:_LARGEST]
    return ", ".join(f"${to_cents(item.usd):,} {_WORDS[item.price]}" for item in ranked if to_cents(item.usd))


def _money(usd: Decimal | None) -> str:
    from pupline.cost import to_cents

    return "" if usd is None else f"{to_cents(usd):,}"


def _tenths(usd: Decimal) -> str:
    """Dollars to a tenth of a cent where they are few."""
    return f"{usd:,.3f}" if usd < 1 else _money(usd)


def _basis(assumptions: "Assumptions") -> str:
    if not assumptions.records:
        return "Seconds, sizes and log bytes are assumed; take them from an audit: --from-audit."
    shares = f"{assumptions.alerts:.1%} alerts, {assumptions.failed:.1%} failures, {assumptions.stored:.1%} new objects"
    counted = plural(assumptions.records, "audit record")
    return f"Counted in {counted}: {shares}, {size(int(assumptions.image_bytes))} an image."


def _show_single_flow(out: "Console", estimate: "Estimate") -> None:
    query = estimate.query
    rate = f"{plain_number(query.start_rate)} starts a second"
    for name, flow in (("Standard", estimate.standard), ("Express", estimate.express)):
        if flow and flow.throttled.retries:
            lost = f", and {flow.throttled.lost:.1%} of the executions give up" if flow.throttled.lost else ""
            out.print(
                f"{name}, {rate}, reserved concurrency {query.fetch_concurrency}: each execution is throttled "
                f"{flow.throttled.retries:.1f} times{lost}."
            )
    if query.images > _SINGLE_FLOW_AT_MOST:
        out.print(
            f"One execution per image is not meant for {plural(query.images, 'image')}: at {rate} it takes "
            f"{duration(estimate.standard.seconds)}, and each image pays for an execution, memos and an index of its "
            "own. It is for images that come one by one; BulkIngest is for lists."
        )


def _show_bulk(out: "Console", estimate: "Estimate") -> None:
    bulk = estimate.bulk
    runs, batches = plural(bulk.plan.runs, "run"), plural(bulk.plan.batches, "batch", "batches")
    at_once = plural(bulk.plan.concurrency, "batch", "batches")
    usd = next(bill.usd for bill in estimate.bills if bill.design == "bulk")
    out.print(
        f"BulkIngest: {runs}, {batches}, {at_once} at the same time: {_pace(bulk)}, ${usd:,}. "
        f"The limit is {bulk.ceiling}."
    )
    for bill, other in estimate.alternatives:
        warm = "once S3 and DynamoDB have grown with the load, " if other.is_warm else ""
        out.print(
            f"With --bulk-concurrency {other.query.bulk_concurrency}, {warm}up to {other.until}: "
            f"{_pace(other.schedule)}, ${bill.usd:,}."
        )


def _pace(schedule: "BulkSchedule") -> str:
    return f"{schedule.images_per_second:,.0f} images a second, {_hours(schedule.seconds)}"


def _hours(seconds: float) -> str:
    """Hours, and what people call so many: `4.9 hours`, `4,872 hours (203 days)`."""
    said = duration(seconds)
    return said if said.endswith("hours") or seconds < 3600 else f"{seconds / 3600:,.0f} hours ({said})"


def _show_months(out: "Console", estimate: "Estimate") -> None:
    from pupline.cost import fixed_month, storage_month, sum_of

    query = estimate.query
    kept = size(int(query.images * query.assumptions.stored * query.assumptions.image_bytes))
    out.print(f"Keeping the new images ({kept}) costs ${storage_month(query):,} a month.")
    fixed, records = sum_of(fixed_month()), sum_of(estimate.monthly) - sum_of(fixed_month()) - storage_month(query)
    out.print(
        f"Each month also ${_money(fixed)} for the key, alarms, metrics and dashboard, and ${_money(records)} for what "
        "executions for each image leave: records with index and backup, and memos and logs while they are kept."
    )
