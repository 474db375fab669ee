"""How far the summary of a run has come, and what is kept of it in the bucket for the next invocation.

A small run is summarised at once, and nothing is kept. Of a large one, `summary-progress.json` in the run's folder has
the sums, the last result that is counted, and the upload of failures.jsonl as far as it is. It belongs to one execution
and is written over. Results never change, so an attempt that begins at an older state does the same again, and two
attempts at once disturb each other no more than that.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.json_values import JSON
from pupline.tasks.batch_input import IngestRun
from pupline.tasks.digest import AlertTally
from pupline.tasks.layout import JSON_LINES, failures_key, progress_key
from pupline.tasks.ports import MultipartStore
from pupline.tasks.streamed_object import StreamedObject

_VERSION = 1


@dataclass(slots=True)
class RunTotals:
    """The sum of rounds of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    verification: Counter[str] = field(default_factory=Counter)
    alerts: AlertTally = field(default_factory=AlertTally)
    first_alerts: int = 0
    bytes_stored: int = 0

    def add(self, result: Mapping[str, Any]) -> None:
        """Add the result of one round."""
        self.outcomes.update(result["outcomes"])
        self.reasons.update(result["reasons"])
        self.verification.update(result.get("verification", {}))  # earlier versions did not verify
        self.alerts.add_all(AlertTally.from_dict(result["alerts"]))
        self.first_alerts += result["first_alert"] is not None
        self.bytes_stored += result["bytes"]

    @property
    def done(self) -> int:
        """Items that have ended."""
        return self.outcomes.total()

    def as_dict(self) -> dict[str, Any]:
        """The totals as JSON; `from_dict` reads it back."""
        return {
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "verification": dict(self.verification),
            "alerts": self.alerts.as_dict(),
            "first_alerts": self.first_alerts,
            "bytes_stored": self.bytes_stored,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RunTotals":
        """The totals that `as_dict` wrote."""
        return cls(
            outcomes=Counter(data["outcomes"]),
            reasons=Counter(data["reasons"]),
            verification=Counter(data["verification"]),
            alerts=AlertTally.from_dict(data["alerts"]),
            first_alerts=data["first_alerts"],
            bytes_stored=data["bytes_stored"],
        )


class SummaryProgress:
    """The summary of a run, as far as it has come.

    totals: of the results up to the key `after`. failures: failures.jsonl, as far as it is written. answer: of the task
    once it has ended. is_kept: whether the bucket has a state of this execution.
    """

    def __init__(self, run: IngestRun, store: MultipartStore, part_bytes: int) -> None:
        self._store = store
        self._key = progress_key(run.dataset, run.run)
        self._execution = run.workflow_execution
        self.after = ""
        self.totals = RunTotals()
        self.failures = StreamedObject(store, failures_key(run.dataset, run.run), JSON_LINES, part_bytes)
        self.answer: dict[str, JSON] | None = None
        self.is_kept = False

    @property
    def can_be_kept(self) -> bool:
        """Whether the execution is known, and so another invocation can continue."""
        return self._execution is not None

    @classmethod
    def found(cls, run: IngestRun, store: MultipartStore, part_bytes: int) -> "SummaryProgress":
        """What an earlier invocation for the same execution kept; else the beginning. Raises: StorageError."""
        beginning = cls(run, store, part_bytes)
        if not beginning.can_be_kept:
            return beginning
        try:
            kept = json.loads(store.read(beginning._key))
            if (kept["version"], kept["execution"]) != (_VERSION, run.workflow_execution):
                return beginning
            progress = cls(run, store, part_bytes)
            progress._resume(kept)
        except (LookupError, ValueError, TypeError, AttributeError):  # there is none, or it is not ours
            return beginning
        return progress

    def keep(self) -> None:
        """Keep the state for the next invocation. Raises: StorageError."""
        state = {"after": self.after, "totals": self.totals.as_dict(), "failures": self.failures.as_json()}
        self._put({**state, "answer": None})

    def end(self, answer: dict[str, JSON]) -> None:
        """Keep the answer, so that the task gives it again, if a state was kept before. Raises: StorageError."""
        if self.is_kept:
            self._put({"answer": answer})

    def _put(self, state: Mapping[str, Any]) -> None:
        head = {"version": _VERSION, "execution": self._execution}
        self._store.put(self._key, json.dumps({**head, **state}).encode(), "application/json")
        self.is_kept = True

    def _resume(self, kept: Mapping[str, Any]) -> None:
        self.is_kept = True
        self.answer = kept["answer"]
        if self.answer is None:
            self.after = kept["after"]
            self.totals = RunTotals.from_dict(kept["totals"])
            self.failures.resume(kept["failures"])
