"""Options that several commands have, each defined once."""

import errno
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pupline.text import printable
from pupline.workflow_files import FILES

if TYPE_CHECKING:
    from pupline.http import Proxy

_Command = TypeVar("_Command", bound=Callable[..., Any])

_NAMED = 5
"""Placeholders that a message names."""

_NAME_LENGTH = 64
"""Characters of the longest name that pupline creates in a data directory."""


class _Directory(click.Path):
    """A directory. An empty text is refused: it is a shell variable that was not set."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if not str(value):
            self.fail("it is empty; name a directory", param, ctx)
        path = _expanded(value)
        try:
            path.absolute()
        except OSError as err:
            self.fail(f"the working directory is gone ({err.strerror}); cd to one that is there", param, ctx)
        try:
            (path / ("x" * _NAME_LENGTH)).lstat()
        except OSError as err:  # the command reports a directory that is absent or not readable
            if err.errno == errno.ENAMETOOLONG:
                self.fail("it is longer than the system allows; give a shorter path", param, ctx)
        return super().convert(path, param, ctx)


def _expanded(value: "str | os.PathLike[str]") -> Path:
    """The path, with its `~` replaced, which shells do not do in `--data=~/dogs`, nor readers of .env files."""
    try:
        return Path(value).expanduser()
    except RuntimeError:  # of an unknown user: the name of a directory
        return Path(value)


def _proxy(_context: click.Context, _option: click.Parameter, value: str | None) -> "Proxy | None":
    if not value:
        return None
    from pupline.http import Proxy

    return Proxy.parse(value)


proxy_option = click.option(
    "--proxy",
    envvar="PUPLINE_PROXY",
    metavar="URL",
    callback=_proxy,
    help="HTTP proxy, such as http://proxy:3128 (or PUPLINE_PROXY); it resolves host names.",
)
"""The command gets a Proxy, or None."""

concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Executions that run at the same time.",
)
"""Of executions; `ingest` has one of its own."""

contact_option = click.option(
    "--contact", envvar="PUPLINE_CONTACT", help="Address for the User-Agent (or PUPLINE_CONTACT)."
)
delimiter_option = click.option(
    "--delimiter", metavar="C", help="Between the cells of a CSV list: a character, tab, none. [default: detected]"
)


def _pairs(option: click.Parameter, values: tuple[str, ...], example: str) -> dict[str, str]:
    """The values of an option that is given as NAME=VALUE, by name."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{printable(name, 40)!r}: write NAME=VALUE, such as {example}", param=option)
        if found.setdefault(name, text) != text:
            raise click.BadParameter(f"{printable(name, 40)} is given twice, with different values", param=option)
    return found


def _params(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    return _pairs(option, values, "q=beagle")


param_option = click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_params,
    help="Replace a param of the source, such as q=beagle. May be repeated.",
)
"""The command gets them as a dict, by name."""


def _substitutions(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    return _pairs(option, values, "TableName=orders")


substitution_option = click.option(
    "--substitution",
    "substitutions",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_substitutions,
    help="Fill in the placeholder ${NAME}. May be repeated.",
)
"""The command gets them as a dict, by name."""


def values_needed(names: Sequence[str]) -> str:
    """What to do about placeholders without which a machine cannot run."""
    options = " ".join(f"--substitution {printable(shlex.quote(name))}=VALUE" for name in names[:_NAMED])
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the placeholder ${{{printable(names[0])}}} needs a value; add {options}{more}"


def with_options(command: _Command, *options: Callable[[_Command], _Command]) -> _Command:
    """The command with these options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def fetch_options(command: _Command, timeout_help: str = "Seconds per request. [default: 30]") -> _Command:
    """Options of commands that send requests: --allow-origin, --allow-metadata-address, --proxy, --timeout."""
    return with_options(
        command,
        click.option(
            "--allow-origin",
            "allow_origins",
            multiple=True,
            metavar="ORIGIN",
            help="Another origin that may be private, such as http://127.0.0.1:9000. May be repeated.",
        ),
        click.option(
            "--allow-metadata-address",
            "metadata_addresses",
            multiple=True,
            metavar="ADDRESS",
            help="Allow origins that you named at this metadata or link-local address. May be repeated.",
        ),
        proxy_option,
        click.option(
            "--timeout",
            "timeout_seconds",
            type=float,
            metavar="S",
            default=30.0,
            help=timeout_help,
        ),
    )


def image_limit_options(command: _Command) -> _Command:
    """Limits for one image: --max-bytes and --max-pixels."""
    count = click.IntRange(min=1)
    return with_options(
        command,
        click.option(
            "--max-bytes",
            type=count,
            metavar="N",
            default=20 * 1024 * 1024,
            help="Bytes per image. [default: 20 MiB]",
        ),
        click.option(
            "--max-pixels",
            type=count,
            metavar="N",
            default=250_000_000,  # MAX_PIXELS of `pupline.images`, which help need not import
            show_default=True,
            help="Pixels per image.",
        ),
    )


def data_option(command: _Command) -> _Command:
    """The --data option of every command."""
    return click.option(
        "--data",
        "data_dir",
        type=_Directory(file_okay=False, path_type=Path),
        envvar="PUPLINE_DATA",
        default=Path("pupline-data"),
        help="The data directory (or PUPLINE_DATA). [default: ./pupline-data]",
    )(command)


def machine_option(command: _Command) -> _Command:
    """The option --workflow NAME: one of the state machines."""
    names = click.Choice(list(FILES), case_sensitive=False)
    return click.option("--workflow", type=names, help="Only executions of this state machine.")(command)


def json_option(command: _Command) -> _Command:
    """The --json option of reading commands."""
    return click.option("--json", "as_json", is_flag=True, help="JSON Lines on stdout, nothing else there.")(command)


def limit_option(command: _Command) -> _Command:
    """The --limit option of commands that list."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        help="The newest N. Default: 50 on a terminal, 10,000 in a file or pipe, all with --json.",
    )(command)
