"""FetchAndUploadDogImage's services in Lambda: the source of its environment, and the ports over S3."""

import os
from dataclasses import replace
from functools import cache

from pupline.aws import s3_client
from pupline.errors import ConfigurationError
from pupline.http import FetchPolicy, HttpClient, Origin, user_agent
from pupline.lambdas._fetch_settings import FetchSettings, image_storage
from pupline.specs import RandomImages, SourceSpec, resolve_spec
from pupline.tasks.fetch_and_upload_dog_image import FetchServices


@cache
def fetch_services() -> FetchServices:
    """FetchAndUploadDogImage's services, made at its first call in this process. Raises: ConfigurationError."""
    settings = FetchSettings.from_environment(os.environ)
    spec = _source(settings)
    http, s3 = HttpClient(_policy(settings, spec)), s3_client()
    return FetchServices(
        http, RandomImages(http, spec, settings.contact), spec.name, image_storage(settings, s3), settings.rules
    )


def _source(settings: FetchSettings) -> SourceSpec:
    spec = resolve_spec(settings.source)
    if spec.sample:
        problem = "the sample sources run on one machine only; name an API"
    elif not spec.has_random_image:
        problem = "it names its images page by page; take them all with pupline ingest --workflow --backend aws"
    elif spec.contact_required and settings.contact is None:
        problem = "its rules ask who you are; set CONTACT to an address"
    else:
        return spec
    raise ConfigurationError(f"SOURCE is {settings.source}: {problem}")


def _policy(settings: FetchSettings, spec: SourceSpec) -> FetchPolicy:
    policy = FetchPolicy(
        trusted=spec.trusted | {Origin.parse(origin) for origin in settings.allow_origins},
        image_origins=frozenset(spec.image_origins),
        timeout_seconds=settings.timeout_seconds,
        max_bytes=settings.max_bytes,
    )
    return policy if settings.contact is None else replace(policy, user_agent=user_agent(settings.contact))
