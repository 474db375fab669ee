"""The channels, against real servers on 127.0.0.1."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pupline.local import TOPIC_ARN, Alert
from pupline.local.alerts import _channels as channels
from pupline.local.alerts import _mail as mail_channel
from pupline.local.alerts._channels import to_apprise, to_console, to_file, to_webhook
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._mail import to_email

ALERT = Alert(
    message_id="8c1d3f6e-0000-5000-8000-000000000001",
    execution="run-00001",
    command_id="Publish@1#0",
    topic=TOPIC_ARN,
    subject="PNG detected",
    message="A PNG file was detected and processed: a\x1b[31m.png",
    attributes={"image_name": "a.png", "file_type": "png"},
    published_at=1_767_323_045.0,
)
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": ALERT.message_id,
    "TopicArn": TOPIC_ARN,
    "Subject": "PNG detected",
    "Message": ALERT.message,
    "Timestamp": "2026-01-02T03:04:05.000Z",
    "MessageAttributes": {
        "image_name": {"Type": "String", "Value": "a.png"},
        "file_type": {"Type": "String", "Value": "png"},
    },
}


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[str]:
    """`127.0.0.1:PORT` of the server, while it runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Hook(BaseHTTPRequestHandler):
    """Notes each request; answers with the server's `status`, or drips for ever when that is 0."""

    def do_POST(self) -> None:
        """Answer one request."""
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.requests.append((self.path, dict(self.headers), body))
        if server.status:
            self.send_response(server.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            server.released.wait(10)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[Any]:
    """A web server that takes notifications; its `address` is host:port."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.requests, server.status, server.released = [], 200, threading.Event()
    with serving(server) as address:
        server.address = address
        yield server
        server.released.set()


def test_a_webhook_gets_the_notification_of_sns(hook: Any) -> None:
    """One POST of JSON in SNS's shape; the message id is in the body and in a header."""
    to_webhook(ALERT, f"http://{hook.address}/dogs?key=1")
    [(path, headers, body)] = hook.requests
    assert (path, json.loads(body)) == ("/dogs?key=1", NOTIFICATION)
    assert headers["x-amz-sns-message-id"] == ALERT.message_id
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["User-Agent"].startswith("pupline/")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(204, None), (301, True), (400, True), (404, True), (408, False), (429, False), (503, False)],
)
def test_a_webhooks_status_decides(hook: Any, status: int, permanent: bool | None) -> None:
    """2xx is delivered; what may pass is tried again; what will not is final. Redirects are not followed."""
    hook.status = status
    if permanent is None:
        to_webhook(ALERT, f"http://{hook.address}/")
    else:
        with pytest.raises(DeliveryFailed, match=f"answered {status}") as failed:
            to_webhook(ALERT, f"http://{hook.address}/secret")
        assert failed.value.permanent is permanent
        assert "secret" not in str(failed.value)
    assert len(hook.requests) == 1


def test_a_webhook_that_never_answers_is_left(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole exchange has a deadline."""
    monkeypatch.setattr(channels, "_TOTAL_SECONDS", 0.05)
    hook.status = 0
    with pytest.raises(DeliveryFailed):
        to_webhook(ALERT, f"http://{hook.address}/")


def test_a_webhook_that_is_not_there_is_a_failure() -> None:
    """A refused connection is a DeliveryFailed that may pass."""
    with pytest.raises(DeliveryFailed, match="refused") as failed:
        to_webhook(ALERT, "http://127.0.0.1:9/")
    assert not failed.value.permanent


def test_a_file_gets_one_line_for_each_alert(tmp_path: Path) -> None:
    """JSON Lines: appended, each line whole."""
    path = tmp_path / "alerts.jsonl"
    to_file(ALERT, str(path))
    to_file(ALERT, str(path))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [NOTIFICATION] * 2


def test_a_line_cut_short_stays_alone(tmp_path: Path) -> None:
    """After a crash in the middle of a line, the next alert begins on a line of its own."""
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"Type": "Notif')
    to_file(ALERT, str(path))
    assert json.loads(path.read_text().splitlines()[1]) == NOTIFICATION


def test_a_file_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """The failure names the file."""
    with pytest.raises(DeliveryFailed, match=r"gone/alerts\.jsonl: No such file"):
        to_file(ALERT, str(tmp_path / "gone" / "alerts.jsonl"))


def test_the_console_gets_a_line_that_a_terminal_does_not_obey(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences from outside are shown, not carried out; stdout stays clean."""
    to_console(ALERT, "stderr")
    assert capsys.readouterr() == ("", "ALERT A PNG file was detected and processed: a\\x1b[31m.png\n")


class Mail(socketserver.StreamRequestHandler):
    """As much of an SMTP server as a message needs."""

    def handle(self) -> None:
        """One session."""
        server: Any = self.server
        self.say("220 dogs.example")
        lines: list[str] = []
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-dogs.example", "250 AUTH PLAIN")
            elif verb == "AUTH":
                server.auth.append(line)
                self.say("235 ok")
            elif verb == "RCPT" and server.refuse:
                self.say("550 no such dog")
            elif verb == "DATA":
                self.say("354 go on")
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                server.messages.append("\n".join(lines))
                self.say("250 ok")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, *lines: str) -> None:
        """Answer."""
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture
def mail() -> Iterator[Any]:
    """An SMTP server; its `address` is host:port."""
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.messages, server.auth, server.refuse = [], [], False
    with serving(server) as address:
        server.address = address
        yield server


