"""The BulkIngest file: what must hold of it as it is written, whoever runs it."""

import inspect
import json
import re
from typing import Any

import pytest

from pupline import errors
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN
from pupline.tasks.ingest_batch import BATCH_SECONDS, CHILD_SECONDS, THROTTLED_SECONDS
from tests.workflow.bulk_runs import CHILD, FILE, STATES
from tests.workflow.state_rules import check_all_reached, check_task, longest_wait

TASKS = {name: state for name, state in {**STATES, **CHILD}.items() if state["Type"] == "Task"}


def test_nothing_of_an_account_is_in_the_file() -> None:
    """ARNs, names and the stack's limit come as placeholders; only those that are to be filled are there."""
    text = FILE.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == {
        "IngestBatchArn",
        "SummariseIngestArn",
        "ImageBucketName",
        "PNGAlertTopicArn",
        "BulkConcurrency",
        "aws",
    }
    assert not re.search(r"\d{12}|arn:aws", text)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_bounded_retried_and_caught(name: str) -> None:
    """TimeoutSeconds; back-off with full jitter and a cap; a Catch for everything."""
    check_task(TASKS[name], 600)
    if "lambda" in TASKS[name]["Resource"]:
        assert "StorageError" in {error for retrier in TASKS[name]["Retry"] for error in retrier["ErrorEquals"]}


def test_no_error_of_an_image_is_retried_by_the_workflow() -> None:
    """Those never leave the function: what may pass comes back in another round, the rest is recorded."""
    ours = {cls.__name__ for _, cls in inspect.getmembers(errors, inspect.isclass)} - {"StorageError"}
    named = {error for task in TASKS.values() for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    assert not ours & named


def test_a_batch_fits_into_an_express_execution() -> None:
    """A throttled one is left while there is time for all of a batch; a later round waits for what it counts on."""
    throttled, *_ = CHILD["IngestBatch"]["Retry"]
    wait_until = re.search(r"\+ ([0-9]+)000\)", CHILD["FirstRound"]["Output"]["wait_until"])
    assert wait_until
    assert longest_wait(throttled) <= THROTTLED_SECONDS
    assert int(wait_until[1]) + longest_wait(throttled) + BATCH_SECONDS < CHILD_SECONDS
    assert BATCH_SECONDS + 60 <= CHILD["IngestBatch"]["TimeoutSeconds"] < CHILD_SECONDS


def test_the_largest_run_has_time() -> None:
    """At the pace of a polite source, and with margin; Step Functions keeps an execution for at most a year."""
    seconds = json.loads(FILE.read_text())["TimeoutSeconds"]
    assert MAX_IMAGES_PER_RUN / 4 < seconds < 365 * 24 * 3600


def test_the_map_run_stays_redrivable() -> None:
    """A Catch would end the execution in a Fail state, which is all that a redrive would enter again."""
    batches = STATES["IngestBatches"]
    assert "Catch" not in batches
    assert batches["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert {"MaxConcurrencyPath", "ToleratedFailurePercentagePath", "ResultWriter", "Label"} <= set(batches)


@pytest.mark.parametrize("states", [STATES, CHILD], ids=["parent", "child"])
def test_every_state_can_be_reached_and_ends(states: dict[str, Any]) -> None:
    """No state is left over, and each has a Next, an End or is terminal."""
    check_all_reached(states, next(iter(states)))


@pytest.mark.parametrize("name", [name for name, state in {**STATES, **CHILD}.items() if state["Type"] == "Choice"])
def test_every_rule_is_guarded(name: str) -> None:
    """A Choice whose Variable selects nothing fails the execution, and nothing catches that: IsPresent comes first."""
    for rule in {**STATES, **CHILD}[name]["Choices"]:
        present, used = rule["And"]
        assert (present["IsPresent"], present["Variable"]) == (True, used["Variable"])
