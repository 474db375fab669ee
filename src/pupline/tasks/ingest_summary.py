"""summary.json: one ingest run in figures, the same from the bulk worker and from the workflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from pupline.tasks.layout import run_folder
from pupline.tasks.left_out import LeftOut
from pupline.text import timestamp_or_none

_COUNTS = (
    *("finished", "listed", "left_out", "total", "repeated", "known", "other_shards", "done"),
    *("verified", "changed", "gone", "alerts", "bytes_stored"),
)
_SPEEDS = ("seconds", "cpu_seconds", "images_per_second", "bytes_per_second", "cpu_us_per_image")
_TEXTS = ("run", "dataset", "source", "status", "error", "trouble", "retry_of", "began_at", "ended_at", "shard")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """The figures of a run. What the run's driver does not know is None.

    trouble: why the items are not all that the source has. left_out: what it has besides, as far as that is known.
    columns_dropped: columns of a list, and why they, or some of their values, are not kept.
    retry_of: the run whose failed items these are.
    began_at, ended_at: in seconds since the epoch. finished: items that ended within `seconds`, which took
    `cpu_seconds`. listed: items in the manifest. total: images that the source says it has. repeated, known: items left
    out because they were listed before, in this run or in an earlier one. shard: I/N, and other_shards: items of the
    source that other machines fetch. done: items that ended.
    verification: how many of the items with declared hashes are verified, changed and gone.
    """

    run: str
    dataset: str
    source: str
    status: str
    error: str | None = None
    trouble: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    columns_dropped: Mapping[str, str] = field(default_factory=dict)
    retry_of: str | None = None
    began_at: float | None = None
    ended_at: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    finished: int | None = None
    listed: int
    listed_complete: bool
    total: int | None = None
    repeated: int | None = None
    known: int | None = None
    shard: str | None = None
    other_shards: int | None = None
    done: int
    verification: Mapping[str, int]
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    alerts: int
    bytes_stored: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of summary.json, without `files`. Times are RFC 3339, UTC."""
        return {
            "run": self.run,
            "dataset": self.dataset,
            "source": self.source,
            "status": self.status,
            "error": self.error,
            "trouble": self.trouble,
            "retry_of": self.retry_of,
            "began_at": timestamp_or_none(self.began_at),
            "ended_at": timestamp_or_none(self.ended_at),
            **self._speed(),
            "listed": self.listed,
            "listed_complete": self.listed_complete,
            "left_out": self.left_out.total,
            "left_out_reasons": ranked(self.left_out.reasons),
            "left_out_examples": self.left_out.examples,
            "columns_dropped": dict(self.columns_dropped),
            "total": self.total,
            "repeated": self.repeated,
            "known": self.known,
            "shard": self.shard,
            "other_shards": self.other_shards,
            "done": self.done,
            "outcomes": ranked(self.outcomes),
            "reasons": ranked(self.reasons),
            **{result: self.verification.get(result, 0) for result in ("verified", "changed", "gone")},
            "alerts": self.alerts,
            "bytes_stored": self.bytes_stored,
        }

    def _speed(self) -> dict[str, float | int | None]:
        seconds, cpu_seconds, finished = self.seconds, self.cpu_seconds, self.finished
        # The bytes of a part of the items are not known: a resumed run finishes the rest only.
        is_whole = finished == self.done
        return {
            "seconds": None if seconds is None else round(seconds, 3),
            "cpu_seconds": None if cpu_seconds is None else round(cpu_seconds, 3),
            "finished": finished,
            "images_per_second": round(finished / seconds, 1) if seconds and finished is not None else None,
            "bytes_per_second": round(self.bytes_stored / seconds) if seconds and is_whole else None,
            "cpu_us_per_image": round(cpu_seconds * 1e6 / finished, 1)
            if cpu_seconds is not None and finished
            else None,
        }


def summary_bytes(summary: Mapping[str, Any]) -> bytes:
    """A summary as readable JSON."""
    return json.dumps(summary, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


def with_files(summary: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The summary with these keys among its `files`, of which the last is the summary itself."""
    others = [key for key in summary["files"] if key not in keys]
    return {**summary, "files": [*others[:-1], *keys, *others[-1:]]}


def ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, the largest first."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def summary_of(body: bytes, key: str) -> dict[str, Any] | None:
    """The summary in the object under `key`, summary.json in a run's folder; None where it is something else.

    What earlier versions did not write may be absent.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or run_folder(str(found.get("dataset")), str(found.get("run"))) not in key:
        return None
    counts = [count for name in ("outcomes", "reasons") for count in _counts(found.get(name, {}))]
    counts += [found[name] for name in _COUNTS if found.get(name) is not None]
    speeds = [found[name] for name in _SPEEDS if found.get(name) is not None]
    texts = [found[name] for name in _TEXTS if found.get(name) is not None]
    is_whole = (
        all(type(count) is int and count >= 0 for count in counts)
        and all(type(speed) in {int, float} and 0 <= speed < inf for speed in speeds)
        and all(isinstance(text, str) for text in [*texts, *_files(found.get("files", []))])
    )
    return found if is_whole else None


def _counts(value: Any) -> list[Any]:
    """The numbers of an object; of anything else, one that is not a number."""
    return list(value.values()) if isinstance(value, dict) else [None]


def _files(value: Any) -> list[Any]:
    """The names of an array; of anything else, one that is not a text."""
    return value if isinstance(value, list) else [None]
