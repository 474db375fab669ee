"""Commands whose power is cut: what they are given, and what must be there when they have ended."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import dog_api
from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import check_ingest
from tests.e2e.ingest_kennel import Kennel, kennel_of
from tests.e2e.ingest_kennel import serving as serving_kennel
from tests.e2e.test_ingest_workflow import check as check_workflow_ingest
from tests.e2e.test_run import check_all_of_it
from tests.shared.installed import PUPLINE

IMAGES = 60
WORKFLOW_IMAGES = 30
EXECUTIONS = 6


@dataclass(frozen=True)
class Trial:
    """A command on a data directory. check: raises AssertionError where it did not end as if undisturbed."""

    data: Path
    words: list[str]
    status: int
    check: Callable[[], object]
    asked: Callable[[], Counter[str]]

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


def _drained(counter: Counter[str]) -> Counter[str]:
    found = Counter(counter)
    counter.clear()
    return found
