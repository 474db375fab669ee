"""UpdateMapRun: the limits of a Map Run change while it runs."""

from pupline.asl import Execution, MapRunUpdated, TaskFailed, fact_from_json, fact_to_json
from tests.asl.test_distributed import NOW, mapped


def test_more_children_start_when_the_concurrency_is_raised() -> None:
    """At once, and DescribeMapRun shows the new limit."""
    execution = Execution(mapped(MaxConcurrency=1), [1, 2, 3], name="e", now=NOW)
    assert len(execution.commands()) == 1
    (run,) = execution.map_runs
    execution.receive(MapRunUpdated(run.arn, max_concurrency=2), now=NOW)
    assert len(execution.commands()) == 1
    assert run.describe()["maxConcurrency"] == 2


def test_a_raised_tolerance_keeps_the_run_alive() -> None:
    """The failure that would have ended it does not."""
    execution = Execution(mapped(MaxConcurrency=1), [1, 2], name="e", now=NOW)
    (first,) = execution.commands()
    (run,) = execution.map_runs
    execution.receive(MapRunUpdated(run.arn, tolerated_failure_count=1), now=NOW)
    execution.receive(TaskFailed(first.id, "Odd"), now=NOW)
    assert (execution.status, run.describe()["toleratedFailureCount"]) == ("RUNNING", 1)


def test_a_lowered_tolerance_ends_the_run() -> None:
    """It is exceeded as soon as it is set."""
    execution = Execution(mapped(MaxConcurrency=1, ToleratedFailureCount=1), [1, 2], name="e", now=NOW)
    (first,) = execution.commands()
    execution.receive(TaskFailed(first.id, "Odd"), now=NOW)
    execution.receive(MapRunUpdated(execution.map_runs[0].arn, tolerated_failure_count=0), now=NOW)
    assert (execution.status, execution.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_another_run_is_not_changed() -> None:
    """Nor one that has ended."""
    execution = Execution(mapped(MaxConcurrency=1), [1, 2], name="e", now=NOW)
    execution.receive(MapRunUpdated("arn:other", max_concurrency=2), now=NOW)
    assert execution.map_runs[0].describe()["maxConcurrency"] == 1


def test_the_fact_is_journalled() -> None:
    """As JSON and back."""
    fact = MapRunUpdated("arn", 3, None, 12.5)
    assert fact_from_json(fact_to_json(fact)) == fact
