"""The metadata of a run: audit, JSON Lines and Parquet say the same, row by row."""

import io
import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from pupline.bulk._metadata import MetadataWriter
from pupline.bulk._run_files import RunFiles
from pupline.tasks.metadata import METADATA_COLUMNS, ItemRow, columns_of, lines_of
from pupline.tasks.records import AuditRecord
from tests.shared.item_rows import DATASET, RUN, batch, hostile_rows, row
from tests.shared.memory_bucket import MemoryBucket

SLOW = settings(suppress_health_check=[HealthCheck.too_slow])
"""The first example imports pyarrow, which takes long on a busy machine."""

NAMES = [column.name for column in METADATA_COLUMNS]
MOMENTS = {column.name for column in METADATA_COLUMNS if column.kind in {"moment", "stamp"}}


def written(rows: Sequence[ItemRow], tmp: Path, *, page: int = 3, **options: Any) -> MemoryBucket:
    """The bucket after all rows were written, `page` at a time."""
    bucket = MemoryBucket()
    writer = MetadataWriter(RunFiles(bucket, tmp, DATASET, RUN), **options)
    for start in range(0, len(rows), page):
        writer.add(batch(rows[start : start + page]))
    writer.finish()
    writer.close()
    return bucket


def read_jsonl(bucket: MemoryBucket) -> list[dict[str, Any]]:
    """The objects of all parts; a part is cut at line feeds alone, as Hadoop's readers do."""
    parts = [bucket.held[key].decode().split("\n") for key in bucket.keys("datasets/dogs/metadata/jsonl/")]
    assert all(lines[-1] == "" for lines in parts)
    return [json.loads(line) for lines in parts for line in lines[:-1]]


def read_parquet(bucket: MemoryBucket) -> list[dict[str, Any]]:
    """The rows of all parts, their extra columns as the object that the text is."""
    keys = bucket.keys("datasets/dogs/metadata/parquet/")
    rows = [row for key in keys for row in parquet.read_table(io.BytesIO(bucket.held[key])).to_pylist()]
    return [row | {"extra": json.loads(row["extra"]) if row["extra"] else None} for row in rows]


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """A row with its times as `datetime`, whichever form it came in."""
    times = {name: found[name] for name in MOMENTS}
    return found | {
        name: datetime.fromisoformat(value) if isinstance(value, str) else value for name, value in times.items()
    }


