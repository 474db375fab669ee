"""`sam build` makes the packages that pupline stages: in a fresh clone, in a project, and after another build."""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pupline import packaging
from tests.aws import aws_sam
from tests.aws.aws_image_api import BODIES, ImageApi, image_api
from tests.aws.aws_sam import make, sam, tree
from tests.aws.aws_stack import Observed, local_aws, observe, run_executions
from tests.cli.conftest import pupline
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.slow, needs(aws_sam.missing()), needs(local_aws.missing())]

SPEC = "name = 'kennel'\nbase_url = 'https://api.example.org'\nitems = '[]'\n"


def built(directory: Path) -> dict[str, dict[str, str]]:
    """What sam deploy would take: each function's files."""
    return {name: tree(directory / ".aws-sam" / "build" / name) for name in packaging.FUNCTIONS}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone after `sam build`, with no more than a Python."""
    directory = aws_sam.clone(tmp_path_factory.mktemp("clone with spaces"))
    done = sam(directory, "build", PATH=aws_sam.plain_python(tmp_path_factory.mktemp("python")))
    assert done.returncode == 0, done.stderr
    return directory


def test_sam_build_makes_what_pupline_package_stages(clone: Path, tmp_path: Path) -> None:
    """File by file, for each function of the template."""
    for name in packaging.FUNCTIONS:
        packaging.stage(name, tmp_path)
    assert built(clone) == {name: tree(tmp_path / name) for name in packaging.FUNCTIONS}


@pytest.fixture(scope="module")
def api() -> Iterator[ImageApi]:
    """The images."""
    with image_api() as running:
        yield running


@pytest.fixture(scope="module")
def aws(clone: Path, api: ImageApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """The stack of the clone on a local AWS, after the questions of --guided, each answered with Enter."""
    directory = tmp_path_factory.mktemp("aws")
    with local_aws.LocalAws(directory / "ministack.log") as running:
        words = ["--parameter-overrides", f"Source={api.origin}/api", f"AllowOrigins={api.origin}"]
        asked = sam(clone, "deploy", "--guided", *words, endpoint=running.endpoint, given="\n" * 60)
        assert "Saved arguments to config file" in asked.stdout, asked.stderr
        done = sam(clone, "deploy", "--no-confirm-changeset", endpoint=running.endpoint)
        assert done.returncode == 0, done.stdout + done.stderr
        outputs = local_aws.outputs_of(local_aws.client(running.endpoint, "cloudformation"), "pupline")
        yield observe(local_aws.Stack(running.endpoint, outputs))


def test_guided_answers_are_saved_where_git_does_not_look(aws: Observed, clone: Path) -> None:
    """In samconfig.toml, which the build made: what else is in there stays, and so does every file that git has."""
    assert aws.stack.outputs
    saved = tomllib.loads((clone / "samconfig.toml").read_text())
    assert "Source=" in saved["default"]["deploy"]["parameters"]["parameter_overrides"]
    assert saved["default"]["global"]["parameters"]["language_extensions"]
    assert "samconfig.toml" in (clone / ".gitignore").read_text().splitlines()
    for name in ("samconfig.yaml", "samconfig.example.toml", "template.yaml"):
        assert (clone / name).read_bytes() == (aws_sam.ROOT / name).read_bytes()


def test_the_deployed_pipeline_stores_records_and_alerts(aws: Observed, api: ImageApi) -> None:
    """With the code of the build, on the runtime of the template."""
    run_executions(
        aws, {"a-png": {"image_url": api.url("pug/real.png")}, "random": {"image_url": api.url("pug/plain.jpg")}}
    )
    assert {name: found["status"] for name, found in aws.executions.items()} == dict.fromkeys(
        aws.executions, "SUCCEEDED"
    )
    assert {name: record.alert_sent for name, record in aws.records().items()} == {"a-png": True, "random": None}
    assert aws.objects("html/") == {"real.png": BODIES["pug/real.png"], "plain.jpg": BODIES["pug/plain.jpg"]}
    assert aws.messages() == ["A PNG file was detected and processed: real.png"]


def test_the_deployed_batch_function_stores_and_records(aws: Observed, api: ImageApi) -> None:
    """As BulkIngest invokes it, which the emulator cannot: its Distributed Map ignores ItemBatcher."""
    event = json.loads((aws_sam.ROOT / "events" / "ingest_batch.json").read_text())
    event["batch"]["Items"][0]["item"] |= {"url": api.url("other/plain.jpg")}
    answer = aws.stack.client("lambda").invoke(FunctionName="IngestBatch", Payload=json.dumps(event))
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    assert list(aws.objects("html/dog-ceo/").values()) == [BODIES["other/plain.jpg"]]
    items = aws.stack.client("dynamodb").scan(TableName=aws.stack.outputs["AuditTableName"])["Items"]
    execution = {"S": f"{event['batch']['BatchInput']['run']}-00000000"}
    assert [item["outcome"] for item in items if item["execution"] == execution] == [{"S": "stored"}]


def test_a_second_build_has_what_changed_in_between(aws: Observed, clone: Path) -> None:
    """Code, alert rules and specs, also where SAM may take what it built before; and nothing else is deployed again."""
    code = clone / "src" / "pupline" / "lambdas" / "alert_png.py"
    code.write_text(code.read_text() + "# changed\n")
    workflow = clone / "statemachine" / "dog_uploader_pipeline.asl.json"
    workflow.write_text(workflow.read_text() + "\n")
    (clone / "sources").mkdir()
    (clone / "sources" / "kennel.toml").write_text(SPEC)
    before, deployed = built(clone), deployed_code(aws)
    for words in (["build", "--cached", "--parallel"], ["deploy", "--no-confirm-changeset"]):
        done = sam(clone, *words, endpoint=aws.stack.endpoint)
        assert done.returncode == 0, done.stderr
    packaged = "pupline/statemachine/dog_uploader_pipeline.asl.json"
    assert changes(before, built(clone)) == {
        "AlertPNG": {"pupline/lambdas/alert_png.py"},
        "FetchAndUploadDogImage": {packaged, "kennel.toml"},
        "IngestBatch": {packaged},
    }
    now = deployed_code(aws)
    assert {name for name in now if now[name] != deployed[name]} == {
        "AlertPNG",
        "FetchAndUploadDogImage",
        "IngestBatch",
    }


def changes(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """The files of each function that are new or other than before."""
    found = {
        name: {place for place, digest in files.items() if before[name].get(place) != digest}
        for name, files in after.items()
    }
    return {name: places for name, places in found.items() if places}


def deployed_code(aws: Observed) -> dict[str, str]:
    """The SHA-256 of each function's code, as it is deployed."""
    client = aws.stack.client("lambda")
    return {name: client.get_function_configuration(FunctionName=name)["CodeSha256"] for name in packaging.FUNCTIONS}


