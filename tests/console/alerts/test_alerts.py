"""The alerts' pages and API: what was published, whether it arrived, and why not."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.console.alerts._deliveries import explain
from pupline.console.job_queue import Job, JobRequest
from pupline.local import LocalBackend, LocalPages
from pupline.tasks.pages import AlertItem, DeliveryItem, Page, SubscriptionItem
from tests.console.conftest import console_client, headers_for_writing
from tests.shared.console_world import ALERTED

NOW = 1_800_000_000.0
GONE = SubscriptionItem(subscription="1", protocol="webhook", endpoint="https://x.example/***", removed_at=NOW)
PAUSING = SubscriptionItem(
    subscription="1", protocol="webhook", endpoint="https://x.example/***", last_error="x: Connection refused"
)
QUEUED: dict[str, Any] = {
    **dict.fromkeys(("is_read_only", "schedule", "is_ingest"), False),
    "id": 7,
    "command": "",
    "status": "QUEUED",
    "submitted_at": NOW,
    **dict.fromkeys(("input", "started_at", "ended_at", "exit_code", "process", "waits_for", "run")),
    "stops": 0,
}


def delivery(**fields: Any) -> DeliveryItem:
    """A delivery to a webhook."""
    plain: dict[str, Any] = {"subscription": 1, "protocol": "webhook", "endpoint": "https://x.example/***"}
    return DeliveryItem(**(plain | {"status": "pending", "attempts": 0} | fields))


@pytest.mark.parametrize(
    ("item", "subscription", "why", "next_step", "can_retry"),
    [
        (delivery(status="delivered", attempts=1), None, "Delivered at the first attempt", "", False),
        (delivery(status="delivered", attempts=3), None, "Delivered after 3 attempts", "", False),
        (delivery(), None, "Not tried yet: alerts are delivered while a run", "", True),
        (delivery(), PAUSING, "pauses, because another delivery to it failed: x: Conn", "receiver runs", True),
        (
            delivery(attempts=2, last_error="x answered 503", next_attempt_at=NOW + 9),
            None,
            "Waiting after 2 attempts: x answered 503. It is tried again by itself",
            "tried again by itself",
            True,
        ),
        (delivery(attempts=2, last_error="x answered 429", next_attempt_at=NOW - 9), None, "It is due", "limits", True),
        (
            delivery(status="failed", attempts=1, last_error="x answered 410"),
            None,
            "refused it for good: x answered 410",
            "subscribe with the new one",
            True,
        ),
        (delivery(status="failed", attempts=50, last_error="x"), None, "Given up after 50 attempts: x", "retry", True),
        (delivery(status="failed"), GONE, "The subscription was removed", "", False),
        (
            delivery(protocol="file", endpoint="/nowhere/alerts.jsonl", attempts=1, last_error="no such file"),
            None,
            "Waiting after 1 attempt",
            "Create it, or subscribe another file",
            True,
        ),
    ],
)
def test_each_delivery_says_why_and_what_next(
    item: DeliveryItem, subscription: SubscriptionItem | None, why: str, next_step: str, *, can_retry: bool
) -> None:
    """In plain words, and whether another attempt can be requested."""
    found = explain(item, subscription, NOW)
    assert (why in found.why, next_step in found.next_step) == (True, True), found
    assert bool(found.next_step) == bool(next_step)
    assert found.can_retry is can_retry


def test_the_api_has_the_fields_of_the_command(client: TestClient) -> None:
    """One alert for each execution that alerted; its page and its entry in the API are the same thing."""
    answer = client.get(f"/api/alerts?execution={ALERTED}").json()
    [alert] = answer["items"]
    assert {"topic", "subject", "message", "image_name", "execution", "published_at", "deliveries"} <= set(alert)
    assert answer["count"] == 1
    assert client.get(f"/api/alerts/{alert['message_id']}").json() == alert
    page = client.get(alert["href"]).text
    for words in (alert["message"], f"/executions/{ALERTED}", f"/audit/{alert['record']}", "There was no subscription"):
        assert words in page
    assert client.get("/alerts/none").status_code == client.get("/api/alerts/none").status_code == 404


@pytest.mark.parametrize("query", ["status=lost", "since=someday", "what=1", "before=x"])
def test_what_cannot_be_understood_is_refused(client: TestClient, query: str) -> None:
    """A page and an API answer that say what is wrong."""
    assert client.get(f"/alerts?{query}").status_code == client.get(f"/api/alerts?{query}").status_code == 400


def test_search_and_time_narrow_the_list(client: TestClient) -> None:
    """And an empty list says how to see all."""
    everything = client.get("/api/alerts").json()["count"]
    found = client.get("/api/alerts?q=quarantined").json()
    assert 0 < found["count"] < everything
    assert client.get("/api/alerts?until=2020-01-01").json()["items"] == []
    assert "Show all alerts" in client.get("/alerts?until=2020-01-01").text


def test_without_alerts_there_is_a_next_step(empty_client: TestClient) -> None:
    """For alerts and for subscriptions."""
    page = empty_client.get("/alerts").text
    assert "pupline run --source sample" in page
    assert "pupline subscribe webhook" in page


# ---- deliveries


@pytest.fixture(scope="module")
def failing(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A console over alerts with a secret in a URL, one delivery given up and others waiting."""
    data = Path(shutil.copytree(world, tmp_path_factory.mktemp("failing") / "data"))
    with LocalBackend.open(data, exclusive=True) as backend:
        backend.subscriptions.subscribe("webhook", "https://hooks.example/T0-secret?key=hidden")
        backend.database.write(
            lambda connection: connection.execute(
                "INSERT INTO deliveries (alert_id, subscription_id, attempts, next_attempt_at, given_up_at, last_error)"
                " SELECT alert_id, 1, alert_id = 1, 0, CASE alert_id WHEN 1 THEN 1 END,"
                " CASE alert_id WHEN 1 THEN 'https://hooks.example/*** answered 404' END FROM alerts"
            )
        )
    with console_client(create_app(ConsoleSettings(data_dir=data))) as found:
        yield found


