"""docs/deploy.md tried literally: its commands in order, in a fresh clone, on a local AWS; then what came of them."""

import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pupline import packaging
from pupline.samples import SampleServer
from tests.aws import aws_sam
from tests.aws.aws_sam import ROOT, sam, tree, typed, variables_of
from tests.aws.aws_stack import local_aws
from tests.docs.test_documented_commands import commands_of
from tests.shared.needed_tools import needs
from tools.aws_local import look_around

pytestmark = [pytest.mark.slow, pytest.mark.aws, pytest.mark.long, needs(aws_sam.missing()), needs(local_aws.missing())]

HERE = "an AWS account"
"""What the commands need that the local AWS can take; the others name, after it, what it has not."""

NO_AWS_CLI = None if shutil.which("aws") else "the AWS CLI is not installed"


@dataclass(frozen=True, slots=True)
class Tried:
    """The page, tried. ran: each command line, its exit code and what it printed."""

    clone: Path
    stack: local_aws.Stack
    origin: str
    ran: dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Every command of the page that the local AWS can take, as a user types them."""
    clone = aws_sam.clone(tmp_path_factory.mktemp("clone"))
    programs = tmp_path_factory.mktemp("programs")
    for name, program in {"sam": aws_sam.SAM, "pupline": Path(sys.executable).parent / "pupline"}.items():
        (programs / name).symlink_to(program)
    with (
        SampleServer() as sample,
        local_aws.LocalAws(tmp_path_factory.mktemp("aws") / "ministack.log") as aws,
    ):
        origin = f"http://127.0.0.1:{sample.port}"
        write_what_a_user_has(clone, origin)
        environment = variables_of(clone, aws.endpoint)
        environment["PATH"] = f"{programs}:{environment['PATH']}"
        ran: dict[str, tuple[int, str]] = {}
        outputs: dict[str, str] = {}
        for line in [command.line for command in commands_of(ROOT / "docs" / "deploy.md") if command.needs == HERE]:
            if line.startswith(("aws ", "pupline ")) and not outputs:
                outputs = outputs_of(aws.endpoint)
            if not (line.startswith("aws ") and NO_AWS_CLI):
                ran[line] = typed(filled(line, outputs), clone, environment)
        yield Tried(clone, local_aws.Stack(aws.endpoint, outputs), origin, ran)


def outputs_of(endpoint: str) -> dict[str, str]:
    """The outputs of the stack."""
    (stack,) = local_aws.client(endpoint, "cloudformation").describe_stacks(StackName="pupline")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def write_what_a_user_has(clone: Path, origin: str) -> None:
    """The files that the page does not make: a spec, here of the sample API, and a manifest."""
    preset = (ROOT / "src" / "pupline" / "specs" / "presets" / "dog-ceo.toml").read_text()
    spec = preset.replace("https://images.dog.ceo", origin).replace("https://dog.ceo", origin)
    (clone / "kennel.toml").write_text(spec)
    (clone / "manifest.jsonl").write_text('{"url": "https://images.dog.ceo/breeds/pug/n02110958_1.jpg"}\n')


def filled(line: str, outputs: dict[str, str]) -> str:
    """A command line of the page with the stack's outputs in place of ARN, BUCKET and ALERT_TOPIC_ARN."""
    machine = "BulkStateMachineArn" if "bulk" in line else "StateMachineArn"
    places = {"ALERT_TOPIC_ARN": "AlertTopicArn", "--state-machine-arn ARN": machine, "BUCKET": "ImageBucketName"}
    for place, output in places.items():
        if place in line:
            option = place.removesuffix("ARN") if " " in place else ""
            line = line.replace(place, option + outputs[output])
    return line


def test_the_commands_work_in_their_order(page: Tried) -> None:
    """Those of sam and pupline; `pupline doctor` may find what the local AWS has not."""
    failed = {line: printed for line, (code, printed) in page.ran.items() if not line.startswith("aws ") and code}
    doctor = failed.pop("pupline doctor --backend aws --stack pupline", "")
    assert failed == {}
    assert "Traceback" not in doctor
    assert "5 images: " in page.ran["pupline run --backend aws --stack pupline --count 5 --run-id first"][1]


