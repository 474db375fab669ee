"""A local AWS that throttles, breaks and hangs up: nothing lost, nothing doubled."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.aws_faults import Faults, faults_before
from tests.aws.aws_image_api import BODIES, ImageApi, image_api
from tests.aws.aws_stack import Observed, local_aws, observe, run_executions
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.long, needs(local_aws.missing())]

IMAGES = ["pug/plain.jpg", "pug/real.png", "pug/page.jpg", "hound-afghan/posing.jpg"]

# Each fault is injected once, then two calls of that kind pass: every execution meets some, and none meets too many.
EVERY_THIRD = {"sequence": {"fail": 1, "pass": 2}}

FAULTS: dict[str, list[dict[str, Any]]] = {
    "throttled": [
        {"service": "dynamodb", "operation": "PutItem", "error": {"code": "ProvisionedThroughputExceededException"}},
        {"service": "s3", "operation": "PutObject", "error": {"code": "SlowDown", "status": 503}},
    ],
    "hung-up": [
        {"service": "dynamodb", "operation": "PutItem", "reset": True},
        {"service": "s3", "operation": "PutObject", "reset": True},
    ],
    "hung-up-after-the-work": [
        {"service": "dynamodb", "operation": "PutItem", "response": {"abort_bytes": 0}},
        {"service": "s3", "operation": "PutObject", "response": {"abort_bytes": 0}},
    ],
}


@pytest.fixture(scope="module")
def api() -> Iterator[ImageApi]:
    """The images."""
    with image_api() as running:
        yield running


@pytest.fixture
def broken_aws(api: ImageApi, tmp_path: Any) -> Iterator[tuple[Observed, Faults]]:
    """A stack whose functions reach AWS through the proxy."""
    with (
        local_aws.LocalAws(tmp_path / "ministack.log") as running,
        faults_before(running.endpoint, tmp_path / "microburst.log") as faults,
    ):
        stack = running.deploy("pupline", {"Source": f"{api.origin}/api"}, functions_endpoint=faults.endpoint)
        yield observe(stack), faults


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_is_lost_and_nothing_doubled(broken_aws: tuple[Observed, Faults], api: ImageApi, kind: str) -> None:
    """One object in one version, one record and one alert per image, each as if nothing had happened."""
    observed, faults = broken_aws
    faults.inject(*[{**rule, **EVERY_THIRD} for rule in FAULTS[kind]])
    for number, path in enumerate(IMAGES):
        run_executions(observed, {f"run-{number}": {"image_url": api.url(path)}})
    met = faults.fired()
    faults.inject()
    assert {found["status"] for found in observed.executions.values()} == {"SUCCEEDED"}
    assert len([fault for fault in met if "PutItem" in fault]) >= 3
    assert len([fault for fault in met if "PutObject" in fault]) >= 2

    outcomes = {name: record.outcome for name, record in sorted(observed.records().items())}
    assert outcomes == {"run-0": "stored", "run-1": "stored", "run-2": "quarantined", "run-3": "stored"}
    names = [path.rsplit("/", 1)[1] for path in IMAGES]
    stored = {**observed.objects("html/"), **observed.objects("quarantine/")}
    assert stored == {name: BODIES[path] for name, path in zip(names, IMAGES, strict=True)}
    bucket = observed.stack.outputs["ImageBucketName"]
    versions = observed.stack.client("s3").list_object_versions(Bucket=bucket)["Versions"]
    assert len({version["Key"] for version in versions}) == len(versions)
    assert observed.messages() == [
        "A PNG file was detected and processed: posing.jpg",
        "A PNG file was detected and processed: real.png",
        "A file was quarantined instead of stored as an image: page.jpg (content: html)",
    ]


def test_an_audit_table_that_stays_away_is_said(broken_aws: tuple[Observed, Faults], api: ImageApi) -> None:
    """Without its record no execution succeeds; the image is stored all the same."""
    observed, faults = broken_aws
    throttled = {"code": "ProvisionedThroughputExceededException"}
    at_the_table = {"service": "dynamodb", "operation": "PutItem", "resource": "DogImageUploads"}
    faults.inject({**at_the_table, "error": throttled})
    run_executions(observed, {"run-0": {"image_url": api.url("pug/plain.jpg")}})
    faults.inject()
    ended = observed.executions["run-0"]
    assert (ended["status"], ended["error"]) == ("FAILED", "AuditFailed")
    assert observed.records() == {}
    assert observed.objects("html/") == {"plain.jpg": BODIES["pug/plain.jpg"]}
