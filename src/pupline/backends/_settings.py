"""Settings of a run: what it fetches, and within which bounds."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pupline.errors import ConfigurationError, InvalidInput, InvalidUrl
from pupline.http import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    FetchPolicy,
    Origin,
    Url,
    user_agent,
)
from pupline.images import MAX_PIXELS
from pupline.json_values import JSON
from pupline.tasks.breeds import checked_breed
from pupline.tasks.ingest_rules import IngestRules
from pupline.text import plain_number, printable

if TYPE_CHECKING:
    from pupline.sources import ImageSource

MAX_TIMEOUT_SECONDS = 70
"""For one request. A longer one would turn a clear error into States.Timeout, with a function that still waits."""

_TUPLES = ("allow_origins", "metadata_addresses", "breeds")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run fetches, and within which limits. The run keeps them, so that it is resumed with the same ones.

    source: what `pupline.sources.resolve` takes. image_url: fetch this image instead of one that the source picks; its
    origin is trusted, since the user named it. breed: `hound` or `hound/afghan`. breeds: several, which executions take
    in turn. metadata_addresses: of metadata services, or link-local ones, that trusted origins may be at. max_bytes,
    max_pixels: of one image.
    workflow_file: the user's own definition of the workflow; None for pupline's.
    """

    source: str = "dog-ceo"
    image_url: str | None = None
    breed: str | None = None
    allow_origins: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_bytes: int = DEFAULT_MAX_BYTES
    metadata_addresses: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS
    breeds: tuple[str, ...] = ()
    workflow_file: str | None = None

    def checked(self) -> "RunSettings":
        """These settings, if they can work. Raises: ConfigurationError."""
        breeds = self.breeds or ((self.breed,) if self.breed is not None else ())
        if self.image_url is not None and breeds:
            raise ConfigurationError("--image-url names one image and --breed a kind of images: give one of them")
        if self.timeout_seconds > MAX_TIMEOUT_SECONDS:
            raise ConfigurationError(
                f"--timeout {plain_number(self.timeout_seconds)}: at most {MAX_TIMEOUT_SECONDS} seconds, because "
                "the workflow gives a function 75 for all its work"
            )
        for breed in breeds:
            try:
                checked_breed(breed)
            except InvalidInput as error:
                raise ConfigurationError(f"--breed: {error}") from error
        source = source_of_run(self.source)
        if breeds and not source.has_breeds:
            raise ConfigurationError(f"--breed: the source {source.name} does not know breeds; leave it out")
        self.policy(source, None)
        if self.image_url is None:
            source.open(contact=contact()).close()  # a missing secret or an unreadable file is found here
        return self

    @property
    def input(self) -> dict[str, JSON]:
        """The workflow's input for the run's first execution."""
        return self.input_of(1)

    def input_of(self, index: int) -> dict[str, JSON]:
        """The workflow's input for execution `index` of the run, from 1."""
        breed = self.breeds[(index - 1) % len(self.breeds)] if self.breeds else self.breed
        named: dict[str, JSON] = {"image_url": self.image_url, "breed": breed}
        return {name: value for name, value in named.items() if value is not None}

    def anchored(self) -> "RunSettings":
        """These settings, with a source that they name from any directory."""
        from pupline.sources import anchored

        return replace(self, source=anchored(self.source))

    @property
    def rules(self) -> IngestRules:
        """The limits for one image."""
        return IngestRules(self.max_pixels, timeout_seconds=self.timeout_seconds)

    def policy(self, source: "ImageSource", sample_port: int | None) -> FetchPolicy:
        """The fetch policy of the run. Raises: ConfigurationError."""
        policy = source.policy(
            allow_origins=self.allow_origins,
            timeout_seconds=self.timeout_seconds,
            max_bytes=self.max_bytes,
            sample_port=sample_port,
            metadata_addresses=self.metadata_addresses,
        )
        address = contact()
        policy = replace(policy, user_agent=user_agent(address) if address else FetchPolicy().user_agent)
        if self.image_url is None:
            return policy
        return replace(policy, trusted=policy.trusted | {_origin_of(self.image_url)})

    def as_json(self) -> dict[str, JSON]:
        """The settings as a JSON object; `from_json` reads it back."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in _TUPLES}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RunSettings":
        """The settings that `as_json` wrote; unknown fields are ignored, missing ones have their defaults."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, **{name: tuple(known.get(name, ())) for name in _TUPLES}})


def _origin_of(image_url: str) -> Origin:
    try:
        return Url.parse(image_url).origin
    except InvalidUrl as error:
        raise ConfigurationError(f"--image-url: {error}") from error


def source_of_run(value: str) -> "ImageSource":
    """The source that `value` names, which can pick an image for each execution. Raises: ConfigurationError."""
    from pupline.sources import resolve

    source = resolve(value)
    if source.picker is None:
        raise ConfigurationError(
            f"source {source.name}: pupline run takes one image at a time, and this source names its images page by "
            f"page; take them all with pupline ingest {printable(value)}"
        )
    if source.contact_required and not contact():
        raise ConfigurationError(
            f"source {source.name}: its rules require a contact; set PUPLINE_CONTACT to an address"
        )
    return source


def contact() -> str | None:
    """The address for the User-Agent that PUPLINE_CONTACT names."""
    return os.environ.get("PUPLINE_CONTACT") or None
