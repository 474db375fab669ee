"""The output of every command: data on stdout, with --json as JSON Lines and nothing else; messages on stderr.

rich is imported on first use. Text from outside must go through `printable`; in `Text` objects rich reads no markup.
"""

import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.line_formats import csv_lines, json_lines
from pupline.text import plain_number, plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def rows_shown(limit: int | None) -> int:
    """The most rows of a table with this --limit.

    A pipe gets more than a terminal, for `grep` and `wc`; but a table has to be held in memory.
    """
    return limit or (50 if sys.stdout.isatty() else 10_000)


def print_json(value: Mapping[str, Any]) -> None:
    """Print a line of JSON on stdout, flushed, so that a pipe gets each result at once.

    Letters of all languages stay as they are where the stream can encode them. Control characters, and what a terminal
    cannot show, are escaped as JSON does it, so that the value is the same.
    """
    print_json_lines((value,))


def print_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """Print a line for each value, as `print_json` does, written and flushed together."""
    is_utf = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    sys.stdout.write(json_lines(values, ascii_only=not is_utf))
    sys.stdout.flush()


def print_csv(rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV (RFC 4180), flushed."""
    sys.stdout.write(csv_lines(rows))
    sys.stdout.flush()


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def message(text: str) -> None:
    """Print a line for people on stderr."""
    click.echo(text, err=True)


def tell_waiting(seconds: float, why: str) -> None:
    """Say on stderr that a command waits before it requests something again."""
    message(f"pupline: waiting {plain_number(round(seconds, 1))} s: {printable(why, 300)}")


def console(*, stderr: bool = False) -> "Console":
    """A rich console on stdout or stderr; wide where there is no terminal, so that a file gets whole lines."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def moment(timestamp: str | None) -> str | None:
    """An RFC 3339 time for people: `2026-01-31 12:00:00`. It is UTC, which the column's name should say."""
    return None if timestamp is None else timestamp[:19].replace("T", " ")


def cell(value: object, style: str = "") -> "Text":
    """A table cell: printable, never read as markup; None is a dash."""
    from rich.text import Text

    return Text("-" if value is None else printable(str(value)), style=style)


def link(label: str, url: str | None) -> "Text":
    """A cell that a terminal makes clickable; plain text where `url` is None."""
    from rich.text import Text

    return Text(printable(label), style=f"link {url}" if url and _is_safe_link(url) else "")


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
    """The command that calls pupline, quoted for a shell: its name where that is on the PATH, else its path."""
    if shutil.which("pupline"):
        return "pupline"
    path = Path(sys.argv[0]).absolute()
    if path.name == "__main__.py":  # python -m pupline
        return f"{shlex.quote(sys.executable)} -m pupline"
    return shlex.quote(relative(path))


def undelivered(count: int, options: str) -> str:
    """A note on alerts that are still in the outbox. options: those that name the data directory."""
    waiting = f"{plural(count, 'alert delivery', 'alert deliveries')} {'waits' if count == 1 else 'wait'}"
    return f"{waiting}: {program()} alerts{options} says why, {program()} resume{options} tries again"


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
