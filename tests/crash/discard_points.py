"""Discards a dataset, killed at the N-th step towards the disk, for every N: a program that forks.

Another dataset needs one of its images.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from pupline.local import DiscardedRun, LocalBackend, RunKind
from tests.crash.kill_points import Trial, kill_at_every_step, rows
from tests.local.committer_fakes import Source

RUNS = {"monday": "dogs", "tuesday": "dogs", "pets": "pets"}
KEPT = "html/dogs/rex.jpg"
BODIES = {
    "monday": {"rex": b"rex", "bella": b"bella!"},
    "tuesday": {"rex": b"rex", "luna": b"luna"},
    "pets": {"rex": b"rex"},
}


def prepare(data_dir: Path) -> None:
    """Three runs of two datasets, which share an image."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        for run_id, dataset in RUNS.items():
            source = Source(backend, run_id, dataset)
            urls = [f"http://127.0.0.1/{name}.jpg" for name in BODIES[run_id]]
            source.list_urls(*urls)
            bodies = BODIES[run_id].values()
            source.take_in(
                *(source.fetched(at, url, body) for at, (url, body) in enumerate(zip(urls, bodies, strict=True)))
            )
            backend.ingests.end(source.run.ingest_id, "SUCCEEDED")
            backend.bucket().put(f"datasets/{dataset}/runs/{run_id}/summary.json", b"{}", "application/json")


def run(data_dir: Path) -> None:
    """Discard the dataset, or what is left of it."""
    if not (data_dir / "pupline.sqlite").exists():
        # By another process, whose steps do not count.
        subprocess.run(["cp", "-a", f"{data_dir.parent / 'prepared'}/.", data_dir], check=True)
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        left = [
            DiscardedRun(
                run_id=row.run_id,
                kind=RunKind.BULK_INGEST,
                dataset="dogs",
                source="test",
                began_at=1.0,
                is_dataset=True,
            )
            for row in backend.ingests.all("dogs")
        ]
        backend.discards.begin(left)
        backend.discards.finish()


def problems_before(data_dir: Path) -> list[str]:
    """What must hold at any instant: what another run needs is there; only what is being discarded may be missing."""
    found = [] if (data_dir / "buckets" / "dog-images" / KEPT).is_file() else [f"{KEPT} is gone"]
    begun = rows(data_dir, "SELECT run_id FROM discarded_runs")
    for key, digest in rows(data_dir, "SELECT key, sha256 FROM objects"):
        file = data_dir / "buckets" / "dog-images" / key
        is_there = file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest
        if not (is_there or begun):
            found.append(f"{key} is gone before the discard was begun")
    known = {key for (key,) in rows(data_dir, "SELECT key FROM objects")}
    root = data_dir / "buckets" / "dog-images"
    strays = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - known
    records = rows(data_dir, "SELECT count(*) FROM audit")
    if records != [(5,)]:
        found.append(f"records: {records}")
    return found + [f"{path} is a file without a row" for path in sorted(strays)]


def problems_after(data_dir: Path) -> list[str]:
    """What must hold when the next start has finished: the other dataset, whole, and nothing else."""
    expected = {
        "SELECT key FROM objects ORDER BY 1": [("datasets/pets/runs/pets/summary.json",), (KEPT,)],
        "SELECT run_id FROM ingests": [("pets",)],
        "SELECT count(*) FROM ingest_items": [(1,)],
        "SELECT run_id, removed_at IS NULL FROM discarded_runs ORDER BY 1": [("monday", 0), ("tuesday", 0)],
    }
    found = [f"{query}: {got}" for query, want in expected.items() if (got := rows(data_dir, query)) != want]
    left = {path.name for path in (data_dir / "buckets" / "dog-images").rglob("*")}
    if left != {"html", "dogs", "rex.jpg", "datasets", "pets", "runs", "summary.json"}:
        found.append(f"left: {sorted(left)}")
    return found + problems_before(data_dir)


if __name__ == "__main__":
    base = Path(sys.argv[1])
    (base / "prepared").mkdir()
    prepare(base / "prepared")
    kill_at_every_step(base, Trial(run, problems_before, problems_after))
