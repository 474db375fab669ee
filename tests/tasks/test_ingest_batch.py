"""IngestBatch: what becomes of each item, and that trying a batch again ends as trying it once."""

import json
import threading
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import (
    ConfigurationError,
    ConnectionFailed,
    HttpError,
    InvalidInput,
    LongRetryAfter,
    NotFound,
    RetryAfter,
    ServerError,
    StorageError,
    TaskFailure,
)
from pupline.http import Response
from pupline.images import Inspection, inspect
from pupline.tasks import timed_inspection
from pupline.tasks.ports import ObjectToCreate, StoredObject
from tests.shared.batch_world import HOST, START, BatchWorld, event_of, jpeg
from tests.shared.functions_fakes import Crash, Killed, picture

PNG = picture("PNG")
HTML = b"<!doctype html><html><body>not a dog</body></html>"
PART = "datasets/dogs/metadata/jsonl/run=r1/part-00000000-0.jsonl"
RESULT = "datasets/dogs/runs/r1/batches/00000000-0.json"


def urls(*names: str) -> list[str]:
    """Of images on one host."""
    return [HOST + name for name in names]


def test_every_item_is_stored_recorded_and_described() -> None:
    """An object below the dataset, a record by run and index, a row of metadata, and the counts."""
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(urls("a.jpg", "b.jpg"))})
    item = {"url": HOST + "b.jpg", "license": "CC0", "labels": ["hound", "afghan"]}
    answer = world.batch(event_of([HOST + "a.jpg", item]))
    assert answer == {"outcomes": {"stored": 2}, "unfinished": False, "alerting": False}
    assert world.images() == ["html/dogs/a.jpg", "html/dogs/b.jpg"]
    assert [(record.image_name, record.execution) for record in world.records] == [
        ("dogs/a.jpg", "r1-00000000"),
        ("dogs/b.jpg", "r1-00000001"),
    ]
    first, second = world.lines(PART)
    assert (first["source"], first["alert_sent"], first["key"]) == ("kennel", None, "html/dogs/a.jpg")
    assert (second["license"], second["labels"], second["attempts"]) == ("CC0", ["hound", "afghan"], 1)
    assert json.loads(world.store.objects[RESULT].body)["outcomes"] == {"stored": 2}


def test_an_item_that_cannot_be_had_fails_nothing_but_itself() -> None:
    """Missing, refused, no URL at all: each has a record with its reason, and the batch goes on."""
    world = BatchWorld({HOST + "a.jpg": [jpeg(1)], HOST + "gone.jpg": [NotFound("gone")]})
    lines = [HOST + "gone.jpg", HOST + "a.jpg", {"title": "no url"}, "ftp://images.example/x.jpg", "\u2028"]
    answer = world.batch(event_of(lines))
    assert answer["outcomes"] == {"failed": 1, "stored": 1, "refused": 3}
    assert [record.reason for record in world.records] == ["not_found", "accepted", *["invalid_url"] * 3]
    assert len(world.lines(PART)) == 5


def test_a_host_that_asks_for_an_hour_is_asked_once_for_an_image() -> None:
    """No round waits so long: the image ends at once, and the other one of the host is fetched."""
    world = BatchWorld({HOST + "a.jpg": [LongRetryAfter("away", 3600), jpeg(1)], HOST + "b.jpg": [jpeg(2)]})
    assert world.batch(event_of(urls("a.jpg", "b.jpg")))["outcomes"] == {"failed": 1, "stored": 1}
    assert [record.reason for record in world.records] == ["rate_limited", "accepted"]


def test_what_is_no_image_goes_to_quarantine() -> None:
    """Below the dataset's name there, and it alerts. Nothing there is served as an image."""
    world = BatchWorld({HOST + "a.jpg": [HTML], HOST + "b.jpg": [jpeg(1)[:-40]]})
    assert world.batch(event_of(urls("a.jpg", "b.jpg")))["outcomes"] == {"quarantined": 2}
    assert world.images() == ["quarantine/dogs/a.jpg", "quarantine/dogs/b.jpg"]
    assert {world.store.objects[key].content_type for key in world.images()} == {"application/octet-stream"}


