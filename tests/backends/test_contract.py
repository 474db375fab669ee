"""What every backend has to do, run over one machine and over a fake stack: the commands cannot tell them apart."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pupline.backends import (
    Backend,
    BatchDone,
    ExecutionResult,
    MachineBackend,
    RedriveSelection,
    Refused,
    RunReport,
    RunRequest,
    RunSettings,
    RunStarted,
    StackBackend,
    _bulk_ingest,
)
from pupline.backends.machine import _ingest
from pupline.backends.stack._polling import Timer
from pupline.bulk import IngestReport, IngestRequest, IngestStarted, ItemsListed
from pupline.errors import ConfigurationError, NoSuchName
from pupline.tasks.layout import summary_key
from pupline.tasks.pages import AlertQuery, Count, ExecutionQuery, InvalidQuery, Page, RecordItem, RecordQuery
from tests.aws.aws_handlers import serve_from_memory
from tests.backends.stack_fakes import STORED, VirtualTimer, not_found
from tests.backends.stack_fixtures import fake_stack
from tests.backends.test_stack_ingest import IMAGES, PATHS, Kennel
from tests.shared.batch_world import jpeg
from tests.shared.image_host import image_host


@dataclass
class World:
    """A backend with a source.

    found, gone: settings of runs whose image is there, or not; such a run has to be named `gone`. source: a list of
    images, one of which is gone. allow_origins: where it is. interrupt: have the next ingest interrupted on its way.
    let_finish: the opposite.
    """

    backend: Backend
    found: RunSettings
    gone: RunSettings
    source: Path
    interrupt: Callable[[], None]
    let_finish: Callable[[], None]
    allow_origins: tuple[str, ...] = ()

    def run(
        self, count: int = 1, run_id: str = "r", settings: RunSettings | None = None
    ) -> tuple[RunReport, list[Any]]:
        """Run to the end: the report and the events."""
        events: list[Any] = []
        request = RunRequest(settings or self.found, count, concurrency=2, run_id=run_id)
        return self.backend.run(request, events.append), events

    def redrive(self, *names: str, run: str | None = None) -> tuple[RunReport, list[Any]]:
        """Redrive to the end: the report and the events."""
        events: list[Any] = []
        return self.backend.redrive(RedriveSelection(names, run), events.append), events

    def ingest(self, run_id: str = "b") -> tuple[IngestReport, list[Any]]:
        """Ingest through the workflow: the report and the events."""
        events: list[Any] = []
        request = IngestRequest(
            source=str(self.source), dataset="dogs", run_id=run_id, concurrency=1, allow_origins=self.allow_origins
        )
        return self.backend.ingest(request, events.append, workflow=True), events

    def names(self, **wanted: str) -> list[str]:
        """The names of executions, in their order."""
        return [row.name for row in self.backend.executions(**wanted)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """One machine and an image server; two images in a batch."""
    monkeypatch.setattr(_ingest, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(_bulk_ingest, "MAX_ITEMS", 2)
    names = [f"{number}.jpg" for number in range(8)]
    with image_host({f"/{name}": jpeg(number) for number, name in enumerate(names)}) as host:
        source = tmp_path / "urls.txt"
        source.write_text("".join(f"{host.origin}/{name}\n" for name in [*names, "gone.jpg"]))

        def interrupt() -> None:
            host.heard = lambda asked: os.kill(os.getpid(), signal.SIGTERM) if asked == 3 else None

        def let_finish() -> None:
            host.heard = lambda _: None

        found, gone = (RunSettings(image_url=f"{host.origin}/{name}") for name in ("0.jpg", "none.jpg"))
        with MachineBackend(tmp_path / "data") as backend:
            yield World(backend, found, gone, source, interrupt, let_finish, (host.origin,))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """A fake stack, whose functions get their images from memory."""
    monkeypatch.setenv("DOG_BUCKET", "dogs")
    monkeypatch.setenv("DDB_TABLE", "DogImageUploads")
    monkeypatch.setenv("MEMO_TABLE", "DogImageMemos")
    serve_from_memory(monkeypatch)
    with fake_stack(monkeypatch, tmp_path) as deployed:
        kennel, clock = Kennel(deployed, tmp_path), VirtualTimer()
        states, sleep = deployed.states, clock.sleep
        states.fetch = lambda name: not_found() if name.startswith("gone-") else STORED

        def interrupted(seconds: float) -> None:  # noqa: ARG001 - as the clock calls it
            raise KeyboardInterrupt

        def interrupt() -> None:
            states.looks, clock.sleep = 9, interrupted  # type: ignore[method-assign]

        def let_finish() -> None:
            states.looks, clock.sleep = 1, sleep  # type: ignore[method-assign]

        found, gone = (RunSettings(image_url=f"{IMAGES}{name}") for name in (PATHS[0], "none.jpg"))
        timer = Timer(lambda: clock.now(), lambda seconds: clock.sleep(seconds))
        backend = StackBackend("pupline", timer, page_size=2)
        yield World(backend, found, gone, kennel.urls, interrupt, let_finish)


@pytest.fixture(params=["machine", pytest.param("stack", marks=pytest.mark.aws)])
def world(request: pytest.FixtureRequest) -> World:
    """Each backend in turn."""
    found: World = request.getfixturevalue(request.param)
    return found


def results(events: list[Any]) -> list[tuple[str, str]]:
    """Name and status of each result, by name."""
    return sorted((event.execution, event.status) for event in events if isinstance(event, ExecutionResult))


def test_a_run_ends_with_a_result_and_a_record_for_each_execution(world: World) -> None:
    """First it says how many there will be; each result comes once."""
    report, events = world.run(3)
    assert report == RunReport("r", finished=3)
    assert [event for event in events if isinstance(event, RunStarted)] == [RunStarted(3)]
    expected = [f"r-{number:05}" for number in (1, 2, 3)]
    assert results(events) == [(name, "SUCCEEDED") for name in expected]
    assert [record.execution for record in world.backend.records(run="r")] == expected


def test_the_same_run_again_does_what_is_missing(world: World) -> None:
    """What is there is reported, not done again; other settings under the name are refused."""
    world.run(2)
    report, events = world.run(3)
    assert (report.finished, len(results(events))) == (3, 3)
    assert [event.total for event in events if isinstance(event, RunStarted)] == [3]
    assert sorted(world.names()) == ["r-00001", "r-00002", "r-00003"]
    assert len(list(world.backend.records())) == 3
    with pytest.raises(ConfigurationError, match="the run 'r' was started with other settings"):
        world.run(1, settings=world.gone)


def test_a_failure_is_recorded_and_left_alone_by_a_redrive(world: World) -> None:
    """It was handled: a redrive would only enter the Fail state again, and says so."""
    report, events = world.run(1, "gone", world.gone)
    assert (report.failed, results(events)) == (1, [("gone-00001", "FAILED")])
    (record,) = world.backend.records()
    assert (record.outcome, record.reason) == ("failed", "not_found")
    assert next(iter(world.backend.executions())).error == "NotFound"
    report, events = world.redrive()
    assert (report.finished, len(report.refused)) == (0, 1)
    (refused,) = (event for event in events if isinstance(event, Refused))
    assert "would only enter the Fail state FailState again; fetch the image again with" in refused.reason


def test_nothing_to_redrive_is_an_empty_report(world: World) -> None:
    """Neither an error nor a refusal."""
    world.run()
    assert world.redrive() == (RunReport(), [])


def test_an_execution_that_does_not_exist_is_an_error(world: World) -> None:
    """For every verb that takes a name."""
    world.run()
    for verb in (world.backend.execution, world.redrive, lambda name: world.backend.stop(name, None, None)):
        with pytest.raises(ConfigurationError, match="no execution"):
            verb("none")


def test_an_execution_that_has_ended_is_not_stopped(world: World) -> None:
    """Its status stays."""
    world.run()
    assert world.backend.stop("r-00001", None, None) == "has already ended (SUCCEEDED)"
    assert world.backend.execution("r-00001").row.status == "SUCCEEDED"


@pytest.mark.slow
def test_an_ingest_reports_every_item_once(world: World) -> None:
    """What the events say is what the report, the summary and the records say; again, nothing is doubled."""
    report, events = world.ingest()
    counts = report.counts
    assert (report.status, counts.done, counts.outcomes["failed"]) == ("SUCCEEDED", counts.items, 1)
    assert events[0] == IngestStarted("b", "dogs", resumed=False)
    assert next(event for event in reversed(events) if isinstance(event, ItemsListed)).items == counts.items
    assert report.summary["outcomes"] == dict(counts.outcomes)
    done = sum(sum(event.outcomes.values()) for event in events if isinstance(event, BatchDone))
    assert done in {0, counts.items}  # a stack tells of no batches
    assert len(list(world.backend.records(run="b"))) == counts.items
    again, events = world.ingest()
    assert events[0] == IngestStarted("b", "dogs", resumed=True, ended=True)
    assert again == report
    assert len(list(world.backend.records(run="b"))) == counts.items
    assert [summary["run"] for summary in world.backend.ingests()] == ["b"]


@pytest.mark.slow
def test_executions_of_every_state_machine_are_listed_and_found(world: World) -> None:
    """In time order, whatever state machine they belong to; by status and run; each with its history."""
    world.run(1, "early")
    world.ingest("b")
    world.run(1, "late")
    assert world.names() == ["late-00001", "b", "early-00001"]
    assert world.names(status="SUCCEEDED") == ["late-00001", "b", "early-00001"]
    assert (world.names(status="FAILED"), world.names(run="b"), world.names(run="late")) == ([], ["b"], ["late-00001"])
    assert (world.names(workflow="BulkIngest"), world.names(workflow="DogUploaderPipeline", run="late")) == (
        ["b"],
        ["late-00001"],
    )
    details = world.backend.execution("b")
    assert (details.row.run, details.row.status, details.input["run"]) == ("b", "SUCCEEDED", "b")
    assert "IngestBatches" in details.definition["States"]
    assert [details.history[0]["type"], details.history[-1]["type"]] == ["ExecutionStarted", "ExecutionSucceeded"]


@pytest.mark.slow
def test_the_version_of_an_execution_stays_while_nothing_happens(world: World) -> None:
    """What was read under it can be shown again."""
    world.run(1, "r")
    version = world.backend.execution_version("r-00001")
    assert version is not None
    assert world.backend.execution_version("r-00001") == version
    with pytest.raises(ConfigurationError):
        world.backend.execution_version("nobody")


def test_the_child_executions_of_a_bulk_ingest_can_be_looked_at(world: World) -> None:
    """They are listed, and one is found by its name, with the item processor as its definition."""
    world.ingest("b")
    children = list(world.backend.child_executions("b"))
    assert {(child.status, child.error) for child in children} == {("SUCCEEDED", None)}
    details = world.backend.child_execution("b", children[0].name)
    assert (details.row, details.map_runs) == (children[0], ())
    if details.history:  # an Express child of a stack has it in CloudWatch Logs
        assert "IngestBatches" not in details.definition["States"]
        assert [details.history[0]["type"], details.history[-1]["type"]] == ["ExecutionStarted", "ExecutionSucceeded"]
    with pytest.raises(ConfigurationError, match="has no child execution 'none'"):
        world.backend.child_execution("b", "none")


@pytest.mark.slow
def test_a_bulk_ingest_is_interrupted_stopped_and_redriven(world: World) -> None:
    """By the name that `pupline ingest` printed; what was done is not done again."""
    world.interrupt()
    report, _ = world.ingest()
    assert (report.status, report.interrupted) == ("RUNNING", True)
    assert world.names(status="RUNNING") == ["b"]
    assert world.backend.stop("b", None, None) == "ABORTED"
    world.let_finish()
    report_of_redrive, events = world.redrive("b")
    assert report_of_redrive == RunReport(finished=1)
    (result,) = (event for event in events if isinstance(event, ExecutionResult))
    assert (result.execution, result.status, result.outcome) == ("b", "SUCCEEDED", None)
    assert result.summary == summary_key("dogs", "b")
    report, _ = world.ingest()
    assert (report.status, report.counts.done) == ("SUCCEEDED", report.counts.items)
    assert len(list(world.backend.records(run="b"))) == report.counts.items


def test_the_doctor_finds_nothing_wrong(world: World) -> None:
    """Every check has a name of its own; none is an error."""
    world.run()
    checks = world.backend.doctor("sample")
    assert len({check.name for check in checks}) == len(checks)
    assert [check for check in checks if check.status == "error"] == []


def test_a_backend_names_itself_in_what_people_type_next(world: World) -> None:
    """Options that lead back to it, and where an object is."""
    assert world.backend.options.startswith(" --")
    assert world.backend.unfinished_work.endswith(world.backend.options)
    assert world.backend.location("html/a.jpg").endswith("html/a.jpg")


@pytest.mark.slow
def test_runs_of_every_kind_are_listed(world: World) -> None:
    """Newest first, with their state and how many images; by ID, and by dataset."""
    world.run(2, "r")
    world.run(1, "gone", world.gone)
    report, _ = world.ingest("b")
    found = {run.run: run for run in world.backend.runs()}
    assert {name: (run.kind, run.dataset, run.status) for name, run in found.items()} == {
        "r": ("run", None, "SUCCEEDED"),
        "gone": ("run", None, "FAILED"),
        "b": ("ingest --workflow", "dogs", "SUCCEEDED"),
    }
    assert (found["r"].listed, found["r"].done) == (2, 2)
    assert "1 of 1 executions" in str(found["gone"].reason)
    assert found["b"].outcomes == dict(report.counts.outcomes)
    assert (found["b"].listed, found["b"].done) == (report.counts.items, report.counts.done)
    assert [run.run for run in world.backend.runs(run="r")] == ["r"]
    assert [run.run for run in world.backend.runs(dataset="dogs")] == ["b"]
    assert list(world.backend.runs(run="nope")) == list(world.backend.runs(dataset="cats")) == []
    [dogs] = world.backend.datasets()
    assert (dogs.dataset, dogs.images, dogs.runs, dogs.unfinished) == ("dogs", report.counts.outcomes["stored"], 1, 0)


@pytest.mark.slow
def test_an_interrupted_ingest_is_listed_as_unfinished(world: World) -> None:
    """Until the same run is finished."""
    world.interrupt()
    assert world.ingest("b")[0].interrupted
    [run] = world.backend.runs(run="b")
    assert (run.status, run.ended_at) == ("RUNNING", None)
    world.let_finish()
    world.ingest("b")
    [run] = world.backend.runs(run="b")
    assert (run.status, run.next_step) == ("SUCCEEDED", None)


def test_the_quality_journal_is_on_this_machine(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided about an image of this backend's dataset is there the next time."""
    monkeypatch.setenv("PUPLINE_DATA", str(tmp_path / "journal"))
    world.run()
    with world.backend.quality_journal() as journal:
        journal.decide("dogs", ["1"], "keep")
    with world.backend.quality_journal() as journal:
        assert journal.decisions("dogs") == {"1": "keep"}


