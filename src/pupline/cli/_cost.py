"""`pupline cost`: what a number of images costs on AWS."""

from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options, was_typed
from pupline.cli._command import Command
from pupline.cli._options import json_option
from pupline.cli._output import cell, console, message, print_json, size
from pupline.cli._table import Column, show_table
from pupline.text import plural

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.cost import Assumptions, Bill, CostQuery

_COLUMNS = [
    Column("design", needs=28),
    Column("total", right=True),
    Column("of which", needs=28),
    Column("note", needs=20, left_out=1),
]
_WORDS = {
    "standard_transition": "transitions",
    "express_request": "Express requests",
    "express_gb_second": "Express time",
    "lambda_gb_second": "Lambda time",
    "lambda_request": "Lambda requests",
    "s3_put": "PUT",
    "s3_get": "GET",
    "dynamodb_write": "writes",
    "sns_publish": "SNS",
    "sns_email": "e-mail",
    "logs_gb": "logs",
}
_LARGEST = 3


@click.command(cls=Command)
@click.option("--images", type=click.IntRange(1, 10**12), default=1_000_000, show_default=True, help="How many.")
@click.option("--batch", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Images per invocation.")
@click.option("--from-audit", is_flag=True, help="Take shares and mean sizes from the audit instead of assuming them.")
@backend_options
@json_option
def cost(images: int, batch: int, from_audit: bool, backend: "Backend", as_json: bool) -> int:
    """The bill for a number of images, by design, at list prices of one region, without free tier.

    Transitions and invocations are counted by running the workflow's file; seconds and log bytes are assumed. With
    --from-audit the shares of alerts, duplicates and failures and the mean sizes come from the audit records.
    """
    from pupline.backends import BULK_NAME, load_workflow
    from pupline.cost import Assumptions, CostQuery, bills

    if from_audit:
        assumed = Assumptions().counted(backend.records())
        if not assumed.records:
            message("The audit is empty: nothing was counted, everything is assumed.")
    elif was_typed("--backend") or was_typed("--stack"):
        raise click.UsageError("--backend and --stack name the audit to count: they go with --from-audit")
    else:
        assumed = Assumptions()
    query = CostQuery(images, batch, assumed)
    found = bills(load_workflow(), load_workflow(BULK_NAME), query)
    if as_json:
        for bill in found:
            print_json(_as_dict(bill, query))
    else:
        _show(found, query)
    return 0


def _as_dict(bill: "Bill", query: "CostQuery") -> dict[str, Any]:
    from pupline.cost import PRICES_AS_OF, PRICES_REGION, PRICES_USD

    items = [
        {
            "item": item.price,
            "quantity": float(item.quantity),
            "unit_usd": float(PRICES_USD[item.price]),
            "usd": round(float(item.usd), 6),
        }
        for item in bill.items
    ]
    return {
        "design": bill.design,
        "title": bill.title,
        "note": bill.note,
        "images": query.images,
        "batch": query.batch,
        "total_usd": float(bill.usd),
        "items": items,
        "records_counted": query.assumptions.records,
        "prices_as_of": PRICES_AS_OF,
        "region": PRICES_REGION,
    }


def _show(found: "list[Bill]", query: "CostQuery") -> None:
    from pupline.cost import PRICES_AS_OF, PRICES_REGION, storage_month

    out = console()
    rows = [[cell(bill.title), cell(f"${bill.usd:,}"), cell(_largest(bill)), cell(bill.note)] for bill in found]
    show_table(out, _COLUMNS, rows, plural(query.images, "image"))
    out.print(f"List prices of {PRICES_REGION}, {PRICES_AS_OF}, without free tier. {_basis(query.assumptions)}")
    kept = size(int(query.images * query.assumptions.stored * query.assumptions.image_bytes))
    out.print(f"Keeping the new images ({kept}) costs ${storage_month(query):,} a month.")


def _largest(bill: "Bill") -> str:
    from pupline.cost import to_cents

    ranked = sorted(bill.items, key=lambda item: -item.usd)[:_LARGEST]
    return ", ".join(f"${to_cents(item.usd):,} {_WORDS[item.price]}" for item in ranked if to_cents(item.usd))


def _basis(assumptions: "Assumptions") -> str:
    if not assumptions.records:
        return "Seconds, sizes and log bytes are assumed, and no alerts; take them from an audit: --from-audit."
    shares = (
        f"{assumptions.alerts:.1%} alerts, {assumptions.failures:.1%} failures, {assumptions.stored:.1%} new objects"
    )
    counted = plural(assumptions.records, "audit record")
    return f"Counted in {counted}: {shares}, {size(int(assumptions.image_bytes))} an image."
