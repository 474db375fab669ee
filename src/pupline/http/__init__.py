"""Getting bytes safely: the guarded HTTP client, the sources it serves, and the Dog CEO API.

    source = resolve_source("dog-ceo")
    client = HttpClient(source.policy(timeout_seconds=20))
    url = DogCeo(client, source.base_url).random_image("hound/afghan")
    body = client.get(url).body

Standard library only, as it runs in Lambda. The client never retries: that is the workflow's business.
"""

from pupline.http._address import parse_metadata_address
from pupline.http._client import Exchange, HttpClient, Response
from pupline.http._dog_ceo import EXECUTION_HEADER, DogCeo, ImageUrls, breed_of, checked_breed
from pupline.http._network import Network
from pupline.http._policy import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    PRODUCT,
    FetchPolicy,
    user_agent,
)
from pupline.http._proxy import Proxy
from pupline.http._request import Validators
from pupline.http._robots import MAX_ROBOTS_BYTES, RobotsRules, check_robots_tag, robots_rules_from
from pupline.http._sources import PRESETS, SAMPLE_ORIGIN, Source, base_url_of, resolve_source
from pupline.http._url import Origin, Url

__all__ = [
    "DEFAULT_MAX_BYTES",
    "DEFAULT_TIMEOUT_SECONDS",
    "EXECUTION_HEADER",
    "MAX_ROBOTS_BYTES",
    "PRESETS",
    "PRODUCT",
    "SAMPLE_ORIGIN",
    "DogCeo",
    "Exchange",
    "FetchPolicy",
    "HttpClient",
    "ImageUrls",
    "Network",
    "Origin",
    "Proxy",
    "Response",
    "RobotsRules",
    "Source",
    "Url",
    "Validators",
    "base_url_of",
    "breed_of",
    "check_robots_tag",
    "checked_breed",
    "parse_metadata_address",
    "resolve_source",
    "robots_rules_from",
    "user_agent",
]
