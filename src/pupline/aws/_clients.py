"""AWS clients with settings for a Lambda function, and AWS's errors as pupline's.

A request that is throttled or lost is repeated here, because the workflow could only repeat the whole task: for one
SlowDown of S3, IngestBatch would fetch a hundred images again. Repeating is safe. Every write of a function is
conditional, or puts the same bytes again; if the first answer was lost, the second one is that the object, item or memo
is there, and it is ours.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pupline.errors import ConfigurationError, StorageError
from pupline.text import printable

# Errors that another attempt cannot fix. All others (throttling, 5xx, a lost connection) may be transient.
_PERMANENT = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "NoSuchBucket",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ValidationException",
    }
)


ATTEMPTS = 3
"""Of one request, with random pauses of at most one and two seconds (botocore's standard mode)."""

_PAUSES_SECONDS = 1 + 2

_CONNECT_SECONDS = 2

_READ_SECONDS = {"s3": 6, "dynamodb": 5}
"""Without a byte of the answer. DynamoDB answers in milliseconds, S3 when the object is durable."""


def longest_seconds(service: str) -> float:
    """The time that one request takes at most, all its attempts together, if no attempt gets an answer."""
    return ATTEMPTS * (_CONNECT_SECONDS + _READ_SECONDS[service]) + _PAUSES_SECONDS


def s3_client(connections: int = 10) -> Any:
    """A client for S3, by boto3's own chain of credentials and region. connections: threads that will use it.

    Raises: ConfigurationError.
    """
    return _client("s3", connections)


def dynamodb_client() -> Any:
    """A client for DynamoDB, by boto3's own chain of credentials and region. Raises: ConfigurationError."""
    import boto3.dynamodb.types  # noqa: F401 - the table's items need it: loaded with the client, not at the first write

    return _client("dynamodb")


def _client(service: str, connections: int = 10) -> Any:
    import encodings.idna  # noqa: F401 - the first look-up of a host name would load it

    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS[service],
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        max_pool_connections=connections,
    )
    try:
        return boto3.client(service, config=config)
    except BotoCoreError as err:
        raise ConfigurationError(
            f"no client for {service}: {err}; set AWS_DEFAULT_REGION or AWS_PROFILE, and credentials"
        ) from err


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Raises AWS's errors as StorageError if they may be transient, else as ConfigurationError."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

    try:
        yield
    except ClientError as err:
        code, message = error_code(err), printable(str(err.response.get("Error", {}).get("Message", "")))
        kind = ConfigurationError if code in _PERMANENT else StorageError
        raise kind(f"{doing}: {code}: {message}") from err
    except (NoCredentialsError, ParamValidationError) as err:
        raise ConfigurationError(f"{doing}: {err}") from err
    except BotoCoreError as err:
        raise StorageError(f"{doing}: {err}") from err


def error_code(err: Any) -> str:
    """The code of a ClientError, such as `NoSuchKey`; the HTTP status, such as `404`, for responses without a body."""
    return str(err.response.get("Error", {}).get("Code", "Unknown"))
