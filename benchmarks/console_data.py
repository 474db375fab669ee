"""A data directory as after months of use, for measuring the console: 100,000 executions and 1,000,000 audit records.

A few executions are real ones of the workflow, on the sample sources; SQLite copies them under other names. The records
of bulk ingestion are made by SQLite as well, from the row's number, so that every data directory is the same. It takes
about a minute.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pupline.asl import StateMachine
from pupline.backends import MachineBackend, RunRequest, RunSettings
from pupline.bulk._summary import summary_of
from pupline.local import DATABASE_NAME, DriverSettings, LambdaRuntime, LocalBackend, StartRequest
from pupline.tasks.ingest_summary import summary_bytes
from pupline.tasks.layout import summary_key

NOW = 1_790_000_000.0
"""When the newest execution began: the directory is the same whenever it is made."""

LARGE = "large-25000"
"""The execution with almost as many events as AWS allows."""

_TEMPLATES = 40
_RUN_SIZE = 2_000
_EVENTS_OF_ITERATION = 7
_ITERATIONS = 24_990 // _EVENTS_OF_ITERATION


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. records: all, with one for each execution."""

    executions: int = 100_000
    records: int = 1_000_000


def main(arguments: list[str]) -> int:
    """`python -m benchmarks.console_data DIRECTORY [EXECUTIONS RECORDS]`: make one to look at."""
    size = Size(*map(int, arguments[1:]))
    make(Path(arguments[0]), size)
    return 0


