"""The workflows of this checkout, and their bills."""

from decimal import Decimal

from pupline.asl import StateMachine
from pupline.backends import BULK_NAME, load_workflow
from pupline.cost import Bill, CostQuery, Workflows, bills

PIPELINE = load_workflow()
BULK = load_workflow(BULK_NAME)
WORKFLOWS = Workflows.of(PIPELINE, load_workflow(is_express=True), BULK)


def by_design(query: CostQuery, pipeline: StateMachine | None = None) -> dict[str, Bill]:
    """The bills by their short names; of another DogUploaderPipeline without Express, if one is given."""
    workflows = Workflows.of(pipeline, None, BULK) if pipeline else WORKFLOWS
    return {bill.design: bill for bill in bills(workflows, query)}


def usd_of(bill: Bill, *prices: str) -> Decimal:
    """What these lines come to."""
    return sum((item.usd for item in bill.items if item.price in prices), Decimal(0))


def quantities_of(bill: Bill) -> dict[str, float]:
    """The quantity of each price."""
    return {item.price: float(item.quantity) for item in bill.items}
