"""Parquet made from the JSON Lines that batches left: the same as a run without the state machine writes."""

import io
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from pupline.bulk._metadata import PARQUET_ONLY, MetadataWriter
from pupline.bulk._parquet import parquet_of, write_parquet
from pupline.bulk._run_files import RunFiles
from pupline.errors import ServerError, StorageError
from pupline.tasks.metadata import METADATA_COLUMNS, ItemRow, columns_of, columns_of_objects, lines_of
from pupline.tasks.records import AuditRecord
from tests.shared.batch_world import HOST, BatchWorld, event_of, jpeg
from tests.shared.functions_fakes import picture
from tests.shared.item_rows import DATASET, RUN, batch, hostile_rows, row
from tests.shared.memory_bucket import MemoryBucket

SLOW = settings(suppress_health_check=[HealthCheck.too_slow])
"""The first example imports pyarrow, which takes long on a busy machine."""

LINES = f"datasets/{DATASET}/metadata/jsonl/run={RUN}/"
TABLES = f"datasets/{DATASET}/metadata/parquet/run={RUN}/"


def text_of(rows: Sequence[ItemRow]) -> bytes:
    """A part as IngestBatch writes it."""
    return "".join(f"{line}\n" for line in lines_of(columns_of(rows, DATASET))).encode()


def tables_in(held: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each Parquet file, by the end of its key."""
    return {
        key.removeprefix(TABLES): parquet.read_table(io.BytesIO(body)).to_pylist()
        for key, body in sorted(held.items())
        if key.startswith(TABLES)
    }


def indexes(held: dict[str, bytes]) -> dict[str, list[int]]:
    """The items of each Parquet file."""
    return {name: [found["index"] for found in rows] for name, rows in tables_in(held).items()}


def round_of(first: int, number: int, *items: int) -> tuple[str, bytes]:
    """The key and the body of one round's part."""
    return f"{LINES}part-{first:08d}-{number}.jsonl", text_of([row(index) for index in items])


@pytest.mark.slow
@SLOW
@given(st.data(), st.integers(1, 4))
def test_it_is_byte_for_byte_what_the_direct_way_writes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, size: int
) -> None:
    """Whatever texts a source sends, in however many batches, and in parts of however many rows."""
    rows = [data.draw(hostile_rows(index=index)) for index in range(data.draw(st.integers(0, 6)))]
    tmp, direct, from_lines = tmp_path_factory.mktemp("tmp"), MemoryBucket(), MemoryBucket()
    writer = MetadataWriter(RunFiles(direct, tmp, DATASET, RUN), size, PARQUET_ONLY)
    if rows:
        writer.add(batch(rows))
    writer.finish()
    texts = [text_of(rows[start : start + 2]) for start in range(0, len(rows), 2)]
    keys = parquet_of(texts, RunFiles(from_lines, tmp, DATASET, RUN), size)
    assert from_lines.held == direct.held
    assert list(keys) == from_lines.puts
    assert list(tmp.iterdir()) == []


@pytest.mark.slow
@SLOW
@given(st.lists(hostile_rows(), max_size=5))
def test_lines_give_back_the_columns_that_they_were_made_of(rows: list[ItemRow]) -> None:
    """Nothing of a row is lost in JSON Lines."""
    columns = columns_of(rows, DATASET)
    objects = [json.loads(line) for line in lines_of(columns)] if rows else []
    assert [list(values) for values in columns_of_objects(objects)] == [list(values) for values in columns]


def test_rows_come_in_the_order_of_the_listing_in_parts(tmp_path: Path) -> None:
    """Rounds of a batch end its items in any order, and parts are cut across batches; other files are none of ours."""
    rounds = [round_of(0, 0, 1, 3), round_of(0, 1, 2), round_of(0, 10, 0), round_of(4, 0, 5, 4), round_of(6, 0, 6)]
    bucket = MemoryBucket(dict(rounds))
    foreign = ("part-00000.jsonl", "notes.txt", "old/part-00000002-0.jsonl")
    bucket.held |= {f"{LINES}{name}": b"no lines of ours" for name in foreign}
    bucket.held[f"datasets/{DATASET}/metadata/jsonl/run={RUN}-2/part-00000000-0.jsonl"] = b"of another run"
    keys = write_parquet(RunFiles(bucket, tmp_path, DATASET, RUN), concurrency=1, part_rows=3)
    assert indexes(bucket.held) == {
        "part-00000.parquet": [0, 1, 2],
        "part-00001.parquet": [3, 4, 5],
        "part-00002.parquet": [6],
    }
    assert list(keys) == sorted(key for key in bucket.held if key.endswith(".parquet"))


