"""Which API a name means: a preset, a spec file, or the base URL of an API that answers as Dog CEO does."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.files import read_input
from pupline.http import Origin, Url
from pupline.specs._fields import did_you_mean
from pupline.specs._read_spec import is_secret_name, read_spec
from pupline.specs._spec import Limits, SourceSpec, Terms
from pupline.text import nearest, printable

PRESETS: Final = Path(__file__).parent / "presets"

SAMPLE_ORIGIN: Final = Origin("http", "sample.pupline.invalid", 80)
"""Where URLs and records say that the sample server is: .invalid is in no DNS (RFC 2606), and its port changes from run
to run."""

EXECUTION_HEADER: Final = "X-Pupline-Execution"
"""The header that names the execution to the sample server, so that each gets its own picture in whatever order."""

_SAMPLES: Mapping[str, tuple[Literal["friendly", "hostile"], str]] = MappingProxyType(
    {
        "sample": ("friendly", "Pictures drawn for pupline, served by itself; no internet."),
        "sample-hostile": ("hostile", "The same, from misbehaving servers: HTML named .jpg, endless bodies, ..."),
    }
)
_WITH_PARAMS = re.compile(r"(?P<name>[^?]+?)\?(?P<params>.*)", re.DOTALL)
_LISTS = (".txt", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".gz")
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?(?:/.*)?|[A-Za-z0-9.-]+:[0-9]+(?:/.*)?")


def resolve_spec(value: str) -> SourceSpec:
    """The API that `value` names: a preset, maybe with params (`openverse?q=dog`); a spec file (`my.toml`); a base URL.

    The user names, and thereby trusts, the origin of a base URL and of a spec file's. Raises: ConfigurationError.
    """
    if "://" in value.partition("?")[0]:
        return compatible_api(value)
    name, params = split_params(value)
    spec = spec_named(name)
    if spec is None:
        raise ConfigurationError(f"source {printable(value)!r}: {_advice(name)}")
    return with_params(spec, params)


def presets() -> list[str]:
    """The names of all presets, samples last."""
    return [*sorted(_preset_names()), *_SAMPLES]


def spec_named(name: str) -> SourceSpec | None:
    """The spec of a preset or file; None where there is no such preset. Raises: ConfigurationError."""
    if name in _SAMPLES:
        sample, title = _SAMPLES[name]
        api = _like_dog_ceo(name, Url.parse(f"{SAMPLE_ORIGIN}/api"))
        return replace(api, title=title, headers={EXECUTION_HEADER: "{execution}"}, sample=sample)
    if name in _preset_names():
        return _preset(name)
    if name.endswith(".toml"):
        return replace(read_spec(_file_bytes(Path(name)), printable(name)), is_trusted=True)
    return None


def spec_text(name: str) -> str | None:
    """The TOML of a preset or file, as it is; None for a sample. Raises: ConfigurationError."""
    if name in _SAMPLES:
        return None
    return _file_bytes(_preset_file(name) if name in _preset_names() else Path(name)).decode("utf-8-sig")


def compatible_api(value: str) -> SourceSpec:
    """The API at a base URL, which answers as Dog CEO does. Raises: ConfigurationError."""
    try:
        url = Url.parse(value)
    except InvalidUrl as err:
        raise ConfigurationError(f"source {err}") from err
    if url.query or "#" in value:
        raise ConfigurationError(
            f"source {printable(value)}: give the base URL alone, without ? and #, such as {url.origin}/api"
        )
    base = str(url).rstrip("/")
    return replace(_like_dog_ceo(base, Url.parse(base)), is_trusted=True)


def split_params(value: str) -> tuple[str, dict[str, str]]:
    """`NAME?name=value&...` as the name and the params. Raises: ConfigurationError."""
    found = _WITH_PARAMS.fullmatch(value)
    if found is None:
        return value, {}
    try:
        return found["name"], dict(parse_qsl(found["params"], keep_blank_values=True, strict_parsing=True))
    except ValueError as err:
        raise ConfigurationError(
            f"source {printable(value)!r}: write params as {printable(found['name'])}?name=value&name=value"
        ) from err


def join_params(value: str, params: Mapping[str, str]) -> str:
    """The source `value` with these params in its query: `NAME?name=value`. Raises: ConfigurationError."""
    if not params:
        return value
    name, own = ("", {}) if "://" in value.partition("?")[0] else split_params(value)
    if name not in _preset_names() and not name.endswith(".toml"):
        raise ConfigurationError(
            f"--param: the source {printable(value)} has no params; they are for presets and spec files (.toml)"
        )
    return f"{name}?{urlencode({**own, **params}, quote_via=quote, safe=',:')}"


def with_params(spec: SourceSpec, params: Mapping[str, str]) -> SourceSpec:
    """`spec` with some of its params replaced.

    Raises: ConfigurationError for one that it does not have, or that is a key: a run keeps its params.
    """
    for name in params:
        if name == spec.auth.name or is_secret_name(name):
            where = f"; set {printable(spec.auth.secret)}" if spec.auth.secret else ", under [auth] of the spec"
            raise ConfigurationError(
                f"{spec.name}: {printable(name, 40)} is a key, and no param: a key is given by reference{where}"
            )
        if name not in spec.params:
            known = f"it has {', '.join(spec.params)}" if spec.params else "it has none"
            near = did_you_mean(name, spec.params)
            raise ConfigurationError(f"{spec.name}: there is no param {printable(name, 40)!r}; {known}{near}")
        if name in spec.numbers and spec.method == "POST" and not _is_number(params[name]):
            raise ConfigurationError(f"{spec.name}: the param {name} is a number, not {printable(params[name], 40)!r}")
    return replace(spec, params={**spec.params, **params}) if params else spec


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,15})?", text) is not None


def _like_dog_ceo(name: str, base_url: Url) -> SourceSpec:
    """An API that answers as Dog CEO does, with no limits but the user's: it is the user's own."""
    dog_ceo = _preset("dog-ceo")
    return replace(dog_ceo, name=name, title="", base_url=base_url, image_origins=(), limits=Limits(), terms=Terms())


@cache
def _preset_names() -> frozenset[str]:
    return frozenset(file.stem for file in PRESETS.iterdir() if file.suffix == ".toml")


@cache
def _preset(name: str) -> SourceSpec:
    return read_spec(_file_bytes(_preset_file(name)), name)


def _preset_file(name: str) -> Path:
    return PRESETS / f"{name}.toml"


def _file_bytes(path: Path) -> bytes:
    try:
        return read_input(path)
    except OSError as err:
        raise ConfigurationError(f"{printable(str(path))}: the spec cannot be read: {err.strerror}") from err


def _advice(name: str) -> str:
    if name.endswith((".json", ".yaml", ".yml")):
        return "a spec file is TOML; name it so that it ends in .toml"
    if name.endswith(_LISTS):
        return "lists of URLs are read on one machine only, by pupline ingest and pupline run"
    close = nearest(name, presets())
    if close is not None:
        return f"there is no such source; did you mean {close}?"
    if _HOST.fullmatch(name):
        return f"a URL begins with its scheme; did you mean https://{printable(name)}?"
    return (
        "there is no such source; pupline sources lists those built in. Give one of them, a spec file (.toml),"
        " a list of URLs (.txt, .csv, .jsonl, .parquet), or the base URL of a Dog-CEO-compatible API"
    )
