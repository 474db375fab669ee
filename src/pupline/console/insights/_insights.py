"""The figures behind the page and the API."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pupline.console.insights._filters import Chosen, InsightFilters, chosen
from pupline.console.insights._preview import preview
from pupline.console.insights._store import Counted, Figures, FigureStore
from pupline.console.insights._view import bounded, count_figures, records_of
from pupline.console.web import Console, Parameter
from pupline.insights import Selection


@dataclass(frozen=True, slots=True)
class Found:
    """The figures that were asked for. counted: None while they are counted for the first time.

    preview: the main figures, as far as they are at hand meanwhile. records: about how many are counted.
    """

    chosen: Chosen
    counted: Counted | None
    preview: Figures | None
    records: int
    unlisted: str | None
    options: str


class InsightFigures:
    """The figures of one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._store = FigureStore(console, self._count)

    def find(self, filters: InsightFilters, parameters: Sequence[Parameter], patience: float) -> Found:
        """The figures. patience: seconds to wait for those of many records. Raises: Problem."""
        with self._console.reader() as backend:
            choice = chosen(backend, filters, parameters)
            choice = replace(choice, selection=bounded(backend, choice.selection))
            records = records_of(backend, choice.selection)
            unlisted, options = backend.pages.unlisted, backend.options
        counted = self._store.find(choice.selection, records, patience)
        shown = None if counted is not None else self._preview(choice.selection)
        return Found(choice, counted, shown, records, unlisted, options)

    def _preview(self, selection: Selection) -> Figures | None:
        with self._console.reader() as backend:
            return preview(backend, selection)

    def _count(self, selection: Selection) -> Figures:
        with self._console.reader() as backend:
            return count_figures(backend, selection)
