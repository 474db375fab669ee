"""What SummariseIngest stands on in Lambda: the bucket that `DOG_BUCKET` names, and the time."""

import os
from functools import cache

from pupline.aws import S3Store, s3_client
from pupline.lambdas._audit_wiring import SystemClock
from pupline.lambdas._environment import required
from pupline.tasks.summarise_ingest import SummaryServices

_CONCURRENCY = 16


@cache
def summary_services() -> SummaryServices:
    """SummariseIngest's services, made at its first call in this process. Raises: ConfigurationError."""
    store = S3Store(s3_client(connections=_CONCURRENCY), required(os.environ, "DOG_BUCKET"))
    return SummaryServices(store=store, clock=SystemClock(), concurrency=_CONCURRENCY)
