"""The query parameters of insights, and the selection that they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pupline.backends import Backend
from pupline.console.web import Filters, Moment, Parameter, Text, not_found
from pupline.insights import Selection
from pupline.text import printable

_AGE = re.compile(r"[0-9]+ *[a-z].*", re.IGNORECASE)
_MINUTE = 60.0


class InsightFilters(Filters):
    """Which records are counted."""

    since: Moment = None
    until: Moment = None
    dataset: Text = None
    run: Text = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection. kept: the parameters for links to lists of the same records. datasets: all there are."""

    selection: Selection
    kept: Sequence[Parameter]
    datasets: Sequence[str]


def chosen(backend: Backend, filters: InsightFilters, parameters: Sequence[Parameter]) -> Chosen:
    """The selection. parameters: as they were given. Raises: Problem for a run or a dataset that does not exist."""
    names = list(backend.run_names())
    datasets = sorted({name.dataset for name in names if name.dataset is not None})
    runs = None
    if filters.dataset is not None:
        runs = frozenset(name.run for name in names if name.dataset == filters.dataset)
        if not runs:
            raise not_found(f"there is no dataset '{printable(filters.dataset, 60)}'")
    if filters.run is not None and all(name.run != filters.run for name in names):
        raise not_found(f"there is no run '{printable(filters.run, 60)}'")
    given = [one for one in parameters if one[0] in InsightFilters.model_fields and one[1]]
    texts = dict(given)
    since, until = (_steady(getattr(filters, name), texts.get(name, "")) for name in ("since", "until"))
    selection = Selection(filters.run, filters.dataset, since, runs, until)
    return Chosen(selection, given, datasets)


def _steady(moment: float | None, text: str) -> float | None:
    """The moment; of an age, the same one for a minute, so that the same question has the same answer."""
    return moment - moment % _MINUTE if moment is not None and _AGE.fullmatch(text) else moment
