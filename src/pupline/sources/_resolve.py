"""The source that a user names: a preset, a spec file, an API's base URL, an image's URL, or a list of URLs."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Url
from pupline.sources._image_url import api_or_image, image_source, is_image
from pupline.sources._listing import Listing
from pupline.sources._source import ImageSource, Opening, slug_of
from pupline.sources.lists import LIST_FILE, is_list_file, is_piped, list_source
from pupline.specs import RandomImages, SourceSpec, compatible_api, presets, resolve_spec, split_params
from pupline.text import printable


def resolve(value: str) -> ImageSource:
    """The source that `value` names. The user trusts what the user names: the origin of a base URL or of a spec's.

    value: what `resolve_spec` takes; the URL of an image; or a list of URLs (`dogs.txt`, `dogs.csv#column`, .jsonl,
    .parquet, `s3://bucket/key`). Raises: ConfigurationError.
    """
    if "://" in value.partition("?")[0] and not value.startswith("s3://"):
        return _at_url(value)
    if value.startswith("s3://") or LIST_FILE.fullmatch(value):
        return list_source(value)
    name, params = split_params(value)
    if name not in presets() and not name.endswith(".toml"):
        if is_list_file(value):
            return list_source(value)
        if is_piped(name):
            raise ConfigurationError(
                f"source {printable(value)!r}: standard input and pipes are read by pupline ingest and pupline "
                "sources test"
            )
        if name and Path(name).is_dir():
            raise ConfigurationError(f"source {printable(value)!r}: it is a directory; name a file in it")
    spec = resolve_spec(value)
    # Other params name other images: they are another dataset.
    return replace(source_of(spec), dataset=slug_of("-".join([spec.name, *params.values()])))


def anchored(value: str) -> str:
    """`value`, with a local file's path made absolute: it names the same source from any directory."""
    if "://" in value.partition("?")[0] or not value or is_piped(value):
        return value
    name, _ = split_params(value)
    if name in presets() or not (name.endswith(".toml") or LIST_FILE.fullmatch(value) or is_list_file(value)):
        return value
    file = name if name.endswith(".toml") else value
    try:
        return f"{Path(file).absolute()}{value[len(file) :]}"
    except FileNotFoundError:  # from a directory that was removed
        return value


def lost_list(value: str, name: str, dataset: str, reason: str) -> ImageSource | None:
    """The source of a list whose file is not there: of items that a run has. None where `value` names another kind.

    name, dataset: of the run. Opening it raises ConfigurationError with the reason.
    """
    if "://" in value.partition("?")[0] or split_params(value)[0].endswith(".toml"):
        return None
    if split_params(value)[0] in presets():
        return None

    def opener(_opening: Opening) -> Listing:
        raise ConfigurationError(reason)

    return ImageSource(name=name, dataset=dataset, opener=opener)


def source_of(spec: SourceSpec) -> ImageSource:
    """The source of a spec."""
    from pupline.sources.api import ApiListing  # not for a list of URLs, which should begin at once

    return ImageSource(
        name=spec.name,
        dataset=slug_of(spec.name),
        opener=partial(ApiListing, spec),
        base=spec.base_url.origin,
        trusted=spec.trusted,
        image_origins=frozenset(spec.image_origins),
        limits=spec.limits,
        terms=spec.terms,
        picker=(lambda client, contact: RandomImages(client, spec, contact)) if spec.has_random_image else None,
        has_breeds=spec.random.breed_path is not None,
        breed_lister=(lambda breeds: source_of(_of_breeds(spec, breeds))) if _lists_breeds(spec) else None,
        contact_required=spec.contact_required,
        sample=spec.sample,
    )


def _lists_breeds(spec: SourceSpec) -> bool:
    """Whether the ids that it lists are breeds."""
    return spec.random.breed_path is not None and spec.paginator.type == "ids_then_detail"


def _of_breeds(spec: SourceSpec, breeds: tuple[str, ...]) -> SourceSpec:
    return replace(spec, paginator=replace(spec.paginator, settings={**spec.paginator.settings, "only": breeds}))


def _at_url(value: str) -> ImageSource:
    """An image, or an API; where that cannot be known yet, both."""
    with suppress(InvalidUrl):  # reported below, with its reason
        url = Url.parse(value)
        if is_image(url) or url.query:
            return image_source(url)
    spec = compatible_api(value)
    url = spec.base_url
    if LIST_FILE.fullmatch(url.path.rpartition("/")[2]):
        raise ConfigurationError(
            f"source {printable(value)}: lists are read from files; download it, then name the file"
        )
    port = "" if value.count(":") < 2 else f"-{url.origin.port}"
    return replace(
        api_or_image(Url.parse(value), source_of(spec)), dataset=slug_of(f"{url.origin.host}{port}-{url.path}")
    )
