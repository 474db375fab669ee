"""Runs of bulk ingestion: each image named once, what is known left out or asked for conditionally."""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, StorageError
from pupline.local import TOPIC_ARN, Alert, IngestCounts, ListedPage, LocalBackend, NewIngest, finished_items
from pupline.local.ingests import PageCounts, _columns, _ingests, _listing, _planner, _previous, item_execution
from pupline.tasks.items import PreviousFetch, SourceItem
from pupline.tasks.metadata import METADATA_COLUMNS
from pupline.tasks.records import AuditRecord
from tests.local.committer_fakes import Source
from tests.local.local_fakes import START, VirtualClock

ALL = 1000


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    """An empty data directory whose clock stands still."""
    with LocalBackend.open(tmp_path, exclusive=True, clock=VirtualClock()) as opened:
        yield opened


def an_ingest(run_id: str = "monday", dataset: str = "dogs") -> NewIngest:
    """A run to begin."""
    return NewIngest(run_id=run_id, dataset=dataset, source="dog-ceo", settings={"count": 3})


def url(number: int) -> str:
    """The URL of an image."""
    return f"http://127.0.0.1/{number}.jpg"


def items(*numbers: int) -> list[SourceItem]:
    """Items of these URLs."""
    return [SourceItem(url=url(number)) for number in numbers]


def test_a_run_is_what_it_was_first_opened_with(backend: LocalBackend) -> None:
    """Opening it again gives it as it is; an unknown one is a clear error."""
    run = backend.ingests.open(an_ingest())
    assert (run.run_id, run.dataset, run.source, run.settings) == ("monday", "dogs", "dog-ceo", {"count": 3})
    assert (run.status, run.position, run.listed, run.created_at, run.items) == ("RUNNING", None, False, START, 0)
    assert backend.ingests.open(an_ingest(dataset="cats")) == backend.ingests.get("monday") == run
    assert backend.ingests.find("tuesday") is None
    with pytest.raises(ConfigurationError, match="no ingest run 'tuesday"):
        backend.ingests.get("tuesday")
    with pytest.raises(ConfigurationError, match="is not a valid run id"):
        backend.ingests.open(an_ingest("mon day"))


def test_the_newest_running_run_of_a_dataset_is_the_unfinished_one(backend: LocalBackend) -> None:
    """Those that ended, and those of other datasets, are not; one that is reopened is again."""
    first, second = backend.ingests.open(an_ingest("one")), backend.ingests.open(an_ingest("two"))
    backend.ingests.open(an_ingest("cats", "cats"))
    assert backend.ingests.unfinished("dogs") == second
    backend.ingests.end(second.ingest_id, "FAILED", "States.ExceedToleratedFailureThreshold")
    assert backend.ingests.unfinished("dogs") == first
    backend.ingests.end(first.ingest_id, "SUCCEEDED")
    assert backend.ingests.unfinished("dogs") is None
    ended = backend.ingests.get("two")
    assert (ended.status, ended.error, ended.ended_at) == ("FAILED", "States.ExceedToleratedFailureThreshold", START)
    assert backend.ingests.reopen(second.ingest_id) == second == backend.ingests.unfinished("dogs")
    assert [run.run_id for run in backend.ingests.all()] == ["one", "two", "cats"]
    assert [run.run_id for run in backend.ingests.all("cats")] == ["cats"]


def test_a_page_and_its_position_are_one_step(backend: LocalBackend) -> None:
    """What the run has already, from this page or an earlier one, is counted as repeated; indexes have no gaps."""
    run = backend.ingests.open(an_ingest())

    def add(ingest_id: int, items: list[SourceItem], **rest: Any) -> PageCounts:
        return backend.ingests.add_page(ingest_id, ListedPage(items, **rest))

    page = add(run.ingest_id, items(1, 2, 1), position="p1", listed=False, total=9)
    assert page == PageCounts(added=2, repeated=1, known=0, known_in_a_row=0)
    page = add(run.ingest_id, items(2, 3, 4), position="p2", listed=True)
    assert page == PageCounts(added=2, repeated=1, known=0, known_in_a_row=0)
    now = backend.ingests.get("monday")
    assert (now.position, now.listed, now.total, now.items, now.repeated) == ("p2", True, 9, 4, 2)
    pending = backend.ingests.pending(run.ingest_id, after=-1, limit=ALL)
    assert [(one.index, one.item.url) for one in pending] == [(n, url(n + 1)) for n in range(4)]
    assert [one.index for one in backend.ingests.pending(run.ingest_id, after=1, limit=1)] == [2]


