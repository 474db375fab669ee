"""Bulk ingestion as a whole: how much of each source is here, and how fast it came. From the summaries of the runs."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pupline.insights._contents import PLACEHOLDER_URLS, Contents, SharedImage, run_of
from pupline.tasks.records import AuditRecord

_RUN_FIELDS = (
    "run",
    "dataset",
    "source",
    "status",
    "began_at",
    "ended_at",
    "listed",
    "done",
    "seconds",
    "images_per_second",
    "bytes_per_second",
    "cpu_us_per_image",
    "bytes_stored",
    "retry_of",
)
_SHARED = 20


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a source is here: `312 of 10,822 seen`.

    seen: addresses whose image is held, over all runs of the dataset. available: what the largest complete listing, or
    the source itself, says there is; None where no run has heard it. exact: False where `seen` is an estimate.
    """

    dataset: str
    seen: int
    available: int | None
    exact: bool

    @property
    def share(self) -> float | None:
        """Seen of available, 0 to 1; what was seen but is no longer listed does not make it more."""
        return min(self.seen / self.available, 1.0) if self.available else None


class Ingests:
    """The runs of bulk ingestion and the contents of their datasets.

    Takes the runs first, then the records: a record names its run (`<run>-<index>`), and the run its dataset. Records
    of single executions are told by the dataset None.
    """

    def __init__(self, summaries: Iterable[Mapping[str, Any]] = ()) -> None:
        self.runs: list[dict[str, Any]] = []
        self._dataset_of: dict[str, str] = {}
        self._available: dict[str, int | None] = {}
        self._contents: dict[str | None, Contents] = {}
        for summary in summaries:
            self._add_run(summary)

    def add(self, record: AuditRecord) -> None:
        """Count one record."""
        dataset = self._dataset_of.get(run_of(record.execution))
        contents = self._contents.get(dataset)
        if contents is None:
            contents = self._contents[dataset] = Contents()
        contents.add(record)

    def coverage(self) -> list[Coverage]:
        """One for each dataset, by name."""
        return [self._coverage(dataset, available) for dataset, available in sorted(self._available.items())]

    def shared(self) -> list[SharedImage]:
        """Images that several addresses of one dataset gave, those of most addresses first; at most twenty."""
        found = [image for contents in self._contents.values() for image in contents.shared()]
        return sorted(found, key=lambda image: (-image.urls, image.sha256))[:_SHARED]

    def placeholders(self) -> list[SharedImage]:
        """Those of `shared` that are too many to be the picture of one thing."""
        return [image for image in self.shared() if image.urls >= PLACEHOLDER_URLS]

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready."""
        return {
            "coverage": [asdict(one) | {"share": one.share} for one in self.coverage()],
            "shared_images": [asdict(image) for image in self.shared()],
            "placeholders": [asdict(image) for image in self.placeholders()],
            "ingests": self.runs,
        }

    def _add_run(self, summary: Mapping[str, Any]) -> None:
        run, dataset = str(summary["run"]), str(summary["dataset"])
        self._dataset_of[run] = dataset
        sizes = [size for size in (self._available.get(dataset), _available(summary)) if size is not None]
        self._available[dataset] = max(sizes, default=None)
        self.runs.append({name: summary.get(name) for name in _RUN_FIELDS})

    def _coverage(self, dataset: str, available: int | None) -> Coverage:
        contents = self._contents.get(dataset) or Contents()
        return Coverage(dataset, contents.urls, available, contents.exact)


def _available(summary: Mapping[str, Any]) -> int | None:
    """How many images the source has, as far as this run heard: a count it told, or a listing that came to its end.

    A retry lists only what failed; an incremental run leaves out what the dataset knows.
    """
    total, listed = summary.get("total"), summary.get("listed")
    told = [total] if total is not None else []
    if listed is not None and summary.get("listed_complete") and not summary.get("retry_of"):
        told.append(listed + (summary.get("known") or 0))
    return max(told, default=None)
