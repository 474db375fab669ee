"""Alerts by e-mail, through the SMTP server that the environment names.

`PUPLINE_SMTP_URL`: `smtp://user@host:port`, or `smtps://` for TLS from the beginning. `PUPLINE_SMTP_PASSWORD`: of the
user. `PUPLINE_SMTP_FROM`: the sender, by default the user.
"""

import os
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._topic import Alert
from pupline.text import printable

URL, PASSWORD, SENDER = "PUPLINE_SMTP_URL", "PUPLINE_SMTP_PASSWORD", "PUPLINE_SMTP_FROM"

_READ_SECONDS = 10.0
_TOTAL_SECONDS = 30.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_FORM = "it has the form smtp://user@host:port, or smtps://user@host:port"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server. starts_with_tls: smtps. user, password: None to send without logging in."""

    host: str
    port: int
    starts_with_tls: bool
    user: str | None
    password: str | None
    sender: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "MailServer":
        """The server that the variables name. Raises: DeliveryFailed, with the variable to set."""
        text = environment.get(URL, "")
        if not text:
            raise DeliveryFailed(f"{URL} is not set; {_FORM}")
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError as err:
            raise DeliveryFailed(f"{URL} is not a valid URL; {_FORM}") from err
        if url.scheme not in {"smtp", "smtps"} or not url.hostname:
            raise DeliveryFailed(f"{URL} is not the URL of an SMTP server; {_FORM}")
        user = unquote(url.username) if url.username else None
        password = environment.get(PASSWORD) or (unquote(url.password) if url.password else None)
        sender = environment.get(SENDER) or (user if user and "@" in user else f"{user or 'pupline'}@{url.hostname}")
        if not sender.isprintable() or "@" not in sender:
            raise DeliveryFailed(f"{SENDER} is not an e-mail address, such as pupline@example.com")
        starts_with_tls = url.scheme == "smtps"
        return cls(url.hostname, port or (465 if starts_with_tls else 587), starts_with_tls, user, password, sender)

    @property
    def where(self) -> str:
        """The server, for messages."""
        return printable(f"{self.host}:{self.port}")

    def shortage(self) -> str | None:
        """What is probably forgotten, in words for people; None where nothing is."""
        if self.user is not None and self.password is None and self.host not in _LOOPBACK:
            return f"{PASSWORD} is not set, so that {printable(self.user, 100)} cannot log in to {self.where}"
        return None


def to_email(alert: Alert, endpoint: str, environment: Mapping[str, str] = os.environ) -> None:
    """A message to the address `endpoint`.

    STARTTLS is used where the server offers it; a password is never sent to another machine unencrypted.
    """
    server = MailServer.of(environment)
    message = EmailMessage()
    message["From"] = server.sender
    message["To"] = endpoint
    message["Subject"] = alert.subject or "pupline alert"
    message["Message-ID"] = f"<{alert.message_id}@pupline>"
    lines = [alert.message, "", *(f"{name}: {value}" for name, value in alert.attributes.items())]
    message.set_content("\n".join([*lines, "", f"message_id: {alert.message_id}"]))
    try:
        with _session(server) as session:
            session.send_message(message)
    except smtplib.SMTPRecipientsRefused as err:
        raise DeliveryFailed(f"the mail server refuses {endpoint}", permanent=True) from err
    except (OSError, smtplib.SMTPException) as err:
        raise DeliveryFailed(f"mail to {endpoint}: {_words(err, server)}") from err


@contextmanager
def _session(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A session that is logged in, and bounded in time: the socket's time-out is per read."""
    tls = ssl.create_default_context()
    if server.starts_with_tls:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_READ_SECONDS, context=tls)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=_READ_SECONDS)

    def hang_up() -> None:
        if smtp.sock is not None:
            smtp.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_TOTAL_SECONDS, hang_up)
    timer.daemon = True
    timer.start()
    try:
        smtp.ehlo()
        is_encrypted = server.starts_with_tls
        if not is_encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
            is_encrypted = True
        if server.user is not None and server.password is not None:
            if not is_encrypted and server.host not in _LOOPBACK:
                raise smtplib.SMTPException(f"{server.host} offers no encryption: the password is not sent")
            smtp.login(server.user, server.password)
        yield smtp
    finally:
        timer.cancel()
        with suppress(OSError, smtplib.SMTPException):  # what was accepted is accepted, however the session ends
            smtp.quit()
        smtp.close()


def _words(err: Exception, server: MailServer) -> str:
    """What went wrong and what to change, in one line."""
    where = server.where
    match err:
        case smtplib.SMTPAuthenticationError():
            return f"{where} does not accept the user or the password ({_answer(err)}); set {URL} and {PASSWORD}"
        case smtplib.SMTPSenderRefused():
            return f"{where} refuses the sender {printable(server.sender, 100)} ({_answer(err)}); set {SENDER}"
        case smtplib.SMTPResponseException():
            return f"{where} answered {_answer(err)}"
        case smtplib.SMTPServerDisconnected():
            hint = "" if server.starts_with_tls else "; if it expects TLS from the beginning, use smtps:// "
            return f"{where} closed the connection{hint.rstrip()}"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {where} is not accepted: {err.verify_message}"
        case ssl.SSLError():
            return f"no TLS with {where} ({err.reason or err}); if it offers STARTTLS, use smtp://"
        case TimeoutError():
            return f"{where} did not answer in time"
        case OSError():
            return f"{where} cannot be reached: {err.strerror or err}"
    return printable(str(err), 200)


def _answer(err: smtplib.SMTPResponseException) -> str:
    text = err.smtp_error.decode("utf-8", "replace") if isinstance(err.smtp_error, bytes) else str(err.smtp_error)
    return f"{err.smtp_code} {printable(' '.join(text.split()), 150)}"
