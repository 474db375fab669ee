"""What must hold after an ingest, looked at from outside: what the API served against what is stored and recorded."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq

from tests.e2e.ingest_kennel import HTML, Kennel
from tests.shared.installed import pupline

FLAWED = {"gone": "not_found", "refused": "http_error", "short": "incomplete_body", "noai": "robots_disallowed"}
"""Flaw to the reason in the audit, of flaws that last."""


class Done(Protocol):
    """A command that has ended."""

    @property
    def returncode(self) -> int | None:
        """Its exit code."""

    @property
    def stdout(self) -> str:
        """What it printed."""

    @property
    def stderr(self) -> str:
        """What it said."""


Command: TypeAlias = Callable[..., Done]
"""Runs pupline on a data directory, with these words."""


def rows(data: Path, *arguments: object, command: Command = pupline) -> list[dict[str, Any]]:
    """The JSON Lines that a reading command prints."""
    done = command(data, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def objects(data: Path, prefix: str) -> dict[Path, str]:
    """Every file of the bucket below a prefix, with its SHA-256."""
    root = data / "buckets" / "dog-images" / prefix
    return {path: sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def records_of(data: Path, run: str, command: Command = pupline) -> dict[str, dict[str, Any]]:
    """The audit records of a run by execution; none is there twice."""
    found = rows(data, "audit", "--execution", run, command=command)
    by_execution = {record["execution"]: record for record in found}
    assert len(by_execution) == len(found)
    return by_execution


def check_ingest(data: Path, kennel: Kennel, run: str) -> Counter[str]:
    """Every image of the kennel once, in bucket, audit and metadata, which agree; nothing half-done. The outcomes."""
    records = records_of(data, run)
    assert sorted(records) == [f"{run}-{index:08}" for index in range(len(kennel.images))]
    by_url = {record["source_url"]: record for record in records.values()}
    assert set(by_url) == {kennel.url(path) for path in kennel.images}
    check_outcomes(kennel, by_url)
    check_objects(data, kennel, records)
    check_metadata(data, run, records)
    check_alerts(data, run, records)
    check_nothing_half_done(data)
    return Counter(record["outcome"] for record in records.values())


def check_outcomes(kennel: Kennel, by_url: dict[str, dict[str, Any]]) -> None:
    """What became of each image is what its flaw or its bytes ask for; of the same bytes one is stored."""
    same_bytes: dict[str, list[str]] = defaultdict(list)
    for path, body in kennel.images.items():
        record = by_url[kennel.url(path)]
        reason = FLAWED.get(str(kennel.flaws.get(path)))
        if reason:
            assert (record["reason"], record["sha256"], record["image_url"]) == (reason, None, None), path
            continue
        assert record["sha256"] == sha256(body).hexdigest(), path
        if not is_sound(body):
            assert (record["outcome"], record["alert_triggered"]) == ("quarantined", True), path
        else:
            same_bytes[record["sha256"]].append(record["outcome"])
    for outcomes in same_bytes.values():
        assert sorted(outcomes) == ["duplicate"] * (len(outcomes) - 1) + ["stored"]


def is_sound(body: bytes) -> bool:
    """Whether the body is a whole image, of those that the kennel has."""
    return not body.startswith(HTML) and body.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))


def check_objects(data: Path, kennel: Kennel, records: dict[str, dict[str, Any]]) -> None:
    """Each content that was served whole is there once, under the names that the records tell, and nothing else is."""
    files = objects(data, "html") | objects(data, "quarantine")
    assert max(Counter(files.values()).values()) == 1
    held = {sha256(body).hexdigest() for path, body in kennel.images.items() if kennel.flaws.get(path) not in FLAWED}
    assert set(files.values()) == held
    for record in records.values():
        if record["image_url"]:
            assert files[Path(unquote(urlsplit(record["image_url"]).path))] == record["sha256"]


def check_metadata(data: Path, run: str, records: dict[str, dict[str, Any]], *, lines_in_order: bool = True) -> None:
    """Parquet, JSON Lines and audit agree row by row, in every field of the audit record; all are in listing order."""
    root = next((data / "buckets" / "dog-images" / "datasets").iterdir()) / "metadata"
    parts = sorted((root / "parquet" / f"run={run}").glob("part-*.parquet"))
    in_parquet = [row for part in parts for row in pq.ParquetFile(part).read().to_pylist()]
    lines = [path.read_text().splitlines() for path in sorted((root / "jsonl" / f"run={run}").glob("part-*.jsonl"))]
    in_jsonl = [json.loads(line) for part in lines for line in part]
    if not lines_in_order:
        in_jsonl.sort(key=lambda row: int(row["index"]))
    assert [row["execution"] for row in in_parquet] == sorted(records)
    assert [row["execution"] for row in in_jsonl] == sorted(records)
    for parquet, line in zip(in_parquet, in_jsonl, strict=True):
        record = records[parquet["execution"]]
        assert {name: _plain(parquet[name]) for name in record} == {name: _plain(record[name]) for name in record}
        assert {name: _plain(line.get(name)) for name in record} == {name: _plain(record[name]) for name in record}


def _plain(value: Any) -> Any:
    """A value as it can be compared: times as such, no list for an empty one."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, str) and len(value) in {20, 24} and value.endswith("Z") and value[4] == "-":
        return datetime.fromisoformat(value)
    return value or None if isinstance(value, list) else value


def check_alerts(data: Path, run: str, records: dict[str, dict[str, Any]], command: Command = pupline) -> None:
    """Two alerts of the run, the first at once and the digest at the end, and every record that alerted says sent."""
    alerted = [record for record in records.values() if record["alert_triggered"]]
    alerts = [
        alert
        for alert in rows(data, "alerts", command=command)
        if alert["execution"] and alert["execution"].startswith(run)
    ]
    assert len(alerts) == min(len(alerted), 2), [alert["message"] for alert in alerts]
    assert all(record["alert_sent"] for record in alerted)


def check_nothing_half_done(data: Path) -> None:
    """No temporary file, no object still being written, a row for each file."""
    assert list((data / "tmp").iterdir()) == []
    with closing(sqlite3.connect(f"file:{data / 'pupline.sqlite'}?mode=ro", uri=True)) as connection:
        states = connection.execute("SELECT state, count(*) FROM objects GROUP BY state").fetchall()
        names = {path for (path,) in connection.execute("SELECT key FROM objects WHERE key LIKE 'html/%'")}
    assert {state for state, _ in states} <= {"stored"}
    assert len(names) == len(objects(data, "html"))
