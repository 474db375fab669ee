"""How hard an ingest hits a host: requests at once, requests a second, pauses that were asked for."""

from bisect import bisect_right
from pathlib import Path

from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import records_of
from tests.e2e.ingest_kennel import Kennel, serving
from tests.shared.installed import pupline


def kennel(count: int) -> Kennel:
    """`count` sound images."""
    return Kennel({f"pug/n{number:04}.jpg": jpeg(number) for number in range(count)}, delay_seconds=0.01)


def test_no_more_requests_at_once_than_asked_for_over_all_workers(tmp_path: Path) -> None:
    """The server never sees more; and it sees as many, or the limit would not be what held them back."""
    served = kennel(120)
    with serving(served) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--concurrency", 6, "--workers", 3)
    assert done.returncode == 0, done.stderr
    assert served.most == 6


def test_no_more_requests_at_one_host_than_asked_for(tmp_path: Path) -> None:
    """However many may be under way in all."""
    served = kennel(120)
    with serving(served) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--concurrency", 16, "--host-concurrency", 3, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert served.most == 3


def test_no_more_requests_a_second_than_asked_for(tmp_path: Path) -> None:
    """No span of time sees more than its share, but for one early request and the burst of a twentieth of a second."""
    served, rate = kennel(60), 50
    with serving(served) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--rate", rate, "--workers", 2)
    assert done.returncode == 0, done.stderr
    times = sorted(served.times)
    for first, began in enumerate(times):
        for span in (0.1, 0.3, 0.9):
            assert bisect_right(times, began + span) - first <= 2 + (span + 0.1) * rate


def test_a_host_that_asks_for_a_pause_gets_it(tmp_path: Path) -> None:
    """429 with Retry-After: nothing is asked of the host for so long, then the image is had."""
    served = kennel(20)
    paused = list(served.images)[7]
    served.flaws[paused] = "wait_1"
    with serving(served) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--concurrency", 1, "--run-id", "r")
    assert done.returncode == 0, done.stderr
    assert {record["outcome"] for record in records_of(tmp_path, "r").values()} == {"stored"}
    assert served.asked[paused] == 2
    gaps = [later - sooner for sooner, later in zip(served.times, served.times[1:], strict=False)]
    assert max(gaps) >= 0.99
