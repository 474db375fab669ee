"""The query parameters of the list of executions: from the URL to a query, to chips and to the command."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pupline.console.web import Cursor, Filters, Limit, Moment, Text, Texts, with_parameters
from pupline.tasks.pages import ExecutionOrder, ExecutionQuery
from pupline.text import timestamp

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
STATUSES: tuple[ExecutionStatus, ...] = get_args(ExecutionStatus)

LIST_LIMIT = 50

_LABELS = {
    "q": "search",
    "machine": "state machine",
    "since": "from",
    "until": "until",
    "type": "image type",
}
_PLACES = ("after", "before", "limit", "order")
"""Parameters that say which part of the list, and not what is in it."""


class ExecutionFilters(Filters):
    """What to list. Each field may select nothing out; several values of one mean any of them."""

    q: Text = None
    status: tuple[ExecutionStatus, ...] = ()
    machine: Texts = ()
    kind: tuple[Literal["run", "ingest", "api"], ...] = ()
    run: Texts = ()
    source: Texts = ()
    dataset: Texts = ()
    breed: Texts = ()
    type: Texts = ()
    outcome: Texts = ()
    reason: Texts = ()
    error: Texts = ()
    alert: Literal["yes", "no"] | None = None
    since: Moment = None
    until: Moment = None
    order: ExecutionOrder = "newest"
    after: Cursor = None
    before: Cursor = None
    limit: Limit = LIST_LIMIT

    def query(self) -> ExecutionQuery:
        """The query of the port. Raises: InvalidQuery."""
        fields = self.model_dump(exclude={"q", "alert"})
        alert = None if self.alert is None else self.alert == "yes"
        return ExecutionQuery(text=self.q or "", alert=alert, **fields)

    def chosen(self) -> Iterator[tuple[str, Any]]:
        """(name, value) of all that is selected."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name not in _PLACES and value not in (None, ()):
                yield from ((name, one) for one in value) if isinstance(value, tuple) else ((name, value),)


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on. url: the same list without it."""

    label: str
    value: str
    url: str


def chips(parameters: Sequence[tuple[str, str]], path: str) -> list[Chip]:
    """The filters that are on. parameters: of the request, as they were written."""
    kept = [(name, value) for name, value in parameters if value and name not in ("after", "before")]
    found = []
    for at, (name, value) in enumerate(kept):
        if name in _PLACES:
            continue
        others: list[tuple[str, object]] = [*kept[:at], *kept[at + 1 :]]
        found.append(Chip(_LABELS.get(name, name), value, with_parameters(path, others)))
    return found


def list_command(filters: ExecutionFilters, options: str) -> str | None:
    """The command that lists the same; None where the command line has no such filter. options: of the backend."""
    known = {"status", "run", "since"}
    chosen = list(filters.chosen())
    names = [name for name, _ in chosen]
    if not known.issuperset(names) or len(set(names)) < len(names):
        return None
    words = [f"--{name} {shlex.quote(timestamp(value) if name == 'since' else str(value))}" for name, value in chosen]
    return " ".join(["pupline executions", *words]) + options
