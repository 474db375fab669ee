"""What FetchAndUploadDogImage stands on in Lambda: its environment, read once at cold start, and the ports over S3.

`DOG_BUCKET`: where objects go. `SOURCE`: a preset or the base URL of an API. `PREFIX`, `QUARANTINE_PREFIX`,
`MEMO_PREFIX`: key prefixes. `ALLOW_ORIGINS`: further origins, separated by spaces, that may be private.
`TIMEOUT_SECONDS`, `MAX_BYTES`, `MAX_PIXELS`: limits for one image.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pupline.aws import S3Store, S3WriteOnceStore, s3_client
from pupline.errors import ConfigurationError
from pupline.http import DogCeo, HttpClient, resolve_source
from pupline.images import MAX_PIXELS
from pupline.lambdas._environment import required
from pupline.tasks.fetch_and_upload_dog_image import FetchServices
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.ingest_item import IngestRules
from pupline.text import plain_number


@dataclass(frozen=True)
class FetchSettings:
    """FetchAndUploadDogImage's environment, checked."""

    bucket: str
    source: str = "dog-ceo"
    prefix: str = "html/"
    quarantine_prefix: str = "quarantine/"
    memo_prefix: str = "memo/"
    allow_origins: tuple[str, ...] = ()
    timeout_seconds: float = 20.0
    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = MAX_PIXELS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FetchSettings":
        """The settings; what is not set keeps its default. Raises: ConfigurationError."""
        return cls(
            bucket=required(environment, "DOG_BUCKET"),
            source=environment.get("SOURCE", cls.source),
            prefix=_prefix(environment, "PREFIX", cls.prefix),
            quarantine_prefix=_prefix(environment, "QUARANTINE_PREFIX", cls.quarantine_prefix),
            memo_prefix=_prefix(environment, "MEMO_PREFIX", cls.memo_prefix),
            allow_origins=tuple(environment.get("ALLOW_ORIGINS", "").split()),
            timeout_seconds=_number(environment, "TIMEOUT_SECONDS", cls.timeout_seconds),
            max_bytes=int(_number(environment, "MAX_BYTES", cls.max_bytes)),
            max_pixels=int(_number(environment, "MAX_PIXELS", cls.max_pixels)),
        )

    @property
    def rules(self) -> IngestRules:
        """The limits for one image."""
        return IngestRules(self.max_pixels, timeout_seconds=self.timeout_seconds)


def _prefix(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name, default)
    if not value.endswith("/") or value.startswith("/"):
        raise ConfigurationError(
            f"{name} is {value!r}; a prefix ends with / and does not begin with it, such as {default}"
        )
    return value


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name, "")
    try:
        number = float(value or default)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e12:
        raise ConfigurationError(f"{name} is {value!r}; give a number above 0, such as {plain_number(default)}")
    return number


@cache
def fetch_services() -> FetchServices:
    """FetchAndUploadDogImage's services, made at its first call in this process. Raises: ConfigurationError."""
    settings = FetchSettings.from_environment(os.environ)
    source = resolve_source(settings.source)
    if source.sample:
        raise ConfigurationError(
            f"SOURCE is {settings.source}: the sample sources run on one machine only; name an API"
        )
    policy = source.policy(
        allow_origins=settings.allow_origins, timeout_seconds=settings.timeout_seconds, max_bytes=settings.max_bytes
    )
    http, s3 = HttpClient(policy), s3_client()
    return FetchServices(http, DogCeo(http, source.base_url), source.name, image_storage(settings, s3), settings.rules)


def image_storage(settings: FetchSettings, s3: Any) -> ImageStorage:
    """The bucket that the settings name."""
    return ImageStorage(
        store=S3Store(s3, settings.bucket),
        write_once=S3WriteOnceStore(s3, settings.bucket, settings.memo_prefix),
        prefix=settings.prefix,
        quarantine_prefix=settings.quarantine_prefix,
    )