@pytest.mark.slow
def test_the_lists_of_the_console_go_by_page(world: World) -> None:
    """Forwards, backwards, filtered and counted; each execution with its own record, a bulk one with none."""
    world.run(2, "r")
    world.ingest("b")
    world.run(1, "gone", world.gone)
    pages = world.backend.pages
    names = ["gone-00001", "b", "r-00002", "r-00001"]
    first = pages.execution_page(ExecutionQuery(limit=3))
    rest = pages.execution_page(ExecutionQuery(limit=3, after=first.next))
    assert [item.row.name for page in (first, rest) for item in page.items] == names
    assert (first.previous, rest.next) == (None, None)
    back = pages.execution_page(ExecutionQuery(limit=3, before=rest.previous))
    assert (back.items, back.previous) == (first.items, None)
    found = {item.row.name: item for item in first.items}
    assert (found["b"].kind, found["b"].machine, found["b"].record) == ("ingest", "BulkIngest", None)
    gone = found["gone-00001"]
    assert (gone.kind, gone.machine, gone.type) == ("run", "DogUploaderPipeline", "STANDARD")
    assert (gone.row.error, gone.record and gone.record.reason) == ("NotFound", "not_found")
    assert pages.execution_item("gone-00001") == gone
    for query, expected in (
        (ExecutionQuery(status=("FAILED",)), ["gone-00001"]),
        (ExecutionQuery(machine=("BulkIngest",)), ["b"]),
        (ExecutionQuery(kind=("run",), run=("r",)), ["r-00002", "r-00001"]),
        (ExecutionQuery(error=("NotFound",)), ["gone-00001"]),
        (ExecutionQuery(text="R-00002"), ["r-00002"]),
        (ExecutionQuery(order="failed", limit=1), ["gone-00001"]),
    ):
        assert [item.row.name for item in pages.execution_page(query).items] == expected
        if query.order == "newest":
            assert pages.count_executions(query) == Count(len(expected))
    assert [(one.name, one.last and one.last.name) for one in pages.machines()] == [
        ("BulkIngest", "b"),
        ("DogUploaderPipeline", "gone-00001"),
    ]
    assert pages.machine_names() == ["BulkIngest", "DogUploaderPipeline"]


