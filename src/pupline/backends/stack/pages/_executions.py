"""Executions of a stack by page, newest first or failed first, with what ListExecutions and DescribeExecution know."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pupline.backends.stack._executions import Description, Executions
from pupline.backends.stack._records import Records
from pupline.backends.stack._stack import Stack
from pupline.backends.stack.pages._ids import record_id
from pupline.backends.stack.pages._window import Window
from pupline.tasks.page_cursors import Key
from pupline.tasks.pages import Count, ExecutionItem, ExecutionKind, ExecutionQuery, InvalidQuery, Page
from pupline.tasks.records import AuditRecord

_UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
_OTHER = ("RUNNING", "SUCCEEDED")
_MOST_DESCRIBED = 200
"""Executions that are described for one page of a search: each takes a call."""

_LATER = 1e12
"""Added to the keys of the second part of a list: more than any time."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of ListExecutions. rank: of the part of the list that it is in."""

    described: Description
    rank: int

    @property
    def time(self) -> float:
        return float(self.described["startDate"].timestamp())

    @property
    def key(self) -> Key:
        return (self.rank * _LATER - self.time, str(self.described["executionArn"]))


class ExecutionPages:
    """The list of executions of all state machines of a stack, of the last 90 days."""

    def __init__(self, executions: Executions, records: Records, stack: Stack) -> None:
        self._executions = executions
        self._records = records
        self._stack = stack
        self._names = {arn: name for name, arn in stack.resources.items()}

    def page(self, query: ExecutionQuery) -> Page[ExecutionItem]:
        """A page of executions. Raises: InvalidQuery for a filter that Step Functions does not have."""
        found = self._window(query).page(query)
        return Page(tuple(self.items(found.items)), found.next, found.previous, found.searched_to)

    def count(self, query: ExecutionQuery) -> Count:
        """How many match, as far as is looked."""
        return self._window(query).count()

    def item(self, name: str) -> ExecutionItem:
        """One execution, by its name or ARN. Raises: NoSuchName."""
        return self.items([_Row(self._executions.find(name), 0)])[0]

    def items(self, rows: Sequence[_Row]) -> list[ExecutionItem]:
        """The rows with errors and audit records."""
        described = [self._executions.completed(row.described) for row in rows]
        records = self._records_of([one for one in described if not self._executions.is_bulk(one)])
        return [self._item(one, records.get(str(one["name"]))) for one in described]

    def _records_of(self, described: Sequence[Description]) -> Mapping[str, AuditRecord]:
        """The records of these executions: of the days on which they ran, by the index by-day."""
        if not described:
            return {}
        starts = [one["startDate"] for one in described]
        ends = [one.get("stopDate", one["startDate"]) for one in described]
        return self._records.of_names({str(one["name"]) for one in described}, min(starts), max(ends))

    def _item(self, described: Description, record: AuditRecord | None) -> ExecutionItem:
        is_bulk = self._executions.is_bulk(described)
        kind: ExecutionKind = "ingest" if is_bulk else "run"
        return ExecutionItem(
            row=self._executions.summary(described),
            kind=kind,
            machine=self._names.get(str(described["stateMachineArn"]), ""),
            type="STANDARD",
            record=record,
            record_id=record_id(record) if record else None,
            source=record.source if record else None,
        )

    def _window(self, query: ExecutionQuery) -> Window[_Row]:
        _check(query)
        needs_description = bool(query.text or query.error)
        return Window(
            name=f"executions/{query.order}",
            rows=lambda: self._rows(query),
            key=lambda row: row.key,
            time=lambda row: row.time,
            matches=(lambda row: self._matches(row, query)) if needs_description else lambda _: True,
            **({"most_asked": _MOST_DESCRIBED} if needs_description else {}),
        )

    def _rows(self, query: ExecutionQuery) -> Iterator[_Row]:
        """The executions, filtered by what ListExecutions gives."""
        wanted = query.status or (*_OTHER, *_UNSUCCESSFUL)
        parts = [wanted]
        if query.order == "failed":
            parts = [tuple(one for one in wanted if one in group) for group in (_UNSUCCESSFUL, _OTHER)]
        for rank, statuses in enumerate(parts):
            for described in self._listed(statuses):
                row = _Row(described, rank)
                if query.since is not None and row.time < query.since:
                    break
                if self._is_chosen(row, query):
                    yield row

    def _listed(self, statuses: Sequence[str]) -> Iterator[Description]:
        if len(statuses) == len(_OTHER) + len(_UNSUCCESSFUL):
            return self._executions.listed()
        lists = [self._executions.listed(status) for status in statuses]
        return heapq.merge(*lists, key=lambda row: row["startDate"], reverse=True)

    def _is_chosen(self, row: _Row, query: ExecutionQuery) -> bool:
        if query.until is not None and row.time >= query.until:
            return False
        is_bulk = self._executions.is_bulk(row.described)
        chosen = not query.kind or ("ingest" if is_bulk else "run") in query.kind
        machine = self._names.get(str(row.described["stateMachineArn"]), "")
        chosen = chosen and (not query.machine or machine in query.machine)
        return chosen and (not query.run or self._executions.run_of(row.described) in query.run)

    def _matches(self, row: _Row, query: ExecutionQuery) -> bool:
        described = self._executions.completed(row.described, whole=True)
        if query.error and described.get("error") not in query.error:
            return False
        parts = ("name", "input", "output", "error", "cause")
        text = "\n".join(str(described.get(part) or "") for part in parts).lower()
        return all(word in text for word in query.text.lower().split())


def _check(query: ExecutionQuery) -> None:
    """Raises: InvalidQuery."""
    for name in ("source", "dataset", "breed", "type", "outcome", "reason", "alert"):
        if getattr(query, name) not in ((), None):
            raise InvalidQuery(f"{name}: Step Functions cannot list executions by it; filter the audit records instead")
    if query.order not in ("newest", "failed"):
        raise InvalidQuery(f"order: Step Functions cannot list executions by '{query.order}'; choose newest or failed")
