"""Which run a command means: one to go on with, or a new one. And from which source, within which bounds."""

from dataclasses import dataclass, fields, replace
from typing import Any

from pupline.bulk._request import IngestRequest
from pupline.bulk._source_rules import checked_dataset, checked_source
from pupline.errors import ConfigurationError
from pupline.local import IngestRow, Ingests, NewIngest
from pupline.sources import ImageSource, resolve
from pupline.tasks.run_ids import new_run_id
from pupline.text import printable

# How a run is worked on, not what it is: a command that goes on with it may say these anew.
_MANNERS = (
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
    """A run to be worked on. request: with what the run was begun with filled in. resumed: it was there."""

    row: IngestRow
    request: IngestRequest
    source: ImageSource
    resumed: bool


def select_run(ingests: Ingests, request: IngestRequest) -> SelectedRun:
    """The run that the command means, made if need be.

    Raises: ConfigurationError where there is none to go on with, or the source does not allow what is asked;
    StorageError.
    """
    kept = _kept(ingests, request)
    if kept is not None:
        return _resumed(ingests, kept, request)
    asked = _with_facts_of_failed(ingests, request) if request.retry_failed else request
    source = checked_source(asked)
    asked = replace(asked, dataset=checked_dataset(asked.dataset or source.dataset), resume=False)
    if request.run_id is None:
        unfinished = ingests.unfinished(str(asked.dataset))
        if unfinished is not None and IngestRequest.from_json(unfinished.settings).is_same_command(asked):
            return _resumed(ingests, unfinished, request)
    return _begun(ingests, asked, source)


def _kept(ingests: Ingests, request: IngestRequest) -> IngestRow | None:
    """The run that is named, or meant by --resume; None where a new one may be made."""
    if request.resume:
        return _to_resume(ingests, request)
    found = ingests.find(request.run_id) if request.run_id else None
    if found is not None and request.source is not None:
        dataset = request.dataset or found.dataset
        if not IngestRequest.from_json(found.settings).is_same_command(replace(request, dataset=dataset)):
            raise ConfigurationError(
                f"the run '{found.run_id}' was begun with another source, dataset or count; repeat it with the same "
                "ones, or give another --run-id"
            )
    return found


def _to_resume(ingests: Ingests, request: IngestRequest) -> IngestRow:
    if request.run_id is not None:
        return ingests.get(request.run_id)
    dataset = request.dataset or (resolve(request.source).dataset if request.source else None)
    found: IngestRow | None = None
    for row in ingests.all(dataset):
        # Of those that did not succeed the newest; one that was stopped by its tolerance has items left too.
        found = row if row.status != "SUCCEEDED" else found
    if found is None:
        which = f"of the dataset '{printable(dataset)}' " if dataset else ""
        raise ConfigurationError(f"no ingest {which}is unfinished here; begin one with: pupline ingest SOURCE")
    return found


def _resumed(ingests: Ingests, row: IngestRow, request: IngestRequest) -> SelectedRun:
    kept = IngestRequest.from_json(row.settings)
    merged = replace(_with_manners(kept, request), run_id=row.run_id)
    source = checked_source(merged)
    if row.status == "FAILED":
        row = ingests.reopen(row.ingest_id)
    return SelectedRun(_with_failed(ingests, row, merged), merged, source, True)


def _with_manners(kept: IngestRequest, said: IngestRequest) -> IngestRequest:
    """What was kept, worked on as the command says, where it says anything."""
    defaults = {field.name: field.default for field in fields(IngestRequest)}
    changed = {name: getattr(said, name) for name in _MANNERS if getattr(said, name) != defaults[name]}
    return replace(kept, **changed)


def _with_facts_of_failed(ingests: Ingests, request: IngestRequest) -> IngestRequest:
    """The request to retry what failed, with the source, the dataset and the manners of that run filled in."""
    failed = ingests.get(str(request.retry_failed))
    kept = IngestRequest.from_json(failed.settings)
    manners: dict[str, Any] = {name: getattr(_with_manners(kept, request), name) for name in _MANNERS}
    return replace(request, source=request.source or kept.source, dataset=failed.dataset, **manners)


def _begun(ingests: Ingests, asked: IngestRequest, source: ImageSource) -> SelectedRun:
    run_id = asked.run_id or new_run_id()
    new = NewIngest(
        run_id=run_id, dataset=str(asked.dataset), source=source.name, settings={**asked.as_json(), "run_id": run_id}
    )
    return SelectedRun(_with_failed(ingests, ingests.open(new), asked), replace(asked, run_id=run_id), source, False)


def _with_failed(ingests: Ingests, row: IngestRow, request: IngestRequest) -> IngestRow:
    """The run with the items that --retry-failed is about, if it is such a run and does not have them yet."""
    if request.retry_failed is None or row.listed:
        return row
    ingests.add_failed_of(row.ingest_id, ingests.get(request.retry_failed))
    return ingests.get(row.run_id)
