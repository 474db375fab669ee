"""The query parameters that select audit records, and links that add one or take one away."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator

from pupline.console.web._parameters import Filters, Moment, Text, Texts
from pupline.errors import Outcome, Reason
from pupline.tasks.pages import RecordOrder, RecordQuery
from pupline.text import nearest, printable

Parameter = tuple[str, str]
"""A query parameter of a link: its name and value."""


def one_of(known: Sequence[str]) -> AfterValidator:
    """Refuses values other than these."""

    def check(values: Texts) -> Texts:
        for value in values:
            if value not in known:
                near = nearest(value, known)
                raise ValueError(f"write {near}" if near else f"write one of {', '.join(known)}")
        return values

    return AfterValidator(check)


class RecordFilters(Filters):
    """What selects audit records, and their order."""

    q: Text = None
    execution: Texts = ()
    run: Texts = ()
    source: Texts = ()
    dataset: Texts = ()
    breed: Texts = ()
    type: Texts = ()
    outcome: Annotated[Texts, one_of(get_args(Outcome))] = ()
    reason: Annotated[Texts, one_of(get_args(Reason))] = ()
    error: Texts = ()
    host: Texts = ()
    alert: Literal["yes", "no"] | None = None
    since: Moment = None
    until: Moment = None
    order: RecordOrder = "newest"

    def query(self, limit: int = 1, after: str | None = None, before: str | None = None) -> RecordQuery:
        """The query of records."""
        return RecordQuery(
            text=self.q or "",
            execution=self.execution,
            run=self.run,
            source=self.source,
            dataset=self.dataset,
            breed=self.breed,
            type=self.type,
            outcome=self.outcome,
            reason=self.reason,
            error=self.error,
            host=self.host,
            alert=None if self.alert is None else self.alert == "yes",
            since=self.since,
            until=self.until,
            order=self.order,
            limit=limit,
            after=after,
            before=before,
        )


def kept(parameters: Sequence[Parameter], filters: type[Filters] = RecordFilters) -> list[Parameter]:
    """Those of a request's parameters that `filters` has, without empty ones."""
    return [(name, value) for name, value in parameters if name in filters.model_fields and value]


def with_value(parameters: Sequence[Parameter], name: str, value: str) -> list[Parameter]:
    """The parameters with one more value, or with the other one of a field that has one."""
    is_repeated = RecordFilters.model_fields[name].annotation == Texts
    left = parameters if is_repeated else [one for one in parameters if one[0] != name]
    return [*left, (name, value)]


def without(parameters: Sequence[Parameter], name: str, value: str | None = None) -> list[Parameter]:
    """The parameters without this value of a field, or without the field."""
    return [one for one in parameters if one[0] != name or (value is not None and one[1] != value)]


def chips(parameters: Sequence[Parameter]) -> Iterator[tuple[str, str, list[Parameter]]]:
    """The filters in force: name and value for people, and the parameters without it."""
    for name, value in parameters:
        if name not in {"order", "limit"}:
            yield "search" if name == "q" else name, printable(value, 60), without(parameters, name, value)
