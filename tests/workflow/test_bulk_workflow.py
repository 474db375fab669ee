"""BulkIngest: every path of the file, with the real functions, no network and no time spent."""

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pupline.asl import TaskError
from pupline.errors import ConnectionFailed, NotFound, RetryAfter, StorageError, TaskFailure
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN, BulkPlan
from pupline.tasks.summarise_ingest import SummaryServices, summarise_ingest
from tests.shared.batch_world import HOST, BatchWorld, jpeg
from tests.shared.functions_fakes import Crash, Killed, picture
from tests.workflow.bulk_runs import MANIFEST, STATES, BulkRun, entered

PNG = picture("PNG")
SUMMARY = "datasets/dogs/runs/r1/summary.json"
FAILURES = "datasets/dogs/runs/r1/failures.jsonl"


def kennel(count: int, **others: list[bytes | TaskFailure]) -> tuple[BatchWorld, list[dict[str, Any]]]:
    """A host with so many images, and the manifest of all; others: what it serves instead, by `n<number>`."""
    pages: dict[str, list[bytes | TaskFailure]] = {}
    lines = []
    for number in range(count):
        url = f"{HOST}{number}.jpg"
        pages[url] = others.get(f"n{number}", [jpeg(number)])
        lines.append({"index": number, "url": url})
    return BatchWorld(pages), lines


def summary_of(world: BatchWorld) -> dict[str, Any]:
    """What summary.json holds."""
    found: dict[str, Any] = json.loads(world.store.objects[SUMMARY].body)
    return found


def test_a_dataset_is_ingested_batch_by_batch() -> None:
    """Counts equal records equal objects; each item under its number in the manifest; the transitions are few."""
    world, lines = kennel(25)
    bulk = BulkRun(world, lines)
    result = bulk.run({"batch_size": 10})
    assert (result.status, result.error) == ("SUCCEEDED", None)
    assert entered(result) == [
        "ReadInput",
        "IngestBatches",
        "SummariseIngest",
        "CheckComplete",
        "CheckDigest",
        "CheckTolerance",
        "Ingested",
    ]
    assert result.output["outcomes"] == {"stored": 25}
    assert len(bulk.given_to("IngestBatch")) == 3
    assert [record.execution for record in world.records] == [f"r1-{index:08d}" for index in range(25)]
    assert len(world.images()) == 25
    rows = [row for key in world.store.keys("datasets/dogs/metadata/") for row in world.lines(key)]
    assert [row["url"] for row in rows] == [line["url"] for line in lines]
    found = summary_of(world)
    assert (found["status"], found["listed"], found["done"], found["alerts"]) == ("SUCCEEDED", 25, 25, 0)
    assert (found["run"], found["source"]) == ("r1", "kennel")


def test_results_are_written_where_the_run_is() -> None:
    """The ResultWriter's manifest and the children's outputs."""
    world, lines = kennel(3)
    bulk = BulkRun(world, lines)
    assert bulk.run().status == "SUCCEEDED"
    keys = sorted(bulk.written)
    assert all(key.startswith("datasets/dogs/runs/r1/results/") for key in keys)
    assert [key.rsplit("/", 1)[1] for key in keys] == ["SUCCEEDED_0.json", "manifest.json"]
    (child,) = bulk.written[keys[0]]
    assert json.loads(child["Output"]) == {"outcomes": {"stored": 3}}


def test_failed_images_fail_no_batch() -> None:
    """Each has its record and its line in failures.jsonl, which is a manifest again."""
    world, lines = kennel(6, n2=[NotFound("gone")], n4=[NotFound("gone")])
    result = BulkRun(world, lines).run({"batch_size": 2})
    assert result.status == "SUCCEEDED"
    assert result.output["outcomes"] == {"stored": 4, "failed": 2}
    failures = world.lines(FAILURES)
    assert [(line["index"], line["url"], line["reason"]) for line in failures] == [
        (2, f"{HOST}2.jpg", "not_found"),
        (4, f"{HOST}4.jpg", "not_found"),
    ]
    assert failures[0]["attempts"] == 1


