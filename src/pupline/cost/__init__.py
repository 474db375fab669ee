"""What a number of images costs on AWS, design by design: counted requests times one dated table of prices.

Running the workflow's own file with stubs for its tasks counts the states and functions that an image passes. Nobody
can count seconds and bytes of logs in advance: they are in `Assumptions`, which an audit replaces as far as it knows.

Not included: the free tier, taxes, storage beyond `storage_month`, X-Ray, KMS, retries, and data transfer to the
internet (there is none: images come in).
"""

from pupline.cost._assumptions import Assumptions
from pupline.cost._bills import Bill, CostQuery, bills, storage_month
from pupline.cost._prices import PRICES_AS_OF, PRICES_REGION, PRICES_USD, to_cents

__all__ = [
    "PRICES_AS_OF",
    "PRICES_REGION",
    "PRICES_USD",
    "Assumptions",
    "Bill",
    "CostQuery",
    "bills",
    "storage_month",
    "to_cents",
]
