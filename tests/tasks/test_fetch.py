"""FetchAndUploadDogImage: what it gives, what it stores, and that doing it again changes nothing."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from pupline.errors import InvalidInput, NotFound, OutOfTime, ServerError, StorageError
from pupline.images import name_extension
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from tests.shared.functions_fakes import PUG, Crash, Killed, World, picture

JPEG = picture("JPEG")
OTHER = picture("JPEG", "black")
HTML = b"<!doctype html><html><body>not a dog</body></html>"


def by_url(name: str, execution: str = "run-1") -> dict[str, Any]:
    """An event for a known image."""
    return {"image_url": PUG + name, "execution": execution}


def test_a_random_image_is_stored_and_described() -> None:
    """The result tells everything the workflow and the audit need, and the object is the bytes as they came."""
    world = World({PUG + "n02.jpg": [JPEG]}, [PUG + "n02.jpg"])
    assert fetch_and_upload({"execution": "run-1"}, world.services) == {
        "status": "success",
        "uploaded_image": "n02.jpg",
        "image_url": "https://bucket.example/html/n02.jpg",
        "outcome": "stored",
        "reason": "accepted",
        "key": "html/n02.jpg",
        "file_type": "jpg",
        "name_extension": "jpg",
        "extension_agrees": True,
        "alert_reasons": [],
        "sha256": sha256(JPEG).hexdigest(),
        "size_bytes": len(JPEG),
        "width": 4,
        "height": 3,
        "content_type": "image/jpeg",
        "source": "dog-ceo",
        "source_url": PUG + "n02.jpg",
        "breed": "pug",
    }
    assert world.store.objects["html/n02.jpg"].body == JPEG
    assert world.store.objects["html/n02.jpg"].content_type == "image/jpeg"


def test_the_breed_and_the_execution_reach_the_source() -> None:
    """The source is asked for the breed of the event, on behalf of the execution."""
    world = World({PUG + "a.jpg": [JPEG]}, [PUG + "a.jpg"])
    fetch_and_upload({"execution": "run-1", "breed": "hound/afghan"}, world.services)
    assert world.source.asked == [("hound/afghan", "run-1")]


def test_the_context_objects_execution_names_the_execution() -> None:
    """The workflow merges its Context Object's Execution into the input; its Name is the idempotency key."""
    world = World({PUG + "a.jpg": [JPEG]})
    context: dict[str, Any] = {
        "Id": "arn:aws:states:…",
        "Name": "run-7",
        "RoleArn": "arn:aws:iam:…",
        "StartTime": "…",
        "Input": {},
    }
    fetch_and_upload({"image_url": PUG + "a.jpg", **context}, world.services)
    assert world.store.objects["html/a.jpg"].owner == "run-7"


def in_express(since: str = "2026-01-31T12:00:00.000Z") -> dict[str, Any]:
    """What the workflow adds to the input in an Express execution of the name `run-1`."""
    machine = "arn:aws:states:eu-central-1:123456789012:express:DogUploaderPipeline"
    return {"Id": f"{machine}:run-1:0a1b", "Name": "run-1", "StartTime": since}


NOON = 1_769_860_800.0


def test_no_attempt_begins_late_in_an_express_execution() -> None:
    """Neither the API nor the image is asked for: the time that is left is for the record, which names the image."""
    world = World({PUG + "a.jpg": [ServerError("busy"), JPEG]}, [PUG + "a.jpg"])
    with pytest.raises(ServerError):
        fetch_and_upload(in_express(), replace(world.services, now=lambda: NOON + 150))
    with pytest.raises(OutOfTime, match="151 seconds of an Express execution have passed") as caught:
        fetch_and_upload(in_express(), replace(world.services, now=lambda: NOON + 151))
    assert caught.value.details["source_url"] == PUG + "a.jpg"
    with pytest.raises(OutOfTime):
        fetch_and_upload({**in_express(), "Name": "run-2"}, replace(world.services, now=lambda: NOON + 151))
    assert (len(world.client.asked), len(world.source.asked)) == (1, 1)


def test_a_standard_execution_has_all_the_time() -> None:
    """It may be redriven days after its start."""
    world = World({PUG + "a.jpg": [JPEG]})
    context = {**in_express(), "Id": "arn:aws:states:eu-central-1:123456789012:execution:DogUploaderPipeline:run-1"}
    assert fetch_and_upload({**context, "image_url": PUG + "a.jpg"}, replace(world.services, now=lambda: NOON + 1e6))


