"""The runs of a stack, from its executions and from the summary.json of each bulk ingest."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pupline.backends.stack._executions import Description, Executions, parsed
from pupline.tasks.ports import DatasetSummary, RunSummary

Summary = Mapping[str, Any]


@dataclass(slots=True)
class _Found:
    """The executions of one run. newest: the first that ListExecutions gives."""

    newest: Description
    statuses: Counter[str] = field(default_factory=Counter)
    began_at: float = 0.0
    ended_at: float = 0.0


def stack_runs(
    executions: Executions, summaries: Sequence[Summary], options: str, dataset: str | None, run: str | None
) -> Iterator[RunSummary]:
    """The runs, newest first. summaries: of the dataset, if one is given. options: that name the stack."""
    by_run = {str(summary["run"]): summary for summary in summaries}
    found: dict[tuple[bool, str], _Found] = {}
    for row in executions.listed(run=run):
        name = executions.run_of(row)
        if name is None:
            continue
        one = found.setdefault((executions.is_bulk(row), name), _Found(row))
        one.statuses[row["status"]] += 1
        one.began_at = row["startDate"].timestamp()
        one.ended_at = max(one.ended_at, row["stopDate"].timestamp() if row.get("stopDate") else 0.0)
    runs = [
        _of_bulk(name, one, by_run.pop(name, None), executions, options) if bulk else _of_run(name, one, options)
        for (bulk, name), one in found.items()
    ]
    runs += [_of_summary(summary) for name, summary in by_run.items() if run in {None, name}]
    runs.sort(key=lambda one: one.began_at, reverse=True)
    return (one for one in runs if dataset in {None, one.dataset})


def datasets_of(summaries: Iterable[Summary]) -> Iterator[DatasetSummary]:
    """The datasets with figures added up over their runs: an image that two runs stored counts twice."""
    of_dataset: dict[str, list[Summary]] = {}
    for summary in summaries:
        of_dataset.setdefault(str(summary["dataset"]), []).append(summary)
    for dataset, runs in sorted(of_dataset.items()):
        yield DatasetSummary(
            dataset=dataset,
            images=sum(int(one.get("outcomes", {}).get("stored", 0)) for one in runs),
            bytes=sum(int(one.get("bytes_stored") or 0) for one in runs),
            runs=len(runs),
            unfinished=sum(one.get("status") == "RUNNING" for one in runs),
            latest_at=max(_seconds(one.get("began_at")) or 0.0 for one in runs),
        )


def _of_run(name: str, found: _Found, options: str) -> RunSummary:
    total, running = found.statuses.total(), found.statuses["RUNNING"]
    bad = total - running - found.statuses["SUCCEEDED"]
    return RunSummary(
        run=name,
        kind="run",
        dataset=None,
        source=None,
        status="RUNNING" if running else "FAILED" if bad else "SUCCEEDED",
        reason=f"{bad:,} of {total:,} executions did not succeed" if bad else None,
        listed=total,
        done=total - running,
        outcomes=None,
        began_at=found.began_at,
        ended_at=None if running else found.ended_at or None,
        next_step=f"redrive --failed --run {name}{options}" if bad and not running else None,
    )


def _of_bulk(name: str, found: _Found, summary: Summary | None, executions: Executions, options: str) -> RunSummary:
    status, known = str(found.newest["status"]), summary or {}
    described = executions.describe(found.newest["executionArn"])
    given = parsed(described.get("input")) or {}
    dataset, source = given.get("dataset"), given.get("source")
    reason = ": ".join(str(described[part]) for part in ("error", "cause") if described.get(part)) or None
    next_step = None
    if status != "SUCCEEDED" and dataset and source:
        names = f"--run-id {name} --dataset {shlex.quote(str(dataset))}{options}"
        next_step = f"ingest {shlex.quote(str(source))} --workflow {names}"
    return RunSummary(
        run=name,
        kind="ingest --workflow",
        dataset=dataset,
        source=source,
        status=status,
        reason=reason or known.get("trouble"),
        listed=int(given.get("items") or 0),
        done=int(known.get("done") or 0),
        outcomes=known.get("outcomes"),
        began_at=found.began_at,
        ended_at=None if status == "RUNNING" else found.ended_at or None,
        next_step=next_step,
    )


def _of_summary(summary: Summary) -> RunSummary:
    """A run whose executions AWS has deleted, after 90 days."""
    return RunSummary(
        run=str(summary["run"]),
        kind="ingest --workflow",
        dataset=str(summary["dataset"]),
        source=summary.get("source"),
        status=str(summary.get("status")),
        reason=summary.get("trouble") or summary.get("error"),
        listed=int(summary.get("listed") or 0),
        done=int(summary.get("done") or 0),
        outcomes=summary.get("outcomes"),
        began_at=_seconds(summary.get("began_at")) or 0.0,
        ended_at=_seconds(summary.get("ended_at")),
        next_step=None,
    )


def _seconds(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
