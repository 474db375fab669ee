"""`pupline serve`: the console in a browser."""

import importlib.util
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option
from pupline.cli._output import message, print_json
from pupline.errors import ConfigurationError

if TYPE_CHECKING:
    from pupline.console import ConsoleSettings

_EPILOG = """\b
Examples:
  pupline serve
  pupline serve --open
  pupline serve --backend aws --stack dogs
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8084, show_default=True, help="0: a free port.")
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
def serve(host: str, port: int, opens: bool, stack: str | None, backend: str, data_dir: Path, as_json: bool) -> int:
    """Show executions, images, records and alerts in a browser, and act on them there.

    The console reads the data directory, also while other commands work in it. Ends on Ctrl-C or SIGTERM.
    """
    if (backend == "aws") != (stack is not None):
        raise ConfigurationError("--backend aws and --stack NAME go together")
    _require_extra()
    from pupline.console import ConsoleSettings
    from pupline.console import serve as serve_console

    settings = ConsoleSettings(
        data_dir=data_dir, stack=stack, host="127.0.0.1" if host == "localhost" else host, port=port
    )
    serve_console(settings, lambda url: _say_ready(url, settings, opens=opens, as_json=as_json))
    message("pupline: stopped")
    return 0


def _require_extra() -> None:
    missing = [name for name in ("fastapi", "jinja2", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError("the console needs packages that are not installed: pip install 'pupline[console]'")


def _say_ready(url: str, settings: "ConsoleSettings", *, opens: bool, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "data": str(settings.data_dir), "stack": settings.stack})
    else:
        click.echo(f"Console: {url}")
    if opens:
        webbrowser.open(url)