def test_an_email_holds_the_alert_and_its_id(mail: Any) -> None:
    """Subject, message, attributes; the message id in a header and in the text; user and password from the settings."""
    environment = {"PUPLINE_SMTP_URL": f"smtp://rex@{mail.address}", "PUPLINE_SMTP_PASSWORD": "bone"}
    to_email(ALERT, "me@example.com", environment)
    [message] = mail.messages
    assert "To: me@example.com\n" in message
    assert "From: rex@127.0.0.1\n" in message
    assert "Subject: PNG detected\n" in message
    assert f"Message-ID: <{ALERT.message_id}@pupline>" in message
    assert "image_name: a.png" in message
    assert len(mail.auth) == 1


def test_a_refused_recipient_is_final(mail: Any) -> None:
    """The server's no to an address is not asked for again."""
    mail.refuse = True
    with pytest.raises(DeliveryFailed, match=r"refuses me@example\.com") as failed:
        to_email(ALERT, "me@example.com", {"PUPLINE_SMTP_URL": f"smtp://{mail.address}"})
    assert failed.value.permanent


def test_mail_without_a_server_says_what_is_missing() -> None:
    """The failure names the setting and its form."""
    with pytest.raises(DeliveryFailed, match="PUPLINE_SMTP_URL is not set; it has the form smtp://"):
        to_email(ALERT, "me@example.com", {})
    with pytest.raises(DeliveryFailed, match=r"mail to me@example\.com"):
        to_email(ALERT, "me@example.com", {"PUPLINE_SMTP_URL": "smtp://127.0.0.1:9"})


def test_a_password_stays_here_when_the_line_is_open(mail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To another machine than this one, a password goes only through TLS."""
    monkeypatch.setattr(mail_channel, "_LOOPBACK", set())
    environment = {"PUPLINE_SMTP_URL": f"smtp://rex@{mail.address}", "PUPLINE_SMTP_PASSWORD": "bone"}
    with pytest.raises(DeliveryFailed, match="offers no encryption"):
        to_email(ALERT, "me@example.com", environment)
    assert (mail.auth, mail.messages) == ([], [])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on old Pythons
def test_an_apprise_url_is_notified(hook: Any) -> None:
    """Apprise posts the alert to the service that the URL names; a failure hides the URL."""
    to_apprise(ALERT, f"json://{hook.address}/token")
    [(_, _, body)] = hook.requests
    assert json.loads(body)["title"] == "PNG detected"
    hook.status = 500
    with pytest.raises(DeliveryFailed, match=r"json://\*\*\*: .*error=500") as failed:
        to_apprise(ALERT, f"json://{hook.address}/token-1234")
    assert "token-1234" not in str(failed.value)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on old Pythons
def test_a_name_mentions_nobody(hook: Any) -> None:
    """An image may be called @everyone; a chat service must not take that for a call."""
    to_apprise(replace(ALERT, message="processed: @everyone.png <!channel> <@U1> <3"), f"json://{hook.address}")
    [(_, _, body)] = hook.requests
    text = json.loads(body)["message"]
    assert "@everyone" not in text
    assert "<!" not in text
    assert "<@" not in text
    assert "<3" in text