def test_declared_hashes_are_verified_and_counted() -> None:
    """Row by row and in the summary, and the same when a lost answer makes the round be tried again."""
    world = BatchWorld({HOST + "a": [jpeg(1)], HOST + "b.php": [jpeg(2)], HOST + "gone.jpg": [NotFound("gone")]})
    declared = {"md5": md5(jpeg(1), usedforsecurity=False).hexdigest(), "phash": "0" * 16, "extra": {"n": 1}}
    items = [{"url": HOST + name, **declared} for name in ("a", "b.php", "gone.jpg")]
    event = event_of(items)
    world.batch(event)
    del world.store.objects[RESULT]
    world.batch(event)
    rows = world.lines(PART)
    assert [(row["verification"], row["reason"]) for row in rows] == [
        ("verified", "accepted"),
        ("changed", "hash_mismatch"),
        ("gone", "not_found"),
    ]
    assert world.images() == ["html/dogs/a.jpg", "quarantine/dogs/b.jpg"]
    assert [row["expected_md5"] for row in rows] == [declared["md5"]] * 3
    assert (rows[1]["md5"], rows[1]["extra"]) == (md5(jpeg(2), usedforsecurity=False).hexdigest(), {"n": 1})
    world.summary(event_of([])["batch"]["BatchInput"] | {"items": 3, "tolerate": 100})
    summary = json.loads(world.store.objects["datasets/dogs/runs/r1/summary.json"].body)
    assert [summary[result] for result in ("verified", "changed", "gone")] == [1, 1, 1]
    (failure,) = map(json.loads, world.store.objects["datasets/dogs/runs/r1/failures.jsonl"].body.splitlines())
    assert {name: failure[name] for name in declared} == declared


def test_same_name_other_bytes_get_a_name_beside_it_and_same_bytes_are_a_duplicate() -> None:
    """Both images are kept; the third is the first one again."""
    other = "https://other.example/"
    world = BatchWorld({HOST + "a.jpg": [jpeg(1)], other + "a.jpg": [jpeg(2)], other + "x/a.jpg": [jpeg(1)]})
    world.batch(event_of([HOST + "a.jpg", other + "a.jpg", other + "x/a.jpg"]))
    assert [(record.outcome, record.reason) for record in world.records] == [
        ("stored", "accepted"),
        ("stored", "renamed"),
        ("duplicate", "same_content"),
    ]
    first, second, third = world.records
    assert second.image_name != first.image_name == third.image_name
    assert len(world.images()) == 2


def test_what_may_pass_is_tried_in_another_round_five_times_at_most() -> None:
    """The function hands it back instead of sleeping; after the fifth attempt it is recorded as failed."""
    broken: list[bytes | TaskFailure] = [ConnectionFailed("reset")]
    world = BatchWorld({HOST + "a.jpg": broken, HOST + "b.jpg": [ServerError("500"), jpeg(1)]})
    answer = world.batch(event_of(urls("a.jpg", "b.jpg")))
    assert answer["unfinished"]
    assert [(item["index"], item["attempt"]) for item in answer["batch"]["Items"]] == [(0, 1), (1, 1)]
    assert 1 <= answer["wait_seconds"] <= 60
    assert world.clock.slept == []
    assert world.all_rounds(event_of(urls("a.jpg", "b.jpg")))["outcomes"] == {"failed": 1, "stored": 1}
    assert (world.web.asked[HOST + "a.jpg"], world.web.asked[HOST + "b.jpg"]) == (5, 2)
    assert [record.reason for record in world.records] == ["connection_error", "accepted"]


def test_a_host_that_asks_for_a_pause_is_left_alone_for_that_long() -> None:
    """The rest of its images wait in the next round, without counting as tried; other hosts go on."""
    other = "https://other.example/c.jpg"
    pages: dict[str, list[bytes | TaskFailure]] = {
        HOST + "a.jpg": [RetryAfter("busy", 30), jpeg(1)],
        HOST + "b.jpg": [jpeg(2)],
        other: [jpeg(3)],
    }
    world = BatchWorld(pages)
    answer = world.batch(event_of([*urls("a.jpg", "b.jpg"), other]))
    assert (answer["wait_seconds"], answer["outcomes"]) == (30, {"stored": 1})
    assert [(item["index"], item["attempt"]) for item in answer["batch"]["Items"]] == [(0, 1), (1, 0)]
    assert world.web.asked[HOST + "b.jpg"] == 0
    assert world.all_rounds(event_of([*urls("a.jpg", "b.jpg"), other]))["outcomes"] == {"stored": 3}