@pytest.mark.parametrize(
    ("tolerate", "status"), [(100, "SUCCEEDED"), (50, "SUCCEEDED"), (49.9, "FAILED"), (0, "FAILED")]
)
def test_more_failures_than_tolerated_fail_the_execution(tolerate: float, status: str) -> None:
    """With the summary written, and the numbers in the Cause."""
    world, lines = kennel(4, n0=[NotFound("gone")], n1=[NotFound("gone")])
    result = BulkRun(world, lines).run({"tolerate": tolerate})
    assert result.status == status
    assert summary_of(world)["status"] == status
    if status == "FAILED":
        assert result.error == summary_of(world)["error"] == "States.ExceedToleratedFailureThreshold"
        assert result.cause == (
            f"2 of 4 images failed, more than the {tolerate} percent tolerated; "
            "each is in datasets/dogs/runs/r1/failures.jsonl"
        )


def test_the_first_alert_comes_at_once_and_all_others_as_one_digest() -> None:
    """Two messages for five PNGs in three batches, with what filter policies go by."""
    pngs: dict[str, list[bytes | TaskFailure]] = {f"n{number}": [PNG] for number in (1, 3, 4, 7, 8)}
    world, lines = kennel(9, **pngs)
    bulk = BulkRun(world, lines)
    result = bulk.run({"batch_size": 3})
    assert result.status == "SUCCEEDED"
    first, digest = bulk.given_to("publish")
    assert first["TopicArn"] == digest["TopicArn"] == "PNGAlertTopic"
    assert first["Message"].startswith("A PNG file was detected and processed: dogs/1.jpg\n")
    assert first["MessageAttributes"]["reason"] == {"DataType": "String", "StringValue": "png_content"}
    assert digest["Subject"] == "4 more alerts of a bulk ingest"
    assert [name for name in ("3", "4", "7", "8") if f"dogs/{name}.jpg" in digest["Message"]] == ["3", "4", "7", "8"]
    assert digest["MessageAttributes"]["reason"] == {"DataType": "String.Array", "StringValue": '["png_content"]'}
    assert sum(record.alert_triggered for record in world.records) == 5 == summary_of(world)["alerts"]
    assert [label for label, _ in bulk.calls].index("publish") < [label for label, _ in bulk.calls].index(
        "SummariseIngest"
    )


def test_one_alert_makes_no_digest() -> None:
    """It has been told."""
    world, lines = kennel(2, n0=[PNG])
    bulk = BulkRun(world, lines)
    assert bulk.run().status == "SUCCEEDED"
    assert len(bulk.given_to("publish")) == 1


def test_a_failed_publish_loses_nothing() -> None:
    """Neither the first alert's nor the digest's: the execution succeeds and all is recorded."""

    def broken(_: Any) -> Any:
        raise TaskError("SNS.AuthorizationErrorException", "no")

    world, lines = kennel(4, n0=[PNG], n1=[PNG])
    result = BulkRun(world, lines, publish=broken).run()
    assert result.status == "SUCCEEDED"
    assert len(world.records) == 4


def test_a_wait_state_keeps_the_pause_that_a_host_asks_for() -> None:
    """The function hands back what waits; nothing sleeps in it."""
    world, lines = kennel(3, n1=[RetryAfter("busy", 45), jpeg(1)])
    bulk = BulkRun(world, lines)
    assert bulk.run().output["outcomes"] == {"stored": 3}
    first, second = bulk.given_to("IngestBatch")
    assert [item["index"] for item in second["batch"]["Items"]] == [1, 2]
    assert second["batch"]["round"] == 1
    assert first["started"] == second["started"]
    assert world.clock.slept == []


