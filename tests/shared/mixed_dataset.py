"""A dataset that is hard to load: pictures of many types, values that come late, names without an extension."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet
from PIL import Image

from pupline.bulk._outputs import OutputOptions, write_outputs
from pupline.bulk._run_stats import RunStats
from pupline.http import Response
from pupline.local import Arrival, GroupCommitter, IngestRow, ListedPage, LocalBackend, NewIngest
from pupline.tasks.ingest_item import RecordBuilder, inspect_response
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchFailed, SourceItem
from tests.shared.workflow_rules import RULES

DATASET = "dogs"
BARE_RUN, MIXED_RUN = "2026-01-01", "monday"
"""A run whose rows have nothing but an address, and one of `IMAGES` images. Query engines take the first for a date."""

IMAGES = 110
FORMATS = ("JPEG", "JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "JPEG")
LATE: Mapping[str, Any] = {
    "stars": 4.5,
    "likes": 3,
    "good": True,
    "tags": ["big", "brown"],
    "taken": "2026-01-01",
    "width": "as the source says",
    "Label": "another case",
    "original_file_name": "IMG_1.JPG",
}
"""Columns of the source that only the last rows have."""

LATER_COLUMNS = ["caption", "extra", "verification"]
"""Columns that the first run does not have, as if an earlier version had written its Parquet."""

_TIMES: Mapping[str, Any] = {"attempts": 1, "began_at": 1_795_366_800.0, "ended_at": 1_795_366_801.0}


def picture(number: int, kind: str) -> bytes:
    """A picture of 32 by 24 pixels, of one colour."""
    target = io.BytesIO()
    Image.new("RGB", (32, 24), (number * 2, 255 - number * 2, number % 7 * 30)).save(target, kind)
    return target.getvalue()


def write_mixed_dataset(data: Path) -> Path:
    """Write both runs, with shards of 25 images, sidecars, JSON Lines and Parquet. The bucket's directory."""
    with LocalBackend.open(data, exclusive=True) as backend:
        _write_run(backend, BARE_RUN, [_bare_item(number) for number in range(3)])
        _write_run(backend, MIXED_RUN, [_mixed_item(number) for number in range(IMAGES)])
        root = backend.bucket().root
    for part in root.glob(f"datasets/{DATASET}/metadata/parquet/run={BARE_RUN}/*.parquet"):
        table = pyarrow.parquet.ParquetFile(part).read()
        pyarrow.parquet.write_table(table.drop_columns(LATER_COLUMNS), part)
    return root


def _bare_item(number: int) -> tuple[SourceItem, bytes]:
    return SourceItem(url=f"https://cdn.example/bare-{number}.jpg"), picture(200 - number, "JPEG")


def _mixed_item(number: int) -> tuple[SourceItem, bytes | None]:
    """All but number 0 have a day. Every fifth name has no extension. Number 6 has the bytes of number 5, number 7 is
    HTML, number 8 is gone, and number 10 has a name as in a test split.
    """
    plain = f"test-{number}" if number == 10 else f"{number}"
    name = plain if number % 5 == 0 else f"{number}.[x]*.{FORMATS[number % len(FORMATS)].lower()}"
    item = SourceItem(url=f"https://cdn.example/{name}", id=f"{number:04}")
    if number >= 20:
        item = item._replace(title=f"Rex {number} 🐕\u2028", caption=f"a dog, number {number}", creator="=Ann")
        item = item._replace(labels=("hound", "afghan") if number % 2 else ("pug",))
    if number:
        item = item._replace(extra={"day": "2026-01-31", **(LATE if number >= 100 else {})})
    bodies = {7: b"<!doctype html><title>Not a dog</title>", 8: None}
    same = 5 if number == 6 else number
    return item, bodies.get(number, picture(same, FORMATS[same % len(FORMATS)]))


def _write_run(backend: LocalBackend, run: str, listed: list[Any]) -> None:
    ingest = backend.ingests.open(NewIngest(run_id=run, dataset=DATASET, source="urls.jsonl", settings={}))
    items = [item for item, _ in listed]
    backend.ingests.add_page(ingest.ingest_id, ListedPage(items, position=None, listed=True, total=len(items)))
    committer = GroupCommitter(backend.ingests, ingest, RecordBuilder("urls.jsonl", DATASET, RULES), lambda _: None)
    committer.take([_arrival(backend, ingest, index, *one) for index, one in enumerate(listed)])
    committer.close()
    stats = RunStats(status="SUCCEEDED", ended_at=1_795_366_810.5, seconds=2.0, cpu_seconds=0.5, finished=len(items))
    write_outputs(backend, run, stats, OutputOptions(shard_size=25, sidecars=True))
    backend.ingests.end(ingest.ingest_id, "SUCCEEDED")


def _arrival(backend: LocalBackend, ingest: IngestRow, index: int, item: SourceItem, body: bytes | None) -> Arrival:
    if body is None:
        lost = FetchFailed(outcome="failed", reason="not_found", error="NotFound", cause="it answered 404")
        return Arrival(index=index, item=item, fetch_outcome=lost, path=None, **_TIMES)
    path = backend.data_dir / "tmp" / f"ingest-{ingest.ingest_id}-{index}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    response = Response(item.url, 200, {}, body, "image/jpeg")
    fetched = inspect_response(response, item, IngestRules())
    return Arrival(index=index, item=item, fetch_outcome=fetched, path=str(path), **_TIMES)
