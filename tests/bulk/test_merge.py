"""`merge` joins data directories exactly: what one machine would have made, whatever was killed on the way."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk import MergeReport, merge
from pupline.errors import ConfigurationError, StorageError
from pupline.images import candidate_names
from pupline.local import GroupCommitter, LocalBackend
from pupline.tasks.layout import summary_key
from tests.shared.sharded_world import World, sharded_world

pytestmark = pytest.mark.slow


class Merging(World):
    """Three shards, and the directory that they are merged into."""

    machines = ("m1", "m2", "m3")

    def fetch(self) -> None:
        """Have each machine fetch its shard, and one machine all of it; some images are on every host."""
        urls = [*self.urls, *(f"{host.origin}/same.png" for host in self.hosts.values())]
        self.list.write_text("\n".join([*urls, f"{self.urls[0]}?gone", "no URL"]))
        for number, name in enumerate(self.machines, start=1):
            self.ingest(name, f"{number}/3", run_id="monday")
        self.ingest("one", None, run_id="monday")

    def merge(self, *machines: str, **options: Any) -> MergeReport:
        """The result of merging them into `all`."""
        return merge(self.folder / "all", [self.folder / name for name in machines or self.machines], **options)

    def facts(self, machine: str) -> dict[str, Any]:
        """What a directory holds, without what only clocks, runs and places decide."""
        with LocalBackend.open(self.folder / machine, exclusive=False) as backend:
            objects = Counter(
                (one.key.partition("/")[0], one.sha256) for one in backend.bucket().objects() if one.size_bytes
            )
            for one in backend.bucket().objects():
                assert hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256
            images = Counter({key: count for key, count in objects.items() if key[0] in {"html", "quarantine"}})
            records = list(backend.audit.records())
            by_url = {one.source_url: (one.sha256, one.file_type, one.alert_triggered) for one in records}
            for record in records:
                if record.image_url:
                    path = backend.bucket().path(f"html/{record.image_name}")
                    assert path is not None
                    assert path.as_uri() == record.image_url
            outcomes = Counter(record.outcome for record in records)
            return {"images": images, "by_url": by_url, "outcomes": outcomes, "records": len(records)}

    def metadata(self, machine: str, run: str) -> list[dict[str, Any]]:
        """The rows of a run."""
        lines = self.read(machine, f"datasets/dogs/metadata/jsonl/run={run}/part-00000.jsonl").decode().splitlines()
        return list(map(json.loads, lines))

    def snapshot(self, machine: str) -> dict[str, bytes]:
        """The files of a directory's buckets."""
        root = self.folder / machine / "buckets"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Merging]:
    """Shards that are fetched."""
    with sharded_world(tmp_path) as found:
        merging = Merging(tmp_path, found.hosts)
        merging.fetch()
        yield merging


def test_the_result_is_what_one_machine_made(world: Merging) -> None:
    """The same images once, a record for each address, names told apart by the usual rule; sources as they were."""
    before = {name: world.snapshot(name) for name in world.machines}
    report = world.merge()
    assert sorted(report.runs) == ["monday-1of3", "monday-2of3", "monday-3of3"]
    assert (report.lost, report.notes, report.copied) == (0, [], 0)
    assert world.facts("all") == world.facts("one")
    assert {name: world.snapshot(name) for name in world.machines} == before
    with LocalBackend.open(world.folder / "all", exclusive=False) as backend:
        for key in backend.bucket().keys("html/dogs/"):
            name = key.rpartition("/")[2]
            plain = name.partition("-")[0] + "." + name.rpartition(".")[2] if "-" in name else name
            (sha256,) = (one.sha256 for one in backend.bucket().objects(key) if one.key == key)
            assert name in set(candidate_names(plain, sha256))
    assert list((world.folder / "all" / "tmp").iterdir()) == []


def test_metadata_alerts_and_summaries_come_along(world: Merging) -> None:
    """Each run keeps its partition, its figures and its alerts, which are not delivered again."""
    world.merge()
    for number, name in enumerate(world.machines, start=1):
        run = f"monday-{number}of3"
        then, now = (world.metadata(where, run) for where in (name, "all"))
        kept = ("url", "index", "sha256", "upload_timestamp", "began_at", "ended_at", "width", "alert_reasons", "etag")
        assert [{key: row[key] for key in kept} for row in now] == [{key: row[key] for key in kept} for row in then]
        for key in (f"datasets/dogs/runs/{run}/manifest.jsonl", f"datasets/dogs/runs/{run}/failures.jsonl"):
            assert world.read("all", key) == world.read(name, key)
        before, after = (json.loads(world.read(where, summary_key("dogs", run))) for where in (name, "all"))
        same = ("run", "began_at", "ended_at", "seconds", "listed", "other_shards", "shard", "done", "status", "total")
        assert {key: after[key] for key in same} == {key: before[key] for key in same}
    with LocalBackend.open(world.folder / "all", exclusive=False) as backend:
        assert backend.database.rows("SELECT count(*) FROM alerts")[0][0] >= 3
        assert backend.database.rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_merging_again_changes_nothing_and_adds_what_is_new(world: Merging) -> None:
    """In any order and portions."""
    world.merge("m2")
    world.merge("m3", "m1")
    whole = world.snapshot("all")
    again = world.merge()
    assert (again.runs, sorted(again.known), again.items) == ([], ["monday-1of3", "monday-2of3", "monday-3of3"], 0)
    assert world.snapshot("all") == whole
    assert world.facts("all") == world.facts("one")
    world.ingest("m1", "1/3", run_id="tuesday")
    assert world.merge().runs == ["tuesday-1of3"]


