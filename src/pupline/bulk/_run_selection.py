"""The run that a command means: an unfinished one to resume, or a new one."""

import re
from dataclasses import dataclass, fields, replace

from pupline.bulk._alert_rules import with_alert_rules
from pupline.bulk._request import IngestRequest
from pupline.bulk._source_rules import checked_dataset, checked_source, named_source
from pupline.errors import ConfigurationError, Reason
from pupline.local import (
    BUCKET,
    MERGING,
    IngestRow,
    Ingests,
    LocalBackend,
    NewIngest,
    RunKind,
    check_run_kind,
    kind_of_settings,
)
from pupline.sources import ImageSource, is_list_file, lost_list, resolve
from pupline.tasks.layout import failures_key
from pupline.tasks.run_ids import new_run_id
from pupline.text import nearest, printable

# How a run is worked on, not what it is: a command that resumes it may change these.
_ADJUSTABLE = (
    "allow_origins",
    "concurrency",
    "contact",
    "heed_robots",
    "host_concurrency",
    "max_bytes",
    "max_pixels",
    "metadata_addresses",
    "proxy",
    "rate",
    "timeout_seconds",
    "tolerate",
    "workers",
    "workflow_file",
)


_ADDED_UP = ("allow_origins", "metadata_addresses")
"""Of these: what is allowed in addition to what the run allows."""

_KEPT_LIST = re.compile(r"/lists/[0-9a-f]{16}/[^/]+\Z")
"""The end of the path of a list that came through a pipe, in its data directory."""


@dataclass(frozen=True, slots=True)
class SelectedRun:
    """A run to work on. request: completed by what the run was started with. resumed: the run existed.

    has_no_source: the command names none, so that a list that is not there any more is needed for new items alone.
    """

    row: IngestRow
    request: IngestRequest
    source: ImageSource
    resumed: bool
    has_no_source: bool = False


def select_run(backend: LocalBackend, request: IngestRequest) -> SelectedRun:
    """The run that the command means, created if need be.

    Raises: ConfigurationError where there is none to resume, where the ID is that of another kind of run, or where the
    source does not allow the request; StorageError.
    """
    ingests, request = backend.ingests, _with_shard(request.anchored())
    if request.run_id is not None:
        check_run_kind(ingests.database, request.run_id, RunKind.BULK_INGEST)
    named = _resumable(ingests, request) if request.resume else _named(ingests, request)
    if named is not None:
        return _resume(backend, named, request)
    new = request
    failed = _failed_run(backend, request.retry_failed) if request.retry_failed else None
    if failed is not None:
        new = _retry_of(backend, failed, request)
    source = _source_of(new, None if request.source else failed)
    dataset = checked_dataset(new.dataset or source.dataset)
    new = replace(new, dataset=dataset, resume=False)
    if request.run_id is None:
        unfinished = _unfinished(ingests, dataset, new)
        if unfinished is not None and IngestRequest.from_json(unfinished.settings).is_same_command(new):
            return _resume(backend, unfinished, request)
    new = _with_shard(replace(with_alert_rules(new), run_id=new.run_id or new_run_id()))
    row = ingests.open(NewIngest(run_id=str(new.run_id), dataset=dataset, source=source.name, settings=new.as_json()))
    return SelectedRun(_with_failed_items(ingests, row, new), new, source, False)


def _with_shard(request: IngestRequest) -> IngestRequest:
    """The request with the shard in its canonical form and, if the run has a name, in that."""
    shard = request.own_shard
    if shard is None:
        return request
    return replace(request, shard=str(shard), run_id=shard.run_id(request.run_id) if request.run_id else None)


def _unfinished(ingests: Ingests, dataset: str, request: IngestRequest) -> IngestRow | None:
    """The newest RUNNING run of the dataset; with a shard, of that shard."""
    if request.shard is None:
        return ingests.unfinished(dataset)
    running = [row for row in ingests.all(dataset) if row.status == "RUNNING"]
    return next((row for row in reversed(running) if row.settings.get("shard") == request.shard), None)


def _failed_run(backend: LocalBackend, run_id: str) -> IngestRow:
    """The run whose failed items are fetched again. Raises: ConfigurationError where there is no such bulk ingest."""
    row = backend.runs.find(run_id) if backend.ingests.find(run_id) is None else None
    if row is not None and kind_of_settings(row.settings) is RunKind.WORKFLOW_INGEST:
        dataset = str(row.settings["dataset"])
        raise ConfigurationError(
            f"the run '{run_id}' went through the workflow; what failed is fetched again with: pupline ingest"
            f" s3://{BUCKET}/{failures_key(dataset, run_id)} --dataset {dataset}"
        )
    return backend.ingests.get(run_id)


def _retry_of(backend: LocalBackend, failed: IngestRow, request: IngestRequest) -> IngestRequest:
    """The request with the settings of the run whose failed items it fetches again."""
    saved = IngestRequest.from_json(failed.settings)
    adjusted = _adjusted(saved, request)
    return replace(
        request,
        source=request.source or _found_again(str(saved.source), backend),
        dataset=failed.dataset,
        shard=request.shard or saved.shard,
        retry_reasons=_retry_reasons(saved, request),
        **{name: getattr(adjusted, name) for name in _ADJUSTABLE},
    )