def test_a_batch_that_cannot_work_fails_the_run_and_a_redrive_does_what_is_missing() -> None:
    """StorageError is retried, then the execution fails at the Map; nothing that is stored is fetched again."""
    world, lines = kennel(6)
    broken = True

    def batch(event: Any) -> Any:
        if broken and event["batch"]["Items"][0]["index"] == 2:
            raise StorageError("no room")
        return world.batch(event)

    bulk = BulkRun(world, lines, IngestBatch=batch)
    result = bulk.run({"batch_size": 2, "concurrency": 1})
    assert (result.status, result.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert entered(result)[-1] == "IngestBatches"
    attempts = [call for call in bulk.given_to("IngestBatch") if call["batch"]["Items"][0]["index"] == 2]
    assert len(attempts) == 5
    broken = False
    again = bulk.run({"batch_size": 2, "run": "r1"}, name="r1-again")
    assert again.status == "SUCCEEDED"
    assert {url: count for url, count in world.web.asked.items() if url != HOST + "robots.txt"} == {
        line["url"]: 1 for line in lines
    }
    assert len(world.records) == 6
    assert summary_of(world)["done"] == 6


def test_another_execution_of_the_run_tells_no_alert_again() -> None:
    """It finds the first one's results, and in them the first alert, which was told then; there is one digest."""
    world, lines = kennel(4, n0=[PNG], n1=[PNG + b"1"], n2=[PNG + b"2"])
    broken = True

    def batch(event: Any) -> Any:
        if broken and event["batch"]["Items"][0]["index"] == 2:
            raise TaskError("ConfigurationError", "not allowed")
        return world.batch(event)

    bulk = BulkRun(world, lines, IngestBatch=batch)
    asked = {"batch_size": 2, "concurrency": 1, "tolerate_batches": 50, "items": 4, "run": "r1"}
    assert bulk.run(asked).error == "BatchesMissing"
    broken = False
    assert bulk.run(asked, name="r1-again").status == "SUCCEEDED"
    first, digest = bulk.given_to("publish")
    assert "This is the first alert" in first["Message"]
    assert digest["Subject"] == "2 more alerts of a bulk ingest"


def test_batches_that_may_fail_leave_the_rest_to_be_done() -> None:
    """With tolerate_batches the others go on, and the execution fails at its end and says what to do."""
    world, lines = kennel(4)

    def batch(event: Any) -> Any:
        if event["batch"]["Items"][0]["index"] == 0:
            raise TaskError("ConfigurationError", "not allowed")
        return world.batch(event)

    result = BulkRun(world, lines, IngestBatch=batch).run({"batch_size": 2, "tolerate_batches": 50, "items": 4})
    assert (result.status, result.error) == ("FAILED", "BatchesMissing")
    assert str(result.cause).startswith("2 of 4 images are done;")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(1, 13))
def test_a_function_that_dies_at_a_write_is_tried_again(write: int, after: bool) -> None:
    """Between a PUT and its record too: one object and one record each, all `stored`, both alerts once."""
    world, lines = kennel(4, n1=[PNG], n2=[PNG + b"1"])
    bulk = BulkRun(world, lines, IngestBatch=lambda event: dying(world, event))
    world.crash.at, world.crash.after, world.crash.writes = write, after, 0
    assert bulk.run({"batch_size": 2}).status == "SUCCEEDED"
    assert world.crash.writes >= write, "this write never came"
    assert [(record.outcome, record.reason) for record in world.records] == [("stored", "accepted")] * 4
    assert len(world.images()) == 4
    assert len(bulk.given_to("publish")) == 2


def dying(world: BatchWorld, event: Any) -> Any:
    """A function whose process is killed at the world's crash point; Lambda tells the workflow."""
    try:
        return world.batch(event)
    except Killed:
        raise TaskError("Lambda.ServiceException", "killed") from None


def test_a_killed_summary_is_written_again() -> None:
    """SummariseIngest is retried like any function."""
    world, lines = kennel(3, n0=[NotFound("gone")])
    turns = [Crash(1), Crash(2, after=True), Crash()]

    def summary(event: Any) -> Any:
        crash = turns.pop(0)
        world.crash.at, world.crash.after, world.crash.writes = crash.at, crash.after, 0
        try:
            return world.summary(event)
        except Killed:
            raise TaskError("Lambda.ServiceException", "killed") from None

    assert BulkRun(world, lines, SummariseIngest=summary).run().status == "SUCCEEDED"
    assert summary_of(world)["outcomes"] == {"stored": 2, "failed": 1}
    assert len(world.lines(FAILURES)) == 1


