"""What one host is spared: by default, by its source's rules, by what the user says."""

from dataclasses import replace

import pytest

from pupline.bulk import IngestRequest
from pupline.bulk._source_rules import POLITE_CONCURRENCY, host_limits
from pupline.http import FetchPolicy, Origin
from pupline.sources import ImageSource, resolve
from pupline.specs import Limits

NAMED, FOREIGN = Origin("http", "127.0.0.1", 8099), Origin("https", "images.example", 443)


def source(limits: Limits) -> ImageSource:
    """A Dog-CEO-compatible API with these limits."""
    return replace(resolve(f"{NAMED}/api"), limits=limits)


@pytest.mark.parametrize(
    ("origin", "asked", "own", "expected"),
    [
        (FOREIGN, None, None, POLITE_CONCURRENCY),
        (FOREIGN, 20, None, 20),
        (FOREIGN, 20, 3, 3),
        (FOREIGN, None, 30, POLITE_CONCURRENCY),
        (NAMED, None, None, None),
        (NAMED, 2, None, 2),
    ],
)
def test_requests_at_one_host(origin: Origin, asked: int | None, own: int | None, expected: int | None) -> None:
    """A host that the user did not name gets few requests at once; the user may change that, the source lower it."""
    request = IngestRequest(source=f"{NAMED}/api", host_concurrency=asked)
    limits = Limits(concurrency=own, image_concurrency=own)
    found = host_limits(source(limits), FetchPolicy(trusted=frozenset({NAMED})), request, origin)
    assert found.concurrency == expected


def test_the_smaller_rate_holds() -> None:
    """Neither the source's rate nor the user's is exceeded."""
    request = IngestRequest(source=f"{NAMED}/api", rate=5.0)
    for own, expected in ((2.0, 2.0), (9.0, 5.0)):
        found = host_limits(source(Limits(rps=own, image_rps=own)), FetchPolicy(), request, FOREIGN)
        assert found.rate == expected
