"""All that `pupline cost` says about a number of images."""

from dataclasses import dataclass

from pupline.cost._bill import Bill, BillLine
from pupline.cost._designs import Workflows, bills
from pupline.cost._monthly import fixed_month, images_month, records_month
from pupline.cost._query import CostQuery, SingleFlow
from pupline.cost._schedule import Alternative, BulkSchedule, alternatives


@dataclass(frozen=True, slots=True)
class Estimate:
    """The bills, and how long the designs of this stack take. alternatives: BulkIngest with other numbers of
    batches at the same time.

    monthly: for the stack itself, and for keeping what the single flow left.
    """

    query: CostQuery
    bills: list[Bill]
    standard: SingleFlow
    express: SingleFlow | None
    bulk: BulkSchedule
    alternatives: list[tuple[Bill, Alternative]]
    monthly: tuple[BillLine, ...]

    @classmethod
    def of(cls, workflows: Workflows, query: CostQuery) -> "Estimate":
        """The estimate of a query."""
        standard, express = workflows.flows(query)
        others = [(_bulk_bill(workflows, other.query), other) for other in alternatives(query)]
        monthly = (*fixed_month(), images_month(query), *records_month(query))
        return cls(query, bills(workflows, query), standard, express, BulkSchedule.of(query), others, monthly)


def _bulk_bill(workflows: Workflows, query: CostQuery) -> Bill:
    return next(bill for bill in bills(workflows, query) if bill.design == "bulk")
