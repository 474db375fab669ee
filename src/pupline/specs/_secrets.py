"""Secrets by reference: a spec holds the place of a secret, never the secret."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pupline.errors import ConfigurationError
from pupline.files import read_input
from pupline.text import printable

REFERENCE = re.compile(r"(?P<kind>env|file|secretsmanager):(?P<where>.+)")
FORMS = "env:NAME, file:PATH or secretsmanager:NAME#KEY"

_MAX_BYTES = 64 * 1024  # what Secrets Manager holds at most
_SENDABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,4000}[\x21-\x7e])?")


def secret_of(reference: str) -> str | None:
    """The secret at `reference`; None where the variable, file or secret does not exist.

    Raises: ConfigurationError for one that cannot be read, is empty or is unfit for a header. The message has the
    reference, never the secret.
    """
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise ConfigurationError(f"a secret's reference is written {FORMS}")
    secret = _READERS[found["kind"]](found["where"])
    if secret is not None and not _SENDABLE.fullmatch(secret):
        raise ConfigurationError(
            f"the secret at {printable(reference)} is empty, or is not one line of printable ASCII; correct it there"
        )
    return secret


def _from_environment(name: str) -> str | None:
    return os.environ.get(name) or None


def _from_file(path: str) -> str | None:
    try:
        return read_input(Path(path).expanduser(), _MAX_BYTES).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as err:
        raise ConfigurationError(f"the secret at file:{printable(path)} cannot be read: {err.strerror}") from err


def _from_secrets_manager(where: str) -> str | None:
    name, _, key = where.partition("#")
    text = _secret_string(name)
    if text is None or not key:
        return text
    try:
        value = json.loads(text).get(key)
    except (ValueError, AttributeError):
        raise ConfigurationError(
            f"the secret {printable(name)} is not a JSON object; leave out #{printable(key)}, or correct the secret"
        ) from None  # the parser's error holds the secret
    return str(value) if isinstance(value, str | int) else None


def _secret_string(name: str) -> str | None:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as err:
        raise ConfigurationError(
            "a secret of Secrets Manager needs boto3: install pupline[aws], or use env: or file:"
        ) from err
    try:
        answer: dict[str, Any] = boto3.client("secretsmanager").get_secret_value(SecretId=name)
    except (ClientError, BotoCoreError) as err:
        if isinstance(err, ClientError) and err.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return None
        raise ConfigurationError(f"the secret {printable(name)} cannot be read: {printable(str(err))}") from err
    text = answer.get("SecretString")
    return text if isinstance(text, str) else None


_READERS: dict[str, Callable[[str], str | None]] = {
    "env": _from_environment,
    "file": _from_file,
    "secretsmanager": _from_secrets_manager,
}
