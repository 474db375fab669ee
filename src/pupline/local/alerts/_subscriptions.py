"""Subscriptions of the topic: added, listed, removed.

| Protocol | Endpoint | Delivery |
|---|---|---|
| console | `stderr` | one line |
| file | a path | one line of JSON, in SNS's notification shape |
| webhook | an https or http URL | a POST of the same JSON |
| email | an address | a message, through the SMTP server of `PUPLINE_SMTP_URL` |
| apprise | an Apprise URL | a notification of that service |
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pupline.errors import ConfigurationError
from pupline.local.alerts._topic import masked
from pupline.local.data_dir import kind_of
from pupline.local.database import Database
from pupline.tasks.ports import Clock


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. created_at: seconds since the epoch."""

    subscription_id: int
    protocol: str
    endpoint: str
    created_at: float

    @property
    def shown(self) -> str:
        """The endpoint without its secrets."""
        return masked(self.protocol, self.endpoint)


class Subscriptions:
    """The subscriptions of this machine's topic. Any process may change them, also during a run."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def subscribe(self, protocol: str, endpoint: str) -> Subscription:
        """Send alerts to `endpoint` from now on; an identical subscription is returned as it is.

        Raises: ConfigurationError for an invalid endpoint; StorageError.
        """
        checked = checked_endpoint(protocol, endpoint)
        row = (protocol, checked, self._clock.now())

        def work(connection: sqlite3.Connection) -> Subscription:
            connection.execute(
                "INSERT INTO subscriptions (protocol, endpoint, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                row,
            )
            query = f"{_SELECT} AND protocol = ? AND endpoint = ?"
            return Subscription(*connection.execute(query, row[:2]).fetchone())

        return self._database.write(work)

    def unsubscribe(self, subscription_id: int) -> Subscription:
        """Send nothing more there, outstanding alerts included. Raises: ConfigurationError when it does not exist."""

        def work(connection: sqlite3.Connection) -> Subscription:
            found = connection.execute(f"{_SELECT} AND subscription_id = ?", (subscription_id,)).fetchone()
            if found is None:
                raise ConfigurationError(f"there is no subscription {subscription_id}; see: pupline subscribe --list")
            update = "UPDATE subscriptions SET removed_at = ? WHERE subscription_id = ?"
            connection.execute(update, (self._clock.now(), subscription_id))
            return Subscription(*found)

        return self._database.write(work)

    def all(self) -> list[Subscription]:
        """The subscriptions, oldest first. Raises: StorageError."""
        return [Subscription(*row) for row in self._database.rows(f"{_SELECT} ORDER BY subscription_id")]


_SELECT = "SELECT subscription_id, protocol, endpoint, created_at FROM subscriptions WHERE removed_at IS NULL"


def checked_endpoint(protocol: str, endpoint: str) -> str:
    """The endpoint in its stored form. Raises: ConfigurationError, with what is expected."""
    check = _CHECKS.get(protocol)
    if check is None:
        raise ConfigurationError(f"'{protocol}' is not a protocol; choose one of {', '.join(_CHECKS)}")
    if any(ord(character) < 32 or ord(character) == 127 for character in endpoint):
        raise ConfigurationError("an endpoint must not contain control characters")
    return check(endpoint)


def _console(endpoint: str) -> str:
    if endpoint not in {"", "-", "stderr"}:
        raise ConfigurationError("the console takes no endpoint: alerts are lines on stderr")
    return "stderr"


def _file(endpoint: str) -> str:
    path = Path(endpoint).expanduser().absolute()
    if not endpoint or path.is_dir():
        raise ConfigurationError(f"'{endpoint}' is not a file; name one, such as alerts.jsonl")
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path} is {kind_of(path.stat().st_mode)}; name a file, such as alerts.jsonl")
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no directory {path.parent}; create it first")
    return str(path)


def _webhook(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or " " in endpoint or not endpoint.isascii():
        raise ConfigurationError("a webhook is an https or http URL in ASCII, such as https://example.com/hooks/dogs")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "a webhook's URL must not contain a user name or password: use a secret path or query instead"
        )
    return endpoint


def _email(endpoint: str) -> str:
    if len(endpoint) > 254 or not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", endpoint):
        raise ConfigurationError(f"'{endpoint}' is not an e-mail address, such as me@example.com")
    return endpoint


def _apprise(endpoint: str) -> str:
    import apprise

    if apprise.Apprise.instantiate(endpoint, suppress_exceptions=True) is None:
        raise ConfigurationError(
            f"Apprise does not know this URL: {masked('apprise', endpoint)}; its list of services has the forms"
        )
    return endpoint


_CHECKS: dict[str, Callable[[str], str]] = {
    "console": _console,
    "file": _file,
    "webhook": _webhook,
    "email": _email,
    "apprise": _apprise,
}
