"""Which run a command means: one to go on with, or a new one. And from which source, within which bounds."""

from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pupline.bulk._hosts import HostLimits
from pupline.bulk._request import IngestRequest
from pupline.errors import BlockedAddress, ConfigurationError
from pupline.http import FetchPolicy, Origin
from pupline.images import safe_name
from pupline.local import IngestRow, Ingests, LocalBackend, NewIngest
from pupline.sources import ImageSource, Reader, is_piped, keep_piped, resolve
from pupline.tasks.run_ids import new_run_id
from pupline.text import printable

_Limit = TypeVar("_Limit", int, float)

PAGE_ACCEPT = "application/json, */*;q=0.1"
"""What list pages should be: APIs answer in JSON, and some in HTML unless they are asked for it."""

POLITE_CONCURRENCY = 8
"""Requests in flight at a host that the user did not name: about what one browser does."""

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
class BegunRun:
    """A run to be worked on. request: with what the run was begun with filled in. resumed: it was there."""

    row: IngestRow
    request: IngestRequest
    source: ImageSource
    resumed: bool


def begin(ingests: Ingests, request: IngestRequest) -> BegunRun:
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


def with_list_kept(request: IngestRequest, data_dir: Path) -> IngestRequest:
    """The request, with the list that comes through a pipe as a file of the data directory: it is read once only.

    Raises: ConfigurationError; StorageError.
    """
    if request.source is None or not is_piped(request.source):
        return request
    return replace(request, source=keep_piped(request.source, data_dir / "lists", data_dir / "tmp"))


def checked_source(request: IngestRequest) -> ImageSource:
    """The source, where its terms allow what is asked. Raises: ConfigurationError."""
    source = resolve(str(request.source))
    if source.terms.bulk == "no":
        where = f"; see {source.terms.url}" if source.terms.url else ""
        raise ConfigurationError(
            f"{source.name} is not for bulk use: {source.terms.note or 'its terms forbid it'}{where}; single images: "
            f"pupline run --source {source.name}"
        )
    if source.contact_required and not request.contact:
        raise ConfigurationError(
            f"{source.name} wants to know who asks: give --contact with an e-mail address or a URL; it is sent in the "
            "User-Agent"
        )
    return source


def checked_dataset(name: str) -> str:
    """A dataset's name, when it can be part of every path. Raises: ConfigurationError."""
    if safe_name(name) != name or len(name) > 100 or "=" in name:
        raise ConfigurationError(
            f"--dataset {printable(name)!r} cannot be a folder's name everywhere; use letters, digits and hyphens, at "
            "most 100 characters"
        )
    return name


def policy_of(source: ImageSource, request: IngestRequest, stack: ExitStack) -> FetchPolicy:
    """The fetching rules of a run; a sample server, if one is needed, lives in `stack`. Raises: ConfigurationError."""
    port = None
    if source.sample:
        from pupline.samples import SampleServer

        port = stack.enter_context(SampleServer(hostile=source.sample == "hostile")).port
    return source.policy(
        allow_origins=request.allow_origins,
        timeout_seconds=request.timeout_seconds,
        max_bytes=request.max_bytes,
        sample_port=port,
        contact=request.contact,
        metadata_addresses=request.metadata_addresses,
        proxy=request.proxy,
    )


def limits_of(source: ImageSource, policy: FetchPolicy, request: IngestRequest, origin: Origin) -> HostLimits:
    """What this host is to be spared: by its source's rules, and by the user's where those are stricter."""
    own = origin == source.base
    limits = source.limits
    polite = None if origin in policy.trusted else POLITE_CONCURRENCY
    return HostLimits(
        concurrency=_least(limits.concurrency if own else limits.image_concurrency, request.host_concurrency or polite),
        rate=_least(request.rate, limits.rps if own else limits.image_rps),
        per_hour=limits.per_hour if own else None,
        heed_robots=request.heed_robots,
    )


def why_refused(source: ImageSource, policy: FetchPolicy, origin: Origin) -> BlockedAddress | None:
    """Why images of this origin are not fetched, if so."""
    try:
        source.check_image_origin(origin, policy)
    except BlockedAddress as refusal:
        return refusal
    return None


def _least(*limits: _Limit | None) -> _Limit | None:
    return min((limit for limit in limits if limit is not None), default=None)


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


def _resumed(ingests: Ingests, row: IngestRow, request: IngestRequest) -> BegunRun:
    kept = IngestRequest.from_json(row.settings)
    merged = replace(_with_manners(kept, request), run_id=row.run_id)
    source = checked_source(merged)
    if row.status == "FAILED":
        row = ingests.reopen(row.ingest_id)
    return BegunRun(_with_failed(ingests, row, merged), merged, source, True)


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


def _begun(ingests: Ingests, asked: IngestRequest, source: ImageSource) -> BegunRun:
    run_id = asked.run_id or new_run_id()
    new = NewIngest(
        run_id=run_id, dataset=str(asked.dataset), source=source.name, settings={**asked.as_json(), "run_id": run_id}
    )
    return BegunRun(_with_failed(ingests, ingests.open(new), asked), replace(asked, run_id=run_id), source, False)


def _with_failed(ingests: Ingests, row: IngestRow, request: IngestRequest) -> IngestRow:
    """The run with the items that --retry-failed is about, if it is such a run and does not have them yet."""
    if request.retry_failed is None or row.listed:
        return row
    ingests.add_failed_of(row.ingest_id, ingests.get(request.retry_failed))
    return ingests.get(row.run_id)


def stored_list_reader(backend: LocalBackend) -> Reader:
    """Gets the objects of lists that pupline stored in this machine's buckets: `s3://bucket/key`."""

    def read(url: str) -> bytes:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            return backend.bucket(bucket).read(key)
        except KeyError as err:
            raise ConfigurationError(
                f"{printable(url)}: pupline has stored no such object in this data directory; any other list is named "
                "as a file, and one in S3 has to be downloaded first"
            ) from err

    return read
