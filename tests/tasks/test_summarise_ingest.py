"""SummariseIngest: one pass over the results, in any number of invocations, and the same files from all of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, NotFound, TaskFailure
from pupline.tasks.summarise_ingest import SummaryServices, current_summary, summarise_ingest
from tests.shared.batch_world import HOST, BatchClock, BatchWorld, event_of, jpeg
from tests.shared.functions_fakes import Crash, FakeStore, Killed

FOLDER = "datasets/dogs/runs/r1/"
PROGRESS = f"{FOLDER}summary-progress.json"
FILES = [f"{FOLDER}{name}" for name in ("failures.jsonl", "summary.json")]
BATCHES = 12
EVENT: dict[str, Any] = {
    "run": "r1",
    "dataset": "dogs",
    "source": "kennel",
    "tolerate": 100,
    "items": 3 * BATCHES,
    "execution": "r1",
}


def ingested() -> FakeStore:
    """A bucket with the results of twelve batches; two of three images of each failed, or alert."""
    pages: dict[str, list[bytes | TaskFailure]] = {f"{HOST}{number}.png": [jpeg(number)] for number in range(BATCHES)}
    world = BatchWorld(pages)
    for number in range(BATCHES):
        event = event_of([f"{HOST}{number}.png", f"{HOST}gone/{number}é.jpg", f"ftp://none/{number}"], execution="r1")
        for offset, item in enumerate(event["batch"]["Items"]):
            item["index"] = 3 * number + offset
        world.batch(event)
    return world.store


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """What the batches left in the bucket. Nobody may change it."""
    return ingested().objects


@dataclass
class Ticking:
    """A clock on which each look takes a second."""

    ticks: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def monotonic(self) -> float:
        """Seconds, one more each time."""
        return float(next(self.ticks))


def services_of(store: FakeStore, part_bytes: int = 500) -> SummaryServices:
    """A new process over the bucket; failures.jsonl is more than one part."""
    clock = Ticking()
    return SummaryServices(
        store=store, clock=BatchClock(), monotonic=clock.monotonic, concurrency=2, part_bytes=part_bytes
    )


def to_the_end(event: dict[str, Any], store: FakeStore) -> dict[str, Any]:
    """The answer, after as many invocations as it takes, each with all the time."""
    while (answer := summarise_ingest(event, services_of(store))).get("more"):
        pass
    return answer


def bodies(store: FakeStore) -> list[bytes]:
    """The files of the run."""
    return [store.objects[key].body for key in FILES]


@pytest.fixture(scope="module")
def at_once(results: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
    """The files of a run that is summarised at once without a part, and the answer."""
    store = FakeStore(objects=dict(results))
    answer = summarise_ingest(EVENT, services_of(store, 10**6))
    assert PROGRESS not in store.objects
    return bodies(store), answer


def test_a_run_is_summed_up(at_once: tuple[list[bytes], dict[str, Any]]) -> None:
    """Every item counts once, every failure has its line in the order of the manifest, and alerts are told."""
    (failures, summary), answer = at_once
    assert answer["outcomes"] == {"stored": 12, "failed": 12, "refused": 12}
    assert (answer["complete"], answer["failed"], answer["alerting"]) == (True, 24, True)
    assert [json.loads(line)["index"] for line in failures.splitlines()] == [index for index in range(36) if index % 3]
    assert json.loads(summary)["reasons"] == {"accepted": 12, "not_found": 12, "invalid_url": 12}


@given(st.lists(st.integers(0, 9), max_size=20))
def test_it_may_be_divided_into_invocations_anywhere(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]], seconds: list[int]
) -> None:
    """However short the time of each, something is done in it, and the end is the same to the byte."""
    store = FakeStore(objects=dict(results))
    answers = [summarise_ingest(EVENT, services_of(store), left) for left in [*seconds, 10**9, 10**9]]
    assert (bodies(store), answers[-1]) == at_once
    counts: list[Any] = [answer["done"] for answer in answers]
    assert counts == sorted(counts)
    assert all(answer.get("more") is True or answer == at_once[1] for answer in answers)


def test_an_invocation_without_time_still_counts_one_batch(results: dict[str, Any]) -> None:
    """So the workflow's loop ends."""
    store = FakeStore(objects=dict(results))
    assert summarise_ingest(EVENT, services_of(store), 0) == {"more": True, "done": 3}
    assert summarise_ingest(EVENT, services_of(store), -60) == {"more": True, "done": 6}


@pytest.mark.parametrize("after", [False, True])
def test_it_may_be_killed_at_any_write(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]], after: bool
) -> None:
    """The next attempt ends as one that was never killed, whatever is there by then."""
    for at in range(1, 1000):
        crash = Crash(at, after)
        store = FakeStore(crash, dict(results))
        try:
            summarise_ingest(EVENT, services_of(store), 5)
            to_the_end(EVENT, store)
        except Killed:
            crash.at = -1
            assert to_the_end(EVENT, store) == at_once[1]
            assert bodies(store) == at_once[0]
        else:
            assert at > 10
            return


def test_a_killed_invocation_loses_a_minute_at_most(results: dict[str, Any]) -> None:
    """What is summed up is kept now and then, although there would be time left."""
    store = FakeStore(objects=dict(results))
    for name in [key for key in results if "/batches/" in key]:
        for copy in range(10):
            store.objects[name.replace("-0.json", f"-{copy}.json")] = results[name]
    names = sorted(key for key in store.objects if "/batches/" in key)
    crash = store.crash = Crash(after=True)
    crash.at = 1
    while PROGRESS not in store.objects:  # killed later and later, until it had kept something
        crash.at, crash.writes = crash.at + 1, 0
        with pytest.raises(Killed):
            summarise_ingest(EVENT, services_of(store))
    counted = names.index(json.loads(store.objects[PROGRESS].body)["after"]) + 1
    assert 50 < counted < 61
    crash.at = -1
    assert to_the_end(EVENT | {"items": None}, store)["done"] == 3 * len(names)


