"""FetchAndUploadDogImage's services in Lambda, from its environment, read once."""

import os
from dataclasses import replace
from functools import cache

from pupline.aws import dynamodb_client, s3_client
from pupline.errors import ConfigurationError
from pupline.http import FetchPolicy, HttpClient, user_agent
from pupline.lambdas._alert_rules import packaged_workflow
from pupline.lambdas._fetch_settings import FetchSettings, ready_network
from pupline.specs import RandomImages, SourceSpec, resolve_spec
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.fetch_and_upload_dog_image import FetchServices


@cache
def fetch_services() -> FetchServices:
    """FetchAndUploadDogImage's services, made once in this process. Raises: ConfigurationError."""
    settings = FetchSettings.from_environment(os.environ)
    spec = _source(settings)
    policy = settings.limited(FetchPolicy(trusted=spec.trusted, image_origins=frozenset(spec.image_origins)))
    if settings.contact is not None:
        policy = replace(policy, user_agent=user_agent(settings.contact))
    http = HttpClient(policy, ready_network())
    source = RandomImages(http, spec, settings.contact)
    rules = AlertRules.readable(packaged_workflow())
    storage = settings.storage(s3_client(), dynamodb_client())
    return FetchServices(http, source, spec.name, storage, settings.rules, alert_rules=rules)


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