def test_a_failed_pick_names_its_source() -> None:
    """When the API itself fails there is no URL, but the record names the source."""

    class Down:
        def random_image(self, breed: str | None, execution: str | None) -> str:
            raise ServerError(f"no {breed} for {execution}")

    services = replace(World({}).services, source=Down())
    with pytest.raises(ServerError) as caught:
        fetch_and_upload({"execution": "run-1"}, services)
    assert caught.value.details == {"source": "dog-ceo"}


def test_a_known_url_asks_no_source() -> None:
    """With image_url no API is asked, and the record says that the URL was given."""
    world = World({PUG + "a.jpg": [JPEG]})
    assert fetch_and_upload(by_url("a.jpg"), world.services)["source"] == "image_url"
    assert world.source.asked == []


@pytest.mark.parametrize(
    ("name", "body", "file_type", "reasons"),
    [
        ("a.png", picture("PNG"), "png", ["png_content", "png_name"]),
        ("a.jpg", picture("PNG"), "png", ["png_content", "extension_mismatch"]),
        ("a.PNG", JPEG, "jpg", ["png_name", "extension_mismatch"]),
        ("a.jpg", picture("GIF"), "gif", ["extension_mismatch"]),
        ("a.jpeg", JPEG, "jpg", []),
        ("a", JPEG, "jpg", []),
    ],
)
def test_every_reason_to_alert_is_named(name: str, body: bytes, file_type: str, reasons: list[str]) -> None:
    """Content, name, and their contradiction each add their own word."""
    found = fetch_and_upload(by_url(name), World({PUG + name: [body]}).services)
    assert (found["file_type"], found["alert_reasons"], found["outcome"]) == (file_type, reasons, "stored")


@pytest.mark.parametrize(
    ("body", "reason"), [(HTML, "not_an_image"), (JPEG[:-40], "damaged_image"), (b"", "not_an_image")]
)
def test_what_is_no_sound_image_is_quarantined(body: bytes, reason: str) -> None:
    """It never gets under the image prefix, and no browser would render it from where it is."""
    world = World({PUG + "a.jpg": [body]})
    found = fetch_and_upload(by_url("a.jpg"), world.services)
    assert (found["outcome"], found["reason"], found["key"]) == ("quarantined", reason, "quarantine/a.jpg")
    assert reason in str(found["alert_reasons"])
    assert list(world.store.objects) == ["quarantine/a.jpg"]
    assert world.store.objects["quarantine/a.jpg"].content_type == "application/octet-stream"


def test_the_same_bytes_from_another_execution_are_a_duplicate() -> None:
    """Nothing is stored twice under one name."""
    world = World({PUG + "a.jpg": [JPEG]})
    world.put("html/a.jpg", JPEG, "run-0")
    found = fetch_and_upload(by_url("a.jpg"), world.services)
    assert (found["outcome"], found["reason"]) == ("duplicate", "same_content")
    assert world.store.objects["html/a.jpg"].owner == "run-0"


def test_other_bytes_of_the_same_name_get_a_name_beside_it() -> None:
    """Both images are kept."""
    world = World({PUG + "a.jpg": [JPEG]})
    world.put("html/a.jpg", OTHER, "run-0")
    found = fetch_and_upload(by_url("a.jpg"), world.services)
    name = f"a-{sha256(JPEG).hexdigest()[:8]}.jpg"
    assert (found["uploaded_image"], found["reason"], found["outcome"]) == (name, "renamed", "stored")
    assert world.store.objects[f"html/{name}"].body == JPEG
    assert world.store.objects["html/a.jpg"].body == OTHER


def test_a_name_taken_on_purpose_does_not_stop_an_image() -> None:
    """Even where the second name is taken by other bytes, a third one is found."""
    world = World({PUG + "a.jpg": [JPEG]})
    digest = sha256(JPEG).hexdigest()
    world.put("html/a.jpg", OTHER, "run-0")
    world.put(f"html/a-{digest[:8]}.jpg", OTHER, "run-0")
    found = fetch_and_upload(by_url("a.jpg"), world.services)
    assert found["uploaded_image"] == f"a-{digest[:8]}-{digest[8:16]}.jpg"


def test_names_are_not_tried_without_end() -> None:
    """When all names are taken, it says so and where to look."""
    world = World({PUG + "a.jpg": [JPEG]})
    name, digest = "a", sha256(JPEG).hexdigest()
    for start in range(0, 64, 8):
        world.put(f"html/{name}.jpg", OTHER, "run-0")
        name += f"-{digest[start : start + 8]}"
    with pytest.raises(StorageError, match=r"all 8 names .* look at the keys under html/"):
        fetch_and_upload(by_url("a.jpg"), world.services)


