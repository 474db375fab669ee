"""What a number of images costs on AWS, design by design: counted requests times one dated table of prices.

Running the workflow's own file with stubs for its tasks counts the states and functions that an image passes; a
simulation with its Retriers counts throttled attempts. Nobody can count seconds and bytes of logs in advance: they are
in `Assumptions`, which an audit replaces as far as it knows.

Not included: the free tier, taxes, and data transfer to the internet (there is none: images come in). X-Ray's traces
and the bucket's events are apart from the total, and so is what is due each month.
"""

from pupline.cost._assumptions import Assumptions
from pupline.cost._bill import Bill, BillLine, percent_by_service, sum_of
from pupline.cost._designs import Workflows, bills
from pupline.cost._estimate import Estimate
from pupline.cost._monthly import fixed_month, storage_month
from pupline.cost._prices import PRICES_AS_OF, PRICES_REGION, PRICES_USD, to_cents
from pupline.cost._query import CostQuery
from pupline.cost._questions import questions
from pupline.cost._schedule import Alternative, BulkSchedule
from pupline.tasks.ingest_batch import BATCH_SECONDS

__all__ = [
    "BATCH_SECONDS",
    "PRICES_AS_OF",
    "PRICES_REGION",
    "PRICES_USD",
    "Alternative",
    "Assumptions",
    "Bill",
    "BillLine",
    "BulkSchedule",
    "CostQuery",
    "Estimate",
    "Workflows",
    "bills",
    "fixed_month",
    "percent_by_service",
    "questions",
    "storage_month",
    "sum_of",
    "to_cents",
]
