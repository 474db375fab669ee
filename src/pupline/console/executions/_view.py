"""One execution as its pages see it: details, visits, failure. Views are kept while the execution stays as it is."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pupline.asl import StateVisits
from pupline.backends import Backend, EndedExecution, why_not_redriven
from pupline.console.executions._failure import Failure, failure_of, latest_failure
from pupline.console.web import Console
from pupline.tasks.pages import ExecutionItem
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary

_KEPT_EVENTS = 60_000
"""Events of the views that are kept: two of the longest histories, about 40 MB."""

_KEPT_CHILDREN = 50_000


@dataclass(frozen=True, eq=False)
class ExecutionView:
    """One execution, or one child execution of a Map Run.

    item: as the list shows it; of a child, as the list shows its parent. options: those that name the backend, for
    commands. parent: the name of a child's parent.
    """

    item: ExecutionItem
    details: ExecutionDetails
    options: str
    parent: str | None = None

    @property
    def row(self) -> ExecutionSummary:
        """Name, status, times and error."""
        return self.details.row

    @cached_property
    def visits(self) -> StateVisits:
        """The visits to its states."""
        return StateVisits(self.details.history, self.details.definition, self.details.map_runs)

    @cached_property
    def failure(self) -> Failure | None:
        """Why it did not succeed; None where it did, or still may."""
        return failure_of(self.details, self.visits, self.redrive_refusal)

    @cached_property
    def trouble(self) -> Failure | None:
        """What a running execution is retrying now."""
        return latest_failure(self.visits) if self.row.status == "RUNNING" else None

    @cached_property
    def redrive_refusal(self) -> str | None:
        """Why a redrive would do no good; None where it may help."""
        if self.parent is not None:
            return "a child execution is redriven with its parent"
        row = self.row
        return why_not_redriven(
            EndedExecution(row.name, row.name, row.status, self.details.input, reversed(self.details.history)),
            self.options,
        )


@dataclass(slots=True)
class _Kept:
    """A view, or the children of an execution. weight: its events, or the children."""

    version: str
    value: Any
    weight: int


@dataclass
class _Shelf:
    """The newest values up to a total weight, each with the version of the execution that it was made of."""

    limit: int
    _values: OrderedDict[tuple[str, str], _Kept] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: tuple[str, str], version: str | None) -> Any:
        """The value that was kept of this version, or None."""
        with self._lock:
            kept = self._values.get(key)
            if kept is None or kept.version != version:
                return None
            self._values.move_to_end(key)
            return kept.value

    def put(self, key: tuple[str, str], version: str, value: Any, weight: int) -> None:
        """Keep the value, and forget the oldest ones that there is no room for."""
        with self._lock:
            self._values[key] = _Kept(version, value, weight)
            self._values.move_to_end(key)
            while len(self._values) > 1 and sum(kept.weight for kept in self._values.values()) > self.limit:
                self._values.popitem(last=False)


class ExecutionViews:
    """Reads executions. A replay of a long journal takes a third of a second, so the latest views are kept."""

    def __init__(self, console: Console) -> None:
        self._reader = console.reader
        self._views = _Shelf(_KEPT_EVENTS)
        self._children = _Shelf(_KEPT_CHILDREN)

    def find(self, name: str) -> ExecutionView:
        """One execution. Raises: NoSuchName."""
        with self._reader() as backend:
            return self._kept(backend, name, "", lambda: backend.execution(name))

    def child(self, name: str, child: str) -> ExecutionView:
        """One child execution. Raises: NoSuchName."""
        with self._reader() as backend:
            return self._kept(backend, name, child, lambda: backend.child_execution(name, child))

    def children(self, name: str) -> tuple[ExecutionSummary, ...]:
        """The child executions of its Map Runs that began. Raises: NoSuchName."""
        with self._reader() as backend:
            version = backend.execution_version(name)
            found: tuple[ExecutionSummary, ...] | None = self._children.get((name, ""), version)
            if found is None:
                found = tuple(backend.child_executions(name))
                if version is not None:
                    self._children.put((name, ""), version, found, len(found))
            return found

    def _kept(self, backend: Backend, name: str, child: str, read: Callable[[], ExecutionDetails]) -> ExecutionView:
        version = backend.execution_version(name)
        found: ExecutionView | None = self._views.get((name, child), version)
        if found is None:
            found = ExecutionView(backend.pages.execution_item(name), read(), backend.options, name if child else None)
            if version is not None:
                self._views.put((name, child), version, found, len(found.details.history))
        return found


_VIEWS: "weakref.WeakKeyDictionary[Console, ExecutionViews]" = weakref.WeakKeyDictionary()


def views_of(console: Console) -> ExecutionViews:
    """The views of a console: one object for its pages and its API."""
    return _VIEWS.setdefault(console, ExecutionViews(console))


def states_in(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, definition) of each state, those inside Parallel and Map states included."""
    from pupline.asl import states_of

    return states_of(dict(definition))
