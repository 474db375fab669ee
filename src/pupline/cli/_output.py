"""How every command prints: data on stdout, people's messages on stderr, JSON Lines with --json and nothing else there.

rich is imported on first use. Text from outside must have gone through `printable`; `Text` objects keep rich from
reading markup in it.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import click

from pupline.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_option(command: _Command) -> _Command:
    """The --data option, the same for every command."""
    return click.option(
        "--data",
        "data_dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="PUPLINE_DATA",
        default=Path("pupline-data"),
        show_default="./pupline-data",
        help="The data directory (or PUPLINE_DATA).",
    )(command)


def json_option(command: _Command) -> _Command:
    """The --json option of reading commands."""
    return click.option("--json", "as_json", is_flag=True, help="JSON Lines on stdout, nothing else there.")(command)


def print_json(value: Mapping[str, Any]) -> None:
    """One line of JSON on stdout, flushed, so that a pipe sees each result when it is there."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def message(text: str) -> None:
    """One line for people, on stderr."""
    click.echo(text, err=True)


def console(*, stderr: bool = False) -> "Console":
    """A rich console on stdout or stderr. Wide where no terminal sets the width, so that nothing is cut in a file."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def table(title: str, columns: Iterable[str], *, right: Iterable[str] = ()) -> "Table":
    """An empty table in the one style all commands use; columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    numbers = set(right)
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


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
    path = Path(unquote(urlsplit(url).path))
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
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
    """How to call pupline from here: by its name where that is on the PATH, else as it was called."""
    return "pupline" if shutil.which("pupline") else path_of(f"file://{Path(sys.argv[0]).absolute()}") or "pupline"


def plural(count: int, noun: str) -> str:
    """`1 image`, `12 images`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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