@pytest.mark.slow
@SLOW
@given(rows=st.lists(st.integers(0, 10**6).flatmap(lambda index: hostile_rows(index=index)), max_size=5))
def test_audit_jsonl_and_parquet_agree(rows: list[ItemRow], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever texts a source sends, each form gives back the audit record, and both forms give the same row."""
    bucket = written(rows, tmp_path_factory.mktemp("tmp"), page=2)
    from_lines, from_parquet = read_jsonl(bucket), read_parquet(bucket)
    assert [AuditRecord.from_item(found) for found in from_lines] == [one.record for one in rows]
    assert list(map(comparable, from_lines)) == from_parquet
    assert [(found["index"], found["url"], found["labels"]) for found in from_parquet] == [
        (one.index, one.item.url, list(one.item.labels)) for one in rows
    ]


def test_every_field_of_the_audit_record_is_a_column() -> None:
    """The metadata has all columns of the audit table."""
    assert {field.name for field in fields(AuditRecord)} <= set(NAMES)
    assert len(NAMES) == len(set(NAMES))


def test_every_line_has_every_column_and_never_the_partition() -> None:
    """One schema: absent facts are null, not left out; `run` is the folder's name and would clash with a column."""
    (line,) = lines_of(columns_of([row(7)], DATASET))
    found = json.loads(line)
    assert list(found) == NAMES
    assert "run" not in found
    assert (found["license"], found["dataset"], found["began_at"]) == (None, "dogs", "2026-11-22T17:00:07.000Z")


@pytest.mark.slow
@SLOW
@given(st.lists(hostile_rows(), min_size=1, max_size=12))
def test_lines_do_not_depend_on_their_page(rows: list[ItemRow]) -> None:
    """What the rows of a page have in common is encoded once; that changes no byte of any line."""
    together = lines_of(columns_of(rows * 5, DATASET))
    alone = [line for one in rows * 5 for line in lines_of(columns_of([one], DATASET))]
    assert together == alone


def test_a_run_without_items_has_a_part_without_rows(tmp_path: Path) -> None:
    """A query over an empty run finds the columns and no rows, rather than no file."""
    bucket = written([], tmp_path)
    (key,) = bucket.keys("datasets/dogs/metadata/parquet/")
    assert parquet.read_schema(io.BytesIO(bucket.held[key])).names == NAMES
    assert read_jsonl(bucket) == read_parquet(bucket) == []


def test_parts_are_cut_where_they_are_full(tmp_path: Path) -> None:
    """Parts have at most so many rows, pages may straddle them, and both forms are cut at the same row."""
    rows = [row(number) for number in range(10)]
    bucket = written(rows, tmp_path, page=7, part_rows=4)
    found = {key: parquet.read_table(io.BytesIO(bucket.held[key])) for key in bucket.keys("datasets/dogs/metadata/p")}
    prefix = f"datasets/dogs/metadata/parquet/run={RUN}"
    assert {key: table["index"].to_pylist() for key, table in found.items()} == {
        f"{prefix}/part-00000.parquet": [0, 1, 2, 3],
        f"{prefix}/part-00001.parquet": [4, 5, 6, 7],
        f"{prefix}/part-00002.parquet": [8, 9],
    }
    lines = [bucket.held[key].count(b"\n") for key in bucket.keys("datasets/dogs/metadata/jsonl/")]
    assert lines == [4, 4, 2]
    assert list(tmp_path.iterdir()) == []


def test_a_full_last_part_is_not_followed_by_an_empty_one(tmp_path: Path) -> None:
    """Eight rows in parts of four are two parts."""
    bucket = written([row(number) for number in range(8)], tmp_path, page=4, part_rows=4)
    assert len(list(bucket.keys("datasets/dogs/metadata/parquet/"))) == 2


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """Written again, in pages of another size, every file is what it was."""
    rows = [row(number, item={"title": f"Rex {number}"}) for number in range(50)]
    assert written(rows, tmp_path, page=7).held == written(rows, tmp_path, page=50).held


def test_types_are_those_of_the_schema(tmp_path: Path) -> None:
    """A column that is null in all rows still has its type, so that parts of a dataset can be read together."""
    bucket = written([row(1)], tmp_path)
    (key,) = bucket.keys("datasets/dogs/metadata/parquet/")
    schema = parquet.read_schema(io.BytesIO(bucket.held[key]))
    assert schema.names == NAMES
    assert (schema.field("license").type, schema.field("width").type) == (pyarrow.string(), pyarrow.int32())
    assert schema.field("began_at").type == pyarrow.timestamp("ms", tz="UTC")


@pytest.mark.long
@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """After 100,000 rows the writer holds no more than after 10,000, and never more than a row group."""
    bucket = MemoryBucket()
    writer = MetadataWriter(RunFiles(bucket, tmp_path, DATASET, RUN))
    page = batch([row(number) for number in range(2_500)])
    held, arrow = [], []
    tracemalloc.start()
    try:
        for _ in range(40):
            writer.add(page)
            held.append(tracemalloc.get_traced_memory()[0])
            arrow.append(pyarrow.total_allocated_bytes())
    finally:
        tracemalloc.stop()
    assert held[-1] - held[3] < 500_000
    assert max(arrow) < 64_000_000
    writer.add(page.cut(0, 1))
    writer.finish()
    assert [bucket.held[key].count(b"\n") for key in bucket.keys("datasets/dogs/metadata/jsonl/")] == [100_000, 1]


def test_duckdb_reads_both_forms_of_several_runs(tmp_path: Path) -> None:
    """DuckDB takes the run from the folder's name, gets the same answer from both forms, and typed columns."""
    import duckdb

    for run, count in (("monday-0001", 3), ("tuesday-0002", 2)):
        spool = RunFiles(MemoryBucket(), tmp_path, DATASET, run)
        writer = MetadataWriter(spool)
        writer.add(batch([row(number, breed="hound/afghan") for number in range(count)]))
        writer.finish()
        for key in spool.keys:
            path = tmp_path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(spool.bucket.read(key))
    root = tmp_path / "datasets" / "dogs" / "metadata"
    sources = (
        f"read_parquet('{root}/parquet/**/*.parquet', hive_partitioning=true)",
        f"read_json('{root}/jsonl/**/*.jsonl', hive_partitioning=true, format='newline_delimited')",
    )
    query = "SELECT run, count(*), sum(size_bytes), min(upload_timestamp::TIMESTAMP) FROM {} GROUP BY run ORDER BY run"
    with duckdb.connect() as database:
        answers = [database.execute(query.format(source)).fetchall() for source in sources]
        described = database.execute("DESCRIBE SELECT * FROM " + sources[0]).fetchall()  # noqa: S608 - a test's own path
    assert answers[0] == answers[1]
    assert [found[:3] for found in answers[0]] == [("monday-0001", 3, 210_003), ("tuesday-0002", 2, 140_001)]
    types = {name: kind for name, kind, *_ in described}
    assert (types["labels"], types["size_bytes"], types["run"]) == ("VARCHAR[]", "BIGINT", "VARCHAR")