def test_a_summary_may_take_several_invocations() -> None:
    """Each with the time for one batch; the execution's name tells them what to continue, and the digest comes once."""
    world, lines = kennel(9, n1=[PNG], n4=[PNG], n7=[PNG])

    def short(payload: Any) -> Any:
        services = SummaryServices(store=world.store, clock=world.clock, monotonic=world.clock.monotonic)
        return json.loads(json.dumps(summarise_ingest(payload, services, 0)))

    bulk = BulkRun(world, lines, SummariseIngest=short)
    result = bulk.run({"batch_size": 3})
    assert (result.status, result.output["outcomes"]) == ("SUCCEEDED", {"stored": 9})
    assert entered(result)[2:] == [
        *["SummariseIngest", "CheckComplete"] * 4,
        *["CheckDigest", "PublishDigest", "CheckTolerance", "Ingested"],
    ]
    assert {payload["execution"] for payload in bulk.given_to("SummariseIngest")} == {"r1"}
    assert len(bulk.given_to("publish")) == 2


def test_a_summary_that_cannot_be_written_says_what_is_safe() -> None:
    """All images are there; starting the run again does the rest."""

    def broken(_: Any) -> Any:
        raise StorageError("no room")

    world, lines = kennel(1)
    result = BulkRun(world, lines, SummariseIngest=broken).run()
    assert (result.status, result.error) == ("FAILED", "SummaryFailed")
    assert "All batches are done" in str(result.cause)


def test_a_missing_manifest_fails_with_its_key() -> None:
    """After two more looks."""
    world, lines = kennel(1)
    bulk = BulkRun(world, lines)
    del world.store.objects[MANIFEST]
    result = bulk.run()
    assert (result.status, result.error) == ("FAILED", "States.ItemReaderFailed")
    assert MANIFEST in str(result.cause)


@pytest.mark.parametrize("given", [{"dataset": None}, {"dataset": 7}, {"dataset": ["dogs"]}])
def test_an_input_without_a_dataset_says_so(given: dict[str, Any]) -> None:
    """Before anything is read."""
    result = BulkRun(*kennel(1)).run(given)
    assert result.status == "FAILED"
    assert "the input names no dataset" in str(result.cause)


def test_a_manifest_may_be_anybodys_list_of_urls() -> None:
    """Under any key, without numbers, each line an object or the bare URL; the run is then the execution's name."""
    world, lines = kennel(3)
    bulk = BulkRun(world, lines)
    world.store.put("lists/mine.jsonl", f'"{HOST}2.jpg"\n{{"url":"{HOST}0.jpg","title":"x\u2028y"}}\n'.encode(), "")
    result = bulk.run({"manifest": {"key": "lists/mine.jsonl"}}, name="mine")
    assert result.output["outcomes"] == {"stored": 2}
    assert [record.execution for record in world.records] == ["mine-00000000", "mine-00000001"]
    assert world.records[0].source_url == f"{HOST}2.jpg"


def test_the_input_decides_how_fast_and_how_polite() -> None:
    """rate, requests, heed_robots and source reach the function; batch_size the batches."""
    world, lines = kennel(4)
    bulk = BulkRun(world, lines)
    bulk.run({"batch_size": 1, "rate": 5, "heed_robots": False, "source": "mine"})
    calls = bulk.given_to("IngestBatch")
    assert len(calls) == 4
    wanted = {
        "run": "r1",
        "dataset": "dogs",
        "source": "mine",
        "rate": 5,
        "requests": 8,
        "heed_robots": False,
        "execution": "r1",
    }
    assert calls[0]["batch"]["BatchInput"] == wanted


def test_transient_failures_come_round_again_and_end() -> None:
    """Five attempts, in five rounds; then the image is recorded as failed, and the batch succeeds."""
    world, lines = kennel(2, n0=[ConnectionFailed("reset")])
    bulk = BulkRun(world, lines)
    assert bulk.run().output["outcomes"] == {"stored": 1, "failed": 1}
    assert len(bulk.given_to("IngestBatch")) == 5
    assert world.lines(FAILURES)[0]["attempts"] == 5


