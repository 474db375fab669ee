"""The events/ directory: each example is an event as the workflow sends it, and the function takes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from batch_world import BatchWorld
from functions_fakes import FakeTable, World, picture

from pupline.functions.alert_png import alert_png
from pupline.functions.fetch_and_upload_dog_image import fetch_and_upload
from pupline.functions.log_to_dynamodb import log_to_dynamodb

EVENTS = Path(__file__).parents[2] / "events"
URL = "https://images.dog.ceo/breeds/hound-afghan/n02088094_1003.jpg"


class Clock:
    """Noon."""

    def now(self) -> float:
        """The time."""
        return 1769860800.0


def event(name: str) -> Any:
    """An example."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    """The examples for one function."""
    return sorted(path.stem for path in EVENTS.glob(f"{prefix}*.json"))


@pytest.mark.parametrize("name", names("fetch_and_upload_dog_image_"))
def test_fetch_takes_its_examples(name: str) -> None:
    """Random, by breed, by URL: what the workflow makes of the input of the same name."""
    given = event(name)
    world = World({URL: [picture("JPEG")]}, [URL])
    assert fetch_and_upload(given, world.services)["status"] == "success"
    assert given["Input"] == event(name.replace("fetch_and_upload_dog_image", "workflow"))


def test_alert_takes_its_example() -> None:
    """The words of the alert come back."""
    assert alert_png(event("alert_png"))["status"] == "alert"


@pytest.mark.parametrize("name", names("log_to_dynamodb_"))
def test_log_takes_its_examples(name: str) -> None:
    """An image, one with an alert, a failure."""
    item = log_to_dynamodb(event(name), FakeTable(), Clock())["logged_item"]
    assert isinstance(item, dict)
    assert item["source_url"]
    assert item["breed"] == "hound/afghan"


def test_the_bulk_functions_take_their_examples() -> None:
    """A batch of one image, and the summary of a run of one: the two examples are of the same run."""
    world = BatchWorld({URL: [picture("JPEG")]})
    world.clock.time = Clock().now()
    assert world.batch(event("ingest_batch"))["outcomes"] == {"stored": 1}
    given = event("summarise_ingest")
    answer = world.summary(given)
    assert (answer["done"], answer["complete"], answer["tolerance_exceeded"]) == (1, True, False)
    assert {given[name] for name in ("run", "dataset")} == {event("bulk_ingest")[name] for name in ("run", "dataset")}
