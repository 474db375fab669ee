"""Insights in a terminal: bars, and small tables where one number is not enough."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pupline.cli._output import OUTCOME_STYLES, cell, console, moment, size
from pupline.insights import PLACEHOLDER_URLS, Coverage, FailureKind, Insights, SharedImage
from pupline.text import plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_BAR_CELLS = 32
_TOP = 15
_RUNS = 10


def show(figures: Insights) -> None:
    """Print the figures that are known, the two most important ones first."""
    out = console()
    span = f"{figures.first} to {figures.last}"
    out.print(f"{plural(figures.records, 'image')} in the audit, {span}\n", style="bold")
    _bars(out, "Image types (by content)", figures.file_types)
    _alerts(out, figures)
    _bars(out, "Outcomes", figures.outcomes)
    _bars(out, "Reasons", figures.reasons)
    _bars(out, "Breeds", figures.breeds)
    if len(figures.sources) > 1:
        _bars(out, "Sources", figures.sources)
    _coverage(out, figures.datasets.coverage())
    _failures(out, figures.failures.kinds())
    _placeholders(out, figures.datasets.placeholders())
    _hosts(out, figures)
    _runs(out, figures.datasets.runs)
    _bytes(out, figures)


def _alerts(out: "Console", figures: Insights) -> None:
    notes = [
        f"{count:,} {what}"
        for count, what in ((figures.alerts_not_sent, "not sent"), (figures.alerts_in_digests, "in a digest"))
        if count
    ]
    frequency = f"{figures.alerts:,} of {figures.records:,} images alerted: {figures.alert_frequency:.1%}"
    noted = f" ({', '.join(notes)})" if notes else ""
    out.print(f"Alert frequency: {frequency}{noted}", style="bold")
    _bars(out, "Why (an image can have several reasons)", figures.alerts_by_reason)
    if len(figures.alerts_by_day) > 1:
        _bars(out, "Alerts by day", figures.alerts_by_day, by_name=True)


def _coverage(out: "Console", datasets: list[Coverage]) -> None:
    """How much of each source is here, with a bar where the size of the source is known."""
    if not datasets:
        return
    out.print("Datasets (images held, of those the source has)", style="bold")
    grid = _grid("left", "right", "right", "left")
    for one in datasets[:_TOP]:
        about = "" if one.exact else "about "
        there = f" of {one.available:,} seen" if one.available is not None else " seen"
        there += f", {one.repeated:,} repeated" if one.repeated else ""
        share = "" if one.share is None else f"{one.share:.1%}"
        bar = "█" * round(_BAR_CELLS * (one.share or 0))
        grid.add_row(cell(f"  {one.dataset}"), cell(f"{about}{one.seen:,}{there}"), cell(share), cell(bar, "green"))
    _end(out, grid, len(datasets) - _TOP, "dataset")


def _failures(out: "Console", kinds: list[FailureKind]) -> None:
    """Every reason with its count and bar, and one example below: the URL and the cause."""
    if not kinds:
        return
    out.print("Not among the images, and why (with the newest example)", style="bold")
    most = kinds[0].count
    for kind in kinds:
        grid = _grid("left", "right", "left")
        style = OUTCOME_STYLES.get(kind.outcome, "")
        label = f"  {kind.outcome}: {kind.reason}"
        grid.add_row(cell(f"{label:<32}"), cell(f"{kind.count:>9,}"), cell(_bar(kind.count, most), style))
        out.print(grid)
        lines = [text for text in (kind.source_url, kind.cause) if text]
        for text in lines[-1:] if kind.cause and (kind.source_url or "") in kind.cause else lines:
            out.print(cell(f"      {text}", "dim"), overflow="fold")
    out.print()


def _placeholders(out: "Console", images: list[SharedImage]) -> None:
    if not images:
        return
    out.print(f"Placeholders (the same bytes from {PLACEHOLDER_URLS} URLs or more)", style="bold")
    grid = _grid("left", "right", "right", "left")
    for image in images[:_TOP]:
        example = image.examples[0] if image.examples else None
        grid.add_row(
            cell(f"  {image.image_name}"), cell(f"{image.urls:,} times"), cell(size(image.size_bytes)), cell(example)
        )
    _end(out, grid, len(images) - _TOP, "placeholder")


def _hosts(out: "Console", figures: Insights) -> None:
    hosts = figures.failures.hosts()
    if len(hosts) < 2:
        return
    out.print("Hosts (images, failures, bytes)", style="bold")
    grid = _grid("left", "right", "right", "right", "left")
    most = max(host.images for host in hosts.values())
    for name, host in list(hosts.items())[:_TOP]:
        failed = f"{host.failed:,} failed" if host.failed else ""
        bar = _bar(host.images, most) if host.images else ""
        grid.add_row(
            cell(f"  {name}"), cell(f"{host.images:,}"), cell(failed), cell(size(host.size_bytes)), cell(bar, "cyan")
        )
    _end(out, grid, len(hosts) - _TOP, "host")


def _runs(out: "Console", runs: list[dict[str, Any]]) -> None:
    """The newest runs, each with its speed below."""
    if not runs:
        return
    out.print("Bulk runs (newest first)", style="bold")
    width = max(len(str(run["run"])) for run in runs[:_RUNS])
    for run in runs[:_RUNS]:
        done = f"{run['done'] or 0:,} of {run['listed'] or 0:,}"
        out.print(cell(f"  {run['run']:<{width}}  {run['dataset']}  {run['status']}  {done}"))
        out.print(cell(f"      {', '.join((*_speed(run), *_verification(run)))}", "dim"))
    if len(runs) > _RUNS:
        out.print(f"  and {plural(len(runs) - _RUNS, 'more run')}")
    out.print()


def _speed(run: dict[str, Any]) -> Iterator[str]:
    yield f"began {moment(run['began_at'])} UTC" if run["began_at"] else "start unknown"
    if run["images_per_second"] is not None:
        rate = run["images_per_second"]
        yield f"{plural(round(rate), 'image')}/s" if rate >= 10 else f"{rate:.1f} images/s"
    if run["bytes_per_second"] is not None:
        yield f"{size(round(run['bytes_per_second']))}/s"
    if run["cpu_us_per_image"] is not None:
        yield f"{run['cpu_us_per_image']:,.0f} µs CPU each"


def _verification(run: dict[str, Any]) -> Iterator[str]:
    """How many images had the hashes that the list declares, if it declares any."""
    counts = {result: run[result] or 0 for result in ("verified", "changed", "gone")}
    if any(counts.values()):
        yield ", ".join(f"{count:,} {result}" for result, count in counts.items())


def _bytes(out: "Console", figures: Insights) -> None:
    out.print(
        f"Stored {size(figures.bytes_stored)}; {plural(figures.duplicates, 'duplicate')}"
        f" saved {size(figures.bytes_saved)}."
    )
    shared = figures.datasets.shared()
    if shared:
        most = shared[0]
        out.print(cell(f"Most duplicated: {most.image_name}, from {most.urls:,} URLs of one dataset."))


def _bars(out: "Console", title: str, counts: Counter[str], *, by_name: bool = False) -> None:
    """A bar chart in text: name, count, share, bar; one line sums up the rest after the first fifteen."""
    if not counts:
        return
    out.print(title, style="bold")
    total, largest = counts.total(), max(counts.values())
    ranked = sorted(counts.items(), key=(lambda pair: (0, pair[0])) if by_name else (lambda pair: (-pair[1], pair[0])))
    grid = _grid("left", "right", "right", "left")
    for name, count in ranked[:_TOP]:
        grid.add_row(
            cell(f"  {name}"), cell(f"{count:,}"), cell(f"{count / total:.0%}"), cell(_bar(count, largest), "cyan")
        )
    if len(ranked) > _TOP:
        rest = ranked[_TOP:]
        grid.add_row(cell(f"  {len(rest):,} more"), cell(f"{sum(c for _, c in rest):,}"), cell(""), cell(""))
    out.print(grid)
    out.print()


def _bar(count: int, largest: int) -> str:
    return "█" * max(1, round(_BAR_CELLS * count / largest))


def _grid(*justify: Any) -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for side in justify:
        grid.add_column(justify=side)
    return grid


def _end(out: "Console", grid: "Table", more: int, noun: str) -> None:
    """Print a grid, and how many more rows there would be."""
    out.print(grid)
    if more > 0:
        out.print(f"  and {plural(more, f'more {noun}')}")
    out.print()
