"""Which records, runs and alerts are chosen: the same for the command line and the console."""

from dataclasses import dataclass

from pupline.insights._url_sample import run_of
from pupline.text import timestamp


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen rows. run, dataset: that exist. runs: the IDs of the dataset's runs; None without a dataset.

    since, until: in seconds since the epoch; the latter is excluded.
    """

    run: str | None = None
    dataset: str | None = None
    since: float | None = None
    runs: frozenset[str] | None = None
    until: float | None = None

    def has_run(self, run: str | None) -> bool:
        """Whether rows of this run are chosen."""
        return self.run in {None, run} and (self.runs is None or run in self.runs)

    def has_execution(self, execution: str) -> bool:
        """Whether rows of this execution are chosen."""
        if self.run is None and self.runs is None:
            return True
        return self.has_run(run_of(execution)) or self.has_run(execution)  # a bulk run's alerts have its own name

    def is_recent(self, moment: float | str | None) -> bool:
        """Whether rows of this time, in seconds or as RFC 3339, are chosen. What has no time is not recent."""
        since, until = self.since or 0.0, self.until
        if self.since is None and until is None:
            return True
        if isinstance(moment, str):
            return moment >= timestamp(max(since, 0.0)) and (until is None or moment < timestamp(max(until, 0.0)))
        return moment is not None and moment >= since and (until is None or moment < until)

    @property
    def is_all(self) -> bool:
        """Whether nothing was chosen."""
        return self.run is None and self.dataset is None and self.since is self.until is None
