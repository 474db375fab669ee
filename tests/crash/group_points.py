"""Takes a small source's items in, killed at the N-th step towards the disk, for every N: a program that forks.

One item's server gives other bytes at every attempt.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from pupline.local import TOPIC_ARN, Alert, Arrival, GroupCommitter, ListedPage, LocalBackend, NewIngest
from pupline.local.ingests import PendingItem, _committer, _group_files
from pupline.tasks.ingest_item import RecordBuilder
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, SourceItem
from pupline.tasks.records import AuditRecord
from tests.crash.kill_points import Trial, kill_at, kill_at_every_step, rows
from tests.shared.workflow_rules import RULES

EXPECTED = [
    ("a/rex.jpg", "stored", "html/dogs/rex.jpg"),
    ("b/rex.jpg", "stored", None),  # other bytes under a name that is taken
    ("a/fickle.jpg", "stored", "html/dogs/fickle.jpg"),
    ("a/copy.jpg", "duplicate", "html/dogs/rex.jpg"),
    ("a/page.jpg", "quarantined", "quarantine/dogs/page.jpg"),
    ("a/gone.jpg", "failed", None),
    ("a/bella.jpg", "stored", "html/dogs/bella.jpg"),
    ("b/page.jpg", "quarantined", "quarantine/dogs/page.jpg"),  # its bytes are there already
    ("a/last.jpg", "stored", "html/dogs/last.jpg"),
]
URLS = [f"http://127.0.0.1/{path}" for path, _, _ in EXPECTED]
COPIES = {3: 0, 7: 4}


def body_of(index: int) -> bytes:
    """What the server gives for an item, this time."""
    fickle = f"-{os.getpid()}" if index == 2 else ""
    return f"item {COPIES.get(index, index)}{fickle} ".encode() * 1000


def run(data_dir: Path) -> None:
    """List, unless that is done; take in what is pending; tell of the alerts; end."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        ingest = backend.ingests.open(NewIngest(run_id="run", dataset="dogs", source="test", settings={}))
        if not ingest.listed:
            backend.ingests.add_page(
                ingest.ingest_id, ListedPage([SourceItem(url=url) for url in URLS], position=None, listed=True)
            )
        acknowledged = os.open(data_dir / "acknowledged", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        (data_dir / "tmp").mkdir(exist_ok=True)

        def done(items: list[Any]) -> None:
            os.write(acknowledged, "".join(f"{one.index}\n" for one in items).encode())

        def alert(command_id: str, message: str) -> Alert:
            return backend.topic.prepare("run", command_id, {"TopicArn": TOPIC_ARN, "Message": message})

        def first(record: AuditRecord) -> Alert:
            return alert("first-alert", record.image_name)

        committer = GroupCommitter(
            backend.ingests, ingest, RecordBuilder("test", "dogs", RULES), done, first_alert=first
        )
        for pending in backend.ingests.pending(ingest.ingest_id, after=-1, limit=100):
            committer.take([arrival(data_dir, pending)])
        committer.close()
        if later := list(backend.ingests.alerted(ingest.ingest_id, sent=False)):
            backend.ingests.publish(ingest.ingest_id, alert("digest", f"{len(later)} more"))
        backend.ingests.end(ingest.ingest_id, "SUCCEEDED")
        for text in ("first", "second"):
            backend.bucket().put("datasets/dogs/summary.json", text.encode(), "application/json")


def arrival(data_dir: Path, pending: PendingItem) -> Arrival:
    """What a worker answers for the item; its bytes are in a temporary file, unsynced."""
    index, path = pending.index, None
    fetch_outcome: FetchOutcome = FetchFailed(outcome="failed", reason="not_found", error="NotFound", cause="404")
    if EXPECTED[index][1] != "failed":
        body, path = body_of(index), str(data_dir / "tmp" / f"ingest-{os.getpid()}-{index}")
        Path(path).write_bytes(body)
        is_page = EXPECTED[index][1] == "quarantined"
        fetch_outcome = FetchedImage(
            name=pending.item.url.rpartition("/")[2],
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            file_type="html" if is_page else "jpg",
            width=None,
            height=None,
            problem="not_an_image" if is_page else None,
            content_type="image/jpeg",
            name_extension="jpg",
        )
    return Arrival(
        index=index, item=pending.item, fetch_outcome=fetch_outcome, path=path, attempts=1, began_at=1.0, ended_at=2.0
    )


def kill_in_groups_at(point: int, report: int) -> None:
    """As `kill_at`, in groups of three items, with `syncfs` in place of small groups' fsyncs."""
    _committer.MAX_GROUP = _committer._MIN_GROUP = 3
    _group_files._FEW = 0
    real = _group_files._syncfs()
    assert real, "this test is for a system with syncfs"
    # `kill_at` counts what it finds in os: so that it counts `syncfs` too, it has to be there.
    os.syncfs = real  # type: ignore[attr-defined]
    _group_files._syncfs = lambda: lambda descriptor: os.syncfs(descriptor)  # type: ignore[attr-defined]
    kill_at(point, report)


def problems_before(data_dir: Path) -> list[str]:
    """What must hold at any instant: what is called stored is there whole; what was acknowledged is done."""
    found = []
    is_migrated = rows(data_dir, "SELECT 1 FROM sqlite_master WHERE name = 'overwrites'")
    replaced = rows(data_dir, "SELECT path, sha256 FROM overwrites") if is_migrated else []
    for path, digest in rows(data_dir, "SELECT path, sha256 FROM objects WHERE state = 'stored'"):
        file = data_dir / "buckets" / "dog-images" / path
        there = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
        if there != digest and (path, there) not in replaced:
            found.append(f"{path} is called stored and is not there whole")
    if not is_migrated:
        return found
    done = {index for (index,) in rows(data_dir, "SELECT item_index FROM ingest_items WHERE outcome IS NOT NULL")}
    if not acknowledged(data_dir) <= done:
        found.append(f"acknowledged {acknowledged(data_dir)}, done {done}")
    records = {int(name[-8:]) for (name,) in rows(data_dir, "SELECT execution FROM audit")}
    return [*found, f"records {records}, done {done}"] if records != done else found


def acknowledged(data_dir: Path) -> set[int]:
    """The items that `done` was called with."""
    path = data_dir / "acknowledged"
    return {int(line) for line in path.read_text().split()} if path.exists() else set()


def problems_after(data_dir: Path) -> list[str]:
    """What must hold when all is finished: one of everything for each item, and nothing else."""
    owners = [f"run-{index:08}" for index in (0, 1, 2, 4, 6, 8)]
    names = [f"run-{index:08}" for index in range(len(EXPECTED))]
    expected: dict[str, Any] = {
        "SELECT execution, outcome FROM audit ORDER BY 1": [
            (name, outcome) for name, (_, outcome, _) in zip(names, EXPECTED, strict=True)
        ],
        "SELECT owner, state FROM objects WHERE key LIKE '%.jpg' ORDER BY 1": [(name, "stored") for name in owners],
        "SELECT sha256 FROM objects WHERE key LIKE '%.json'": [(hashlib.sha256(b"second").hexdigest(),)],
        "SELECT key FROM overwrites": [],
        "SELECT command_id FROM alerts ORDER BY 1": [("digest",), ("first-alert",)],
        "SELECT execution, alert_sent FROM audit WHERE alert_triggered": [(names[4], 1), (names[7], 1)],
        "SELECT status FROM ingests": [("SUCCEEDED",)],
        "SELECT a.execution FROM audit a JOIN ingest_items i ON a.execution = printf('run-%08d', i.item_index)"
        " LEFT JOIN objects o ON o.key = i.key WHERE a.sha256 IS NOT o.sha256": [],
    }
    found = [f"{query}: {got}" for query, want in expected.items() if (got := rows(data_dir, query)) != want]
    keys = [key for (key,) in rows(data_dir, "SELECT key FROM ingest_items ORDER BY item_index")]
    found += [f"{key}: not at {want}" for key, (*_, want) in zip(keys, EXPECTED, strict=True) if want and key != want]
    files = [path for path in (data_dir / "buckets").rglob("*") if path.is_file()]
    if len(files) != len(owners) + 1:
        found.append(f"files: {files}")
    left = list((data_dir / "tmp").iterdir())
    return [*found, f"left over: {left}"] if left else found + problems_before(data_dir)


if __name__ == "__main__":
    kill_at_every_step(Path(sys.argv[1]), Trial(run, problems_before, problems_after), kill_in_groups_at)