def test_secrets_are_never_shown(failing: TestClient) -> None:
    """Neither on a page nor in the API."""
    alert = failing.get("/api/alerts?status=failed").json()["items"][0]
    for path in ("/alerts", alert["href"], "/api/alerts", "/api/subscriptions", f"/api/alerts/{alert['message_id']}"):
        text = failing.get(path).text
        assert "https://hooks.example/***" in text
        assert "T0-secret" not in text
        assert "key=hidden" not in text


def test_deliveries_are_filtered_by_status(failing: TestClient) -> None:
    """Failed, waiting and delivered ones; the subscription has the counts."""
    counts = {status: failing.get(f"/api/alerts?status={status}").json()["count"] for status in ("failed", "pending")}
    [subscription] = failing.get("/api/subscriptions").json()["items"]
    assert counts == {"failed": 1, "pending": subscription["pending"]}
    assert (subscription["failed"], "subscribe with the new one" in subscription["next_step"]) == (1, True)
    assert failing.get("/api/alerts?status=delivered").json()["count"] == 0


def test_retry_is_the_command_as_a_job(failing: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one alert or of all; the page shows the same command. Without the token nothing happens."""
    assert isinstance(failing.app, FastAPI)
    submitted = []

    def submit(request: JobRequest) -> Job:
        submitted.append(request.arguments)
        return Job(**QUEUED, title=request.title)

    monkeypatch.setattr(failing.app.state.console.jobs, "submit", submit)
    alert = failing.get("/api/alerts?status=failed").json()["items"][0]["message_id"]
    assert failing.post(f"/api/alerts/{alert}/retry", json={}).status_code == 403
    headers = headers_for_writing(failing)
    answer = failing.post(f"/api/alerts/{alert}/retry", json={}, headers=headers)
    assert (answer.status_code, answer.json()["href"]) == (202, "/jobs/7")
    failing.post("/api/alerts/retry", json={"alerts": []}, headers=headers)
    assert submitted == [("alerts", "--retry", f"--alert={alert}"), ("alerts", "--retry")]
    assert f"--retry --alert={alert}" in failing.get(f"/alerts/{alert}").text
    assert failing.post("/api/alerts/none/retry", json={}, headers=headers).status_code == 404


def test_what_a_stack_does_not_know_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """SNS reports no single deliveries, and AWS forgets the text of an alert; there is nothing to retry."""
    known = client.get(f"/api/alerts?execution={ALERTED}").json()["items"][0]
    item = AlertItem(
        id="x",
        topic=known["topic"],
        execution=ALERTED,
        image_name="rex.png",
        subject=None,
        message=None,
        published_at=None,
        attributes={},
        deliveries=None,
    )
    monkeypatch.setattr(LocalPages, "alert_page", lambda *_: Page((item,)))
    monkeypatch.setattr(LocalPages, "alert_item", lambda *_: item)
    assert "rex.png" in (page := client.get("/alerts").text)
    assert "unknown" in page
    page = client.get("/alerts/x").text
    assert "SNS does not report single deliveries" in page
    assert "90 days" in page
    assert "--retry" not in page
    assert client.get("/api/alerts/x").json()["deliveries"] is None
