"""The figures behind the page and the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pupline.console.insights._filters import Chosen, InsightFilters, chosen
from pupline.console.insights._preview import preview
from pupline.console.insights._store import Counted, Figures, FigureStore
from pupline.console.insights._view import bounded, count_figures, records_of
from pupline.console.web import FEW_RECORDS, Console, Parameter
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

    def placeholders(self) -> Mapping[str, int]:
        """Bytes that so many addresses gave that they are probably a placeholder: SHA-256 to the number of addresses.

        As far as that is known: many records are counted only when somebody asks for the figures. Raises: Problem.
        """
        everything = Selection()
        with self._console.reader() as backend:
            records = records_of(backend, everything) if backend.pages.has_offsets else None
        is_small = records is not None and records <= FEW_RECORDS
        counted = self._store.find(everything, records or 0) if is_small else self._store.known(everything)
        found = [] if counted is None else counted.figures["placeholders"]
        return {image["sha256"]: image["urls"] for image in found}

    def _preview(self, selection: Selection) -> Figures | None:
        with self._console.reader() as backend:
            return preview(backend, selection)

    def _count(self, selection: Selection) -> Figures:
        with self._console.reader() as backend:
            return count_figures(backend, selection)
