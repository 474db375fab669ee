"""The API of insights."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from pupline.console.insights._filters import InsightFilters
from pupline.console.insights._insights import InsightFigures
from pupline.console.insights._models import FiguresModel, InsightsModel
from pupline.console.insights._view import span_of
from pupline.console.web import Console, Problem
from pupline.text import timestamp

_PATIENCE_SECONDS = 60.0


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["insights"])
    insights = console.shared(InsightFigures)

    @router.get("/insights")
    def show_insights(request: Request, filters: Annotated[InsightFilters, Query()]) -> InsightsModel:
        """The audit in figures, as `pupline insights --json` counts them."""
        found = insights.find(filters, request.query_params.multi_items(), _PATIENCE_SECONDS)
        if found.counted is None:
            raise Problem(503, "counting", f"{found.records:,} records are still being counted; ask again in a moment")
        since, until = span_of(found.chosen.selection)
        return InsightsModel(
            counted_at=timestamp(found.counted.at),
            since=since,
            until=until,
            figures=FiguresModel.model_validate(found.counted.figures),
        )

    return router
