"""Services behind endpoints that the environment names: no other address is ever called.

`SQS_ENDPOINT` and the like are the names of AWS Step Functions Local; `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL` are
those of AWS's own SDKs.
"""

import threading
from collections.abc import Mapping
from typing import Any

from pupline.asl import service_model
from pupline.errors import ConfigurationError

_LOCAL_NAMES: Mapping[str, str] = {
    "sagemaker": "SAGE_MAKER_ENDPOINT",
    "stepfunctions": "STEP_FUNCTIONS_ENDPOINT",
}
"""Names of Step Functions Local that do not follow from the service's."""

_TIMEOUT_SECONDS = 900


class Endpoints:
    """The endpoints in an environment, and boto3's clients of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._clients: dict[tuple[str, str], Any] = {}
        self._guard = threading.Lock()

    def url(self, service: str) -> str | None:
        """The endpoint of a service as a Resource names it, if there is one."""
        names = self.variables(service)
        return next((url for name in names if (url := self._environment.get(name))), None)

    def has_own(self, service: str) -> bool:
        """Whether the environment names an endpoint of Step Functions in the way of Step Functions Local."""
        return service in ("states", "sfn") and _LOCAL_NAMES["stepfunctions"] in self._environment

    def variables(self, service: str) -> list[str]:
        """The variables that can name the endpoint of a service, the most particular first."""
        model = service_model(service)
        if model is None:
            return []
        name = str(model.service_name)
        local = _LOCAL_NAMES.get(name, f"{name.upper().replace('-', '_')}_ENDPOINT")
        own = f"AWS_ENDPOINT_URL_{str(model.service_id).upper().replace(' ', '_').replace('-', '_')}"
        general = [] if name == "stepfunctions" else ["AWS_ENDPOINT_URL"]
        return [local, own, *general]

    def client(self, service: str, region: str) -> Any:
        """A client of the service at its endpoint, which must be there. Raises: ConfigurationError without boto3."""
        name = str(service_model(service).service_name)
        with self._guard:
            key = (name, region)
            if key not in self._clients:
                self._clients[key] = self._new_client(name, region, self.url(service))
            return self._clients[key]

    def _new_client(self, name: str, region: str, url: str | None) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise ConfigurationError('services are called by boto3; install it: pip install "pupline[aws]"') from error
        keys = {}
        if "AWS_ACCESS_KEY_ID" not in self._environment:  # so that boto3 does not look for keys elsewhere
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        # Retries are the state machine's to decide.
        config = Config(
            read_timeout=_TIMEOUT_SECONDS,
            retries={"max_attempts": 0},
            parameter_validation=False,
            s3={"addressing_style": "path"},
        )
        return boto3.client(name, endpoint_url=url, region_name=region, config=config, **keys)
