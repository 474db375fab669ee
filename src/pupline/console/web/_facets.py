"""Menus of values to filter by, with the number of records of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pupline.console.web._record_filters import Parameter, with_value, without
from pupline.tasks.pages import Facet, Pages, RecordField, RecordQuery

FEW_RECORDS = 20_000
"""Up to so many records, the values of all fields are counted with the page: that takes milliseconds."""


@dataclass(frozen=True, slots=True)
class FacetLink:
    """One value to choose. target: the parameters after choosing it, or after giving it up."""

    text: str
    count: int
    is_chosen: bool
    target: list[Parameter]


@dataclass(frozen=True, slots=True)
class FacetMenu:
    """The menu of one field. links: None where they are not counted yet. chosen: how many values are in force."""

    field: RecordField
    name: str
    chosen: int
    links: Sequence[FacetLink] | None


def facet_menus(
    pages: Pages,
    query: RecordQuery,
    parameters: Sequence[Parameter],
    fields: Mapping[RecordField, str],
    counted: Sequence[RecordField],
) -> list[FacetMenu]:
    """A menu for each of `fields`, which have their names. counted: those whose values are looked up now."""
    return [
        FacetMenu(
            field,
            name,
            len(_chosen(field, parameters)),
            _links(field, pages.record_facets(query, field), parameters) if field in counted else None,
        )
        for field, name in fields.items()
    ]


def _chosen(field: RecordField, parameters: Sequence[Parameter]) -> list[str]:
    names = {"since", "until"} if field == "day" else {field}
    return [value for name, value in parameters if name in names]


def _links(field: RecordField, values: Sequence[Facet], parameters: Sequence[Parameter]) -> list[FacetLink]:
    chosen = _chosen(field, parameters)
    return [_link(field, one.value, one.count, chosen, parameters) for one in values if one.value is not None]


def _link(
    field: RecordField, value: str, count: int, chosen: Sequence[str], parameters: Sequence[Parameter]
) -> FacetLink:
    if field == "day":
        rest = without(without(parameters, "since"), "until")
        until = str(date.fromisoformat(value) + timedelta(days=1))
        is_chosen = sorted(chosen) == [value, until]
        return FacetLink(value, count, is_chosen, rest if is_chosen else [*rest, ("since", value), ("until", until)])
    is_chosen = value in chosen
    target = without(parameters, field, value) if is_chosen else with_value(parameters, field, value)
    return FacetLink(value.replace("_", " ") if field == "reason" else value, count, is_chosen, target)
