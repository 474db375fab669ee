"""Joins the bulk runs of several data directories: what one machine would have made of all of them.

Each image that a run stored is stored again here, by the committer of an ingest, from the other directory's file
instead of a response: so the same bytes are there once, and a name that other bytes have gives way by the same rule.
Its audit record is kept but for what that decides. Then the run's files are written, as at the end of an ingest.

A kill at any instant leaves runs that are being merged; the same command continues item by item. The other directories
are only read.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from pupline.bulk._merge_items import ItemFiles, ItemReplay
from pupline.bulk._outputs import OutputOptions, write_outputs
from pupline.bulk._request import IngestRequest
from pupline.bulk._run_stats import RunStats
from pupline.bulk._summary import written_summary
from pupline.errors import ConfigurationError
from pupline.local import (
    ForeignRun,
    GroupCommitter,
    LocalBackend,
    RunKind,
    adopt,
    alerts_into,
    check_run_kind,
    foreign_runs,
    quality_into,
)
from pupline.sources import left_out_of
from pupline.text import plural, printable

Progress: TypeAlias = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class MergeReport:
    """What was merged. runs: merged now, by name; known: were here before. images: stored now, of which `linked` share
    the file of the other directory, and the others were copied. duplicates: images whose bytes were here.

    lost: images whose file is missing or changed over there. notes: what was left out, for people.
    """

    runs: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    items: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    linked: int = 0
    copied: int = 0
    lost: int = 0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "runs": self.runs,
            "known": self.known,
            "items": self.items,
            "outcomes": dict(self.outcomes),
            "linked": self.linked,
            "copied": self.copied,
            "lost": self.lost,
            "notes": self.notes,
        }


def merge(
    data_dir: Path,
    others: Sequence[Path],
    *,
    copy: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> MergeReport:
    """Merge the bulk runs of `others` into `data_dir`, which is created if it is missing.

    copy: never share files. progress: called with what is counted, how many are merged, and of how many.
    Raises: ConfigurationError before anything is merged, for runs that are unfinished or have the name of another;
    StorageError.
    """
    _check_places(data_dir, others)
    with ExitStack() as stack:
        sources = [stack.enter_context(LocalBackend.open(other, exclusive=False)) for other in others]
        runs = _checked_runs(sources)
        backend = stack.enter_context(LocalBackend.open(data_dir, exclusive=True))
        report = MergeReport(notes=[note for source in sources for note in _left_out(source)])
        runs = _kept(backend, runs, report)
        _check_names(backend, runs)
        for run, source in runs:
            _merge_run(backend, source, run, ItemFiles(backend, run, report, copy=copy), progress)
        for source in sources:
            quality_into(backend.database, source.database)
    return report


def _check_places(data_dir: Path, others: Sequence[Path]) -> None:
    seen = {data_dir.resolve(): "the data directory that is merged into"}
    for other in others:
        if not other.is_dir():
            raise ConfigurationError(f"there is no data directory {printable(str(other))}")
        if before := seen.get(other.resolve()):
            raise ConfigurationError(f"{printable(str(other))} is {before}; name each directory once")
        seen[other.resolve()] = "named twice"


def _checked_runs(sources: Sequence[LocalBackend]) -> list[tuple[ForeignRun, LocalBackend]]:
    """All runs, in the order in which they began. Raises: ConfigurationError."""
    runs = [
        (run, source) for source in sources for run in foreign_runs(source.data_dir, source.database, source.bucket())
    ]
    for run, _ in runs:
        if run.is_unfinished:
            where = printable(str(run.folder))
            raise ConfigurationError(
                f"{where}: the run '{run.run_id}' is unfinished; finish it with: pupline resume --run {run.run_id}"
                f" --data {where}, or end it with: pupline stop {run.run_id} --data {where}"
            )
    runs.sort(key=lambda pair: (pair[0].values["created_at"], pair[0].run_id))
    by_name: dict[str, ForeignRun] = {}
    for run, _ in runs:
        other = by_name.setdefault(run.run_id, run)
        if other is not run and not run.is_same_run(other.values):
            raise _clash(run, str(other.folder))
    return runs


def _kept(
    backend: LocalBackend, runs: list[tuple[ForeignRun, LocalBackend]], report: MergeReport
) -> list[tuple[ForeignRun, LocalBackend]]:
    """The runs without those that were discarded here, which the report notes."""
    discarded = {run_id for (run_id,) in backend.database.rows("SELECT run_id FROM discarded_runs")}
    names = dict.fromkeys(run.run_id for run, _ in runs if run.run_id in discarded)
    report.notes += [f"the run '{name}' was discarded here, and is left out" for name in names]
    return [pair for pair in runs if pair[0].run_id not in discarded]


def _check_names(backend: LocalBackend, runs: Sequence[tuple[ForeignRun, LocalBackend]]) -> None:
    """Raises: ConfigurationError where the name of a run is another's here."""
    own = {run.run_id: run for run in foreign_runs(backend.data_dir, backend.database, backend.bucket())}
    for run, _ in runs:
        check_run_kind(backend.database, run.run_id, RunKind.BULK_INGEST)
        if run.run_id in own and not run.is_same_run(own[run.run_id].values):
            raise _clash(run, str(backend.data_dir))