def test_a_run_without_images_has_a_part_without_rows(tmp_path: Path) -> None:
    """A query finds the columns and no rows."""
    bucket = MemoryBucket()
    write_parquet(RunFiles(bucket, tmp_path, DATASET, RUN))
    assert indexes(bucket.held) == {"part-00000.parquet": []}


def test_what_batches_write_of_hostile_items_is_what_it_says(tmp_path: Path) -> None:
    """IngestBatch itself, in two rounds: the rows are its lines and the audit's records; halves of surrogates too."""
    hostile = ["\x00\x1b[31m", "a\nb\u2028c\x85d", "%s%%", "\ud800 half", "🐕‍🦺", '{"index": 7}', ""]
    items: list[dict[str, Any]] = [
        {"url": f"{HOST}{number}.jpg", "title": text, "alt": text, "labels": [text, "x"], "license": text}
        for number, text in enumerate(hostile)
    ]
    pages: dict[str, Any] = {item["url"]: [jpeg(number)] for number, item in enumerate(items)}
    pages[f"{HOST}1.jpg"] = [ServerError("busy"), picture("PNG")]
    world = BatchWorld(pages)
    world.all_rounds(event_of([*items, {"url": "no \udfff URL"}]))
    write_parquet(RunFiles(world.store, tmp_path, "dogs", "r1"))
    folder = "datasets/dogs/metadata/"
    found = [row for key in world.store.keys(f"{folder}jsonl/run=r1/") for row in world.lines(key)]
    assert len(list(world.store.keys(f"{folder}jsonl/run=r1/"))) == 2
    body = world.store.read(f"{folder}parquet/run=r1/part-00000.parquet")
    rows = parquet.read_table(io.BytesIO(body)).to_pylist()
    assert rows == [with_times(line) for line in sorted(found, key=lambda line: int(line["index"]))]
    assert [rows[3]["title"], rows[1]["labels"]] == ["? half", [hostile[1], "x"]]
    plain = [AuditRecord.from_item(row | {"upload_timestamp": ""}) for row in rows]
    assert plain == [AuditRecord.from_item(one.as_dict() | {"upload_timestamp": ""}) for one in world.records]


def with_times(line: dict[str, Any]) -> dict[str, Any]:
    """The row that a line becomes: its times are no text any more."""
    times = [column.name for column in METADATA_COLUMNS if column.kind in {"moment", "stamp"}]
    return line | {name: datetime.fromisoformat(line[name]) for name in times}


@pytest.mark.parametrize(
    "body",
    [
        b"[1]\n",
        b"{}\n",
        b"nonsense\n",
        b"\xff\n",
        b'{"index":1}\n{"index":"2"}\n',
        b'{"index":1,"labels":5}\n',
        b'{"index":1,"width":"wide"}\n',
        b'{"index":1,"size_bytes":1%s}\n' % (b"0" * 40),
        b'{"index":1,"began_at":"never"}\n',
        b'{"index":1,"upload_timestamp":"never"}\n',
        b'{"index":1,"title":"\\ud800"}\n',
    ],
)
def test_foreign_lines_are_told_and_leave_nothing(tmp_path: Path, body: bytes) -> None:
    """Somebody changed a part: one clear error of ours, no half file."""
    bucket = MemoryBucket({f"{LINES}part-00000000-0.jsonl": body})
    with pytest.raises(StorageError, match=f"the metadata of the run {RUN} has lines that pupline did not write"):
        write_parquet(RunFiles(bucket, tmp_path, DATASET, RUN))
    assert bucket.puts == []
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    """S3 says of a key that may not be read what it says of one that is not there."""

    class Closed(MemoryBucket):
        def read(self, key: str) -> bytes:
            raise KeyError(key)

    bucket = Closed(dict([round_of(0, 0, 0)]))
    with pytest.raises(StorageError, match=r"part-00000000-0.jsonl may not be read"):
        write_parquet(RunFiles(bucket, tmp_path, DATASET, RUN))


@pytest.mark.long
@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """Over 20,000 rows no more is held than over 10,000, which are two parts: pages and row groups are let go."""
    held: list[int] = []

    def texts() -> Iterator[bytes]:
        for first in range(0, 20_000, 1_000):
            held.append(tracemalloc.get_traced_memory()[0] + pyarrow.total_allocated_bytes())
            yield text_of([row(first + number) for number in range(1_000)])

    tracemalloc.start()
    try:
        parquet_of(texts(), RunFiles(MemoryBucket(), tmp_path, DATASET, RUN), 5_000)
    finally:
        tracemalloc.stop()
    assert max(held[10:]) < max(held[:10]) + 1_000_000, held
