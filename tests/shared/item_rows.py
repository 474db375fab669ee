"""Finished items for tests of outputs: plain ones, and strategies for hostile ones."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from pupline.bulk._run_files import RowBatch
from pupline.local import LocalBackend
from pupline.local.ingests import item_execution
from pupline.tasks.items import SourceItem
from pupline.tasks.metadata import ItemRow, columns_of
from pupline.tasks.records import AuditRecord

RUN = "20261122-170000-ab12"
DATASET = "dogs"

# What SQLite, Parquet and JSON can all hold: any text but half a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["", "\x00", "🐕‍🦺", "\u2028\u2029\x85", "\x1b[31m%s%d%%", '"\\\n\r\t', "é" * 2_000, "null"]
)
maybe = st.none() | texts
milliseconds = st.integers(0, 4_102_444_800_000)


def row(index: int, *, item: dict[str, Any] | None = None, key: str | None = None, **record: Any) -> ItemRow:
    """The item `index`, a stored JPEG, with the given fields of the item and of its record changed."""
    name = f"{index}.jpg"
    plain: dict[str, Any] = {
        "image_name": f"{DATASET}/{name}",
        "image_url": f"file:///data/buckets/dog-images/html/{DATASET}/{name}",
        "upload_timestamp": f"2026-11-22T17:00:{index % 60:02}.{index % 1000:03}Z",
        "file_type": "jpg",
        "alert_triggered": False,
        "outcome": "stored",
        "reason": "accepted",
        "source": "urls.txt",
        "source_url": f"https://cdn.example/{name}",
        "sha256": f"{index:064x}",
        "size_bytes": 70_000 + index,
        "width": 640,
        "height": 480,
        "content_type": "image/jpeg",
        "name_extension": "jpg",
        "execution": f"{RUN}-{index:08}",
    }
    return ItemRow(
        index=index,
        item=SourceItem(**({"url": plain["source_url"]} | (item or {}))),
        record=AuditRecord(**(plain | record)),
        key=key or f"html/{DATASET}/{name}",
        attempts=1,
        began_at=1_795_366_800.0 + index,
        ended_at=1_795_366_800.25 + index,
    )


def batch(rows: Sequence[ItemRow]) -> RowBatch:
    """The batch of the rows, as the journal's columns give it."""
    facts = [{name: value for name, value in one.item.as_dict().items() if name != "url"} for one in rows]
    return RowBatch.of(columns_of(rows, DATASET), [json.dumps(one) if one else None for one in facts])


@st.composite
def hostile_rows(draw: st.DrawFn, index: int = 0) -> ItemRow:
    """A row whose every text may be anything, and whose every fact may be absent."""
    number = st.none() | st.integers(0, 2**31 - 1)
    said: dict[str, Any] = {name: draw(maybe) for name in _SAID}
    item = SourceItem(url=draw(texts), labels=tuple(draw(st.lists(texts, max_size=3))), extra=draw(_EXTRAS), **said)
    record = AuditRecord(
        image_name=draw(texts),
        upload_timestamp=draw(st.datetimes().map(lambda when: when.isoformat(timespec="milliseconds") + "Z")),
        alert_triggered=draw(st.booleans()),
        alert_sent=draw(st.none() | st.booleans()),
        alert_reasons=tuple(draw(st.lists(texts, max_size=2))),
        outcome=draw(st.sampled_from(["stored", "duplicate", "quarantined", "refused", "failed"])),
        reason="accepted",
        execution=draw(texts),
        size_bytes=draw(st.none() | st.integers(0, 2**62)),
        width=draw(number),
        height=draw(number),
        **{name: draw(maybe) for name in _TEXT_FACTS},
    )
    return ItemRow(
        index=index,
        item=item,
        record=record,
        **{name: draw(maybe) for name in ("key", "sha1", "md5", "etag", "last_modified")},
        verification=draw(st.sampled_from([None, "verified", "changed", "gone"])),
        attempts=draw(st.integers(0, 4)),
        began_at=draw(milliseconds) / 1000,
        ended_at=draw(milliseconds) / 1000,
    )


_SAID = ("id", "license", "creator", "attribution", "landing", "title", "alt", "caption", "md5", "phash")
_EXTRAS = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3)
_TEXT_FACTS = (
    "image_url",
    "file_type",
    "source",
    "source_url",
    "sha256",
    "content_type",
    "name_extension",
    "breed",
    "error",
    "cause",
)


_OF_ITEM = (
    *("key", "sha1", "md5", "verification", "etag", "last_modified"),
    *("attempts", "began_at", "ended_at"),
)


def stored_rows(backend: LocalBackend, run_id: str) -> list[ItemRow]:
    """The finished items of a run in the order of their indexes, one object for each, read without any paging."""
    query = (
        f"SELECT item_index, url, facts, {', '.join(f'i.{name}' for name in _OF_ITEM)}"  # noqa: S608
        " FROM ingest_items AS i JOIN ingests USING (ingest_id)"
        " WHERE run_id = ? AND outcome IS NOT NULL ORDER BY item_index"
    )
    records = {record.execution: record for record in backend.audit.records()}
    return [
        ItemRow(
            index=index,
            item=SourceItem.from_dict({"url": url, **json.loads(facts or "{}")}),
            record=records[item_execution(run_id, index)],
            **dict(zip(_OF_ITEM, rest, strict=True)),
        )
        for index, url, facts, *rest in backend.database.rows(query, (run_id,))
    ]