def test_a_build_that_cannot_work_says_why(clone: Path, tmp_path: Path) -> None:
    """Rules that IngestBatch could not evaluate, a Python that is too old, a function of the user's: what to do."""
    workflow = clone / "statemachine" / "dog_uploader_pipeline.asl.json"
    good = workflow.read_text()
    workflow.write_text("{}")
    refused = sam(clone, "build", "AlertPNG")
    workflow.write_text(good)
    assert refused.returncode == 1
    assert f"{workflow}: " in refused.stderr
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name, python, problem in (
        ("AlertPNG", str(old), "pupline needs Python 3.11 or newer; try: PYTHON=python3.12 sam build"),
        ("Resize", sys.executable, "Resize is not one of the functions FetchAndUploadDogImage, "),
    ):
        done = make(clone, name, tmp_path / "none", PYTHON=python)
        assert done.returncode
        assert problem in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_project_is_built_with_the_installed_pupline(tmp_path: Path) -> None:
    """Its workflow and its specs, as `pupline package` stages them; without pupline on the PATH, what to do."""
    project = tmp_path / "dogs"
    assert pupline("init", "--aws", project).code == 0
    workflow = project / "statemachine" / "dog_uploader_pipeline.asl.json"
    workflow.write_text(workflow.read_text() + "\n")
    for staged in packaging.stage_all(tmp_path / "staged", packaging.own_specs(project), workflow):
        done = make(project, staged.name, tmp_path / staged.name, PUPLINE=str(Path(sys.executable).parent / "pupline"))
        assert done.returncode == 0, done.stderr
        assert tree(tmp_path / staged.name) == tree(tmp_path / "staged" / staged.name)
    assert "my-source.toml" in tree(tmp_path / "FetchAndUploadDogImage")
    refused = make(project, "AlertPNG", tmp_path / "none", PATH=aws_sam.PROGRAMS)
    assert refused.returncode
    assert "activate the environment that pupline is installed in" in refused.stderr