EVENTS = [
    pytest.param({"execution": "run-1"}, id="random"),
    pytest.param(by_url("a.jpg"), id="by-url"),
    pytest.param(by_url("a"), id="without-extension"),
]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
@pytest.mark.parametrize("body", [JPEG, HTML], ids=["image", "no-image"])
@pytest.mark.parametrize(
    "second_body",
    [JPEG, HTML, OTHER, picture("PNG")],
    ids=["then-image", "then-no-image", "then-other", "then-other-type"],
)
def test_a_second_attempt_after_any_crash_gives_one_object(
    event: dict[str, Any], taken: bool, body: bytes, second_body: bytes
) -> None:
    """Killed before or after any write, with other bytes or another pick served next time: still one object of its own.

    The one thing a crash may change is which bytes it is, when none were stored yet.
    """
    for at in range(1, 5):
        for after in (False, True):
            crash = Crash(at, after=after)
            world = World(
                {PUG + "a.jpg": [body, second_body], PUG + "a": [body, second_body], PUG + "b.jpg": [OTHER]},
                [PUG + "a.jpg", PUG + "b.jpg"],
                crash,
            )
            if taken:
                world.put("html/a.jpg", b"somebody else's", "run-0")
                world.put("quarantine/a.jpg", b"somebody else's", "run-0")
            try:
                first = fetch_and_upload(event, world.services)
            except Killed:
                first = None
            crash.at = 0
            stored = {key for key, found in world.store.objects.items() if found.owner == "run-1"}
            second = fetch_and_upload(event, world.services)
            mine = {key for key, found in world.store.objects.items() if found.owner == "run-1"}
            assert mine == {second["key"]}
            assert sha256(world.store.objects[str(second["key"])].body).hexdigest() == second["sha256"]
            assert stored <= mine
            if first is not None:
                assert {**second, "source_url": None} == {**first, "source_url": None}


@pytest.mark.parametrize(
    ("name", "stored"), [("photo-3", "photo-3.jpg"), ("2.php", "2.jpg"), ("v1.2", "v1.2.jpg"), ("", "unnamed.jpg")]
)
def test_an_image_gets_the_extension_of_its_content(name: str, stored: str) -> None:
    """The record says what the URL's name was, so no alert comes or goes by the new name."""
    found = fetch_and_upload(by_url(name), World({PUG + name: [JPEG]}).services)
    assert (found["uploaded_image"], found["reason"], found["alert_reasons"]) == (stored, "accepted", [])
    assert (found["name_extension"], found["extension_agrees"]) == (name_extension(name), None)


def test_what_an_earlier_version_stored_is_found() -> None:
    """It named an image like its URL: its execution is not given a second object, and nobody's bytes are kept twice."""
    world = World({PUG + "photo-3": [OTHER, JPEG, OTHER]})
    world.put("html/photo-3", JPEG, "run-1")
    found = fetch_and_upload(by_url("photo-3", "run-1"), world.services)
    assert (found["key"], found["outcome"], found["reason"]) == ("html/photo-3", "stored", "accepted")
    again = fetch_and_upload(by_url("photo-3", "run-2"), world.services)
    assert (again["key"], again["outcome"]) == ("html/photo-3", "duplicate")
    other = fetch_and_upload(by_url("photo-3", "run-3"), world.services)
    assert (other["key"], other["reason"]) == ("html/photo-3.jpg", "accepted")


def test_a_pick_survives_the_source() -> None:
    """A second attempt does not ask the source again, so it works while the source is down."""
    world = World({PUG + "a.jpg": [NotFound("gone"), JPEG]}, [PUG + "a.jpg"])
    with pytest.raises(NotFound):
        fetch_and_upload({"execution": "run-1"}, world.services)
    assert fetch_and_upload({"execution": "run-1"}, world.services)["uploaded_image"] == "a.jpg"
    assert len(world.source.asked) == 1


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([], r"the event is \[\]; it has to be a JSON object"),
        ({}, "names no execution"),
        ({"execution": "x", "bread": "pug"}, "the input has 'bread'; it may be {} or have breed or image_url"),
        ({"execution": "x", "breed": "pug", "image_url": "http://a"}, "both breed and image_url"),
        ({"execution": "x", "breed": 3}, "breed is 3; it has to be text"),
        ({"execution": "x", "image_url": ""}, "image_url is ''"),
        ({"execution": "x", "image_url": "http://a/" + "x" * 2048}, "text of 1 to 2048 characters"),
        ({"execution": "\x1b[2J" * 40}, r"\\x1b"),
    ],
)
def test_a_wrong_event_is_refused_in_words(event: Any, message: str) -> None:
    """InvalidInput says which field, what was found and what is expected; nothing is fetched."""
    world = World({})
    with pytest.raises(InvalidInput, match=message):
        fetch_and_upload(event, world.services)
    assert world.client.asked == []
