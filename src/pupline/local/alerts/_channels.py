"""Sends one alert to one endpoint. Each channel raises DeliveryFailed, and takes a bounded time.

A delivery is repeated when pupline is killed between sending and recording it, so every channel sends the message id,
by which a receiver can drop the second one.
"""

import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from pupline import __version__
from pupline.local.alerts._topic import Alert, masked
from pupline.local.data_dir import kind_of
from pupline.text import printable, timestamp

if TYPE_CHECKING:
    import smtplib
    from http.client import HTTPConnection

_CONNECT_SECONDS = 10.0
_TOTAL_SECONDS = 30.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Channel = Callable[[Alert, str], None]


class DeliveryFailed(Exception):
    """The alert was not delivered. permanent: another attempt would have the same result."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


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
    except OSError as err:
        raise DeliveryFailed(f"{endpoint}: {err.strerror}") from err


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


def to_email(alert: Alert, endpoint: str, environment: Mapping[str, str] = os.environ) -> None:
    """A message through `PUPLINE_SMTP_URL` (`smtp://user@host:port`, or `smtps://`).

    The password is `PUPLINE_SMTP_PASSWORD`. STARTTLS is used where the server offers it; a password is never sent to
    another machine unencrypted. The sender is `PUPLINE_SMTP_FROM`, or the user of the URL.
    """
    import smtplib
    from email.message import EmailMessage

    url = urlsplit(environment.get("PUPLINE_SMTP_URL", ""))
    if url.scheme not in {"smtp", "smtps"} or not url.hostname:
        raise DeliveryFailed("PUPLINE_SMTP_URL is not set; it has the form smtp://user@host:port")
    message = EmailMessage()
    user = unquote(url.username or "pupline")
    message["From"] = environment.get("PUPLINE_SMTP_FROM") or (user if "@" in user else f"{user}@{url.hostname}")
    message["To"] = endpoint
    message["Subject"] = alert.subject or "pupline alert"
    message["Message-ID"] = f"<{alert.message_id}@pupline>"
    lines = [alert.message, "", *(f"{name}: {value}" for name, value in alert.attributes.items())]
    message.set_content("\n".join([*lines, "", f"message_id: {alert.message_id}"]))
    try:
        with _smtp(url, environment.get("PUPLINE_SMTP_PASSWORD")) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as err:
        raise DeliveryFailed(f"the mail server refuses {endpoint}", permanent=True) from err
    except (OSError, smtplib.SMTPException) as err:
        raise DeliveryFailed(f"mail to {endpoint}: {err}") from err


def to_apprise(alert: Alert, endpoint: str) -> None:
    """The service that the Apprise URL names."""
    import apprise

    service = apprise.Apprise()
    service.add(endpoint)
    body = f"{alert.message}\n\nmessage_id: {alert.message_id}"
    if not service.notify(title=alert.subject or "pupline alert", body=body):
        raise DeliveryFailed(f"{masked('apprise', endpoint)}: Apprise could not deliver it")


CHANNELS: dict[str, Channel] = {
    "console": to_console,
    "file": to_file,
    "webhook": to_webhook,
    "email": to_email,
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


@contextmanager
def _smtp(url: SplitResult, password: str | None) -> Iterator["smtplib.SMTP"]:
    import smtplib
    import ssl

    host, tls = url.hostname or "", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=_CONNECT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, url.port or 587, timeout=_CONNECT_SECONDS)
    with server:
        server.ehlo()
        encrypted = url.scheme == "smtps"
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=tls)
            encrypted = True
        if url.username and password is not None:
            if not encrypted and host not in _LOOPBACK:
                raise smtplib.SMTPException(f"{host} offers no encryption: the password is not sent; use smtps://")
            server.login(unquote(url.username), password)
        yield server