def _retry_reasons(saved: IngestRequest, request: IngestRequest) -> tuple[Reason, ...]:
    """The reasons of refused and quarantined items that options of the new request may change."""
    adjusted = _adjusted(saved, request)
    changed: dict[Reason, bool] = {
        # A spec may say where its images are.
        "blocked_address": request.source is not None
        or any(set(getattr(request, name)) - set(getattr(saved, name)) for name in _ADDED_UP),
        "robots_disallowed": not request.heed_robots,
        "too_large": adjusted.max_bytes > saved.max_bytes,
        "too_many_pixels": adjusted.max_pixels > saved.max_pixels,
    }
    return tuple(reason for reason, is_changed in changed.items() if is_changed)


def _source_of(request: IngestRequest, row: IngestRow | None) -> ImageSource:
    """The source. Of an existing run whose list cannot be read any more, one that only opening would need.

    Raises: ConfigurationError.
    """
    try:
        return checked_source(request)
    except ConfigurationError as error:
        lost = lost_list(str(request.source), row.source, row.dataset, str(error)) if row else None
        if lost is None:
            raise
        return lost


def _moved_list(row: IngestRow, request: IngestRequest) -> str | None:
    """Where --resume finds the run's list, if the command names a file of the same name."""
    file = request.source if request.resume else None
    return file if file is not None and is_list_file(file) and resolve(file).name == row.source else None


def _found_again(source: str, backend: LocalBackend) -> str:
    """The saved source; a list kept in the data directory is found after that was moved."""
    found = _KEPT_LIST.search(source)
    here = f"{backend.data_dir}{found[0]}" if found else source
    return here if is_list_file(here) and not is_list_file(source) else source


def _named(ingests: Ingests, request: IngestRequest) -> IngestRow | None:
    """The run that the request names, if it exists. Raises: ConfigurationError where it is another command's."""
    found = ingests.find(request.run_id) if request.run_id else None
    if found is not None and request.source is not None:
        dataset = request.dataset or found.dataset
        if not IngestRequest.from_json(found.settings).is_same_command(replace(request, dataset=dataset)):
            raise ConfigurationError(
                f"the run '{found.run_id}' was started with another source, dataset or count; repeat it with the same "
                "ones, or give another --run-id"
            )
    return found


def _resumable(ingests: Ingests, request: IngestRequest) -> IngestRow:
    """The run that --resume means: the newest that did not succeed, as one stopped by its tolerance has items left.

    One that `pupline stop` ended has to be named.
    """
    if request.run_id is not None:
        return ingests.get(request.run_id)
    dataset = request.dataset or (named_source(request).dataset if request.source else None)
    unsuccessful = [row for row in ingests.all(dataset) if row.status not in {"SUCCEEDED", "ABORTED"}]
    if request.shard:
        unsuccessful = [row for row in unsuccessful if row.settings.get("shard") == request.shard]
    if not unsuccessful:
        datasets = {row.dataset for row in ingests.all()}
        if dataset and dataset not in datasets and (near := nearest(dataset, datasets)):
            raise ConfigurationError(f"there is no dataset '{printable(dataset)}'; did you mean '{printable(near)}'?")
        which = f"of the dataset '{printable(dataset)}' " if dataset else ""
        others = {row.dataset for row in ingests.all() if row.status not in {"SUCCEEDED", "ABORTED"}}
        there = f"; unfinished are those of: {', '.join(sorted(map(printable, others))[:20])}" if others else ""
        raise ConfigurationError(f"no ingest {which}is unfinished here; start one with: pupline ingest SOURCE{there}")
    return unsuccessful[-1]


def _resume(backend: LocalBackend, row: IngestRow, request: IngestRequest) -> SelectedRun:
    ingests, saved = backend.ingests, IngestRequest.from_json(row.settings)
    if row.status == "RUNNING" and row.cause == MERGING:
        raise ConfigurationError(f"the run '{row.run_id}' cannot be continued: {MERGING}")
    merged = replace(_adjusted(saved, request), run_id=row.run_id)
    if saved.alert_rules is None or merged.workflow_file != saved.workflow_file:
        merged = with_alert_rules(merged)
    where = _moved_list(row, request) or _found_again(str(saved.source), backend)
    source = _source_of(replace(merged, source=where), row)
    if row.status in {"FAILED", "ABORTED"}:
        row = ingests.reopen(row.ingest_id)
    row = _with_failed_items(ingests, row, merged)
    return SelectedRun(row, merged, source, resumed=True, has_no_source=request.source is None)


def _adjusted(saved: IngestRequest, request: IngestRequest) -> IngestRequest:
    """The saved request, with the adjustable fields that the new one sets."""
    defaults = {field.name: field.default for field in fields(IngestRequest)}
    changed = {
        name: getattr(request, name)
        for name in _ADJUSTABLE
        if name in request.given or getattr(request, name) != defaults[name]
    }
    for name in _ADDED_UP:
        changed[name] = tuple(dict.fromkeys((*getattr(saved, name), *getattr(request, name))))
    return replace(saved, **changed)


def _with_failed_items(ingests: Ingests, row: IngestRow, request: IngestRequest) -> IngestRow:
    """The run with the items of --retry-failed, if it is such a run and does not have them yet."""
    if request.retry_failed is None or row.listed:
        return row
    failed, shard = ingests.get(request.retry_failed), request.own_shard
    ingests.add_failed_of(row.ingest_id, failed, request.retry_reasons, shard.has if shard else None)
    return ingests.get(row.run_id)
