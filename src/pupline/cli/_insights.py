"""`pupline insights`: the audit as a whole, in figures and bars."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options, open_backend
from pupline.cli._output import cell, console, data_option, json_option, plural, print_json, size
from pupline.insights import Insights, insights_of

if TYPE_CHECKING:
    from rich.console import Console

_BAR_CELLS = 32
_TOP = 15


@click.command()
@data_option
@backend_options
@json_option
def insights(data_dir: Path, backend: str, stack: str | None, as_json: bool) -> int:
    """Image types and alert frequency first, then reasons, breeds, duplicates and bytes."""
    with open_backend(data_dir, backend, stack) as source:
        figures = insights_of(source.records())
    if as_json:
        print_json(figures.as_dict())
    elif not figures.records:
        click.echo("The audit is empty. Start with: pupline run --source sample --count 12")
    else:
        _show(figures)
    return 0


def _show(figures: Insights) -> None:
    out = console()
    span = f"{figures.first} to {figures.last}"
    out.print(f"{plural(figures.records, 'image')} in the audit, {span}\n", style="bold")
    _bars(out, "Image types (by content)", figures.file_types)
    frequency = f"{figures.alerts:,} of {figures.records:,} images alerted: {figures.alert_frequency:.1%}"
    unsent = f" ({figures.alerts_not_sent:,} not sent)" if figures.alerts_not_sent else ""
    out.print(f"Alert frequency: {frequency}{unsent}", style="bold")
    _bars(out, "Why (an image can have several reasons)", figures.alerts_by_reason)
    if len(figures.alerts_by_day) > 1:
        _bars(out, "Alerts by day", figures.alerts_by_day, by_name=True)
    _bars(out, "Outcomes", figures.outcomes)
    _bars(out, "Reasons", figures.reasons)
    _bars(out, "Breeds", figures.breeds)
    if len(figures.sources) > 1:
        _bars(out, "Sources", figures.sources)
    out.print(
        f"Stored {size(figures.bytes_stored)}; {plural(figures.duplicates, 'duplicate')}"
        f" saved {size(figures.bytes_saved)}."
    )


def _bars(out: "Console", title: str, counts: Counter[str], *, by_name: bool = False) -> None:
    """A bar chart in text: name, count, share, bar; what is beyond the first fifteen is summed up in one line."""
    if not counts:
        return
    from rich.table import Table

    out.print(title, style="bold")
    total, largest = counts.total(), max(counts.values())
    ranked = sorted(counts.items(), key=(lambda pair: (0, pair[0])) if by_name else (lambda pair: (-pair[1], pair[0])))
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left"):
        grid.add_column(justify=justify)
    for name, count in ranked[:_TOP]:
        bar = "█" * max(1, round(_BAR_CELLS * count / largest))
        grid.add_row(cell(f"  {name}"), cell(f"{count:,}"), cell(f"{count / total:.0%}"), cell(bar, "cyan"))
    if len(ranked) > _TOP:
        rest = ranked[_TOP:]
        grid.add_row(cell(f"  {len(rest):,} more"), cell(f"{sum(c for _, c in rest):,}"), cell(""), cell(""))
    out.print(grid)
    out.print()
