"""SummariseIngest's services in Lambda, from its environment, read once. `DOG_BUCKET`: the bucket."""

import os
from functools import cache

from pupline.aws import S3Store, s3_client
from pupline.lambdas._runtime import SystemClock, required
from pupline.tasks.summarise_ingest import SummaryServices

_CONCURRENCY = 16


@cache
def summary_services() -> SummaryServices:
    """SummariseIngest's services, made once in this process. Raises: ConfigurationError."""
    store = S3Store(s3_client(connections=_CONCURRENCY), required(os.environ, "DOG_BUCKET"))
    return SummaryServices(store=store, clock=SystemClock(), concurrency=_CONCURRENCY)