@pytest.mark.parametrize("at", range(3))
def test_a_merge_that_was_broken_off_continues(world: Merging, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Wherever it was."""
    calls = Counter[str]()
    take = GroupCommitter.take

    def failing(self: GroupCommitter, arrivals: Any) -> None:
        calls["take"] += 1
        if calls["take"] == at + 1:
            take(self, arrivals[: len(arrivals) // 2])
            raise StorageError("the disk is away")
        take(self, arrivals)

    monkeypatch.setattr(GroupCommitter, "take", failing)
    with pytest.raises(StorageError, match="away"):
        world.merge()
    monkeypatch.undo()
    with LocalBackend.open(world.folder / "all", exclusive=True) as backend:
        (row,) = [row for row in backend.ingests.all() if row.status == "RUNNING"]
    with pytest.raises(ConfigurationError, match="cannot be continued: it is being merged: repeat pupline merge"):
        world.ingest("all", None, source=None, resume=True)
    with LocalBackend.open(world.folder / "all", exclusive=True) as backend:
        backend.ingests.end(row.ingest_id, "ABORTED")  # by pupline stop
    world.merge()
    assert world.facts("all") == world.facts("one")


def test_unfinished_runs_and_clashing_names_are_refused_before_anything(world: Merging) -> None:
    """In one line that says what to do."""
    with pytest.raises(ConfigurationError, match=r"there is no data directory .*none"):
        world.merge("m1", "none")
    world.ingest("other", None, run_id="monday-1of3")
    with pytest.raises(ConfigurationError, match=r"have different runs with the name 'monday-1of3'.*--shard"):
        world.merge("m1", "other")
    with pytest.raises(ConfigurationError, match="m1 is named twice; name each directory once"):
        world.merge("m1", "m1")
    with LocalBackend.open(world.folder / "m2", exclusive=True) as backend:
        backend.ingests.reopen(backend.ingests.get("monday-2of3").ingest_id)
    with pytest.raises(ConfigurationError, match="the run 'monday-2of3' is unfinished; finish it with: pupline resume"):
        world.merge("m1", "m2")
    assert not (world.folder / "all").exists()


def test_a_run_that_was_discarded_here_stays_so(world: Merging) -> None:
    """It is noted, and the others are merged."""
    world.merge("m1")
    with LocalBackend.open(world.folder / "all", exclusive=True) as backend:
        backend.database.write(
            lambda connection: connection.execute(
                "INSERT INTO discarded_runs (run_id, kind, began_at, discarded_at, removed_at)"
                " VALUES ('monday-2of3', 'ingest', 1, 2, 3)"
            )
        )
    report = world.merge()
    assert (report.known, report.runs) == (["monday-1of3"], ["monday-3of3"])
    assert report.notes == ["the run 'monday-2of3' was discarded here, and is left out"]


def test_damaged_files_are_failures_that_can_be_fetched_again(world: Merging) -> None:
    """Bytes are verified on the way; the rest is merged."""
    with LocalBackend.open(world.folder / "m2", exclusive=False) as backend:
        first, second = [one.path for one in backend.bucket().objects("html/") if one.key.endswith(".jpg")][:2]
    body = first.read_bytes()
    first.write_bytes(body[:-1] + b"!")
    second.unlink()
    report = world.merge()
    assert report.lost == 2
    facts = world.facts("all")
    assert facts["outcomes"]["failed"] == world.facts("one")["outcomes"]["failed"] + 2
    retried = world.ingest("all", None, source=None, retry_failed="monday-2of3")
    assert retried.counts.outcomes["stored"] == 2
    assert world.facts("all")["images"] == world.facts("one")["images"]


def test_files_are_copied_where_they_cannot_be_linked(world: Merging, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another file system, or on demand; without links no file is shared."""
    shutil.rmtree(world.folder / "all", ignore_errors=True)
    report = world.merge("m1", copy=True)
    assert (report.linked, report.copied > 0) == (0, True)

    def refused(*_args: object, **_options: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    real = os.link
    monkeypatch.setattr(
        os,
        "link",
        lambda source, *rest, **options: refused() if "/m" in str(source) else real(source, *rest, **options),
    )
    report = world.merge()
    assert (report.linked, report.copied > 0, report.lost) == (0, True, 0)
    assert world.facts("all") == world.facts("one")


KILLED = """
import os, signal, sys
from pathlib import Path
from pupline.bulk import merge

calls, last = 0, int(sys.argv[1])

def counted(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for name in ("link", "unlink", "rename", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
merge(Path(sys.argv[2]), [Path(other) for other in sys.argv[3:]])
"""
"""Merges, and kills itself at the Nth call that changes the disk."""


@pytest.mark.long
@pytest.mark.crash
def test_killed_at_any_instant_the_same_command_completes_it(world: Merging) -> None:
    """SIGKILL, again and again, each time a little later; the result is as if there had been none."""
    folders = [str(world.folder / name) for name in ("all", *world.machines)]
    kills = 0
    for last in (1, 2, 5, 9, 14, 20, 27, 35, 60, 100, 10_000):
        command = [sys.executable, "-c", KILLED, str(last), *folders]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        kills += done.returncode == -signal.SIGKILL
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    assert kills >= 5
    assert world.facts("all") == world.facts("one")
    assert list((world.folder / "all" / "tmp").iterdir()) == []