def test_a_page_that_cannot_be_written_leaves_nothing(backend: LocalBackend) -> None:
    """When the last statement of a page fails, neither items nor position are there."""
    run = backend.ingests.open(an_ingest())
    trigger = "CREATE TRIGGER t BEFORE UPDATE ON ingests BEGIN SELECT raise(ABORT, 'no'); END"
    backend.database.write(lambda connection: connection.execute(trigger))
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        backend.ingests.add_page(run.ingest_id, ListedPage(items(1), position="p1", listed=True))
    assert backend.ingests.pending(run.ingest_id, after=-1, limit=ALL) == []
    assert backend.ingests.get("monday") == run


def test_a_limit_is_of_the_whole_run(backend: LocalBackend) -> None:
    """Repeated items do not count; what comes after the last one is left out and not counted either."""
    run = backend.ingests.open(an_ingest())
    backend.ingests.add_page(run.ingest_id, ListedPage(items(1, 2), position=None, listed=False, limit=3))
    page = backend.ingests.add_page(run.ingest_id, ListedPage(items(1, 3, 4, 1), position=None, listed=False, limit=3))
    assert page == PageCounts(added=1, repeated=1, known=0, known_in_a_row=0)
    assert [item.url for _, item in backend.ingests.items(run.ingest_id)] == [url(1), url(2), url(3)]


NUMBERS = itertools.count()
texts = st.text(max_size=20)


@given(
    st.builds(
        SourceItem,
        url=texts.map(lambda text: "http://127.0.0.1/" + text.encode("utf-8", "replace").decode()),
        id=st.none() | texts,
        width=st.none() | st.integers(0, 1 << 40),
        sha1=st.none() | texts,
        title=st.none() | texts,
        labels=st.lists(texts, max_size=3).map(tuple),
        extra=st.just({}),
    )
)
def test_what_a_source_tells_comes_back(backend_of_all: LocalBackend, item: SourceItem) -> None:
    """Every field of an item survives the table, whatever characters it is made of."""
    run = backend_of_all.ingests.open(an_ingest(f"run-{next(NUMBERS)}"))
    backend_of_all.ingests.add_page(run.ingest_id, ListedPage([item], position=None, listed=True))
    assert list(backend_of_all.ingests.items(run.ingest_id)) == [(0, item)]


@pytest.fixture(scope="module")
def backend_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    """One data directory for all examples."""
    with LocalBackend.open(tmp_path_factory.mktemp("data"), exclusive=True) as opened:
        yield opened


def stored(backend: LocalBackend, run_id: str, *numbers: int, dataset: str = "dogs") -> Source:
    """A run that has stored these, each with bytes of its own."""
    source = Source(backend, run_id, dataset)
    source.list_urls(*map(url, numbers))
    source.take_in(*(source.fetched(at, url(one), b"bytes of %d" % one) for at, one in enumerate(numbers)))
    return source


def test_an_earlier_run_tells_what_is_known_of_a_url(backend: LocalBackend) -> None:
    """The newest one whose object is still there; with the validators that the server gave."""
    stored(backend, "one", 1, 2)
    later = Source(backend, "two", "cats")
    later.list_urls(url(1), url(2), url(3))
    first, second, third = backend.ingests.pending(later.run.ingest_id, after=-1, limit=ALL)
    assert first.previous == PreviousFetch(
        image_name="dogs/1.jpg",
        key="html/dogs/1.jpg",
        sha256=later.fetched(0, url(1), b"bytes of 1").fetch_outcome.sha256,  # type: ignore[union-attr]
        size_bytes=10,
        file_type="jpg",
        width=1,
        height=1,
        content_type="image/jpeg",
        etag='"v1"',
    )
    assert third.previous is None
    later.take_in(later.fetched(0, url(1), b"newer"))
    last = Source(backend, "three")
    last.list_urls(url(1), url(2))
    (backend.bucket().root / "html/dogs/2.jpg").unlink()
    first, second = backend.ingests.pending(last.run.ingest_id, after=-1, limit=ALL)
    assert first.previous is not None
    assert (first.previous.key, second.previous) == ("html/cats/1.jpg", None)
    (backend.bucket().root / "html/cats/1.jpg").unlink()
    [first] = backend.ingests.pending(last.run.ingest_id, after=-1, limit=1)
    assert first.previous is not None
    assert first.previous.key == "html/dogs/1.jpg"


