"""`--shard I/N` splits a source by host: every image in exactly one shard, all images of a host in the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.bulk import IngestRequest, preview
from pupline.bulk._shard import Shard
from pupline.errors import ConfigurationError
from pupline.tasks.layout import manifest_key, summary_key
from tests.shared.sharded_world import ADDRESSES, World, sharded_world


@pytest.mark.slow
@given(host=st.text(max_size=30), path=st.text(max_size=10), count=st.integers(1, 50))
def test_every_text_is_in_exactly_one_shard(host: str, path: str, count: int) -> None:
    """Whatever a list names; those that are not URLs too."""
    url = f"https://{host}/{path}"
    assert sum(Shard(number, count).has(url) for number in range(1, count + 1)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://images.dog.ceo",
        "https://IMAGES.dog.ceo/a.jpg?b#c",
        "https://images.dog.ceo:8443/breeds/x",
        "https://images.dog.ceo:443/?https://other.org/",
    ],
)
def test_the_shard_is_that_of_the_hosts_name(url: str) -> None:
    """In any spelling, with any port, on any machine: the first 64 bits of its SHA-256, modulo N."""
    assert [Shard(number, 4).has(url) for number in (1, 2, 3, 4)] == [False, False, True, False]


def test_what_is_not_a_url_is_reported_by_one_shard() -> None:
    """Always the same, so that each such row is in the audit once."""
    shards = [[Shard(number, 7).has(text) for text in ("row 3: no URL", "ftp//x", "http://")] for number in range(1, 8)]
    assert sorted(shards) == [[False] * 3] * 6 + [[True] * 3]


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4", "1/1000000", " 1/4", "1 / 4"])
def test_other_forms_are_refused(text: str) -> None:
    """With the form that is right."""
    with pytest.raises(ConfigurationError, match=r"--shard .*: give I/N, such as 1/4 to 4/4"):
        IngestRequest(source="a.txt", shard=text)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A list of all their images, and of one row without a URL."""
    with sharded_world(tmp_path) as world:
        yield world


@pytest.mark.slow
def test_shards_are_all_of_the_source_without_overlap(world: World) -> None:
    """Each host is asked by one machine alone; the others' images are counted, and are no failures."""
    listed: list[str] = []
    for number in (1, 2, 3):
        for host in world.hosts.values():
            host.asked.clear()
        report = world.ingest(f"m{number}", f"{number}/3", run_id="monday")
        assert (report.run_id, report.status) == (f"monday-{number}of3", "SUCCEEDED")
        asked = {address for address, host in world.hosts.items() if host.asked}
        assert asked == {address for address, shard in ADDRESSES.items() if shard == number}
        lines = world.read(f"m{number}", manifest_key("dogs", report.run_id)).splitlines()
        listed += [json.loads(line)["url"] for line in lines]
        summary = json.loads(world.read(f"m{number}", summary_key("dogs", report.run_id)))
        assert (summary["shard"], summary["other_shards"]) == (f"{number}/3", report.other_shards)
        assert report.counts.items + report.repeated + report.other_shards == 14
        assert report.counts.outcomes["failed"] == 0
    (unusable,) = set(listed) - set(world.urls)
    assert "no URL" in unusable
    assert len(listed) == 13


@pytest.mark.slow
def test_a_shard_is_resumed_as_such_and_another_is_another_run(world: World) -> None:
    """In one data directory too; the run remembers its shard."""
    first = world.ingest("m", "3/3", count=2)
    assert world.ingest("m", "3/3", count=2, run_id=first.run_id).counts.done == 2
    with pytest.raises(ConfigurationError, match="was started with another source, dataset or count"):
        world.ingest("m", None, count=2, run_id=first.run_id)
    other = world.ingest("m", "2/3")
    assert other.run_id != first.run_id
    again = world.ingest("m", "3/3", incremental=True)
    assert (again.known, again.repeated) == (3, 0)  # one of the two is listed twice


@pytest.mark.slow
def test_retrying_a_shards_failures_is_of_that_shard(world: World) -> None:
    """By the run that failed; `--shard` splits the failures of an unsharded run."""
    lost = dict(world.hosts["127.0.0.5"].bodies)
    world.hosts["127.0.0.5"].bodies = {}
    failed = world.ingest("m", "1/3", run_id="monday")
    whole = world.ingest("all", None, run_id="all")
    world.hosts["127.0.0.5"].bodies = lost
    retried = world.ingest("m", None, source=None, retry_failed=failed.run_id)
    assert retried.run_id.endswith("-1of3")
    assert (retried.counts.items, retried.counts.outcomes["stored"]) == (3, 3)
    parts = [world.ingest("all", f"{n}/2", source=None, retry_failed=whole.run_id) for n in (1, 2)]
    assert sorted((part.counts.items, part.other_shards) for part in parts) == [(0, 3), (3, 0)]


def test_a_preview_lists_the_shard_alone(world: World) -> None:
    """And counts the others."""
    found = preview(world.request("3/3"))
    urls = [item.url for item in found.items]
    assert set(world.urls[:2]) <= set(urls)
    assert found.other_shards == 14 - len(urls)
