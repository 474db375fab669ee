"""An AWS account for commands: clients from boto3's own chain, and AWS's errors as one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pupline.errors import BackendUnavailable, ConfigurationError, PuplineError
from pupline.text import printable

_ATTEMPTS = 6
"""Of one call, with botocore's back-off: unlike in a Lambda function, nothing else retries here."""

_DENIED = frozenset(
    {
        *("AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"),
        *("KmsAccessDeniedException", "KMSAccessDeniedException", "403"),  # the key's, of Step Functions and of Lambda
    }
)
_NOT_ACCEPTED = frozenset(
    {
        *("AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId"),
        *("InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken"),
        *("MissingAuthenticationTokenException", "RequestExpired", "SignatureDoesNotMatch"),
        "UnrecognizedClientException",
    }
)
_ABSENT = frozenset(
    {
        *("404", "NoSuchBucket", "ResourceNotFoundException", "StateMachineDoesNotExist", "QueueDoesNotExist"),
        *("NotFound", "AWS.SimpleQueueService.NonExistentQueue"),
    }
)
_LATER = frozenset(
    {
        *("ExecutionLimitExceeded", "InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown", "Throttling"),
        *("ThrottlingException", "KmsThrottlingException", "RequestThrottled", "500", "502", "503", "504"),
    }
)


class NotThere(ConfigurationError):
    """A resource of the stack does not exist."""


class NotAllowed(ConfigurationError):
    """The credentials lack a permission; the message has what AWS says of it."""


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials and a region. `session` is a boto3 session."""

    session: Any

    @classmethod
    def of_environment(cls) -> "Account":
        """The account of boto3's own chain: environment, profile, SSO, instance role. Raises: ConfigurationError."""
        try:
            import boto3
        except ImportError as err:
            raise ConfigurationError(
                "--backend aws needs boto3, which is not installed; install it with: pip install 'pupline[aws]'"
            ) from err
        with aws_errors("looking for AWS credentials"):
            session = boto3.Session()
            found = session.get_credentials()
        if session.region_name is None:
            raise ConfigurationError(
                "no AWS region is set; set AWS_DEFAULT_REGION, or the profile's region with: aws configure"
            )
        if found is None:
            raise ConfigurationError(
                "no AWS credentials were found; set AWS_PROFILE, or log in with: aws configure, or: aws sso login"
            )
        return cls(session)

    @property
    def region(self) -> str:
        """The region's name, such as `eu-central-1`."""
        return str(self.session.region_name)

    def client(self, service: str, **settings: Any) -> Any:
        """A client that retries. settings: of botocore's Config, in place of ours. Raises: ConfigurationError."""
        from botocore.config import Config

        retries = {"total_max_attempts": _ATTEMPTS, "mode": "standard"}
        config = Config(**{"connect_timeout": 5, "read_timeout": 30, "retries": retries, **settings})
        with aws_errors(f"making a client for {service}"):
            return self.session.client(service, config=config)


def pages(client: Any, operation: str, doing: str, **arguments: Any) -> Iterator[Any]:
    """The pages of a paginated call, one at a time. doing: for error messages, such as `listing executions`."""
    with aws_errors(doing):
        yield from client.get_paginator(operation).paginate(**arguments)


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turns AWS's errors into ours, each with the next step.

    Raises: ConfigurationError where another attempt cannot help; BackendUnavailable for what may pass; PuplineError for
    any other refusal.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as err:
        raise _refused(doing, err) from err
    except BotoCoreError as err:
        raise _not_asked(doing, err) from err


def error_code(err: Any) -> str:
    """The error code of a ClientError; for answers without a body, the HTTP status, such as `404`."""
    return str(err.response.get("Error", {}).get("Code", "Unknown"))


def error_message(err: Any) -> str:
    """The message of a ClientError, on one line."""
    return printable(str(err.response.get("Error", {}).get("Message", "")), 400)


def _refused(doing: str, err: Any) -> PuplineError:
    code, said = error_code(err), error_message(err)
    if code in _DENIED:
        return NotAllowed(
            f"{doing}: not allowed: {said or code}; get this permission, or use other credentials (AWS_PROFILE)"
        )
    if code in _NOT_ACCEPTED:
        return ConfigurationError(
            f"{doing}: AWS does not accept the credentials: {code}: {said};"
            " log in again, or check AWS_PROFILE and this machine's clock"
        )
    if code in _ABSENT:
        return NotThere(f"{doing}: it is not there: {code}: {said}; was it deleted outside CloudFormation?")
    if code in _LATER:
        return BackendUnavailable(f"{doing}: {code}: {said}; try again in a moment")
    return PuplineError(f"{doing}: {code}: {said}")


def _not_asked(doing: str, err: Any) -> PuplineError:
    from botocore import exceptions

    unavailable = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)
    said = printable(str(err), 400)
    if isinstance(err, unavailable):
        return BackendUnavailable(f"{doing}: {said}; check the network, and that the region is right")
    if isinstance(err, exceptions.NoCredentialsError):
        return ConfigurationError(f"{doing}: no AWS credentials were found; set AWS_PROFILE, or log in: aws sso login")
    if isinstance(err, exceptions.NoRegionError):
        return ConfigurationError(f"{doing}: no AWS region is set; set AWS_DEFAULT_REGION")
    return ConfigurationError(f"{doing}: {said}; check AWS_PROFILE, or log in again: aws configure, aws sso login")
