"""`python -m benchmarks [--small] [PART ...]`: measure the parts named, or all but LONG, and print one table.

Parts: see PARTS. With --small, the parts that support it run a small workload, to see whether they work.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import (
    bytecodes,
    cold_start,
    console,
    dead_links,
    growth,
    ingesting,
    limits,
    near_duplicates,
    others,
    ours,
    outside,
    scale,
)
from benchmarks.builds import forms
from benchmarks.console_data import Size
from benchmarks.measure import Figure, machine


def five() -> list[Figure]:
    """Executions per second of five Pass and Choice states."""
    what = "(a) five Pass/Choice states"
    return ours.rates(what, "five") + others.rates(what, "five")


def pipeline() -> list[Figure]:
    """Executions per second of the pipeline with stub tasks."""
    what = "(b) the pipeline, stub tasks"
    return ours.rates(what, "pipeline") + others.rates(what, "pipeline")


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "five": five,
    "pipeline": pipeline,
    "waiting": scale.waiting,
    "states": scale.states,
    "map": scale.items,
    "fetch": outside.fetching,
    "help": outside.start_up,
    "cold": cold_start.figures,
    "ingest": ingesting.compared,
    "limits": limits.figures,
    "dead": dead_links.figures,
    "bytecodes": bytecodes.figures,
    "flat": growth.flat,
    "console": console.figures,
    "million": growth.million,
    "quality": near_duplicates.figures,
}
LONG = {"console", "million", "quality"}
"""Parts that take minutes or gigabytes; they run only if named."""

SMALL: dict[str, Callable[[], list[Figure]]] = {
    "ingest": partial(ingesting.compared, 40, 1, (4,)),
    "limits": partial(limits.figures, 40, 1),
    "dead": partial(dead_links.figures, 40, 1),
    "bytecodes": partial(bytecodes.figures, 3),
    "flat": partial(growth.flat, (10, 100)),
    "console": partial(console.figures, Size(2_000, 40_000), 1, 40),
    "quality": partial(near_duplicates.figures, 20, 5_000),
}


def main(arguments: list[str]) -> int:
    """Measure the parts and print the table. Exits with 2 for an unknown part."""
    parts = PARTS | SMALL if "--small" in arguments else PARTS
    names = [argument for argument in arguments if argument != "--small"]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    start, description = time.perf_counter(), machine()
    sections = []
    for name in names or (part for part in PARTS if part not in LONG):
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        sections.append(parts[name]())
    output = Console() if sys.stdout.isatty() else Console(width=170)
    output.print(table(sections))
    output.print(f"ours: {forms()[0].name}", highlight=False)
    output.print(escape(description), highlight=False)
    output.print(f"{time.strftime('%Y-%m-%d')}, {time.perf_counter() - start:.0f} s in all", highlight=False)
    return 0


def table(sections: list[list[Figure]]) -> Table:
    """All figures; each peer's note says how many times faster pupline is."""
    found = Table("what", "who", title="pupline, measured")
    found.add_column("figure", justify="right", no_wrap=True)
    found.add_column("ours in memory", justify="right", no_wrap=True)
    found.add_column("ours durable", justify="right", no_wrap=True)
    found.add_column("note", overflow="fold")
    for figures in sections:
        rates = [_first(figures, how) for how in (ours.MEMORY, ours.DURABLE)]
        for number, figure in enumerate(figures):
            compared = ["" if figure.who.startswith("pupline") else _times(rate, figure) for rate in rates]
            what = figure.what if not number or figures[number - 1].what != figure.what else ""
            found.add_row(what, figure.who, _value(figure), *compared, escape(figure.note))
        found.add_section()
    return found


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    digits = 0 if figure.value >= 100 else 1
    return f"{figure.value:,.{digits}f} {figure.unit}"


def _first(figures: list[Figure], how: str) -> float | None:
    """The rate of the first form of pupline that was measured so."""
    return next((figure.value for figure in figures if figure.who.startswith(f"pupline {how}")), None)


def _times(our_rate: float | None, figure: Figure) -> str:
    if our_rate is None or not figure.value:
        return ""
    times = our_rate / figure.value
    return f"{times:,.0f} x" if times >= 10 else f"{times:.1f} x"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