def test_a_pause_longer_than_the_batch_has_time_for_is_a_failure() -> None:
    """A batch waits no longer than its child's five minutes: the item is rate_limited, and another run can fetch it."""
    world = BatchWorld({HOST + "a.jpg": [RetryAfter("busy", 60)], HOST + "b.jpg": [RetryAfter("busy", 60)]})
    event = event_of(urls("a.jpg", "b.jpg"))
    answer = world.all_rounds({**event, "started": "2026-01-01T00:00:00.000Z"})
    assert answer["outcomes"] == {"failed": 2}
    assert {record.reason for record in world.records} == {"rate_limited"}
    assert world.clock.time < START + 200


@pytest.mark.parametrize("jump", [0.0, 200.0, 2_592_000.0, -3600.0])
def test_where_no_end_is_set_a_batch_has_the_time_that_its_rounds_take(jump: float) -> None:
    """Without `started` the rounds and the waits between them count, and nothing that the clock was set by counts."""
    world = BatchWorld({HOST + "a.jpg": [RetryAfter("busy", 60)], HOST + "b.jpg": [RetryAfter("busy", 60)]})
    event, rounds = event_of(urls("a.jpg", "b.jpg")), 0
    answer = world.batch(event)
    while answer["unfinished"]:
        world.clock.time += jump
        world.clock.sleep(answer["wait_seconds"])
        answer = world.batch({**event, "batch": answer["batch"]})
        rounds += 1
    assert (answer["outcomes"], rounds, world.clock.ticks) == ({"failed": 2}, 2, 120.0)
    assert {record.reason for record in world.records} == {"rate_limited"}


def moment(seconds: float) -> str:
    """The Context Object's time so many seconds after the beginning."""
    return datetime.fromtimestamp(START + seconds, UTC).isoformat()


def paced(count: int) -> tuple[BatchWorld, dict[str, Any]]:
    """A batch of so many images, one in five seconds."""
    names = urls(*[f"{number}.jpg" for number in range(count)])
    return BatchWorld({url: [jpeg(number)] for number, url in enumerate(names)}), event_of(names, rate=0.2)


def test_waiting_for_concurrency_takes_none_of_a_batchs_time() -> None:
    """What a child has no time left for does not fail: it is left, and another child fetches only that."""
    world, event = paced(30)
    answer = world.batch({**event, "started": moment(-150)})
    assert (answer["outcomes"], answer["unfinished"], answer["leave"]) == ({"stored": 16}, True, True)
    assert {item["attempt"] for item in answer["batch"]["Items"]} == {0}
    assert world.clock.time < START - 150 + 300 - 60
    later = {**event, "started": moment(1000)}
    later["batch"]["BatchInput"] |= {"execution": "r1/2"}
    world.clock.time = START + 1000
    assert world.batch(later) == {"outcomes": {"stored": 30}, "unfinished": False, "alerting": False}
    assert world.web.asked.total() == 30 + 2  # and robots.txt in each process
    assert [record.outcome for record in world.records] == ["stored"] * 30


def test_a_child_without_time_for_a_round_leaves_the_batch_as_it_is() -> None:
    """It asks for nothing and writes nothing, unless the batch is done: then it answers as ever."""
    world, event = paced(3)
    late = {**event, "started": moment(-225)}
    answer = world.batch(late)
    assert (answer["outcomes"], answer["unfinished"], answer["leave"]) == ({}, True, True)
    assert (world.crash.writes, world.web.asked.total()) == (0, 0)
    assert world.batch({**event, "batch": answer["batch"]})["outcomes"] == {"stored": 3}
    assert world.batch(late) == {"outcomes": {"stored": 3}, "unfinished": False, "alerting": False}


@pytest.mark.parametrize(("elapsed", "leaves"), [(0, False), (150, False), (175, True)])
def test_a_round_is_left_when_the_next_would_be_too_late(elapsed: float, leaves: bool) -> None:
    """After the pause there must be time to be throttled once more, and for a round."""
    world = BatchWorld({HOST + "a.jpg": [RetryAfter("busy", 20), jpeg(1)]})
    answer = world.batch({**event_of(urls("a.jpg")), "started": moment(-elapsed)})
    assert (answer["unfinished"], answer.get("leave", False)) == (True, leaves)


def test_another_map_run_keeps_the_pause_that_a_host_asked_for() -> None:
    """It waits for what is left of it, then does the next round without the ones before."""
    world = BatchWorld({HOST + "a.jpg": [RetryAfter("busy", 60), jpeg(1)], HOST + "b.jpg": [jpeg(2)]})
    event = event_of(urls("a.jpg", "b.jpg"), execution="r1")
    assert world.batch(event)["wait_seconds"] == 60
    event["batch"]["BatchInput"]["execution"] = "r1/2"
    world.clock.time += 45
    assert world.batch(event)["wait_seconds"] == 15
    world.clock.time += 15
    assert world.batch(event)["outcomes"] == {"stored": 2}