def test_bytes_that_are_declared_are_found_by_their_hash(backend: LocalBackend) -> None:
    """By SHA-256, in either case of letters, and by SHA-1 where a source declared it before; whatever the URL."""
    source = Source(backend, "one")
    source.list_urls(url(1))
    arrived = source.fetched(0, url(1), b"rex")
    sha256 = arrived.fetch_outcome.sha256  # type: ignore[union-attr]
    source.take_in(arrived)
    later = backend.ingests.open(an_ingest("two"))
    declared = [SourceItem(url=url(8), sha256=sha256.upper()), SourceItem(url=url(9), sha256="00" * 32), *items(1)]
    backend.ingests.add_page(later.ingest_id, ListedPage(declared, position=None, listed=True))
    backend.database.write(lambda connection: connection.execute("UPDATE ingest_items SET sha1 = 'aa' WHERE key > ''"))
    by_sha1 = [SourceItem(url=url(10), sha1="AA")]
    backend.ingests.add_page(later.ingest_id, ListedPage(by_sha1, position=None, listed=True))
    held = [
        one.same_bytes and one.same_bytes.key for one in backend.ingests.pending(later.ingest_id, after=-1, limit=ALL)
    ]
    assert held == ["html/dogs/1.jpg", None, None, "html/dogs/1.jpg"]


def test_known_items_are_left_out_when_asked(backend: LocalBackend) -> None:
    """Of the same dataset only, while their objects are there; rows of them are counted over pages."""
    stored(backend, "one", 1, 2, 3, 4)
    (backend.bucket().root / "html/dogs/4.jpg").unlink()
    run = backend.ingests.open(an_ingest("two"))

    def add(ingest_id: int, items: list[SourceItem], **rest: Any) -> PageCounts:
        return backend.ingests.add_page(ingest_id, ListedPage(items, **rest))

    page = add(run.ingest_id, items(9, 1), position=None, listed=False, skip_known=True)
    assert page == PageCounts(added=1, repeated=0, known=1, known_in_a_row=1)
    page = add(run.ingest_id, items(2, 9, 3, 4), position=None, listed=True, skip_known=True)
    assert page == PageCounts(added=1, repeated=1, known=2, known_in_a_row=3)
    assert backend.ingests.get("two").known == 3
    assert [item.url for _, item in backend.ingests.items(run.ingest_id)] == [url(9), url(4)]
    cats = backend.ingests.open(an_ingest("three", "cats"))
    assert add(cats.ingest_id, items(1), position=None, listed=True, skip_known=True).added == 1


def test_what_failed_can_be_had_again(backend: LocalBackend) -> None:
    """Only failed items, with what the source told of them, under indexes of their own."""
    source = Source(backend, "one")
    facts = [SourceItem(url=url(n), title=f"dog {n}") for n in range(4)]
    backend.ingests.add_page(source.run.ingest_id, ListedPage(facts, position=None, listed=True))
    source.take_in(source.fetched(0, url(0), b"0"), source.failed(1, url(1)), source.failed(3, url(3)))
    again = backend.ingests.open(an_ingest("two"))
    assert backend.ingests.add_failed_of(again.ingest_id, source.run) == 2
    assert list(backend.ingests.items(again.ingest_id)) == [(0, facts[1]), (1, facts[3])]
    now = backend.ingests.get("two")
    assert (now.listed, now.items, now.total) == (True, 2, 2)


def test_counts_are_of_one_run(backend: LocalBackend) -> None:
    """Also beside a run whose id begins alike, or ends like an item's index."""
    one, other = stored(backend, "run", 1), stored(backend, "run-00000000", 2, 3)
    one.list_urls(url(7), url(8))
    one.take_in(one.failed(1, url(7)))
    counts = backend.ingests.counts(one.run.ingest_id)
    expected = IngestCounts(items=3, done=2, alerts=0, bytes=10)
    expected.outcomes.update(stored=1, failed=1)
    expected.reasons.update(accepted=1, not_found=1)
    assert counts == expected
    assert backend.ingests.counts(other.run.ingest_id).done == 2
    assert backend.ingests.counts(backend.ingests.open(an_ingest("empty")).ingest_id) == IngestCounts(items=0, done=0)


