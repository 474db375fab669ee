"""The runs of a data directory, of every kind, as `pupline runs` lists them."""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from pupline.backends._settings import RunSettings
from pupline.bulk import IngestRequest, written_summary
from pupline.errors import THRESHOLD_EXCEEDED
from pupline.local import DiscardedRun, IngestRow, LocalBackend, RunKind, RunRow, kind_of_settings
from pupline.tasks.ports import DatasetSummary, RunName, RunSummary

_EXECUTIONS = "SELECT status, count(*), max(stop_time) FROM executions WHERE run_id = ? GROUP BY status"
_NEWEST = (
    "SELECT status, stop_time, error, cause, input FROM executions WHERE run_id = ? ORDER BY execution_id DESC LIMIT 1"
)
_INTERRUPTED = "unfinished: interrupted, killed, or being worked on now"


class _Entry(NamedTuple):
    """A run, before the costly part of its figures is computed."""

    began_at: float
    run_id: str
    dataset: str | None
    summary: Callable[[], RunSummary]


class MachineRuns:
    """Lists the runs. options: of the command line, that name the data directory."""

    def __init__(self, backend: LocalBackend, options: str) -> None:
        self._backend = backend
        self._options = options

    def all(self, dataset: str | None = None, run: str | None = None) -> Iterator[RunSummary]:
        """All runs, or those of a dataset, or those with an ID; newest first, each computed when it is asked for."""
        return (
            one.summary()
            for one in self._newest_first()
            if dataset in {None, one.dataset} and run in {None, one.run_id}
        )

    def names(self) -> Iterator[RunName]:
        """The names of all runs, newest first."""
        return (RunName(one.run_id, one.dataset) for one in self._newest_first())

    def _newest_first(self) -> list[_Entry]:
        return sorted(self._entries(), key=lambda one: one[:2], reverse=True)

    def datasets(self) -> Iterator[DatasetSummary]:
        """The datasets that have runs, by name."""
        of_dataset: dict[str, list[_Entry]] = {}
        discarded = {one.run_id for one in self._backend.discards.all()}
        for one in self._entries():
            if one.dataset is not None and one.run_id not in discarded:
                of_dataset.setdefault(one.dataset, []).append(one)
        for dataset, runs in sorted(of_dataset.items()):
            ids = [one.run_id for one in runs]
            images, size_bytes = self._backend.audit.accepted(ids)
            yield DatasetSummary(
                dataset=dataset,
                images=images,
                bytes=size_bytes,
                runs=len(runs),
                unfinished=sum(one.summary().status == "RUNNING" for one in runs),
                latest_at=max(one.began_at for one in runs),
            )

    def _entries(self) -> Iterator[_Entry]:
        discarded = {one.run_id: one for one in self._backend.discards.all()}
        for one in discarded.values():
            yield _Entry(one.began_at, one.run_id, one.dataset, partial(_of_discarded, one))
        for ingest in self._backend.ingests.all():
            if ingest.run_id not in discarded:
                yield _Entry(ingest.created_at, ingest.run_id, ingest.dataset, partial(self._of_ingest, ingest))
        for row in self._backend.runs.all():
            if row.run_id not in discarded:
                is_run = kind_of_settings(row.settings) is RunKind.WORKFLOW_RUN
                dataset = None if is_run else str(row.settings["dataset"])
                of_kind = self._of_run if is_run else self._of_workflow
                yield _Entry(row.created_at, row.run_id, dataset, partial(of_kind, row))

    def _of_ingest(self, row: IngestRow) -> RunSummary:
        written = written_summary(self._backend, row.dataset, row.run_id) if row.ended_at is not None else None
        outcomes: Mapping[str, int] = written["outcomes"] if written else {}
        if written is None:
            outcomes = self._backend.ingests.counts(row.ingest_id).outcomes
        reason = _reason(row.status, row.error, row.cause or (written or {}).get("trouble"))
        return RunSummary(
            run=row.run_id,
            kind=RunKind.BULK_INGEST,
            dataset=row.dataset,
            source=row.source,
            status=row.status,
            reason=reason,
            listed=row.items,
            done=sum(outcomes.values()),
            outcomes=outcomes,
            began_at=row.created_at,
            ended_at=row.ended_at,
            next_step=self._next_of_ingest(row, outcomes),
        )

    def _next_of_ingest(self, row: IngestRow, outcomes: Mapping[str, int]) -> str | None:
        if row.error == THRESHOLD_EXCEEDED:
            return f"ingest --resume --run-id {row.run_id} --tolerate 100{self._options}"
        if row.status != "SUCCEEDED":
            return f"resume --run {row.run_id}{self._options}"
        return f"ingest --retry-failed {row.run_id}{self._options}" if outcomes.get("failed") else None

    def _of_run(self, row: RunRow) -> RunSummary:
        ended: Counter[str] = Counter()
        stop_times = [0.0]
        for status, count, stop_time in self._backend.database.rows(_EXECUTIONS, (row.run_id,)):
            ended[status] = count
            stop_times.append(stop_time or 0.0)
        wanted = max(row.count or 0, ended.total())
        status, reason, next_step = self._state_of_run(row, ended, wanted)
        return RunSummary(
            run=row.run_id,
            kind=RunKind.WORKFLOW_RUN,
            dataset=None,
            source=str(row.settings.get("source") or ""),
            status=status,
            reason=reason,
            listed=wanted,
            done=ended.total() - ended["RUNNING"],
            outcomes=self._backend.audit.outcomes(row.run_id),
            began_at=row.created_at,
            ended_at=None if status == "RUNNING" else row.stopped_at or max(stop_times) or None,
            next_step=next_step,
        )

    def _state_of_run(self, row: RunRow, ended: Counter[str], wanted: int) -> tuple[str, str | None, str | None]:
        if ended["RUNNING"]:
            return "RUNNING", _INTERRUPTED, f"resume --run {row.run_id}{self._options}"
        if ended.total() < wanted and row.stopped_at is None:
            reason = f"{ended.total():,} of {wanted:,} executions were started"
            return "RUNNING", reason, f"{_run_command(row, wanted)}{self._options}"
        bad = ended.total() - ended["SUCCEEDED"]
        if row.stopped_at is not None or (bad and bad == ended["ABORTED"]):
            return "ABORTED", "stopped", None
        return ("FAILED", f"{bad:,} of {ended.total():,} executions failed", None) if bad else ("SUCCEEDED", None, None)

    def _of_workflow(self, row: RunRow) -> RunSummary:
        found = self._backend.database.rows(_NEWEST, (row.run_id,))
        status, stop_time, error, cause, given = found[0] if found else ("RUNNING", None, None, None, "{}")
        reason = _reason(status, error, cause)
        if not found:
            reason = "unfinished: interrupted or killed while it listed the source"
            if row.stopped_at is not None:
                status, stop_time, reason = "ABORTED", row.stopped_at, "stopped"
        outcomes = self._backend.audit.outcomes(row.run_id)
        next_step = None
        if status == "RUNNING":
            next_step = f"resume --run {row.run_id}{self._options}"
        elif status != "SUCCEEDED":
            next_step = f"{_ingest_command(row)}{self._options}"
        return RunSummary(
            run=row.run_id,
            kind=RunKind.WORKFLOW_INGEST,
            dataset=str(row.settings["dataset"]),
            source=str(row.settings.get("source") or ""),
            status=status,
            reason=reason,
            listed=int(json.loads(given).get("items") or 0),
            done=sum(outcomes.values()),
            outcomes=outcomes,
            began_at=row.created_at,
            ended_at=stop_time,
            next_step=next_step,
        )