def test_the_first_alert_is_published_by_one_map_run() -> None:
    """A lost answer is given again; to another Map Run of the execution it is old news."""
    world = BatchWorld({HOST + "a.png": [PNG]})
    event = event_of(urls("a.png"), execution="r1")
    assert world.batch(event)["alerting"]
    assert world.batch(event)["alerting"]
    event["batch"]["BatchInput"]["execution"] = "r1/2"
    assert not world.batch(event)["alerting"]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_is_set_does_not_end_a_round(jump: float) -> None:
    """Thirty images, one in five seconds: 150 of the batch's 200, whatever the clock says meanwhile."""
    names = urls(*[f"{number}.jpg" for number in range(30)])
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(names)})
    sleep = world.clock.sleep

    def jumping(seconds: float) -> None:
        sleep(seconds)
        world.clock.time += jump

    world.clock.sleep = jumping  # type: ignore[method-assign]
    assert world.batch(event_of(names, rate=0.2))["outcomes"] == {"stored": 30}


def test_the_rate_spaces_the_requests_of_a_host() -> None:
    """Two a second: half a second between them; another host is not slowed down."""
    names = urls("a.jpg", "b.jpg", "c.jpg")
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate([*names, "https://other.example/d.jpg"])})
    world.batch(event_of([*names, "https://other.example/d.jpg"], rate=2))
    assert world.clock.slept == [0.5, 0.5]


def test_a_batch_too_large_for_its_rate_says_so() -> None:
    """What cannot be asked for in the batch's time fails with the way out, and the function ends in time."""
    names = urls(*[f"{number}.jpg" for number in range(30)])
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(names)})
    answer = world.batch(event_of(names, rate=0.1))
    assert answer["outcomes"] == {"stored": 20, "failed": 10}
    assert world.clock.time < START + 200
    assert "take smaller batches" in str(world.records[-1].cause)


@pytest.mark.parametrize(("requests", "at_once"), [(1, 1), (2, 2), (0, 3), (99, 3)])
def test_no_more_requests_at_once_than_asked_for(requests: int, at_once: int) -> None:
    """And no more than the function has threads for: a source may want one at a time."""
    names = urls(*[f"{number}.jpg" for number in range(6)])
    world = BatchWorld({url: [jpeg(number)] for number, url in enumerate(names)}, concurrency=3)
    get, together = world.web.get, threading.Barrier(at_once, timeout=30)
    working: set[int] = set()

    def noting(url: str, **options: Any) -> Response:
        working.add(threading.get_ident())
        together.wait()  # blocks until so many threads are here
        return get(url, **options)

    world.web.get = noting  # type: ignore[method-assign]
    assert world.batch(event_of(names, requests=requests, heed_robots=False))["outcomes"] == {"stored": 6}
    assert len(working) == at_once


def test_robots_txt_is_asked_once_for_a_host_and_obeyed() -> None:
    """What it does not allow is refused; heed_robots false asks for no rules at all."""
    rules: list[bytes | TaskFailure] = [b"User-agent: *\nDisallow: /private/\n"]
    pages: dict[str, list[bytes | TaskFailure]] = {
        HOST + "robots.txt": rules,
        HOST + "a.jpg": [jpeg(1)],
        HOST + "private/b.jpg": [jpeg(2)],
    }
    world = BatchWorld({key: list(value) for key, value in pages.items()})
    world.batch(event_of(urls("a.jpg", "private/b.jpg")))
    assert [(record.outcome, record.reason) for record in world.records] == [
        ("stored", "accepted"),
        ("refused", "robots_disallowed"),
    ]
    assert world.web.asked[HOST + "robots.txt"] == 1
    careless = BatchWorld({key: list(value) for key, value in pages.items()})
    assert careless.batch(event_of(urls("private/b.jpg"), heed_robots=False))["outcomes"] == {"stored": 1}
    assert careless.web.asked[HOST + "robots.txt"] == 0


def test_rules_that_cannot_be_had_allow_nothing_in_the_end() -> None:
    """A server error on robots.txt is tried again like an image; the images end as it did, and can be had later."""
    world = BatchWorld({HOST + "robots.txt": [ServerError("500")], HOST + "a.jpg": [jpeg(1)]})
    assert world.all_rounds(event_of(urls("a.jpg")))["outcomes"] == {"failed": 1}
    assert [(record.reason, record.cause) for record in world.records] == [("server_error", "500")]
    assert world.web.asked == {HOST + "robots.txt": 5}