@needs(NO_AWS_CLI)
def test_the_commands_of_the_aws_cli_work(page: Tried) -> None:
    """Those of the page, and those that `make aws-local` shows."""
    assert [printed for line, (code, printed) in page.ran.items() if line.startswith("aws ") and code] == []
    hints = [line.strip() for line in look_around(page.stack).splitlines() if line.startswith("  aws ")]
    assert hints
    environment = variables_of(page.clone, None) | {"AWS_SECRET_ACCESS_KEY": "test"}
    tried = [typed(line, page.clone, environment) for line in hints]
    assert [printed for code, printed in tried if code] == []


def test_guided_answers_are_saved_where_git_does_not_look(page: Tried) -> None:
    """In samconfig.toml, which the build made: what else is in there stays, and so does every file that git has."""
    saved = tomllib.loads((page.clone / "samconfig.toml").read_text())
    assert "Source=" in saved["default"]["deploy"]["parameters"]["parameter_overrides"]
    assert saved["default"]["global"]["parameters"]["language_extensions"]
    assert "samconfig.toml" in (page.clone / ".gitignore").read_text().splitlines()
    for name in ("samconfig.yaml", "samconfig.example.toml", "template.yaml"):
        assert (page.clone / name).read_bytes() == (ROOT / name).read_bytes()


def test_what_was_deployed_is_what_was_built(page: Tried) -> None:
    """Another build, whatever SAM may take from the last, and another deployment: what changed is in, nothing else.

    Neither asks anything, and the built template is deployed with the settings of the clone.
    """
    code = page.clone / "src" / "pupline" / "lambdas" / "alert_png.py"
    code.write_text(code.read_text() + "# changed\n")
    workflow = page.clone / "statemachine" / "dog_uploader_pipeline.asl.json"
    workflow.write_text(workflow.read_text() + "\n")
    before, deployed = built(page.clone), deployed_code(page.stack)
    assert "kennel.toml" in before["FetchAndUploadDogImage"]
    parameters = ["--parameter-overrides", f"AllowOrigins={page.origin}"]
    template = ["--template-file", ".aws-sam/build/template.yaml"]
    for words in (["build", "--cached", "--parallel"], ["deploy", *template, *parameters]):
        done = sam(page.clone, *words, endpoint=page.stack.endpoint)
        assert done.returncode == 0, done.stderr
    packaged = "pupline/statemachine/dog_uploader_pipeline.asl.json"
    changed = {
        "AlertPNG": {"pupline/lambdas/alert_png.py"},
        "FetchAndUploadDogImage": {packaged},
        "IngestBatch": {packaged},
    }
    assert changes(before, built(page.clone)) == changed
    now = deployed_code(page.stack)
    assert {name for name in now if now[name] != deployed[name]} == set(changed)
    batch_is_ingested(page)


def batch_is_ingested(page: Tried) -> None:
    """IngestBatch as BulkIngest invokes it, which the emulator cannot: its Distributed Map ignores ItemBatcher."""
    event = json.loads((ROOT / "events" / "ingest_batch.json").read_text())
    event["batch"]["Items"][0]["item"] |= {"url": f"{page.origin}/images/breeds/dalmatian/n02110341_7.jpg"}
    answer = page.stack.client("lambda").invoke(FunctionName="IngestBatch", Payload=json.dumps(event))
    body = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, body
    items = page.stack.client("dynamodb").scan(TableName=page.stack.outputs["AuditTableName"])["Items"]
    execution = {"S": f"{event['batch']['BatchInput']['run']}-00000000"}
    assert [item["outcome"] for item in items if item["execution"] == execution] == [{"S": "stored"}]


def built(directory: Path) -> dict[str, dict[str, str]]:
    """What sam deploy takes: each function's files."""
    return {name: tree(directory / ".aws-sam" / "build" / name) for name in packaging.FUNCTIONS}


def changes(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """The files of each function that are new or other than before."""
    found = {
        name: {place for place, digest in files.items() if before[name].get(place) != digest}
        for name, files in after.items()
    }
    return {name: places for name, places in found.items() if places}


def deployed_code(stack: local_aws.Stack) -> dict[str, str]:
    """The SHA-256 of each function's code, as it is deployed."""
    client = stack.client("lambda")
    return {name: client.get_function_configuration(FunctionName=name)["CodeSha256"] for name in packaging.FUNCTIONS}
