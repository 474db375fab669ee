"""How every command prints: data on stdout, people's messages on stderr, JSON Lines with --json and nothing else there.

rich is imported on first use. Text from outside must have gone through `printable`; `Text` objects keep rich from
reading markup in it.
"""

import errno
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import click

from pupline.text import UNSAFE, plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pupline.http import Proxy

_Command = TypeVar("_Command", bound=Callable[..., Any])


_NAME_LENGTH = 64
"""Characters of the longest name of our own next to the database."""


class _Directory(click.Path):
    """A directory that can be named; not an empty text, which is a shell variable nobody set."""

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
        except OSError as err:  # that it is not there, or not to be looked into, is for the command to tell
            if err.errno == errno.ENAMETOOLONG:
                self.fail("it is longer than the system allows; give a shorter path", param, ctx)
        return super().convert(path, param, ctx)


def _expanded(value: "str | os.PathLike[str]") -> Path:
    """The path, its `~` replaced: a shell does not do that in `--data=~/dogs`, nor does what reads an .env file."""
    try:
        return Path(value).expanduser()
    except RuntimeError:  # of a user that is not known here: the name of a directory, as it stands
        return Path(value)


def metadata_address_option(command: _Command) -> _Command:
    """The --allow-metadata-address option of the commands that fetch."""
    return click.option(
        "--allow-metadata-address",
        "metadata_addresses",
        multiple=True,
        metavar="ADDRESS",
        help="A metadata or link-local address that origins you named may be at; else it is refused. May be repeated.",
    )(command)


def proxy_option(command: _Command) -> _Command:
    """The --proxy option of the commands that fetch; the command gets a Proxy, or None."""
    return click.option(
        "--proxy",
        envvar="PUPLINE_PROXY",
        metavar="URL",
        callback=_proxy,
        help="HTTP proxy to ask through, such as http://proxy:3128 (or PUPLINE_PROXY); it resolves the names.",
    )(command)


def _proxy(_context: click.Context, _option: click.Parameter, value: str | None) -> "Proxy | None":
    if not value:
        return None
    from pupline.http import Proxy

    return Proxy.parse(value)


def max_pixels_option(command: _Command) -> _Command:
    """The --max-pixels option of the commands that fetch images."""
    return click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        metavar="N",
        default=250_000_000,  # as `pupline.images` has it, which help shall not have to import
        show_default=True,
        help="Pixels per image.",
    )(command)


def data_option(command: _Command) -> _Command:
    """The --data option, the same for every command."""
    return click.option(
        "--data",
        "data_dir",
        type=_Directory(file_okay=False, path_type=Path),
        envvar="PUPLINE_DATA",
        default=Path("pupline-data"),
        show_default="./pupline-data",
        help="The data directory (or PUPLINE_DATA).",
    )(command)


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


def rows_shown(limit: int | None) -> int:
    """How many rows a table has at most, where `limit` was asked for.

    A pipe gets more than a terminal, for `grep` and `wc` look through all of it; but a table has to be held in memory.
    """
    return limit or (50 if sys.stdout.isatty() else 10_000)


def print_json(value: Mapping[str, Any]) -> None:
    """One line of JSON on stdout, flushed, so that a pipe sees each result when it is there.

    Letters of all languages stand as they are where the stream can hold them. What a terminal would obey, or could not
    show, is escaped as JSON does it, so that the value is the same.
    """
    print_json_lines((value,))


def print_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """A line for each value, as `print_json` does it, written and flushed together."""
    is_utf = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    encode = json.JSONEncoder(ensure_ascii=not is_utf, separators=(",", ":")).encode
    sys.stdout.write("".join(UNSAFE.sub(_json_escape, encode(value)) + "\n" for value in values))
    sys.stdout.flush()


def _json_escape(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def message(text: str) -> None:
    """One line for people, on stderr."""
    click.echo(text, err=True)


def console(*, stderr: bool = False) -> "Console":
    """A rich console on stdout or stderr. Wide where no terminal sets the width, so that nothing is cut in a file."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def moment(timestamp: str | None) -> str | None:
    """An RFC 3339 time for people: `2026-01-31 12:00:00`. It is UTC, as the column's name should say."""
    return None if timestamp is None else timestamp[:19].replace("T", " ")


def cell(value: object, style: str = "") -> "Text":
    """A table cell: printable, never read as markup; None is a dash."""
    from rich.text import Text

    return Text("-" if value is None else printable(str(value)), style=style)


def link(label: str, url: str | None) -> "Text":
    """A cell that a terminal makes clickable; plain text where `url` is None."""
    from rich.text import Text

    return Text(printable(label), style=f"link {url}" if url and _is_safe_link(url) else "")


def path_of(url: str | None) -> str | None:
    """The path of a file:// URL, relative to the working directory where it is below it; other URLs as they are."""
    if url is None or not url.startswith("file://"):
        return url
    return relative(Path(unquote(urlsplit(url).path)))


def relative(path: Path) -> str:
    """`path`, relative to the working directory where it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, FileNotFoundError):  # elsewhere, or from a directory that was removed
        return str(path)


def size(size_bytes: int | None) -> str:
    """Bytes for people, in powers of 1,000: `812 B`, `70.1 kB`, `3.0 MB`."""
    if size_bytes is None:
        return "-"
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 1000 or unit == "TB":
            break
    return f"{value:.1f} {unit}"


def program() -> str:
    """How to call pupline from here, for a shell: by its name where that is on the PATH, else as it was called."""
    return "pupline" if shutil.which("pupline") else shlex.quote(relative(Path(sys.argv[0]).absolute()))


def undelivered(count: int) -> str:
    """The note on alerts that are still in the outbox."""
    waiting = plural(count, "alert delivery", "alert deliveries")
    return f"{waiting} {'waits' if count == 1 else 'wait'} for the next run: pupline alerts"


def _is_safe_link(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and url.startswith(("file://", "https://", "http://"))


OUTCOME_STYLES = {
    "stored": "green",
    "duplicate": "cyan",
    "quarantined": "magenta",
    "refused": "yellow",
    "failed": "red",
}
"""One colour for one outcome, everywhere."""
