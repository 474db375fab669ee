"""The run that a command means: an unfinished one to resume, or a new one."""

from dataclasses import dataclass, fields, replace

from pupline.bulk._request import IngestRequest
from pupline.bulk._source_rules import checked_dataset, checked_source
from pupline.errors import ConfigurationError
from pupline.local import IngestRow, Ingests, NewIngest, RunKind, check_run_kind
from pupline.sources import ImageSource, resolve
from pupline.tasks.run_ids import new_run_id
from pupline.text import printable

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
)


@dataclass(frozen=True, slots=True)
class SelectedRun:
    """A run to work on. request: completed by what the run was started with. resumed: the run existed."""

    row: IngestRow
    request: IngestRequest
    source: ImageSource
    resumed: bool


def select_run(ingests: Ingests, request: IngestRequest) -> SelectedRun:
    """The run that the command means, created if need be.

    Raises: ConfigurationError where there is none to resume, where the ID is that of another kind of run, or where the
    source does not allow the request; StorageError.
    """
    if request.run_id is not None:
        check_run_kind(ingests.database, request.run_id, RunKind.BULK_INGEST)
    named = _resumable(ingests, request) if request.resume else _named(ingests, request)
    if named is not None:
        return _resume(ingests, named, request)
    new = request
    if request.retry_failed:
        failed = ingests.get(request.retry_failed)
        saved = IngestRequest.from_json(failed.settings)
        adjusted = _adjusted(saved, request)
        settings = {name: getattr(adjusted, name) for name in _ADJUSTABLE}
        new = replace(request, source=request.source or saved.source, dataset=failed.dataset, **settings)
    source = checked_source(new)
    dataset = checked_dataset(new.dataset or source.dataset)
    new = replace(new, dataset=dataset, resume=False)
    if request.run_id is None:
        unfinished = ingests.unfinished(dataset)
        if unfinished is not None and IngestRequest.from_json(unfinished.settings).is_same_command(new):
            return _resume(ingests, unfinished, request)
    new = replace(new, run_id=new.run_id or new_run_id())
    row = ingests.open(NewIngest(run_id=str(new.run_id), dataset=dataset, source=source.name, settings=new.as_json()))
    return SelectedRun(_with_failed_items(ingests, row, new), new, source, False)


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
    """The run that --resume means: the newest that did not succeed, as one stopped by its tolerance has items left."""
    if request.run_id is not None:
        return ingests.get(request.run_id)
    dataset = request.dataset or (resolve(request.source).dataset if request.source else None)
    unsuccessful = [row for row in ingests.all(dataset) if row.status != "SUCCEEDED"]
    if not unsuccessful:
        which = f"of the dataset '{printable(dataset)}' " if dataset else ""
        raise ConfigurationError(f"no ingest {which}is unfinished here; start one with: pupline ingest SOURCE")
    return unsuccessful[-1]


def _resume(ingests: Ingests, row: IngestRow, request: IngestRequest) -> SelectedRun:
    merged = replace(_adjusted(IngestRequest.from_json(row.settings), request), run_id=row.run_id)
    source = checked_source(merged)
    if row.status == "FAILED":
        row = ingests.reopen(row.ingest_id)
    return SelectedRun(_with_failed_items(ingests, row, merged), merged, source, True)


def _adjusted(saved: IngestRequest, request: IngestRequest) -> IngestRequest:
    """The saved request, with the adjustable fields that the new one sets."""
    defaults = {field.name: field.default for field in fields(IngestRequest)}
    changed = {name: getattr(request, name) for name in _ADJUSTABLE if getattr(request, name) != defaults[name]}
    return replace(saved, **changed)


def _with_failed_items(ingests: Ingests, row: IngestRow, request: IngestRequest) -> IngestRow:
    """The run with the items of --retry-failed, if it is such a run and does not have them yet."""
    if request.retry_failed is None or row.listed:
        return row
    ingests.add_failed_of(row.ingest_id, ingests.get(request.retry_failed))
    return ingests.get(row.run_id)
