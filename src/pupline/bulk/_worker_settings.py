"""The settings of a worker process: the first message that it gets, pickled."""

from dataclasses import dataclass

from pupline.http import FetchPolicy
from pupline.tasks.ingest_rules import IngestRules


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """folder: where bodies are written. coordinator: its process id. threads: requests in flight at once, at most.

    Fewer are in flight where the system gives too few descriptors.
    """

    policy: FetchPolicy
    rules: IngestRules
    threads: int
    folder: str
    coordinator: int
