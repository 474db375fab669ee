"""How long work shows that it goes on: a live line on a terminal, a plain line now and then elsewhere. On stderr."""

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pupline.cli._output import OUTCOME_STYLES, console, message
from pupline.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_EVERY_SECONDS = 5.0
_ROOM_FOR_NAMES = 110
"""Columns from which on the newest image's name is shown too; in narrower terminals the counts need the room."""


class RunProgress:
    """Counts what finished, by outcome, and shows it from `start` to the end of its `with` block."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.alerts = 0
        self._total = 0
        self._done = 0
        self._retries = 0
        self._latest = ""
        self._live: Progress | None = None
        self._task: TaskID | None = None
        self._next_line = time.monotonic() + _LINE_EVERY_SECONDS

    def __enter__(self) -> Self:
        return self

    def start(self, total: int) -> None:
        """Show the progress of so many executions."""
        self._total = total
        if sys.stderr.isatty():
            self._live = _live_progress(self._total)
            self._live.start()
            self._task = self._live.add_task("", total=self._total, counts="", latest="")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def finished(self, outcome: str | None, name: str, *, alert: bool) -> None:
        """One more is done."""
        self._done += 1
        if outcome:
            self.outcomes[outcome] += 1
        self.alerts += alert
        self._latest = name
        self._show()

    def attempt_failed(self) -> None:
        """An attempt failed that the workflow answers: by a retry, a wait, or the failure path."""
        self._retries += 1
        self._show()

    def _show(self) -> None:
        if self._live is not None and self._task is not None:
            from rich.text import Text

            counts = Text()
            for outcome, style in OUTCOME_STYLES.items():
                if self.outcomes[outcome]:
                    counts.append(f"{self.outcomes[outcome]:,} {outcome}  ", style=style)
            if self.alerts:
                counts.append(f"{self.alerts:,} alerted", style="bold")
            latest = Text(printable(self._latest, 40), style="dim")
            self._live.update(self._task, completed=self._done, counts=counts, latest=latest)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            message(self.line())

    def line(self) -> str:
        """The state of things in one plain line."""
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.items())
        failed = f", {self._retries:,} attempts failed" if self._retries else ""
        done = f"{self._done:,} of {self._total:,} done"
        return f"{done} ({counts}{failed})" if counts else done + failed


def _live_progress(total: int) -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class _Field(ProgressColumn):
        """A column that shows one of the task's own fields: a Text, so that no markup is read in it."""

        def __init__(self, name: str) -> None:
            super().__init__(table_column=Column(no_wrap=True))
            self._name = name

        def render(self, task: Task) -> Text:
            found = task.fields[self._name]
            shown = found if isinstance(found, Text) else Text(str(found))
            shown.no_wrap = True
            shown.overflow = "ellipsis"
            return shown

    out = console(stderr=True)
    names = [_Field("latest")] if out.width >= _ROOM_FOR_NAMES else []
    return Progress(
        BarColumn(bar_width=16),
        MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=len("00:00"))),
        _Field("counts"),
        *names,
        console=out,
        transient=True,
    )
