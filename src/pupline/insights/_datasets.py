"""Bulk ingestion: how much of each source is stored, and the speed of each run, from the summaries of the runs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pupline.insights._url_sample import PLACEHOLDER_URLS, SharedImage, UrlSample, run_of
from pupline.tasks.figure_rows import FigureRecord

_RUN_FIELDS = (
    *("run", "dataset", "source", "status", "began_at", "ended_at", "listed", "done", "seconds", "images_per_second"),
    *("bytes_per_second", "cpu_us_per_image", "bytes_stored", "retry_of", "verified", "changed", "gone"),
)
_MAX_SHARED = 20


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a source is stored: `312 of 10,822 seen`.

    seen: URLs whose image is stored, over all runs of the dataset. available: the distinct URLs of the source, by its
    largest complete listing or its own count; None where no run knows it. exact: False where `seen` is an estimate.
    repeated: items with a URL that the same run had before, in the run with most of them.
    """

    dataset: str
    seen: int
    available: int | None
    exact: bool
    repeated: int = 0

    @property
    def share(self) -> float | None:
        """Seen of available, 0 to 1, even if images were seen that are no longer listed."""
        return min(self.seen / self.available, 1.0) if self.available else None


class DatasetFigures:
    """The runs of bulk ingestion and the URLs of their datasets.

    It gets the runs first, then the records: a record names its run (`<run>-<index>`), and the run its dataset. Records
    of single executions have the dataset None.
    """

    def __init__(self, summaries: Iterable[Mapping[str, Any]] = ()) -> None:
        self.runs: list[dict[str, Any]] = []
        self._dataset_of: dict[str, str] = {}
        self._available: dict[str, int | None] = {}
        self._repeated: Counter[str] = Counter()
        self._samples: dict[str | None, UrlSample] = {}
        for summary in summaries:
            run, dataset = str(summary["run"]), str(summary["dataset"])
            self._dataset_of[run] = dataset
            sizes = [size for size in (self._available.get(dataset), _available(summary)) if size is not None]
            self._available[dataset] = max(sizes, default=None)
            self._repeated[dataset] = max(self._repeated[dataset], summary.get("repeated") or 0)
            self.runs.append({name: summary.get(name) for name in _RUN_FIELDS})

    def add(self, record: FigureRecord) -> None:
        """Count one record of an accepted image."""
        dataset = self._dataset_of.get(run_of(record.execution))
        sample = self._samples.get(dataset)
        if sample is None:
            sample = self._samples[dataset] = UrlSample()
        sample.add(record)

    def coverage(self) -> list[Coverage]:
        """One for each dataset, by name."""
        samples = ((dataset, self._samples.get(dataset) or UrlSample()) for dataset in sorted(self._available))
        return [
            Coverage(dataset, one.urls, self._available[dataset], one.exact, self._repeated[dataset])
            for dataset, one in samples
        ]

    def shared(self) -> list[SharedImage]:
        """Images that several URLs of one dataset gave, those with most URLs first; at most twenty."""
        shared = [image for sample in self._samples.values() for image in sample.shared()]
        return sorted(shared, key=lambda image: (-image.urls, image.sha256))[:_MAX_SHARED]

    def placeholders(self) -> list[SharedImage]:
        """Those of `shared` with so many URLs that they are probably placeholders."""
        return [image for image in self.shared() if image.urls >= PLACEHOLDER_URLS]

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready."""
        return {
            "coverage": [asdict(one) | {"share": one.share} for one in self.coverage()],
            "shared_images": [asdict(image) for image in self.shared()],
            "placeholders": [asdict(image) for image in self.placeholders()],
            "ingests": self.runs,
        }


def _available(summary: Mapping[str, Any]) -> int | None:
    """The distinct URLs of the source, as far as this run knows: by the source's count, or by a complete listing.

    The source counts repeated URLs too. A retry lists failed items only; an incremental run leaves out the images that
    the dataset has, and a shard's run those of other shards.
    """
    total, listed = summary.get("total"), summary.get("listed")
    sizes = [] if total is None else [max(total - (summary.get("repeated") or 0), listed or 0)]
    if listed is not None and summary.get("listed_complete") and not summary.get("retry_of"):
        sizes.append(listed + (summary.get("known") or 0) + (summary.get("other_shards") or 0))
    return max(sizes, default=None)
