"""`pupline serve`: what is refused before anything is opened, and the line that says where the console is."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import click
import pytest

from pupline.cli._console import _say_ready, serve
from pupline.console import ConsoleSettings
from pupline.errors import ConfigurationError


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (["--host", "0.0.0.0"], ConfigurationError, "give a token"),  # noqa: S104 - it is refused
        (["--host", "192.168.1.5"], ConfigurationError, "give a token"),
        (["--stack", "dogs"], ConfigurationError, "go together"),
        (["--backend", "aws"], ConfigurationError, "go together"),
        (["--count", "3"], ConfigurationError, "--every"),
        (["--source", "sample"], ConfigurationError, "--every"),
        (["--every", "1h", "--backend", "aws", "--stack", "dogs"], ConfigurationError, "EventBridge Scheduler"),
        (["--every", "soon"], click.BadParameter, "write 30m, 1h or 1d"),
        (["--every", "0s"], click.BadParameter, "write 30m, 1h or 1d"),
        (["--port", "70000"], click.BadParameter, "70000"),
        (["--token-file", "no-such-file"], ConfigurationError, "No such file"),
        (["--token-file", "/dev/null"], ConfigurationError, "openssl rand"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, words: list[str], error: type[Exception], text: str
) -> None:
    """In one line; nothing is created."""
    with pytest.raises(error, match=text):
        serve.main([*words, "--data", str(tmp_path / "data")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it opens anything."""
    monkeypatch.setattr("pupline.cli._console._PACKAGES", ("fastapi", "a_package_that_is_missing"))
    with pytest.raises(ConfigurationError, match=r"pip install 'pupline\[console\]'"):
        serve.main(["--data", str(tmp_path / "data")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_the_browser_is_opened_at_the_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the line that says where it is."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    settings = ConsoleSettings(data_dir=Path("data"))
    _say_ready("http://127.0.0.1:9/", settings, opens=True, as_json=False)
    assert capsys.readouterr().out == "Console: http://127.0.0.1:9/\n"
    assert opened == ["http://127.0.0.1:9/"]
    _say_ready("http://127.0.0.1:9/", ConsoleSettings(data_dir=Path("data"), stack="s"), opens=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"url": "http://127.0.0.1:9/", "can_write": False, "stack": "s"}
    assert len(opened) == 1


@pytest.mark.slow
def test_the_console_answers_until_it_is_interrupted(tmp_path: Path) -> None:
    """From the line on, in a directory that it makes; it ends with 0, and at once."""
    command = [sys.executable, "-m", "pupline", "serve", "--port", "0", "--json", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["url"], timeout=20) as page:  # noqa: S310 - our own
            assert page.status == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "pupline: stopped\n")
    assert (tmp_path / "data" / "pupline.sqlite").exists()
