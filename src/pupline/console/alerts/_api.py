"""The API of alerts."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from pupline.console.alerts._filters import AlertFilters
from pupline.console.alerts._models import (
    AcceptedJob,
    AlertList,
    AlertModel,
    Retry,
    SubscriptionList,
    SubscriptionModel,
)
from pupline.console.alerts._view import alert_view, alerts_view
from pupline.console.job_queue import retry_alerts
from pupline.console.web import Console, Problem


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["alerts"])

    @router.get("/alerts")
    def list_alerts(filters: Annotated[AlertFilters, Query()]) -> AlertList:
        """Alerts with their deliveries, newest first, by page."""
        with console.reader() as backend:
            return AlertList.of(alerts_view(backend, filters))

    @router.get("/subscriptions")
    def list_subscriptions() -> SubscriptionList:
        """Where alerts go. Endpoints are without their secrets."""
        with console.reader() as backend:
            view = alerts_view(backend, AlertFilters(limit=1))
        return SubscriptionList(items=[SubscriptionModel.of(one) for one in view.subscriptions])

    @router.get("/alerts/{alert}")
    def show_alert(alert: str) -> AlertModel:
        """One alert, by its message ID."""
        with console.reader() as backend:
            return AlertModel.of(alert_view(backend, alert))

    @router.post("/alerts/retry", status_code=202)
    def retry(body: Retry) -> AcceptedJob:
        """Deliver what waits now, and try once more what was given up: of these alerts, or of all."""
        return _submit(console, body.alerts)

    @router.post("/alerts/{alert}/retry", status_code=202)
    def retry_one(alert: str) -> AcceptedJob:
        """Deliver what waits now, and try once more what was given up of this alert."""
        with console.reader() as backend:
            found = backend.pages.alert_item(alert)
        return _submit(console, [found.id])

    return router


def _submit(console: Console, alerts: Sequence[str]) -> AcceptedJob:
    if console.settings.stack is not None:
        raise Problem(409, "not_here", "SNS retries the deliveries of a stack by itself")
    job = console.jobs.submit(retry_alerts(alerts))
    return AcceptedJob(message=f"{job.title}: the job is accepted", href=f"/jobs/{job.id}", job=dict(job.as_dict()))