def throttled(world: BatchWorld, times: int) -> Callable[[Any], Any]:
    """IngestBatch, whose batch from item 2 is throttled so many times."""
    left = itertools.count(times, -1)

    def batch(event: Any) -> Any:
        if event["batch"]["Items"][0]["index"] == 2 and next(left) > 0:
            raise TaskError("Lambda.TooManyRequestsException", "Rate Exceeded.")
        return world.batch(event)

    return batch


@pytest.mark.parametrize("items", [6, None])
def test_a_batch_that_gets_no_concurrency_is_done_by_another_map_run(items: int | None) -> None:
    """The run goes on until nothing of its manifest is missing; nothing is fetched again, and each alert comes once."""
    world, lines = kennel(6, n0=[PNG], n2=[PNG + b"1"], n5=[PNG + b"2"])
    bulk = BulkRun(world, lines, IngestBatch=throttled(world, 150))
    result = bulk.run({"batch_size": 2, "items": items})
    assert (result.status, result.output["outcomes"]) == ("SUCCEEDED", {"stored": 6})
    assert len(result.execution.map_runs) > 2
    assert all(world.web.asked[line["url"]] == 1 for line in lines)
    first, digest = bulk.given_to("publish")
    assert "This is the first alert" in first["Message"]
    assert digest["Subject"] == "2 more alerts of a bulk ingest"
    assert summary_of(world)["status"] == "SUCCEEDED"


def test_items_that_the_manifest_does_not_have_are_not_waited_for() -> None:
    """The input says more than there are: another Map Run would find no more."""
    result = BulkRun(*kennel(2)).run({"items": 3})
    assert (result.status, result.error) == ("FAILED", "BatchesMissing")
    assert len(result.execution.map_runs) == 1


@pytest.mark.slow
def test_a_run_that_makes_no_progress_ends() -> None:
    """After a hundred Map Runs in a row without any: somebody has turned the function off, and it says what is done."""
    world, lines = kennel(4)
    bulk = BulkRun(world, lines, IngestBatch=throttled(world, 10**9))
    result = bulk.run({"batch_size": 2, "items": 4})
    assert (result.status, result.error) == ("FAILED", "BatchesMissing")
    assert str(result.cause).startswith("2 of 4 images are done;")
    assert len(result.execution.map_runs) == 102


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "given", "most"), [(4, {}, 4), (2, {}, 2), (4, {"concurrency": 64}, 4), (0, {}, 4)])
def test_no_more_batches_at_once_than_the_stack_allows(limit: int, given: dict[str, Any], most: int) -> None:
    """Four by default; 0 is no limit of the stack's."""
    result = BulkRun(*kennel(1), limit=limit).run(given)
    assert [run.max_concurrency for run in result.execution.map_runs] == [most]


def test_concurrency_without_a_bound_is_bounded_by_the_stack() -> None:
    """0 would be as many as Step Functions allows."""
    result = BulkRun(*kennel(1), limit=3).run({"concurrency": 0})
    assert [run.max_concurrency for run in result.execution.map_runs] == [3]


def test_the_largest_execution_fits_into_its_history() -> None:
    """As many Map Runs as CheckProgress allows, each with the summary of the largest run, and room for throttling."""
    plan = BulkPlan(MAX_IMAGES_PER_RUN)

    def events(map_runs: int) -> int:
        calls = itertools.count(1)

        def summarise(_: Any) -> dict[str, Any]:
            ended, others = divmod(next(calls), plan.summary_invocations)
            return {"more": True} if others else {"complete": ended == map_runs, "done": ended, "left": 1}

        world, lines = kennel(1)
        result = BulkRun(world, lines, SummariseIngest=summarise).run()
        assert (result.status, len(result.execution.map_runs)) == ("SUCCEEDED", map_runs)
        return len(result.history)

    (most,) = re.findall(r"\$last\.map_runs < (\d+)", STATES["CountMapRuns"]["Output"])
    assert events(1) + (int(most) - 1) * (events(3) - events(2)) < 22_500
