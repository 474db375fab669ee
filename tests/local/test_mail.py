"""E-mail: whatever goes wrong is one clear line that says what to change."""

import socketserver
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pupline.local import TOPIC_ARN, Alert, unreadiness
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._mail import to_email
from tests.local.test_channels import serving
from tests.shared.self_signed import certificate_for

ALERT = Alert("1", "run-00001", "c", TOPIC_ARN, "PNG detected", "<b>a.png</b>", {"image_name": "a.png"}, 1.0)

DEFAULTS = {"EHLO": "250-dogs\r\n250 AUTH PLAIN", "AUTH": "235 ok", "DATA": "354 go"}


class Mail(socketserver.StreamRequestHandler):
    """An SMTP server that gives the server's `answers` to some verbs. An empty answer closes the connection."""

    def handle(self) -> None:
        """One session."""
        server: Any = self.server
        self.say("220 dogs.example")
        is_data = False
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if is_data:
                server.lines.append(line)
                is_data = line != "."
                if not is_data:
                    self.say("250 ok")
                continue
            verb = line.split(" ")[0].upper()
            answer = server.answers.get(verb, DEFAULTS.get(verb, "250 ok"))
            if not answer:
                return
            is_data = verb == "DATA" and answer.startswith("354")
            self.say(answer)

    def say(self, answer: str) -> None:
        """Answer."""
        self.wfile.write(f"{answer}\r\n".encode())


@pytest.fixture
def mail() -> Iterator[Any]:
    """The server; its `address` is host:port."""
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.answers, server.lines = {}, []
    with serving(server):
        server.address = f"127.0.0.1:{server.server_address[1]}"
        yield server


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            {"AUTH": "535 5.7.8 Bad credentials"},
            "does not accept the user or the password (535 5.7.8 Bad credentials); set PUPLINE_SMTP_URL",
        ),
        ({"MAIL": "550 not from you"}, "refuses the sender rex@127.0.0.1 (550 not from you); set PUPLINE_SMTP_FROM"),
        ({"DATA": "554 looks like \x1b[31mspam"}, "answered 554 looks like"),
        ({"EHLO": ""}, "closed the connection; if it expects TLS from the beginning, use smtps://"),
    ],
)
def test_a_servers_refusal_is_one_line(mail: Any, answers: dict[str, str], words: str) -> None:
    """With the server's own words, made printable, and the setting to look at."""
    mail.answers = answers
    environment = {"PUPLINE_SMTP_URL": f"smtp://rex@{mail.address}", "PUPLINE_SMTP_PASSWORD": "bone-1234"}
    with pytest.raises(DeliveryFailed) as caught:
        to_email(ALERT, "me@example.com", environment)
    text = str(caught.value)
    assert text.startswith(f"mail to me@example.com: {mail.address} ")
    assert words in text
    assert text.isprintable()
    assert "bone-1234" not in text
    assert not caught.value.permanent


def test_a_certificate_that_is_not_accepted_is_named(tmp_path: Path) -> None:
    """Not OpenSSL's words alone: which server's."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_for(x509.IPAddress(ip_address("127.0.0.1")), tmp_path))
    server: Any = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    server.answers, server.lines = {}, []
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        port = server.server_address[1]
        with pytest.raises(
            DeliveryFailed, match=rf"the certificate of 127\.0\.0\.1:{port} is not accepted: self.signed"
        ):
            to_email(ALERT, "me@example.com", {"PUPLINE_SMTP_URL": f"smtps://127.0.0.1:{port}"})


def test_a_server_without_tls_is_told_from_one_with(mail: Any) -> None:
    """smtps:// at a port that expects STARTTLS, which is the usual mistake."""
    with pytest.raises(DeliveryFailed, match=r"no TLS with .*; if it offers STARTTLS, use smtp://"):
        to_email(ALERT, "me@example.com", {"PUPLINE_SMTP_URL": f"smtps://{mail.address}"})


def test_a_password_in_the_url_is_taken(mail: Any) -> None:
    """Some keep it there; the variable is the stronger."""
    to_email(ALERT, "me@example.com", {"PUPLINE_SMTP_URL": f"smtp://rex:b%40ne@{mail.address}"})
    assert "<b>a.png</b>" in mail.lines
    assert any("text/plain" in line for line in mail.lines)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "PUPLINE_SMTP_URL is not set; it has the form smtp://user@host:port"),
        ({"PUPLINE_SMTP_URL": "mail.example.com"}, "PUPLINE_SMTP_URL is not the URL of an SMTP server"),
        ({"PUPLINE_SMTP_URL": "smtp://h:x"}, "PUPLINE_SMTP_URL is not a valid URL"),
        ({"PUPLINE_SMTP_URL": "smtp://h", "PUPLINE_SMTP_FROM": "a\nb@c"}, "PUPLINE_SMTP_FROM is not an e-mail address"),
        (
            {"PUPLINE_SMTP_URL": "smtp://rex@mail.example"},
            "PUPLINE_SMTP_PASSWORD is not set, so that rex cannot log in",
        ),
        ({"PUPLINE_SMTP_URL": "smtp://rex@localhost"}, None),
        ({"PUPLINE_SMTP_URL": "smtp://mail.example"}, None),
        ({"PUPLINE_SMTP_URL": "smtps://rex@mail.example", "PUPLINE_SMTP_PASSWORD": "x"}, None),
    ],
)
def test_settings_that_are_missing_are_seen_before_an_alert(environment: dict[str, str], words: str | None) -> None:
    """Which variable, and its form."""
    found = unreadiness("email", "me@example.com", environment)
    assert (found is None) == (words is None)
    if found is not None and words is not None:
        assert words in found.problem
        assert found.next_step.startswith("export PUPLINE_SMTP_")


def test_a_file_that_cannot_be_written_is_seen_before_an_alert(tmp_path: Path) -> None:
    """A directory that is gone, or something else in the file's place; one that is absent will be created."""
    assert unreadiness("file", str(tmp_path / "alerts.jsonl")) is None
    assert "there is no directory" in str(unreadiness("file", str(tmp_path / "gone" / "alerts.jsonl")))
    assert "is a directory, not a file" in str(unreadiness("file", str(tmp_path)))
    assert unreadiness("console", "stderr") is None


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on old Pythons
def test_an_unknown_service_is_seen_before_an_alert() -> None:
    """Without its URL, which is a secret."""
    found = unreadiness("apprise", "nosuch://token-1234/secret-5678")
    assert found is not None
    assert "does not know nosuch://***" in found.problem
    assert "secret" not in found.problem
