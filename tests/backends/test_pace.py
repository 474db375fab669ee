"""How a run through the state machine is spread over batches, so that no host is asked for more than it should be."""

from typing import Any

import pytest

from pupline.backends._bulk_ingest import execution_input
from pupline.backends._manifest import Manifest
from pupline.bulk import IngestRequest
from pupline.sources import resolve


@pytest.mark.parametrize(
    ("source", "asked", "batches", "requests"),
    [
        ("sample", {"concurrency": 32}, 4, 8),
        ("sample", {"concurrency": 32, "host_concurrency": 16}, 2, 8),
        ("sample", {"concurrency": 32, "host_concurrency": 3}, 1, 3),
        ("sample", {"concurrency": 2, "host_concurrency": 3}, 1, 2),
        ("wikimedia-commons", {"concurrency": 32, "host_concurrency": 64}, 1, 2),
    ],
)
def test_no_more_requests_at_once_than_one_host_may_get(
    source: str, asked: dict[str, Any], batches: int, requests: int
) -> None:
    """In all batches together, for they may all be at the same host: the strictest of the three limits holds."""
    request = IngestRequest(source=source, dataset="dogs", run_id="r1", **asked)
    given = execution_input(request, resolve(source), Manifest(100, 0))
    assert (given["concurrency"], given["requests"]) == (batches, requests)


@pytest.mark.parametrize(("limit", "batches", "rate"), [(None, 8, 2.0), (4, 4, 4.0), (1, 1, 16.0), (1000, 8, 2.0)])
def test_no_more_batches_at_once_than_the_stack_may_run(limit: int | None, batches: int, rate: float) -> None:
    """Those that run share the rate of the host."""
    request = IngestRequest(source="sample", dataset="dogs", run_id="r1", concurrency=64, rate=16)
    given = execution_input(request, resolve("sample"), Manifest(100, 0), limit)
    assert (given["concurrency"], given["requests"], given["rate"]) == (batches, 8, rate)
