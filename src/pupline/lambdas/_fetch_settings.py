"""The environment of FetchAndUploadDogImage; IngestBatch shares most of it.

`DOG_BUCKET`: where objects go. `MEMO_TABLE`: where the choices of executions are remembered. `SOURCE`: a preset, maybe
with params, a spec file in the function's package, or the base URL of an API. `CONTACT`: the operator's address, for
the User-Agent, which some sources require. `PREFIX`, `QUARANTINE_PREFIX`: key prefixes. `ALLOW_ORIGINS`: more origins,
with spaces between; may be private. `TIMEOUT_SECONDS`, `MAX_BYTES`, `MAX_PIXELS`: limits for one image.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pupline.aws import DynamoDBWriteOnceStore, S3Store
from pupline.errors import ConfigurationError
from pupline.http import FetchPolicy, Network, Origin
from pupline.images import MAX_PIXELS
from pupline.lambdas._runtime import required
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.layout import NOT_FOR_IMAGES
from pupline.text import plain_number


@dataclass(frozen=True)
class FetchSettings:
    """FetchAndUploadDogImage's environment, checked."""

    bucket: str
    memo_table: str
    source: str = "dog-ceo"
    prefix: str = "html/"
    quarantine_prefix: str = "quarantine/"
    allow_origins: tuple[str, ...] = ()
    timeout_seconds: float = 20.0
    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = MAX_PIXELS
    contact: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FetchSettings":
        """The settings; an unset variable keeps its default. Raises: ConfigurationError."""
        return cls(
            bucket=required(environment, "DOG_BUCKET"),
            memo_table=required(environment, "MEMO_TABLE"),
            source=environment.get("SOURCE", cls.source),
            prefix=_image_prefix(environment, cls.prefix),
            quarantine_prefix=_prefix(environment, "QUARANTINE_PREFIX", cls.quarantine_prefix),
            allow_origins=tuple(environment.get("ALLOW_ORIGINS", "").split()),
            timeout_seconds=_number(environment, "TIMEOUT_SECONDS", cls.timeout_seconds),
            max_bytes=int(_number(environment, "MAX_BYTES", cls.max_bytes)),
            max_pixels=int(_number(environment, "MAX_PIXELS", cls.max_pixels)),
            contact=environment.get("CONTACT") or None,
        )

    @property
    def rules(self) -> IngestRules:
        """The limits for one image."""
        return IngestRules(self.max_pixels, timeout_seconds=self.timeout_seconds)

    def limited(self, policy: FetchPolicy) -> FetchPolicy:
        """`policy` with the limits and allowed origins of these settings. Raises: ConfigurationError, InvalidUrl."""
        trusted = policy.trusted | {Origin.parse(origin) for origin in self.allow_origins}
        return replace(policy, trusted=trusted, timeout_seconds=self.timeout_seconds, max_bytes=self.max_bytes)

    def storage(self, s3: Any, dynamodb: Any) -> ImageStorage:
        """The storage in the bucket and the table of memos. s3, dynamodb: clients."""
        return ImageStorage(
            store=S3Store(s3, self.bucket),
            write_once=DynamoDBWriteOnceStore(dynamodb, self.memo_table),
            prefix=self.prefix,
            quarantine_prefix=self.quarantine_prefix,
        )


def ready_network() -> Network:
    """The system's network, with the certificate authorities read now, not in the first invocation."""
    authorities = Network().tls_context()
    return Network(tls_context=lambda: authorities)


def _image_prefix(environment: Mapping[str, str], default: str) -> str:
    value = _prefix(environment, "PREFIX", default)
    if value.startswith(NOT_FOR_IMAGES):
        raise ConfigurationError(
            f"PREFIX is {value!r}; {', '.join(NOT_FOR_IMAGES)} have other uses; take another, such as {default}"
        )
    return value


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
