"""End to end on a local AWS: the real template and functions, every way an execution can go; then the same at home."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pupline.backends import ExecutionResult, RunRequest, RunSettings, WorkflowRunner
from pupline.tasks.records import AuditRecord
from tests.aws.aws_image_api import BODIES, ImageApi, image_api
from tests.aws.aws_stack import Observed, local_aws, observe, run_executions
from tests.shared.needed_tools import needs

pytestmark = needs(local_aws.missing())

IMAGES = {
    "plain": "pug/plain.jpg",
    "real": "pug/real.png",
    "posing": "hound-afghan/posing.jpg",
    "named": "pug/named.png",
    "gif": "pug/gif.jpg",
    "page": "pug/page.jpg",
    "cut": "pug/cut.jpg",
    "busy": "pug/busy.jpg",
    "later": "pug/later.jpg",
    "gone": "pug/gone.jpg",
    "wall": "pug/wall.jpg",
}
SECOND = {"copy": "copy/plain.jpg", "other": "other/plain.jpg"}
"""These find `plain.jpg` there already."""


def execution(name: str) -> str:
    """As `pupline run --run-id NAME` names its only execution."""
    return f"{name}-00001"


@pytest.fixture(scope="module")
def api() -> Iterator[ImageApi]:
    """The images."""
    with image_api() as running:
        yield running


@pytest.fixture(scope="module")
def aws(api: ImageApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The stack after one execution per image."""
    with local_aws.LocalAws(tmp_path_factory.mktemp("aws") / "ministack.log") as running:
        observed = observe(running.deploy("pupline", {"Source": f"{api.origin}/api"}))
        for images in (IMAGES, SECOND):
            run_executions(observed, {execution(name): {"image_url": api.url(path)} for name, path in images.items()})
        yield observed


def test_every_execution_ends_as_it_should(aws: Observed) -> None:
    """A 404 and a refused redirect fail under their names, everything else succeeds, retried or not."""
    ends = {name: found.get("error") or found["status"] for name, found in aws.executions.items()}
    expected = {execution(name): "SUCCEEDED" for name in {**IMAGES, **SECOND}}
    assert ends == expected | {execution("gone"): "NotFound", execution("wall"): "BlockedAddress"}


def test_every_execution_has_one_record(aws: Observed) -> None:
    """With the outcome and the reason, also where no image came of it."""
    found = {name.removesuffix("-00001"): (record.outcome, record.reason) for name, record in aws.records().items()}
    assert found == {
        **dict.fromkeys(["plain", "real", "posing", "named", "gif", "busy", "later"], ("stored", "accepted")),
        "other": ("stored", "renamed"),
        "copy": ("duplicate", "same_content"),
        "page": ("quarantined", "not_an_image"),
        "cut": ("quarantined", "damaged_image"),
        "gone": ("failed", "not_found"),
        "wall": ("refused", "blocked_address"),
    }


def test_the_bucket_holds_what_was_served(aws: Observed) -> None:
    """Byte for byte, images under html/, and what is no sound image apart from them."""
    assert sorted(aws.objects("html/").values()) == sorted(
        BODIES[path] for path in BODIES if path not in ("pug/page.jpg", "pug/cut.jpg", "copy/plain.jpg")
    )
    assert aws.objects("quarantine/") == {"page.jpg": BODIES["pug/page.jpg"], "cut.jpg": BODIES["pug/cut.jpg"]}


def test_each_alert_is_delivered_once(aws: Observed) -> None:
    """To a subscriber of the topic, in the words of its rule."""
    assert aws.messages() == [
        "A PNG file was detected and processed: posing.jpg",
        "A PNG file was detected and processed: real.png",
        "A file extension contradicts the content, which is gif: gif.jpg",
        "A file named as a PNG was processed, but its content is jpg: named.png",
        "A file was quarantined instead of stored as an image: cut.jpg (content: jpg)",
        "A file was quarantined instead of stored as an image: page.jpg (content: html)",
    ]


def test_a_finished_name_starts_nothing_new(aws: Observed) -> None:
    """An execution's name is its idempotency key: the same start finds the first execution's record."""
    before = aws.records()
    states = aws.stack.client("stepfunctions")
    given = aws.executions[execution("plain")]["input"]
    machine = aws.stack.outputs["StateMachineArn"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=machine, name=execution("plain"), input=given + " ")
    assert aws.records() == before


def test_one_machine_writes_the_same_records(aws: Observed, api: ImageApi, tmp_path: Path) -> None:
    """The same workflow file and functions at home: record by record the same, but for where and when."""
    api.asked.clear()
    for name, path in {**IMAGES, **SECOND}.items():
        settings = RunSettings(source=f"{api.origin}/api", image_url=api.url(path))
        heard: list[object] = []
        with WorkflowRunner.open(tmp_path, 1, heard.append) as machine:
            machine.run(RunRequest(settings, 1, run_id=name))
        (result,) = (event for event in heard if isinstance(event, ExecutionResult))
        theirs = aws.records()[execution(name)]
        assert result.record is not None
        assert alike(result.record) == alike(theirs)
        assert (result.record.image_url is None) == (theirs.image_url is None)


def alike(record: AuditRecord) -> AuditRecord:
    """The record without what depends on the place and the hour."""
    return replace(record, image_url=None, upload_timestamp="")
