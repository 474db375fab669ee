"""What the user means by SOURCE: a preset, a spec file, an API's base URL, or a list of URLs."""

import difflib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.files import read_input
from pupline.http import SAMPLE_ORIGIN, Url, base_url_of
from pupline.sources._api_listing import ApiListing
from pupline.sources._fields import did_you_mean
from pupline.sources._image_url import api_or_image, image_source, is_image
from pupline.sources._lists import LIST_FILE, is_list_file, list_source
from pupline.sources._piped import is_piped
from pupline.sources._read_spec import read_spec
from pupline.sources._source import ImageSource, Limits, Terms, slug_of
from pupline.sources._spec import SourceSpec
from pupline.text import printable

SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "sample": "Pictures drawn for pupline, served by itself; no internet.",
        "sample-hostile": "The same, with all the trouble that servers give.",
    }
)

_WITH_PARAMS = re.compile(r"(?P<name>[^?]+?)\?(?P<params>.*)", re.DOTALL)


def resolve(value: str) -> ImageSource:
    """The source that `value` names. What the user names is trusted: the origin of a base URL or of a spec's.

    value: a preset (`dog-ceo`), maybe with params (`openverse?q=dog`); a spec file (`my.toml`, `my.toml?q=dog`); the
    base URL of a Dog-CEO-compatible API; a list of URLs (`dogs.txt`, `dogs.csv#column`, .jsonl, .parquet,
    `s3://bucket/key`).
    Raises: ConfigurationError.
    """
    if "://" in value.partition("?")[0] and not value.startswith("s3://"):
        return _at_url(value)
    if value.startswith("s3://") or LIST_FILE.fullmatch(value):
        return list_source(value)
    name, params = _split(value)
    spec = spec_named(name)
    if spec is None:
        if is_list_file(value):
            return list_source(value)
        raise ConfigurationError(f"source {printable(value)!r}: {_advice(name)}")
    source = source_of(with_params(spec, params), name)
    # Another query names other images: they are another dataset.
    return replace(source, dataset=slug_of("-".join([spec.name, *params.values()])))


def presets() -> list[str]:
    """The names of all presets, samples last."""
    return [*sorted(_preset_files()), *SAMPLES]


def spec_named(name: str) -> SourceSpec | None:
    """The spec of a preset or file; None where there is no such preset. Raises: ConfigurationError."""
    if name in SAMPLES:
        return _like_dog_ceo(name, Url.parse(f"{SAMPLE_ORIGIN}/api"), SAMPLES[name])
    if name in _preset_files():
        return _preset(name)
    if name.endswith(".toml"):
        return read_spec(_file_bytes(name), printable(name))
    return None


def spec_text(name: str) -> str | None:
    """The TOML of a preset or file, as it is; None for a sample. Raises: ConfigurationError."""
    if name in SAMPLES:
        return None
    data = _preset_files()[name] if name in _preset_files() else _file_bytes(name)
    return data.decode("utf-8-sig")


def source_of(spec: SourceSpec, value: str) -> ImageSource:
    """The source of a spec. value: as the user named it; the API that a file names is trusted, a preset's is public."""
    sample = {"sample": "friendly", "sample-hostile": "hostile"}.get(value)
    trusted = frozenset() if value in _preset_files() or sample else frozenset({spec.base_url.origin})
    return ImageSource(
        name=spec.name,
        dataset=slug_of(spec.name),
        opener=lambda opening: ApiListing(spec, opening, trusted),
        base=spec.base_url.origin,
        trusted=trusted,
        image_origins=frozenset(spec.image_origins),
        limits=spec.limits,
        terms=spec.terms,
        picks=spec.paginator.type in ("repeat", "single_page"),
        contact_required=spec.contact_required,
        sample=sample,  # type: ignore[arg-type]
    )


def with_params(spec: SourceSpec, params: Mapping[str, str]) -> SourceSpec:
    """`spec` with some of its params given anew. Raises: ConfigurationError for one that it does not have."""
    for name in params:
        if name not in spec.params:
            known = f"it has {', '.join(spec.params)}" if spec.params else "it has none"
            near = did_you_mean(name, spec.params)
            raise ConfigurationError(f"{spec.name}: there is no param {printable(name, 40)!r}; {known}{near}")
    return replace(spec, params={**spec.params, **params}) if params else spec


def _split(value: str) -> tuple[str, dict[str, str]]:
    found = _WITH_PARAMS.fullmatch(value)
    if found is None:
        return value, {}
    try:
        return found["name"], dict(parse_qsl(found["params"], keep_blank_values=True, strict_parsing=True))
    except ValueError as err:
        raise ConfigurationError(
            f"source {printable(value)!r}: write params as {printable(found['name'])}?name=value&name=value"
        ) from err


def _at_url(value: str) -> ImageSource:
    """An image, or an API; where that cannot be told yet, both."""
    with suppress(InvalidUrl):  # said below, with its reason
        url = Url.parse(value)
        if is_image(url) or url.query:
            return image_source(url)
    url = base_url_of(value)
    return api_or_image(url, _compatible_api(url, value))


def _compatible_api(url: Url, value: str) -> ImageSource:
    if LIST_FILE.fullmatch(url.path.rpartition("/")[2]):
        raise ConfigurationError(
            f"source {printable(value)}: lists are read from files; download it, then name the file"
        )
    base = str(url).rstrip("/")
    source = source_of(_like_dog_ceo(base, Url.parse(base)), value)
    port = "" if value.count(":") < 2 else f"-{url.origin.port}"
    return replace(source, dataset=slug_of(f"{url.origin.host}{port}-{url.path}"))


def _like_dog_ceo(name: str, base_url: Url, title: str = "") -> SourceSpec:
    """An API that answers as Dog CEO does, with no limits but the user's: it is the user's own."""
    dog_ceo = _preset("dog-ceo")
    return replace(dog_ceo, name=name, title=title, base_url=base_url, image_origins=(), limits=Limits(), terms=Terms())


@cache
def _preset_files() -> Mapping[str, bytes]:
    found = (file for file in files("pupline.sources").joinpath("presets").iterdir() if file.name.endswith(".toml"))
    return {file.name.removesuffix(".toml"): file.read_bytes() for file in found}


@cache
def _preset(name: str) -> SourceSpec:
    return read_spec(_preset_files()[name], name)


def _file_bytes(name: str) -> bytes:
    try:
        return read_input(Path(name))
    except OSError as err:
        raise ConfigurationError(f"{printable(name)}: the spec cannot be read: {err.strerror}") from err


def _advice(name: str) -> str:
    if is_piped(name):
        return "standard input and pipes are read by pupline ingest and pupline sources test"
    if name and Path(name).is_dir():
        return "it is a directory; name a file in it"
    if name.endswith((".json", ".yaml", ".yml")):
        return "a spec file is TOML; name it so that it ends in .toml"
    close = difflib.get_close_matches(name.lower(), presets(), n=1, cutoff=0.5)
    if close:
        return f"there is no such source; did you mean {close[0]}?"
    if re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?(?:/.*)?|[A-Za-z0-9.-]+:[0-9]+(?:/.*)?", name):
        return f"a URL begins with its scheme; did you mean https://{printable(name)}?"
    return (
        "there is no such source; pupline sources lists those built in. Give one of them, a spec file (.toml),"
        " a list of URLs (.txt, .csv, .jsonl, .parquet), or the base URL of a Dog-CEO-compatible API"
    )
