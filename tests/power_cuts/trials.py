"""Commands whose power is cut: what they are given, and what must be there when they have ended."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import dog_api
from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import check_ingest, check_nothing_half_done, objects, records_of
from tests.e2e.ingest_kennel import Kennel, kennel_of
from tests.e2e.ingest_kennel import serving as serving_kennel
from tests.e2e.test_ingest_workflow import check as check_workflow_ingest
from tests.e2e.test_run import check_all_of_it
from tests.shared.installed import PUPLINE, pupline

IMAGES = 60
WORKFLOW_IMAGES = 30
EXECUTIONS = 6


@dataclass(frozen=True)
class Trial:
    """A command on a data directory. check: raises AssertionError where it did not end as if undisturbed.

    done: the exit code where nothing is left to do. removes: what was stored may be gone before that is recorded.
    """

    data: Path
    words: list[str]
    status: int
    check: Callable[[], object]
    asked: Callable[[], Counter[str]] = Counter
    done: int | None = None
    removes: bool = False

    @property
    def command(self) -> list[str]:
        """The whole command."""
        return [PUPLINE, *self.words, "--data", str(self.data)]


@contextmanager
def bulk_ingest(data: Path) -> Iterator[Trial]:
    """An ingest of images with flaws; those that only make it wait are left out."""
    kennel = kennel_of(IMAGES)
    kennel.flaws = {path: flaw for path, flaw in kennel.flaws.items() if not flaw.startswith(("wait", "busy"))}
    with serving_kennel(kennel) as base_url:
        words = ["ingest", base_url, "--dataset", "dogs", "--run-id", "r", "--workers", "1", "--json"]
        yield Trial(data, words, 1, lambda: check_ingest(data, kennel, "r"), lambda: _drained(kennel.asked))


@contextmanager
def workflow_ingest(data: Path) -> Iterator[Trial]:
    """An ingest through the state machine, in several batches. An image that is tried again makes it wait."""
    kennel = Kennel(
        {f"pug/n{number:04}.jpg": jpeg(number) for number in range(WORKFLOW_IMAGES)}, {"pug/n0003.jpg": "gone"}
    )
    with serving_kennel(kennel) as base_url:
        words = ["ingest", base_url, "--workflow", "--dataset", "dogs", "--run-id", "w", "--json"]
        yield Trial(data, words, 1, lambda: check_workflow_ingest(data, kennel, "w"), Counter)


@contextmanager
def single_images(data: Path) -> Iterator[Trial]:
    """A run of executions of the workflow, with alerts."""
    images = dog_api.kennel(EXECUTIONS, pngs=2)
    api = dog_api.DogApi(images)
    with dog_api.serving(api) as base_url:
        words = [
            "run",
            "--count",
            str(EXECUTIONS),
            "--source",
            base_url,
            "--run-id",
            "r",
            "--concurrency",
            "2",
            "--json",
        ]
        yield Trial(data, words, 0, lambda: check_all_of_it(data, images, "r", EXECUTIONS), Counter)


@contextmanager
def merging(data: Path) -> Iterator[Trial]:
    """A merge of another data directory, which nothing may change."""
    other = data.with_name("other")
    _ingest_samples(other)
    there = objects(other, "")

    def check() -> None:
        assert objects(other, "") == there
        assert sorted(objects(data, "html").values()) == sorted(objects(other, "html").values())
        assert records_of(data, "r") == _at(data, records_of(other, "r"))
        check_nothing_half_done(data)

    yield Trial(data, ["merge", str(other), "--json"], 0, check)


@contextmanager
def discarding(data: Path) -> Iterator[Trial]:
    """A discard of the only run."""
    _ingest_samples(data)
    records = records_of(data, "r")

    def check() -> None:
        assert objects(data, "") == {}
        assert records_of(data, "r") == records
        check_nothing_half_done(data)

    yield Trial(data, ["discard", "r", "--yes", "--json"], 0, check, done=2, removes=True)


def _ingest_samples(data: Path) -> None:
    done = pupline(data, "ingest", "sample", "--dataset", "dogs", "--run-id", "r")
    assert done.returncode == 0, done.stderr


def _at(data: Path, records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records with the URLs that they have in another data directory."""
    old, new = data.with_name("other").as_uri(), data.as_uri()
    text = json.dumps(records).replace(f'"{old}/', f'"{new}/')
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def _drained(counter: Counter[str]) -> Counter[str]:
    found = Counter(counter)
    counter.clear()
    return found
