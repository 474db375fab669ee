"""docs/workflow.md lists the Error Names, outcomes and reasons that the code and the workflow file have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pupline import errors
from pupline.errors import Outcome, Reason, TaskFailure

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/workflow.md").read_text()
WORKFLOW = json.loads((ROOT / "statemachine/dog_uploader_pipeline.asl.json").read_text())

NOT_OF_AN_IMAGE = {errors.TaskFailure, errors.Refusal, errors.LocalTrouble, errors.DamagedDatabase}
"""Base classes, and errors that end a run on one machine before an image has an outcome."""


def failures(parent: type[TaskFailure] = TaskFailure) -> Iterator[type[TaskFailure]]:
    """The errors that an image's record can name."""
    for child in parent.__subclasses__():
        if child.__module__ == errors.__name__:
            if child not in NOT_OF_AN_IMAGE:
                yield child
            yield from failures(child)


def retried_names() -> set[str]:
    """The Error Names in the Retriers of FetchAndUploadDogImage."""
    retriers = WORKFLOW["States"]["FetchAndUploadDogImage"]["Retry"]
    return {name for retrier in retriers for name in retrier["ErrorEquals"]}


def row_of(failure: type[TaskFailure]) -> str:
    """The row of an Error Name in the document's table."""
    retried = "yes" if failure.__name__ in retried_names() else ""
    if failure is errors.RetryAfter:
        retried = "after Wait"
    return f"| {failure.__name__} | {retried} | `{failure.outcome}` | `{failure.reason}` |".replace("|  |", "| |")


def test_every_error_name_has_its_row() -> None:
    """The table says of each error whether the workflow retries it, and what its record holds."""
    rows = re.findall(r"^\| [A-Z]\w+ \|.*$", DOCUMENT, re.MULTILINE)
    assert rows == [row_of(failure) for failure in failures()]


def test_every_reason_is_listed_with_its_outcome() -> None:
    """Each reason of a record stands in the row of one outcome; those of errors in that of their class."""
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`[^|]*)+) \|$", DOCUMENT, re.MULTILINE)
    listed = {
        outcome: set(re.findall(r"`(\w+)`", reasons)) for outcome, reasons in rows if outcome in get_args(Outcome)
    }
    assert set(listed) == set(get_args(Outcome))
    everything = [reason for reasons in listed.values() for reason in reasons]
    assert sorted(everything) == sorted(get_args(Reason))
    for failure in failures():
        assert failure.reason in listed[failure.outcome], failure.__name__


def test_every_state_is_described() -> None:
    """All states of the workflow are in the document."""
    missing = [name for name in WORKFLOW["States"] if not re.search(rf"\b{name}\b", DOCUMENT)]
    assert not missing