def test_an_alert_and_what_it_announces_are_one_step(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its records are marked in the transaction that adds it; other runs keep theirs, and a failure leaves both."""
    for run_id in ("run", "runs"):
        backend.ingests.open(an_ingest(run_id))
        audited = AuditRecord(
            image_name="rex.png",
            upload_timestamp="2026-01-02T03:04:05Z",
            file_type="png",
            alert_triggered=True,
            alert_reasons=("NOT_AN_IMAGE",),
            outcome="stored",
            reason="accepted",
            execution=item_execution(run_id, 0),
        )
        backend.audit.put(audited)
    one, other = (backend.ingests.get(run_id).ingest_id for run_id in ("run", "runs"))
    alert = Alert("m1", "run", "digest-1", TOPIC_ARN, None, "one image", {}, START)

    def published() -> tuple[int, int, int]:
        alerts = backend.database.rows("SELECT count(*) FROM alerts")[0][0]
        return alerts, *(len(list(backend.ingests.alerted(run, sent=False))) for run in (one, other))

    with monkeypatch.context() as broken:
        broken.setattr(_ingests, "RUN_CONDITION", "no_such_column = ? AND ?")
        with pytest.raises(StorageError, match="no_such_column"):
            backend.ingests.publish(one, alert)
    assert published() == (0, 1, 1)
    backend.ingests.publish(one, alert)
    assert published() == (1, 0, 1)
    assert len(list(backend.ingests.alerted(one, sent=True))) == 1


def test_only_a_run_that_listed_nothing_is_dropped(backend: LocalBackend) -> None:
    """One with items, with a position to go on from, or with an end of its listing stays."""
    runs = [backend.ingests.open(an_ingest(name)) for name in ("empty", "items", "position", "listed")]
    backend.ingests.add_page(runs[1].ingest_id, ListedPage(items(1), position=None, listed=False))
    backend.ingests.add_page(runs[2].ingest_id, ListedPage([], position="2", listed=False))
    backend.ingests.add_page(runs[3].ingest_id, ListedPage([], position=None, listed=True))
    for run in runs:
        backend.ingests.drop_empty(run.ingest_id)
    assert [row.run_id for row in backend.ingests.all()] == ["items", "position", "listed"]


def test_finished_items_come_in_order_and_page_by_page(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their records, whatever order they arrived in; pending ones are left out."""
    monkeypatch.setattr("pupline.local.ingests._columns.PAGE_ROWS", 2)
    monkeypatch.setattr("pupline.local.ingests._ingests._PAGE", 2)
    source = Source(backend, "one")
    source.list_urls(*map(url, range(6)))
    source.take_in(*(source.failed(at, url(at)) for at in (5, 0, 3, 2, 1)))
    pages = [dict(zip(NAMES, page.columns, strict=True)) for page in finished_items(backend.database, source.run)]
    assert [list(page["index"]) for page in pages] == [[0, 1], [2, 3], [5]]
    executions = [name for page in pages for name in page["execution"]]
    assert executions == [item_execution("one", at) for at in (0, 1, 2, 3, 5)]
    assert len(list(backend.ingests.items(source.run.ingest_id))) == 6


NAMES = [column.name for column in METADATA_COLUMNS]
DERIVED = re.compile(r"VIRTUAL TABLE|\(subquery")
QUERIES = [
    (f"{module.__name__}.{name}", value)
    for module in (_columns, _ingests, _listing, _planner, _previous)
    for name, value in vars(module).items()
    if isinstance(value, str) and " WHERE " in value and value.startswith(("SELECT", "INSERT"))
]


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
def test_a_run_is_read_without_looking_at_all_others(backend: LocalBackend, query: str) -> None:
    """Each query goes along an index that leads to its rows: no table is read from end to end."""
    statement = query.replace(":values", "?")
    explained = backend.database.rows(f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?"))
    plan = [str(row[3]) for row in explained]
    reads = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert len(reads) >= 1
    assert not [step for step in reads if step.startswith("SCAN") and not DERIVED.search(step)], plan
    assert not [step for step in reads if step.endswith("(bucket=?)")], plan
