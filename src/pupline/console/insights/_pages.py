"""The page of insights."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.console.insights._charts import charts_of
from pupline.console.insights._filters import InsightFilters
from pupline.console.insights._insights import InsightFigures
from pupline.console.insights._store import command_of
from pupline.console.insights._view import Links, rankings, span_of
from pupline.console.web import Console, with_parameters, without

_PATIENCE_SECONDS = 0.2
_SPANS = (("All", None), ("24 h", "24h"), ("7 days", "7d"), ("30 days", "30d"), ("90 days", "90d"))


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    insights = console.shared(InsightFigures)

    @router.get("/insights")
    def show(request: Request, filters: Annotated[InsightFilters, Query()]) -> Response:
        found = insights.find(filters, request.query_params.multi_items(), _PATIENCE_SECONDS)
        kept = list(found.chosen.kept)
        given = dict(kept)
        rest = without(without(kept, "since"), "until")
        links = Links(found.chosen)
        figures = found.counted.figures if found.counted else found.preview
        return console.page(
            request,
            "insights/insights.html",
            found=found,
            figures=figures,
            rankings=rankings(figures, links) if figures else {},
            charts=charts_of(figures, links) if figures else None,
            links=links,
            span=span_of(found.chosen.selection),
            spans=[
                (
                    label,
                    with_parameters("/insights", rest if since is None else [*rest, ("since", since)]),
                    given.get("since") == since and "until" not in given,
                )
                for label, since in _SPANS
            ],
            given=given,
            rest=rest,
            command=" ".join(["pupline", *command_of(found.chosen.selection)]) + found.options,
        )

    return router