def make(data: Path, size: Size) -> None:
    """Fill the data directory, which must not exist yet."""
    with MachineBackend(data) as backend:
        for source in ("sample", "sample-hostile"):
            backend.run(RunRequest(RunSettings(source=source), _TEMPLATES, run_id=f"t-{source}"), lambda _: None)
    _add_large_execution(data)
    bulk, shares = size.records - size.executions, {"dogs": 5, "cats": 3, "open-images": 1}
    with _writing(data) as connection:
        for number, (dataset, share) in enumerate(shares.items(), 1):
            _add_ingest(connection, number, dataset, bulk * share // sum(shares.values()))
        _add_executions(connection, size.executions)
    with LocalBackend.open(data, exclusive=True) as opened:
        for ingest in opened.ingests.all():
            summary = summary_of(ingest, opened.ingests.counts(ingest.ingest_id))
            key = summary_key(ingest.dataset, ingest.run_id)
            opened.bucket().put(key, summary_bytes(summary), "application/json")


def _add_large_execution(data: Path) -> None:
    """A Map with as many iterations as a history has room for, and another state machine that way."""
    work = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Work", "End": True}
    processor = {"StartAt": "Work", "States": {"Work": work}}
    definition = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    machine = StateMachine.parse(definition)
    machine.name = "Large"
    with LocalBackend.open(data, exclusive=True) as backend:
        runtime = LambdaRuntime({"Work": lambda event, _: {"done": event}}, concurrency=1)
        settings = DriverSettings(machine=machine, runtime=runtime, topic=backend.topic, clock=backend.clock)
        ended = backend.driver(settings).drive([StartRequest(LARGE, list(range(_ITERATIONS)))])
        runtime.close()
        assert ended.finished == {"SUCCEEDED": 1}, ended


@contextmanager
def _writing(data: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(data / DATABASE_NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -800000")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)"
_MIX = "((n * 2654435761 + :seed) % 4294967296 / 65536)"
"""A number below 65,536 that looks random, from the row's number."""

_STAMP = "strftime('%Y-%m-%dT%H:%M:%fZ', {0}, 'unixepoch')"
_BULK_RECORDS = f"""
{_NUMBERS},
mixed AS (SELECT n, {_MIX} AS m, {_MIX} / 655 AS percent FROM numbers),
facts AS (
    SELECT n, m, CASE WHEN percent < 95 THEN 'stored' WHEN percent < 97 THEN 'duplicate'
        WHEN percent < 98 THEN 'refused' WHEN percent < 99 THEN 'failed' ELSE 'quarantined' END AS outcome,
    CASE WHEN m % 100 < 95 THEN 'jpg' WHEN m % 100 < 98 THEN 'png' WHEN m % 100 < 99 THEN 'gif' ELSE 'webp' END AS kind
    FROM mixed
)
INSERT INTO audit (image_name, execution, image_url, upload_timestamp, file_type, alert_triggered, outcome, reason,
    alert_sent, alert_reasons, source, source_url, sha256, size_bytes, width, height, content_type, name_extension,
    breed, error, cause)
SELECT printf('n%08d_%s.%s', n, :dataset, kind), :run || '-' || printf('%08d', n),
    CASE WHEN outcome IN ('stored', 'duplicate') THEN
        printf('file:///data/buckets/dog-images/datasets/%s/images/n%08d_%s.%s', :dataset, n, :dataset, kind) END,
    {_STAMP.format(":start + n * 0.05")}, CASE WHEN outcome <> 'failed' THEN kind END,
    kind = 'png' AND outcome = 'stored', outcome,
    CASE outcome WHEN 'stored' THEN 'accepted' WHEN 'duplicate' THEN 'same_content' WHEN 'refused' THEN 'too_large'
        WHEN 'failed' THEN CASE m % 3 WHEN 0 THEN 'not_found' ELSE 'timeout' END ELSE 'damaged_image' END,
    CASE WHEN kind = 'png' AND outcome = 'stored' THEN 1 END,
    CASE WHEN kind = 'png' AND outcome = 'stored' THEN '["png_content"]' ELSE '[]' END,
    :source, printf('https://images%d.example.org/%s/%d/n%08d.%s', m % 40, :dataset, m % 977, n, kind),
    lower(hex(n * 2654435761) || hex(n * 40503) || hex(m)), 20000 + m, 200 + m % 800, 200 + m % 600, 'image/jpeg', kind,
    CASE WHEN :breeds > 0 THEN 'breed' || (m % :breeds) END, CASE outcome WHEN 'failed' THEN 'NotFound' END,
    CASE outcome WHEN 'failed' THEN printf('https://images%d.example.org/n%08d.%s: 404', m % 40, n, kind) END
FROM facts
"""  # noqa: S608 - the texts are ours
_ITEMS = f"""
{_NUMBERS}
INSERT INTO ingest_items (ingest_id, item_index, identity, url, outcome, attempts, began_at, ended_at)
SELECT :ingest, n, randomblob(32), source_url, outcome, 1, :start + n * 0.05, :start + n * 0.05 + 0.4
FROM numbers JOIN audit ON execution = :run || '-' || printf('%08d', n)
"""  # noqa: S608 - the texts are ours


def _add_ingest(connection: sqlite3.Connection, number: int, dataset: str, count: int) -> None:
    """A bulk ingest that has ended, with its items and records."""
    start, run = NOW - (90 - number * 20) * 86_400, f"{dataset}-full"
    source = f"https://lists.example.org/{dataset}.parquet"
    connection.execute(
        "INSERT INTO ingests (ingest_id, run_id, dataset, source, settings, status, listed, total, items, created_at,"
        " ended_at) VALUES (?, ?, ?, ?, '{}', 'SUCCEEDED', 1, ?, ?, ?, ?)",
        (number, run, dataset, source, count, count, start, start + count * 0.05),
    )
    values = {
        "count": count,
        "seed": number,
        "dataset": dataset,
        "run": run,
        "start": start,
        "source": source,
        "breeds": 120 if dataset == "dogs" else 0,
        "ingest": number,
    }
    connection.execute(_BULK_RECORDS, values)
    connection.execute(_ITEMS, values)


def _add_executions(connection: sqlite3.Connection, count: int) -> None:
    """Copies of the real executions in runs of 2,000, with their facts, records, alerts and deliveries.

    One in ten is a copy of one on the hostile source, where much fails. Each has an image of its own.
    """
    for name in ("hook", "file"):
        connection.execute(
            "INSERT INTO subscriptions (protocol, endpoint, created_at) VALUES ('file', ?, ?)",
            (f"/tmp/{name}", NOW),  # noqa: S108
        )
    first = connection.execute("SELECT max(execution_id) + 1 FROM executions").fetchone()[0]
    connection.execute(
        f"CREATE TEMP TABLE copies AS {_NUMBERS} SELECT n + :first AS execution_id,"  # noqa: S608 - our texts
        " CASE n % 10 WHEN 9 THEN 't-sample-hostile-' ELSE 't-sample-' END || printf('%05d', 1 + n / 10 % :templates)"
        " AS template, 'run-' || printf('%03d', n / :size) AS run_id, 1 + n % :size AS run_index,"
        " 'run-' || printf('%03d', n / :size) || '-' || printf('%05d', 1 + n % :size) AS name,"
        " :now - (:count - n) * 20.0 AS start_time FROM numbers",
        {"count": count, "first": first, "templates": _TEMPLATES, "size": _RUN_SIZE, "now": NOW},
    )
    for statement in _COPY:
        connection.execute(statement)


_IMAGE = "CASE t.image_name WHEN 'unknown' THEN 'unknown' ELSE printf('i%07d_', c.execution_id) || t.image_name END"
_COPY = (
    """INSERT INTO runs (run_id, settings, created_at, count)
    SELECT DISTINCT c.run_id, r.settings, min(c.start_time), count(*) FROM copies AS c
    JOIN runs AS r ON r.run_id = 't-sample' GROUP BY c.run_id""",
    f"""CREATE TEMP TABLE images AS SELECT c.execution_id, t.image_name AS old, {_IMAGE} AS new
    FROM copies AS c LEFT JOIN audit AS t ON t.execution = c.template""",  # noqa: S608 - the texts are ours
    "CREATE INDEX temp.images_by_id ON images (execution_id)",
    """INSERT INTO executions (execution_id, name, run_id, run_index, digest, input, status, output, error, cause,
        start_time, stop_time)
    SELECT c.execution_id, c.name, c.run_id, c.run_index, e.digest, replace(e.input, c.template, c.name), e.status,
        replace(replace(e.output, c.template, c.name), coalesce(i.old, c.name), coalesce(i.new, c.name)), e.error,
        replace(e.cause, coalesce(i.old, c.name), coalesce(i.new, c.name)), c.start_time,
        c.start_time + (e.stop_time - e.start_time)
    FROM copies AS c JOIN executions AS e ON e.name = c.template JOIN images AS i USING (execution_id)
    ORDER BY c.execution_id""",
    """INSERT INTO facts (execution_id, seq, now, resource, fact, worked)
    SELECT c.execution_id, f.seq, c.start_time + (f.now - e.start_time), f.resource,
        replace(replace(f.fact, c.template, c.name), coalesce(i.old, c.name), coalesce(i.new, c.name)), f.worked
    FROM copies AS c JOIN executions AS e ON e.name = c.template JOIN images AS i ON i.execution_id = c.execution_id
    JOIN facts AS f ON f.execution_id = e.execution_id ORDER BY c.execution_id, f.seq""",
    f"""INSERT INTO audit (image_name, execution, image_url, upload_timestamp, file_type, alert_triggered, outcome,
        reason, alert_sent, alert_reasons, source, source_url, sha256, size_bytes, width, height, content_type,
        name_extension, breed, error, cause)
    SELECT i.new, c.name, replace(a.image_url, i.old, i.new), {_STAMP.format("c.start_time + 0.02")}, a.file_type,
        a.alert_triggered, a.outcome, a.reason, a.alert_sent, a.alert_reasons, a.source,
        replace(a.source_url, i.old, i.new), a.sha256, a.size_bytes, a.width, a.height, a.content_type,
        a.name_extension, a.breed, a.error, a.cause
    FROM copies AS c JOIN audit AS a ON a.execution = c.template JOIN images AS i USING (execution_id)
    ORDER BY c.execution_id""",  # noqa: S608 - the texts are ours
    """INSERT INTO alerts (message_id, execution, command_id, topic, subject, message, attributes, published_at)
    SELECT 'm-' || c.execution_id, c.name, a.command_id, a.topic, a.subject, replace(a.message, i.old, i.new),
        replace(a.attributes, i.old, i.new), c.start_time + 0.03
    FROM copies AS c JOIN alerts AS a ON a.execution = c.template JOIN images AS i USING (execution_id)
    ORDER BY c.execution_id""",
    """INSERT INTO deliveries (alert_id, subscription_id, attempts, next_attempt_at, delivered_at, last_error)
    SELECT alert_id, subscription_id, 1, published_at, CASE WHEN alert_id % 500 THEN published_at + 1 END,
        CASE WHEN alert_id % 500 = 0 THEN 'connection refused' END
    FROM alerts CROSS JOIN subscriptions""",
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
