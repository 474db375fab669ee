"""The index of records: whatever is asked, the answer is that of the database alone."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pupline.local import INDEX_NAME, LocalBackend, LocalPages
from pupline.local.pages import _record_index, _record_scan
from pupline.tasks.pages import RECORD_FIELDS, RecordQuery
from pupline.tasks.records import AuditRecord
from pupline.text import timestamp

START = 1_767_323_045.0
"""2026-01-02T03:04:05Z"""
COUNT = 300
SEGMENT = 32

QUERIES: list[dict[str, Any]] = [
    {},
    {"breed": ("hound",)},
    {"breed": ("hound", "pug"), "type": ("png",)},
    {"outcome": ("stored", "duplicate"), "alert": True},
    {"alert": False, "reason": ("damaged_image",)},
    {"host": ("a.example",)},
    {"host": ("nowhere",)},
    {"source": ("list",), "run": ("r", "s")},
    {"run": ("s-2",)},
    {"dataset": ("dogs",)},
    {"dataset": ("cats",)},
    {"error": ("NotFound",)},
    {"execution": ("r-00000007",)},
    {"since": START + 50},
    {"until": START + 150, "outcome": ("failed",)},
    {"since": START + 90, "until": START + 160},
    {"text": "ZOË"},
    {"text": "zoë"},
    {"text": "hound A.EXAMPLE"},
    {"text": "r-00000001", "type": ("jpg",)},
    {"text": "no such words"},
    {"text": "100%"},
    {"text": "_"},
]


def records() -> Iterator[AuditRecord]:
    """Records of several runs with all kinds of values, the same each time."""
    choose = random.Random(7).choice
    for number in range(COUNT):
        yield AuditRecord(
            image_name=f"{choose(('rex', 'Zoë', '100%', 'a_b'))}-{number}.jpg",
            upload_timestamp=timestamp(START + number // 2 - choose((0, 0, 5))),
            file_type=choose(("jpg", "jpg", "png", None)),
            alert_triggered=choose((True, False)),
            outcome=choose(("stored", "stored", "duplicate", "failed")),
            reason=choose(("accepted", "damaged_image")),
            execution=f"{choose(('r', 's', 's-2'))}-{number:08}",
            source=choose(("list", "dog-ceo", None)),
            source_url=choose(("https://a.example/x/y.jpg", "https://b.example:8443/\nz.jpg", None)),
            breed=choose(("hound", "pug", None)),
            error=choose((None, "NotFound")),
            cause=choose((None, "line\r\nbreak")),
        )


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBackend]:
    """A data directory with the records; small segments, and no pause before the index is looked at again."""
    for module in (_record_index, _record_scan):
        monkeypatch.setattr(module, "SIZE", SEGMENT)
    monkeypatch.setattr(_record_scan, "_CHUNK", 2 * SEGMENT)
    monkeypatch.setattr(_record_index, "_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(_record_index, "_ROWS_AT_ONCE", 7)
    with LocalBackend.open(tmp_path, exclusive=True) as opened:
        opened.runs.open("r", {"source": "dog-ceo", "dataset": "dogs"})
        opened.audit.put_many(list(records()))
        yield opened


def indexed(backend: LocalBackend) -> LocalPages:
    """The lists with an index of all full segments."""
    pages = LocalPages(backend.database, backend.data_dir / INDEX_NAME)
    while pages.prepare():
        pass
    return pages


def answers(pages: LocalPages) -> list[Any]:
    """What is answered to every query: pages in both directions, offsets, counts, facets, neighbours."""
    found: list[Any] = []
    for order in ("newest", "oldest"):
        for given in QUERIES:
            query = RecordQuery(limit=40, order=order, **given)
            first = pages.record_page(query)
            second = pages.record_page(replace(query, after=first.next)) if first.next else first
            back = pages.record_page(replace(query, before=second.previous)) if second.previous else first
            assert back.items == first.items
            found += [first, second, pages.records_at(query, 25, 30), pages.count_records(query)]
            found += [pages.record_neighbours(query, item.id) for item in first.items[1:2]]
    for field in RECORD_FIELDS:
        found += [pages.record_facets(RecordQuery(**given), field) for given in QUERIES[:10]]
    return found


def few_answers(pages: LocalPages) -> list[Any]:
    """What is answered to some queries."""
    return [pages.records_at(RecordQuery(**given), 0, COUNT) for given in QUERIES[:6]]


@pytest.mark.slow
def test_answers_are_those_of_the_database(backend: LocalBackend) -> None:
    """For every filter, order, page, offset, count and facet; what follows the last segment included."""
    pages = indexed(backend)
    assert sqlite3.connect(backend.data_dir / INDEX_NAME).execute("SELECT count(*) FROM segments").fetchone() == (
        COUNT // SEGMENT,
    )
    assert answers(pages) == answers(LocalPages(backend.database))


def test_an_index_of_another_database_is_not_used(backend: LocalBackend) -> None:
    """A repair deletes single records and adds others: the index is made again."""
    pages = indexed(backend)
    backend.audit.replace(next(records()).execution, next(records()))
    expected = few_answers(LocalPages(backend.database))
    assert few_answers(pages) == expected
    assert few_answers(indexed(backend)) == expected


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100])
def test_a_damaged_index_is_not_used(backend: LocalBackend, damage: bytes) -> None:
    """Nor one that is gone while it is in use; the next preparation makes it again."""
    pages = indexed(backend)
    (backend.data_dir / INDEX_NAME).write_bytes(damage)
    query = RecordQuery(breed=("pug",))
    assert pages.count_records(query) == LocalPages(backend.database).count_records(query)
    assert indexed(backend).count_records(query) == LocalPages(backend.database).count_records(query)
    (backend.data_dir / INDEX_NAME).unlink()
    assert pages.count_records(query) == LocalPages(backend.database).count_records(query)


def test_a_search_says_how_far_it_looked(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over, the page is not the last one: the next continues where this one stopped."""
    monkeypatch.setattr(_record_scan, "PATIENCE_SECONDS", -1.0)
    pages, query = LocalPages(backend.database), RecordQuery(text="zoë", limit=500)
    page = pages.record_page(query)
    assert page.next is not None
    assert page.searched_to is not None
    monkeypatch.setattr(_record_scan, "PATIENCE_SECONDS", 60.0)
    rest = pages.record_page(replace(query, after=page.next))
    assert rest.searched_to is None
    assert len(page.items) + len(rest.items) == pages.count_records(query).number