def test_rules_that_cannot_be_read_allow_nothing_at_all() -> None:
    """An answer that is no HTTP tells nothing, however often it is asked for: it is not, and no image is either."""
    world = BatchWorld({HOST + "robots.txt": [HttpError("not proper HTTP")]})
    assert world.batch(event_of(urls("a.jpg", "b.jpg")))["outcomes"] == {"failed": 2}
    assert {(record.reason, record.cause) for record in world.records} == {("http_error", "not proper HTTP")}
    assert world.web.asked == {HOST + "robots.txt": 1}


def test_only_the_runs_first_alert_is_told_by_itself() -> None:
    """In words of its own for the first batch that alerts; the others count theirs for the digest."""
    world = BatchWorld({url: [PNG] for url in urls("a.png", "b.png", "c.png")})
    answer = world.batch(event_of(urls("a.png", "b.png")))
    assert answer["alerting"]
    assert answer["first_alert"]["message"].startswith("A PNG file was detected and processed: dogs/a.png\n")
    second = event_of(urls("c.png"))
    second["batch"]["Items"][0]["index"] = 2
    assert world.batch(second)["alerting"] is False
    kept = [json.loads(found.body) for key, found in world.store.objects.items() if "/batches/" in key]
    assert [AlertCount.of(one) for one in kept] == [("dogs/b.png",), ("dogs/c.png",)]
    assert all(record.alert_triggered and record.alert_sent is None for record in world.records)


class AlertCount:
    """Reads a result's tally."""

    @staticmethod
    def of(result: dict[str, Any]) -> tuple[str, ...]:
        """The names counted for the digest."""
        return tuple(name for name, _ in result["alerts"]["named"])


def served() -> dict[str, list[bytes | TaskFailure]]:
    """A host with something of everything; it gives other bytes for one image each time."""
    return {
        HOST + "a.jpg": [jpeg(1)],
        HOST + "changing.jpg": [jpeg(number) for number in range(100, 110)],
        HOST + "b.png": [PNG],
        HOST + "c.png": [PNG[: len(PNG) // 2]],
        HOST + "x/a.jpg": [jpeg(2)],
        HOST + "gone.jpg": [NotFound("gone")],
    }


NAMES = ["a.jpg", "changing.jpg", "b.png", "c.png", "x/a.jpg", "gone.jpg"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 10))
def test_a_batch_killed_at_any_write_ends_as_if_it_had_not_been(write: int, after: bool) -> None:
    """One object, one record and one row for each image, the first alert once, `stored` still stored."""
    world = BatchWorld(served(), Crash(write, after))
    with pytest.raises(Killed):
        world.all_rounds(event_of(urls(*NAMES)))
    answer = world.all_rounds(event_of(urls(*NAMES)))
    assert answer["outcomes"] == {"stored": 4, "quarantined": 1, "failed": 1}
    assert len(world.images()) == 5
    assert [record.execution for record in world.records] == [f"r1-{index:08d}" for index in range(6)]
    assert [row["index"] for row in world.lines(PART)] == list(range(6))
    for row, record in zip(world.lines(PART), world.records, strict=True):
        assert {name: row[name] for name in record.as_dict()} == record.as_dict()
    assert answer["first_alert"]["attributes"]["image_name"] == "dogs/b.png"
    for record in world.records[:5]:
        key = f"{'quarantine' if record.outcome == 'quarantined' else 'html'}/{record.image_name}"
        assert world.store.objects[key].sha256 == record.sha256


def test_a_batch_that_is_done_asks_for_nothing_again() -> None:
    """The same answer from the result alone: no request, no write."""
    world = BatchWorld(served())
    answer = world.all_rounds(event_of(urls(*NAMES)))
    asked, writes = world.web.asked.copy(), world.crash.writes
    assert world.all_rounds(event_of(urls(*NAMES))) == answer
    assert (world.web.asked, world.crash.writes) == (asked, writes)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"index": 0}', b'{"index": "0"}\n', b"\xff", b"null"])