def test_an_upload_that_is_gone_is_made_again(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]]
) -> None:
    """S3 gives up what is not completed in days; what was counted from then on has to be read again."""
    store = FakeStore(objects=dict(results))
    summarise_ingest(EVENT, services_of(store), 8)
    assert store.uploads
    store.uploads.clear()
    assert to_the_end(EVENT, store) == at_once[1]
    assert bodies(store) == at_once[0]


def test_an_answer_that_was_lost_is_given_again(results: dict[str, Any]) -> None:
    """Without reading a result: the task is tried again when Lambda's answer does not arrive."""
    store = FakeStore(objects=dict(results))
    summarise_ingest(EVENT, services_of(store), 0)
    answer = to_the_end(EVENT, store)
    for key in [key for key in store.objects if "/batches/" in key]:
        del store.objects[key]
    assert summarise_ingest(EVENT, services_of(store)) == answer


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"version": 2}',
        b'{"version": 1, "execution": "r1"}',
        b'{"version": 1, "execution": "r1", "answer": null, "after": "x", "totals": {}}',
        b'{"version": 1, "execution": "r1", "answer": null, "after": "x", "totals": [], "failures": 1}',
    ],
)
def test_what_is_not_a_kept_state_is_as_if_there_were_none(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]], kept: bytes
) -> None:
    """Whoever put it there, the run is summarised from the start."""
    store = FakeStore(objects=dict(results))
    store.put(PROGRESS, kept, "application/json")
    assert to_the_end(EVENT, store) == at_once[1]
    assert bodies(store) == at_once[0]


def test_another_execution_begins_from_the_start(results: dict[str, Any]) -> None:
    """It may find batches that an earlier one did not have."""
    store = FakeStore(objects=dict(results))
    last = max(key for key in results if "/batches/" in key)
    missing = store.objects.pop(last)
    summarise_ingest(EVENT, services_of(store), 0)
    assert to_the_end(EVENT, store)["complete"] is False
    store.objects[last] = missing
    assert summarise_ingest(EVENT | {"execution": "r1-again-1"}, services_of(store))["complete"] is True


def test_an_execution_of_an_earlier_version_is_never_told_to_come_again(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]]
) -> None:
    """Its definition gives no name and has no way back to the state."""
    store = FakeStore(objects=dict(results))
    event = {name: value for name, value in EVENT.items() if name != "execution"}
    assert summarise_ingest(event, services_of(store), 0) == at_once[1]
    assert bodies(store) == at_once[0]


def test_results_of_an_earlier_version_have_their_failures_in_the_part(
    results: dict[str, Any], at_once: tuple[list[bytes], dict[str, Any]]
) -> None:
    """The lines are the same."""
    store = FakeStore(objects=dict(results))
    for key in [key for key in results if "/batches/" in key]:
        result = json.loads(results[key].body)
        del result["failure_lines"]
        store.put(key, json.dumps(result).encode(), "application/json")
    assert to_the_end(EVENT, store) == at_once[1]
    assert bodies(store) == at_once[0]


@pytest.mark.parametrize("name", ["", "notes.txt", "00000000-0.json.bak"])
def test_what_others_put_beside_the_results_is_left_alone(results: dict[str, Any], name: str) -> None:
    """Such as the folder that the console of S3 makes."""
    store = FakeStore(objects=dict(results))
    store.put(f"{FOLDER}batches/{name}", b"", "")
    assert to_the_end(EVENT, store)["complete"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        *({"outcomes": {"stored": "3"}}, {"bytes": None}, {"alerts": []}, {"reasons": 1}, {"failure_lines": ["x"]}),
        *({"outcomes": {"stored": -1}}, {"again": [3]}, {"first_alert": "x"}, {"alerts": {"kinds": {}}}),
    ],
)
def test_a_damaged_result_is_said(results: dict[str, Any], change: dict[str, Any]) -> None:
    """Its key, and how to have it made again; to the batch that finds it as well."""
    store = FakeStore(objects=dict(results))
    key = f"{FOLDER}batches/00000000-0.json"
    whole = json.loads(store.objects[key].body)
    for body in (json.dumps(whole | change).encode(), b"", b"[]", b"\xff", b"[" * 100_000):
        store.put(key, body, "application/json")
        with pytest.raises(ConfigurationError, match=f"{key} is not what IngestBatch wrote; delete it"):
            summarise_ingest(EVENT, services_of(store))


def test_a_look_at_a_run_that_goes_on_writes_nothing(results: dict[str, Any]) -> None:
    """Its figures so far."""
    store = FakeStore(objects=dict(results))
    assert current_summary(EVENT, services_of(store))["done"] == 36
    assert store.objects == results


def test_a_batch_with_a_lost_answer_reports_the_same_failures() -> None:
    """The second attempt makes the lines from the part, which is what the first one made them from."""
    result = f"{FOLDER}batches/00000000-0.json"
    world = BatchWorld({HOST + "a.jpg": [NotFound("\ud800 gone")]})
    event = event_of([{"url": HOST + "a.jpg", "extra": {"n": "\udfff"}}])
    world.batch(event)
    first = json.loads(world.store.objects.pop(result).body)["failure_lines"]
    world.batch(event)
    assert json.loads(world.store.objects[result].body)["failure_lines"] == first
    assert json.loads(first)["reason"] == "not_found"
