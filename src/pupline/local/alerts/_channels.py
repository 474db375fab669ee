"""Sends one alert to one endpoint. Each channel raises DeliveryFailed, and takes a bounded time.

A delivery is repeated when pupline is killed between sending and recording it, so every channel sends the message id,
by which a receiver can drop the second one.
"""

import json
import os
import re
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pupline import __version__
from pupline.files import fsync_directory
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._topic import Alert, masked
from pupline.local.data_dir import kind_of
from pupline.text import printable, timestamp

if TYPE_CHECKING:
    from http.client import HTTPConnection

_CONNECT_SECONDS = 10.0
_TOTAL_SECONDS = 30.0
_MENTION = re.compile(r"@|<(?=[!@#&])")
_TOKEN = re.compile(r"[^/?&=:@]{6,}")

Channel = Callable[[Alert, str], None]


def notification(alert: Alert) -> dict[str, Any]:
    """The alert as SNS posts it, unsigned (developer guide, "HTTP/HTTPS notification JSON format")."""
    fields: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": alert.message_id,
        "TopicArn": alert.topic,
        "Subject": alert.subject,
        "Message": alert.message,
        "Timestamp": timestamp(alert.published_at),
        "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in alert.attributes.items()},
    }
    return {name: value for name, value in fields.items() if value is not None}


def to_console(alert: Alert, _endpoint: str) -> None:
    """One line on stderr, without control sequences."""
    print(f"ALERT {printable(alert.message)}", file=sys.stderr, flush=True)  # noqa: T201 - this is the console


def to_file(alert: Alert, endpoint: str) -> None:
    """One line of JSON at the end of the file, on the disk when this returns.

    Anything but a plain file is refused: a pipe could block the delivery forever.
    """
    line = json.dumps(notification(alert)).encode() + b"\n"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(endpoint, flags, 0o666)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise DeliveryFailed(f"{endpoint} is {kind_of(found.st_mode)}, not a file: move it away")
        with open(descriptor, "a+b") as file:  # noqa: PTH123 - a descriptor
            if found.st_size and os.pread(descriptor, 1, found.st_size - 1) != b"\n":
                line = b"\n" + line  # keeps apart from a line that a crash or a full disk cut short
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if not found.st_size:
            _sync_name(endpoint)
    except OSError as err:
        raise DeliveryFailed(f"{endpoint}: {err.strerror}") from err


def _sync_name(path: str) -> None:
    """Put the name of a new file on the disk, in a directory that may be read."""
    with suppress(PermissionError):
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120 - its name is text
        try:
            fsync_directory(folder)
        finally:
            os.close(folder)


def to_webhook(alert: Alert, endpoint: str) -> None:
    """A POST; 2xx is success. Redirects are not followed: the user named this URL only."""
    import http.client

    body = json.dumps(notification(alert)).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"pupline/{__version__}",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": alert.message_id,
        "x-amz-sns-topic-arn": alert.topic,
    }
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_CONNECT_SECONDS)
    try:
        with _deadline(connection):
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as err:
        raise DeliveryFailed(f"{masked('webhook', endpoint)}: {err or type(err).__name__}") from err
    finally:
        connection.close()
    if not 200 <= status < 300:
        is_temporary = status >= 500 or status in {408, 425, 429}
        raise DeliveryFailed(f"{masked('webhook', endpoint)} answered {status}", permanent=not is_temporary)


def to_apprise(alert: Alert, endpoint: str) -> None:
    """The service that the Apprise URL names."""
    import apprise

    service = apprise.Apprise()
    if not service.add(endpoint):
        raise DeliveryFailed(f"Apprise does not know {masked('apprise', endpoint)}")
    body = _without_mentions(f"{alert.message}\n\nmessage_id: {alert.message_id}")
    title = alert.subject or "pupline alert"
    result = service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
    if not result:
        said = [entry.message for entry in result.logs()] if hasattr(result, "logs") else []  # not before Apprise 2
        why = printable(_scrubbed(said[-1], endpoint), 200) if said else "Apprise could not deliver it"
        raise DeliveryFailed(f"{masked('apprise', endpoint)}: {why}")


def _without_mentions(text: str) -> str:
    """The text, in which no chat service sees a mention: an image's name must not call everyone in a channel."""
    return _MENTION.sub("\\g<0>\u200b", text)


def _scrubbed(text: str, endpoint: str) -> str:
    """What a library says, without the tokens that stand in the URL."""
    for secret in sorted(_TOKEN.findall(endpoint.partition("://")[2]), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _to_email(alert: Alert, endpoint: str) -> None:
    """A message to an address; the libraries for mail are imported for it."""
    from pupline.local.alerts._mail import to_email

    to_email(alert, endpoint)


CHANNELS: dict[str, Channel] = {
    "console": to_console,
    "file": to_file,
    "webhook": to_webhook,
    "email": _to_email,
    "apprise": to_apprise,
}


@contextmanager
def _deadline(connection: "HTTPConnection") -> Iterator[None]:
    """Bound the whole exchange: the socket's time-out is per read, and a slow drip never reaches it."""

    def hang_up() -> None:
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_TOTAL_SECONDS, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
