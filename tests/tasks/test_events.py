"""The events/ directory: each example is an event as the workflow sends it, and the function takes it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pupline.tasks.alert_png import alert_png
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from tests.shared.batch_world import BatchWorld
from tests.shared.functions_fakes import FakeTable, World, picture

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


@pytest.mark.parametrize(
    ("given", "trouble"),
    [
        ({"input": {"trouble": "there are 9"}}, "there are 9"),
        ({"input": {"trouble": None}}, None),
        ({"input": {}}, None),
        ({"input": []}, None),
        ({"input": {"trouble": 7}}, None),
        ({"trouble": "there are 9"}, "there are 9"),
        ({}, None),
    ],
)
def test_the_summary_tells_why_a_manifest_is_not_all_that_the_source_has(given: Any, trouble: str | None) -> None:
    """From the execution's input, which the workflow passes on; executions of earlier versions have none."""
    world = BatchWorld({URL: [picture("JPEG")]})
    world.clock.time = Clock().now()
    world.batch(event("ingest_batch"))
    asked = {name: value for name, value in event("summarise_ingest").items() if name != "input"}
    world.summary({**asked, **given})
    (key,) = (key for key in world.store.objects if key.endswith("summary.json"))
    found = json.loads(world.store.objects[key].body)
    assert (found["trouble"], found["listed_complete"]) == (trouble, trouble is None)
    assert (found["left_out"], found["left_out_reasons"], found["left_out_examples"]) == (0, {}, [])
