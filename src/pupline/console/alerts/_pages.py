"""The pages of alerts."""

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.console.alerts._filters import SELECTING, AlertFilters
from pupline.console.alerts._view import alert_view, alerts_view
from pupline.console.job_queue import retry_alerts
from pupline.console.web import Console, Parameter, chips, with_parameters, without
from pupline.tasks.pages import DELIVERY_STATUSES

STATUS_WORDS = {"delivered": "delivered", "pending": "waiting", "failed": "failed"}
"""What people call them."""


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/alerts")
    def alerts(request: Request, filters: Annotated[AlertFilters, Query()]) -> Response:
        given = [one for one in request.query_params.multi_items() if one[0] in SELECTING and one[1]]
        with console.reader() as backend:
            view = alerts_view(backend, filters)
            options = backend.options
        return console.page(
            request,
            "alerts/alerts.html",
            view=view,
            filters=filters,
            kept=given,
            segments=_segments(filters, given),
            chips=[(name, STATUS_WORDS.get(value, value), rest) for name, value, rest in chips(given)],
            words=STATUS_WORDS,
            now=time.time(),
            retry_command=console.jobs.command(retry_alerts(())),
            options=options,
        )

    @router.get("/alerts/{alert}")
    def alert(request: Request, alert: str) -> Response:
        with console.reader() as backend:
            view = alert_view(backend, alert)
        return console.page(
            request,
            "alerts/alert.html",
            view=view,
            words=STATUS_WORDS,
            now=time.time(),
            retry_command=console.jobs.command(retry_alerts([view.item.id])),
            parent="/alerts",
        )

    return router


def _segments(filters: AlertFilters, given: Sequence[Parameter]) -> list[tuple[str, str, bool]]:
    """The choice of a status: label, path, and whether it is the present one."""
    rest = without(given, "status")
    found = [("All", with_parameters("/alerts", rest), not filters.status)]
    for status in DELIVERY_STATUSES:
        href = with_parameters("/alerts", [*rest, ("status", status)])
        found.append((STATUS_WORDS[status].capitalize(), href, status in filters.status))
    return found
