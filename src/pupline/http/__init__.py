"""Getting bytes safely: the guarded HTTP client, and the robots.txt rules.

    client = HttpClient(FetchPolicy(timeout_seconds=20))
    body = client.get("https://images.dog.ceo/breeds/pug/n02110958_1975.jpg").body

Standard library only, as it runs in Lambda. The client never retries: that is the workflow's business.
"""

from pupline.http._address import parse_metadata_address
from pupline.http._client import HttpClient, PendingRequest, Response
from pupline.http._network import Network
from pupline.http._policy import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    FetchPolicy,
    user_agent,
)
from pupline.http._proxy import Proxy
from pupline.http._request import Validators
from pupline.http._robots import MAX_ROBOTS_BYTES, RobotsRules, check_robots_tag, robots_refusal, robots_rules_from
from pupline.http._status import pause_failure
from pupline.http._url import Origin, Url

__all__ = [
    "DEFAULT_MAX_BYTES",
    "DEFAULT_TIMEOUT_SECONDS",
    "MAX_ROBOTS_BYTES",
    "FetchPolicy",
    "HttpClient",
    "Network",
    "Origin",
    "PendingRequest",
    "Proxy",
    "Response",
    "RobotsRules",
    "Url",
    "Validators",
    "check_robots_tag",
    "parse_metadata_address",
    "pause_failure",
    "robots_refusal",
    "robots_rules_from",
    "user_agent",
]