def _of_discarded(one: DiscardedRun) -> RunSummary:
    return RunSummary(
        run=one.run_id,
        kind=one.kind,
        dataset=one.dataset,
        source=one.source,
        status="DISCARDED",
        reason="its audit records stay" if one.removed_at else "being removed; the next start finishes that",
        listed=0,
        done=0,
        outcomes={},
        began_at=one.began_at,
        ended_at=one.discarded_at,
        next_step=None,
    )


def _reason(status: str, error: str | None, cause: str | None) -> str | None:
    """Why a run is in its state, for people; None for one that succeeded without trouble."""
    if status == "RUNNING":
        return cause or _INTERRUPTED
    if status == "ABORTED":
        return cause or error or "stopped"
    return ": ".join(part for part in (error, cause) if part) or None


def _run_command(row: RunRow, count: int) -> str:
    """The command that starts what the run lacks."""
    settings = RunSettings.from_json(row.settings)
    options = {"--source": settings.source, "--image-url": settings.image_url, "--breed": settings.breed}
    return " ".join(
        [
            f"run --run-id {row.run_id} --count {count}",
            *(f"{name} {shlex.quote(value)}" for name, value in options.items() if value and value != "dog-ceo"),
            *_limits(settings, RunSettings()),
        ]
    )


def _ingest_command(row: RunRow) -> str:
    """The command that continues an ingest through the workflow."""
    request = IngestRequest.from_json(row.settings)
    options = {"--count": request.count, "--delimiter": request.delimiter}
    return " ".join(
        [
            f"ingest {shlex.quote(str(request.source))} --workflow --run-id {row.run_id}",
            f"--dataset {shlex.quote(str(request.dataset))}",
            *(f"{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None),
        ]
    )


def _limits(settings: RunSettings, default: RunSettings) -> Iterator[str]:
    repeated: dict[str, tuple[str, ...]] = {
        "--allow-origin": settings.allow_origins,
        "--allow-metadata-address": settings.metadata_addresses,
    }
    yield from (f"{name} {shlex.quote(value)}" for name, values in repeated.items() for value in values)
    if settings.workflow_file is not None:
        yield f"--workflow-file {shlex.quote(settings.workflow_file)}"
    for name, field in (("--timeout", "timeout_seconds"), ("--max-bytes", "max_bytes"), ("--max-pixels", "max_pixels")):
        value: Any = getattr(settings, field)
        if value != getattr(default, field):
            yield f"{name} {value}"
