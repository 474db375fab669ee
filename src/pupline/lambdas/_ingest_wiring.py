"""IngestBatch's services in Lambda, from its environment, read once.

`DOG_BUCKET`, `PREFIX`, `QUARANTINE_PREFIX`, `MEMO_TABLE`, `ALLOW_ORIGINS`, `TIMEOUT_SECONDS`, `MAX_BYTES`,
`MAX_PIXELS`, `CONTACT`: as for FetchAndUploadDogImage. `DDB_TABLE`: the audit table. `CONCURRENCY`: parallel requests.

Images are fetched from public addresses, and from the origins that the environment allows. The workflow's input cannot
add origins: permission to start an execution must not be permission to send requests to private addresses.
"""

import os
from collections.abc import Mapping
from functools import cache

from pupline.aws import DynamoDBAuditTable, dynamodb_client, s3_client
from pupline.errors import ConfigurationError
from pupline.http import FetchPolicy, HttpClient, user_agent
from pupline.lambdas._alert_rules import packaged_workflow
from pupline.lambdas._fetch_settings import FetchSettings, ready_network
from pupline.lambdas._runtime import SystemClock, required
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.batch_fetch import RobotsCache
from pupline.tasks.ingest_batch import BatchServices

MAX_CONCURRENCY = 64


@cache
def batch_services() -> BatchServices:
    """IngestBatch's services, made once in this process. Raises: ConfigurationError."""
    settings = FetchSettings.from_environment(os.environ)
    concurrency = concurrency_of(os.environ)
    policy = settings.limited(FetchPolicy(user_agent=user_agent(settings.contact)))
    client = HttpClient(policy, ready_network(), idle_connections=concurrency)
    dynamodb = dynamodb_client()
    return BatchServices(
        client=client,
        robots=RobotsCache(client),
        storage=settings.storage(s3_client(connections=concurrency), dynamodb),
        table=DynamoDBAuditTable(dynamodb, required(os.environ, "DDB_TABLE")),
        clock=SystemClock(),
        alert_rules=AlertRules.of(packaged_workflow()),
        concurrency=concurrency,
        rules=settings.rules,
    )


def concurrency_of(environment: Mapping[str, str]) -> int:
    """Requests at the same time. Raises: ConfigurationError."""
    value = environment.get("CONCURRENCY", "") or "8"
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_CONCURRENCY):
        raise ConfigurationError(f"CONCURRENCY is {value!r}; give a whole number from 1 to {MAX_CONCURRENCY}")
    return int(value)