def _clash(run: ForeignRun, where: str) -> ConfigurationError:
    return ConfigurationError(
        f"{printable(str(run.folder))} and {printable(where)} have different runs with the name '{run.run_id}', and"
        " records and files are named after it; give each machine another --run-id, or --shard, which does that"
    )


def _left_out(source: LocalBackend) -> list[str]:
    """What of the directory is not merged."""
    (executions,) = source.database.rows("SELECT count(*) FROM executions")[0]
    if not executions:
        return []
    where = printable(str(source.data_dir))
    return [f"{where}: {plural(executions, 'execution')} of the workflow stay there; only bulk ingests are merged"]


def _merge_run(
    backend: LocalBackend,
    source: LocalBackend,
    run: ForeignRun,
    files: "ItemFiles",
    progress: Progress,
) -> None:
    report = files.report
    adoption = adopt(backend.database, run)
    if adoption.is_whole:
        report.known.append(run.run_id)
        return
    replay = ItemReplay(str(run.values["dataset"]), report.outcomes)
    row = backend.ingests.get(run.run_id)
    committer = GroupCommitter(backend.ingests, row, replay.record, replay.done)
    try:
        merged = 0
        for page in run.ended_items():
            missing = adoption.missing([item.index for item in page])
            committer.take([replay.arrival(item, files.of(item)) for item in page if item.index in missing])
            merged += len(page)
            progress(f"images of {run.run_id}", merged, run.values["items"])
        report.items += merged
    finally:
        committer.close()
    alerts_into(backend.database, run)
    _write_files(backend, source, run)
    adoption.end()
    report.runs.append(run.run_id)


def _write_files(backend: LocalBackend, source: LocalBackend, run: ForeignRun) -> None:
    """The run's manifest, metadata and the rest, with the figures that only its own end knew."""
    request = IngestRequest.from_json(backend.ingests.get(run.run_id).settings)
    summary = written_summary(source, str(run.values["dataset"]), run.run_id) or {}
    stats = RunStats(
        status="ABORTED" if run.values["stopped_at"] is not None else str(run.values["status"]),
        error=run.values["error"],
        cause=run.values["cause"],
        ended_at=_seconds(summary.get("ended_at")) or run.values["ended_at"],
        trouble=summary.get("trouble"),
        left_out=left_out_of(run.values["position"]),
        finished=summary.get("finished") or 0,
        seconds=summary.get("seconds") or 0.0,
        cpu_seconds=summary.get("cpu_seconds") or 0.0,
    )
    options = OutputOptions(shard_size=request.shard_size, sidecars=request.sidecars)
    write_outputs(backend, run.run_id, stats, options)


def _seconds(text: object) -> float | None:
    """RFC 3339 text in a summary as seconds since the epoch; None for anything else."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
