"""`pupline serve`: the console in a browser."""

import importlib.util
import os
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option, with_options
from pupline.cli._output import message, print_json
from pupline.errors import ConfigurationError
from pupline.text import printable, seconds_named

if TYPE_CHECKING:
    from pupline.console import ConsoleSettings

TOKEN_VARIABLE = "PUPLINE_CONSOLE_TOKEN"  # noqa: S105 - a name
_MAX_TOKEN_BYTES = 4096
_PACKAGES = ("fastapi", "jinja2", "uvicorn")

_EPILOG = """\b
Examples:
  pupline serve
  pupline serve --open
  pupline serve --every 1h --count 10
  pupline serve --backend aws --stack dogs
  pupline serve --host 0.0.0.0 --token-file token --allow-host dogs.example

Other machines reach the console only with --host and a token, which reading needs too. The connection is not
encrypted: put a server with TLS in front of it where the network is not yours.
"""


def _address_options(command: Callable[..., int]) -> Callable[..., int]:
    """Where to listen, and who may use it."""
    return with_options(
        command,
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
        click.option("--port", type=click.IntRange(0, 65535), default=8084, show_default=True, help="0: a free port."),
        click.option(
            "--allow-host",
            "allowed_hosts",
            multiple=True,
            metavar="NAME",
            help="Another name that browsers use for this console. May be repeated.",
        ),
        click.option(
            "--token-file",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=f"A file with the token that browsers must show (or {TOKEN_VARIABLE}).",
        ),
    )


def _acting_options(command: Callable[..., int]) -> Callable[..., int]:
    """What the console does in addition to showing pages."""
    return with_options(
        command,
        click.option(
            "--allow-writes/--read-only",
            "allow_writes",
            default=None,
            help="Whether pages can act. [default: yes on this machine, no on a stack]",
        ),
        click.option(
            "--every",
            metavar="TIME",
            callback=_every,
            help="Start a run so often, such as 30m, 1h or 1d. [default: no]",
        ),
        click.option("--count", type=click.IntRange(min=1), help="With --every: images of each run. [default: 1]"),
        click.option("--source", metavar="S", help="With --every: where from, as in run. [default: dog-ceo]"),
    )


def _every(_context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    seconds = seconds_named(value.strip())
    if seconds is None or seconds < 1:
        raise click.BadParameter(f"{printable(value, 40)!r} is not a duration; write 30m, 1h or 1d", param=option)
    return seconds


@click.command(cls=Command, epilog=_EPILOG)
@_address_options
@_acting_options
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--stack", help="With --backend aws: the CloudFormation stack's name.")
@click.option(
    "--backend",
    type=click.Choice(["local", "aws"]),
    default="local",
    show_default=True,
    help="This machine's data directory, or a deployed stack.",
)
@data_option
@json_option
def serve(
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    token_file: Path | None,
    allow_writes: bool | None,
    every: float | None,
    count: int | None,
    source: str | None,
    opens: bool,
    stack: str | None,
    backend: str,
    data_dir: Path,
    as_json: bool,
) -> int:
    """Show executions, images, records and alerts in a browser, and act on them there.

    The console only reads the data directory, also while other commands work in it. What is started on a page runs as
    a command of its own. Ends on Ctrl-C or SIGTERM.
    """
    if (backend == "aws") != (stack is not None):
        raise ConfigurationError("--backend aws and --stack NAME go together")
    for option, value in (("--count", count), ("--source", source)):
        if value is not None and every is None:
            raise ConfigurationError(f"{option} goes with --every")
    if every is not None and stack is not None:
        raise ConfigurationError(
            "--every is for this machine; a stack is scheduled by EventBridge Scheduler: deploy it with"
            " ScheduleState=ENABLED"
        )
    _require_extra()
    from pupline.console import ConsoleSettings
    from pupline.console import serve as serve_console

    settings = ConsoleSettings(
        data_dir=data_dir,
        stack=stack,
        allow_writes=allow_writes,
        host="127.0.0.1" if host == "localhost" else host,
        port=port,
        allowed_hosts=allowed_hosts,
        token=_token(token_file),
        every=every,
        count=count,
        source=source,
    )
    serve_console(settings, lambda url: _say_ready(url, settings, opens=opens, as_json=as_json))
    message("pupline: stopped")
    return 0


def _token(file: Path | None) -> str | None:
    """The token of the file or of the environment. Raises: ConfigurationError."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_TOKEN_BYTES).decode("utf-8", "replace")
    except OSError as err:
        raise ConfigurationError(f"--token-file {printable(str(file), 100)}: {err.strerror}") from err


def _require_extra() -> None:
    """Raises: ConfigurationError where the packages of the console are missing."""
    if any(importlib.util.find_spec(name) is None for name in _PACKAGES):
        raise ConfigurationError("the console needs packages that are not installed: pip install 'pupline[console]'")


def _say_ready(url: str, settings: "ConsoleSettings", *, opens: bool, as_json: bool) -> None:
    if as_json:
        place = {"stack": settings.stack} if settings.stack is not None else {"data": str(settings.data_dir)}
        print_json({"url": url, "can_write": settings.can_write, **place})
    else:
        click.echo(f"Console: {url}")
    if opens:
        webbrowser.open(url)