@pytest.mark.slow
def test_records_of_the_console_go_by_page(world: World) -> None:
    """Each can be named, and leads to the next; facets count them; those of an ingest come by its run."""
    world.run(2, "r")
    report, _ = world.ingest("b")
    world.run(1, "gone", world.gone)
    pages, single = world.backend.pages, RecordQuery(run=("r", "gone"), limit=1)
    found: list[RecordItem] = []
    cursor: str | None = None
    while True:
        page = pages.record_page(replace(single, after=cursor))
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert found[0].record.execution == "gone-00001"  # the others run at the same time, and end in either order
    assert {item.record.execution for item in found[1:]} == {"r-00001", "r-00002"}
    assert len(found) == 3
    assert pages.record_neighbours(single, found[1].id) == (found[0], found[2])
    assert pages.record_item(found[2].id) == found[2]
    assert list(pages.records_at(replace(single, limit=2), 1, 2)) == found[1:]
    assert pages.count_records(single) == Count(3)
    assert {facet.value: facet.count for facet in pages.record_facets(single, "outcome")}["failed"] == 1
    assert pages.count_records(RecordQuery(run=("b",))) == Count(report.counts.items)
    assert [
        item.record.execution for item in pages.record_page(RecordQuery(reason=("not_found",), run=("gone",))).items
    ] == ["gone-00001"]
    with pytest.raises(NoSuchName):
        pages.record_item("none")
    with pytest.raises(InvalidQuery):
        pages.record_page(RecordQuery(after="none"))


def test_alerts_of_the_console_go_by_page(world: World) -> None:
    """None where no image alerted."""
    world.run()
    recent = AlertQuery(since=next(world.backend.executions()).start_time - 1)
    assert world.backend.pages.alert_page(recent) == Page(())
    assert world.backend.pages.count_alerts(recent) == Count(0)
    assert list(world.backend.pages.subscriptions()) == []
