"""What a source allows, and the fetching rules that follow from it: for ingests with and without the state machine."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pupline.bulk._hosts import HostLimits
from pupline.bulk._request import IngestRequest
from pupline.errors import BlockedAddress, ConfigurationError
from pupline.http import FetchPolicy, Origin
from pupline.images import safe_name
from pupline.local import LocalBackend
from pupline.sources import ImageSource, Reader, is_piped, keep_piped, resolve
from pupline.text import printable

POLITE_CONCURRENCY = 8
"""Requests in flight at a host that the user did not name: about what one browser makes."""

_Limit = TypeVar("_Limit", int, float)


def save_piped_list(request: IngestRequest, data_dir: Path) -> IngestRequest:
    """The request, with a list that comes through a pipe as a file of the data directory: a pipe is read once.

    Raises: ConfigurationError; StorageError.
    """
    if request.source is None or not is_piped(request.source):
        return request
    return replace(request, source=keep_piped(request.source, data_dir / "lists", data_dir / "tmp"))


def named_source(request: IngestRequest) -> ImageSource:
    """The source that the request names, or some of its breeds. Raises: ConfigurationError."""
    return resolve(str(request.source)).only_breeds(request.breeds)


def checked_source(request: IngestRequest) -> ImageSource:
    """The source, where its terms allow the request. Raises: ConfigurationError."""
    source = named_source(request)
    if source.terms.bulk == "no":
        where = f"; see {source.terms.url}" if source.terms.url else ""
        raise ConfigurationError(
            f"{source.name} does not allow bulk use: {source.terms.note or 'its terms forbid it'}{where}; "
            f"single images: pupline run --source {source.name}"
        )
    if source.contact_required and not request.contact:
        raise ConfigurationError(
            f"{source.name} requires a contact: give --contact with an e-mail address or a URL; it is sent in the "
            "User-Agent"
        )
    return source


def checked_dataset(name: str) -> str:
    """A dataset's name that can be part of every path. Raises: ConfigurationError."""
    if safe_name(name) != name or len(name) > 100 or "=" in name:
        raise ConfigurationError(
            f"--dataset {printable(name)!r} cannot be a folder's name everywhere; use letters, digits and hyphens, at "
            "most 100 characters"
        )
    return name


def fetch_policy(source: ImageSource, request: IngestRequest, stack: ExitStack) -> FetchPolicy:
    """The fetching rules of a run. A sample server, if one is needed, lives in `stack`. Raises: ConfigurationError."""
    port = None
    if source.sample:
        from pupline.samples import SampleServer

        port = stack.enter_context(SampleServer(hostile=source.sample == "hostile")).port
    policy = source.policy(
        allow_origins=request.allow_origins,
        timeout_seconds=request.timeout_seconds,
        max_bytes=request.max_bytes,
        sample_port=port,
        contact=request.contact,
        metadata_addresses=request.metadata_addresses,
    )
    return replace(policy, proxy=request.proxy)


def host_limits(source: ImageSource, policy: FetchPolicy, request: IngestRequest, origin: Origin) -> HostLimits:
    """The limits of one host: its source's, and the user's where those are stricter."""
    own = origin == source.base
    limits = source.limits
    polite = None if origin in policy.trusted else POLITE_CONCURRENCY
    return HostLimits(
        concurrency=_least(limits.concurrency if own else limits.image_concurrency, request.host_concurrency or polite),
        rate=_least(request.rate, limits.rps if own else limits.image_rps),
        per_hour=limits.per_hour if own else None,
        heed_robots=request.heed_robots,
    )


def origin_refusal(source: ImageSource, policy: FetchPolicy, origin: Origin) -> BlockedAddress | None:
    """Why images of this origin are not fetched, if so."""
    try:
        source.check_image_origin(origin, policy)
    except BlockedAddress as refusal:
        return refusal
    return None


def stored_list_reader(backend: LocalBackend) -> Reader:
    """Reads lists that pupline stored in this machine's buckets: `s3://bucket/key`."""

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


def _least(*limits: _Limit | None) -> _Limit | None:
    return min((limit for limit in limits if limit is not None), default=None)
