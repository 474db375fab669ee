"""The configurations of a state machine, which are kept and answered: nothing here logs, traces or encrypts."""

from typing import Any

from pupline.stepfunctions._call import Parameters
from pupline.stepfunctions._errors import ApiError

NAMES = ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")

_REUSE_SECONDS = 300
"""AWS's default of kmsDataKeyReusePeriodSeconds."""


def configurations(parameters: Parameters) -> dict[str, Any]:
    """The configurations in a request, with AWS's defaults for what is missing in each. Raises: ApiError."""
    return {
        "loggingConfiguration": _logging(parameters.get("loggingConfiguration", {})),
        "tracingConfiguration": {"enabled": False, **parameters.get("tracingConfiguration", {})},
        "encryptionConfiguration": encryption(parameters),
    }


def encryption(parameters: Parameters) -> dict[str, Any]:
    """The encryptionConfiguration in a request. Raises: ApiError (InvalidEncryptionConfiguration)."""
    given = parameters.get("encryptionConfiguration", {"type": "AWS_OWNED_KEY"})
    if given["type"] == "AWS_OWNED_KEY":
        for name in ("kmsKeyId", "kmsDataKeyReusePeriodSeconds"):
            if name in given:
                raise _invalid_encryption(f"Custom {name} is not allowed when selecting AWS_OWNED_KEY.")
        return {"type": given["type"]}
    if "kmsKeyId" not in given:
        raise _invalid_encryption("Must set a valid kmsKeyId.")
    return {"kmsDataKeyReusePeriodSeconds": _REUSE_SECONDS, **given}


def _logging(given: dict[str, Any]) -> dict[str, Any]:
    configuration = {"level": "OFF", "includeExecutionData": False, **given}
    count = len(configuration.get("destinations", ()))
    if count > 1 or (count == 0 and configuration["level"] != "OFF"):
        text = "Invalid Logging Configuration: Must specify exactly one Log Destination."
        raise ApiError("InvalidLoggingConfiguration", text)
    return configuration


def _invalid_encryption(reason: str) -> ApiError:
    return ApiError("InvalidEncryptionConfiguration", f"Invalid Encryption Configuration: {reason}")