def test_what_somebody_put_in_place_of_its_files_is_said(body: bytes) -> None:
    """A round does not guess what is done; deleted, the file is made again."""
    world = BatchWorld({f"{HOST}a.jpg": [jpeg(1)]})
    event = event_of([f"{HOST}a.jpg"])
    done = world.batch(event)
    result, part = (next(key for key in world.store.objects if where in key) for where in ("/batches/", "/part-"))
    for key in (result, part):
        was = world.store.objects.pop(key)
        world.store.put(key, body or b"{", "")
        world.store.objects.pop(result if key == part else "", None)
        with pytest.raises(ConfigurationError, match=f"{key} is not what IngestBatch wrote; delete it"):
            world.batch(event)
        world.store.objects[key] = was
    assert world.batch(event) == done


def test_of_two_attempts_at_the_same_time_the_first_part_counts() -> None:
    """An Express execution may run twice: the second one takes what the first has decided, though it saw otherwise."""
    world = BatchWorld({HOST + "a.jpg": [jpeg(1)]})
    world.batch(event_of(urls("a.jpg")))
    del world.store.objects[RESULT]
    late = BatchWorld({HOST + "a.jpg": [NotFound("gone")]})
    late.store, late.table, late.write_once = world.store, world.table, world.write_once
    seen = late.store.read
    late.store.read = lambda key: seen(key) if late.web.asked or key != PART else seen("not there")  # type: ignore[method-assign]
    assert late.batch(event_of(urls("a.jpg")))["outcomes"] == {"stored": 1}
    assert late.web.asked[HOST + "a.jpg"] == 1
    assert [record.outcome for record in late.records] == ["stored"]


def test_a_store_that_fails_fails_the_batch() -> None:
    """For Retry to try again: nothing is recorded as what it is not."""
    world = BatchWorld({url: [jpeg(1)] for url in urls("a.jpg", "b.jpg")})

    def full(new: ObjectToCreate) -> StoredObject:
        raise StorageError(f"no room for {new.key}")

    world.store.create = full  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="no room"):
        world.batch(event_of(urls("a.jpg", "b.jpg")))
    assert world.records == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch": None}, "batch is None"),
        ({"batch": {"BatchInput": {}, "Items": []}}, "an array of 1 to 10,000 items"),
        ({"batch": {"BatchInput": {"run": "r", "dataset": "a/b"}, "Items": [{"index": 0}]}}, "dataset is 'a/b'"),
        ({"batch": {"BatchInput": {"run": ".", "dataset": "d"}, "Items": [{"index": 0}]}}, "run is '.'"),
        ({"batch": {"BatchInput": {"run": "r" * 72, "dataset": "d"}, "Items": [{"index": 0}]}}, "text of 1 to 71"),
        ({"batch": {"BatchInput": {"run": "r", "dataset": "d"}, "Items": [{"index": -1}]}}, "index is -1"),
        ({"batch": {"BatchInput": {"run": "r", "dataset": "d", "rate": "2"}, "Items": [{"index": 0}]}}, "rate is '2'"),
        ({"started": "yesterday"}, "started is 'yesterday'"),
    ],
)
def test_a_wrong_event_says_what_is_wrong(change: dict[str, Any], words: str) -> None:
    """InvalidInput, which no Retry repeats."""
    with pytest.raises(InvalidInput, match=words):
        BatchWorld().batch({**event_of(urls("a.jpg")), **change})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


FIELDS = ("url", "labels", "width", "sha1", "title")


@given(st.lists(JSON | st.fixed_dictionaries(dict.fromkeys(FIELDS, JSON)), min_size=1, max_size=5))
def test_any_line_of_a_manifest_ends_in_a_record(lines: list[Any]) -> None:
    """Whatever it holds: one record and one row each, and the batch succeeds."""
    world = BatchWorld()
    items = [{"index": index, "item": line} for index, line in enumerate(lines)]
    answer = world.all_rounds({"batch": {"BatchInput": event_of([])["batch"]["BatchInput"], "Items": items}})
    assert sum(answer["outcomes"].values()) == len(lines) == len(world.records) == len(world.lines(PART))


def test_an_image_that_brings_a_mistake_to_light_costs_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised while it is looked at, the batch ends, and the image is recorded as internal_error."""

    def fail(body: bytes, *, max_pixels: int) -> Inspection:
        if body == b"poison":
            raise MemoryError
        return inspect(body, max_pixels=max_pixels)

    monkeypatch.setattr(timed_inspection, "inspect", fail)
    world = BatchWorld({HOST + "a.jpg": [b"poison"], HOST + "b.jpg": [jpeg(1)]})
    assert world.batch(event_of(urls("a.jpg", "b.jpg")))["outcomes"] == {"failed": 1, "stored": 1}
    assert [record.reason for record in world.records] == ["internal_error", "accepted"]
